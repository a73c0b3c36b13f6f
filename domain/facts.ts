// What can be observed of a Hyper-V workgroup cluster, as plain data. Produced by the port (hyperv/), read by every
// decision in this folder. Names follow Microsoft's; sizes are bytes, times are ISO 8601 in UTC.

import type { GroupState } from './group-facts.ts';

export type { GroupFacts, GroupKind, GroupState, LinkFacts } from './group-facts.ts';

/** ISO 8601 in UTC, for example `2026-11-24T09:00:00.000Z`. */
export type IsoTime = string;

/** `Get-ClusterNode`'s State. */
export type NodeState = 'Up' | 'Down' | 'Paused' | 'Joining' | 'Unknown';

/** `Get-VM`'s State; anything rarer than these is `Other`. */
export type VmState =
  'Off' | 'Starting' | 'Running' | 'Saving' | 'Saved' | 'Paused' | 'Stopping' | 'Other';

/** `Set-VMHost -VirtualMachineMigrationPerformanceOption`. */
export type MigrationPerformance = 'TCPIP' | 'Compression' | 'SMB';

/** Private property MigrationState of the "Virtual Machine" resource, where there is one: 0 … 5 in this order. */
export const MIGRATION_STATES = [
  'none',
  'setup',
  'data-transfer',
  'moving-group',
  'cancelled',
  'failed',
] as const;
/**
 * `migrating`: under way, and Windows does not tell how far in which phase. `unknown`: Windows has none of the
 * properties that would tell, which must never be taken for "no move".
 */
export type MovePhase = (typeof MIGRATION_STATES)[number] | 'migrating' | 'unknown';

/** Bits of a node's StatusInformation (ClusterNodeStatusInformation). */
export const NODE_STATUS = {
  isolated: 1,
  quarantined: 2,
  drainInProgress: 4,
  drainFailed: 16,
  avoidPlacement: 32,
} as const;

/** Bits of a cluster group's StatusInformation (MSCS groups-statusinformation). */
export const GROUP_STATUS = {
  locked: 0x1,
  queuedForMove: 0x4,
  osHeartbeat: 0x200,
  applicationReady: 0x400,
} as const;

export interface HostFacts {
  node: string;
  /** The node's own clock when it answered. */
  now: IsoTime;
  /** `10.0.26100` and the like. */
  osVersion: string;
  /** Which boot this is, see domain/boot.ts. Empty where Windows does not tell. */
  boot: string;
  /** Win32_OperatingSystem.LastBootUpTime, for people: it moves when the clock is set. */
  bootTime: IsoTime;
  memoryBytes: number;
  freeMemoryBytes: number;
  cpuVendor: string;
  cpuName: string;
  logicalProcessors: number;
  /** `Get-VMHostSupportedVersion`; empty while the Hyper-V role is missing. */
  vmVersions: string[];
  /** A restart is owed to Component Based Servicing or Windows Update. */
  pendingRestart: boolean;
}

/** What a workgroup cluster needs of one machine beside its roles (create-workgroup-cluster.md). Only ever read. */
export interface SetupFacts {
  node: string;
  /** null on a machine that is in a domain. */
  workgroup: string | null;
  domain: string | null;
  /** Primary DNS suffix (`NV Domain`); empty where there is none. */
  dnsSuffix: string;
  /** Update build revision: 1742 in 10.0.26100.1742. Tells the monthly update. */
  updateRevision: number;
  /** The account that the worker runs under. */
  account: AccountFacts & {
    /** Its session has full administrator rights (elevated). */
    elevated: boolean;
  };
  /** Local accounts that are members of Administrators. */
  administrators: AccountFacts[];
  policies: {
    /** `…\\Policies\\System`; must be 1 for every administrator but the built-in one. null: not set. */
    localAccountTokenFilterPolicy: number | null;
    /** `…\\Lsa\\pku2u`, AllowOnlineID. 0 stops failover clustering. null: not set. */
    allowPku2u: number | null;
    /** `…\\Policies\\Microsoft\\Windows\\System`. 0 keeps the cluster service from starting. null: not set. */
    allowCustomSspsAps: number | null;
    /** `Get-SmbClientConfiguration`'s BlockNTLM: local accounts sign in by NTLM. null: this Windows does not tell. */
    blockNtlm: boolean | null;
    /** What NT VIRTUAL MACHINE\\Virtual Machines (S-1-5-83-0) may. null: could not be read, or no Hyper-V. */
    virtualMachineRights: { createSymbolicLinks: boolean; logOnAsService: boolean } | null;
  };
  /** WinRM's TrustedHosts, split at its commas; `*` is everything. */
  trustedHosts: string[];
  bios: string;
  /** Revision of the processor's microcode, hexadecimal digits. */
  microcode: string;
  /** Those of the asked-for TCP ports on which something listens here. */
  listening: number[];
  /** Thumbprints of "Shielded VM Local Certificates": VMs with a TPM start only where those of their maker are. */
  shieldingCertificates: string[];
  /** These three are absent where an older worker told the rest. */
  security?: SecurityFacts;
  /** Policy `…\\WindowsUpdate\\AU`: NoAutoUpdate and AUOptions. null: not set. */
  automaticUpdates?: { off: number | null; option: number | null };
  /** The same from every node; null: its cluster service does not run. */
  cluster?: ClusterRules | null;
}

