// The main job through the real PowerShell: watari's own module on the lab's stand-ins, in real worker processes.
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { CmdletRecord } from '../../lab/powershell/door.ts';
import { ROOT } from '../support/built-setup.ts';
import { engine } from '../support/engine.ts';
import { HABITS, demoSpec } from '../support/habits.ts';
import { realCluster, runnerOf } from '../support/real-cluster.ts';
import { killPid } from '../../proof/rig/processes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { killAll, startNode } from '../support/processes.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const ends = endsWithTest();

const TWO = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 32GB, dirtyRate: 50MB/s }
`;

describe('through the real PowerShell', needs(POWERSHELL), () => {
  it('the demo takes bare nodes to a proven live migration', async () => {
    const home = temporaryFolder('watari-demo-', ends);
    ends(killAll);
    const demo = startNode([path.join(ROOT, 'dist', 'client', 'main.js'), 'demo', '--powershell'], {
      cwd: home,
      env: {
        WATARI_HOME: home,
        TEMPORAL_CLI_PATH: inject('temporal').cliPath,
        WATARI_PWSH: engine(),
        NO_COLOR: '1',
      },
    });
    expect(await demo.ended, demo.stdout() + demo.stderr()).toBe(0);
    const text = demo.stdout();
    for (const cmdlet of ['Install-WindowsFeature', 'Invoke-CimMethod', 'Enable-VMMigration'])
      expect(text).toContain(`PS> ${cmdlet}`);
    expect(text).toMatch(/vm\/web-1\/verify\s+Verify web-1\n\s+uptime .* -> .*/);
  });

  it('a Japanese cluster with every bad habit goes from bare nodes to a proven live migration', async () => {
    const c = ends(
      await realCluster({
        temporal: inject('temporal'),
        scenario: HABITS,
        speed: 10,
        powershell: engine(),
        env: { LANG: 'ja_JP.UTF-8' },
      }),
    );
    const run = await c.start('applyCluster', runId.apply(c.cluster), {
      spec: demoSpec(c.cluster, {}),
      restarts: 'allowed',
    });
    expect(await run.result()).toMatchObject({ changed: true });
    for (const kind of ['vm-created', 'move-started', 'move-finished'] as const)
      expect(await c.effects(kind, 'new-1')).toHaveLength(1);
    for (const node of ['HV1', 'HV2'])
      expect(await c.effects('restart-requested', node)).toHaveLength(1);
    expect(await c.effects('fault', 'moveStands')).toHaveLength(1);
    const made = (await c.state()).vms.find((vm) => vm.name === 'new-1');
    expect(made?.notes).toMatch(/watari:.* #CLUSTER-INVARIANT#/);
  });

  it('a killed worker loses no move and starts none twice', async () => {
    const c = ends(
      await realCluster({
        temporal: inject('temporal'),
        scenario: TWO,
        // The move is to outlive the death of a worker by far.
        speed: 0.8,
        powershell: engine(),
      }),
    );
    const id = runId.migrate(c.cluster, 'web-1');
    const run = await c.start('migrateVm', id, { vm: 'web-1', budgets: { heartbeatSeconds: 5 } });
    await waitFor('the move at 30 %', async () => {
      const [move] = (await c.state()).moves;
      return move !== undefined && move.percent >= 30;
    });
    const victim = await waitFor('the worker that runs the move', () =>
      runnerOf(c.client, id, 'moveVm'),
    );
    await killPid(victim.pid);
    expect(await run.result()).toMatchObject({ changed: true, to: 'HV2' });
    expect(await c.effects('move-started', 'web-1')).toHaveLength(1);
    expect(await c.effects('move-finished', 'web-1')).toHaveLength(1);
    expect(await c.effects('vm-stopped', 'web-1')).toEqual([]);
    const answer = await fetch(`${c.labUrl}/cmdlets`);
    const { cmdlets } = (await answer.json()) as { cmdlets: CmdletRecord[] };
    expect(cmdlets.filter((one) => one.cmdlet === 'Move-ClusterVirtualMachineRole')).toHaveLength(
      1,
    );
    const calls = (await (await fetch(`${c.labUrl}/calls`)).json()) as { calls: unknown[] };
    expect(calls.calls).toEqual([]);
  });
});
