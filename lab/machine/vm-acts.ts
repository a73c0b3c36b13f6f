// The acting operations about virtual machines, their roles and their moves.
import { hasOwnerMark, ownerMark, sameName } from '../../domain/names.ts';
import type { ActOp } from '../../hyperv/host.ts';
import {
  configureCluster,
  configureMigration,
  installFeatures,
  pauseNode,
  resumeNode,
  restartNode,
  type Act,
} from './acts.ts';
import { checkTarget } from './targets.ts';
import { moveGroup, moveSharedVolume } from './group-acts.ts';
import { acceptMove, cancelMove as cancel } from './moves.ts';
import { checkNewVm, deleteVm, newVm, vmsCalled } from './new-vm.ts';
import { inCluster, inHyperV, toldRole, vmFacts } from './reads.ts';
import { beginQuickMove } from './quick.ts';
import { effect } from './records.ts';
import { HRESULTS, moving, noNode, noRole, noVm, quote, refused, type Asked } from './refusal.ts';
import { haltVm, startVm } from './vms.ts';
import { makeRole, markedNotes } from './make-world.ts';
import {
  findNode,
  isOn,
  isShared,
  moveOf,
  roleOfId,
  vmOfId,
  type LabRole,
  type LabVm,
  type World,
} from './world.ts';
import { setStorageMaintenance } from './storage-acts.ts';
import { commitUpdates, downloadUpdates, installPackages, installUpdates } from './update-jobs.ts';

const createVm: Act<'createVm'> = (asked, a) => {
  inHyperV(asked);
  const { world, node } = asked;
  const same = vmsCalled(asked, a.name);
  const [existing] = same;
  if (same.length > 1)
    throw refused(asked, `${node.name} has ${same.length} VMs called '${a.name}'.`, {
      errorId: 'AmbiguousVm',
    });
  if (existing !== undefined)
    return { facts: { changed: false, vm: vmFacts(world, existing) }, cmdlets: [] };
  const made = { ...a, notes: ownerMark(a.requestId) };
  checkNewVm(asked, made);
  const vm = newVm(asked, made);
  const cmdlets = [
    `New-VM -Name ${quote(a.name)} -MemoryStartupBytes ${a.memoryBytes} ` +
      `-Generation ${a.generation} -VHDPath ${quote(a.vhd)} -Path ${quote(a.path)}` +
      (a.switch === null ? '' : ` -SwitchName ${quote(a.switch)}`),
    `Set-VM -Name ${quote(a.name)} -Notes ${quote(vm.notes)}`,
  ];
  return { facts: { changed: true, vm: vmFacts(world, vm) }, cmdlets };
};

const removeVm: Act<'removeVm'> = (asked, { vmId, requestId }) => {
  inHyperV(asked);
  const { world, node } = asked;
  const vm = vmOfId(world, vmId);
  if (vm?.owner !== node.name) return { facts: { changed: false }, cmdlets: [] };
  if (!hasOwnerMark(vm.notes, requestId))
    throw refused(asked, `'${vm.name}' was not created by the run ${requestId}.`, {
      errorId: 'VmNotOurs',
    });
  deleteVm(asked, vm);
  return { facts: { changed: true }, cmdlets: [`Remove-VM -Name ${quote(vm.name)} -Force`] };
};

const addRole: Act<'addRole'> = (asked, { vmId, name }) => {
  inHyperV(asked);
  inCluster(asked);
  const { world, node } = asked;
  const existing = roleOfId(world, vmId);
  if (existing !== undefined)
    return { facts: { changed: false, role: toldRole(asked, existing) }, cmdlets: [] };
  const vm = vmOfId(world, vmId);
  if (vm?.owner !== node.name) throw noVm(asked, vmId);
  if ([...world.roles.values()].some((role) => sameName(role.name, name)))
    throw refused(asked, `The cluster already has a role called '${name}'.`, {
      hresult: HRESULTS.objectExists,
    });
  const local = vm.disks.find((path) => !isShared(world, path));
  if (local !== undefined)
    throw refused(
      asked,
      `'${local}' of '${vm.name}' is not on a cluster shared volume or a share.`,
      {
        errorId: 'DiskNotShared',
      },
    );
  const role = makeRole(world, vm, name);
  vm.notes = markedNotes(world.scenario, vm.notes, vm.name);
  world.roles.set(vm.id, role);
  effect(world, node.name, 'role-added', name, vm.id);
  const cmdlets = [`Add-ClusterVirtualMachineRole -VMId ${quote(vm.id)} -Name ${quote(name)}`];
  return { facts: { changed: true, role: toldRole(asked, role) }, cmdlets };
};

const removeRole: Act<'removeRole'> = (asked, { vmId }) => {
  inCluster(asked);
  const { world, node } = asked;
  const role = roleOfId(world, vmId);
  const vm = vmOfId(world, vmId);
  if (role === undefined || vm === undefined) return { facts: { changed: false }, cmdlets: [] };
  if (isMoving(world, role)) throw moving(asked, vm);
  world.agenda.cancel(role.failover);
  world.roles.delete(vm.id);
  effect(world, node.name, 'role-removed', role.name, vm.id);
  const cmdlets = [
    `Get-ClusterGroup -VMId ${quote(vm.id)} | Remove-ClusterGroup -RemoveResources -Force`,
  ];
  return { facts: { changed: true }, cmdlets };
};

