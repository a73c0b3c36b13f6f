// What a run is started with and told, against a real server and the lab: what nobody knows is refused before anything
// is done, and what was made is taken back by one rule.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { MESSAGES } from '../../domain/status.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster, TEST_BUDGETS, TWO_NODES } from '../support/lab-cluster.ts';
import { aSpec, GB } from '../support/snapshot-builder.ts';

const ends = endsWithTest();

const newVm = (name: string, disk: string) => ({
  name,
  memoryBytes: 4 * GB,
  vhd: `C:\\ClusterStorage\\Volume1\\${disk}.vhdx`,
  switch: 'LAN',
  generation: 2 as const,
  node: 'HV1',
});

const cluster = async (more = '') =>
  ends(await labCluster({ temporal: inject('temporal'), scenario: `${TWO_NODES}${more}` }));

describe('a run', () => {
  it('is refused for a field that nobody knows, and moves nothing', async () => {
    const c = await cluster();
    const id = runId.migrate(c.cluster, 'web-1');
    const run = await c.start('migrateVm', id, { vm: 'web-1', target: 'HV2' });
    await expect(run.result()).rejects.toMatchObject({
      cause: { type: 'BadRequest', message: expect.stringContaining('did you mean to?') as string },
    });
    expect(c.count('move-started')).toBe(0);
  });

  it('stops at the plan when the disk of a new VM is another one, and takes no decision with a strange field', async () => {
    const c = await cluster();
    const spec = aSpec({
      cluster: c.cluster,
      nodes: ['HV1', 'HV2'],
      virtualMachines: [newVm('new-1', 'web-1')],
      prove: [],
      budgets: { ...aSpec().budgets, ...TEST_BUDGETS },
    });
    const run = await c.start('applyCluster', runId.apply(c.cluster), { spec, restarts: 'ask' });
    const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    expect(parked.steps[0]?.failure?.message).toContain(
      'C:\\ClusterStorage\\Volume1\\web-1.vhdx is the disk of web-1, which is Running on HV1',
    );
    const strange = { step: 'cluster/plan', action: 'retry', node: 'HV2' } as const;
    await run.raw.signal(MESSAGES.decide, { ...strange, reason: '', by: 'ito@lab' });
    await expect(run.decide(strange)).rejects.toMatchObject({
      cause: { message: 'A decision has no field "node"; did you mean target?' },
    });
    await run.decide({ step: 'cluster/plan', action: 'abort' });
    await expect(run.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
    expect(c.count('vm-created')).toBe(0);
  });
});

describe('the undo of a VM that a run made', () => {
  const FAILING =
    "faults: [{ on: startRole, vm: new-1, times: always, error: { hresult: '0x80070032' } }]\n";

  it.each([
    [
      'is whole when others wrote into its notes',
      (notes: string) => `${notes} #CLUSTER-INVARIANT#:{1}`,
      1,
    ],
    ['leaves the VM and its role when its mark is gone', () => 'somebody else now', 0],
  ])('%s', async (_what, noted, removed) => {
    const c = await cluster(FAILING);
    const id = runId.create(c.cluster, 'new-1');
    const run = await c.start('createVm', id, { vm: newVm('new-1', 'new-1') });
    await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    const vm = [...c.lab.world.vms.values()].find((one) => one.name === 'new-1');
    vm!.notes = noted(vm!.notes);
    await run.decide({ step: 'vm/new-1/start', action: 'abort' });
    await expect(run.result()).rejects.toMatchObject({ cause: { type: 'Aborted' } });
    expect([c.count('role-removed', 'new-1'), c.count('vm-removed', 'new-1')]).toEqual([
      removed,
      removed,
    ]);
  });
});
