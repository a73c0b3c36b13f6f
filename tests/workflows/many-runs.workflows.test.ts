// Many runs at once, small enough for every test run. The real thing, with 500 and processes, is `npm run load`.
import { beforeAll, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { labCluster, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';
import { endsWithAll } from '../support/ends.ts';

const RUNS = 60;
const NODES = ['HV1', 'HV2', 'HV3'];
const vm = (i: number): string => `vm-${i}`;
const nodeOf = (i: number): string => NODES[i % NODES.length] ?? '';

const SCENARIO = `
nodes:
${NODES.map((n) => `  - { name: ${n}, memory: 512GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }`).join('\n')}
maximumParallelMigrations: 2
virtualMachines:
${Array.from({ length: RUNS }, (_, i) => `  - { name: ${vm(i)}, owner: ${nodeOf(i)}, memory: 512MB, dirtyRate: 1MB/s }`).join('\n')}
`;

/** A snapshot per attempt, a wait, a move, a proof; far from Temporal's 51,200 events and 50 MB. */
const EVENTS_MAX = 250;
const BYTES_MAX = 250_000;

const ends = endsWithAll();
let cluster: LabCluster;

beforeAll(async () => {
  cluster = ends(
    await labCluster({ temporal: inject('temporal'), scenario: SCENARIO, speed: 200 }),
  );
});

it('sixty moves at once all end well, answer meanwhile, and keep their histories small', async () => {
  const budgets = { answerSeconds: 60, heartbeatSeconds: 10, retrySeconds: 0.5 };
  const runs = await Promise.all(
    Array.from({ length: RUNS }, (_, i) =>
      cluster.start('migrateVm', runId.migrate(cluster.cluster, vm(i)), {
        vm: vm(i),
        to: nodeOf(i + 1),
        budgets,
      }),
    ),
  );
  // Meanwhile is while others still move, however long that takes here.
  await runs.at(-1)?.until('a run among sixty to answer', (s) => s.workflow === 'migrateVm');
  expect(cluster.count('move-finished')).toBeLessThan(RUNS);
  const results = await Promise.all(runs.map((run) => run.result()));
  expect(results).toMatchObject(
    Array.from({ length: RUNS }, (_, i) => ({
      vm: vm(i),
      changed: true,
      from: nodeOf(i),
      to: nodeOf(i + 1),
    })),
  );
  expect(cluster.count('move-finished')).toBe(RUNS);
  for (const run of runs) {
    const info = await run.raw.describe();
    expect(info.historyLength).toBeLessThan(EVENTS_MAX);
    const bytes = Number(String(info.raw.workflowExecutionInfo?.historySizeBytes ?? 0));
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThan(BYTES_MAX);
  }
});

it('looks again at a node that did not answer, before a person is asked', async () => {
  const c = ends(
    await labCluster({
      temporal: inject('temporal'),
      scenario: `${TWO_NODES}faults: [{ on: readHost, node: HV2, error: { hresult: '0x800706BA' } }]\n`,
    }),
  );
  const run = await c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), {
    vm: 'web-1',
    to: 'HV2',
  });
  expect(await run.result()).toMatchObject({ changed: true, to: 'HV2' });
  expect((await run.step('vm/web-1/choose')).attempt).toBe(2);
});
