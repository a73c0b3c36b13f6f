// The whole state of a simulated cluster as plain data; make-world.ts makes it of a scenario. The rules that change it
// are in nodes.ts, cluster.ts, moves.ts and faults.ts; everything happens at `world.time`.
import { createHash } from 'node:crypto';
import type {
  DiskFileFacts,
  GroupFacts,
  MigrationSettings,
  MovePhase,
  NetworkFacts,
  SharedVolumeFacts,
  SwitchFacts,
  VmState,
} from '../../domain/facts.ts';
import { includesName, sameName } from '../../domain/names.ts';
import { isOnShare, samePath } from '../../domain/storage.ts';
import type { Fault } from '../scenario/fault-schema.ts';
import type { NodeScenario, Scenario } from '../scenario/schema.ts';
import { hasParallelLimit, type Build } from '../scenario/builds.ts';
import type { Agenda, Entry } from './agenda.ts';
import { iso, type Instant } from './clock.ts';
import type { PrecopyPlan, PrecopyState } from './precopy.ts';
import type { Records } from './records.ts';
import type { LabStorage } from './storage-state.ts';
import type { LabUpdates } from './update-state.ts';

export type Power = 'off' | 'booting' | 'running' | 'stopping';

export interface LabNode {
  readonly name: string;
  readonly is: NodeScenario & { build: Build; osVersion: string; vmVersions: string[] };
  power: Power;
  /** Counts the times it went down, so that an answer begun before is known to be lost. */
  losses: number;
  /** When the kernel began this boot, by the node's clock of that moment. */
  kernelStart: Instant;
  /** In the lab's time; what the node tells of it moves with its clock. */
  bootTime: Instant;
  /** Its clock against the lab's. */
  clockAheadMs: number;
  /** The boot since which its features have been asked for. */
  featuresReadIn: Instant;
  /** Of vmms and ClusSvc alike. */
  services: 'Stopped' | 'Starting' | 'Running';
  features: Map<string, 'Available' | 'Installed' | 'InstallPending' | 'UninstallPending'>;
  /** An Install-WindowsFeature under way. */
  installing: { until: Instant; names: string[]; entry: Entry } | null;
  pendingRestart: boolean;
  migration: MigrationSettings;
  paused: boolean;
  quarantined: boolean;
  networkDownUntil: Instant;
  /** It alone cannot use the shared volumes. */
  volumesPausedUntil: Instant;
  /** Wrong sign-ins at its accounts, by name in lower case. */
  wrongSignIns: Map<string, { count: number; lastAt: Instant; lockedUntil: Instant }>;
  /** Boot or shutdown under way. */
  transition: Entry | null;
  readonly updates: LabUpdates;
}

export interface LabVm {
  readonly id: string;
  readonly name: string;
  owner: string;
  state: VmState;
  /** When it was last switched on: uptime counts from here. */
  startedAt: Instant;
  readonly memoryBytes: number;
  readonly dirtyRate: number;
  readonly heartbeat: boolean;
  readonly generation: 1 | 2;
  readonly version: string;
  readonly switches: (string | null)[];
  readonly disks: string[];
  /** Folder of its configuration. */
  readonly configurationPath: string;
  /** Parents of its first disk. */
  readonly parents: string[];
  readonly sharedDisks: boolean;
  readonly dvds: string[];
  readonly compatibilityForMigration: boolean;
  readonly passThroughDevices: string[];
  readonly gpuPartitions: number;
  readonly critical: boolean;
  readonly tpm: boolean;
  readonly busy: boolean;
  readonly snapshotPath: string;
  notes: string;
  /** A start under way. */
  starting: Entry | null;
  /** Not clustered, and was running when its host went down: the host starts it again. */
  resumes: boolean;
}

export interface LabRole {
  readonly vmId: string;
  readonly name: string;
  /** What people asked for; the cluster tries to keep it. */
  wanted: 'online' | 'offline';
  state: 'Online' | 'Offline' | 'Failed' | 'Pending';
  preferredOwners: string[];
  possibleOwners: string[];
  antiAffinityClassNames: string[];
  /** LockedFromMoving. */
  locked: boolean;
  /** Private property OfflineAction: 0 turns off, 1 saves, 2 shuts down. */
  offlineAction: number;
  readonly priority: number;
  /** Private property DefaultMoveType: 1 is quick. */
  readonly defaultMoveType: number;
  /** It is being saved for a quick migration. */
  quick: Entry | null;
  /** How the latest move ended; sticks until the next one starts. */
  lastMove: {
    phase: Extract<MovePhase, 'none' | 'cancelled' | 'failed'>;
    percent: number;
    failureReason: string;
  };
  failover: Entry | null;
}

