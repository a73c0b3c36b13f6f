// What a node lets Temporal do to it: every acting operation of the port is refused or allowed by name, before anything
// happens. The lab's log of effects is the judge.
import { describe, expect, it } from 'vitest';
import {
  ACT_OPS,
  HypervError,
  READ_OPS,
  type ActOp,
  type HypervHost,
  type ReadOp,
} from '../../hyperv/host.ts';
import { inProcessHost } from '../../lab/host.ts';
import {
  describePolicy,
  PERMISSION_OF,
  PERMISSIONS,
  PolicyRefused,
  policyOf,
  restrictedHost,
  type Policy,
} from '../../hyperv/policy.ts';
import { labOf, THREE, type TestLab } from './lab-fixture.ts';

/** One call of each acting operation that has an effect on this lab when it is let through. */
async function callsOf(lab: TestLab, host: HypervHost): Promise<Record<ActOp, () => unknown>> {
  const { boot } = (await host.readBoot({})).facts;
  const { vmId } = lab.role('a');
  const { updates } = (await host.readUpdates({})).facts;
  const update = { ids: updates.map((one) => one.id), acceptEula: false };
  return {
    installFeatures: () => host.installFeatures({ names: ['Data-Center-Bridging'] }),
    restartNode: () => host.restartNode({ ifBoot: boot, reason: 'test' }),
    configureMigration: () => host.configureMigration({ maximumMigrations: 7 }),
    configureCluster: () => host.configureCluster({ maximumParallelMigrations: 3 }),
    createVm: () =>
      host.createVm({
        requestId: 'r',
        name: 'new-1',
        memoryBytes: 2 ** 30,
        vhd: 'C:\\ClusterStorage\\Volume1\\new-1.vhdx',
        switch: 'LAN',
        generation: 2,
        path: 'C:\\ClusterStorage\\Volume1',
      }),
    removeVm: () => host.removeVm({ vmId, requestId: 'r' }),
    addRole: () => host.addRole({ vmId, name: 'a' }),
    removeRole: () => host.removeRole({ vmId }),
    startRole: () => host.startRole({ vmId }),
    stopRole: () => host.stopRole({ vmId }),
    pauseNode: () => host.pauseNode({ node: 'HV2' }),
    resumeNode: () => host.resumeNode({ node: 'HV2' }),
    startMove: () => host.startMove({ vmId, node: 'HV2' }),
    cancelMove: () => host.cancelMove({ vmId }),
    moveGroup: () => host.moveGroup({ group: 'Cluster Group', from: 'HV1', node: 'HV2' }),
    moveSharedVolume: () =>
      host.moveSharedVolume({
        volume: 'Cluster Virtual Disk (Volume1)',
        from: 'HV1',
        node: 'HV2',
      }),
    downloadUpdates: () => host.downloadUpdates(update),
    installUpdates: () => host.installUpdates(update),
    setStorageMaintenance: () => host.setStorageMaintenance({ node: 'HV2', on: true }),
    commitUpdates: () => host.commitUpdates({}),
    installPackages: () => host.installPackages({ folder: 'C:\\Updates' }),
  };
}

const DISKS = `${THREE}disks: ['C:\\ClusterStorage\\Volume1\\new-1.vhdx']
storage: { direct: true }
updates: [{ kb: KB5070001 }]
packages: [{ folder: 'C:\\Updates', kbs: [KB5070001] }]
`;

async function under(policy: Policy) {
  const lab = labOf(DISKS);
  const host = restrictedHost(inProcessHost(lab.lab, 'HV1'), policy);
  return { lab, host, calls: await callsOf(lab, host) };
}

const errorOf = async (lab: TestLab, call: () => unknown): Promise<HypervError | null> => {
  try {
    const done = Promise.resolve(call());
    // An installation takes its time, and here nobody else moves the clock.
    lab.pass(600);
    await done;
    return null;
  } catch (error) {
    if (error instanceof HypervError) return error;
    throw error;
  }
};

