// What the lab's cluster does with groups, quick moves and the core group, as Windows does and not kinder.
import { describe, expect, it } from 'vitest';
import type { GroupFacts } from '../../domain/facts.ts';
import { groupObject } from '../../lab/powershell/cluster-objects.ts';
import { PowerShellDoor } from '../../lab/powershell/door.ts';
import { host, labOf, THREE, vm, type TestLab } from './lab-fixture.ts';

const groupOf = (t: TestLab, name: string): GroupFacts => {
  const found = t.lab.state().groups.find((group) => group.name === name);
  if (found === undefined) throw new Error(`no group ${name}`);
  return found;
};

const restart = (t: TestLab, node: string): void => {
  const { boot } = t.lab.call(node, 'readBoot', {}).facts;
  t.lab.call(node, 'restartNode', { ifBoot: boot, reason: 'test' });
  t.pass(30);
};

/** Three nodes; HV1 has nothing that would keep it from restarting. */
const EMPTY_FIRST = `
nodes:
${host('HV1')}
${host('HV2')}
${host('HV3')}
virtualMachines:
${vm('a', 'HV2')}
`;

describe('the core group', () => {
  it('takes the quorum with it when its owner is restarted, and every VM stops', () => {
    const t = labOf(EMPTY_FIRST);
    restart(t, 'HV1');
    expect(t.error('HV2', 'readGroups', {}).errorId).toBe('ClusterUnreachable');
    expect(t.vm('a').state).toBe('Off');
    t.pass(300);
    expect(t.story('quorum-lost', 'quorum-regained')).toHaveLength(2);
    expect(groupOf(t, 'Cluster Group')).toMatchObject({ owner: 'HV2', state: 'Online' });
    expect(t.role('a')).toMatchObject({ state: 'Online', owner: 'HV2' });
  });

  it('takes nothing with it that was moved before', () => {
    const t = labOf(EMPTY_FIRST);
    t.lab.call('HV2', 'moveGroup', { group: 'Cluster Group', from: 'HV1', node: 'HV2' });
    t.pass(10);
    restart(t, 'HV1');
    t.pass(300);
    expect(t.count('quorum-lost')).toBe(0);
    expect(t.vm('a').uptimeSeconds).toBeGreaterThan(86_400);
  });

  it.each(['build: 2022', 'coreGroup: { quorumLostSeconds: 0 }', 'coreGroup: { owner: HV3 }'])(
    'keeps the quorum with %s',
    (more) => {
      const t = labOf(`${more}${EMPTY_FIRST}`);
      restart(t, 'HV1');
      expect(t.count('quorum-lost')).toBe(0);
    },
  );

  it('is no group of Windows in Japanese by its English name', () => {
    const t = labOf(`culture: ja-JP${THREE}`);
    const [core] = t.lab.state().groups.filter((group) => group.kind === 'core');
    expect(core?.name).toBe('クラスター グループ');
    const asked = { group: 'Cluster Group', from: 'HV1', node: 'HV2' };
    expect(t.error('HV1', 'moveGroup', asked).errorId).toBe('GroupMissing');
    expect(t.lab.call('HV1', 'moveGroup', { ...asked, group: core!.name }).facts.changed).toBe(
      true,
    );
  });
});

describe('a group', () => {
  const SHARE = `groups: [{ name: share, owner: HV2, priority: 3000 }, { name: old, state: Offline }]\n`;
  const move = (t: TestLab, node: string) =>
    t.lab.call('HV1', 'moveGroup', { group: 'share', from: 'HV2', node }).facts.changed;

  it('stays where it was when its target goes down on the way', () => {
    const t = labOf(`${SHARE}${THREE}`);
    expect(move(t, 'HV3')).toBe(true);
    t.lab.powerOff('HV3');
    t.pass(60);
    expect(groupOf(t, 'share')).toEqual({
      name: 'share',
      kind: 'other',
      state: 'Online',
      owner: 'HV2',
      priority: 3000,
    });
  });

  it('goes elsewhere after a failover when the node that it leaves goes down', () => {
    const t = labOf(`${SHARE}${THREE}`);
    move(t, 'HV3');
    t.lab.crash('HV2');
    expect(groupOf(t, 'share').state).toBe('Pending');
    t.pass(29);
    expect(groupOf(t, 'share').state).toBe('Pending');
    t.pass(2);
    expect(groupOf(t, 'share')).toMatchObject({ owner: 'HV1', state: 'Online' });
    expect(groupOf(t, 'old')).toMatchObject({ owner: 'HV1', state: 'Offline' });
  });

  it('lands offline where only paused nodes are left, and comes online with a resume', () => {
    const t = labOf(`${SHARE}coreGroup: { owner: HV2 }${THREE}`);
    for (const node of ['HV1', 'HV3']) t.lab.call('HV1', 'pauseNode', { node });
    t.lab.powerOff('HV2');
    t.pass(60);
    expect(groupOf(t, 'share')).toMatchObject({ owner: 'HV1', state: 'Offline' });
    expect(groupOf(t, 'Cluster Group')).toMatchObject({ owner: 'HV1', state: 'PartialOnline' });
    t.lab.call('HV1', 'resumeNode', { node: 'HV1' });
    expect(groupOf(t, 'share').state).toBe('Online');
    expect(groupOf(t, 'Cluster Group').state).toBe('Online');
  });
});

