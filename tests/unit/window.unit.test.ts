// Maintenance windows: how they are written, and whether they are open at midnight, at the end of a month and when the
// clock is changed.
import { describe, expect, it } from 'vitest';
import { readWindows, windowState } from '../../domain/fleet/window.ts';

const stateAt = (text: string, at: string): string => {
  const windows = readWindows(text);
  if ('wrong' in windows) throw new Error(windows.wrong);
  const state = windowState(windows, Date.parse(at));
  const when = state.open ? state.closesAt : state.opensAt;
  return `${state.open ? 'open until' : 'closed until'} ${when === null ? 'ever' : new Date(when).toISOString().slice(0, 16)}`;
};

const WRONG = [
  ['', /cannot be read/],
  ['Sat 22:00', /cannot be read/],
  ['Sat 22:00-05:00', /cannot be read/],
  ['Foo 22:00-05:00 Asia/Tokyo', /names a day that is none/],
  ['Sat 25:00-05:00 Asia/Tokyo', /names a time that is none/],
  ['Sat 22:61-05:00 Asia/Tokyo', /names a time that is none/],
  ['Sat 22:00-05:00 Asia/Tokio', /time zone "Asia\/Tokio", which is not known/],
  ['Sat 22:00-22:10 Asia/Tokyo', /shorter than 30 minutes/],
  ['Sat 22:00-05:00 Asia/Tokyo, nonsense', /"nonsense" cannot be read/],
] as const;

// 2026-12-05 is a Saturday. Tokyo is UTC+9.
const STATES = [
  [
    'a window is open over midnight, on the day after the one that it names',
    'Sat 22:00-05:00 Asia/Tokyo',
    '2026-12-05T15:30Z',
    'open until 2026-12-05T20:00',
  ],
  [
    'it is closed at the minute at which it ends',
    'Sat 22:00-05:00 Asia/Tokyo',
    '2026-12-05T20:00Z',
    'closed until 2026-12-12T13:00',
  ],
  [
    'it is open at the minute at which it begins',
    'Sat 22:00-05:00 Asia/Tokyo',
    '2026-12-05T13:00Z',
    'open until 2026-12-05T20:00',
  ],
  [
    'it does not open in the morning of its own day',
    'Sat 22:00-05:00 Asia/Tokyo',
    '2026-12-04T19:00Z',
    'closed until 2026-12-05T13:00',
  ],
  [
    'it goes on over the end of a month',
    'Sat 22:00-05:00 Asia/Tokyo',
    '2026-10-31T15:30Z',
    'open until 2026-10-31T20:00',
  ],
  [
    'days may be a range over the end of the week',
    'Fri-Sun 01:07-04:20 UTC',
    '2026-12-06T02:00Z',
    'open until 2026-12-06T04:20',
  ],
  [
    'without a day it is open every day',
    '01:00-04:00 UTC',
    '2026-12-09T00:00Z',
    'closed until 2026-12-09T01:00',
  ],
  [
    'of several windows the next one counts',
    'Sat 22:00-05:00 UTC, Wed 01:00-02:00 UTC',
    '2026-12-08T00:00Z',
    'closed until 2026-12-09T01:00',
  ],
  [
    'windows that touch are one',
    'Sat 22:00-00:00 UTC, Sun 00:00-05:00 UTC',
    '2026-12-05T23:00Z',
    'open until 2026-12-06T05:00',
  ],
  [
    'windows of all the day never close',
    '00:00-12:00 UTC, 12:00-00:00 UTC',
    '2026-12-05T23:00Z',
    'open until ever',
  ],
  // Berlin changes from UTC+1 to UTC+2 on 2027-03-28 at 02:00, and back on 2026-10-25 at 03:00.
  [
    'an hour that the clock leaves out shortens it',
    'Sun 01:00-05:00 Europe/Berlin',
    '2027-03-28T00:30Z',
    'open until 2027-03-28T03:00',
  ],
  [
    'one that begins in the hour that is left out begins after it',
    'Sun 02:30-05:00 Europe/Berlin',
    '2027-03-28T00:30Z',
    'closed until 2027-03-28T01:00',
  ],
  [
    'an hour that comes twice lengthens it',
    'Sun 01:00-05:00 Europe/Berlin',
    '2026-10-25T00:30Z',
    'open until 2026-10-25T04:00',
  ],
] as const;

describe('a maintenance window', () => {
  it.each(WRONG)('"%s" is refused with what is wrong', (text, why) => {
    expect(readWindows(text)).toEqual({ wrong: expect.stringMatching(why) as string });
  });

  it.each(STATES)('%s', (_claim, text, at, state) => {
    expect(stateAt(text, at)).toBe(state);
  });

  it('is always open where there is none', () => {
    expect(windowState([], 0)).toEqual({ open: true, closesAt: null });
  });
});
