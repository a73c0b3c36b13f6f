// A rolling maintenance through the real PowerShell: watari's own module on the lab's stand-ins, in real worker
// processes, from the plan to the last node that is back.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { CmdletRecord } from '../../lab/powershell/door.ts';
import { engine } from '../support/engine.ts';
import { endsWithTest } from '../support/ends.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { realCluster } from '../support/real-cluster.ts';

const ends = endsWithTest();

const node = (name: string): string =>
  `  - { name: ${name}, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, migrationNetwork: 10Gbps, liveMigration: { enabled: true } }`;

const THREE = `
autoBalancer: { mode: 2, intervalSeconds: 864000 }
nodes:
${['HV1', 'HV2', 'HV3'].map(node).join('\n')}
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB, dirtyRate: 20MB/s }
  - { name: web-2, owner: HV2, memory: 8GB, dirtyRate: 20MB/s }
  - { name: off-1, owner: HV2, memory: 4GB, state: Off }
`;

describe('through the real PowerShell', needs(POWERSHELL), () => {
  it('a maintenance restarts all nodes, one at a time, and no VM stops', async () => {
    const c = ends(
      await realCluster({
        temporal: inject('temporal'),
        scenario: THREE,
        speed: 10,
        powershell: engine(),
      }),
    );
    const run = await c.start('maintainCluster', runId.campaign(c.cluster), {
      action: { kind: 'restart' },
      bringBack: true,
      budgets: {},
    });
    expect(await run.result()).toMatchObject({ failed: [], skipped: [] });
    const { nodes, cluster } = await c.state();
    expect(nodes.map((one) => one.state)).toEqual(['Up', 'Up', 'Up']);
    expect(cluster.autoBalancerMode).toBe(2);
    for (const name of ['HV1', 'HV2', 'HV3'])
      expect(await c.effects('restart-requested', name)).toHaveLength(1);
    for (const kind of ['vm-stopped', 'vm-saved', 'vm-restarted'] as const)
      expect(await c.effects(kind)).toEqual([]);
    const answer = await fetch(`${c.labUrl}/cmdlets`);
    const used = ((await answer.json()) as { cmdlets: CmdletRecord[] }).cmdlets.map(
      (one) => one.cmdlet,
    );
    for (const cmdlet of [
      ...['Suspend-ClusterNode', 'Resume-ClusterNode', 'Move-ClusterGroup'],
      ...['Move-ClusterSharedVolume', 'Move-ClusterVirtualMachineRole'],
    ])
      expect(used).toContain(cmdlet);
  });
});