describe('--read-only', () => {
  it.each(ACT_OPS)('refuses %s, and nothing happens', async (op) => {
    const { lab, calls } = await under(policyOf({ readOnly: true }));
    const before = lab.lab.effects().length;
    const error = await errorOf(lab, calls[op]);
    expect(error?.info).toEqual({
      op,
      node: 'HV1',
      outcome: 'refused',
      errorId: 'NotAllowedHere',
    });
    expect(error?.message).toContain(`${op} needs "${PERMISSION_OF[op]}"`);
    lab.pass(120);
    expect(lab.lab.effects().slice(before)).toEqual([]);
  });

  it.each(READ_OPS)('lets %s through', async (op) => {
    const { host } = await under(policyOf({ readOnly: true }));
    const reads: Record<ReadOp, () => Promise<{ facts: unknown }>> = {
      readHost: () => host.readHost({}),
      readBoot: () => host.readBoot({}),
      readSetup: () => host.readSetup({ ports: [3343] }),
      readPeers: () => host.readPeers({ nodes: ['HV2'], ports: [3343] }),
      readVmStorage: () => host.readVmStorage({}),
      readServices: () => host.readServices({ names: ['ClusSvc'] }),
      readFeatures: () => host.readFeatures({ names: ['Hyper-V'] }),
      readSwitches: () => host.readSwitches({}),
      readMigrationSettings: () => host.readMigrationSettings({}),
      readVms: () => host.readVms({}),
      readVm: () => host.readVm({ vmId: '00000000-0000-4000-8000-00000000dead' }),
      readDiskFiles: () => host.readDiskFiles({ paths: ['C:\\ClusterStorage\\Volume1\\a.vhdx'] }),
      readCluster: () => host.readCluster({}),
      readNodes: () => host.readNodes({}),
      readNetworks: () => host.readNetworks({}),
      readSharedVolumes: () => host.readSharedVolumes({}),
      readGroups: () => host.readGroups({}),
      readLinks: () => host.readLinks({}),
      readRoles: () => host.readRoles({}),
      readRole: () => host.readRole({ vmId: '11111111-1111-4111-8111-111111111111' }),
      readMovesAway: () => host.readMovesAway({}),
      readEvents: () => host.readEvents({ since: '2026-01-01T00:00:00.000Z', max: 5 }),
      readBlackouts: () => host.readBlackouts({ since: '2026-01-01T00:00:00.000Z', max: 5 }),
      readUpdates: () => host.readUpdates({}),
      readUpdateJob: () => host.readUpdateJob({}),
      readServicing: () => host.readServicing({}),
      readStorage: () => host.readStorage({}),
    };
    expect((await reads[op]()).facts).toBeDefined();
  });
});

describe('--allow', () => {
  it.each(PERMISSIONS)(
    '%s lets its own operations through and refuses all others',
    async (word) => {
      for (const op of ACT_OPS) {
        const { lab, calls } = await under(policyOf({ allow: word }));
        const error = await errorOf(lab, calls[op]);
        const refused = error?.info.errorId === 'NotAllowedHere';
        expect([op, refused]).toEqual([op, PERMISSION_OF[op] !== word]);
      }
    },
  );

  it('leaves effects behind where it allows them, or the tests above say nothing', async () => {
    const { lab, calls } = await under(policyOf({ allow: 'moves,settings,features' }));
    for (const op of ['startMove', 'configureMigration', 'installFeatures'] as const) {
      expect(await errorOf(lab, calls[op])).toBeNull();
    }
    expect(lab.lab.effects().map((e) => e.kind)).toEqual(
      expect.arrayContaining(['move-started', 'feature-installed']),
    );
  });

  it('has a permission for every acting operation, and an operation for every permission', () => {
    expect(Object.keys(PERMISSION_OF).sort()).toEqual([...ACT_OPS].sort());
    expect([...new Set(Object.values(PERMISSION_OF))].sort()).toEqual([...PERMISSIONS].sort());
  });

  it('allows everything when it is not given', () => {
    expect([...policyOf({})]).toEqual([...PERMISSIONS]);
  });

  it('takes words in any case with spaces around them', () => {
    expect([...policyOf({ allow: 'Moves, NODES' })]).toEqual(['moves', 'nodes']);
  });

  it.each([
    [
      'a word that is no permission',
      { allow: 'moves,everything' },
      /"everything" is no permission/,
    ],
    ['nothing', { allow: '' }, /"" is no permission/],
    ['--read-only beside it', { allow: 'moves', readOnly: true }, /--read-only allows nothing/],
  ])('refuses %s', (_what, words, message) => {
    expect(() => policyOf(words)).toThrow(PolicyRefused);
    expect(() => policyOf(words)).toThrow(message);
  });
});

it('a worker says what it may do, in its log', () => {
  expect(describePolicy(policyOf({}))).toBe('');
  expect(describePolicy(policyOf({ readOnly: true }))).toBe('read only');
  expect(describePolicy(policyOf({ allow: 'moves,nodes' }))).toBe('allowed: moves, nodes');
});
