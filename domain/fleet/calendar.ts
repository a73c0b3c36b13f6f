// When a schedule begins its runs: `second Saturday 22:00 Asia/Tokyo`, `4 days after second Tuesday 22:00 Asia/Tokyo`.
// Read into what the calendars of a Temporal Schedule can say. Pure; the times themselves are the server's to tell.

export type Weekday = (typeof WEEKDAYS)[number];
export type MonthName = (typeof MONTHS)[number];

export interface YearRange {
  start: number;
  end: number;
  step: number;
}

/** Of a Temporal Schedule, whose own type it fits: a moment is meant where all of it matches. */
export interface CalendarPart {
  hour: number;
  minute: number;
  dayOfWeek?: Weekday;
  dayOfMonth?: { start: number; end: number };
  month?: MonthName[];
  year?: YearRange[];
}

export interface Calendar {
  /** As it is told: what was given, in the words of this file. */
  text: string;
  parts: CalendarPart[];
  /** IANA name: `Asia/Tokyo`. */
  zone: string;
}

export const WEEKDAYS = [
  ...(['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY'] as const),
  ...(['THURSDAY', 'FRIDAY', 'SATURDAY'] as const),
] as const;

export const MONTHS = [
  ...(['JANUARY', 'FEBRUARY', 'MARCH', 'APRIL', 'MAY', 'JUNE', 'JULY'] as const),
  ...(['AUGUST', 'SEPTEMBER', 'OCTOBER', 'NOVEMBER', 'DECEMBER'] as const),
] as const;

const ORDINALS = ['first', 'second', 'third', 'fourth', 'fifth'];
/** The days that every month has. */
const SHORTEST_MONTH = 28;
const WEEK = 7;

const FORM =
  'it is written as "second Saturday 22:00 Asia/Tokyo", "last Sunday 03:00 Europe/Berlin", ' +
  '"every Saturday 22:00 UTC", "daily 01:00 UTC", "day 15 22:00 Asia/Tokyo", "last day 22:00 UTC", ' +
  '"4 days after second Tuesday 22:00 Asia/Tokyo" or "Saturday after second Tuesday 22:00 Asia/Tokyo"';

/** The sentence says what is wrong with it, and what would be right. */
export function readCalendar(given: string): Calendar | { wrong: string } {
  const text = given.normalize('NFKC').trim().replace(/\s+/g, ' ');
  const wrong = (what: string): { wrong: string } => ({ wrong: `the time "${text}" ${what}` });
  if (/ \d{1,2}:\d\d$/.test(text))
    return wrong('names no time zone; write one behind it, as Asia/Tokyo or UTC');
  const match = /^(.+) (\d{1,2}):(\d\d) (\S+)$/.exec(text);
  if (match === null) return wrong(`cannot be read; ${FORM}`);
  const [, words = '', hourText, minuteText, zoneText = ''] = match;
  const [hour, minute] = [Number(hourText), Number(minuteText)];
  if (hour > 23 || minute > 59) return wrong('names an hour that is none; write 00:00 to 23:59');
  const zone = zoneNamed(zoneText);
  if (zone === null)
    return wrong(
      `names the time zone "${zoneText}", which is not known; use a name as Asia/Tokyo, or UTC`,
    );
  const days = readDays(words.toLowerCase());
  if (days === null) return wrong(`cannot be read; ${FORM}`);
  if ('wrong' in days) return wrong(days.wrong);
  const clock = [hour, minute].map((n) => String(n).padStart(2, '0')).join(':');
  return {
    text: `${days.text} ${clock} ${zone}`,
    parts: days.parts.map((part) => ({ hour, minute, ...part })),
    zone,
  };
}

interface Days {
  text: string;
  parts: Omit<CalendarPart, 'hour' | 'minute'>[];
}

type ReadDays = Days | { wrong: string } | null;

function readDays(words: string): ReadDays {
  if (words === 'daily' || words === 'every day') return { text: 'daily', parts: [{}] };
  if (words === 'last day') return { text: words, parts: lastDays(1).map((part) => ({ ...part })) };
  const day = /^day (\d{1,2})$/.exec(words);
  if (day !== null) return dayOfMonth(Number(day[1]));
  const after = /^(.+) after (.+)$/.exec(words);
  if (after !== null) return readAfter(after[1] ?? '', after[2] ?? '');
  const [, first = '', name = ''] = /^(\S+) (\S+)$/.exec(words) ?? [];
  const weekday = weekdayOf(name);
  if (weekday === null) return null;
  if (first === 'every') {
    return { text: `every ${shown(weekday)}`, parts: [{ dayOfWeek: nameOf(weekday) }] };
  }
  if (first === 'last') {
    const parts = lastDays(WEEK).map((part) => ({ ...part, dayOfWeek: nameOf(weekday) }));
    return { text: `last ${shown(weekday)}`, parts };
  }
  return nth(first, weekday, 0);
}

