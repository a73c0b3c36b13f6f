// The acting operations about groups that are no running VM, and about the owners of shared volumes.
import { sameName } from '../../domain/names.ts';
import type { Act } from './acts.ts';
import { beginGroupMove } from './groups.ts';
import { beginQuickMove } from './quick.ts';
import { groupFacts, inCluster } from './reads.ts';
import { effect } from './records.ts';
import { moving, noGroup, noNode, noVolume, quote, refused, type Asked } from './refusal.ts';
import { checkComing, checkTarget } from './targets.ts';
import { findNode, isOn, moveOf, type LabNode, type LabRole } from './world.ts';

/** What Move-ClusterGroup does to the role of a VM: one that is on is saved and restored, whether or not it may be. */
export function moveRoleAsGroup(asked: Asked, role: LabRole, target: LabNode): void {
  const { world } = asked;
  const vm = world.vms.get(role.vmId);
  if (vm === undefined) return;
  if (moveOf(world, vm.id) !== undefined || role.state === 'Pending') throw moving(asked, vm);
  checkTarget(asked, role, target);
  if (isOn(vm)) {
    beginQuickMove(world, role, vm, target.name);
    return;
  }
  const from = vm.owner;
  vm.owner = target.name;
  effect(world, target.name, 'role-moved', role.name, `from ${from} as asked`);
}

/** It may be down, as long as there is nothing to do. */
function targetNamed(asked: Asked, name: string): LabNode {
  const node = findNode(asked.world, name);
  if (node === undefined) throw noNode(asked, name);
  return node;
}

const nothing = { facts: { changed: false }, cmdlets: [] };

export const moveGroup: Act<'moveGroup'> = (asked, a) => {
  inCluster(asked);
  const { world } = asked;
  const named = ({ name }: { name: string }): boolean => sameName(name, a.group);
  const told = groupFacts(world).find(named);
  if (told === undefined) throw noGroup(asked, a.group);
  const group = world.groups.find(named);
  const role = [...world.roles.values()].find(named);
  const vm = role === undefined ? undefined : world.vms.get(role.vmId);
  const target = targetNamed(asked, a.node);
  const isUnderWay =
    told.state === 'Pending' || (vm !== undefined && moveOf(world, vm.id) !== undefined);
  if (!sameName(told.owner, a.from) || sameName(told.owner, target.name) || isUnderWay)
    return nothing;
  if (role !== undefined) {
    if (vm !== undefined && isOn(vm))
      throw refused(asked, `'${role.name}' runs, so moving its group would save it.`, {
        errorId: 'VmRunning',
      });
    moveRoleAsGroup(asked, role, target);
  } else if (group !== undefined) {
    checkComing(asked, target);
    beginGroupMove(world, group, target);
  }
  const cmdlets = [`Move-ClusterGroup -Name ${quote(a.group)} -Node ${quote(target.name)} -Wait 0`];
  return { facts: { changed: true }, cmdlets };
};

export const moveSharedVolume: Act<'moveSharedVolume'> = (asked, a) => {
  inCluster(asked);
  const { world } = asked;
  const volume = world.sharedVolumes.find(({ name }) => sameName(name, a.volume));
  if (volume === undefined) throw noVolume(asked, a.volume);
  const target = targetNamed(asked, a.node);
  if (!sameName(volume.owner, a.from) || volume.owner === target.name) return nothing;
  checkComing(asked, target);
  const from = volume.owner;
  volume.owner = target.name;
  effect(world, target.name, 'volume-moved', volume.name, `from ${from} as asked`);
  const cmdlets = [
    `Move-ClusterSharedVolume -Name ${quote(volume.name)} -Node ${quote(target.name)} -Wait 0`,
  ];
  return { facts: { changed: true }, cmdlets };
};
