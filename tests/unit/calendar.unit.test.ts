// When schedules begin their runs: how it is written, and that the calendars made of it name the days that a person who
// turns the pages of a calendar finds.
import { describe, expect, it } from 'vitest';
import {
  MONTHS,
  readCalendar,
  WEEKDAYS,
  type Calendar,
  type CalendarPart,
} from '../../domain/fleet/calendar.ts';
import { clockChangeOn, wallTime } from '../../domain/fleet/wall-clock.ts';

const read = (text: string): Calendar => {
  const calendar = readCalendar(text);
  if ('wrong' in calendar) throw new Error(calendar.wrong);
  return calendar;
};

/** As the server reads a calendar: all of it must match. */
function matches(part: CalendarPart, y: number, month: number, date: number): boolean {
  const weekday = WEEKDAYS[new Date(Date.UTC(y, month, date)).getUTCDay()]!;
  return (
    (part.dayOfWeek ?? weekday) === weekday &&
    date >= (part.dayOfMonth?.start ?? 1) &&
    date <= (part.dayOfMonth?.end ?? 31) &&
    (part.month ?? MONTHS).includes(MONTHS[month]!) &&
    (part.year?.some((r) => y >= r.start && y <= r.end && (y - r.start) % r.step === 0) ?? true)
  );
}

const lengthOf = (y: number, month: number): number =>
  new Date(Date.UTC(y, month + 1, 0)).getUTCDate();

const datesOf = (text: string, y: number, month: number): number[] => {
  const { parts } = read(text);
  const dates = Array.from({ length: lengthOf(y, month) }, (_, i) => i + 1);
  return dates.flatMap((date) =>
    parts.filter((part) => matches(part, y, month, date)).map(() => date),
  );
};

/** By turning the pages: all days of this name, in order. */
const daysNamed = (day: number, y: number, month: number): number[] =>
  Array.from({ length: lengthOf(y, month) }, (_, i) => i + 1).filter(
    (date) => new Date(Date.UTC(y, month, date)).getUTCDay() === day,
  );

const FOUND: [string, (y: number, month: number) => (number | undefined)[]][] = [
  ['first Monday 22:00 UTC', (y, m) => [daysNamed(1, y, m)[0]]],
  ['second Saturday 22:00 UTC', (y, m) => [daysNamed(6, y, m)[1]]],
  ['third Wed 22:00 UTC', (y, m) => [daysNamed(3, y, m)[2]]],
  ['4th Sunday 22:00 UTC', (y, m) => [daysNamed(0, y, m)[3]]],
  ['last Sunday 22:00 UTC', (y, m) => [daysNamed(0, y, m).at(-1)]],
  ['last Saturday 22:00 UTC', (y, m) => [daysNamed(6, y, m).at(-1)]],
  ['last Thursday 22:00 UTC', (y, m) => [daysNamed(4, y, m).at(-1)]],
  ['every Friday 22:00 UTC', (y, m) => daysNamed(5, y, m)],
  ['day 15 22:00 UTC', () => [15]],
  ['last day 22:00 UTC', (y, m) => [lengthOf(y, m)]],
  ['daily 22:00 UTC', (y, m) => Array.from({ length: lengthOf(y, m) }, (_, i) => i + 1)],
  ['4 days after second Tuesday 22:00 UTC', (y, m) => [daysNamed(2, y, m)[1]! + 4]],
  ['14 days after second Tuesday 22:00 UTC', (y, m) => [daysNamed(2, y, m)[1]! + 14]],
  ['1 day after first Saturday 22:00 UTC', (y, m) => [daysNamed(6, y, m)[0]! + 1]],
  [
    'Saturday after second Tuesday 22:00 UTC',
    (y, m) => [daysNamed(6, y, m).find((date) => date > daysNamed(2, y, m)[1]!)],
  ],
  ['Tue after first Tue 22:00 UTC', (y, m) => [daysNamed(2, y, m)[1]]],
];

