// Habits of Windows that a kind stand-in would leave out: versions that lack things, clocks that step, volumes that one
// node loses, moves that stand still, notes that others write, and a language that is not English.
import { describe, expect, it } from 'vitest';
import { hasOwnerMark } from '../../domain/names.ts';
import { said } from '../../lab/machine/japanese.ts';
import { clusterObject, ownGroups, resourcesOf } from '../../lab/powershell/cluster-objects.ts';
import { uint32 } from '../../lab/powershell/wire.ts';
import { labOf, THREE, type TestLab } from './lab-fixture.ts';

const VHD = 'C:\\ClusterStorage\\Volume1\\web-1.vhdx';
const NEW = {
  requestId: 'r1',
  name: 'web-1',
  memoryBytes: 2 ** 30,
  vhd: VHD,
  switch: null,
  generation: 2 as const,
  path: 'C:\\ClusterStorage\\Volume1',
};
const withFault = (fault: string): TestLab => labOf(`${THREE}\nfaults: [${fault}]\n`);

describe('a version of Windows Server', () => {
  it.each([
    [2019, '10.0.17763', '9.0'],
    [2022, '10.0.20348', '10.0'],
    [2025, '10.0.26100', '12.0'],
  ])('%i tells its number and the VMs that it takes', (build, osVersion, newest) => {
    const t = labOf(`build: ${build}\n${THREE}\ndisks: ['${VHD}']\n`);
    const { facts } = t.lab.call('HV1', 'readHost', {});
    expect(facts.osVersion).toBe(osVersion);
    expect(facts.vmVersions.at(-1)).toBe(newest);
    expect(t.vm('a').version).toBe(newest);
    expect(t.lab.call('HV1', 'createVm', NEW).facts.vm.version).toBe(newest);
  });

  it('below 2025 lacks MaximumParallelMigrations, and the number of each host counts', () => {
    const t = labOf(`build: 2022\nmaximumParallelMigrations: 5\n${THREE}`);
    expect(clusterObject(t.lab.world).p).not.toHaveProperty('MaximumParallelMigrations');
    expect(t.lab.call('HV1', 'readCluster', {}).facts.maximumParallelMigrations).toBe(1);
    const set = { maximumParallelMigrations: 3 };
    expect(t.error('HV1', 'configureCluster', set).errorId).toBe('WindowsTooOld');
    expect(
      t.lab.call('HV1', 'configureCluster', { maximumParallelMigrations: 1 }).facts.changed,
    ).toBe(false);
    t.start('a', 'HV2');
    t.start('b', 'HV2');
    // MaximumVirtualMachineMigrations is 2.
    expect(t.count('move-started')).toBe(2);
  });

  it('of one node alone keeps the cluster from what 2025 brings, and VMs from that node', () => {
    const old = THREE.replace('name: HV3,', 'name: HV3, build: 2022,');
    const t = labOf(old);
    expect(clusterObject(t.lab.world).p).not.toHaveProperty('MaximumParallelMigrations');
    t.start('a', 'HV3');
    t.pass(10);
    expect(t.events('HV3', 10698)).toHaveLength(1);
    expect(clusterObject(labOf(THREE).lab.world).p).toHaveProperty(
      'MaximumParallelMigrations',
      uint32(1),
    );
  });
});

describe('a clock', () => {
  it('steps when the scenario says so; the time of the boot moves along, the boot stays', () => {
    const t = withFault('{ on: clockSteps, node: HV2, bySeconds: -90, when: { seconds: 60 } }');
    const before = t.lab.call('HV2', 'readBoot', {}).facts;
    t.pass(60);
    const after = t.lab.call('HV2', 'readBoot', {}).facts;
    expect(Date.parse(after.bootTime) - Date.parse(before.bootTime)).toBe(-90_000);
    expect(after.boot).toBe(before.boot);
    const [here, there] = ['HV1', 'HV2'].map((n) => t.lab.call(n, 'readHost', {}).facts.now);
    expect(Date.parse(there ?? '') - Date.parse(here ?? '')).toBe(-90_000);
  });

  it.each([
    '{ on: clockSteps, node: HV2, when: { seconds: 60 } }',
    '{ on: clockSteps, node: HV2, bySeconds: 0, when: { seconds: 60 } }',
    '{ on: clockSteps, bySeconds: 5, when: { seconds: 60 } }',
    '{ on: nodeCrash, node: HV1, bySeconds: 5, when: { seconds: 60 } }',
    '{ on: readHost, bySeconds: 5 }',
  ])('does not step by %s', (fault) => {
    expect(() => withFault(fault)).toThrow(/bySeconds|node/);
  });
});

describe('a shared volume that one node loses', () => {
  it('is paused in the row of that node alone, and takes no VM there for so long', () => {
    const t = withFault('{ on: csvPaused, node: HV2, seconds: 100, when: { seconds: 0 } }');
    t.pass(1);
    const volume = () => t.lab.call('HV1', 'readSharedVolumes', {}).facts[0];
    expect(volume()).toMatchObject({ state: 'Online', pausedOn: ['HV2'] });
    expect(t.events('HV2', 5120)).toHaveLength(1);
    expect(t.events('HV1', 5120)).toEqual([]);
    t.start('a', 'HV2');
    t.start('b', 'HV3');
    t.pass(99);
    expect(t.story('move-failed')).toHaveLength(1);
    expect(t.story('move-finished')).toEqual([expect.stringContaining('b HV1 -> HV3')]);
    expect(volume()).toMatchObject({ pausedOn: [] });
    t.start('a', 'HV2');
    t.pass(60);
    expect(t.vm('a').owner).toBe('HV2');
  });
});

