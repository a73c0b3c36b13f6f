// A maintenance window: `Sat 22:00-05:00 Asia/Tokyo`. Whether it is open is asked of the clock on the wall in its zone,
// so that midnight, the end of a month and the change to summer time need no rule of their own. Pure; runs in
// workflows.

export interface MaintenanceWindow {
  /** 0 is Sunday; the day on which it opens. Empty: every day. */
  days: number[];
  /** Minutes since midnight. Past midnight when the second is the smaller one. */
  from: number;
  to: number;
  /** IANA name: `Asia/Tokyo`. */
  zone: string;
}

export type WindowState =
  /** null: it never closes. */
  | { open: true; closesAt: number | null }
  /** null: it never opens. */
  | { open: false; opensAt: number | null };

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAY_MINUTES = 24 * 60;
/** All zones and all changes of the clock are multiples of it. */
const QUARTER_MS = 15 * 60_000;
const MINUTE_MS = 60_000;
/** Shorter than two quarters it could lie between two looks, and no node is maintained in less. */
const SHORTEST_MINUTES = 30;
/** A week and the day that a change of the clock may cost. */
const HORIZON_MS = 8 * DAY_MINUTES * MINUTE_MS;

const FORM = 'it is written as "Sat 22:00-05:00 Asia/Tokyo" or "Mon-Fri 01:00-04:00 Europe/Berlin"';

/** One or several, separated by commas; the sentence says what is wrong with it. */
export function readWindows(text: string): MaintenanceWindow[] | { wrong: string } {
  const parts = text.split(',').map((part) => part.trim());
  const windows: MaintenanceWindow[] = [];
  for (const part of parts) {
    const window = readWindow(part);
    if ('wrong' in window) return window;
    windows.push(window);
  }
  return windows;
}

function readWindow(text: string): MaintenanceWindow | { wrong: string } {
  const shape = /^(?:([a-z]{3,9})(?:-([a-z]{3,9}))? +)?(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d) +(\S+)$/i;
  const match = shape.exec(text);
  if (match === null) return { wrong: `the window "${text}" cannot be read; ${FORM}` };
  const [, first, last, fromHour, fromMinute, toHour, toMinute, zone = ''] = match;
  const days = daysOf(first, last);
  if (days === null) {
    return { wrong: `the window "${text}" names a day that is none; ${FORM}` };
  }
  const from = minutesOf(fromHour, fromMinute);
  const to = minutesOf(toHour, toMinute);
  if (from === null || to === null) {
    return { wrong: `the window "${text}" names a time that is none; ${FORM}` };
  }
  if (!isZone(zone)) {
    return {
      wrong: `the window "${text}" names the time zone "${zone}", which is not known; use a name as Asia/Tokyo`,
    };
  }
  const window = { days, from: from % DAY_MINUTES, to: to % DAY_MINUTES, zone };
  if (lengthOf(window) < SHORTEST_MINUTES) {
    return { wrong: `the window "${text}" is shorter than ${SHORTEST_MINUTES} minutes` };
  }
  return window;
}

/** `Sat` alone, `Fri-Mon` over the end of the week, none for every day. */
function daysOf(first: string | undefined, last: string | undefined): number[] | null {
  if (first === undefined) return [];
  const from = dayOf(first);
  const to = last === undefined ? from : dayOf(last);
  if (from === -1 || to === -1) return null;
  const count = ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, i) => (from + i) % 7);
}

const dayOf = (word: string): number => DAYS.indexOf(word.slice(0, 3).toLowerCase());

function minutesOf(hour: string | undefined, minute: string | undefined): number | null {
  const [h, m] = [Number(hour), Number(minute)];
  return h * 60 + m > DAY_MINUTES || m > 59 ? null : h * 60 + m;
}

const lengthOf = ({ from, to }: MaintenanceWindow): number =>
  from < to ? to - from : to - from + DAY_MINUTES;

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** Whether one of them is open at this moment (milliseconds since 1970), and until or from when. No window: always. */
export function windowState(windows: readonly MaintenanceWindow[], atMs: number): WindowState {
  if (windows.length === 0) return { open: true, closesAt: null };
  const walls = windows.map((window) => new Wall(window));
  const isOpen = (ms: number): boolean => walls.some((wall) => wall.isOpen(ms));
  const open = isOpen(atMs);
  const changes = firstChange(isOpen, open, atMs);
  return open ? { open, closesAt: changes } : { open, opensAt: changes };
}

/** To the minute; null when it does not change within a week. */
function firstChange(isOpen: (ms: number) => boolean, now: boolean, atMs: number): number | null {
  const start = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
  for (let quarter = start; quarter <= start + HORIZON_MS; quarter += QUARTER_MS) {
    if (isOpen(quarter + QUARTER_MS) === now) continue;
    for (let ms = quarter; ms <= quarter + QUARTER_MS; ms += MINUTE_MS) {
      if (ms > atMs && isOpen(ms) !== now) return ms;
    }
  }
  return null;
}

/** The clock on the wall in the window's zone. */
class Wall {
  private readonly window: MaintenanceWindow;
  private readonly clock: Intl.DateTimeFormat;

  constructor(window: MaintenanceWindow) {
    this.window = window;
    this.clock = new Intl.DateTimeFormat('en-US', {
      timeZone: window.zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
  }

  isOpen(ms: number): boolean {
    const { days, from, to } = this.window;
    const { day, minutes } = this.read(ms);
    const isDay = (one: number): boolean => days.length === 0 || days.includes(one);
    if (from < to) return isDay(day) && minutes >= from && minutes < to;
    return (isDay(day) && minutes >= from) || (isDay((day + 6) % 7) && minutes < to);
  }

  private read(ms: number): { day: number; minutes: number } {
    const parts = new Map(this.clock.formatToParts(ms).map(({ type, value }) => [type, value]));
    const minutes = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
    return { day: dayOf(parts.get('weekday') ?? ''), minutes };
  }
}
