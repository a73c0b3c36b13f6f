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

  it('rests the drives of a node, and lets the next one restart only when all is repaired', async () => {
    const scenario = `
storage: { direct: true, repairSeconds: 120 }
nodes:
  - { name: HV1, memory: 64GB, switches: [LAN], bootSeconds: 30, installSeconds: 5 }
  - { name: HV2, memory: 64GB, switches: [LAN], bootSeconds: 30, installSeconds: 5 }
  - { name: HV3, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
`;
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    for (const node of ['HV1', 'HV2'])
      expect(await (await prepare(c, node)).result()).toMatchObject({ restarted: true });
    const kinds = ['storage-resting', 'node-down', 'storage-back'];
    const deeds = c.lab.effects().filter((e) => kinds.includes(e.kind));
    expect(deeds.map((e) => `${e.kind} ${e.subject}`)).toEqual(
      ['HV1', 'HV2'].flatMap((node) => kinds.map((kind) => `${kind} ${node}`)),
    );
    const [, , back, rests] = deeds.map((e) => Date.parse(e.at));
    expect(rests! - back!).toBeGreaterThanOrEqual(120_000);
  });

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

  it('waits for services by a clock that nobody sets', async () => {
    let aheadMs = 0;
    const c = ends(
      await labCluster({
        temporal: inject('temporal'),
        scenario: BARE_HV1.replace('installSeconds: 5', 'installSeconds: 5, serviceSeconds: 200'),
        now: () => new Date(Date.now() + aheadMs),
      }),
    );
    const run = await prepare(c, 'HV1');
    await run.until('the services to be waited for', (s) =>
      s.steps.some((one) => one.id === 'hv1/ready' && one.state === 'running'),
    );
    aheadMs = 3_600_000;
    expect(await run.result()).toMatchObject({ restarted: true });
    expect((await run.step('hv1/ready')).attempt).toBe(1);
  });

  it('names the lack of virtualization, whatever language Windows speaks', async () => {
    const errorId =
      'Alteration_PrerequisiteCheck_Failed,Microsoft.Windows.ServerManager.Commands.AddWindowsFeatureCommand';
    const scenario = `${BARE_HV1}
faults:
  - { on: installFeatures, node: HV1, times: always, error: { errorId: '${errorId}', message: 'Hyper-V の前提条件の確認に失敗しました。' } }
`;
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    const run = await prepare(c, 'HV1');
    await run.until('a person to be asked', (s) => s.state === 'needs-operator');
    expect((await run.step('hv1/install-features')).failure?.code).toBe('NoVirtualization');
  });

  it.each([
    ['bootReverts', 'FeatureReverted', 'Available', 2],
    ['bootOwes', 'RestartStillOwed', 'InstallPending', 1],
  ] as const)(
    'after %s says at once what is not finished, and a retry goes back to it',
    async (fault, code, state, installs) => {
      const scenario = `${BARE_HV1}\nfaults: [{ on: ${fault}, node: HV1 }]\n`;
      const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
      const run = await prepare(c, 'HV1');
      await run.until('a person to be asked', (s) => s.state === 'needs-operator');
      const { failure } = await run.step('hv1/ready');
      expect(failure).toMatchObject({ code });
      expect(failure?.message).toContain(`Hyper-V (${state})`);
      expect(failure?.hint).toContain('one more restart');
      expect(c.count('restart-requested', 'HV1')).toBe(1);
      await run.decide({ step: 'hv1/ready', action: 'retry' });
      expect(await run.result()).toMatchObject({ restarted: true });
      expect(c.count('restart-requested', 'HV1')).toBe(2);
      expect(c.count('feature-installed', 'Hyper-V')).toBe(installs);
      const { steps } = await run.status();
      expect(steps.every((one) => one.state === 'succeeded')).toBe(true);
    },
  );

  it('finishes a bare node that somebody had paused, and leaves it paused', async () => {
    const scenario = BARE_HV1.replace('installSeconds: 5', 'installSeconds: 5, paused: true');
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    const run = await prepare(c, 'HV1');
    expect(await run.result()).toMatchObject({ restarted: true });
    expect((await run.step('hv1/resume')).evidence).toMatchObject({
      why: 'HV1 was paused before, not by this run',
    });
    expect(c.count('node-resumed')).toBe(0);
    expect(c.lab.state().nodes[0]?.state).toBe('Paused');
  });

  it('says at once that somebody has paused a node while it was prepared', async () => {
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario: BARE_HV1 }));
    const run = await prepare(c, 'HV1', { restarts: 'ask' });
    await run.until('the consent to be asked for', (s) => s.state === 'needs-operator');
    c.lab.call('HV2', 'pauseNode', { node: 'HV1' });
    await run.decide({ step: 'hv1/consent', action: 'retry' });
    await run.until('the pause to be told', (s) =>
      s.steps.some((one) => one.id === 'hv1/ready' && one.state === 'needs-operator'),
    );
    const { failure } = await run.step('hv1/ready');
    expect(failure).toMatchObject({ code: 'NodePaused' });
    expect(failure?.hint).toContain('Resume-ClusterNode');
    c.lab.call('HV2', 'resumeNode', { node: 'HV1' });
    await run.decide({ step: 'hv1/ready', action: 'retry' });
    expect(await run.result()).toMatchObject({ restarted: true });
  });

  const THREE_HOSTS = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, installSeconds: 2, liveMigration: { enabled: true }, paused: false }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, liveMigration: { enabled: true } }
  - { name: HV3, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, liveMigration: { enabled: true } }
