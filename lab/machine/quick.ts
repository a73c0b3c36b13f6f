// Quick migrations: a VM is saved, handed over and restored, so its clients lose it meanwhile. The cluster does that
// where it is told to, and of its own accord to VMs below the MoveTypeThreshold.
import { effect } from './records.ts';
import { haltVm, startVm } from './vms.ts';
import { isMember, nodeOf, type LabRole, type LabVm, type World } from './world.ts';

/** DefaultMoveType of a role that goes by the cluster's threshold. */
export const MOVES_BY_PRIORITY = 0xffff_ffff;
const MOVES_QUICKLY = 1;

/** How the cluster itself would move it. */
export const isMovedQuickly = ({ scenario }: World, role: LabRole): boolean =>
  role.defaultMoveType === MOVES_QUICKLY || role.priority < scenario.moveTypeThreshold;

export function beginQuickMove(world: World, role: LabRole, vm: LabVm, to: string): void {
  const ms = (vm.memoryBytes / world.scenario.migration.saveRate) * 1000;
  effect(world, vm.owner, 'quick-move-started', role.name, `${vm.owner} -> ${to}`);
  vm.state = 'Saving';
  role.state = 'Pending';
  role.quick = world.agenda.add(world.time + ms, () => {
    role.quick = null;
    handOver(world, role, vm, to, ms);
  });
}

function handOver(world: World, role: LabRole, vm: LabVm, to: string, ms: number): void {
  const from = vm.owner;
  haltVm(world, vm, 'vm-saved', `on its way to ${to}`);
  const target = nodeOf(world, to);
  if (isMember(target) && !target.paused) {
    vm.owner = to;
    effect(world, to, 'role-moved', role.name, `from ${from} by quick migration`);
  } else if (nodeOf(world, from).paused) {
    role.state = 'Failed';
    effect(world, from, 'role-failed', role.name, `${to} cannot take it, and ${from} is paused`);
    return;
  }
  startVm(world, vm, 'vm-restored', `saved on ${from}`, ms);
}

/** The node that saves it is gone, or the cluster is. */
export function dropQuickMove(world: World, role: LabRole): void {
  world.agenda.cancel(role.quick);
  role.quick = null;
}
