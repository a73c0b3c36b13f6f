// prepareNode against a real server and the lab: what happens to the node, and to its VMs, while it is prepared.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { labCluster, type LabCluster } from '../support/lab-cluster.ts';
import { endsWithTest } from '../support/ends.ts';

const ends = endsWithTest();

const prepare = (cluster: LabCluster, node: string, more: object = {}) =>
  cluster.start('prepareNode', runId.prepare(cluster.cluster, node), {
    node,
    restarts: 'allowed',
    ...more,
  });

describe('prepareNode', () => {
  // Found by a soak (seed 2026).
  it('asks for the restart of the boot that owes it, not of the one that was seen first', async () => {
    let crashes = 0;
    const c: LabCluster = ends(
      await labCluster({
        temporal: inject('temporal'),
        scenario: `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30 }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30 }
  - { name: HV3, memory: 64GB, switches: [LAN], bootSeconds: 30, installSeconds: 10 }
`,
        disturb: (host) => ({
          ...host,
          installFeatures: (args) => {
            crashes += 1;
            if (crashes === 1) c.lab.crash(host.node);
            return host.installFeatures(args);
          },
        }),
      }),
    );
    const run = await prepare(c, 'HV3');
    await run.until('the run to end', (status) => status.endedAt !== null);
    expect(await run.result()).toMatchObject({ node: 'HV3', restarted: true });
    expect(c.count('restart-requested', 'HV3')).toBe(1);
    expect(c.count('node-down', 'HV3')).toBe(2);
  });

  const BARE_HV1 = `
nodes:
  - { name: HV1, memory: 64GB, switches: [LAN], bootSeconds: 30, installSeconds: 5 }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, liveMigration: { enabled: true } }
`;

  it('restarts a node whose clock was set while a person was asked', async () => {
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario: BARE_HV1 }));
    const run = await prepare(c, 'HV1', { restarts: 'ask' });
    await run.until('the consent to be asked for', (s) => s.state === 'needs-operator');
    c.lab.shiftClock('HV1', 20);
    await run.decide({ step: 'hv1/consent', action: 'retry' });
    expect(await run.result()).toMatchObject({ restarted: true });
    expect(c.count('restart-requested', 'HV1')).toBe(1);
  });

  it('never restarts a node under a running VM, whatever its clock does meanwhile', async () => {
    const scenario = `${BARE_HV1.replace('switches: [LAN], boot', 'features: [Hyper-V], switches: [LAN], boot')}
virtualMachines:
  - { name: solo, owner: HV1, memory: 8GB, clustered: false, disks: ['D:\\solo.vhdx'] }
`;
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    const run = await prepare(c, 'HV1', { features: ['BitLocker'] });
    for (const seconds of [1, 20, 3600]) {
      const asked = await run.until('the restart to be refused', (s) =>
        s.steps.some((one) => one.id === 'hv1/restart' && one.state === 'needs-operator'),
      );
      const step = asked.steps.find((one) => one.id === 'hv1/restart');
      expect(step?.failure?.code).toBe('NodeNotDrained');
      expect(step?.failure?.message).toContain('solo');
      c.lab.shiftClock('HV1', seconds);
      await run.decide({ step: 'hv1/restart', action: 'retry' });
      await run.until('the next try', (s) =>
        s.steps.some((one) => one.id === 'hv1/restart' && one.attempt > (step?.attempt ?? 0)),
      );
    }
    await run.until('the last refusal', (s) => s.state === 'needs-operator');
    expect(c.count('restart-requested', 'HV1')).toBe(0);
    expect(c.count('vm-saved', 'solo')).toBe(0);
    await run.decide({ step: 'hv1/restart', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
  });

  it("waits for somebody else's move of a VM that it must move off, and moves it no second time", async () => {
    const scenario = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, installSeconds: 2, migrationNetwork: 1Gbps, liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, migrationNetwork: 1Gbps, liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 10GB, dirtyRate: 10MB/s }
`;
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    // It has the VM for as long as it waits for a person.
    c.lab.addFault({ on: 'startMove', times: 'always', error: { hresult: '0x80071398' } });
    const other = await c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), { vm: 'web-1' });
    await other.until('the move to need a person', (s) => s.state === 'needs-operator');
    c.lab.clearFaults();
    const run = await prepare(c, 'HV1', { features: ['BitLocker'] });
    const waiting = await run.until('the drain to wait', (s) =>
      s.steps.some((step) => step.waitingFor?.includes('somebody else') === true),
    );
    expect(waiting.state).toBe('running');
    await other.decide({ step: 'vm/web-1/move', action: 'retry' });
    expect(await run.result()).toMatchObject({ node: 'HV1', restarted: true });
    expect(await other.result()).toMatchObject({ changed: true, to: 'HV2' });
    const step = (await run.status()).steps.find((s) => s.id === 'hv1/move-web-1');
    expect(step?.evidence).toMatchObject({ why: 'web-1 has left HV1 by another run' });
    expect(c.count('move-started')).toBe(1);
    expect(c.count('vm-saved')).toBe(0);
  });
});
