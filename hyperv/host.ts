// The port to Windows: what one cluster node can be asked to tell and to do. Two implementations, powershell/ and the
// lab's; tests/contract/ is what both must pass. Nothing above this file knows a cmdlet.
//
// Every operation runs on the node itself, takes one plain object and may be called twice, also twice at once: acting
// operations look first and answer `changed: false` when there is nothing left to do.
import type { BlackoutFacts, EventFacts } from '../domain/event-facts.ts';
import type {
  ClusterFacts,
  ClusterNodeFacts,
  DiskFileFacts,
  FeatureFacts,
  GroupFacts,
  HostFacts,
  IsoTime,
  LinkFacts,
  MigrationPerformance,
  MigrationSettings,
  MoveAwayFacts,
  NetworkFacts,
  PeerFacts,
  RoleFacts,
  ServiceFacts,
  SetupFacts,
  SharedVolumeFacts,
  SwitchFacts,
  VmFacts,
  VmNow,
  VmStorageFacts,
} from '../domain/facts.ts';
import type { StorageFacts } from '../domain/storage-facts.ts';
import type { ServicingFacts, UpdateJobFacts, UpdateSearchFacts } from '../domain/update-facts.ts';

/** An answer and the cmdlets that gave it, as lines that a person could paste. */
export interface Reply<T> {
  facts: T;
  cmdlets: string[];
}

/** `changed: false` means that everything already was as asked. */
export interface Changed {
  changed: boolean;
}

/** Name of the VM and the run that wants it; the request id is kept in the VM's Notes as `watari:<id>`. */
export interface CreateVmRequest {
  requestId: string;
  name: string;
  memoryBytes: number;
  vhd: string;
  switch: string | null;
  generation: 1 | 2;
  /** Folder for the configuration, on a cluster shared volume. */
  path: string;
}

export interface UpdatesRequest {
  /** UpdateIDs. */
  ids: string[];
  acceptEula: boolean;
}

export interface HypervReads {
  readHost(a: object): Promise<Reply<HostFacts>>;
  /** The least that a machine tells: it answers while its services still start. */
  readBoot(a: object): Promise<Reply<{ boot: string; bootTime: IsoTime }>>;
  /** Workgroup, accounts, policies: what an administrator set up by hand. `ports`: TCP ports to look at. */
  readSetup(a: { ports: number[] }): Promise<Reply<SetupFacts>>;
  /**
   * Turns to other nodes: names and ports, all at once, and unless `signIn` is false a sign-in at each, which stops at
   * the first refusal. A silent peer costs seconds, never minutes.
   */
  readPeers(a: { nodes: string[]; ports: number[]; signIn?: boolean }): Promise<Reply<PeerFacts[]>>;
  /** A service that is not installed answers `Missing`. */
  readServices(a: { names: string[] }): Promise<Reply<ServiceFacts[]>>;
  readFeatures(a: { names: string[] }): Promise<Reply<FeatureFacts[]>>;
  /** Virtual switches; fails with `HyperVMissing` while the role is not there, as do the next four. */
  readSwitches(a: object): Promise<Reply<SwitchFacts[]>>;
  readMigrationSettings(a: object): Promise<Reply<MigrationSettings>>;
  /** The VMs that this node holds now. */
  readVms(a: object): Promise<Reply<VmFacts[]>>;
  /** One of them, for whoever waits for it: costs the same however many there are. null: this node does not hold it. */
  readVm(a: { vmId: string }): Promise<Reply<VmNow | null>>;
  readVmStorage(a: object): Promise<Reply<VmStorageFacts[]>>;
  readDiskFiles(a: { paths: string[] }): Promise<Reply<DiskFileFacts[]>>;
  /** Live migrations that leave this node now; their targets are known nowhere else. */
  readMovesAway(a: object): Promise<Reply<MoveAwayFacts[]>>;
  /** These eight fail with `ClusterUnreachable` when this node's cluster service is not running. */
  readCluster(a: object): Promise<Reply<ClusterFacts>>;
  readNodes(a: object): Promise<Reply<ClusterNodeFacts[]>>;
  readNetworks(a: object): Promise<Reply<NetworkFacts[]>>;
  readSharedVolumes(a: object): Promise<Reply<SharedVolumeFacts[]>>;
  /** Every group, with the cluster's own and the roles of VMs. */
  readGroups(a: object): Promise<Reply<GroupFacts[]>>;
  /** Interfaces of this node that are up, on the networks that live migration may use. */
  readLinks(a: object): Promise<Reply<LinkFacts[]>>;
  /**
   * Every clustered VM with the state of its latest move. The move is read before the owner, so that "no move running,
   * owner is the target" cannot be a mixture of two moments. `owners`: with possible owners, which take a row for each
   * VM and node; without, they are empty.
   */
  readRoles(a: { owners?: boolean }): Promise<Reply<RoleFacts[]>>;
  /**
   * The same of one VM, at a cost that does not grow with the cluster; null when it has no role. Without `owners`
   * neither preferred nor possible ones are told.
   */
  readRole(a: { vmId: string; owners?: boolean }): Promise<Reply<RoleFacts | null>>;
  /** Warnings and errors of the Hyper-V and cluster logs on this node, oldest first. */
  readEvents(a: { since: IsoTime; max: number }): Promise<Reply<EventFacts[]>>;
  /** Live migrations that this node's log says succeeded, oldest first; `since` is by this node's own clock. */
  readBlackouts(a: { since: IsoTime; max: number }): Promise<Reply<BlackoutFacts[]>>;
  /**
   * Asks Windows Update what this node lacks, by the criteria of IUpdateSearcher.Search; unless given, those of
   * Cluster-Aware Updating. Takes minutes.
   */
  readUpdates(a: { criteria?: string }): Promise<Reply<UpdateSearchFacts>>;
  /** The latest download or installation of updates here, under way or over; null: there was none. */
  readUpdateJob(a: object): Promise<Reply<UpdateJobFacts | null>>;
  readServicing(a: object): Promise<Reply<ServicingFacts>>;
  /**
   * Fails with `ClusterUnreachable` as those above. Where the cluster has no Storage Spaces Direct, it says no more.
   */
  readStorage(a: object): Promise<Reply<StorageFacts>>;
}