/** What lets the worker's account in, keeps it out, or will. */
export interface SecurityFacts {
  /**
   * When wrong sign-ins lock an account here: threshold 0 is never, minutes -1 until somebody unlocks it. null: not
   * shown.
   */
  lockout: { threshold: number; minutes: number; windowMinutes: number } | null;
  /** SIDs that hold the rights to log on, or names where Windows writes those. null: not shown. */
  rights: Record<'batch' | 'denyBatch' | 'network' | 'denyNetwork', string[]> | null;
  /** The worker's account is locked. */
  locked: boolean;
  /** Of its password; null: never, or not shown. */
  passwordExpires: IsoTime | null;
  /** Win32_DeviceGuard: Credential Guard runs. null: not shown. */
  credentialGuard: boolean | null;
}

export interface ClusterRules {
  /** Owner of the core group (`Cluster Group`, whatever Windows calls it in its language). */
  coreGroupOwner: string;
}

export interface AccountFacts {
  /** Without the computer's name. */
  name: string;
  sid: string;
  enabled: boolean;
  /** SID ends in -500: the built-in Administrator, whatever its name. */
  builtIn: boolean;
}

/** What a machine finds when it turns to another node. */
export interface PeerFacts {
  node: string;
  /** What the name resolves to here; empty: it does not. */
  addresses: string[];
  ports: { port: number; open: boolean }[];
  /**
   * A real sign-in over WinRM with the account, hence the password, that the asking worker runs under. null: not tried.
   */
  signIn: { ok: boolean; hresult: string | null; message: string | null } | null;
  /** The peer's clock minus ours, in seconds; null without a sign-in. */
  clockAheadSeconds: number | null;
}

/** Every file that a VM needs wherever it runs. */
export interface VmStorageFacts {
  vmId: string;
  name: string;
  /** Folder of the configuration. */
  configurationPath: string;
  smartPagingPath: string;
  /** Folder of its checkpoints; absent where an older worker told the rest. */
  snapshotPath?: string;
  disks: {
    path: string;
    /** Parents of a differencing disk (checkpoints make them), nearest first. */
    parents: string[];
    /** A shared VHDX: its VM cannot be live-migrated. */
    shared: boolean;
  }[];
}

export interface ServiceFacts {
  /** Service name, not display name: `vmms`, `ClusSvc`. */
  name: string;
  state: 'Running' | 'Stopped' | 'Starting' | 'Stopping' | 'Missing';
}

export interface FeatureFacts {
  name: string;
  /** `InstallPending` is our word for "installed, and a restart is owed before it works". */
  state: 'Installed' | 'InstallPending' | 'UninstallPending' | 'Available' | 'Removed';
}

export interface SwitchFacts {
  name: string;
  type: 'External' | 'Internal' | 'Private';
}

export interface MigrationSettings {
  /** `Enable-VMMigration` has run. */
  enabled: boolean;
  maximumMigrations: number;
  maximumStorageMigrations: number;
  performance: MigrationPerformance;
  authentication: 'CredSSP' | 'Kerberos';
  useAnyNetwork: boolean;
}

export interface ClusterFacts {
  name: string;
  /** `(Get-Cluster).Id`, a GUID: two clusters may have one name. Absent in what workers of 0.1.0 told. */
  id?: string;
  /** Wins over each host's own number (`Set-VMHost` documentation). */
  maximumParallelMigrations: number;
  enforcedAntiAffinity: boolean;
  autoBalancerMode: number;
  autoBalancerLevel: number;
  /** `Get-ClusterAffinityRule`, those that are switched on. Absent in what workers of 0.1.0 told. */
  affinityRules?: AffinityRuleFacts[];
  witness: { kind: 'None' | 'Disk' | 'Cloud' | 'Usb'; online: boolean };
}

/** MSCluster_AffinityRule. */
export interface AffinityRuleFacts {
  name: string;
  type: 'SameFaultDomain' | 'SameNode' | 'DifferentFaultDomain' | 'DifferentNode' | 'Unknown';
  /** Names of roles. */
  groups: string[];
}

export interface ClusterNodeFacts {
  name: string;
  state: NodeState;
  quarantined: boolean;
  /** StatusInformation, see {@link NODE_STATUS}. Absent in what workers of 0.1.0 told. */
  status?: number;
  /** 0 or 1: does this node vote. */
  nodeWeight: number;
}

