// What of the runs that are seen is news: once each, in order, true until the next.
import { describe, expect, it } from 'vitest';
import {
  digest,
  nothingWatched,
  runsToAsk,
  trimmed,
  withChannels,
  type SeenRun,
  type Watched,
} from '../../domain/news.ts';
import type { RunStatus, StepStatus } from '../../domain/status.ts';

const START = '2026-12-01T09:00:00.000Z';
const at = (seconds: number): Date => new Date(Date.parse(START) + seconds * 1000);
const iso = (seconds: number): string => at(seconds).toISOString();

const seen = (o: Partial<SeenRun> = {}): SeenRun => ({
  run: 'watari/hv-lab/vm/web-1/migrate',
  runId: 'r1',
  workflow: 'migrateVm',
  state: 'running',
  startedAt: iso(1),
  endedAt: null,
  parent: null,
  ...o,
});

const step = (o: Partial<StepStatus> = {}): StepStatus => ({
  id: 'vm/web-1/move',
  title: 'Move web-1',
  state: 'needs-operator',
  attempt: 1,
  startedAt: iso(2),
  endedAt: null,
  waitingFor: null,
  skippable: false,
  progress: null,
  failure: { code: 'MoveFailed', message: 'The move failed.', hint: 'Retry.' },
  evidence: {},
  child: null,
  ...o,
});

const status = (steps: StepStatus[], o: Partial<RunStatus> = {}): RunStatus => ({
  run: 'watari/hv-lab/vm/web-1/migrate',
  runId: 'r1',
  workflow: 'migrateVm',
  state: 'running',
  waitingFor: null,
  startedAt: iso(1),
  endedAt: null,
  startedBy: 'ito@HV1',
  title: 'Move web-1 to HV2',
  steps,
  children: [],
  ...o,
});

/** Looks one after the other; what each of them added, in short. */
function watch(looks: [seconds: number, runs: SeenRun[], statuses?: RunStatus[]][]): {
  told: string[][];
  watched: Watched;
} {
  let watched = withChannels(nothingWatched(START), ['a']);
  const told = looks.map(([seconds, runs, statuses = []]) => {
    const before = watched.nextSeq;
    watched = digest(watched, {
      runs,
      statuses: new Map(statuses.map((s) => [s.runId, s])),
      now: at(seconds),
    });
    return watched.news
      .filter((n) => n.seq >= before)
      .map((n) => [n.kind, n.step, n.code, n.outcome].filter((part) => part !== null).join(' '));
  });
  return { told, watched };
}

const parked = seen({ state: 'needs-operator' });
const ended = (state: SeenRun['state']): SeenRun => seen({ state, endedAt: iso(60) });

