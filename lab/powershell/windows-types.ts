// What the documentation of the cmdlets lacks and a stand-in needs: the numbers of enumerations, classes and
// exceptions by their .NET names, and which properties can be set. Numbers from the Windows SDK (clusapi.h) and the WMI
// pages where those give them; an order marked "assumed" is not documented, so nothing may depend on it.
import type { Wire } from './wire.ts';

export const HYPERV = 'Microsoft.HyperV.PowerShell';
export const CLUSTERS = 'Microsoft.FailoverClusters.PowerShell';
export const SERVERS = 'Microsoft.Windows.ServerManager.Commands';
export const CIM_INSTANCE = 'Microsoft.Management.Infrastructure.CimInstance';

/** Where the types that a module's page names without a namespace live. */
export const namespaceOf = (module: string): string =>
  ({ 'Hyper-V': HYPERV, FailoverClusters: CLUSTERS, ServerManager: SERVERS })[module] ??
  `Lab.${module.replace(/\W/g, '')}`;

export const ENUMS = {
  [`${HYPERV}.VMState`]: {
    Other: 1,
    Running: 2,
    Off: 3,
    Stopping: 4,
    Saved: 6,
    Paused: 9,
    Starting: 10,
    Reset: 11,
    Saving: 32773,
    Pausing: 32776,
    Resuming: 32777,
  },
  // Assumed.
  [`${HYPERV}.VMHeartbeatStatus`]: {
    Unknown: 0,
    Disabled: 1,
    NoContact: 2,
    Error: 3,
    LostCommunication: 4,
    OkApplicationsUnknown: 5,
    OkApplicationsHealthy: 6,
    OkApplicationsCritical: 7,
    Paused: 8,
  },
  // Msvm_ComputerSystem.OperationalStatus.
  [`${HYPERV}.VMOperationalStatus`]: {
    Ok: 2,
    Degraded: 3,
    Stopped: 10,
    InService: 11,
    Dormant: 15,
    CreatingSnapshot: 32768,
    ApplyingSnapshot: 32769,
    DeletingSnapshot: 32770,
    WaitingToStart: 32771,
    MergingDisks: 32772,
    ExportingVirtualMachine: 32773,
    MigratingVirtualMachine: 32774,
  },
  // CIM_ManagedSystemElement.OperationalStatus.
  [`${HYPERV}.VMIntegrationComponentOperationalStatus`]: {
    Ok: 2,
    Degraded: 3,
    Error: 6,
    NonRecoverableError: 7,
    NoContact: 12,
    LostCommunication: 13,
    Dormant: 15,
  },
  [`${HYPERV}.VMSwitchType`]: { Private: 0, Internal: 1, External: 2 },
  [`${HYPERV}.MigrationAuthenticationType`]: { CredSSP: 0, Kerberos: 1 },
  // Assumed.
  [`${HYPERV}.VMMigrationPerformance`]: { TCPIP: 0, Compression: 1, SMB: 2 },
  [`${CLUSTERS}.ClusterNodeState`]: { Unknown: -1, Up: 0, Down: 1, Paused: 2, Joining: 3 },
  [`${CLUSTERS}.ClusterNodeStatusInformation`]: { Normal: 0, Isolated: 1, Quarantined: 2 },
  // Assumed.
  [`${CLUSTERS}.ClusterNodeDrainStatus`]: {
    NotInitiated: 0,
    InProgress: 1,
    Completed: 2,
    Failed: 3,
  },
  [`${CLUSTERS}.ClusterGroupState`]: {
    Unknown: -1,
    Online: 0,
    Offline: 1,
    Failed: 2,
    PartialOnline: 3,
    Pending: 4,
  },
  [`${CLUSTERS}.ClusterResourceState`]: {
    Unknown: -1,
    Inherited: 0,
    Initializing: 1,
    Online: 2,
    Offline: 3,
    Failed: 4,
    Pending: 128,
    OnlinePending: 129,
    OfflinePending: 130,
  },
  [`${CLUSTERS}.GroupType`]: { Cluster: 1, AvailableStorage: 2, VirtualMachine: 111 },
  [`${CLUSTERS}.VmMigrationType`]: { TurnOff: 0, Quick: 1, Shutdown: 2, ShutdownForce: 3, Live: 4 },
  [`${CLUSTERS}.ClusterNetworkRole`]: { None: 0, Cluster: 1, ClusterAndClient: 3 },
  [`${CLUSTERS}.ClusterNetworkState`]: { Unavailable: 0, Down: 1, Partitioned: 2, Up: 3 },
  // CLUSTER_CSV_VOLUME_FAULT_STATE and SHARED_VOLUME_STATE_TYPE.
  [`${CLUSTERS}.ClusterSharedVolumeFaultState`]: {
    NoFaults: 0,
    NoDirectIO: 1,
    NoAccess: 2,
    InMaintenance: 4,
    Dismounted: 8,
  },
  [`${CLUSTERS}.ClusterSharedVolumeStateInfo`]: {
    Unavailable: 0,
    Paused: 1,
    Direct: 2,
    FileSystemRedirected: 3,
    BlockRedirected: 4,
  },
  [`${CLUSTERS}.FileSystemRedirectedIOReason`]: { NotFileSystemRedirected: 0, UserRequest: 1 },
  // Assumed, and so are the pending states, which administrators report and the pages do not.
  [`${SERVERS}.InstallState`]: {
    Available: 0,
    Installed: 1,
    InstallPending: 2,
    UninstallPending: 3,
    Removed: 5,
  },
  [`${SERVERS}.RestartState`]: { No: 0, Yes: 1, Maybe: 2 },
  [`${SERVERS}.FeatureOperationExitCode`]: {
    Success: 0,
    Failed: 1,
    InvalidArgs: 2,
    NoChangeNeeded: 1003,
    SuccessRestartRequired: 3010,
  },
} as const satisfies Record<string, Record<string, number>>;

