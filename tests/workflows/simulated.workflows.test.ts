// The simulation stays honest: what a seed's work does on a simulated server and workers, it does on real ones too.
// Same scenario, same input; compared is all that does not depend on timing: states of run and steps, and every effect.
// With its faults a seed goes another way each time in real time; the promises have to hold all the same.
import path from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { RunStatus } from '../../domain/status.ts';
import type { Effect } from '../../lab/machine/records.ts';
import { planOf, type Plan } from '../../proof/sim/plan.ts';
import { Random } from '../../proof/rig/random.ts';
import { playForReal } from '../../proof/sim/real/play.ts';
import { requestFor } from '../../proof/sim/operator.ts';
import { SimCluster } from '../../proof/sim/sim-cluster.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { labCluster } from '../support/lab-cluster.ts';
import { endsWithAll } from '../support/ends.ts';

const BUNDLE = path.join(ROOT, 'dist', 'workflow-bundle.js');

const ends = endsWithAll();
let host: WorkflowHost;
beforeAll(async () => {
  host = ends(await WorkflowHost.load(BUNDLE));
});

interface Seen {
  steps: string[];
  effects: string[];
}

const seen = (status: RunStatus, effects: Effect[], cluster: string): Seen => ({
  steps: status.steps.map((step) => `${step.id} ${step.state}`),
  effects: effects
    // Whether a move has to queue is a matter of milliseconds.
    .filter(({ kind }) => kind !== 'move-queued')
    .map(({ kind, subject }) => `${kind} ${subject === cluster ? 'the cluster' : subject}`)
    .sort(),
});

async function simulated(plan: Plan): Promise<Seen> {
  const { scenario, seed, lookEveryMs } = plan;
  const c = new SimCluster({ scenario, host, random: new Random(seed), lookEveryMs });
  const run = c.server.start(requestFor(plan, { does: 'apply', at: 0, restarts: 'allowed' }))!;
  expect(await c.until(() => run.state !== 'open', 7200)).toBe(true);
  const status = run.status()!;
  await c.stop();
  return seen(status, c.lab.effects(), c.cluster);
}

async function real({ file, spec }: Plan): Promise<Seen> {
  const parts = Object.entries(file).filter(([key]) => key !== 'cluster');
  const scenario = parts.map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join('');
  const c = await labCluster({ temporal: inject('temporal'), scenario, speed: 100 });
  try {
    const input = { spec: { ...spec, cluster: c.cluster }, restarts: 'allowed' };
    const run = await c.start('applyCluster', runId.apply(c.cluster), input);
    await run.result();
    return seen(await run.status(), c.lab.effects(), c.cluster);
  } finally {
    await c.stop();
  }
}

/** Seeds with something to do and without what happens by itself; without their faults. */
const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1)
  .filter((seed) => {
    const { scenario, spec } = planOf(seed);
    const bare = scenario.nodes.filter((node) => node.features.length === 0).length;
    return scenario.autoBalancer.mode === 0 && bare === 1 && spec.prove.length > 0;
  })
  .slice(0, 3);

describe.concurrent('a seed on a simulated server', () => {
  it.each(SEEDS)('ends as on a real one: %i', async (seed) => {
    const plan = planOf(seed);
    const expected = await simulated(plan);
    expect(expected.steps.every((step) => step.endsWith(' succeeded'))).toBe(true);
    expect(await real(plan)).toEqual(expected);
  });
});

/** Together 35 faults of 16 kinds, among them crashes in the middle of a move and lost requests; short ones. */
const WITH_FAULTS = [53, 69, 85];

describe.concurrent('a seed with its faults on a real server', () => {
  it.each(WITH_FAULTS)('keeps every promise: %i', async (seed) => {
    const { address, namespace } = inject('temporal');
    const told = await playForReal(planOf(seed), { address, namespace, bundle: BUNDLE, host });
    expect(told.violations, told.trace.slice(-40).join('\n')).toEqual([]);
    // A run that is cancelled early spares itself the rest.
    expect(told.trace.filter((line) => line.includes(' FAULT ')).length).toBeGreaterThan(4);
    expect(told.tasks).toBeGreaterThan(0);
  });
});