describe('digest', () => {
  it('tells start, need, solution and end of a run, each once', () => {
    const { told } = watch([
      [5, [seen()]],
      [10, [seen()]],
      [15, [parked], [status([step()])]],
      [20, [parked], [status([step()])]],
      [25, [seen()], [status([step({ state: 'succeeded' })])]],
      [65, [ended('succeeded')], [status([step({ state: 'succeeded' })])]],
      [70, [ended('succeeded')]],
    ]);
    expect(told).toEqual([
      ['started'],
      [],
      ['needs vm/web-1/move MoveFailed'],
      [],
      ['solved vm/web-1/move MoveFailed'],
      ['ended succeeded'],
      [],
    ]);
  });

  it('says who solved it, and with which words', () => {
    const decided = step({
      state: 'succeeded',
      evidence: { decisions: [{ action: 'retry', by: 'ito@HV1', reason: 'cable fixed' }] },
    });
    const { watched } = watch([
      [15, [parked], [status([step()])]],
      [25, [seen()], [status([decided])]],
    ]);
    expect(watched.news.at(-1)?.text).toBe('ito@HV1 decided retry: cable fixed.');
  });

  it('collapses a need that comes back for the same reason: the last word is still true', () => {
    const running = status([step({ state: 'running', attempt: 2 })]);
    const { told } = watch([
      [15, [parked], [status([step()])]],
      [20, [seen()], [running]],
      [25, [parked], [status([step({ attempt: 2 })])]],
      [30, [seen()], [running]],
      [35, [seen()], [running]],
      [65, [seen()], [running]],
    ]);
    expect(told.slice(1)).toEqual([[], [], [], [], ['solved vm/web-1/move MoveFailed']]);
  });

  it('tells a need anew when its reason is another', () => {
    const other = step({ failure: { code: 'TargetNotEligible', message: '', hint: '' } });
    const { told } = watch([
      [15, [parked], [status([step()])]],
      [20, [parked], [status([other])]],
    ]);
    expect(told[1]).toEqual(['needs vm/web-1/move TargetNotEligible']);
  });

  it('tells every step of a run that needs somebody', () => {
    const second = step({ id: 'vm/web-1/verify' });
    const { told } = watch([
      [15, [parked], [status([step()])]],
      [80, [parked], [status([step(), second])]],
    ]);
    expect(told[1]).toEqual(['needs vm/web-1/verify MoveFailed']);
  });

  it('tells that a run that does not answer needs somebody, and then which step', () => {
    const { told } = watch([
      [15, [parked]],
      [20, [parked]],
      [25, [parked], [status([step()])]],
      [30, [ended('failed')], [status([step({ state: 'failed' })])]],
    ]);
    expect(told).toEqual([
      ['started', 'needs'],
      [],
      ['needs vm/web-1/move MoveFailed'],
      ['solved vm/web-1/move MoveFailed', 'ended vm/web-1/move MoveFailed failed'],
    ]);
  });

  it.each([
    ['failed', 'ended failed'],
    ['cancelled', 'ended cancelled'],
    ['terminated', 'ended terminated'],
  ] as const)('tells that a run %s', (state, text) => {
    expect(watch([[65, [ended(state)]]]).told[0]).toEqual(['started', text]);
  });

  it('tells needs of child runs, not their starts and ends', () => {
    const child = { parent: 'watari/hv-lab/apply' };
    const { told } = watch([
      [5, [seen(child)]],
      [15, [seen({ ...child, state: 'needs-operator' })], [status([step()])]],
      [65, [seen({ ...child, state: 'failed', endedAt: iso(60) })]],
    ]);
    expect(told).toEqual([
      [],
      ['needs vm/web-1/move MoveFailed'],
      ['solved vm/web-1/move MoveFailed'],
    ]);
  });

  it.each(['doctor', 'inspectCluster', 'surveyFleet', 'scanUpdates', 'scheduleMoves'])(
    'says nothing of %s',
    (workflow) => {
      expect(watch([[5, [seen({ workflow })]]]).told).toEqual([[]]);
    },
  );

  it('says who started a run, and why', () => {
    const { watched } = watch([[5, [seen()], [status([], { reason: 'patch day' })]]]);
    expect(watched.news[0]?.text).toBe('Started by ito@HV1: patch day.');
  });

  it('says nothing of what began and ended before, but that somebody is needed now', () => {
    const old = { startedAt: iso(-9000) };
    const { told } = watch([
      [
        5,
        [
          seen({ ...old, state: 'needs-operator' }),
          seen({ ...old, runId: 'r2', state: 'failed', endedAt: iso(-60) }),
        ],
        [status([step()])],
      ],
    ]);
    expect(told).toEqual([['needs vm/web-1/move MoveFailed']]);
  });

  it('tells what ended while nobody watched, however late it looks', () => {
    const { told } = watch([
      [5, [seen()]],
      [9000, [ended('succeeded')]],
    ]);
    expect(told[1]).toEqual(['ended succeeded']);
  });

  it('takes times from the server alone: a clock here that is an hour wrong tells the same', () => {
    for (const wrong of [-3600, 3600]) {
      const { told } = watch([
        [5 + wrong, [seen()]],
        [65 + wrong, [ended('succeeded')]],
        [70 + wrong, [ended('succeeded'), seen({ runId: 'r2', startedAt: iso(62) })]],
      ]);
      expect(told).toEqual([['started'], ['ended succeeded'], ['started']]);
    }
  });

  it('tells neither an end nor a start of a run that goes on with a new history', () => {
    const before = seen({ state: 'continued', endedAt: iso(60) });
    const after = seen({ runId: 'r2', startedAt: iso(60) });
    const { told } = watch([
      [5, [seen()]],
      [65, [before, after]],
      [70, [after]],
    ]);
    expect(told).toEqual([['started'], [], []]);
  });

  it('says that nobody is needed when the run is gone from the server', () => {
    const { told } = watch([
      [15, [parked], [status([step()])]],
      [20, []],
      [60, []],
    ]);
    expect(told.slice(1)).toEqual([[], ['solved vm/web-1/move MoveFailed']]);
  });

  it('gives a piece of news the same id whoever digests it, and no two the same', () => {
    const looks: Parameters<typeof watch>[0] = [
      [15, [parked], [status([step()])]],
      [65, [ended('failed')]],
    ];
    const ids = watch(looks).watched.news.map((n) => n.id);
    expect(ids).toEqual(watch(looks).watched.news.map((n) => n.id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('forgets what it no longer has to know', () => {
    const many = Array.from({ length: 300 }, (_, i) =>
      seen({ runId: `r${i}`, state: 'succeeded', startedAt: iso(i), endedAt: iso(i * 100) }),
    );
    const { watched } = watch([[5, many]]);
    expect(Object.keys(watched.told).length).toBeLessThan(10);
  });
});

describe('runsToAsk', () => {
  it('asks a run that waits when it is new, and then once a minute', () => {
    const { watched } = watch([[15, [parked], [status([step()])]]]);
    expect(runsToAsk(nothingWatched(START), [parked], at(15))).toEqual([parked]);
    expect(runsToAsk(watched, [parked], at(20))).toEqual([]);
    expect(runsToAsk(watched, [parked], at(80))).toEqual([parked]);
  });

  it('asks at most twenty at a time', () => {
    const many = Array.from({ length: 50 }, (_, i) =>
      seen({ runId: `r${i}`, state: 'needs-operator' }),
    );
    expect(runsToAsk(nothingWatched(START), many, at(15))).toHaveLength(20);
  });
});

describe('what waits for channels', () => {
  const busy = (): Watched => {
    const runs = Array.from({ length: 250 }, (_, i) =>
      seen({ runId: `r${i}`, startedAt: iso(i + 1) }),
    );
    return digest(withChannels(nothingWatched(START), ['slow', 'quick']), {
      runs,
      statuses: new Map(),
      now: at(300),
    });
  };

  it('is a hundred at most; what is left out is counted for each channel', () => {
    const watched = busy();
    watched.channels['quick'] = { taken: 100, leftOut: 0 };
    const after = trimmed(watched);
    expect(after.news).toHaveLength(100);
    expect(after.channels).toEqual({
      slow: { taken: 150, leftOut: 150 },
      quick: { taken: 150, leftOut: 50 },
    });
    expect(JSON.stringify(after).length).toBeLessThan(200_000);
  });

  it('goes when every channel has taken it', () => {
    const watched = busy();
    const done = { taken: 250, leftOut: 0 };
    watched.channels = { slow: done, quick: { taken: 249, leftOut: 0 } };
    expect(trimmed(watched).news.map((n) => n.seq)).toEqual([250]);
    watched.channels = { slow: done, quick: done };
    expect(trimmed(watched).news).toEqual([]);
  });

  it('is not told to a channel that comes later', () => {
    const later = withChannels(busy(), ['slow', 'new']);
    expect(Object.keys(later.channels)).toEqual(['slow', 'new']);
    expect(later.channels['new']?.taken).toBe(250);
  });
});
