// Making and removing one virtual machine: the rules that both doors of the lab share.
import { sameName } from '../../domain/names.ts';
import { newVmFaults } from '../../domain/new-vm.ts';
import { samePath } from '../../domain/storage.ts';
import { effect } from './records.ts';
import { HRESULTS, refused, type Asked } from './refusal.ts';
import { newestVmVersion } from './make-world.ts';
import {
  fileOn,
  isIn,
  isOn,
  isPausedOn,
  labId,
  onSharedVolume,
  switchesOf,
  vmsOn,
  type LabVm,
} from './world.ts';

// A freshly installed guest that does nothing much.
const NEW_VM_DIRTY_RATE = 50 * 2 ** 20;

export interface NewVm {
  name: string;
  memoryBytes: number;
  generation: 1 | 2;
  vhd: string | null;
  switch: string | null;
  notes: string;
  /** Folder for the configuration. */
  path: string;
}

export const vmsCalled = ({ world, node }: Asked, name: string): LabVm[] =>
  vmsOn(world, node.name).filter((vm) => sameName(vm.name, name));

function checkDisk(asked: Asked, vhd: string): void {
  const { world, node } = asked;
  const isPaused = world.sharedVolumes.some(
    (v) => v.state !== 'Online' || (isPausedOn(world, node, v.name) && isIn(vhd, v.path)),
  );
  if (isPaused && onSharedVolume(world, vhd))
    throw refused(asked, `'${vhd}' does not answer: its volume is paused.`, {
      hresult: HRESULTS.timeout,
    });
  if (!fileOn(world, vhd, node.name))
    throw refused(asked, `${node.name} finds no file '${vhd}'.`, { errorId: 'DiskMissing' });
  // What a VM that is off or saved has is nobody's as far as Windows tells.
  const user = diskUser([...world.vms.values()].filter(isOn), vhd);
  if (user !== undefined)
    throw refused(asked, `'${vhd}' is in use by '${user.name}' on ${user.owner}.`, {
      hresult: HRESULTS.inUse,
    });
}

/** Itself, or below a checkpoint of it. */
const diskUser = (vms: LabVm[], vhd: string): LabVm | undefined =>
  vms.find((vm) => [...vm.disks, ...vm.parents].some((d) => samePath(d, vhd)));

/**
 * What watari's module asks before it lets Windows make the VM: of the VMs of this node alone, as it sees no others.
 */
export function checkNewVm(asked: Asked, is: NewVm & { vhd: string }): void {
  const { world, node } = asked;
  const [fault] = newVmFaults(is);
  if (fault !== undefined)
    throw refused(asked, `${fault.field}: ${fault.message}.`, { errorId: 'BadRequest' });
  const user = fileOn(world, is.vhd, node.name)
    ? diskUser(vmsOn(world, node.name), is.vhd)
    : undefined;
  if (user !== undefined)
    throw refused(asked, `'${is.vhd}' is the disk of '${user.name}', which is ${user.state}.`, {
      errorId: 'DiskInUse',
    });
}

/** Creates it switched off, whatever other VMs are called: names are no keys. */
export function newVm(asked: Asked, is: NewVm): LabVm {
  const { world, node } = asked;
  if (is.vhd !== null) checkDisk(asked, is.vhd);
  const there = switchesOf(node).find(
    (item) => is.switch !== null && sameName(item.name, is.switch),
  );
  if (is.switch !== null && there === undefined)
    throw refused(asked, `${node.name} has no virtual switch '${is.switch}'.`, {
      errorId: 'SwitchMissing',
    });
  world.created += 1;
  const vm: LabVm = {
    id: labId(world.scenario.cluster, 'created', String(world.created), is.name),
    name: is.name,
    owner: node.name,
    state: 'Off',
    startedAt: world.time,
    memoryBytes: is.memoryBytes,
    dirtyRate: NEW_VM_DIRTY_RATE,
    heartbeat: true,
    generation: is.generation,
    version: newestVmVersion(node.is.vmVersions),
    switches: [there?.name ?? null],
    disks: is.vhd === null ? [] : [is.vhd],
    configurationPath: is.path,
    parents: [],
    sharedDisks: false,
    dvds: [],
    compatibilityForMigration: false,
    passThroughDevices: [],
    gpuPartitions: 0,
    critical: false,
    tpm: false,
    busy: false,
    snapshotPath: is.path,
    notes: is.notes,
    starting: null,
    resumes: false,
  };
  world.vms.set(vm.id, vm);
  effect(world, node.name, 'vm-created', vm.name, vm.id);
  return vm;
}

/** Its configuration, never a disk. */
export function deleteVm(asked: Asked, vm: LabVm): void {
  const { world, node } = asked;
  if (world.roles.has(vm.id))
    throw refused(asked, `'${vm.name}' is a role of the cluster.`, { errorId: 'VmClustered' });
  if (vm.state !== 'Off' && vm.state !== 'Saved')
    throw refused(asked, `'${vm.name}' is ${vm.state}.`, { errorId: 'VmNotOff' });
  world.vms.delete(vm.id);
  effect(world, node.name, 'vm-removed', vm.name, vm.id);
}