describe('a move that stands still', () => {
  const stands = (more = '') => withFault(`{ on: moveStands, vm: a, seconds: 300${more} }`);

  it('shows the same percentage all the while, and then goes on to its end', () => {
    const t = stands();
    t.start('a', 'HV2');
    t.pass(30);
    expect(t.move('a')).toMatchObject({ phase: 'data-transfer', percent: 20 });
    t.pass(270);
    expect(t.move('a').percent).toBe(20);
    t.pass(60);
    expect(t.vm('a').owner).toBe('HV2');
    const free = labOf(THREE);
    free.start('a', 'HV2');
    free.pass(60);
    expect(t.when('move-finished', 'a') - free.when('move-finished', 'a')).toBeCloseTo(300, 0);
  });

  it.each([5, 95])('also at %i %', (percent) => {
    const t = stands(`, when: { vm: a, percent: ${percent} }`);
    t.start('a', 'HV2');
    t.pass(120);
    expect(t.move('a').percent).toBe(percent);
    t.pass(300);
    expect(t.vm('a').owner).toBe('HV2');
  });

  it('can be cancelled, and leaves nothing behind that goes on', () => {
    const t = stands();
    t.start('a', 'HV2');
    t.pass(30);
    expect(t.lab.call('HV1', 'cancelMove', { vmId: t.role('a').vmId }).facts.changed).toBe(true);
    t.pass(600);
    expect(t.vm('a').owner).toBe('HV1');
    t.start('a', 'HV3');
    t.pass(60);
    expect(t.vm('a').owner).toBe('HV3');
  });

  it('gets on when the faults are cleared', () => {
    const t = stands();
    t.start('a', 'HV2');
    t.pass(30);
    t.lab.clearFaults();
    t.pass(60);
    expect(t.vm('a').owner).toBe('HV2');
  });

  it('dies with its node', () => {
    const t = stands();
    t.start('a', 'HV2');
    t.pass(30);
    t.lab.crash('HV2');
    t.pass(600);
    expect(t.story('move-finished')).toEqual([]);
    expect(t.vm('a').owner).toBe('HV1');
  });
});

describe('notes', () => {
  it('of a VM that becomes a role get a mark of others beside that of the run', () => {
    const t = labOf(`marksNotes: true\n${THREE}\ndisks: ['${VHD}']\n`);
    const { vm } = t.lab.call('HV1', 'createVm', NEW).facts;
    t.lab.call('HV1', 'addRole', { vmId: vm.id, name: 'web-1' });
    const { notes } = t.vm('web-1');
    expect(notes).toMatch(/ #CLUSTER-INVARIANT#:\{[0-9a-f-]{36}\}$/);
    expect(hasOwnerMark(notes, 'r1')).toBe(true);
    expect(t.vm('a').notes).toContain('#CLUSTER-INVARIANT#');
  });
});

describe('a failed move', () => {
  it.each([
    ['both', [1, 1]],
    ['source', [1, 0]],
    ['target', [0, 1]],
  ])('is told in the logs of %s', (where, counts) => {
    const t = labOf(
      `${THREE}\nmigration: { eventsAt: ${where} }\nfaults: [{ on: moveFails, vm: a }]\n`,
    );
    t.start('a', 'HV2');
    t.pass(60);
    expect(['HV1', 'HV2'].map((node) => t.events(node, 21502).length)).toEqual(counts);
  });
});

describe('Windows in Japanese', () => {
  const japanese = labOf(`culture: ja-JP\n${THREE}\nfaults: [{ on: moveFails, vm: a }]\n`);
  const namesOf = (t: TestLab): unknown[] => {
    const { world } = t.lab;
    const [role] = world.roles.values();
    if (role === undefined) throw new Error('no role');
    return [...ownGroups(world), ...resourcesOf(world, role)].map((one) => one.p['Name']);
  };

  it('has its own names for groups and resources, and for what is enabled', () => {
    expect(namesOf(japanese)).toEqual([
      'クラスター グループ',
      '使用可能な記憶域',
      '仮想マシン a',
      '仮想マシンの構成 a',
    ]);
    expect(namesOf(labOf(THREE))[2]).toBe('Virtual Machine a');
    expect(clusterObject(japanese.lab.world).p['EnableSharedVolumes']).toMatchObject({
      says: '有効',
    });
  });

  it('says what failed with the object and the code, and no word of English', () => {
    japanese.start('a', 'HV2');
    japanese.pass(60);
    const [event] = japanese.events('HV1', 21502);
    expect(event).toMatchObject({ hresult: '0x80072746', vm: 'a' });
    expect(event?.message).toBe("'a' の操作を完了できませんでした。");
    const world = { culture: 'ja-JP' as const };
    expect(said(world, "Hyper-V failed on 'x' (0x8007000E).")).toBe(
      "'x' の操作を完了できませんでした(0x8007000E)。",
    );
    expect(said({ culture: 'en-US' }, 'As it is.')).toBe('As it is.');
  });
});
