// Sixty seeds of simulated clusters on which everything goes wrong. A failure prints the promise that was broken
// and the seed; `npm run sim -- --seed N` makes it small and shows its last steps.
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { planOf } from '../../proof/sim/plan.ts';
import { REGRESSIONS } from '../../proof/sim/regressions.ts';
import { simulate } from '../../proof/sim/simulate.ts';
import { replayByCore } from '../../proof/sim/temporal/core-replay.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll } from '../support/ends.ts';

const BUNDLE = path.join(ROOT, 'dist', 'workflow-bundle.js');
const SEEDS = 60;
const PER_TEST = 20;
/** Replayed by the native core as well. */
const CORE_SEEDS = 10;

const ends = endsWithAll();
let host: WorkflowHost;
beforeAll(async () => {
  host = ends(await WorkflowHost.load(BUNDLE));
});

describe('every promise is kept', () => {
  const firsts = Array.from({ length: SEEDS / PER_TEST }, (_, i) => 1 + i * PER_TEST);
  it.each(firsts)('by the seeds from %i on', async (first) => {
    for (let seed = first; seed < first + PER_TEST; seed += 1) {
      const { violations } = await simulate(planOf(seed), host);
      expect(violations, `npm run sim -- --seed ${seed}`).toEqual([]);
    }
  });

  it.each(REGRESSIONS)('where it once was not: $reason', async ({ plan }) => {
    const { violations, trace } = await simulate(plan, host);
    expect(violations, trace.slice(-20).join('\n')).toEqual([]);
  });
});

describe('a seed', () => {
  it('gives the same trace, byte for byte, every time', async () => {
    const traces = [];
    for (const seed of [3, 11, 3, 11])
      traces.push((await simulate(planOf(seed), host)).trace.join('\n'));
    expect(traces[2]).toBe(traces[0]);
    expect(traces[3]).toBe(traces[1]);
    expect(traces[1]).not.toBe(traces[0]);
  });

  it('writes histories that the native core replays', async () => {
    const runs = [];
    for (let seed = 1; seed <= CORE_SEEDS; seed += 1)
      runs.push(...(await simulate(planOf(seed), host)).runs);
    expect(await replayByCore(runs, BUNDLE)).toEqual([]);
    expect(runs.length).toBeGreaterThan(CORE_SEEDS);
  });
});
