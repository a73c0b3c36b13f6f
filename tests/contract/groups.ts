// Contract of what empties a node beside live migration: groups, owners of shared volumes, quick moves; of the links of
// a node and of the cluster's own balancing.
import { describe, expect, it } from 'vitest';
import type { GroupFacts } from '../../domain/facts.ts';
import { errorOf, freshWorld, roleNamed, vmNamed } from './expecting.ts';
import { GIGABYTE, type MakeWorld, type World } from './world.ts';

const VOLUME_NAME = 'Cluster Virtual Disk (Volume1)';

async function groupNamed(world: World, name: string): Promise<GroupFacts> {
  const { facts } = await world.host('HV2').readGroups({});
  const found = facts.find((group) => group.name === name);
  if (found === undefined) throw new Error(`the cluster has no group ${name}`);
  return found;
}

const volumeOwner = async (world: World): Promise<string | undefined> =>
  (await world.host('HV2').readSharedVolumes({})).facts[0]?.owner;

export function describeGroups(makeWorld: MakeWorld): void {
  describe('groups', () => {
    const given = freshWorld(makeWorld);
    const move = (group: string, node = 'HV2', from = 'HV1') =>
      given.world.host('HV3').moveGroup({ group, from, node });

    it('tells every group by its kind, the VMs among them', async () => {
      const { facts } = await given.world.host('HV3').readGroups({});
      const rows = facts.map(({ name, kind, state, owner }) => [name, kind, state, owner]);
      expect(rows.sort()).toEqual([
        ['Available Storage', 'available-storage', 'Offline', 'HV1'],
        ['Cluster Group', 'core', 'Online', 'HV1'],
        ['db-1', 'vm', 'Online', 'HV1'],
        ['files-1', 'vm', 'Online', 'HV1'],
        ['share-1', 'other', 'Online', 'HV1'],
      ]);
      expect(facts.every((group) => group.priority === 2000)).toBe(true);
      expect(await roleNamed(given.world, 'db-1')).toMatchObject({ priority: 2000 });
    });

    it.each(['Cluster Group', 'Available Storage', 'share-1'])('moves %s once', async (group) => {
      const { world } = given;
      const before = await groupNamed(world, group);
      const both = await Promise.all([move(group), move(group)]);
      expect(both.map((reply) => reply.facts.changed).sort()).toEqual([false, true]);
      expect(both.some((reply) => reply.cmdlets.join().includes('Move-ClusterGroup'))).toBe(true);
      await world.pass(60);
      expect(await groupNamed(world, group)).toEqual({ ...before, owner: 'HV2' });
      expect((await move(group)).facts.changed).toBe(false);
      expect(await world.count('group-moved', group)).toBe(1);
    });

    it('shows a group that is handed over as Pending', async () => {
      await move('share-1');
      expect(await groupNamed(given.world, 'share-1')).toMatchObject({ state: 'Pending' });
    });

    it('takes a group from the node that was named, and from no other', async () => {
      expect((await move('Cluster Group', 'HV2', 'HV3')).facts.changed).toBe(false);
      await given.world.pass(60);
      expect((await groupNamed(given.world, 'Cluster Group')).owner).toBe('HV1');
    });

    it('moves the group of a VM that is saved, at once and with the VM', async () => {
      const { world } = given;
      const { id: vmId } = await vmNamed(world, 'HV1', 'db-1');
      await world.host('HV1').stopRole({ vmId });
      await world.pass(60);
      expect((await move('db-1')).facts.changed).toBe(true);
      expect(await groupNamed(world, 'db-1')).toMatchObject({ owner: 'HV2', state: 'Offline' });
      expect(await vmNamed(world, 'HV2', 'db-1')).toMatchObject({ id: vmId, state: 'Saved' });
      await world.host('HV2').startRole({ vmId });
      await world.pass(60);
      expect(await roleNamed(world, 'db-1')).toMatchObject({ owner: 'HV2', state: 'Online' });
    });

    it('refuses the group of a VM that runs: it would be saved', async () => {
      const { world } = given;
      const info = await errorOf(move('db-1'));
      expect(info).toMatchObject({ op: 'moveGroup', outcome: 'refused', errorId: 'VmRunning' });
      expect(await vmNamed(world, 'HV1', 'db-1')).toMatchObject({ state: 'Running' });
    });

    it.each([
      ["x'; Stop-Computer #", 'HV2', 'GroupMissing'],
      ['Cluster *', 'HV2', 'GroupMissing'],
      ['Cluster Group', 'HV9', 'BadRequest'],
    ])('refuses %s to %s', async (group, node, errorId) => {
      expect(await errorOf(move(group, node))).toMatchObject({ outcome: 'refused', errorId });
    });

    it('lets nothing come to a node that is paused or down', async () => {
      const { world } = given;
      const { id: vmId } = await vmNamed(world, 'HV1', 'db-1');
      await world.host('HV1').stopRole({ vmId });
      await world.pass(60);
      const volume = { volume: VOLUME_NAME, from: 'HV1', node: 'HV2' };
      const refusals = async () => [
        await errorOf(move('share-1')),
        await errorOf(move('db-1')),
        await errorOf(world.host('HV3').moveSharedVolume(volume)),
      ];
      await world.host('HV1').pauseNode({ node: 'HV2' });
      for (const info of await refusals()) expect(info).toMatchObject({ hresult: '0x800713CE' });
      await world.powerOff('HV2');
      for (const info of await refusals()) expect(info).toMatchObject({ hresult: '0x800713BA' });
    });

    it('starts no VM on a paused node, and does once it is resumed', async () => {
      const { world } = given;
      const host = world.host('HV1');
      const { id: vmId } = await vmNamed(world, 'HV1', 'db-1');
      await host.stopRole({ vmId });
      await host.pauseNode({ node: 'HV1' });
      await world.pass(60);
      const info = await errorOf(host.startRole({ vmId }));
      expect(info).toMatchObject({ outcome: 'refused', hresult: '0x800713CE' });
      await host.resumeNode({ node: 'HV1' });
      await host.startRole({ vmId });
      await world.pass(60);
      expect(await roleNamed(world, 'db-1')).toMatchObject({ owner: 'HV1', state: 'Online' });
    });

    it('finds everything elsewhere when a node goes down, and leaves it there when it is back', async () => {
      const { world } = given;
      await world.powerOff('HV1');
      await world.pass(120);
      await world.powerOn('HV1');
      await world.pass(600);
      const { facts } = await world.host('HV2').readGroups({});
      expect(facts.filter((group) => group.owner === 'HV1')).toEqual([]);
      expect(await groupNamed(world, 'Cluster Group')).toMatchObject({ state: 'Online' });
      expect(await groupNamed(world, 'share-1')).toMatchObject({ state: 'Online' });
      expect(await volumeOwner(world)).not.toBe('HV1');
    });

    it('gives a shared volume another owner once, and only from the node that was named', async () => {
      const { world } = given;
      const give = (from: string) =>
        world.host('HV3').moveSharedVolume({ volume: VOLUME_NAME, from, node: 'HV2' });
      expect((await give('HV3')).facts.changed).toBe(false);
      const both = await Promise.all([give('HV1'), give('HV1')]);
      expect(both.map((reply) => reply.facts.changed).sort()).toEqual([false, true]);
      await world.pass(10);
      expect(await volumeOwner(world)).toBe('HV2');
      expect(await world.count('volume-moved', VOLUME_NAME)).toBe(1);
      const none = { volume: 'Cluster *', from: 'HV1', node: 'HV2' };
      expect(await errorOf(world.host('HV3').moveSharedVolume(none))).toMatchObject({
        errorId: 'GroupMissing',
      });
    });
  });

  describe('a quick move', () => {
    const given = freshWorld(makeWorld);

    it('saves the VM, hands it over and restores it: its uptime begins anew', async () => {
      const { world } = given;
      const before = await vmNamed(world, 'HV1', 'db-1');
      const asked = { vmId: before.id, node: 'HV2', how: 'quick' } as const;
      const { facts, cmdlets } = await world.host('HV1').startMove(asked);
      expect(facts).toEqual({ changed: true, why: 'started' });
      expect(cmdlets[0]).toMatch(/-MigrationType '?Quick/);
      const [saving, role] = [await vmNamed(world, 'HV1', 'db-1'), await roleNamed(world, 'db-1')];
      expect(saving.state).toBe('Saving');
      expect(role).toMatchObject({ state: 'Pending', owner: 'HV1', move: { phase: 'none' } });
      const again = await errorOf(world.host('HV1').startMove(asked));
      expect(again).toMatchObject({ outcome: 'refused', errorId: 'RoleBusy' });
      await world.pass(120);
      expect(await roleNamed(world, 'db-1')).toMatchObject({ owner: 'HV2', state: 'Online' });
      const after = await vmNamed(world, 'HV2', 'db-1');
      expect(after).toMatchObject({ id: before.id, state: 'Running', heartbeat: 'Ok' });
      expect(after.uptimeSeconds).toBeLessThan(before.uptimeSeconds);
      const late = await world.host('HV1').startMove(asked);
      expect(late.facts).toEqual({ changed: false, why: 'already-there' });
      expect(await world.count('quick-move-started', 'db-1')).toBe(1);
    });
  });

  describe('what a drain asks beside', () => {
    const given = freshWorld(makeWorld);

    it('tells the links of the node on networks that moves may use', async () => {
      const { facts } = await given.world.host('HV1').readLinks({});
      expect([...facts].sort((a, b) => a.network.localeCompare(b.network))).toEqual([
        { network: 'Management', bytesPerSecond: 125_000_000 },
        { network: 'Migration', bytesPerSecond: 1_250_000_000 },
      ]);
    });

    it('tells no link of a node that its network has lost', async () => {
      await given.world.cutOff('HV1');
      expect((await given.world.host('HV1').readLinks({})).facts).toEqual([]);
    });

    it('sets the mode of the auto-balancer and nothing else, once', async () => {
      const { world } = given;
      const host = world.host('HV2');
      const before = (await host.readCluster({})).facts;
      const set = await host.configureCluster({ autoBalancerMode: 2 });
      expect(set.facts).toEqual({ changed: true, cluster: { ...before, autoBalancerMode: 2 } });
      expect(set.cmdlets[0]).toBe('(Get-Cluster).AutoBalancerMode = 2');
      expect((await host.configureCluster({ autoBalancerMode: 2 })).facts.changed).toBe(false);
      expect((await host.configureCluster({})).facts.changed).toBe(false);
      const back = await host.configureCluster({
        autoBalancerMode: 0,
        maximumParallelMigrations: 4,
      });
      expect(back.facts.cluster).toEqual({
        ...before,
        autoBalancerMode: 0,
        maximumParallelMigrations: 4,
      });
      expect(await world.count('cluster-configured', 'contract')).toBe(3);
    });

    it.each([-1, 3, 1.5])('refuses %s as a mode of the auto-balancer', async (autoBalancerMode) => {
      const info = await errorOf(given.world.host('HV1').configureCluster({ autoBalancerMode }));
      expect(info).toMatchObject({ op: 'configureCluster', outcome: 'refused' });
    });

    it('counts a VM that is moved quickly at its source until it has left', async () => {
      const { world } = given;
      const { id: vmId } = await vmNamed(world, 'HV1', 'db-1');
      const free = async () => (await world.host('HV1').readHost({})).facts.freeMemoryBytes;
      const before = await free();
      await world.host('HV1').startMove({ vmId, node: 'HV2', how: 'quick' });
      expect(await free()).toBe(before);
      await world.pass(120);
      expect(await free()).toBe(before + 8 * GIGABYTE);
    });
  });
}
