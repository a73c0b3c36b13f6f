// Objects of the Hyper-V module, as its cmdlets give them, made of the lab's state.
import type { VmFacts } from '../../domain/facts.ts';
import { samePath } from '../../domain/storage.ts';
import { vmFacts } from '../machine/reads.ts';
import { labId, moveOf, type LabNode, type LabVm, type World } from '../machine/world.ts';
import { enumOf, HYPERV, VHD } from './windows-types.ts';
import {
  guid,
  int64,
  span,
  text,
  uint32,
  version as versionOf,
  type Wire,
  type WireObject,
} from './wire.ts';

const HEARTBEATS = {
  Ok: 'OkApplicationsHealthy',
  NoContact: 'NoContact',
  Unknown: 'Unknown',
} as const satisfies Record<VmFacts['heartbeat'], string>;

/** Second value of OperationalStatus: what keeps the VM busy, if anything does. */
export function busyWith(
  world: World,
  vm: LabVm,
): 'MergingDisks' | 'MigratingVirtualMachine' | null {
  const move = moveOf(world, vm.id);
  if (move !== undefined && move.phase !== 'queued') return 'MigratingVirtualMachine';
  return vm.busy ? 'MergingDisks' : null;
}

/** How objects of Hyper-V print. */
const says = (type: string, name: string, id?: string): Wire =>
  text(`${type} (Name = '${name}')${id === undefined ? '' : ` [Id = '${id}']`}`);

export function vmObject(world: World, vm: LabVm): WireObject {
  const facts = vmFacts(world, vm);
  const busy = busyWith(world, vm);
  const status = (name: Parameters<typeof enumOf<`${typeof HYPERV}.VMOperationalStatus`>>[1]) =>
    enumOf(`${HYPERV}.VMOperationalStatus`, name);
  return {
    $t: `${HYPERV}.VirtualMachine`,
    id: `vm:${vm.id}`,
    says: says('VirtualMachine', vm.name, vm.id),
    p: {
      Name: text(vm.name),
      VMName: text(vm.name),
      Id: guid(vm.id),
      VMId: guid(vm.id),
      ComputerName: text(vm.owner),
      State: enumOf(
        `${HYPERV}.VMState`,
        (facts.critical ? `${facts.state}Critical` : facts.state) as 'Running',
      ),
      // Shown in the language of Windows: here too, so that nobody reads it.
      Status: facts.state === 'Off' ? '' : '正常稼働中',
      OperationalStatus: [status('Ok'), ...(busy === null ? [] : [status(busy)])],
      Generation: facts.generation,
      Version: text(facts.version),
      ProcessorCount: int64(2),
      MemoryStartup: int64(facts.memoryStartupBytes),
      MemoryAssigned: int64(facts.memoryAssignedBytes),
      DynamicMemoryEnabled: false,
      Uptime: span(facts.uptimeSeconds * 1000),
      Heartbeat:
        facts.state === 'Off' || facts.state === 'Saved'
          ? null
          : enumOf(`${HYPERV}.VMHeartbeatStatus`, HEARTBEATS[facts.heartbeat]),
      IsClustered: facts.clustered,
      Notes: text(facts.notes),
      Path: text(vm.configurationPath),
      ConfigurationLocation: text(vm.configurationPath),
      SmartPagingFilePath: text(vm.configurationPath),
      SnapshotFileLocation: text(vm.snapshotPath),
      HardDrives: vm.disks.map((_path, i) => diskObject(vm, i)),
      DVDDrives: dvdObjects(vm),
      NetworkAdapters: vm.switches.map((_name, i) => adapterObject(vm, i)),
    },
  };
}

/** What every part of a VM carries. */
const partOf = (vm: LabVm): Record<string, Wire> => ({
  VMName: text(vm.name),
  VMId: guid(vm.id),
  ComputerName: text(vm.owner),
});

const diskObject = (vm: LabVm, i: number): WireObject => ({
  $t: `${HYPERV}.HardDiskDrive`,
  id: `disk:${vm.id}:${i}`,
  p: {
    ...partOf(vm),
    Path: text(vm.disks[i] ?? ''),
    ControllerNumber: 0,
    ControllerLocation: i,
    SupportPersistentReservations: vm.sharedDisks,
  },
});

export const diskObjects = (vm: LabVm): WireObject[] =>
  vm.disks.map((_path, i) => diskObject(vm, i));

export const dvdObjects = (vm: LabVm): WireObject[] => {
  // A drive without a disc, as a new VM of the wizard has it: its Path is empty.
  const drives: (string | null)[] = vm.dvds.length > 0 ? vm.dvds : [null];
  return drives.map((path, i) => ({
    $t: `${HYPERV}.DvdDrive`,
    id: `dvd:${vm.id}:${i}`,
    p: {
      ...partOf(vm),
      Path: path === null ? null : text(path),
      ControllerNumber: 0,
      ControllerLocation: i + 1,
    },
  }));
};

const adapterId = (vm: LabVm, i: number): string =>
  `Microsoft:${vm.id}\\${labId(vm.id, 'adapter', String(i))}`
    .toUpperCase()
    .replace('MICROSOFT', 'Microsoft');

const adapterObject = (vm: LabVm, i: number): WireObject => {
  const name = vm.switches[i] ?? null;
  return {
    $t: `${HYPERV}.VMNetworkAdapter`,
    id: `adapter:${vm.id}:${i}`,
    says: says('VMNetworkAdapter', 'ネットワーク アダプター', adapterId(vm, i)),
    p: {
      ...partOf(vm),
      Name: 'ネットワーク アダプター',
      Id: text(adapterId(vm, i)),
      SwitchName: name === null ? null : text(name),
      Connected: name !== null,
    },
  };
};

