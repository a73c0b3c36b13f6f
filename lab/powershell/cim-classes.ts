// The CIM classes that watari reads, as instances of one node.
import { sameName } from '../../domain/names.ts';
import { movesAway } from '../machine/moves.ts';
import { clusterServiceState, seesFile } from '../machine/reads.ts';
import type { Asked } from '../machine/refusal.ts';
import { bootTimeOf, clockOf, freeMemory, hasHyperV, isMember } from '../machine/world.ts';
import type { Plain } from './matching.ts';
import {
  affinityRules,
  clusterGroups,
  clusterResources,
  MSCLUSTER,
  netAdapters,
  networkInterfaces,
  possibleOwners,
  preferredNodes,
} from './cluster-classes.ts';
import {
  bios,
  computerSystem,
  connections,
  deviceGuards,
  groups,
  processes,
  userAccounts,
} from './setup-classes.ts';
import { VIRTUALIZATION_CLASSES } from './virtualization-classes.ts';
import { CIM_INSTANCE } from './windows-types.ts';
import { date, text, uint32, uint64, type Wire, type WireObject } from './wire.ts';
import { STORAGE, storageJobs, storagePools, virtualDisks } from './storage-objects.ts';

export const CIMV2 = 'root/cimv2';
export const VIRTUALIZATION = 'root/virtualization/v2';
const STANDARD = 'root/StandardCimv2';
const DEVICE_GUARD = 'root/Microsoft/Windows/DeviceGuard';

type Values = Record<string, Wire>;
/** Instances; `filter` is the condition as it was written, for classes that cannot be listed whole. */
type Instances = (asked: Asked, filter: string) => Values[];

const kilobytes = (bytes: number): Wire => uint64(Math.floor(Math.max(0, bytes) / 1024));

const SERVICE_STATES = { Running: 'Running', Starting: 'Start Pending', Stopped: 'Stopped' };

const services: Instances = (asked) =>
  ['vmms', 'ClusSvc'].flatMap((name) => {
    const state = clusterServiceState(asked, name);
    if (state === 'Missing' || state === 'Stopping') return [];
    return [{ Name: name, State: SERVICE_STATES[state], StartMode: 'Auto', Status: 'OK' }];
  });

const operatingSystem: Instances = ({ world, node }) => [
  {
    CSName: text(node.name),
    Caption: 'Microsoft Windows Server 2025 Datacenter',
    Version: text(node.is.osVersion),
    BuildNumber: text(node.is.osVersion.split('.').at(-1) ?? ''),
    LastBootUpTime: date(bootTimeOf(node)),
    LocalDateTime: date(clockOf(world, node)),
    TotalVisibleMemorySize: kilobytes(node.is.memory),
    FreePhysicalMemory: kilobytes(freeMemory(world, node)),
    OSLanguage: uint32(1041),
  },
];

const processors: Instances = ({ node }) => [
  {
    DeviceID: 'CPU0',
    Manufacturer: text(node.is.cpuVendor),
    // Padded, as real ones are.
    Name: text(`${node.is.cpuName}   `),
    NumberOfLogicalProcessors: uint32(node.is.logicalProcessors),
    NumberOfCores: uint32(Math.max(1, Math.floor(node.is.logicalProcessors / 2))),
  },
];

/** Files cannot be listed: a query names the one it means. */
const dataFiles: Instances = (asked, filter) => {
  const named = /\bName\s*=\s*(?:'((?:\\.|[^\\'])*)'|"((?:\\.|[^\\"])*)")/i.exec(filter);
  const path = (named?.[1] ?? named?.[2] ?? '').replace(/\\(.)/g, '$1');
  return path !== '' && seesFile(asked, path) ? [{ Name: text(path), FileSize: uint64(4096) }] : [];
};

// CIM_ConcreteJob.JobState. The error code of what was cancelled or failed: 32768 and up.
const JOB_ENDS = {
  completed: { JobState: 7, ErrorCode: 0 },
  cancelled: { JobState: 8, ErrorCode: 32775 },
  failed: { JobState: 10, ErrorCode: 32768 },
} as const;

