// How news come to channels: in order, until they are taken, each channel at its own pace. Fakes of everything, and a clock
// that moves when somebody waits.
import { describe, expect, it } from 'vitest';
import type { Answer, Channel } from '../../activities/notify/channel.ts';
import { Telling } from '../../activities/notify/telling.ts';
import {
  NEWS_KINDS,
  nothingWatched,
  type News,
  type NewsKind,
  type Watched,
} from '../../domain/news.ts';
import { messageAbout, NEED } from '../support/notify.ts';

const TAKEN: Answer = { got: 'taken', how: 'HTTP 200' };
const down = (afterMs?: number): Answer => ({
  ...{ got: 'not-now', why: 'HTTP 503' },
  ...(afterMs === undefined ? {} : { afterMs }),
});

interface Behaviour {
  answers?: Answer[];
  tell?: readonly NewsKind[];
  /** Messages that were too many before. */
  leftOut?: number;
  /** Rejects, which no channel should. */
  rejects?: boolean;
  /** Never answers until the worker ends. */
  hangs?: boolean;
}

function desk(behaviours: Record<string, Behaviour>, news: News[]) {
  let elapsed = 0;
  const channels = Object.entries(behaviours).map(
    ([name, { leftOut = 0 }]) => [name, { taken: 0, leftOut }] as const,
  );
  let watched: Watched = {
    ...nothingWatched('2026-12-01T09:00:00.000Z'),
    ...{ channels: Object.fromEntries(channels), news },
  };
  const missed: number[] = [];
  const sent: [channel: string, id: string, at: number][] = [];
  const log: string[] = [];
  const stop = new AbortController();
  const channelOf = ([name, { answers = [], hangs = false, rejects = false }]: [
    string,
    Behaviour,
  ]): Channel => {
    const queue = [...answers];
    return {
      name,
      kind: 'webhook',
      send: async (message, signal) => {
        sent.push([name, message.id, elapsed]);
        if (rejects) throw new Error('https://secret.example');
        if (hangs)
          await new Promise((resolve) => {
            signal.addEventListener('abort', resolve);
          });
        return hangs ? down() : (queue.shift() ?? TAKEN);
      },
    };
  };
  const telling = new Telling({
    channels: Object.entries(behaviours).map((one) => ({
      channel: channelOf(one),
      tell: one[1].tell ?? NEWS_KINDS,
    })),
    watched: () => watched,
    took: (channel, seq, told) => {
      const leftOut = told ? 0 : (watched.channels[channel]?.leftOut ?? 0);
      const next = { ...watched.channels, [channel]: { taken: seq, leftOut } };
      watched = { ...watched, channels: next };
    },
    message: (one, leftOut) => {
      missed.push(leftOut);
      return messageAbout(one);
    },
    log: (line) => log.push(line),
    elapsedMs: () => elapsed,
    pause: async (ms) => {
      elapsed += ms;
    },
    signal: stop.signal,
  });
  return {
    sent,
    missed,
    log,
    stop,
    telling,
    taken: (channel: string) => watched.channels[channel]?.taken,
    /** Goes on every five seconds, as the activity does. */
    during: async (seconds: number): Promise<void> => {
      for (const end = elapsed + seconds * 1000; elapsed < end; elapsed += 5_000) {
        telling.goOn();
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    of: (channel: string): string[] => sent.filter(([to]) => to === channel).map(([, id]) => id),
    timesOf: (channel: string): number[] =>
      sent.filter(([to]) => to === channel).map(([, , at]) => at),
  };
}

const three: News[] = [1, 2, 3].map((seq) => ({ ...NEED, seq, id: `n${seq}` }));

describe('telling', () => {
  it('brings all news in order, a second apart', async () => {
    const d = desk({ a: {} }, three);
    await d.during(5);
    expect(d.sent).toEqual([
      ['a', 'n1', 0],
      ['a', 'n2', 1_000],
      ['a', 'n3', 2_000],
    ]);
  });

  it('keeps the order over failures: nothing overtakes what was not taken', async () => {
    const d = desk({ a: { answers: [TAKEN, down(), down(), TAKEN] } }, three);
    await d.during(60);
    expect(d.of('a')).toEqual(['n1', 'n2', 'n2', 'n2', 'n3']);
    expect(d.taken('a')).toBe(3);
  });

  it('tries again later and later, never as rarely as not at all', async () => {
    const d = desk({ a: { answers: Array.from({ length: 40 }, () => down()) } }, three);
    await d.during(3_600);
    const times = d.timesOf('a');
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    expect(gaps[0]).toBeLessThanOrEqual(5_000);
    expect(gaps).toEqual([...gaps].sort((x, y) => x - y));
    expect(gaps.at(-1)).toBe(300_000);
  });

  it('waits as long as the other side asks for', async () => {
    const d = desk({ a: { answers: [down(90_000), TAKEN] } }, three.slice(0, 1));
    await d.during(120);
    expect(d.timesOf('a')).toEqual([0, 90_000]);
  });

  it('lets no channel wait for another that is down or hangs', async () => {
    const hopeless = { answers: Array.from({ length: 99 }, () => down()) };
    const d = desk({ down: hopeless, hangs: { hangs: true }, well: {} }, three);
    await d.during(30);
    expect(d.of('well')).toEqual(['n1', 'n2', 'n3']);
    expect(d.of('hangs')).toEqual(['n1']);
  });

  it('passes over a message that is refused, and says so', async () => {
    const d = desk({ a: { answers: [{ got: 'refused', why: 'HTTP 400' }] } }, three);
    await d.during(10);
    expect(d.of('a')).toEqual(['n1', 'n2', 'n3']);
    expect(d.log).toEqual([
      'people are not told by a (webhook): one message was refused, HTTP 400',
    ]);
  });

  it('asks a channel that has closed no more, and keeps nothing for it', async () => {
    const d = desk({ a: { answers: [{ got: 'closed', why: 'HTTP 410' }] } }, three);
    await d.during(60);
    expect(d.of('a')).toEqual(['n1']);
    expect(d.taken('a')).toBe(3);
    expect(d.log.join()).toContain('watari notify test a');
  });

  it('tells a channel only what it is to be told', async () => {
    const mixed = three.map((n, i) => ({ ...n, kind: NEWS_KINDS[i] ?? n.kind }));
    const d = desk({ a: { tell: ['needs', 'solved'] } }, mixed);
    await d.during(10);
    expect(d.of('a')).toEqual(['n2', 'n3']);
    expect(d.taken('a')).toBe(3);
  });

  it('says how many were left out in the first message that is taken', async () => {
    const mixed = three.map((n, i) => ({ ...n, kind: NEWS_KINDS[i] ?? n.kind }));
    const answers: Answer[] = [{ got: 'refused', why: 'HTTP 400' }];
    const d = desk({ a: { tell: ['needs', 'solved'], leftOut: 5, answers } }, mixed);
    await d.during(10);
    expect(d.missed).toEqual([5, 5]);
    const e = desk({ a: { leftOut: 5 } }, three);
    await e.during(5);
    expect(e.missed).toEqual([5, 0, 0]);
  });

  it('lives on with a channel that rejects, and tells nothing of what it said', async () => {
    const d = desk({ broken: { rejects: true }, well: {} }, three);
    await d.during(10);
    expect(d.of('well')).toEqual(['n1', 'n2', 'n3']);
    expect(d.log).toEqual([
      'people are not told by broken (webhook) now: it cannot be reached; tried again after 2.0 s, then later and later',
    ]);
  });

  it('logs a failure once for each reason, and that it is over', async () => {
    const d = desk({ a: { answers: [down(), down(), down(), TAKEN] } }, three.slice(0, 1));
    await d.during(60);
    expect(d.log).toEqual([
      'people are not told by a (webhook) now: HTTP 503; tried again after 2.0 s, then later and later',
      'people are told by a (webhook) again',
    ]);
  });

  it('ends with the worker, and takes nothing for told that was not', async () => {
    const d = desk({ hangs: { hangs: true } }, three);
    await d.during(5);
    d.stop.abort();
    await d.telling.ended();
    expect(d.taken('hangs')).toBe(0);
  });
});