export const adapterObjects = (vm: LabVm): WireObject[] =>
  vm.switches.map((_name, i) => adapterObject(vm, i));

export const processorObject = (vm: LabVm): WireObject => ({
  $t: `${HYPERV}.VMProcessor`,
  id: `processor:${vm.id}`,
  p: {
    ...partOf(vm),
    Count: int64(2),
    CompatibilityForMigrationEnabled: vm.compatibilityForMigration,
    CompatibilityForOlderOperatingSystemsEnabled: false,
  },
});

export const securityObject = (vm: LabVm): WireObject => ({
  $t: `${HYPERV}.VMSecurity`,
  id: `security:${vm.id}`,
  // Neither name nor id of the VM: it is no part of one.
  p: { ComputerName: text(vm.owner), TpmEnabled: vm.tpm, Shielded: false },
});

export const assignedDevices = (vm: LabVm): WireObject[] =>
  vm.passThroughDevices.map((path) => ({
    $t: `${HYPERV}.VMAssignedDevice`,
    id: `device:${vm.id}:${path}`,
    p: { ...partOf(vm), LocationPath: text(path), InstanceID: text(path) },
  }));

/** The heartbeat's own id; names of integration services are localised. */
const HEARTBEAT_SERVICE = '84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47';

export function integrationServices(world: World, vm: LabVm): WireObject[] {
  const { heartbeat } = vmFacts(world, vm);
  return [
    {
      $t: `${HYPERV}.VMIntegrationComponent`,
      id: `service:${vm.id}`,
      says: says('VMIntegrationComponent', 'ハートビート'),
      p: {
        ...partOf(vm),
        Name: 'ハートビート',
        Id: text(`Microsoft:${vm.id.toUpperCase()}\\${HEARTBEAT_SERVICE}`),
        Enabled: true,
        PrimaryOperationalStatus:
          heartbeat === 'Unknown'
            ? null
            : enumOf(`${HYPERV}.VMIntegrationComponentOperationalStatus`, heartbeat),
      },
    },
  ];
}

export const switchObject = (
  cluster: string,
  node: LabNode,
  { name, type }: { name: string; type: 'External' | 'Internal' | 'Private' },
): WireObject => ({
  $t: `${HYPERV}.VMSwitch`,
  id: `switch:${node.name}:${name}`,
  says: says('VMSwitch', name, labId(cluster, node.name, 'switch', name)),
  p: {
    Name: text(name),
    Id: guid(labId(cluster, node.name, 'switch', name)),
    SwitchType: enumOf(`${HYPERV}.VMSwitchType`, type),
    ComputerName: text(node.name),
  },
});

export function hostObject(node: LabNode): WireObject {
  const { migration, is } = node;
  return {
    $t: `${HYPERV}.VMHost`,
    id: `host:${node.name}`,
    says: says('VMHost', node.name),
    p: {
      Name: text(node.name),
      ComputerName: text(node.name),
      VirtualMachineMigrationEnabled: migration.enabled,
      MaximumVirtualMachineMigrations: uint32(migration.maximumMigrations),
      MaximumStorageMigrations: uint32(migration.maximumStorageMigrations),
      UseAnyNetworkForMigration: migration.useAnyNetwork,
      VirtualMachineMigrationAuthenticationType: enumOf(
        `${HYPERV}.MigrationAuthenticationType`,
        migration.authentication,
      ),
      VirtualMachineMigrationPerformanceOption: enumOf(
        `${HYPERV}.VMMigrationPerformance`,
        migration.performance,
      ),
      MemoryCapacity: int64(is.memory),
      LogicalProcessorCount: is.logicalProcessors,
      VirtualMachinePath: 'C:\\ProgramData\\Microsoft\\Windows\\Hyper-V',
      VirtualHardDiskPath: 'C:\\ProgramData\\Microsoft\\Windows\\Virtual Hard Disks',
    },
  };
}

export const supportedVersions = (node: LabNode): WireObject[] =>
  node.is.vmVersions.map((version) => ({
    $t: `${HYPERV}.VMHostSupportedVersion`,
    id: `version:${version}`,
    text: 'Version',
    p: {
      Name: text(`Microsoft Windows (${version})`),
      Version: versionOf(version),
      IsDefault: version === node.is.vmVersions.at(-1),
    },
  }));

/** The file that a differencing disk is based on, if it is one. */
function parentOf(world: World, path: string): string | null {
  for (const vm of world.vms.values()) {
    const chain = [vm.disks[0] ?? '', ...vm.parents];
    const at = chain.findIndex((file) => samePath(file, path));
    if (at >= 0) return chain[at + 1] ?? null;
  }
  return null;
}

const formatOf = (path: string): 'VHD' | 'VHDX' | 'VHDSet' =>
  /\.vhds$/i.test(path) ? 'VHDSet' : /\.a?vhd$/i.test(path) ? 'VHD' : 'VHDX';

export const vhdObject = (world: World, path: string): WireObject => ({
  $t: `${VHD}.VirtualHardDisk`,
  id: `vhd:${path}`,
  text: 'Path',
  p: {
    Path: text(path),
    VhdFormat: enumOf(`${VHD}.VhdFormat`, formatOf(path)),
    VhdType: enumOf(`${VHD}.VhdType`, parentOf(world, path) === null ? 'Dynamic' : 'Differencing'),
    ParentPath: text(parentOf(world, path) ?? ''),
    FileSize: { $u8: String(4 * 2 ** 20) },
    Size: { $u8: String(40 * 2 ** 30) },
    Attached: [...world.vms.values()].some(
      (vm) => vm.state === 'Running' && vm.disks.some((disk) => samePath(disk, path)),
    ),
  },
});
