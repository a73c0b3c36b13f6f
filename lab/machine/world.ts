// The whole state of a simulated cluster as plain data, and how it is made from a scenario. The rules that change it
// are in nodes.ts, cluster.ts, moves.ts and faults.ts; everything happens at `world.time`.
import { createHash } from 'node:crypto';
import type {
  DiskFileFacts,
  MigrationSettings,
  MovePhase,
  NetworkFacts,
  SharedVolumeFacts,
  SwitchFacts,
  VmState,
} from '../../domain/facts.ts';
import { includesName, sameName } from '../../domain/names.ts';
import { isOnShare, samePath } from '../../domain/storage.ts';
import type { Fault, NodeScenario, Scenario, VmScenario } from '../scenario/schema.ts';
import { Agenda, type Entry } from './agenda.ts';
import { iso, type Instant } from './clock.ts';
import type { PrecopyPlan, PrecopyState } from './precopy.ts';
import { emptyRecords, logEvent, type Records } from './records.ts';

export type Power = 'off' | 'booting' | 'running' | 'stopping';

export interface LabNode {
  readonly name: string;
  readonly is: NodeScenario;
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
  /** Wrong sign-ins at its accounts, by name in lower case. */
  wrongSignIns: Map<string, { count: number; lastAt: Instant; lockedUntil: Instant }>;
  /** Boot or shutdown under way. */
  transition: Entry | null;
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
  /** How the latest move ended; sticks until the next one starts. */
  lastMove: {
    phase: Extract<MovePhase, 'none' | 'cancelled' | 'failed'>;
    percent: number;
    failureReason: string;
  };
  failover: Entry | null;
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
  readonly cluster: { maximumParallelMigrations: number };
  readonly networks: NetworkFacts[];
  readonly sharedVolumes: SharedVolumeFacts[];
  readonly disks: { path: string; node: string | null }[];
  faults: LabFault[];
  quorate: boolean;
  quorumLostUntil: Instant;
  created: number;
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

// What Get-WindowsFeature knows of and this job may meet. Failover-Clustering is on every node, being a member.
const FEATURES = [
  'Hyper-V',
  'Hyper-V-PowerShell',
  'Hyper-V-Tools',
  'RSAT-Hyper-V-Tools',
  'Failover-Clustering',
  'RSAT-Clustering',
  'RSAT-Clustering-Mgmt',
  'RSAT-Clustering-PowerShell',
  'FS-SMBBW',
  'Data-Center-Bridging',
  'BitLocker',
];
/** These work after a restart only. */
export const RESTART_FEATURES = ['Hyper-V', 'BitLocker'];
const CLUSTER_FEATURES = ['Failover-Clustering', 'RSAT-Clustering', 'RSAT-Clustering-PowerShell'];
/** Installed together with Hyper-V when management tools are asked for. */
export const HYPERV_TOOLS = ['RSAT-Hyper-V-Tools', 'Hyper-V-Tools', 'Hyper-V-PowerShell'];

// A node that is up when the lab starts has been so for a day; its VMs for as long as the scenario says.
const UP_SINCE_MS = 86_400_000;

function makeNode(is: NodeScenario, start: Instant): LabNode {
  const listed = [...is.features, ...CLUSTER_FEATURES];
  if (includesName(is.features, 'Hyper-V')) listed.push(...HYPERV_TOOLS);
  const features: LabNode['features'] = new Map(FEATURES.map((name) => [name, 'Available']));
  for (const name of listed)
    features.set(FEATURES.find((known) => sameName(known, name)) ?? name, 'Installed');
  const on = is.power === 'on';
  const clockAheadMs = is.setup.clockAheadSeconds * 1000;
  return {
    name: is.name,
    is,
    power: on ? 'running' : 'off',
    losses: 0,
    kernelStart: start - UP_SINCE_MS + clockAheadMs,
    bootTime: start - UP_SINCE_MS,
    clockAheadMs,
    featuresReadIn: start - UP_SINCE_MS,
    services: on ? 'Running' : 'Stopped',
    features,
    installing: null,
    pendingRestart: is.pendingRestart,
    migration: { ...is.liveMigration },
    paused: is.paused,
    quarantined: is.quarantined,
    networkDownUntil: 0,
    wrongSignIns: new Map(
      is.setup.locked
        ? [[is.setup.account.toLowerCase(), { count: 0, lastAt: start, lockedUntil: Infinity }]]
        : [],
    ),
    transition: null,
  };
}

function makeVm(s: Scenario, is: VmScenario, start: Instant): LabVm {
  const owner = s.nodes.find((node) => sameName(node.name, is.owner));
  const volume = s.sharedVolumes[0]?.path ?? 'C:\\ClusterStorage\\Volume1';
  const firstSwitch = owner?.switches[0]?.name;
  return {
    id: (is.id ?? labId(s.cluster, owner?.name ?? is.owner, is.name)).toLowerCase(),
    name: is.name,
    owner: owner?.name ?? is.owner,
    state: is.state,
    startedAt: start - is.uptimeSeconds * 1000,
    memoryBytes: is.memory,
    dirtyRate: is.dirtyRate,
    heartbeat: is.heartbeat,
    generation: is.generation,
    version: is.version,
    switches: is.switches ?? (firstSwitch === undefined ? [] : [firstSwitch]),
    disks: is.disks ?? [`${volume}\\${is.name}.vhdx`],
    configurationPath: is.configurationPath ?? `${volume}\\${is.name}`,
    parents: is.parents,
    sharedDisks: is.sharedDisks,
    dvds: is.dvds,
    compatibilityForMigration: is.compatibilityForMigration,
    passThroughDevices: is.passThroughDevices,
    gpuPartitions: is.gpuPartitions,
    critical: is.critical,
    tpm: is.tpm,
    busy: is.busy,
    snapshotPath: is.snapshotPath ?? is.configurationPath ?? `${volume}\\${is.name}`,
    notes: is.notes,
    starting: null,
    resumes: false,
  };
}

export function makeRole(world: World, vm: LabVm, name: string, from?: VmScenario): LabRole {
  const canonical = (names: string[]): string[] => names.map((n) => findNode(world, n)?.name ?? n);
  const on = vm.state === 'Running' || vm.state === 'Paused';
  return {
    vmId: vm.id,
    name,
    wanted: on ? 'online' : 'offline',
    state: on ? 'Online' : 'Offline',
    preferredOwners: canonical(from?.preferredOwners ?? []),
    possibleOwners: canonical(from?.possibleOwners ?? world.nodes.map((node) => node.name)),
    antiAffinityClassNames: from?.antiAffinity ?? [],
    locked: from?.locked ?? false,
    offlineAction: from?.offlineAction ?? 1,
    lastMove: { phase: 'none', percent: 0, failureReason: '0x00000000' },
    failover: null,
  };
}

export function makeWorld(scenario: Scenario, start: Instant): World {
  const nodes = scenario.nodes.map((is) => makeNode(is, start));
  const firstUp = nodes.find((node) => node.power === 'running')?.name ?? nodes[0]?.name ?? '';
  const world: World = {
    time: start,
    scenario,
    startedAt: start,
    agenda: new Agenda(),
    records: emptyRecords(),
    nodes,
    vms: new Map(),
    roles: new Map(),
    moves: [],
    jobs: [],
    cluster: { maximumParallelMigrations: scenario.maximumParallelMigrations },
    networks: scenario.networks.map((network) => ({ ...network })),
    sharedVolumes: scenario.sharedVolumes.map(({ name, path, state, owner }) => ({
      name,
      path,
      state,
      owner: nodes.find((n) => owner !== undefined && sameName(n.name, owner))?.name ?? firstUp,
    })),
    disks: scenario.disks.map(({ path, node }) => ({ path, node })),
    faults: [],
    quorate: true,
    quorumLostUntil: 0,
    created: 0,
    watchers: [],
    strike: () => undefined,
  };
  for (const is of scenario.virtualMachines) {
    const vm = makeVm(scenario, is, start);
    world.vms.set(vm.id, vm);
    for (const path of [...vm.disks, ...vm.parents])
      if (!fileOn(world, path, vm.owner)) world.disks.push({ path, node: null });
    if (is.clustered) world.roles.set(vm.id, makeRole(world, vm, is.role ?? vm.name, is));
  }
  for (const is of scenario.nodes) {
    for (const { hoursAgo, hresult, vm, ...event } of is.events) {
      const at = start - hoursAgo * 3_600_000;
      const vmId = [...world.vms.values()].find((one) => one.name === vm)?.id;
      const about = { ...(vm && { vm }), ...(vmId && { vmId }) };
      logEvent(world, is.name, { ...event, at, ...(hresult && { hresult }), ...about });
    }
  }
  return world;
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

export const onSharedVolume = (world: World, path: string): boolean =>
  world.sharedVolumes.some((volume) =>
    `${path.replaceAll('/', '\\').toLowerCase()}\\`.startsWith(`${volume.path.toLowerCase()}\\`),
  );

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

/** Powered on far enough to answer. */
export const answers = (node: LabNode): boolean =>
  node.power === 'running' || node.power === 'stopping';

/** A member of the cluster now, whether or not it may host roles. */
export const isMember = (node: LabNode): boolean => answers(node) && node.services === 'Running';

/** Neither off nor saved: it has its memory. */
export const isOn = (vm: LabVm): boolean =>
  vm.state === 'Running' || vm.state === 'Starting' || vm.state === 'Paused';

/** Memory free for VMs; one that is on its way here already has its memory set aside. */
export function freeMemory(world: World, node: LabNode): number {
  let free = node.is.memory - node.is.reservedMemory;
  for (const vm of world.vms.values())
    if (vm.owner === node.name && isOn(vm)) free -= vm.memoryBytes;
  for (const move of world.moves)
    if (move.to === node.name && move.phase !== 'queued') free -= move.plan.memoryBytes;
  return free;
}
