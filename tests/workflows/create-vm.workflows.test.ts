// createVm against a real server and the lab: where the VM goes while it is made, the run goes too.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { HypervHost } from '../../hyperv/host.ts';
import type { CreateVmResult } from '../../workflows/create-vm.ts';
import { labCluster, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';
import { endsWithTest } from '../support/ends.ts';

const ends = endsWithTest();

const cluster = async (disturb: (host: HypervHost) => HypervHost): Promise<LabCluster> =>
  ends(await labCluster({ temporal: inject('temporal'), scenario: TWO_NODES, disturb }));

const create = (c: LabCluster, name: string) =>
  c.start('createVm', runId.create(c.cluster, name), {
    vm: {
      name,
      memoryBytes: 4 * 2 ** 30,
      vhd: `C:\\ClusterStorage\\Volume1\\${name}.vhdx`,
      switch: 'LAN',
      generation: 2,
      node: name === 'new-1' ? 'HV1' : null,
    },
  });

/** HV1 loses its power at that moment, once. */
const crashing = (c: () => LabCluster, before: { crashed: boolean }): void => {
  if (before.crashed) return;
  before.crashed = true;
  c().lab.crash('HV1');
};

describe('createVm', () => {
  it('starts the VM where the cluster has it, when its node crashes before it ran', async () => {
    const state = { crashed: false };
    const c = await cluster((host) => ({
      ...host,
      startRole: async (args) => {
        const answer = await host.startRole(args);
        crashing(() => c, state);
        return answer;
      },
    }));
    const run = await create(c, 'new-1');
    const result = (await run.result()) as CreateVmResult;
    expect(result).toMatchObject({ vm: 'new-1', node: 'HV2', changed: true });
    expect(c.count('vm-created', 'new-1')).toBe(1);
    expect(c.lab.state().vms.find((vm) => vm.name === 'new-1')).toMatchObject({
      owner: 'HV2',
      state: 'Running',
    });
  });

  it('says of the node that cluster.yaml names, and of no other, why it cannot hold the VM', async () => {
    const c = await cluster((host) => host);
    c.lab.call('HV2', 'pauseNode', { node: 'HV1' });
    const run = await create(c, 'new-1');
    const parked = await run.until('a person to be needed', (s) => s.state === 'needs-operator');
    expect(parked.steps[0]?.failure?.message).toBe(
      'VM new-1 is to be on HV1, which cannot hold it. HV1: the node is paused and takes no VMs',
    );
  });

  it('finds the VM that is there already, also when it has just failed over', async () => {
    const state = { crashed: false };
    const c = await cluster((host) => ({
      ...host,
      createVm: (args) => {
        crashing(() => c, state);
        return host.createVm(args);
      },
    }));
    const run = await create(c, 'web-1');
    expect(await run.result()).toMatchObject({ vm: 'web-1', node: 'HV2', changed: false });
    expect(c.count('vm-created')).toBe(0);
  });
});