function dayOfMonth(day: number): ReadDays {
  if (day < 1 || day > 31) return { wrong: 'names a day that is none; write day 1 to day 28' };
  if (day > SHORTEST_MONTH)
    return { wrong: `names a day that not every month has; write day 1 to day 28, or last day` };
  return { text: `day ${day}`, parts: [{ dayOfMonth: { start: day, end: day } }] };
}

/** `4 days after second Tuesday`, `Saturday after second Tuesday`. */
function readAfter(distance: string, base: string): ReadDays {
  const [, ordinal = '', name = ''] = /^(\S+) (\S+)$/.exec(base) ?? [];
  const weekday = weekdayOf(name);
  if (weekday === null) return null;
  const days = /^(\d{1,2}) days?$/.exec(distance);
  const until = weekdayOf(distance);
  if (days !== null) return nth(ordinal, weekday, Number(days[1]));
  return until === null ? null : nth(ordinal, weekday, (until - weekday + WEEK) % WEEK || WEEK);
}

/** The day of the week moves with the days that are added, and so do the seven dates on which it can be. */
function nth(ordinal: string, weekday: number, plus: number): ReadDays {
  const which = ORDINALS.findIndex((word, i) => ordinal === word || ordinal === `${i + 1}${th(i)}`);
  const name = shown(weekday);
  if (which === -1 && (ordinal !== 'last' || plus === 0)) return null;
  if (which === 4)
    return { wrong: `names a fifth ${name}, which not every month has; write last ${name}` };
  const [start, end] = [which * WEEK + 1 + plus, (which + 1) * WEEK + plus];
  if (which === -1 || end > SHORTEST_MONTH) {
    return {
      wrong:
        `would be in the next month at times: the ${ordinal} ${name} may be the ` +
        `${which === -1 ? 'last day' : `${end - plus}th`} of a month, and ${dayCount(plus)} later ` +
        'another one has begun; take fewer days or an earlier week',
    };
  }
  const told = `${ORDINALS[which] ?? ''} ${name}`;
  return {
    text: plus === 0 ? told : `${dayCount(plus)} after ${told}`,
    parts: [{ dayOfWeek: nameOf(weekday + plus), dayOfMonth: { start, end } }],
  };
}

const dayCount = (days: number): string => `${days} ${days === 1 ? 'day' : 'days'}`;
const th = (i: number): string => ['st', 'nd', 'rd'][i] ?? 'th';

/** `Saturday`, `Sat`, `Tues`; null for what is none. */
function weekdayOf(word: string): number | null {
  const found = WEEKDAYS.findIndex(
    (name) => word.length >= 3 && name.startsWith(word.toUpperCase()),
  );
  return found === -1 ? null : found;
}

const nameOf = (weekday: number): Weekday => WEEKDAYS[weekday % WEEK] ?? 'SUNDAY';

const shown = (weekday: number): string => {
  const name = nameOf(weekday);
  return name.charAt(0) + name.slice(1).toLowerCase();
};

const LONG: MonthName[] = MONTHS.filter((_, i) => [0, 2, 4, 6, 7, 9, 11].includes(i));
const SHORT: MonthName[] = MONTHS.filter((_, i) => [3, 5, 8, 10].includes(i));
/** A calendar knows no leap years, but lists of years. Temporal's end in 2100, which is none. */
const LEAP_YEARS: YearRange[] = [{ start: 2024, end: 2096, step: 4 }];
const COMMON_YEARS: YearRange[] = [
  { start: 2025, end: 2097, step: 4 },
  { start: 2026, end: 2098, step: 4 },
  { start: 2027, end: 2099, step: 4 },
  { start: 2100, end: 2100, step: 1 },
];

/** The last so many days of every month. */
const lastDays = (count: number): Omit<CalendarPart, 'hour' | 'minute'>[] => {
  const until = (end: number) => ({ dayOfMonth: { start: end - count + 1, end } });
  return [
    { month: LONG, ...until(31) },
    { month: SHORT, ...until(30) },
    { month: ['FEBRUARY'], ...until(28), year: COMMON_YEARS },
    { month: ['FEBRUARY'], ...until(29), year: LEAP_YEARS },
  ];
};

/**
 * As the server's own list spells it, which cares about case; null for abbreviations and offsets, which move with no
 * law.
 */
function zoneNamed(name: string): string | null {
  let canonical: string;
  try {
    canonical = new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return null;
  }
  if (canonical === 'UTC') return 'UTC';
  if (!name.includes('/')) return null;
  // Asia/Kolkata is Asia/Calcutta to some: the person's word, unless its case is wrong.
  const isSpelled = /^[A-Z][a-z]/.test(name) && !/\/[a-z]/.test(name);
  return canonical.toLowerCase() !== name.toLowerCase() && isSpelled ? name : canonical;
}