/** Running ones, and for five minutes those that are over. */
const migrationJobs: Instances = ({ world, node }) => {
  const job = (vmId: string, to: string, percent: number, rest: Values): Values => ({
    VirtualSystemName: text(vmId.toUpperCase()),
    DestinationHost: text(to),
    PercentComplete: percent,
    JobType: 305,
    ...rest,
  });
  return [
    ...world.jobs
      .filter(({ from, until }) => from === node.name && until > world.time)
      .map(({ vmId, to, percent, end }) => job(vmId, to, percent, JOB_ENDS[end])),
    ...movesAway(world, node).map(({ vmId, target, percent }) =>
      job(vmId, target ?? '', percent, { JobState: 4, ErrorCode: 0 }),
    ),
  ];
};

const CLASSES: Readonly<Record<string, { namespace: string; name: string; list: Instances }>> =
  Object.fromEntries(
    (
      [
        [CIMV2, 'Win32_OperatingSystem', operatingSystem],
        [CIMV2, 'Win32_ComputerSystem', computerSystem],
        [CIMV2, 'Win32_Processor', processors],
        [CIMV2, 'Win32_Service', services],
        [CIMV2, 'Win32_BIOS', bios],
        [CIMV2, 'Win32_UserAccount', userAccounts],
        [CIMV2, 'Win32_Group', groups],
        [CIMV2, 'Win32_Process', processes],
        [STANDARD, 'MSFT_NetTCPConnection', connections],
        [CIMV2, 'CIM_DataFile', dataFiles],
        ...Object.entries(VIRTUALIZATION_CLASSES).map(
          ([name, list]) => [VIRTUALIZATION, name, list] as const,
        ),
        [VIRTUALIZATION, 'Msvm_MigrationJob', migrationJobs],
        [STORAGE, 'MSFT_VirtualDisk', virtualDisks],
        [STORAGE, 'MSFT_StoragePool', storagePools],
        [STORAGE, 'MSFT_StorageJob', storageJobs],
        [DEVICE_GUARD, 'Win32_DeviceGuard', deviceGuards],
        [MSCLUSTER, 'MSCluster_Resource', clusterResources],
        [MSCLUSTER, 'MSCluster_ResourceGroup', clusterGroups],
        [MSCLUSTER, 'MSCluster_AffinityRule', affinityRules],
        [MSCLUSTER, 'MSCluster_NetworkInterface', networkInterfaces],
        [STANDARD, 'MSFT_NetAdapter', netAdapters],
        [MSCLUSTER, 'MSCluster_ResourceGroupToPreferredNode', preferredNodes],
        [MSCLUSTER, 'MSCluster_ResourceToPossibleOwner', possibleOwners],
      ] as const
    ).map(([namespace, name, list]) => [
      `${namespace}/${name}`.toLowerCase(),
      { namespace, name, list },
    ]),
  );

/** `root/cimv2/win32_service`. */
export const CLASS_NAMES: readonly string[] = Object.keys(CLASSES);

export const classNamed = (namespace: string, name: string) =>
  CLASSES[`${namespace}/${name}`.toLowerCase()];

export const hasNamespace = ({ node }: Asked, namespace: string): boolean =>
  [CIMV2, STANDARD, DEVICE_GUARD, STORAGE].some((one) => sameName(one, namespace)) ||
  (sameName(namespace, MSCLUSTER) && isMember(node)) ||
  (namespace.toLowerCase() === VIRTUALIZATION && hasHyperV(node));

export const instanceObject = (
  asked: Asked,
  namespace: string,
  name: string,
  values: Values,
  index: number,
  computer: string | null = null,
): WireObject => ({
  $t: `${CIM_INSTANCE}#${namespace}/${name}`,
  base: CIM_INSTANCE,
  // One name for each instance: an object that is sent again is sent by its name.
  id: `cim:${name}:${index}:${asked.node.name}`,
  p: { ...values, PSComputerName: computer === null ? null : text(computer) },
});

/** Values as a condition sees them, by lower-case names. */
export function plainRow(values: Values): Record<string, Plain> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name.toLowerCase(), plain(value)]),
  );
}

function plain(value: Wire): Plain {
  if (value === null || typeof value !== 'object') return value;
  const marked = value as { $s?: string; $u4?: string; $u8?: string; $d?: string };
  if (marked.$s !== undefined) return marked.$s.slice(1);
  const number = marked.$u4 ?? marked.$u8;
  if (number !== undefined) return Number(number);
  return marked.$d ?? null;
}
