// Hyper-V's own CIM classes (root/virtualization/v2) as instances of one node: the VMs that it holds, and beside them
// what is there on every real host and is no VM: templates, settings of checkpoints, VMs that are on their way here.
import { vmFacts } from '../machine/reads.ts';
import type { Asked } from '../machine/refusal.ts';
import { labId, switchesOf, vmsOn, type LabVm } from '../machine/world.ts';
import { busyWith } from './hyperv-objects.ts';
import { text, texts, uint64, type Wire } from './wire.ts';

type Values = Record<string, Wire>;

// EnabledState, HealthState, OperationalStatus, Heartbeat and the numbers of Get-VM's State are the same.
const ENABLED = {
  Running: 2,
  Off: 3,
  Stopping: 4,
  Saved: 6,
  Paused: 9,
  Starting: 10,
  Saving: 32773,
} as const;
const HEARTBEATS = { Ok: 2, NoContact: 12, Unknown: null } as const;
const BUSY = { MergingDisks: 32772, MigratingVirtualMachine: 32774 } as const;
const HEALTH = { ok: 5, majorFailure: 20 } as const;

const enabledState = (vm: LabVm): number =>
  (ENABLED as Readonly<Record<string, number>>)[vm.state] ?? 1;

const instanceId = (id: string, ...parts: string[]): string =>
  ['Microsoft:' + id, ...parts].join('\\').toUpperCase().replace('MICROSOFT:', 'Microsoft:');

const pathOf = (node: string, cimClass: string, key: string, value: string): string =>
  `\\\\${node}\\root\\virtualization\\v2:${cimClass}.CreationClassName="${cimClass}",${key}="${value.replace(/[\\"]/g, '\\$&')}"`;

const computerSystems = ({ world, node }: Asked): Values[] => [
  // The host is one of them.
  {
    Name: text(node.name),
    ElementName: text(node.name),
    Caption: 'ホスト コンピューター システム',
    EnabledState: 2,
    HealthState: HEALTH.ok,
    OperationalStatus: [2],
  },
  ...vmsOn(world, node.name).map((vm) => ({
    Name: text(vm.id.toUpperCase()),
    ElementName: text(vm.name),
    Caption: '仮想マシン',
    EnabledState: enabledState(vm),
    HealthState: vm.critical ? HEALTH.majorFailure : HEALTH.ok,
    OperationalStatus: statusOf({ world, vm }),
  })),
];

function statusOf({ world, vm }: { world: Asked['world']; vm: LabVm }): number[] {
  const busy = busyWith(world, vm);
  return [2, ...(busy === null ? [] : [BUSY[busy]])];
}

const summaries = ({ world, node }: Asked): Values[] =>
  vmsOn(world, node.name).map((vm) => {
    const facts = vmFacts(world, vm);
    return {
      InstanceID: text(instanceId(vm.id)),
      Name: text(vm.id.toUpperCase()),
      ElementName: text(vm.name),
      EnabledState: enabledState(vm),
      HealthState: vm.critical ? HEALTH.majorFailure : HEALTH.ok,
      OperationalStatus: statusOf({ world, vm }),
      UpTime: uint64(facts.uptimeSeconds * 1000),
      MemoryUsage: uint64(Math.floor(facts.memoryAssignedBytes / 2 ** 20)),
      Heartbeat: vm.state === 'Running' ? HEARTBEATS[facts.heartbeat] : null,
      Notes: text(vm.notes),
    };
  });

/** A VM whose settings a host has, and the id that they begin with. */
interface Owner {
  vm: LabVm;
  id: string;
  type: 'Realized' | 'Planned' | 'Snapshot';
}

