// applyCluster, prepareNode and createVm: bare nodes to a proven live migration, what a second run does, and what abort
// takes back.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { ClusterSpec } from '../../domain/spec.ts';
import type { ApplyClusterResult } from '../../workflows/apply-cluster.ts';
import {
  handleOf,
  labCluster,
  TEST_BUDGETS,
  TWO_NODES,
  type LabCluster,
} from '../support/lab-cluster.ts';
import { HABITS, demoSpec } from '../support/habits.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';

const VHD = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';

const BARE = `
nodes:
  - { name: HV1, memory: 64GB, switches: [LAN], bootSeconds: 60, installSeconds: 20 }
  - { name: HV2, memory: 64GB, switches: [LAN], bootSeconds: 60, installSeconds: 20 }
  - { name: HV3, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
virtualMachines:
  - { name: db-1, owner: HV3, memory: 8GB, dirtyRate: 20MB/s }
disks: ['${VHD}']
`;

const spec = (c: LabCluster, part: Partial<ClusterSpec> = {}): ClusterSpec => ({
  ...demoSpec(c.cluster, TEST_BUDGETS),
  ...part,
});

const ends = endsWithTest();

const cluster = async (scenario: string): Promise<LabCluster> =>
  ends(await labCluster({ temporal: inject('temporal'), scenario }));

const apply = (c: LabCluster, part: Partial<ClusterSpec> = {}, input: object = {}) =>
  c.start('applyCluster', runId.apply(c.cluster), {
    spec: spec(c, part),
    restarts: 'allowed',
    ...input,
  });

