// From what was seen to what the planner is asked: nodes with the room that they have, VMs with the nodes that may take
// them, and the words for those that nothing can move. Pure.
import { NODE_STATUS, type ClusterNodeFacts } from '../facts.ts';
import { includesName, sameName } from '../names.ts';
import type {
  MoveModel,
  PlannedNode,
  PlannedVm,
  PlanProblem,
  PlanTask,
} from '../planner/problem.ts';
import { staticTargets } from '../planner/plan.ts';
import { sizeText } from '../units.ts';
import {
  surveyedVms,
  surveyOf,
  type NodeSurvey,
  type PlacedVm,
  type Survey,
  type SurveyedVm,
} from './survey.ts';

/** Until this cluster has shown what its moves take. Setup, hand-over and rounds as they are documented nowhere: assumed. */
export const ASSUMED_MODEL: MoveModel = {
  setupSeconds: 3,
  handoverSeconds: 2,
  blackoutSeconds: 0.3,
  roundsMax: 10,
  factors: { TCPIP: 1, Compression: 2, SMB: 1.5 },
};
/** 10 Gbit/s, where Windows does not tell. */
const ASSUMED_LINK = 1_250_000_000;

export interface Stuck {
  vm: string;
  vmId: string;
  node: string;
  memoryBytes: number;
  why: string;
}

export interface Asked {
  problem: PlanProblem;
  /** VMs of the nodes that are to be emptied which can be moved live to no node, with the reasons. */
  stuck: Stuck[];
  /** VMs of these nodes that do not run, or are on their way. */
  off: PlacedVm[];
  moving: PlacedVm[];
}

export interface AskOptions {
  reserveBytes: number;
  model?: MoveModel;
}

/** Why no VM may come to the node at all; null: some may. */
export function whyClosed(s: Survey, node: ClusterNodeFacts): string | null {
  if (node.state === 'Paused') return `${node.name} is paused`;
  if (node.state !== 'Up') return `${node.name} is ${node.state}`;
  if (node.quarantined) return `${node.name} is quarantined`;
  const status = node.status ?? 0;
  if ((status & NODE_STATUS.isolated) !== 0) return `${node.name} is isolated`;
  if ((status & NODE_STATUS.drainInProgress) !== 0) return `${node.name} is being drained`;
  if ((status & NODE_STATUS.avoidPlacement) !== 0) return `${node.name} is set to AvoidPlacement`;
  const survey = surveyOf(s, node.name);
  if (survey === null) return silence(s, node.name);
  if (survey.servicesDown.length > 0) {
    return `${survey.servicesDown.join(' and ')} on ${node.name} does not run`;
  }
  if (survey.performance === null) return `live migration is not enabled on ${node.name}`;
  return null;
}

function silence(s: Survey, node: string): string {
  const answer = Object.entries(s.nodes).find(([name]) => sameName(name, node))?.[1];
  const why = answer !== undefined && 'noAnswer' in answer ? `: ${answer.noAnswer.message}` : '';
  return `${node} did not answer${why}`;
}

/** What VMs of the cluster have there, and what is free beside them. */
const usableOf = ({ freeBytes, vms }: NodeSurvey): number =>
  vms.reduce((sum, vm) => sum + vm.memoryBytes, freeBytes);

function plannedNode(s: Survey, node: ClusterNodeFacts, isEmptied: boolean): PlannedNode {
  const survey = surveyOf(s, node.name);
  return {
    name: node.name,
    usableBytes: survey === null ? 0 : usableOf(survey),
    linkBytesPerSecond: survey?.linkBytesPerSecond ?? ASSUMED_LINK,
    performance: survey?.performance ?? 'Compression',
    cpuVendor: survey?.cpuVendor ?? '',
    cpuModel: survey?.cpuName ?? '',
    switches: survey?.switches ?? [],
    open: isEmptied || whyClosed(s, node) === null,
  };
}

/** A VM whose owners nobody asked for is not moved by a plan. */
function plannedVm({ node, vm }: PlacedVm): PlannedVm {
  const mayMove =
    vm.state === 'running' && vm.bound === undefined && vm.possibleOwners !== undefined;
  return {
    name: vm.name,
    owner: node,
    memoryBytes: vm.memoryBytes,
    dirtyBytesPerSecond: 0,
    switches: vm.switches,
    compatibility: vm.compatibility,
    possibleOwners: mayMove ? (vm.possibleOwners ?? []) : [node],
    preferredOwners: vm.preferredOwners ?? [],
    antiAffinityClassNames: vm.antiAffinityClassNames,
  };
}

