// What runs do at their bounds: a history that Temporal would soon end, a cluster that does not fit into one result. The
// real bounds take hours and thousands of VMs to reach, so the workflows of this test have lower ones.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { labCluster, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';
import { variantBundle } from '../support/variants.ts';

const EVENTS = 80;
let cluster: LabCluster;

beforeAll(async () => {
  const workflowCode = await variantBundle([
    { file: 'domain/bounded.ts', from: 'events: 40_000', to: `events: ${String(EVENTS)}` },
    { file: 'workflows/inspect-cluster.ts', from: 'MAX = 1_500_000', to: 'MAX = 2_000' },
  ]);
  const scenario = TWO_NODES.replace('owner: HV1,', 'owner: HV1, possibleOwners: [HV1],');
  cluster = await labCluster({ temporal: inject('temporal'), scenario, workflowCode });
});
afterAll(() => cluster.stop());

it('a run with a full history takes no further attempt, says why, and can be aborted', async () => {
  const run = await cluster.start('migrateVm', runId.migrate(cluster.cluster, 'web-1'), {
    vm: 'web-1',
    to: 'HV2',
  });
  const step = 'vm/web-1/choose';
  let retries = 0;
  for (;;) {
    const { waitingFor } = await run.until(
      'the run to need a person',
      (s) => s.state === 'needs-operator' && s.steps[0]?.attempt === retries + 1,
    );
    if (waitingFor?.includes('retry') !== true) break;
    await run.decide({ step, action: 'retry' });
    retries += 1;
    expect(retries).toBeLessThan(EVENTS);
  }
  expect(retries).toBeGreaterThan(1);
  expect((await run.status()).waitingFor).toBe(`${step}: a person: abort`);
  await expect(run.decide({ step, action: 'retry' })).rejects.toMatchObject({
    cause: { message: expect.stringContaining('too long for another attempt') as string },
  });
  const { historyLength } = await run.raw.describe();
  expect(historyLength).toBeGreaterThanOrEqual(EVENTS);
  expect(historyLength).toBeLessThan(EVENTS * 2);
  await run.decide({ step, action: 'abort' });
  await expect(run.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
});

it('a cluster too large for one look is refused in words', async () => {
  const run = await cluster.start('inspectCluster', runId.inspect(cluster.cluster, 'large'), {});
  await expect(run.result()).rejects.toMatchObject({
    cause: {
      type: 'BadRequest',
      message: expect.stringMatching(
        /with 1 VM roles on 2 nodes, is too large to be looked at in one piece: \d+ KB, of at most 2 KB/,
      ) as string,
    },
  });
});
