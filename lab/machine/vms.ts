// Starting and stopping one virtual machine on its owner. Who wants that, and what follows, is decided elsewhere.
import { CLUSTER_LOG, effect, logEvent, type EffectKind } from './records.ts';
import { freeMemory, nodeOf, type LabVm, type World } from './world.ts';

/** False, with an event on its owner, when there is not enough memory. */
export function startVm(
  world: World,
  vm: LabVm,
  kind: Extract<EffectKind, 'vm-started' | 'vm-restarted' | 'vm-restored'>,
  detail: string,
  restoreMs = 0,
): boolean {
  const role = world.roles.get(vm.id);
  if (vm.memoryBytes > freeMemory(world, nodeOf(world, vm.owner))) {
    const message = `'${vm.name}' failed to start: not enough memory in the system.`;
    const about = { level: 2, vm: vm.name, hresult: '0x800705AA', message };
    logEvent(world, vm.owner, { log: CLUSTER_LOG, id: 1069, ...about });
    effect(world, vm.owner, 'role-failed', vm.name, 'not enough memory to start');
    if (role !== undefined) role.state = 'Failed';
    return false;
  }
  vm.state = 'Starting';
  if (role !== undefined) role.state = 'Pending';
  effect(world, vm.owner, kind, vm.name, detail);
  const end = world.time + world.scenario.vmStartSeconds * 1000 + restoreMs;
  vm.starting = world.agenda.add(end, () => {
    vm.starting = null;
    vm.state = 'Running';
    vm.startedAt = world.time;
    if (role !== undefined && world.roles.get(vm.id) === role) role.state = 'Online';
  });
  return true;
}

export function haltVm(
  world: World,
  vm: LabVm,
  kind: Extract<EffectKind, 'vm-saved' | 'vm-stopped'>,
  detail: string,
): void {
  world.agenda.cancel(vm.starting);
  vm.starting = null;
  vm.state = kind === 'vm-saved' ? 'Saved' : 'Off';
  effect(world, vm.owner, kind, vm.name, detail);
}
