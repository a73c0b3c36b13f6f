// inspectCluster: what plan and show are made from. A node that does not answer is part of the picture.
import { describe, expect, inject, it } from 'vitest';
import type { Snapshot } from '../../domain/facts.ts';
import { runId } from '../../domain/names.ts';
import { labCluster, TEST_BUDGETS, TWO_NODES } from '../support/lab-cluster.ts';
import { endsWithTest } from '../support/ends.ts';

const ends = endsWithTest();

describe('inspectCluster', () => {
  it('tells of every node, and says why one does not answer', async () => {
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario: TWO_NODES }));
    c.lab.powerOff('HV2');
    const run = await c.start('inspectCluster', runId.inspect(c.cluster, 'a'), {
      nodes: ['hv1', 'HV9'],
      files: ['C:\\ClusterStorage\\Volume1\\new-1.vhdx'],
      budgets: { ...TEST_BUDGETS, answerSeconds: 8 },
    });
    const snapshot = (await run.result()) as Snapshot;
    expect(Object.keys(snapshot.nodes).sort()).toEqual(['HV1', 'HV2', 'HV9']);
    expect(snapshot.nodes['HV1']).toMatchObject({
      view: { host: { node: 'HV1' }, files: [{ exists: true }] },
    });
    expect(snapshot.nodes['HV2']).toMatchObject({ noAnswer: { code: 'NodeUnreachable' } });
    expect(snapshot.nodes['HV9']).toMatchObject({ noAnswer: { code: 'NodeNotServed' } });
    expect(c.lab.calls().every((call) => call.changed === null)).toBe(true);
  });

  it('tells of one VM alone when it is asked about that, and asks no node that need not find it', async () => {
    const two =
      'virtualMachines:\n  - { name: db-1, owner: HV2, memory: 1GB }\n  - { name: app-1, owner: HV1, memory: 1GB, role: SCVMM app }';
    const scenario = TWO_NODES.replace('virtualMachines:', two);
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    expect(c.lab.state().roles.length).toBe(3);
    const about = async (name: string) => {
      const run = await c.start('inspectCluster', runId.inspect(c.cluster, name), { about: name });
      const { view, nodes } = (await run.result()) as Snapshot;
      const vms = Object.values(nodes).flatMap((one) => ('view' in one ? one.view.vms : []));
      return { roles: view.roles.map((r) => r.vmId), vms: vms.map((vm) => vm.id) };
    };
    const idOf = (name: string) => c.lab.state().vms.find((vm) => vm.name === name)?.id;
    expect(await about('db-1')).toEqual({ roles: [idOf('db-1')], vms: [] });
    expect(await about('app-1')).toEqual({ roles: [idOf('app-1')], vms: [idOf('app-1')] });
  });
});
