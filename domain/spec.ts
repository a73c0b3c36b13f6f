// What a person wants: the content of cluster.yaml after config/ has checked it, and the arguments of the workflows.
// Plain JSON, so that every workflow can be started with `temporal workflow start --input`.
import type { MigrationPerformance } from './facts.ts';
import type { PastMove } from './fleet/learned.ts';
import type { PlanDocument } from './fleet/document.ts';
import type { Outlook } from './fleet/outlook.ts';
import type { UpdateChoice } from './updates.ts';

export interface VmSpec {
  name: string;
  memoryBytes: number;
  /** An existing VHDX on a cluster shared volume. */
  vhd: string;
  switch: string | null;
  generation: 1 | 2;
  /** Node to create it on; null lets watari choose. */
  node: string | null;
}

export interface LiveMigrationSpec {
  /** Both (Get-Cluster).MaximumParallelMigrations and each host's MaximumVirtualMachineMigrations. */
  simultaneousMigrations: number;
  simultaneousStorageMigrations: number;
  performance: MigrationPerformance;
}

/** How long watari waits before it asks a person. Seconds. */
export interface Budgets {
  /** From "restart requested" to "the node's worker took the next task". */
  restartSeconds: number;
  /** For a node's worker to take any other task. */
  answerSeconds: number;
  /** A move whose percentage and phase do not change. */
  stalledMoveSeconds: number;
  /** After this much silence of a worker its move is adopted by another one. */
  heartbeatSeconds: number;
  /** A free migration slot at both ends. */
  slotSeconds: number;
  /** Before the first automatic retry of a failed step; doubles each time. */
  retrySeconds: number;
}

export const DEFAULT_BUDGETS: Budgets = {
  // Server firmware plus a first boot after a role installation: 10-15 min are common, 25 is a bad day.
  restartSeconds: 25 * 60,
  answerSeconds: 60,
  stalledMoveSeconds: 10 * 60,
  heartbeatSeconds: 10,
  slotSeconds: 60 * 60,
  retrySeconds: 2,
};

/** The host's own needs on top of the VM's memory; Microsoft gives no figure for it. */
export const DEFAULT_MEMORY_RESERVE_BYTES = 2 * 1024 ** 3;

export interface ClusterSpec {
  cluster: string;
  nodes: string[];
  liveMigration: LiveMigrationSpec;
  virtualMachines: VmSpec[];
  /** VMs to live-migrate at the end, to show that it works. */
  prove: string[];
  /** Free memory that placement leaves on every node. */
  memoryReserveBytes: number;
  budgets: Budgets;
}

/** A node restart is somebody's outage: either it was allowed beforehand, or the run asks when it gets there. */
export type Restarts = 'allowed' | 'ask';

interface Started {
  cluster: string;
  /** `user@computer`. */
  startedBy: string;
  /** Why, in their words; for the record. */
  reason?: string;
  budgets?: Partial<Budgets>;
}

export interface ApplyClusterInput {
  spec: ClusterSpec;
  restarts: Restarts;
  /** Live-migrate the `prove` VMs even when nothing else changed. */
  proveAlways?: boolean;
  startedBy: string;
  reason?: string;
}

export interface PrepareNodeInput extends Started {
  node: string;
  /** Wanted beside NODE_FEATURES, each with its management tools. */
  features?: string[];
  restarts: Restarts;
  memoryReserveBytes?: number;
}

export interface CreateVmInput extends Started {
  vm: VmSpec;
  memoryReserveBytes?: number;
  /** Marks what this run makes as its own; the run's id unless a parent run gives its own. */
  requestId?: string;
}

export interface MigrateVmInput extends Started {
  /** Name of the VM's role. */
  vm: string;
  /** Absent: the best possible node. */
  to?: string;
  memoryReserveBytes?: number;
}

export interface InspectClusterInput extends Started {
  /** Nodes to ask beside those that the cluster names. */
  nodes?: string[];
  /** Disk files to look for on every node. */
  files?: string[];
  /** Only what can matter for the move of this VM; absent: everything. */
  about?: string;
}

export interface ScanUpdatesInput extends Started {
  /** Absent: all that the cluster names. */
  nodes?: string[];
  /** Criteria of IUpdateSearcher.Search; absent: those of Cluster-Aware Updating. */
  query?: string;
}

export interface DoctorInput extends Started {
  /** Nodes to ask beside those that the cluster names. */
  nodes?: string[];
  /** Nodes that are known to have no worker: they are not waited for. */
  unserved?: string[];
  /** cluster.yaml, to be compared with. */
  wanted?: ClusterSpec;
}