/** The question for the planner, and what has to be dealt with otherwise. Nodes of the task may be paused already. */
export function askOf(s: Survey, task: PlanTask, { reserveBytes, model }: AskOptions): Asked {
  const leaving = task.kind === 'rebalance' ? [] : task.nodes;
  const isLeaving = (node: string): boolean => includesName(leaving, node);
  const nodes = s.cluster.nodes.map((node) => plannedNode(s, node, isLeaving(node.name)));
  const placed = surveyedVms(s).filter(({ vm }) => vm.memoryBytes > 0);
  const problem: PlanProblem = {
    model: model ?? ASSUMED_MODEL,
    slots: s.cluster.cluster.maximumParallelMigrations,
    reserveBytes,
    enforcedAntiAffinity: s.cluster.cluster.enforcedAntiAffinity,
    nodes,
    vms: placed.map(plannedVm),
    task,
  };
  const there = surveyedVms(s).filter(({ node }) => isLeaving(node));
  const ways = staticTargets(problem, leaving);
  const stuck = there
    .filter(({ vm }) => vm.state === 'running')
    .flatMap(({ node, vm }): Stuck[] => {
      const why = vm.bound?.join('; ') ?? whyNowhere(ways.get(vm.name) ?? []);
      if (why === null) return [];
      return [{ vm: vm.name, vmId: vm.vmId, node, memoryBytes: vm.memoryBytes, why }];
    });
  const names = new Set(stuck.map(({ vm }) => vm));
  const asked = { ...problem, vms: problem.vms.filter((vm) => !names.has(vm.name)) };
  return {
    problem: asked,
    stuck,
    off: there.filter(({ vm }) => vm.state === 'off'),
    moving: there.filter(({ vm }) => vm.state === 'moving'),
  };
}

/** null: there is a way. */
const whyNowhere = (never: readonly (string | null)[]): string | null =>
  never.includes(null) ? null : never.filter((why) => why !== null).join('; ');

export interface Way {
  node: string;
  /** Free beyond the reserve. */
  roomBytes: number;
}

/** Where one VM could go now, best first, and why not elsewhere. */
export function waysOf(
  s: Survey,
  { node: home, vm }: PlacedVm,
  o: { reserveBytes: number; closed: readonly string[]; only?: string; avoid?: readonly string[] },
): { ways: Way[]; why: string } {
  const { problem } = askOf(s, { kind: 'empty', nodes: [home] }, o);
  const never = staticTargets({ ...problem, vms: [plannedVm({ node: home, vm })] }, [home]);
  const reasons: string[] = [];
  const ways: Way[] = [];
  for (const [index, node] of problem.nodes.entries()) {
    if (sameName(node.name, home) || (o.only !== undefined && !sameName(o.only, node.name)))
      continue;
    const roomBytes = roomOn(s, node.name) - o.reserveBytes;
    const why =
      vm.bound?.join('; ') ??
      (includesName(o.closed, node.name) ? `${node.name} is to be emptied` : null) ??
      (includesName(o.avoid ?? [], node.name) ? `${node.name} has just turned it down` : null) ??
      never.get(vm.name)?.[index] ??
      lackOf(node.name, vm, roomBytes);
    if (why === null) ways.push({ node: node.name, roomBytes });
    else reasons.push(why);
  }
  const isWish = ({ node }: Way): boolean => includesName(vm.preferredOwners ?? [], node);
  ways.sort((a, b) => Number(isWish(b)) - Number(isWish(a)) || b.roomBytes - a.roomBytes);
  return { ways, why: [...new Set(reasons)].join('; ') };
}

const lackOf = (node: string, vm: SurveyedVm, roomBytes: number): string | null =>
  roomBytes >= vm.memoryBytes
    ? null
    : `${node} has ${sizeText(Math.max(0, roomBytes))} of room for ${sizeText(vm.memoryBytes)}`;

export const roomOn = (s: Survey, node: string): number => surveyOf(s, node)?.freeBytes ?? 0;
