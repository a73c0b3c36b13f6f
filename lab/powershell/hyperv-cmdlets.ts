// The Hyper-V module's cmdlets that watari calls. They see this node's VMs only.
import { samePath } from '../../domain/storage.ts';
import { configureMigration } from '../machine/acts.ts';
import { deleteVm, newVm } from '../machine/new-vm.ts';
import { seesFile } from '../machine/reads.ts';
import { switchesOf, vmOfId, vmsOn, type LabVm } from '../machine/world.ts';
import {
  collect,
  needsHyperV,
  obey,
  objects,
  type Call,
  type Cmdlet,
  type Result,
} from './cmdlet.ts';
import { hypervError, notImplemented, noVm } from './errors.ts';
import {
  adapterObjects,
  assignedDevices,
  diskObjects,
  dvdObjects,
  hostObject,
  integrationServices,
  processorObject,
  securityObject,
  supportedVersions,
  switchObject,
  vhdObject,
  vmObject,
} from './hyperv-objects.ts';
import { hasWildcard, wildcard } from './matching.ts';
import { idOf, type WireObject } from './wire.ts';

/** By name, which is a wildcard here, or by objects. */
function chosenVms(call: Call, names: string[] | undefined, refs: string[]) {
  needsHyperV(call);
  const here = vmsOn(call.world, call.node.name);
  const byRef = collect(refs, (ref) => {
    const vm = here.find((candidate) => candidate.id === idOf('vm', ref));
    return vm === undefined ? noVm(call.cmdlet, 'id', idOf('vm', ref) ?? ref) : [vm];
  });
  const byName = collect(names ?? [], (name) => {
    const matches = wildcard(name);
    const hit = here.filter((vm) => matches(vm.name));
    return hit.length === 0 && !hasWildcard(name) ? noVm(call.cmdlet, 'name', name) : hit;
  });
  return { found: [...byRef.found, ...byName.found], errors: [...byRef.errors, ...byName.errors] };
}

const getVm: Cmdlet = {
  takes: ['Name', 'Id'],
  run: (call) => {
    needsHyperV(call);
    const { world, node, bound } = call;
    const id = bound.text('Id');
    if (id !== undefined) {
      const vm = vmOfId(world, id);
      if (vm?.owner !== node.name) throw noVm(call.cmdlet, 'id', id);
      return objects([vmObject(world, vm)]);
    }
    const names = bound.texts('Name');
    if (names === undefined)
      return objects(vmsOn(world, node.name).map((vm) => vmObject(world, vm)));
    const { found, errors } = chosenVms(call, names, []);
    return { out: found.map((vm) => vmObject(world, vm)), errors };
  },
};

/** Where New-VM puts the configuration when nobody says. */
const HYPERV_FOLDER = 'C:\\ProgramData\\Microsoft\\Windows\\Hyper-V';

const newVmCmdlet: Cmdlet = {
  takes: [
    'Name',
    'MemoryStartupBytes',
    'Generation',
    'VHDPath',
    'NoVHD',
    'SwitchName',
    'Path',
    'Force',
  ],
  run: (call) => {
    needsHyperV(call);
    const { bound } = call;
    // What New-VM takes when nobody says.
    const name = bound.text('Name') ?? 'New Virtual Machine';
    const memoryBytes = bound.number('MemoryStartupBytes') ?? 512 * 2 ** 20;
    const generation = bound.number('Generation') === 2 ? 2 : 1;
    const vhd = bound.text('VHDPath') ?? null;
    const switchName = bound.text('SwitchName') ?? null;
    const missing = (what: string, target: string) =>
      hypervError(call.cmdlet, {
        id: 'ObjectNotFound',
        message: `Hyper-V was unable to find the ${what} '${target}'.`,
        target,
      });
    if (
      switchName !== null &&
      !switchesOf(call.node).some((s) => s.name.toLowerCase() === switchName.toLowerCase())
    )
      throw missing('virtual switch', switchName);
    const volumes = call.world.sharedVolumes.every((volume) => volume.state === 'Online');
    if (vhd !== null && volumes && !seesFile(call, vhd))
      throw hypervError(call.cmdlet, {
        id: 'ObjectNotFound',
        message: `The system cannot find the file '${vhd}'.`,
        hresult: '0x80070002',
        target: vhd,
      });
    const path = bound.text('Path') ?? HYPERV_FOLDER;
    const is = { name, memoryBytes, generation, vhd, switch: switchName, notes: '', path } as const;
    const vm = obey(call, () => newVm(call, is));
    return objects([vmObject(call.world, vm)]);
  },
};

const setVm: Cmdlet = {
  takes: ['Name', 'VM', 'Notes', 'Passthru'],
  run: (call) => {
    const { world, bound } = call;
    const { found, errors } = chosenVms(call, bound.texts('Name'), bound.refs('VM'));
    const notes = bound.text('Notes');
    for (const vm of found) if (notes !== undefined) vm.notes = notes;
    return { out: bound.flag('Passthru') ? found.map((vm) => vmObject(world, vm)) : [], errors };
  },
};

const removeVm: Cmdlet = {
  takes: ['Name', 'VM', 'Force'],
  run: (call) => {
    const { bound } = call;
    if (!bound.flag('Force')) throw notImplemented(call.cmdlet, 'a prompt: give -Force');
    const { found, errors } = chosenVms(call, bound.texts('Name'), bound.refs('VM'));
    for (const vm of found) obey(call, () => deleteVm(call, vm));
    return { out: [], errors };
  },
};