describe('a paused node', () => {
  it('keeps what is online on it, whoever joins', () => {
    const t = labOf(`groups: [{ name: share }]${THREE}`);
    t.lab.call('HV1', 'pauseNode', { node: 'HV1' });
    t.lab.crash('HV3');
    t.pass(120);
    expect(groupOf(t, 'share')).toMatchObject({ owner: 'HV1', state: 'Online' });
    expect(groupOf(t, 'Cluster Group')).toMatchObject({ owner: 'HV1', state: 'Online' });
  });

  it('does not get a VM back that the cluster could not keep, but another node does', () => {
    const t = labOf(`${THREE}faults: [{ on: quorumLost, seconds: 10, when: { seconds: 5 } }]`);
    t.lab.call('HV1', 'pauseNode', { node: 'HV1' });
    t.pass(60);
    expect(t.story('role-moved').sort()).toEqual([
      'role-moved a from HV1 by failover',
      'role-moved b from HV1 by failover',
    ]);
    expect([t.role('a').state, t.role('a').owner === 'HV1']).toEqual(['Online', false]);
  });
});

describe('a quick move', () => {
  const quick = (t: TestLab) =>
    t.lab.call('HV1', 'startMove', { vmId: t.role('a').vmId, node: 'HV2', how: 'quick' });

  it('starts the VM again at home when the target is gone meanwhile', () => {
    const t = labOf(THREE);
    quick(t);
    t.lab.powerOff('HV2');
    t.pass(60);
    expect(t.role('a')).toMatchObject({ owner: 'HV1', state: 'Online' });
    expect(t.story('vm-saved', 'vm-restored')).toHaveLength(2);
  });

  it('leaves the VM saved on a paused node when the target is gone, until that node is resumed', () => {
    const t = labOf(THREE);
    t.lab.call('HV1', 'pauseNode', { node: 'HV1' });
    quick(t);
    t.lab.powerOff('HV2');
    t.pass(60);
    expect([t.role('a').state, t.vm('a').state, t.vm('a').owner]).toEqual([
      'Failed',
      'Saved',
      'HV1',
    ]);
    t.lab.call('HV1', 'resumeNode', { node: 'HV1' });
    t.pass(60);
    expect(t.role('a')).toMatchObject({ owner: 'HV1', state: 'Online' });
  });

  it('becomes a failover when the node that saves it goes down', () => {
    const t = labOf(THREE);
    quick(t);
    t.lab.powerOff('HV1');
    t.pass(120);
    expect(t.role('a').state).toBe('Online');
    expect([t.count('vm-stopped', 'a'), t.count('vm-restarted', 'a')]).toEqual([1, 1]);
    expect(t.count('vm-restored')).toBe(0);
  });

  it('takes no slot, holds up no stop that comes after it, and cannot be cancelled', () => {
    const t = labOf(THREE);
    quick(t);
    t.start('b', 'HV2');
    expect(t.move('b').phase).toBe('setup');
    const { vmId } = t.role('a');
    expect(t.lab.call('HV1', 'cancelMove', { vmId }).facts.changed).toBe(false);
    expect(t.error('HV1', 'stopRole', { vmId }).hresult).toBe('0x800700AA');
    expect(t.error('HV1', 'removeRole', { vmId }).hresult).toBe('0x800700AA');
  });

  it('is what Move-ClusterGroup does to a VM that runs', async () => {
    const t = labOf(THREE);
    const door = new PowerShellDoor(t.lab);
    const { id = '' } = groupObject(t.lab.world, [...t.lab.world.roles.values()][0]!);
    const bound = { InputObject: [{ $ref: id }], Node: 'HV2', Wait: 0 };
    const reply = await door.cmdlet({ node: 'HV3', cmdlet: 'Move-ClusterGroup', bound });
    expect(reply?.errors).toBeUndefined();
    expect(t.vm('a').state).toBe('Saving');
    t.pass(60);
    expect(t.vm('a')).toMatchObject({ owner: 'HV2', state: 'Running' });
    expect(t.vm('a').uptimeSeconds).toBeLessThan(60);
  });
});

describe('the auto-balancer', () => {
  const full = (more: string, small = ''): string => `
${more}
nodes:
${host('HV1')}
${host('HV2')}
${host('HV3', 'power: off')}
virtualMachines:
${vm('big', 'HV1').replace('4GB', '40GB')}
${vm('small', 'HV1', small).replace('4GB', '16GB')}
`;

  it.each([
    [0, 0],
    [1, 1],
    [2, 1],
  ])('in mode %i moves %i VMs when a node joins', (mode, moves) => {
    const t = labOf(full(`autoBalancer: { mode: ${mode} }`));
    t.lab.powerOn('HV3');
    t.pass(120);
    expect(t.count('move-started')).toBe(moves);
  });

  it('rests as soon as it is switched off, and begins its half hour when it is switched on', () => {
    const t = labOf(full('autoBalancer: { mode: 2 }'));
    t.pass(1700);
    t.lab.call('HV1', 'configureCluster', { autoBalancerMode: 0 });
    t.pass(4000);
    expect(t.count('move-started')).toBe(0);
    expect(t.lab.nextEventAt()).toBeNull();
    t.lab.call('HV1', 'configureCluster', { autoBalancerMode: 2 });
    t.pass(1799);
    expect(t.count('move-started')).toBe(0);
    t.pass(2);
    expect(t.count('move-started')).toBe(1);
  });

  it.each([
    ['priority: 1000', '', true],
    ['priority: 1000', 'moveTypeThreshold: 1000', false],
    ['priority: 3000', '', false],
    ['priority: 3000', 'moveTypeThreshold: 3001', true],
    ['defaultMoveType: 1', '', true],
  ])('moves a VM with %s and %s quickly: %s', (small, more, isQuick) => {
    const t = labOf(full(`autoBalancer: { mode: 2 }\n${more}`, small));
    t.pass(1801);
    expect([t.count('quick-move-started'), t.count('move-started')]).toEqual(
      isQuick ? [1, 0] : [0, 1],
    );
  });
});
