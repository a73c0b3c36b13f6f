// The soak's own parts that need no process: the same seed gives the same schedule, and each thing that may never
// happen is found in a log in which it happened. Without this a soak that finds nothing would prove nothing.
import { describe, expect, it } from 'vitest';
import { parseClusterFile } from '../../config/cluster-file.ts';
import type { Effect, EffectKind } from '../../lab/machine/records.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { Random } from '../../proof/rig/random.ts';
import { castOf, clusterText, scenarioText } from '../../proof/soak/cast.ts';
import { findViolations, type Evidence } from '../../proof/soak/checks.ts';
import { adoptionTimes, drainsBy } from '../../proof/soak/report.ts';
import type { RunRecord } from '../../proof/soak/run-records.ts';
import { JOBS, roundOf, STRIKES } from '../../proof/soak/schedule.ts';

describe('the schedule', () => {
  const cast = castOf(STRIKES);

  it('is the same for the same seed and round, and another for another', () => {
    expect(roundOf(7, 2, 30_000, cast)).toEqual(roundOf(7, 2, 30_000, cast));
    expect(roundOf(7, 2, 30_000, cast)).not.toEqual(roundOf(7, 3, 30_000, cast));
    expect(roundOf(7, 2, 30_000, cast)).not.toEqual(roundOf(8, 2, 30_000, cast));
  });

  it('strikes in order, within its time, and only what the server can suffer', () => {
    const embedded = castOf(['worker', 'server', 'node-crash']);
    const strikes = Array.from({ length: 20 }, (_, i) => roundOf(i, i, 30_000, embedded).strikes);
    for (const list of strikes) {
      expect(list.map((s) => s.atMs)).toEqual(list.map((s) => s.atMs).sort((a, b) => a - b));
    }
    const kinds = new Set(strikes.flat().map((s) => s.kind));
    expect([...kinds].sort()).toEqual(['node-crash', 'server', 'worker']);
    expect(Math.max(...strikes.flat().map((s) => s.atMs))).toBeLessThan(30_000);
  });

  it('draws every kind of strike and of work within some rounds', () => {
    const rounds = Array.from({ length: 12 }, (_, i) => roundOf(1, i, 45_000, cast));
    expect(new Set(rounds.flatMap((r) => r.strikes.map((s) => s.kind))).size).toBe(STRIKES.length);
    expect(new Set(rounds.flatMap((r) => r.jobs.map((j) => j.kind))).size).toBe(JOBS.length);
  });

  it('drains a node in every round, early enough to be disturbed', () => {
    for (let i = 0; i < 12; i += 1) {
      const drains = roundOf(5, i, 45_000, cast).jobs.filter((job) => job.kind === 'drain');
      expect(drains).toHaveLength(1);
      expect(drains[0]!.atMs).toBeLessThanOrEqual(15_000);
    }
  });

  it('draws evenly enough: every tenth of the range comes up', () => {
    const c = Random.of(42, 'test');
    const seen = new Set(Array.from({ length: 500 }, () => Math.floor(c.next() * 10)));
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('asks for files that the product and the lab take', () => {
    const wish = { simultaneousMigrations: 2, performance: 'SMB', newVms: 3 } as const;
    const spec = parseClusterFile(clusterText('soak', wish), 'cluster.yaml');
    expect(spec.virtualMachines).toHaveLength(3);
    expect(parseScenario(`cluster: soak\n${scenarioText()}`, 'soak.yaml').nodes).toHaveLength(4);
  });
});

/** A second of the log per effect, in both clocks alike. */
const T0 = Date.parse('2026-11-24T09:00:00Z');
const iso = (second: number): string => new Date(T0 + second * 1000).toISOString();

type Row = [second: number, kind: EffectKind, node: string, subject: string, detail?: string];

const log = (...rows: Row[]): Effect[] =>
  rows.map(([second, kind, node, subject, detail = ''], i) => ({
    seq: i + 1,
    at: iso(second),
    node,
    kind,
    subject,
    detail,
  }));

const migrate = (from: number, to: number | null, part: Partial<RunRecord> = {}): RunRecord => ({
  run: 'watari/soak/vm/web-1/migrate',
  runId: 'r',
  workflow: 'migrateVm',
  outcome: 'COMPLETED',
  startedMs: T0 + from * 1000,
  endedMs: to === null ? null : T0 + to * 1000,
  parent: null,
  status: null,
  result: { vm: 'web-1', changed: true, from: 'HV1', to: 'HV2' },
  taskFailures: [],
  adoptions: [],
  ...part,
});

const prepare = (from: number, to: number): RunRecord =>
  migrate(from, to, {
    run: 'watari/soak/node/hv3/prepare',
    workflow: 'prepareNode',
    result: { restarted: true },
  });

const judge = (effects: Effect[], runs: RunRecord[] = [], part: Partial<Evidence> = {}): string[] =>
  findViolations({
    effects,
    runs,
    owners: new Map([['web-1', 'HV1']]),
    nodeStrikes: [],
    realMs: (effect) => Date.parse(effect.at),
    ...part,
  });

const MOVED = log([10, 'move-started', 'HV1', 'web-1'], [20, 'move-finished', 'HV2', 'web-1']);

describe('the checks find nothing in', () => {
  it('a move that its run reports as it was', () => {
    expect(judge(MOVED, [migrate(5, 25)])).toEqual([]);
  });

  it('a move that failed and was started again', () => {
    const effects = log(
      [10, 'move-started', 'HV1', 'web-1'],
      [12, 'move-failed', 'HV1', 'web-1'],
      [14, 'move-started', 'HV1', 'web-1'],
      [20, 'move-finished', 'HV2', 'web-1'],
    );
    expect(judge(effects, [migrate(5, 25)])).toEqual([]);
  });

  it('a run that follows another at once', () => {
    const back = log(
      [10, 'move-started', 'HV1', 'web-1'],
      [20, 'move-finished', 'HV2', 'web-1'],
      [21, 'move-started', 'HV2', 'web-1'],
      [30, 'move-finished', 'HV1', 'web-1'],
    );
    const second = { vm: 'web-1', changed: true, from: 'HV2', to: 'HV1' };
    expect(judge(back, [migrate(5, 20.3), migrate(20.5, 31, { result: second })])).toEqual([]);
  });

  it('a VM that stopped with a node that we took down, and started elsewhere', () => {
    const effects = log(
      [10, 'node-down', 'HV1', 'HV1', 'crashed'],
      [10, 'vm-stopped', 'HV1', 'web-1'],
      [15, 'role-moved', 'HV2', 'web-1'],
      [15, 'vm-restarted', 'HV2', 'web-1'],
    );
    const nodeStrikes = [{ node: 'HV1', atMs: T0 + 10_000 }];
    expect(judge(effects, [], { nodeStrikes })).toEqual([]);
  });

  it('a feature that was taken away between two installations, and one restart for each run', () => {
    const effects = log(
      [10, 'feature-installed', 'HV3', 'BitLocker'],
      [11, 'restart-requested', 'HV3', 'HV3'],
      [30, 'fault', 'HV3', 'remove-feature', 'BitLocker'],
      [40, 'feature-installed', 'HV3', 'BitLocker'],
      [41, 'restart-requested', 'HV3', 'HV3'],
    );
    expect(judge(effects, [prepare(5, 25), prepare(35, 60)])).toEqual([]);
  });
});

describe('the checks find', () => {
  it.each<[what: string, effects: Effect[], runs: RunRecord[], words: RegExp]>([
    [
      'a VM that was created twice',
      log([1, 'vm-created', 'HV1', 'new-1'], [2, 'vm-created', 'HV2', 'new-1']),
      [],
      /created 2 times/,
    ],
    [
      'a feature that was installed twice',
      log([1, 'feature-installed', 'HV3', 'X'], [2, 'feature-installed', 'HV3', 'X']),
      [],
      /installed twice/,
    ],
    [
      'two moves of one VM at a time',
      log(
        [10, 'move-started', 'HV1', 'web-1'],
        [12, 'move-started', 'HV1', 'web-1'],
        [20, 'move-finished', 'HV2', 'web-1'],
      ),
      [migrate(5, 25)],
      /a second move beside the first/,
    ],
    [
      'a move that nobody ended',
      log([10, 'move-started', 'HV1', 'web-1']),
      [migrate(5, null, { outcome: 'RUNNING' })],
      /a move never ended/,
    ],
    ['a move without a run', MOVED, [migrate(60, 70)], /no run was there for a move/],
    [
      'a second move of a run whose first had arrived',
      log(
        [10, 'move-started', 'HV1', 'web-1'],
        [12, 'move-finished', 'HV2', 'web-1'],
        [14, 'move-started', 'HV2', 'web-1'],
        [20, 'move-finished', 'HV2', 'web-1'],
      ),
      [migrate(5, 25)],
      /moved again after it had arrived/,
    ],
    [
      'a run that ended before its move',
      log([10, 'move-started', 'HV1', 'web-1'], [60, 'move-finished', 'HV2', 'web-1']),
      [migrate(5, 25, { outcome: 'CANCELLED' })],
      /its move went on/,
    ],
    [
      'a report of a move that never was',
      log([10, 'move-started', 'HV1', 'web-1'], [12, 'move-failed', 'HV1', 'web-1']),
      [migrate(5, 25)],
      /that the lab never finished/,
    ],
    [
      'a report that denies its move',
      MOVED,
      [migrate(5, 25, { result: { vm: 'web-1', changed: false, from: 'HV1', to: 'HV1' } })],
      /says that it changed nothing/,
    ],
    [
      'a report from a node where the VM was not',
      MOVED,
      [migrate(5, 25, { result: { vm: 'web-1', changed: true, from: 'HV9', to: 'HV2' } })],
      /came from HV9, where it was not/,
    ],
    [
      'a second restart in one run',
      log([10, 'restart-requested', 'HV3', 'HV3'], [20, 'restart-requested', 'HV3', 'HV3']),
      [prepare(5, 25)],
      /restarted its node 2 times/,
    ],
    [
      'a restart without a run',
      log([10, 'restart-requested', 'HV3', 'HV3']),
      [],
      /no run was there for a restart/,
    ],
    [
      'a restart under a running VM',
      log([10, 'vm-saved', 'HV3', 'web-1']),
      [],
      /restarted while a VM ran there/,
    ],
    [
      'a VM that stopped though nobody took its node away',
      log([10, 'vm-stopped', 'HV1', 'web-1'], [15, 'vm-restarted', 'HV1', 'web-1']),
      [],
      /not because we took its node away/,
    ],
    [
      'a VM that was started anew while it ran',
      log([15, 'vm-restarted', 'HV2', 'web-1']),
      [],
      /a VM that ran was started anew/,
    ],
    ['a lost quorum', log([1, 'quorum-lost', '', 'soak']), [], /lost its quorum/],
    ['a node that stays paused', log([1, 'node-paused', 'HV1', 'HV1']), [], /never resumed/],
    ['a run that failed', [], [migrate(1, 2, { outcome: 'FAILED' })], /is FAILED/],
    [
      'a failed workflow task',
      MOVED,
      [migrate(5, 25, { taskFailures: ['event 9: Nondeterminism error'] })],
      /had a failed workflow task: event 9/,
    ],
  ])('%s', (_what, effects, runs, words) => {
    expect(judge(effects, runs).join('\n')).toMatch(words);
  });
});

describe('the drains of a report', () => {
  it('are the pauses, the moves off the paused node and its restart; other moves do not count', () => {
    const effects = log(
      [1, 'move-started', 'HV1', 'db-1'],
      [2, 'node-paused', 'HV1', 'HV1'],
      [3, 'move-started', 'HV1', 'web-1'],
      [4, 'move-started', 'HV2', 'app-1'],
      [5, 'restart-requested', 'HV1', 'HV1'],
      [6, 'node-resumed', 'HV1', 'HV1'],
      [7, 'move-started', 'HV1', 'web-2'],
      [8, 'restart-requested', 'HV4', 'HV4'],
      [9, 'node-paused', 'HV2', 'HV2'],
    );
    expect(drainsBy(effects)).toEqual({ begun: 2, emptied: 1, movedOff: 1 });
  });
});

describe('the time until a move is adopted', () => {
  const adoptions = [{ scheduledMs: 50_100, startedMs: 50_900, attempt: 2 }];
  const at = (atMs: number) => ({ kind: 'worker' as const, atMs, whom: 'HV1' });

  it('counts from the last kill before, and not from one after', () => {
    expect(adoptionTimes(adoptions, [at(50_050), at(50_300), at(51_000)])).toEqual([600]);
  });

  it('counts from its beginning when the server gave it to a worker that was dead already', () => {
    expect(adoptionTimes(adoptions, [at(45_000)])).toEqual([800]);
  });

  it('is not known when nobody was killed that could have had it', () => {
    expect(adoptionTimes(adoptions, [at(1_000), at(60_000)])).toEqual([]);
  });
});