/** A group that is no virtual machine. */
export interface LabGroup {
  /** As the cluster writes it. */
  readonly name: string;
  readonly kind: Exclude<GroupFacts['kind'], 'vm'>;
  owner: string;
  readonly wanted: 'online' | 'offline';
  state: GroupFacts['state'];
  readonly priority: number;
  /** A move or a failover under way. */
  moving: Entry | null;
}

export interface LabMove {
  readonly vmId: string;
  readonly from: string;
  readonly to: string;
  readonly by: 'request' | 'balancer';
  phase: 'queued' | 'setup' | 'data-transfer' | 'moving-group';
  /** When this phase began. */
  since: Instant;
  readonly plan: PrecopyPlan;
  copy: PrecopyState;
  /** When `copy` was true, and the bandwidth since: effective bytes of memory per second. */
  copyAt: Instant;
  bandwidth: number;
  /** Bytes in all if bandwidth stays; the percentage is made from it. */
  totalBytes: number;
  /** End of the phase. */
  end: Entry | null;
  /** Next percentage at which a fault strikes. */
  mark: Entry | null;
  /** It does not get on: since when, at which percentage, and what brings it on again. */
  stand: { since: Instant; percent: number; over: Entry } | null;
}

/** A migration job that is over. Windows keeps it for TimeBeforeRemoval, on the node that the VM left. */
export interface LabJob {
  readonly vmId: string;
  readonly from: string;
  readonly to: string;
  readonly percent: number;
  readonly end: 'completed' | 'cancelled' | 'failed';
  readonly until: Instant;
}

export interface LabFault {
  readonly fault: Fault;
  /** How many times it will still strike. */
  left: number;
  /** When it was put in: `when: { seconds }` counts from here. */
  readonly since: Instant;
  /** Moves that it has struck at their percentage. */
  readonly struck: Set<LabMove>;
}

export interface World {
  time: Instant;
  readonly scenario: Scenario;
  readonly startedAt: Instant;
  readonly agenda: Agenda;
  readonly records: Records;
  readonly nodes: LabNode[];
  readonly vms: Map<string, LabVm>;
  readonly roles: Map<string, LabRole>;
  /** Running and queued, in order of asking. */
  moves: LabMove[];
  /** Newest last; those whose time is over are dropped with the next one. */
  jobs: LabJob[];
  readonly cluster: { maximumParallelMigrations: number; autoBalancerMode: number };
  /** All that are no roles of VMs. */
  readonly groups: LabGroup[];
  /** When the auto-balancer looks next. */
  balancer: Entry | null;
  readonly networks: NetworkFacts[];
  readonly sharedVolumes: SharedVolumeFacts[];
  readonly disks: { path: string; node: string | null }[];
  faults: LabFault[];
  quorate: boolean;
  quorumLostUntil: Instant;
  created: number;
  readonly storage: LabStorage;
  readonly watchers: ((change: NodeChange) => void)[];
  /** Lets a world event happen. Set by the Lab: it needs rules that lie above those that call it. */
  strike: (fault: LabFault) => void;
}

export interface NodeChange {
  node: string;
  up: boolean;
  at: Instant;
}

/** The same scenario gives the same ids: nothing in the lab is random. */
export function labId(...parts: string[]): string {
  const hex = createHash('sha256').update(parts.join('\u0000')).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(18, 20),
    hex.slice(20, 32),
  ].join('-');
}

/** As the module writes it, which has ten millionths of a second. */
export const bootOf = ({ kernelStart }: LabNode): string =>
  `kernel-start:${iso(kernelStart).replace('Z', '0000Z')}`;

/** LastBootUpTime: made of the uptime and of what the clock says now. */
export const bootTimeOf = ({ bootTime, clockAheadMs }: LabNode): Instant => bootTime + clockAheadMs;

