// What past moves teach: overhead, the rate of each pair, VMs that write much; and how a promise is compared.
import { describe, expect, it } from 'vitest';
import {
  learn,
  learnedLines,
  movesIn,
  promiseText,
  type PastMove,
} from '../../domain/fleet/learned.ts';
import { ASSUMED_MODEL, wholeProblem } from '../../domain/fleet/problem.ts';
import { aSnapshot, GB } from '../support/snapshot-builder.ts';
import { surveyFrom } from '../support/survey-builder.ts';

const move = (gb: number, seconds: number, more: Partial<PastMove> = {}): PastMove => ({
  vm: `vm-${gb}`,
  vmId: `ID-${gb}`,
  from: 'HV1',
  to: 'HV2',
  bytes: gb * GB,
  seconds,
  ...more,
});
/** Eight seconds of overhead, half a GB per second. */
const STEADY = [2, 4, 8, 16, 32].map((gb) => move(gb, 8 + gb * 2));

describe('past moves', () => {
  it('show what a move takes beside its copy, and the rate of the copy', () => {
    const learned = learn(STEADY, ASSUMED_MODEL);
    expect(learned.overheadSeconds?.value).toBeCloseTo(8, 6);
    expect(learned.model.setupSeconds + learned.model.handoverSeconds).toBeCloseTo(8, 6);
    expect(learned.pairs['HV1 -> HV2']?.value).toBeCloseTo(0.5 * GB, 0);
    expect(learned.pairs['HV1 -> HV2']?.moves).toBe(5);
    expect(learnedLines(learned)).toEqual([
      'setup and hand-over: 8.0 s (median of 5 moves)',
      'HV1 -> HV2: 512 MB/s (median of 5 moves)',
    ]);
  });

  it('are not led astray by one that took ten times as long', () => {
    const learned = learn([...STEADY, move(6, 200)], ASSUMED_MODEL);
    expect(learned.overheadSeconds?.value).toBeCloseTo(8, 0);
    expect(learned.rates['hv1']?.value).toBeCloseTo(0.5 * GB, -7);
  });

  it('teach nothing where there are too few, or all of one size', () => {
    for (const few of [[], STEADY.slice(0, 2), [move(4, 16), move(4, 17), move(4, 18)]]) {
      const learned = learn(few, ASSUMED_MODEL);
      expect(learned.overheadSeconds).toBeNull();
      expect(learned.model).toEqual(ASSUMED_MODEL);
    }
    expect(learn([move(0, 5), move(4, 0)], ASSUMED_MODEL).pairs).toEqual({});
  });

  it('tell nothing of a link when they were over before the copy could be told from the rest', () => {
    const short = [1, 2, 3].map((gb) => move(gb, 4.2, { to: 'HV3', vmId: `s-${gb}` }));
    const alone = learn(short, ASSUMED_MODEL);
    expect([alone.pairs, alone.rates]).toEqual([{}, {}]);
    const beside = learn([...STEADY, ...short], ASSUMED_MODEL);
    expect(Object.keys(beside.pairs)).toEqual(['HV1 -> HV2']);
    expect(beside.rates['hv1']?.value).toBe(beside.pairs['HV1 -> HV2']?.value);
  });

  it('take the best pair of a source for its link: a slow target is not the source', () => {
    const slow = [2, 4, 8, 16].map((gb) => move(gb, 8 + gb * 20, { to: 'HV3', vmId: `s-${gb}` }));
    const learned = learn([...STEADY, ...slow], ASSUMED_MODEL);
    expect(learned.rates['hv1']?.value).toBe(learned.pairs['HV1 -> HV2']?.value);
  });

  it('find the VM whose moves take longer than its memory explains', () => {
    const hot = [1, 2, 3].map(() => move(10, 8 + 40, { vm: 'db', vmId: 'ID-db' }));
    const learned = learn([...STEADY, ...hot], ASSUMED_MODEL);
    // Twice as long is half of the rate written anew.
    expect(learned.dirty['id-db']?.value).toBeCloseTo(0.25 * GB, -6);
    expect(Object.keys(learned.dirty)).toEqual(['id-db']);
  });

  it('are what the next plan is made with', () => {
    const learned = learn(STEADY, ASSUMED_MODEL);
    const problem = wholeProblem(
      surveyFrom(aSnapshot()),
      { kind: 'empty', nodes: ['HV1'] },
      { reserveBytes: GB, learned },
    );
    const rate = problem.nodes.map(
      (node) => node.linkBytesPerSecond * problem.model.factors[node.performance],
    );
    expect(rate[0]).toBeCloseTo(0.5 * GB, 0);
    expect(problem.nodes[1]?.linkBytesPerSecond).toBe(1.25e9);
    expect(problem.model.setupSeconds).toBeCloseTo(4.8, 6);
  });
});

describe('the result of a run', () => {
  it('is believed only as far as it has the shape of moves', () => {
    const one = move(4, 16);
    expect(movesIn({ nodes: ['HV1'], moves: [one, { vm: 'x' }, null, 3] })).toEqual([one]);
    expect(movesIn({ changed: true, ...one })).toEqual([{ changed: true, ...one }]);
    // As workers of older versions wrote it, and where nothing moved.
    expect(movesIn({ vm: 'a', changed: true, from: 'HV1', to: 'HV2' })).toEqual([]);
    expect(movesIn({ ...one, changed: false })).toEqual([]);
    for (const strange of [null, undefined, 'moves', 7, [], { moves: 'all' }])
      expect(movesIn(strange)).toEqual([]);
  });
});

describe('a promise', () => {
  it('is told with what came of it', () => {
    expect(promiseText(250, 272)).toBe('promised 4 min 10 s, took 4 min 32 s (9 % longer)');
    expect(promiseText(100, 80)).toBe('promised 1 min 40 s, took 1 min 20 s (20 % shorter)');
    expect(promiseText(0, 3)).toBe('promised 0.0 s, took 3.0 s');
  });
});
