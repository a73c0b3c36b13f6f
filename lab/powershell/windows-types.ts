// What the documentation of the cmdlets lacks and a stand-in needs: the numbers of enumerations, classes and
// exceptions by their .NET names, and which properties can be set. A test holds all of it against tests/evidence/; what
// no evidence knows stands in assumptions.ts.
import type { Wire } from './wire.ts';

export const HYPERV = 'Microsoft.HyperV.PowerShell';
export const CLUSTERS = 'Microsoft.FailoverClusters.PowerShell';
export const VHD = 'Microsoft.Vhd.PowerShell';
export const VM_MIGRATION_TYPE = 'Microsoft.FailoverClusters.NativeHelp.VmMigrationType';
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
    RunningCritical: 32785,
    OffCritical: 32786,
    StoppingCritical: 32787,
    SavedCritical: 32788,
    PausedCritical: 32789,
    StartingCritical: 32790,
    SavingCritical: 32792,
  },
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
  [`${HYPERV}.VMOperationalStatus`]: {
    Ok: 2,
    Degraded: 3,
    InService: 11,
    Dormant: 15,
    // In .NET; 32769 in CIM.
    ApplyingSnapshot: 23769,
    CreatingSnapshot: 32768,
    DeletingSnapshot: 32770,
    WaitingToStart: 32771,
    MergingDisks: 32772,
    ExportingVirtualMachine: 32773,
    MigratingVirtualMachine: 32774,
    BackingUpVirtualMachine: 32776,
  },
  [`${HYPERV}.VMIntegrationComponentOperationalStatus`]: {
    Ok: 2,
    Degraded: 3,
    Error: 6,
    NonRecoverableError: 7,
    NoContact: 12,
    LostCommunication: 13,
    ProtocolMismatch: 32775,
    ApplicationCritical: 32782,
    CommunicationTimedOut: 32783,
    CommunicationFailed: 32784,
    Disabled: 32896,
  },
  [`${HYPERV}.VMSwitchType`]: { Private: 0, Internal: 1, External: 2 },
  [`${HYPERV}.MigrationAuthenticationType`]: { CredSSP: 0, Kerberos: 1 },
  [`${HYPERV}.VMMigrationPerformance`]: { TCPIP: 0, Compression: 1, SMB: 2 },
  [`${CLUSTERS}.ClusterNodeState`]: { Unknown: -1, Up: 0, Down: 1, Paused: 2, Joining: 3 },
  [`${CLUSTERS}.ClusterNodeStatusInformation`]: {
    Normal: 0,
    Isolated: 1,
    Quarantined: 2,
    DrainInProgress: 4,
    DrainCompleted: 8,
    DrainFailed: 16,
    AvoidPlacement: 32,
  },
  [`${CLUSTERS}.ClusterApplicationStatusInformation`]: {
    Locked: 1,
    Preempted: 2,
    Queued: 4,
    PhysicalResourcesLacking: 8,
    WaitingToStart: 16,
    EmbeddedFailure: 32,
    OfflineAntiAffinityConflict: 64,
    NetworkFailure: 128,
    Unmonitored: 256,
    WaitingForDependencies: 4096,
  },
  [`${CLUSTERS}.ClusterResourceStatusInformation`]: {
    Locked: 1,
    EmbeddedFailure: 2,
    InsufficientCpu: 4,
    InsufficientMemory: 8,
    InsufficientResources: 16,
    NetworkFailure: 32,
    Unmonitored: 64,
  },
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
  [`${CLUSTERS}.GroupType`]: {
    Cluster: 1,
    AvailableStorage: 2,
    FileServer: 100,
    VirtualMachine: 111,
  },
  [VM_MIGRATION_TYPE]: { TurnOff: 0, Quick: 1, Shutdown: 2, ShutdownForce: 3, Live: 4 },
  [`${CLUSTERS}.ClusterNetworkRole`]: { None: 0, Cluster: 1, Client: 2, ClusterAndClient: 3 },
  [`${CLUSTERS}.ClusterNetworkState`]: { Unavailable: 0, Down: 1, Partitioned: 2, Up: 3 },
  // CLUSTER_CSV_VOLUME_FAULT_STATE of clusapi.h.
  [`${CLUSTERS}.ClusterSharedVolumeFaultState`]: {
    NoFaults: 0,
    NoDirectIO: 1,
    NoAccess: 2,
    InMaintenance: 4,
    Dismounted: 8,
  },
  [`${CLUSTERS}.ClusterSharedVolumeState`]: {
    Unavailable: 0,
    Paused: 1,
    Direct: 2,
    FileSystemRedirected: 3,
    BlockRedirected: 4,
  },
  [`${CLUSTERS}.ClusterSharedVolumeFileSystemRedirectedIOReasons`]: {
    NotFileSystemRedirected: 0,
    UserRequest: 1,
    IncompatibleFileSystemFilter: 2,
    IncompatibleVolumeFilter: 4,
    FileSystemTiering: 8,
    BitLockerInitializing: 16,
    FileSystemReFs: 32,
  },
  [`${CLUSTERS}.ClusterSharedVolumeBlockRedirectedIOReason`]: {
    NotBlockRedirected: 0,
    NoDiskConnectivity: 1,
    StorageSpaceNotAttached: 2,
    VolumeReplicationEnabled: 4,
  },
  [`${CLUSTERS}.ClusterQuorumType`]: { Unknown: 0, Majority: 1, DiskOnly: 2 },
  [`${CLUSTERS}.ClusterParameterType`]: {
    Unknown: 0,
    ByteArray: 1,
    UInt32: 2,
    String: 3,
    ExpandString: 4,
    StringCollection: 5,
    UInt64: 6,
    Int32: 7,
  },
  [`${VHD}.VhdFormat`]: { Unknown: 0, VHD: 2, VHDX: 3, VHDSet: 4 },
  [`${VHD}.VhdType`]: { Unknown: 0, Fixed: 2, Dynamic: 3, Differencing: 4 },
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

/** Those whose values are sums; they print all names, or a number when a part has none. By their .NET base. */
export const FLAGS: Readonly<Record<string, 'int' | 'uint64'>> = {
  [`${CLUSTERS}.ClusterNodeStatusInformation`]: 'int',
  [`${CLUSTERS}.ClusterApplicationStatusInformation`]: 'uint64',
  [`${CLUSTERS}.ClusterResourceStatusInformation`]: 'uint64',
  [`${CLUSTERS}.ClusterSharedVolumeFileSystemRedirectedIOReasons`]: 'int',
  [`${CLUSTERS}.ClusterSharedVolumeBlockRedirectedIOReason`]: 'int',
};

/** A value of an enumeration by its number: a sum of flags, or one that has no name. */
export const flagsOf = (type: keyof typeof ENUMS, value: number): Wire => ({ $e: [type, value] });

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
  'ClusterSharedVolumeInfo',
  'ClusterSharedVolumeStateInfo',
  'ClusterOwnerNodeList',
  'ClusterQuorumSettings',
];
export const CLASSES: readonly string[] = [
  ...hyperv.map((name) => `${HYPERV}.${name}`),
  ...clusters.map((name) => `${CLUSTERS}.${name}`),
  `${VHD}.VirtualHardDisk`,
  `${SERVERS}.Feature`,
  `${SERVERS}.FeatureOperationResult`,
];

export const EXCEPTIONS = {
  cluster: `${CLUSTERS}.ClusterCmdletException`,
  hyperv: `${HYPERV}.VirtualizationException`,
  operation: 'Microsoft.Virtualization.Client.Management.VirtualizationOperationFailedException',
} as const;
