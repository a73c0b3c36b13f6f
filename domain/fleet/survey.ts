// What a plan for many VMs is made from: as little as will do of every node, because every look is kept in a run's
// history and a cluster may have 64 nodes and 4,000 VMs. Plain data, sizes in bytes.
import type {
  ClusterFacts,
  ClusterNodeFacts,
  HostFacts,
  IsoTime,
  LinkFacts,
  MigrationPerformance,
  MigrationSettings,
  MoveAwayFacts,
  NetworkFacts,
  NoAnswer,
  RoleFacts,
  ServiceFacts,
  SharedVolumeFacts,
  SwitchFacts,
  VmFacts,
} from '../facts.ts';
import { sameName } from '../names.ts';
import { lockFindings, vmFindings } from '../placement.ts';
import { isMoving, isQueued } from '../slots.ts';
import { sharedVolumeOf } from '../storage.ts';

/** A clustered VM, as the node tells it that owns its role. */
export interface SurveyedVm {
  /** Of its role. */
  name: string;
  vmId: string;
  /** `off`: off or saved; it can be moved, and not live. `moving`: a move of it is under way. */
  state: 'running' | 'off' | 'moving';
  /** Where it is on its way to, when that is known. */
  target?: string;
  /** Assigned now; 0 while it is off. */
  memoryBytes: number;
  priority: number;
  switches: string[];
  compatibility: boolean;
  version: string;
  antiAffinityClassNames: string[];
  /** Absent where they were not asked for; empty: every node. */
  possibleOwners?: string[];
  preferredOwners?: string[];
  /** What the VM itself has that no node can make up for, in words. Absent: nothing. */
  bound?: string[];
  /** Paths of the shared volumes with its disks which some node cannot use now. Absent: none. */
  volumes?: string[];
}

export interface NodeSurvey {
  memoryBytes: number;
  freeBytes: number;
  cpuVendor: string;
  cpuName: string;
  vmVersions: string[];
  switches: string[];
  /** null: Hyper-V is not there, or live migration is off. */
  performance: MigrationPerformance | null;
  /** Services that do not run. */
  servicesDown: string[];
  pendingRestart: boolean;
  /** Of the fastest network for migrations; null: Windows does not tell. */
  linkBytesPerSecond: number | null;
  vms: SurveyedVm[];
}

export interface ClusterSurvey {
  takenAt: IsoTime;
  answeredBy: string;
  cluster: ClusterFacts;
  nodes: ClusterNodeFacts[];
  networks: NetworkFacts[];
  sharedVolumes: SharedVolumeFacts[];
  coreOwner: string | null;
  /** Roles of all kinds that each node owns. */
  rolesOn: Record<string, number>;
  unserved?: string[];
}

export type SurveyAnswer = { survey: NodeSurvey } | { noAnswer: NoAnswer };

export interface Survey {
  cluster: ClusterSurvey;
  /** By name as the cluster writes it; nodes that were not asked are not in it. */
  nodes: Record<string, SurveyAnswer>;
}

export function surveyOf(s: Survey, node: string): NodeSurvey | null {
  const found =
    s.nodes[node] ?? Object.entries(s.nodes).find(([name]) => sameName(name, node))?.[1];
  return found !== undefined && 'survey' in found ? found.survey : null;
}

export interface PlacedVm {
  node: string;
  vm: SurveyedVm;
}

export const surveyedVms = (s: Survey): PlacedVm[] =>
  Object.entries(s.nodes).flatMap(([node, answer]) =>
    'survey' in answer ? answer.survey.vms.map((vm) => ({ node, vm })) : [],
  );

/** What a node was asked for a survey of it. */
export interface NodeFacts {
  host: HostFacts;
  services: readonly ServiceFacts[];
  switches: readonly SwitchFacts[];
  migration: MigrationSettings | null;
  vms: readonly VmFacts[];
  /** Those that the node owns. */
  roles: readonly RoleFacts[];
  movesAway: readonly MoveAwayFacts[];
  volumes: readonly SharedVolumeFacts[];
  links: readonly LinkFacts[];
  /** The roles tell their owners. */
  owners: boolean;
}

export function nodeSurveyOf(facts: NodeFacts): NodeSurvey {
  const { host, migration } = facts;
  const byId = new Map(facts.vms.map((vm) => [vm.id.toLowerCase(), vm]));
  return {
    memoryBytes: host.memoryBytes,
    freeBytes: host.freeMemoryBytes,
    cpuVendor: host.cpuVendor,
    cpuName: host.cpuName,
    vmVersions: host.vmVersions,
    switches: facts.switches.filter(({ type }) => type === 'External').map(({ name }) => name),
    performance: migration?.enabled === true ? migration.performance : null,
    servicesDown: facts.services.filter((s) => s.state !== 'Running').map((s) => s.name),
    pendingRestart: host.pendingRestart,
    linkBytesPerSecond: fastest(facts.links),
    vms: facts.roles.flatMap((role) => {
      const vm = byId.get(role.vmId.toLowerCase());
      return vm === undefined ? [] : [vmSurveyOf(facts, role, vm)];
    }),
  };
}

function vmSurveyOf(facts: NodeFacts, role: RoleFacts, vm: VmFacts): SurveyedVm {
  const bound = [...vmFindings(facts.volumes, vm), ...lockFindings(role)]
    .map(({ reason }) => reason)
    .filter(({ kind }) => kind === 'blocker')
    .map(({ text }) => text);
  const volumes = new Set(
    vm.disks
      .map((path) => sharedVolumeOf(path, facts.volumes))
      .filter((volume) => (volume?.pausedOn ?? []).length > 0)
      .map((volume) => volume?.path ?? ''),
  );
  const runs = vm.state !== 'Off' && vm.state !== 'Saved';
  const moves = isMoving(role) || isQueued(role);
  const away = facts.movesAway.find(({ vmId }) => sameName(vmId, role.vmId));
  const target = moves ? (role.move.target ?? away?.target ?? null) : null;
  return {
    name: role.name,
    vmId: role.vmId,
    state: moves ? 'moving' : runs ? 'running' : 'off',
    ...(target === null ? {} : { target }),
    memoryBytes:
      runs && vm.memoryAssignedBytes === 0 ? vm.memoryStartupBytes : vm.memoryAssignedBytes,
    priority: role.priority ?? MEDIUM_PRIORITY,
    switches: [...new Set(vm.switches.filter((name) => name !== null))],
    compatibility: vm.compatibilityForMigration,
    version: vm.version,
    antiAffinityClassNames: role.antiAffinityClassNames,
    ...(facts.owners
      ? { possibleOwners: role.possibleOwners, preferredOwners: role.preferredOwners }
      : {}),
    ...(bound.length === 0 ? {} : { bound }),
    ...(volumes.size === 0 ? {} : { volumes: [...volumes] }),
  };
}

/** What a group has unless somebody says otherwise (MSCS groups-priority). */
const MEDIUM_PRIORITY = 2000;

function fastest(links: readonly LinkFacts[]): number | null {
  const known = links.map(({ bytesPerSecond }) => bytesPerSecond).filter((rate) => rate !== null);
  return known.length === 0 ? null : Math.max(...known);
}