export interface HypervActs {
  /** Never restarts. `restartNeeded` is true as long as a restart is owed, also on a repeat. */
  installFeatures(a: { names: string[] }): Promise<Reply<Changed & { restartNeeded: boolean }>>;
  /**
   * Asks Windows to restart and returns before it goes down. Does nothing when the node's boot is not `ifBoot` any more
   * (it has restarted since) or a restart is already under way. Fails with `NodeNotDrained` while a VM runs there.
   */
  restartNode(a: { ifBoot: string; reason: string }): Promise<Reply<Changed & { boot: string }>>;
  /** Enables live migration and sets what is given; absent fields stay. Answers the settings read back. */
  configureMigration(a: {
    enabled?: boolean;
    maximumMigrations?: number;
    maximumStorageMigrations?: number;
    performance?: MigrationPerformance;
  }): Promise<Reply<Changed & { settings: MigrationSettings }>>;
  /**
   * Sets what is given; absent fields stay. `autoBalancerMode`: 0 never, 1 when a node joins, 2 every half hour too.
   */
  configureCluster(a: {
    maximumParallelMigrations?: number;
    autoBalancerMode?: number;
  }): Promise<Reply<Changed & { cluster: ClusterFacts }>>;
  /**
   * Finds the VM by name (case does not count) on this node or creates it, switched off. Fails with `AmbiguousVm` when
   * several have the name, with `DiskMissing` when the VHD is not there, with `SwitchMissing` likewise.
   */
  createVm(a: CreateVmRequest): Promise<Reply<Changed & { vm: VmFacts }>>;
  /** Removes the VM's configuration, never a disk. Only if it is off or saved and its notes carry this request id. */
  removeVm(a: { vmId: string; requestId: string }): Promise<Reply<Changed>>;
  /** Registers a VM of this node as a cluster role of that name. */
  addRole(a: { vmId: string; name: string }): Promise<Reply<Changed & { role: RoleFacts }>>;
  removeRole(a: { vmId: string }): Promise<Reply<Changed>>;
  /** Brings the role online, which starts the VM. Returns once asked; watch `readRole`. */
  startRole(a: { vmId: string }): Promise<Reply<Changed>>;
  /** Takes the role offline; the VM is saved, never turned off. Returns once asked. */
  stopRole(a: { vmId: string }): Promise<Reply<Changed>>;
  /** Pauses a cluster node without draining it: roles stay, none may come. */
  pauseNode(a: { node: string }): Promise<Reply<Changed>>;
  /** Resumes it without failback. */
  resumeNode(a: { node: string }): Promise<Reply<Changed>>;
  /**
   * Starts a live migration to `node` and returns; watch `readRole`. `changed: false` with `why` when the VM is there
   * already or a move of it is under way, whoever started it. Fails with an HRESULT when the cluster refuses.
   *
   * `quick` saves the VM, hands it over and restores it: its clients lose it for that time, and its uptime begins anew.
   * It shows as a role that is Pending, it takes no slot, and it cannot be cancelled.
   */
  startMove(a: {
    vmId: string;
    node: string;
    /** Absent: live. */
    how?: 'live' | 'quick';
  }): Promise<Reply<Changed & { why: 'started' | 'already-there' | 'already-moving' }>>;
  /** Cancels the move of this VM if one is under way. */
  cancelMove(a: { vmId: string }): Promise<Reply<Changed>>;
  /**
   * Moves a group that is not a running VM from one node to another and returns once asked; watch `readGroups`.
   * `changed: false` when it is not on `from` any more or is on its way. Fails with `VmRunning` for the role of a VM
   * that is not off or saved: Windows would save it, and its clients would lose it.
   */
  moveGroup(a: { group: string; from: string; node: string }): Promise<Reply<Changed>>;
  /** The same for the owner of a shared volume; watch `readSharedVolumes`. */
  moveSharedVolume(a: { volume: string; from: string; node: string }): Promise<Reply<Changed>>;
  /**
   * Starts to download updates, in a process of its own that outlives the worker, and returns; watch `readUpdateJob`.
   * `changed: false` when this is under way already, or all of them are there. Fails with `UpdatesBusy` while another
   * job runs. `acceptEula`: their licence terms are accepted in the name of whoever allowed it.
   */
  downloadUpdates(a: UpdatesRequest): Promise<Reply<Changed>>;
  /** The same with installing. What is not downloaded is downloaded first. Never restarts. */
  installUpdates(a: UpdatesRequest): Promise<Reply<Changed>>;
  /**
   * Maintenance mode of a node's drives, on or off; nothing where the cluster has no Storage Spaces Direct. Windows
   * refuses where data would lose its last copy.
   */
  setStorageMaintenance(a: { node: string; on: boolean }): Promise<Reply<Changed>>;
  /**
   * IUpdateInstaller4.Commit, to be called immediately before the restart; once for each boot, whoever calls how often.
   */
  commitUpdates(a: object): Promise<Reply<Changed>>;
  /** Installs the .msu and .cab files of a folder of this node by DISM. Never restarts. */
  installPackages(a: { folder: string }): Promise<Reply<Changed & { restartNeeded: boolean }>>;
}