/** The node's own clock. */
export const clockOf = (world: World, node: LabNode): Instant => world.time + node.clockAheadMs;
/** Two labs may call their clusters alike, as two sites may. */
export const clusterId = ({ scenario }: World): string =>
  labId(scenario.cluster, 'cluster', ...scenario.nodes.map((node) => node.name));

export const findNode = (world: World, name: string): LabNode | undefined =>
  world.nodes.find((node) => sameName(node.name, name));

/** A node that is known to exist: an unknown one is a mistake of the lab itself. */
export function nodeOf(world: World, name: string): LabNode {
  const node = findNode(world, name);
  if (node === undefined) throw new Error(`The lab has no node '${name}'.`);
  return node;
}

export const vmOfId = (world: World, id: string): LabVm | undefined =>
  world.vms.get(id.toLowerCase());

export const roleOfId = (world: World, id: string): LabRole | undefined =>
  world.roles.get(id.toLowerCase());

export const moveOf = (world: World, vmId: string): LabMove | undefined =>
  world.moves.find((move) => move.vmId === vmId);

export const vmsOn = (world: World, node: string): LabVm[] =>
  [...world.vms.values()].filter((vm) => vm.owner === node);

export const fileOn = (world: World, path: string, node: string): boolean =>
  world.disks.some(
    (disk) => samePath(disk.path, path) && (disk.node === null || sameName(disk.node, node)),
  );

/** This node alone cannot use the volume. */
export const isPausedOn = (world: World, node: LabNode, volume: string): boolean =>
  node.volumesPausedUntil > world.time || includesName(node.is.pausedVolumes, volume);

/** The path lies in the folder, or is it. */
export const isIn = (path: string, folder: string): boolean =>
  `${path.replaceAll('/', '\\').toLowerCase()}\\`.startsWith(`${folder.toLowerCase()}\\`);

export const onSharedVolume = (world: World, path: string): boolean =>
  world.sharedVolumes.some((volume) => isIn(path, volume.path));

/** Where every node finds it. A file server needs neither the cluster nor a volume of it. */
export const isShared = (world: World, path: string): boolean =>
  onSharedVolume(world, path) || isOnShare(path);

export const diskFile = (world: World, path: string, node: string): DiskFileFacts => ({
  path,
  exists: fileOn(world, path, node),
});

export const hasHyperV = (node: LabNode): boolean => node.features.get('Hyper-V') === 'Installed';

/** The role is there, and its service has started. */
export const hyperVAnswers = (node: LabNode): boolean =>
  hasHyperV(node) && node.services === 'Running';

export const switchesOf = (node: LabNode): SwitchFacts[] =>
  hasHyperV(node) ? node.is.switches.map(({ name, type }) => ({ name, type })) : [];

/** The cluster has the property MaximumParallelMigrations: all of its nodes do. */
export const knowsParallelLimit = (world: World): boolean =>
  world.nodes.every((node) => hasParallelLimit(node.is.build));

/**
 * Moves that a node takes part in at once. The cluster's number wins over the host's own, as documented for Set-VMHost.
 */
export const slotsOf = (world: World, node: LabNode): number =>
  knowsParallelLimit(world)
    ? world.cluster.maximumParallelMigrations
    : node.migration.maximumMigrations;

/** Powered on far enough to answer. */
export const answers = (node: LabNode): boolean =>
  node.power === 'running' || node.power === 'stopping';

/** A member of the cluster now, whether or not it may host roles. */
export const isMember = (node: LabNode): boolean => answers(node) && node.services === 'Running';

/** Neither off nor saved: it has its memory. */
export const isOn = (vm: LabVm): boolean =>
  ['Running', 'Starting', 'Paused', 'Saving'].includes(vm.state);

/** Memory free for VMs; one that is on its way here already has its memory set aside. */
export function freeMemory(world: World, node: LabNode): number {
  let free = node.is.memory - node.is.reservedMemory;
  for (const vm of world.vms.values())
    if (vm.owner === node.name && isOn(vm)) free -= vm.memoryBytes;
  for (const move of world.moves)
    if (move.to === node.name && move.phase !== 'queued') free -= move.plan.memoryBytes;
  return free;
}