virtualMachines:
`;

  it('does not resume a node that it has not paused, and says so at the end', async () => {
    const scenario = `${THREE_HOSTS.replace('paused: false', 'paused: true')}
  - { name: db-1, owner: HV2, memory: 8GB }
`;
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    const run = await prepare(c, 'HV1', { features: ['BitLocker'] });
    expect(await run.result()).toMatchObject({ restarted: true });
    expect(c.count('node-resumed')).toBe(0);
    expect(c.count('node-paused')).toBe(0);
    expect(c.lab.state().nodes[0]?.state).toBe('Paused');
    const last = (await run.status()).steps.at(-1);
    expect(last).toMatchObject({ id: 'hv1/resume', title: 'Leave HV1 paused in the cluster' });
  });

  it('drains past VMs that are off or saved, and starts none of them', async () => {
    const scenario = `${THREE_HOSTS}
  - { name: db-1, owner: HV1, memory: 8GB, dirtyRate: 0MB/s }
  - { name: template-2025, owner: HV1, memory: 8GB, state: Off }
  - { name: saved-1, owner: HV1, memory: 8GB, state: Saved }
`;
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    const run = await prepare(c, 'HV1', { features: ['BitLocker'] });
    expect(await run.result()).toMatchObject({ restarted: true });
    expect((await run.step('cluster/plan')).evidence).toMatchObject({
      moves: 1,
      off: ['saved-1', 'template-2025'],
    });
    expect(c.count('move-finished')).toBe(1);
    const states = Object.fromEntries(c.lab.state().vms.map((vm) => [vm.name, vm.state]));
    expect(states).toEqual({ 'db-1': 'Running', 'template-2025': 'Off', 'saved-1': 'Saved' });
  });

  it("takes a VM off though somebody else's run of it waits for a person, and moves it once", async () => {
    const scenario = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, installSeconds: 2, migrationNetwork: 1Gbps, liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, migrationNetwork: 1Gbps, liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 10GB, dirtyRate: 10MB/s }
`;
    const c = ends(await labCluster({ temporal: inject('temporal'), scenario }));
    c.lab.addFault({ on: 'startMove', times: 'always', error: { hresult: '0x80071398' } });
    const other = await c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), { vm: 'web-1' });
    await other.until('the move to need a person', (s) => s.state === 'needs-operator');
    c.lab.clearFaults();
    const run = await prepare(c, 'HV1', { features: ['BitLocker'] });
    expect(await run.result()).toMatchObject({ node: 'HV1', restarted: true });
    await other.decide({ step: 'vm/web-1/move', action: 'retry' });
    expect(await other.result()).toMatchObject({ to: 'HV2' });
    expect(c.count('move-started')).toBe(1);
    expect(c.count('vm-saved')).toBe(0);
  });
});
