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

  it('tells of one VM alone when it is asked about that, by its nodes and its role', async () => {
    const two = 'virtualMachines:\n  - { name: db-1, owner: HV2, memory: 1GB }';
    const scenario = TWO_NODES.replace('virtualMachines:', two);
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    const { name, id } = c.lab.state().vms[0]!;
    expect(c.lab.state().roles.length).toBe(2);
    const run = await c.start('inspectCluster', runId.inspect(c.cluster, 'b'), { about: name });
    const { view, nodes } = (await run.result()) as Snapshot;
    expect(view.roles.map((role) => role.vmId)).toEqual([id]);
    const vms = Object.values(nodes).flatMap((one) => ('view' in one ? one.view.vms : []));
    expect(vms.map((vm) => vm.id)).toEqual([id]);
  });
});
