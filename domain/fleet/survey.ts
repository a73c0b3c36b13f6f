// What a plan for many VMs is made from: as little as will do of every node, because every look is kept in a run's history
// and a cluster may have 64 nodes and 4,000 VMs. Plain data, sizes in bytes.
import type {
  ClusterFacts,
  ClusterNodeFacts,
  IsoTime,
  MigrationPerformance,
  NetworkFacts,
  NoAnswer,
  SharedVolumeFacts,
} from '../facts.ts';
import { sameName } from '../names.ts';

/** A clustered VM, as the node tells it that owns its role. */
export interface SurveyedVm {
  /** Of its role. */
  name: string;
  vmId: string;
  /** `off`: off or saved; it can be moved, and not live. `moving`: a move of it is under way. */
  state: 'running' | 'off' | 'moving';
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
  const found = Object.entries(s.nodes).find(([name]) => sameName(name, node))?.[1];
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
