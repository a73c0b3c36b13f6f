// inspectCluster: what plan and show are made from. A node that does not answer is part of the picture.
import { afterEach, describe, expect, inject, it } from 'vitest';
import type { Snapshot } from '../../domain/facts.ts';
import { runId } from '../../domain/names.ts';
import { labCluster, TEST_BUDGETS, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';

let open: LabCluster | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

describe('inspectCluster', () => {
  it('tells of every node, and says why one does not answer', async () => {
    open = await labCluster({ temporal: inject('temporal'), scenario: TWO_NODES });
    const c = open;
    c.lab.powerOff('HV2');
    const run = await c.start('inspectCluster', runId.inspect(c.cluster, 'a'), {
      nodes: ['hv1', 'HV9'],
      files: ['C:\\ClusterStorage\\Volume1\\new-1.vhdx'],
      budgets: { ...TEST_BUDGETS, answerSeconds: 2 },
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

  it('says so when a cluster is too large for one look', async () => {
    // A disk's path per VM, each as long as Windows takes it, many times.
    const disk = (vm: number, n: number): string =>
      `'C:\\ClusterStorage\\Volume1\\${'x'.repeat(180)}\\${String(vm)}-${String(n)}.vhdx'`;
    const vms = Array.from({ length: 80 }, (_, i) => {
      const disks = Array.from({ length: 100 }, (_unused, n) => disk(i, n)).join(', ');
      return `  - { name: big-${String(i)}, owner: HV${String((i % 2) + 1)}, memory: 64MB, disks: [${disks}] }`;
    });
    const scenario = TWO_NODES.replace('disks:', `${vms.join('\n')}\ndisks:`);
    open = await labCluster({ temporal: inject('temporal'), scenario });
    const run = await open.start('inspectCluster', runId.inspect(open.cluster, 'b'), {});
    await expect(run.result()).rejects.toMatchObject({
      cause: { type: 'BadRequest', message: expect.stringContaining('too large') as string },
    });
  });
});
