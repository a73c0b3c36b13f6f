// Groups of the cluster that are no virtual machines: its own two and whatever else it runs. How they, and the owners
// of shared volumes, go from node to node; the cluster service (cluster.ts) and whoever is asked to move one call this.
import type { Scenario } from '../scenario/schema.ts';
import { ownName } from './japanese.ts';
import { effect } from './records.ts';
import { findNode, isMember, nodeOf, type LabGroup, type LabNode, type World } from './world.ts';

const PRIORITY = 2000;

/** @param firstUp owns what the scenario gives to nobody. */
export function makeGroups(s: Scenario, firstUp: string): LabGroup[] {
  const group = (
    name: string,
    kind: LabGroup['kind'],
    owner: string | undefined,
    wanted: LabGroup['wanted'],
    priority = PRIORITY,
  ): LabGroup => ({
    name,
    kind,
    owner: s.nodes.find((n) => n.name.toLowerCase() === owner?.toLowerCase())?.name ?? firstUp,
    wanted,
    state: wanted === 'online' ? 'Online' : 'Offline',
    priority,
    moving: null,
  });
  return [
    group(ownName(s, 'Cluster Group'), 'core', s.coreGroup.owner, 'online'),
    // No disk is in it: such a group is offline.
    group(
      ownName(s, 'Available Storage'),
      'available-storage',
      s.availableStorage.owner,
      'offline',
    ),
    ...s.groups.map(({ name, owner, state, priority }) =>
      group(name, 'other', owner, state === 'Online' ? 'online' : 'offline', priority),
    ),
  ];
}

export const coreGroup = (world: World): LabGroup => {
  const core = world.groups.find((group) => group.kind === 'core');
  if (core === undefined) throw new Error('The lab has a cluster without its core group.');
  return core;
};

export const coreGroupOwner = (world: World): LabNode | undefined =>
  findNode(world, coreGroup(world).owner);

/** On a paused node nothing comes online; the quorum resource does, and with it a part of the core group. */
function stateOn(group: LabGroup, node: LabNode): LabGroup['state'] {
  if (group.wanted === 'offline') return 'Offline';
  if (!node.paused) return 'Online';
  return group.kind === 'core' ? 'PartialOnline' : 'Offline';
}

/** Where a group goes that has lost its node: a paused one only where there is no other. */
const refuge = (world: World): LabNode | undefined => {
  const members = world.nodes.filter((node) => isMember(node) && !node.quarantined);
  return members.find((node) => !node.paused) ?? members[0];
};

function land(world: World, group: LabGroup, node: LabNode, how: string): void {
  const from = group.owner;
  group.owner = node.name;
  group.state = stateOn(group, node);
  if (from !== node.name)
    effect(world, node.name, 'group-moved', group.name, `from ${from} ${how}`);
}

/** The owner has gone down. The cluster's own groups are elsewhere at once, others after a failover. */
export function groupsLost(world: World, lost: LabNode): void {
  for (const group of world.groups) {
    if (group.owner !== lost.name) continue;
    world.agenda.cancel(group.moving);
    group.moving = null;
    const flee = (): void => {
      group.moving = null;
      const target = refuge(world);
      if (target !== undefined) land(world, group, target, 'by failover');
    };
    if (group.kind !== 'other') {
      flee();
      continue;
    }
    group.state = 'Pending';
    group.moving = world.agenda.add(world.time + world.scenario.failoverSeconds * 1000, flee);
  }
  for (const volume of world.sharedVolumes)
    if (volume.owner === lost.name) volume.owner = refuge(world)?.name ?? volume.owner;
}

/** A node has joined or was resumed, or there is quorum again: what could not be online is. */
export function restoreGroups(world: World): void {
  for (const group of world.groups) {
    if (group.moving !== null) continue;
    const owner = nodeOf(world, group.owner);
    // What is online on a paused node stays so, and what is offline there too.
    if (isMember(owner) && (group.state === 'Online' || owner.paused)) continue;
    const target = isMember(owner) ? owner : refuge(world);
    if (target !== undefined) land(world, group, target, 'by failover');
  }
}

/** Takes as long as handing over a role does; one that is offline is there at once. */
export function beginGroupMove(world: World, group: LabGroup, to: LabNode): void {
  if (group.wanted === 'offline') {
    land(world, group, to, 'as asked');
    return;
  }
  group.state = 'Pending';
  const ms = world.scenario.migration.movingGroupSeconds * 1000;
  group.moving = world.agenda.add(world.time + ms, () => {
    group.moving = null;
    const there = isMember(to) && !to.paused ? to : nodeOf(world, group.owner);
    land(world, group, there, 'as asked');
  });
}