const isMoving = (world: World, role: LabRole): boolean =>
  role.quick !== null || moveOf(world, role.vmId) !== undefined;

function roleAndVm(asked: Asked, vmId: string): { role: LabRole; vm: LabVm } {
  inCluster(asked);
  const role = roleOfId(asked.world, vmId);
  const vm = vmOfId(asked.world, vmId);
  if (role === undefined || vm === undefined) throw noRole(asked, vmId);
  return { role, vm };
}

const startRole: Act<'startRole'> = (asked, { vmId }) => {
  const { role, vm } = roleAndVm(asked, vmId);
  const { world } = asked;
  if (role.state === 'Online' || role.state === 'Pending')
    return { facts: { changed: false }, cmdlets: [] };
  const owner = findNode(world, vm.owner);
  if (owner?.paused === true)
    throw refused(asked, `${owner.name} is paused, so nothing comes online there.`, {
      hresult: HRESULTS.nodePaused,
    });
  role.wanted = 'online';
  effect(world, vm.owner, 'role-started', role.name);
  startVm(world, vm, 'vm-started', '');
  return {
    facts: { changed: true },
    cmdlets: [`Start-ClusterGroup -Name ${quote(role.name)} -Wait 0`],
  };
};

/** The port saves; a cluster does what the role's OfflineAction says. */
const stopRole: Act<'stopRole'> = (asked, { vmId }) => takeOffline(asked, vmId, 1);

export function takeOffline(
  asked: Asked,
  vmId: string,
  action: number,
): ReturnType<Act<'stopRole'>> {
  const { role, vm } = roleAndVm(asked, vmId);
  const { world } = asked;
  if (isMoving(world, role)) throw moving(asked, vm);
  if (role.wanted === 'offline' && role.state === 'Offline')
    return { facts: { changed: false }, cmdlets: [] };
  role.wanted = 'offline';
  role.state = 'Offline';
  world.agenda.cancel(role.failover);
  role.failover = null;
  effect(world, vm.owner, 'role-stopped', role.name);
  if (isOn(vm))
    haltVm(world, vm, action === 1 ? 'vm-saved' : 'vm-stopped', 'its role was taken offline');
  return {
    facts: { changed: true },
    cmdlets: [`Stop-ClusterGroup -Name ${quote(role.name)} -Wait 0`],
  };
}

const startMove: Act<'startMove'> = (asked, { vmId, node, how = 'live' }) => {
  const { role, vm } = roleAndVm(asked, vmId);
  const { world } = asked;
  const target = findNode(world, node);
  if (target === undefined) throw noNode(asked, node);
  const not = (why: 'already-there' | 'already-moving') => ({
    facts: { changed: false, why },
    cmdlets: [],
  });
  if (moveOf(world, vm.id) !== undefined) return not('already-moving');
  if (vm.owner === target.name) return not('already-there');
  checkTarget(asked, role, target);
  if (role.quick !== null)
    throw refused(asked, `'${role.name}' is Pending: it starts, stops or is handed over.`, {
      hresult: HRESULTS.busy,
      errorId: 'RoleBusy',
    });
  if (role.state !== 'Online' || vm.state !== 'Running')
    throw refused(asked, `'${role.name}' is not online, so it cannot be migrated live.`, {
      hresult: HRESULTS.groupNotOnline,
      errorId: 'VmNotRunning',
    });
  if (how === 'quick') beginQuickMove(world, role, vm, target.name);
  else acceptMove(world, vm, target.name, 'request');
  const type = how === 'quick' ? 'Quick' : 'Live';
  const cmdlets = [
    `Move-ClusterVirtualMachineRole -VMId ${quote(vm.id)} -Node ${quote(target.name)} ` +
      `-MigrationType ${type} -Wait 0`,
  ];
  return { facts: { changed: true, why: 'started' }, cmdlets };
};

const cancelMove: Act<'cancelMove'> = (asked, { vmId }) => {
  const { vm } = roleAndVm(asked, vmId);
  const move = moveOf(asked.world, vm.id);
  const changed = move !== undefined && cancel(asked.world, move);
  const cmdlets = changed ? [`Move-ClusterVirtualMachineRole -VMId ${quote(vm.id)} -Cancel`] : [];
  return { facts: { changed }, cmdlets };
};

export const ACTS: { [K in ActOp]: Act<K> } = {
  installFeatures,
  restartNode,
  configureMigration,
  configureCluster,
  createVm,
  removeVm,
  addRole,
  removeRole,
  startRole,
  stopRole,
  pauseNode,
  resumeNode,
  startMove,
  cancelMove,
  moveGroup,
  moveSharedVolume,
  downloadUpdates,
  installUpdates,
  commitUpdates,
  installPackages,
  setStorageMaintenance,
};
