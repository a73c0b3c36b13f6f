// The clock on the wall of a time zone: how a moment is told there, and on which days a schedule's time does not exist
// or exists twice because the clocks are set. Pure.
import { MONTHS, WEEKDAYS, type Calendar, type CalendarPart, type YearRange } from './calendar.ts';

/** `Sat 2026-12-12 22:00` on the clock on the wall there. */
export function wallTime(ms: number, zone: string): string {
  const part = wallClock(zone)(ms);
  return `${part('weekday')} ${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}`;
}

type Wall = (ms: number) => (type: Intl.DateTimeFormatPartTypes) => string;

function wallClock(zone: string): Wall {
  const clock = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, hourCycle: 'h23', weekday: 'short', year: 'numeric' },
    ...{ month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  });
  return (ms) => {
    const parts = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, value]));
    return (type) => parts.get(type) ?? '';
  };
}

const DAY_MS = 86_400_000;
/** The rules of a zone's summer time come back every year, on other dates. */
const LOOK_AHEAD_DAYS = 3 * 366;

/**
 * The first day from now on which this time does not exist, or exists twice, because the clocks are set: a Schedule
 * then begins nothing, or begins twice. null where that does not happen in three years.
 */
export function clockChangeOn(
  { parts, zone }: Calendar,
  fromMs: number,
): { day: string; clock: string; times: 0 | 2 } | null {
  const clock = wallClock(zone);
  for (let i = 0; i < LOOK_AHEAD_DAYS; i += 1) {
    const midnight = (Math.floor(fromMs / DAY_MS) + i) * DAY_MS;
    const part = parts.find((one) => isOnDay(one, new Date(midnight)));
    if (part === undefined) continue;
    const wall = midnight + (part.hour * 60 + part.minute) * 60_000;
    const times = instantsOf(wall, clock);
    if (times === 1) continue;
    const iso = new Date(wall).toISOString();
    return { day: iso.slice(0, 10), clock: iso.slice(11, 16), times };
  }
  return null;
}

function isOnDay(part: CalendarPart, day: Date): boolean {
  const { dayOfWeek, dayOfMonth: dates, month, year } = part;
  const date = day.getUTCDate();
  const inYear = ({ start, end, step }: YearRange): boolean => {
    const y = day.getUTCFullYear();
    return y >= start && y <= end && (y - start) % step === 0;
  };
  return (
    (dayOfWeek === undefined || WEEKDAYS[day.getUTCDay()] === dayOfWeek) &&
    (dates === undefined || (date >= dates.start && date <= dates.end)) &&
    (month === undefined || month.some((one) => one === MONTHS[day.getUTCMonth()])) &&
    (year === undefined || year.some(inYear))
  );
}

/** @param wall what the clock shows, counted as if it were UTC. */
function instantsOf(wall: number, clock: Wall): 0 | 1 | 2 {
  const offsetAt = (ms: number): number => {
    const part = clock(ms);
    const at = (type: Intl.DateTimeFormatPartTypes): number => Number(part(type));
    return Date.UTC(at('year'), at('month') - 1, at('day'), at('hour'), at('minute')) - ms;
  };
  const offsets = new Set([offsetAt(wall - DAY_MS), offsetAt(wall + DAY_MS)]);
  const found = [...offsets].filter((offset) => offsetAt(wall - offset) === offset).length;
  return found === 0 ? 0 : found === 1 ? 1 : 2;
}