/** Everything a campaign has in common: one of them at a time works on a cluster. */
interface Campaign extends Started {
  /** Free memory that must remain on a node when a move to it starts. */
  memoryReserveBytes?: number;
}

export interface DrainNodesInput extends Campaign {
  /** They are paused and emptied together; the others take their VMs. */
  nodes: string[];
  /** Exactly these moves; refused when what it rests on has changed. Absent: planned when it runs. */
  plan?: PlanDocument;
}

/** What the record of a drain says of a node. */
export interface DrainOnRecord {
  node: string;
  /** Workflow id of the drain. */
  run: string;
  paused: 'us' | 'others';
  moves: PastMove[];
}

export interface ResumeNodesInput extends Campaign {
  nodes: string[];
  /** The drains on record of each of them since a run of ours has resumed it, as one. */
  drained?: DrainOnRecord[];
  /** Bring back what the latest drain moved off and nobody has moved since. */
  bringBack?: boolean;
  /** Resume a node also where no drain of watari has paused it. */
  force?: boolean;
}

export interface SurveyFleetInput extends Started {
  /** Nodes whose VMs' owners are asked for, which takes longer; absent: all. */
  owners?: string[];
}

/** What is done to a node that is empty. */
export type NodeAction =
  | { kind: 'restart' }
  /** What a search finds is installed, and the node restarted where Windows asks for it. */
  | { kind: 'updates'; choice: UpdateChoice }
  /** .msu and .cab files of a folder of the node, by DISM. */
  | { kind: 'packages'; folder: string }
  /** A script of this name in the folder that the node's worker allows. */
  | { kind: 'script'; name: string }
  /** A person works on it and says when it is done. */
  | { kind: 'wait' }
  | { kind: 'none' };

export interface MaintainClusterInput extends Campaign {
  /** In this order; absent: all, those with the fewest roles first, the owner of the core group last. */
  nodes?: string[];
  action: NodeAction;
  /** So many nodes may fail before the run stops; 0: it asks a person instead. */
  maxFailed?: number;
  /** `Sat 22:00-05:00 Asia/Tokyo`, looked at before every node. */
  window?: string;
  /** This node first, and the next one only so long after it is back. */
  canary?: string;
  soakSeconds?: number;
  pauseAfterEach?: boolean;
  /** Bring back to each node what was moved off it. */
  bringBack?: boolean;
  /** What a person has read: before every node it is told what is otherwise. Absent: what is there when it begins. */
  outlook?: Outlook;
}

/** What a maintenance is told beside which cluster it is about, who wants it and why. */
export type Maintenance = Omit<
  MaintainClusterInput,
  'cluster' | 'startedBy' | 'reason' | 'budgets' | 'mayIgnore' | 'outlook'
>;

/** What a schedule starts: it begins the maintenance under its lock. */
export interface ScheduledMaintenanceInput extends Started {
  /** Name of the schedule. */
  schedule: string;
  maintenance: Maintenance;
  /** When no worker of the cluster takes it so soon, nothing is begun; absent: whenever one takes it. */
  startWithinSeconds?: number;
}

/** One node of a maintenance: a run of its own. */
export interface MaintainNodeInput extends Campaign {
  node: string;
  action: NodeAction;
  /** Build that it must have after its updates, as those before it: `26100.4652`. */
  build?: string;
  bringBack?: boolean;
  /** What was counted on for this node: what is otherwise is told before it is emptied. */
  outlook?: Outlook;
  /** Nobody is asked: what would need a person fails the run, which resumes the node. */
  unattended?: boolean;
}

export interface BalanceClusterInput extends Campaign {
  /** Memory in use of every node within so many percentage points of the mean. */
  withinPercent: number;
  /** As in a drain. */
  plan?: PlanDocument;
}

export interface TuneClusterInput extends Campaign {
  /** The canary: a VM that may be moved back and forth. */
  vm: string;
  /** More of them, on the same node: with them numbers of simultaneous moves are compared too. */
  others?: string[];
  /** Those numbers; absent: the present one and 1, or 2 where the present one is 1. */
  simultaneous?: number[];
  /** The other end of its way; absent: the best possible node. */
  to?: string;
  /** Moves each way with each setting; absent: 3. */
  rounds?: number;
  /** Try SMB too, which makes sense where the networks have RDMA. */
  smb?: boolean;
}

/** Features a node needs, with their management tools. */
export const NODE_FEATURES = ['Hyper-V', 'Failover-Clustering'] as const;