function owners({ world, node }: Asked): Owner[] {
  const here = vmsOn(world, node.name);
  const coming = world.moves.filter((move) => move.to === node.name && move.phase !== 'queued');
  return [
    ...here.map((vm) => ({ vm, id: vm.id, type: 'Realized' as const })),
    ...here
      .filter((vm) => vm.parents.length > 0)
      .map((vm) => ({ vm, id: labId(vm.id, 'checkpoint'), type: 'Snapshot' as const })),
    ...coming.flatMap((move) => {
      const vm = world.vms.get(move.vmId);
      return vm === undefined ? [] : [{ vm, id: vm.id, type: 'Planned' as const }];
    }),
  ];
}

const systemSettings = (asked: Asked): Values[] =>
  owners(asked).map(({ vm, id, type }) => ({
    InstanceID: text(instanceId(id)),
    VirtualSystemIdentifier: text(vm.id.toUpperCase()),
    VirtualSystemType: `Microsoft:Hyper-V:${type === 'Snapshot' ? 'Snapshot' : 'System'}:${type}`,
    VirtualSystemSubType: `Microsoft:Hyper-V:SubType:${vm.generation}`,
    ElementName: text(vm.name),
    Version: text(vm.version),
    Notes: texts([vm.notes]),
    ConfigurationDataRoot: text(vm.configurationPath),
    SnapshotDataRoot: text(vm.snapshotPath),
    SwapFileDataRoot: text(vm.configurationPath),
  }));

/** Settings of every VM, with the template that every class of settings has. An instance has every property. */
const settings =
  (
    properties: readonly string[],
    of: (vm: LabVm, owner: Owner, asked: Asked) => [parts: string[], values: Values][],
  ) =>
  (asked: Asked): Values[] => [
    {
      InstanceID: `Microsoft:Definition\\${labId('definition').toUpperCase()}\\Default`,
      ...Object.fromEntries(properties.map((name) => [name, null])),
    },
    ...owners(asked).flatMap((owner) =>
      of(owner.vm, owner, asked).map(([parts, values]) => ({
        InstanceID: text(instanceId(owner.id, ...parts)),
        ...values,
      })),
    ),
  ];

const DEVICES = {
  processor: 'b637f346-6a0e-4dec-af52-bd70cb80a21d',
  memory: '4764334d-e001-4176-82ee-5594ec9b530e',
} as const;

const processorSettings = settings(['LimitProcessorFeatures'], (vm) => [
  [[DEVICES.processor, '0'], { LimitProcessorFeatures: vm.compatibilityForMigration }],
]);

const memorySettings = settings(['VirtualQuantity', 'AllocationUnits'], (vm) => [
  [
    [DEVICES.memory],
    { VirtualQuantity: uint64(vm.memoryBytes / 2 ** 20), AllocationUnits: 'byte * 2^20' },
  ],
]);

const securitySettings = settings(['TpmEnabled'], (vm) => [
  [[labId(vm.id, 'security')], { TpmEnabled: vm.tpm }],
]);

const deviceSettings = settings(['HostResource'], (vm, _owner, { node }) =>
  vm.passThroughDevices.map((path, i) => [
    [labId(vm.id, 'device', String(i))],
    { HostResource: texts([pathOf(node.name, 'Msvm_PciExpress', 'DeviceID', path)]) },
  ]),
);

const gpuSettings = settings([], (vm) =>
  Array.from({ length: vm.gpuPartitions }, (_, i) => [[labId(vm.id, 'gpu', String(i))], {}]),
);

/** Written by the cluster when the VM became a role. */
const IS_CLUSTERED =
  '<INSTANCE CLASSNAME="Msvm_KvpExchangeDataItem"><PROPERTY NAME="Name" TYPE="string"><VALUE>VirtualMachineIsClustered</VALUE></PROPERTY></INSTANCE>';

const exchangeSettings = settings(['HostOnlyItems'], (vm, _owner, { world }) => [
  [[labId('exchange')], { HostOnlyItems: world.roles.has(vm.id) ? [IS_CLUSTERED] : [] }],
]);

const isFile = (path: string): boolean => /\.(a?vhdx?|vhds)$/i.test(path);