/** A value of an enumeration by its name. */
export function enumOf<T extends keyof typeof ENUMS>(
  type: T,
  name: keyof (typeof ENUMS)[T] & string,
): Wire {
  const values: Readonly<Record<string, number>> = ENUMS[type];
  const value = values[name];
  if (value === undefined) throw new Error(`${type} has no ${name}.`);
  return { $e: [type, value] };
}

/** Objects of these classes run a setter when a property is assigned, as `(Get-Cluster).X = 1` does on Windows. */
export const SETTABLE: Readonly<Record<string, readonly string[]>> = {
  [`${CLUSTERS}.Cluster`]: [
    'MaximumParallelMigrations',
    'AutoBalancerLevel',
    'AutoBalancerMode',
    'ClusterEnforcedAntiAffinity',
    'QuarantineThreshold',
    'QuarantineDuration',
    'SetSMBBandwidthLimit',
    'SMBBandwidthLimitFactor',
  ],
  [`${CLUSTERS}.ClusterGroup`]: ['Priority', 'AntiAffinityClassNames', 'FailoverThreshold'],
};

const hyperv = [
  'VirtualMachine',
  'VMHost',
  'VMHostSupportedVersion',
  'VMSwitch',
  'VMProcessor',
  'VMMemory',
  'VMNetworkAdapter',
  'HardDiskDrive',
  'DvdDrive',
  'VMSecurity',
  'VMAssignedDevice',
  'VMIntegrationComponent',
];
const clusters = [
  'Cluster',
  'ClusterNode',
  'ClusterGroup',
  'ClusterResource',
  'ClusterResourceType',
  'ClusterParameter',
  'ClusterNetwork',
  'ClusterSharedVolume',
  'ClusterSharedVolumeState',
  'ClusterOwnerNodeList',
  'ClusterQuorumSettings',
];
export const CLASSES: readonly string[] = [
  ...hyperv.map((name) => `${HYPERV}.${name}`),
  ...clusters.map((name) => `${CLUSTERS}.${name}`),
  'Microsoft.Vhd.PowerShell.VirtualHardDisk',
  `${SERVERS}.Feature`,
  `${SERVERS}.FeatureOperationResult`,
];

export const EXCEPTIONS = {
  cluster: `${CLUSTERS}.ClusterCmdletException`,
  hyperv: `${HYPERV}.VirtualizationException`,
  operation: 'Microsoft.Virtualization.Client.Management.VirtualizationOperationFailedException',
} as const;