/** A cmdlet about parts of VMs. */
const partsOf = (parts: (call: Call, vm: LabVm) => WireObject[]): Cmdlet => ({
  takes: ['VMName', 'VM'],
  run: (call) => {
    const { found, errors } = chosenVms(call, call.bound.texts('VMName'), call.bound.refs('VM'));
    return { out: found.flatMap((vm) => parts(call, vm)), errors };
  },
});

const getVmSwitch: Cmdlet = {
  takes: ['Name', 'SwitchType'],
  run: (call) => {
    needsHyperV(call);
    const { world, node, bound } = call;
    const kinds = bound.texts('SwitchType');
    const all = switchesOf(node).filter((item) => kinds?.includes(item.type) ?? true);
    const show = (item: (typeof all)[number]) => switchObject(world.scenario.cluster, node, item);
    const names = bound.texts('Name');
    if (names === undefined) return objects(all.map(show));
    const { found, errors } = collect(names, (name) => {
      const hit = all.filter((item) => wildcard(name)(item.name));
      if (hit.length > 0 || hasWildcard(name)) return hit;
      return hypervError(call.cmdlet, {
        id: 'InvalidParameter',
        message: `Hyper-V was unable to find a virtual switch with name "${name}".`,
        target: name,
      });
    });
    return { out: found.map(show), errors };
  },
};

const ofHost = (show: (call: Call) => WireObject[]): Cmdlet => ({
  takes: [],
  run: (call) => {
    needsHyperV(call);
    return objects(show(call));
  },
});

/** Enables or disables live migration. */
const migration = (enabled: boolean): Cmdlet => ({
  takes: ['Passthru'],
  run: (call) => {
    needsHyperV(call);
    obey(call, () => configureMigration(call, { enabled }));
    return objects(call.bound.flag('Passthru') ? [hostObject(call.node)] : []);
  },
});

const PERFORMANCE = ['TCPIP', 'Compression', 'SMB'] as const;

const setVmHost: Cmdlet = {
  takes: [
    'MaximumVirtualMachineMigrations',
    'MaximumStorageMigrations',
    'VirtualMachineMigrationPerformanceOption',
    'Passthru',
  ],
  run: (call) => {
    needsHyperV(call);
    const { bound } = call;
    const maximumMigrations = bound.number('MaximumVirtualMachineMigrations');
    const maximumStorageMigrations = bound.number('MaximumStorageMigrations');
    const option = bound.text('VirtualMachineMigrationPerformanceOption');
    const performance = PERFORMANCE.find((name) => name === option);
    const given = {
      ...(maximumMigrations !== undefined && { maximumMigrations }),
      ...(maximumStorageMigrations !== undefined && { maximumStorageMigrations }),
      ...(performance !== undefined && { performance }),
    };
    obey(call, () => configureMigration(call, given));
    return objects(bound.flag('Passthru') ? [hostObject(call.node)] : []);
  },
};

/** A disk that a running VM of another node uses cannot be read from here. */
function getVhd(call: Call): Result {
  needsHyperV(call);
  const { world, node, bound } = call;
  const { found, errors } = collect(bound.texts('Path') ?? [], (path) => {
    const told = { target: path };
    const user = [...world.vms.values()].find(
      (vm) => vm.state === 'Running' && vm.disks.some((disk) => samePath(disk, path)),
    );
    if (user !== undefined && user.owner !== node.name)
      return hypervError(call.cmdlet, {
        ...told,
        id: 'ObjectInUse',
        message: `The file '${path}' is in use.`,
        hresult: '0x80070020',
      });
    if (seesFile(call, path)) return [path];
    return hypervError(call.cmdlet, {
      ...told,
      id: 'ObjectNotFound',
      message: `The file '${path}' was not found.`,
      hresult: '0x80070002',
    });
  });
  return { out: found.map((path) => vhdObject(world, path)), errors };
}

export const HYPERV_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Get-VM': getVm,
  'New-VM': newVmCmdlet,
  'Set-VM': setVm,
  'Remove-VM': removeVm,
  'Get-VMProcessor': partsOf((_call, vm) => [processorObject(vm)]),
  'Get-VMHardDiskDrive': partsOf((_call, vm) => diskObjects(vm)),
  'Get-VMDvdDrive': partsOf((_call, vm) => dvdObjects(vm)),
  'Get-VMNetworkAdapter': partsOf((_call, vm) => adapterObjects(vm)),
  'Get-VMSecurity': partsOf((_call, vm) => [securityObject(vm)]),
  'Get-VMAssignableDevice': partsOf((_call, vm) => assignedDevices(vm)),
  'Get-VMIntegrationService': partsOf(({ world }, vm) => integrationServices(world, vm)),
  // The lab has no checkpoints and no list of networks for hosts outside a cluster.
  'Get-VMSnapshot': partsOf(() => []),
  'Get-VMMigrationNetwork': ofHost(() => []),
  'Get-VMSwitch': getVmSwitch,
  'Get-VMHost': ofHost(({ node }) => [hostObject(node)]),
  'Get-VMHostSupportedVersion': ofHost(({ node }) => supportedVersions(node)),
  'Enable-VMMigration': migration(true),
  'Disable-VMMigration': migration(false),
  'Set-VMHost': setVmHost,
  'Get-VHD': { takes: ['Path'], run: getVhd },
};