const storageSettings = settings(
  ['ResourceSubType', 'HostResource', 'PersistentReservationsSupported'],
  (vm, { type }) => {
    // A checkpoint has the parents of the disks that the VM runs with.
    const disks = type === 'Snapshot' ? vm.parents.slice(0, 1) : vm.disks.filter(isFile);
    const row = (path: string, at: string, kind: string, shared: boolean): [string[], Values] => [
      [labId(vm.id, 'drive', at), '0', at, 'L'],
      {
        ResourceSubType: `Microsoft:Hyper-V:${kind}`,
        HostResource: texts([path]),
        PersistentReservationsSupported: shared,
      },
    ];
    return [
      ...disks.map((path, i) => row(path, String(i), 'Virtual Hard Disk', vm.sharedDisks)),
      ...vm.dvds.map((path, i) => row(path, `dvd${i}`, 'Virtual CD/DVD Disk', false)),
    ];
  },
);

/** Of the many that there are, the drives: a whole disk of the host has no file. */
const resourceSettings = settings(['ResourceSubType', 'HostResource'], (vm, _owner, { node }) =>
  vm.disks.map((path, i): [string[], Values] => [
    [labId(vm.id, 'drive', String(i)), '0', String(i), 'D'],
    isFile(path)
      ? { ResourceSubType: 'Microsoft:Hyper-V:Synthetic Disk Drive', HostResource: [] }
      : {
          ResourceSubType: 'Microsoft:Hyper-V:Physical Disk Drive',
          HostResource: texts([pathOf(node.name, 'Msvm_DiskDrive', 'DeviceID', path)]),
        },
  ]),
);

const switchId = ({ world, node }: Asked, name: string): string =>
  labId(world.scenario.cluster, node.name, 'switch', name).toUpperCase();

const adapterId = (vm: LabVm, i: number): string => labId(vm.id, 'adapter', String(i));

const adapterSettings = settings(['ElementName'], (vm) =>
  vm.switches.map((_name, i) => [[adapterId(vm, i)], { ElementName: 'ネットワーク アダプター' }]),
);

/** None for an adapter that was never connected. */
const connectionSettings = settings(
  ['EnabledState', 'HostResource', 'LastKnownSwitchName'],
  (vm, _owner, asked) =>
    vm.switches.flatMap((name, i): [string[], Values][] => {
      if (name === null) return [];
      const there = switchesOf(asked.node).find((one) => one.name === name)?.name ?? name;
      const path = pathOf(
        asked.node.name,
        'Msvm_VirtualEthernetSwitch',
        'Name',
        switchId(asked, there),
      );
      const values = {
        EnabledState: 2,
        HostResource: texts([path]),
        LastKnownSwitchName: text(name),
      };
      return [[[adapterId(vm, i), 'C'], values]];
    }),
);

const ethernetSwitches = (asked: Asked): Values[] =>
  switchesOf(asked.node).map(({ name }) => ({
    Name: text(switchId(asked, name)),
    ElementName: text(name),
  }));

/** What root/virtualization/v2 has beside its jobs. */
export const VIRTUALIZATION_CLASSES = {
  Msvm_ComputerSystem: computerSystems,
  Msvm_SummaryInformation: summaries,
  Msvm_VirtualSystemSettingData: systemSettings,
  Msvm_ProcessorSettingData: processorSettings,
  Msvm_MemorySettingData: memorySettings,
  Msvm_SecuritySettingData: securitySettings,
  Msvm_PciExpressSettingData: deviceSettings,
  Msvm_GpuPartitionSettingData: gpuSettings,
  Msvm_KvpExchangeComponentSettingData: exchangeSettings,
  Msvm_StorageAllocationSettingData: storageSettings,
  Msvm_ResourceAllocationSettingData: resourceSettings,
  Msvm_SyntheticEthernetPortSettingData: adapterSettings,
  Msvm_EthernetPortAllocationSettingData: connectionSettings,
  Msvm_VirtualEthernetSwitch: ethernetSwitches,
} as const;