describe('applyCluster', () => {
  it('takes bare nodes to a proven live migration, and a second run changes nothing', async () => {
    const c = await cluster(BARE);
    const run = await apply(c);
    const result = (await run.result()) as ApplyClusterResult;
    expect(result).toMatchObject({
      changed: true,
      owners: { 'new-1': expect.any(String) as string },
    });
    expect(c.count('restart-requested', 'HV1')).toBe(1);
    expect(c.count('restart-requested', 'HV2')).toBe(1);
    expect(c.count('restart-requested', 'HV3')).toBe(0);
    expect(c.count('vm-created', 'new-1')).toBe(1);
    expect(c.count('move-started', 'new-1')).toBe(1);
    expect(c.lab.call('HV1', 'readCluster', {}).facts.maximumParallelMigrations).toBe(2);
    for (const node of ['HV1', 'HV2', 'HV3']) {
      expect(c.lab.call(node, 'readMigrationSettings', {}).facts).toMatchObject({
        enabled: true,
        maximumMigrations: 2,
        maximumStorageMigrations: 4,
        performance: 'SMB',
      });
    }
    const status = await run.status();
    expect(status.children).toContain(runId.prepare(c.cluster, 'HV1'));
    expect(status.steps.every((s) => s.state === 'succeeded')).toBe(true);

    const effects = c.lab.effects().length;
    const again = await apply(c);
    expect(await again.result()).toMatchObject({ changed: false, steps: 0 });
    expect(c.lab.effects().length).toBe(effects);
  });

  it('takes a Japanese cluster with every bad habit to a proven live migration', async () => {
    const c = await cluster(HABITS);
    const run = await c.start('applyCluster', runId.apply(c.cluster), {
      spec: demoSpec(c.cluster, { ...TEST_BUDGETS, restartSeconds: 300 }),
      restarts: 'allowed',
    });
    expect(await run.result()).toMatchObject({ changed: true });
    expect((await run.status()).steps.every((s) => s.state === 'succeeded')).toBe(true);
    for (const node of ['HV1', 'HV2']) expect(c.count('restart-requested', node)).toBe(1);
    expect(c.count('vm-created', 'new-1')).toBe(1);
    expect(c.count('move-started', 'new-1')).toBe(1);
    expect(c.count('move-finished', 'new-1')).toBe(1);
    expect(c.count('fault', 'moveStands')).toBe(1);
    expect(c.count('fault', 'shift-clock')).toBe(3);
    const again = await c.start('applyCluster', runId.apply(c.cluster), {
      spec: demoSpec(c.cluster, TEST_BUDGETS),
      restarts: 'allowed',
    });
    expect(await again.result()).toMatchObject({ changed: false, steps: 0 });
  });

  it('drains a node that holds VMs before it restarts it, and brings it back', async () => {
    const c = await cluster(TWO_NODES);
    const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV1'), {
      node: 'HV1',
      features: ['BitLocker'],
      restarts: 'allowed',
    });
    expect(await run.result()).toMatchObject({ changed: true, restarted: true });
    expect((await run.status()).steps.map((s) => s.id)).toEqual([
      'hv1/inspect',
      'hv1/install-features',
      'hv1/gate',
      'cluster/plan',
      // Before the moves: a VM that comes meanwhile would be saved by the restart.
      'hv1/pause',
      'hv1/core-groups',
      'vm/web-1/move',
      'hv1/empty',
      'hv1/drives-rest',
      'hv1/restart',
      'hv1/ready',
      'hv1/resume',
      'hv1/storage',
    ]);
    const deeds = c.lab
      .effects()
      .map((e) => e.kind)
      .filter((kind) =>
        ['node-paused', 'move-finished', 'restart-requested', 'node-up', 'node-resumed'].includes(
          kind,
        ),
      );
    expect(deeds).toEqual([
      'node-paused',
      'move-finished',
      'restart-requested',
      'node-up',
      'node-resumed',
    ]);
    expect(c.count('vm-stopped')).toBe(0);
    expect(c.lab.call('HV2', 'readNodes', {}).facts.every((n) => n.state === 'Up')).toBe(true);
  });

  it('does not leave a node paused when the run is cancelled', async () => {
    const c = await cluster(
      TWO_NODES.replaceAll('bootSeconds: 60', 'bootSeconds: 60, migrationNetwork: 10Mbps'),
    );
    const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV1'), {
      node: 'HV1',
      features: ['BitLocker'],
      restarts: 'allowed',
    });
    await run.until('the drain to move the VM', () => c.count('move-started', 'web-1') === 1);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect((await run.status()).state).toBe('cancelled');
    expect(c.count('node-resumed', 'HV1')).toBe(1);
    expect(c.count('move-cancelled', 'web-1')).toBe(1);
    expect(c.count('restart-requested')).toBe(0);
  });

  it('goes on without a step that a person skips', async () => {
    const c = await cluster(`${BARE}
faults:
  - { on: startMove, vm: new-1, times: 1, error: { hresult: '0x80071398' } }
`);
    const run = await apply(c, { nodes: ['HV1', 'HV3'] });
    const proof = handleOf(c.client.workflow.getHandle(runId.migrate(c.cluster, 'new-1')));
    await waitFor(
      'the proof of new-1 to be parked',
      async () => (await proof.status()).state === 'needs-operator',
    );
    await proof.decide({ step: 'vm/new-1/move', action: 'abort' });
    await run.until('the parent to be parked', (s) => s.state === 'needs-operator');
    await run.decide({ step: 'vm/new-1/move', action: 'skip', reason: 'proved by hand' });
    expect(await run.result()).toMatchObject({ changed: true });
    const step = await run.step('vm/new-1/move');
    expect(step.state).toBe('skipped');
    expect(step.evidence['decisions']).toMatchObject([{ action: 'skip', by: 'ito@lab' }]);
    expect(c.count('vm-removed')).toBe(0);
  });

  it('asks a person before a restart that nobody allowed', async () => {
    const c = await cluster(
      TWO_NODES.replace('features: [Hyper-V], ', '').replace('owner: HV1', 'owner: HV2'),
    );
    const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV1'), {
      node: 'HV1',
      restarts: 'ask',
    });
    const parked = await run.until('the restart to be parked', (s) => s.state === 'needs-operator');
    expect(parked.steps.at(-1)?.failure?.code).toBe('RestartNeedsConsent');
    expect(c.count('restart-requested')).toBe(0);
    await run.decide({ step: 'hv1/consent', action: 'retry', reason: 'the shop is closed' });
    expect(await run.result()).toMatchObject({ restarted: true });
    expect(c.count('restart-requested', 'HV1')).toBe(1);
  });

  it('says when a node has not come back within its budget, and goes on once it is back', async () => {
    const c =
      await cluster(`${TWO_NODES.replace('features: [Hyper-V], ', '').replace('owner: HV1', 'owner: HV2')}
faults:
  - { on: bootFails, node: HV1, times: 1 }
`);
    const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV1'), {
      node: 'HV1',
      restarts: 'allowed',
      budgets: { ...TEST_BUDGETS, restartSeconds: 3 },
    });
    const parked = await run.until('the restart to be parked', (s) => s.state === 'needs-operator');
    expect(parked.steps.find((s) => s.id === 'hv1/restart')?.failure?.code).toBe(
      'NodeDidNotReturn',
    );
    c.lab.powerOn('HV1');
    // Or its time might be up once more.
    await c.serve('HV1');
    await run.decide({ step: 'hv1/restart', action: 'retry', reason: 'plugged in' });
    expect(await run.result()).toMatchObject({ restarted: true });
    expect(c.count('restart-requested', 'HV1')).toBe(1);
  });

  it('parks at a blocker, and goes on when it is mended and the plan retried', async () => {
    const c = await cluster(BARE.replace(`disks: ['${VHD}']`, 'disks: []'));
    const run = await apply(c, { nodes: ['HV3', 'HV1'], prove: [] });
    const parked = await run.until('the plan to be parked', (s) => s.state === 'needs-operator');
    expect(parked.steps[0]?.failure?.message).toContain(VHD);
    expect(c.count('feature-installed')).toBe(0);
    await run.decide({ step: 'cluster/plan', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
    expect((await run.status()).state).toBe('failed');
  });

  it('takes back the VM, its role and the settings on abort, last first, and never a finished move', async () => {
    const c = await cluster(`${BARE}
faults:
  - { on: startMove, vm: new-1, times: always, error: { hresult: '0x80071398' } }
`);
    const run = await apply(c, { prove: ['db-1', 'new-1'] });
    const proof = handleOf(c.client.workflow.getHandle(runId.migrate(c.cluster, 'new-1')));
    await waitFor(
      'the proof of new-1 to be parked',
      async () => (await proof.status()).state === 'needs-operator',
    );
    await waitFor('db-1 to be moved', () => c.count('move-finished', 'db-1') === 1);
    await proof.decide({ step: 'vm/new-1/move', action: 'abort' });
    await run.until('the parent to be parked', (s) => s.state === 'needs-operator');
    await run.decide({ step: 'vm/new-1/move', action: 'abort', reason: 'no' });
    await expect(run.result()).rejects.toThrow();
    const after = await run.status();
    const undone = after.steps.filter((s) => s.id.startsWith('undo/'));
    expect(undone.every((s) => s.state === 'succeeded')).toBe(true);
    const order = undone.map((s) => s.id);
    expect([order[0], order.slice(1, 4).sort(), order[4]]).toEqual([
      'undo/vm/new-1/create',
      ['hv1', 'hv2', 'hv3'].map((node) => `undo/${node}/migration-settings`),
      'undo/cluster/settings',
    ]);
    expect(c.count('vm-removed', 'new-1')).toBe(1);
    expect(c.count('role-removed', 'new-1')).toBe(1);
    expect(c.count('move-started', 'db-1')).toBe(1);
    const owners = c.lab.state().vms.map((vm) => [vm.name, vm.owner]);
    expect(owners).toEqual([['db-1', expect.not.stringMatching('HV3') as string]]);
    expect(c.lab.call('HV1', 'readCluster', {}).facts.maximumParallelMigrations).toBe(1);
    expect(c.lab.call('HV1', 'readMigrationSettings', {}).facts.enabled).toBe(false);
  });
});