export interface HypervHost extends HypervReads, HypervActs {
  /** Name of the node that this host speaks for. */
  readonly node: string;
}

export type ReadOp = keyof HypervReads;
export type ActOp = keyof HypervActs;
export type Op = ReadOp | ActOp;

/** A new operation of the port does not compile until it stands here too. */
const READS: Readonly<Record<ReadOp, true>> = {
  readHost: true,
  readBoot: true,
  readSetup: true,
  readPeers: true,
  readServices: true,
  readFeatures: true,
  readSwitches: true,
  readMigrationSettings: true,
  readVms: true,
  readVm: true,
  readVmStorage: true,
  readDiskFiles: true,
  readMovesAway: true,
  readCluster: true,
  readNodes: true,
  readNetworks: true,
  readSharedVolumes: true,
  readGroups: true,
  readLinks: true,
  readRoles: true,
  readRole: true,
  readEvents: true,
  readBlackouts: true,
  readUpdates: true,
  readUpdateJob: true,
  readServicing: true,
  readStorage: true,
};

const ACTS: Readonly<Record<ActOp, true>> = {
  installFeatures: true,
  restartNode: true,
  configureMigration: true,
  configureCluster: true,
  createVm: true,
  removeVm: true,
  addRole: true,
  removeRole: true,
  startRole: true,
  stopRole: true,
  pauseNode: true,
  resumeNode: true,
  startMove: true,
  cancelMove: true,
  moveGroup: true,
  moveSharedVolume: true,
  downloadUpdates: true,
  installUpdates: true,
  setStorageMaintenance: true,
  commitUpdates: true,
  installPackages: true,
};

export const READ_OPS: readonly ReadOp[] = Object.keys(READS) as ReadOp[];
export const ACT_OPS: readonly ActOp[] = Object.keys(ACTS) as ActOp[];
export const OPS: readonly Op[] = [...READ_OPS, ...ACT_OPS];

export type OpArgs<K extends Op> = Parameters<HypervHost[K]>[0];
export type OpFacts<K extends Op> = Awaited<ReturnType<HypervHost[K]>>['facts'];

/** Any operation by its name; who answers it knows what it gives. */
export type Ask = (op: Op, args: object) => Promise<Reply<unknown>>;

/** A host of one question: every operation is the same one with another name. */
export const hostOf = (node: string, ask: Ask): HypervHost =>
  ({
    node,
    ...Object.fromEntries(OPS.map((op) => [op, (args: object = {}) => ask(op, args)])),
  }) as unknown as HypervHost;

/** The other way round: the one question of a host. */
export const askOf = (host: HypervHost): Ask => {
  const operations = host as unknown as Record<Op, (args: object) => Promise<Reply<unknown>>>;
  return (op, args) => operations[op](args);
};

/** How an operation failed. `unknown`: the answer never came, so the effect may or may not have happened. */
export interface HypervErrorInfo {
  op: Op;
  node: string;
  outcome: 'refused' | 'unknown';
  /** `0x80071398`, upper-case hexadecimal digits. */
  hresult?: string;
  /** All codes of the exceptions' chain, outermost first, where there is a chain. */
  hresults?: string[];
  eventId?: number;
  /** FullyQualifiedErrorId, or one of the port's own codes named above (`HyperVMissing`, `DiskMissing`, …). */
  errorId?: string;
}

/** The only thing that an operation throws. */
export class HypervError extends Error {
  readonly info: HypervErrorInfo;
  constructor(message: string, info: HypervErrorInfo) {
    super(message);
    this.name = 'HypervError';
    this.info = info;
  }
}