describe('the calendars of a schedule', () => {
  it.each(FOUND)('"%s" are the days that it names, in every month until 2100', (text, find) => {
    const wrong: object[] = [];
    for (let y = 2026; y <= 2100; y += 1) {
      for (let month = 0; month < 12; month += 1) {
        const [dates, wanted] = [datesOf(text, y, month), find(y, month)];
        if (dates.join() !== wanted.join()) wrong.push({ y, month, dates, wanted });
      }
    }
    expect(wrong).toEqual([]);
  });

  it('follow Patch Tuesday where the second Saturday comes before it', () => {
    // August 2026 begins on a Saturday: Patch Tuesday is the 11th, the second Saturday the 8th.
    expect(datesOf('second Saturday 22:00 UTC', 2026, 7)).toEqual([8]);
    expect(datesOf('Saturday after second Tuesday 22:00 UTC', 2026, 7)).toEqual([15]);
  });

  it('have the time and the zone', () => {
    expect(read('second Saturday 22:05 Asia/Tokyo')).toEqual({
      text: 'second Saturday 22:05 Asia/Tokyo',
      parts: [{ hour: 22, minute: 5, dayOfWeek: 'SATURDAY', dayOfMonth: { start: 8, end: 14 } }],
      zone: 'Asia/Tokyo',
    });
  });
});

describe('the time of a schedule', () => {
  it.each([
    ['2nd sat 22:00 asia/tokyo', 'second Saturday 22:00 Asia/Tokyo'],
    ['  Second   SATURDAY 9:00 Etc/UTC ', 'second Saturday 09:00 UTC'],
    ['２nd Saturday ２２：００ Asia/Tokyo', 'second Saturday 22:00 Asia/Tokyo'],
    ['every day 01:00 UTC', 'daily 01:00 UTC'],
    ['Saturday after 2nd Tues 22:00 Asia/Tokyo', '4 days after second Tuesday 22:00 Asia/Tokyo'],
    ['every Thurs 01:00 Asia/Kolkata', 'every Thursday 01:00 Asia/Kolkata'],
    ['last day 23:59 America/Port-au-Prince', 'last day 23:59 America/Port-au-Prince'],
  ])('"%s" is told as "%s", which says the same', (text, told) => {
    expect(read(text).text).toBe(told);
    expect(read(told)).toEqual(read(text));
  });

  it.each([
    ['', /cannot be read; it is written as "second Saturday/],
    ['second Saturday 22:00', /names no time zone; write one behind it/],
    ['second Saturday 22:00 Asia/Tokio', /time zone "Asia\/Tokio", which is not known/],
    ['second Saturday 22:00 JST', /time zone "JST", which is not known/],
    ['second Saturday 22:00 +09:00', /time zone "\+09:00", which is not known/],
    ['second Saturday 24:00 UTC', /names an hour that is none/],
    ['second Saturday 22:60 UTC', /names an hour that is none/],
    ['second Foo 22:00 UTC', /cannot be read/],
    ['zweiter Samstag 22:00 UTC', /cannot be read/],
    ['2st Saturday 22:00 UTC', /cannot be read/],
    ['second 22:00 UTC', /cannot be read/],
    ['fifth Saturday 22:00 UTC', /fifth Saturday, which not every month has; write last Saturday/],
    ['day 0 22:00 UTC', /write day 1 to day 28/],
    ['day 31 22:00 UTC', /not every month has; write day 1 to day 28, or last day/],
    ['day 32 22:00 UTC', /names a day that is none/],
    [
      '15 days after second Tuesday 22:00 UTC',
      /next month at times: the second Tuesday may be the 14th/,
    ],
    ['1 day after fourth Friday 22:00 UTC', /may be the 28th of a month, and 1 day later/],
    ['4 days after last Tuesday 22:00 UTC', /may be the last day of a month, and 4 days later/],
  ])('"%s" is refused: %s', (text, why) => {
    expect(readCalendar(text)).toEqual({ wrong: expect.stringMatching(why) as string });
  });
});

describe('clocks that are set', () => {
  const NOW = Date.parse('2026-12-01T00:00:00Z');

  it.each([
    ['last Sunday 02:30 Europe/Berlin', { day: '2027-03-28', clock: '02:30', times: 0 }],
    ['daily 01:30 America/New_York', { day: '2027-11-07', clock: '01:30', times: 2 }],
    ['last Sunday 03:00 Europe/Berlin', null],
    ['second Saturday 22:00 Asia/Tokyo', null],
    ['daily 02:30 UTC', null],
  ])('"%s" meets %o', (text, met) => {
    expect(clockChangeOn(read(text), NOW)).toEqual(met);
  });

  it('leave the moment that is told in the zone of the schedule', () => {
    expect(wallTime(Date.parse('2026-12-12T13:00:00Z'), 'Asia/Tokyo')).toBe('Sat 2026-12-12 22:00');
    expect(wallTime(Date.parse('2026-12-12T15:00:00Z'), 'Asia/Tokyo')).toBe('Sun 2026-12-13 00:00');
  });
});