export interface NetworkFacts {
  name: string;
  role: 'None' | 'Cluster' | 'ClusterAndClient';
  state: 'Up' | 'Down' | 'Partitioned' | 'Unavailable';
  excludedFromMigration: boolean;
}

export interface SharedVolumeFacts {
  name: string;
  /** `C:\ClusterStorage\Volume1`. */
  path: string;
  /** `Paused`: no node can use it. */
  state: 'Online' | 'Offline' | 'Failed' | 'Paused';
  owner: string;
  /** Nodes whose own row says that they cannot use it now. Absent in what workers of 0.1.0 told. */
  pausedOn?: string[];
}

export interface DiskFileFacts {
  path: string;
  exists: boolean;
}

/** A virtual machine as its owner node sees it; other nodes do not see it at all. */
export interface VmFacts {
  id: string;
  name: string;
  state: VmState;
  /** It has lost its storage or its worker: `Get-VM` says `RunningCritical` and the like. */
  critical: boolean;
  /** Configuration version, `12.0`. */
  version: string;
  generation: 1 | 2;
  memoryStartupBytes: number;
  /** 0 while off. */
  memoryAssignedBytes: number;
  /** Seconds since it was switched on; a live migration does not reset it. */
  uptimeSeconds: number;
  heartbeat: 'Ok' | 'NoContact' | 'Unknown';
  /** Switch name of each network adapter; an unconnected one is null. */
  switches: (string | null)[];
  disks: string[];
  /** Mounted ISO files. */
  dvds: string[];
  compatibilityForMigration: boolean;
  passThroughDevices: string[];
  /** Adapters on partitions of the host's GPUs. */
  gpuPartitions: number;
  tpm: boolean;
  /** Backup, checkpoint or merge in progress (Msvm_ComputerSystem.OperationalStatus). */
  busy: boolean;
  /** By the VM's own settings, where it outlives the cluster; who acts asks the cluster. */
  clustered: boolean;
  notes: string;
}

/** What changes while a VM runs. */
export type VmNow = Pick<
  VmFacts,
  'id' | 'name' | 'state' | 'critical' | 'memoryAssignedBytes' | 'uptimeSeconds' | 'heartbeat'
>;

/** A clustered VM role and what the cluster says of its latest move. Every Up node sees all of them. */
export interface RoleFacts {
  vmId: string;
  name: string;
  state: GroupState;
  owner: string;
  /** StatusInformation, see {@link GROUP_STATUS}. */
  status: number;
  /** Ordered, soft. Empty: no preference. */
  preferredOwners: string[];
  /** Hard. Empty: every node, or they were not asked for. */
  possibleOwners: string[];
  antiAffinityClassNames: string[];
  /** As of {@link GroupFacts}. Absent in what older workers told. */
  priority?: number;
  move: MoveFacts;
}

export interface MoveFacts {
  /** `cancelled` and `failed` stick until the next move starts. */
  phase: MovePhase;
  /** 0 … 100, an estimate; may stall or go backwards. */
  percent: number;
  /** HRESULT `0x…` of how the latest one ended, `0x00000000` when fine. The cause is in the event log. */
  failureReason: string;
  /** Where a running move is going. Only the node that the VM leaves knows: null in the looks of all others. */
  target: string | null;
}

/** A live migration that leaves this node now (Msvm_MigrationJob). */
export interface MoveAwayFacts {
  vmId: string;
  /** null: Windows tells an address and not a name. */
  target: string | null;
  percent: number;
}

/** Everything the cluster tells in one look, from any Up node. */
export interface ClusterView {
  takenAt: IsoTime;
  /** The node that answered. */
  answeredBy: string;
  cluster: ClusterFacts;
  nodes: ClusterNodeFacts[];
  roles: RoleFacts[];
  /** So many more roles there are, which were not asked for; absent: none. */
  rolesLeftOut?: number;
  networks: NetworkFacts[];
  sharedVolumes: SharedVolumeFacts[];
  /** Nodes for whose tasks no worker asks, where the server tells; absent: none. */
  unserved?: string[];
}

/** Everything one node tells about itself. Without the Hyper-V role the Hyper-V parts are null or empty. */
export interface NodeView {
  takenAt: IsoTime;
  host: HostFacts;
  features: FeatureFacts[];
  services: ServiceFacts[];
  switches: SwitchFacts[];
  migration: MigrationSettings | null;
  vms: VmFacts[];
  /** Moves that leave this node. Absent in what workers of 0.1.0 told. */
  movesAway?: MoveAwayFacts[];
  files: DiskFileFacts[];
}

/** Why a node told nothing. */
export interface NoAnswer {
  code: string;
  message: string;
}

/** The cluster and its nodes at (nearly) one moment; what plans and placements are made from. */
export interface Snapshot {
  view: ClusterView;
  /** By node name as the cluster writes it. */
  nodes: Record<string, { view: NodeView } | { noAnswer: NoAnswer }>;
}
