// From what was seen to what the planner is asked: nodes with the room that they have, VMs with the nodes that may take
// them, and the words for those that nothing can move. Pure.
import type { ClusterNodeFacts } from '../facts.ts';
import { includesName, sameName } from '../names.ts';
import { placesNow } from '../planner/places.ts';
import type {
  Bar,
  MoveModel,
  PlannedNode,
  PlannedVm,
  PlanProblem,
  PlanTask,
} from '../planner/problem.ts';
import type { Learned } from './learned.ts';
import { listed } from '../units.ts';
import { Rules } from './rules.ts';
import { surveyedVms, surveyOf, type PlacedVm, type Survey } from './survey.ts';

/**
 * Until this cluster has shown what its moves take. Setup, hand-over and rounds as they are documented nowhere:
 * assumed.
 */
export const ASSUMED_MODEL: MoveModel = {
  setupSeconds: 3,
  handoverSeconds: 2,
  blackoutSeconds: 0.3,
  roundsMax: 10,
  factors: { TCPIP: 1, Compression: 2, SMB: 1.5 },
};
/** 10 Gbit/s, where Windows does not tell. */
export const ASSUMED_LINK = 1_250_000_000;

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
  /** What past moves have shown. */
  learned?: Learned;
}

/** The question for the planner, and what has to be dealt with otherwise. Nodes of the task may be paused already. */
export function askOf(s: Survey, task: PlanTask, o: AskOptions): Asked {
  const leaving = task.kind === 'rebalance' ? [] : task.nodes;
  const whole = wholeProblem(s, task, o);
  const there = surveyedVms(s).filter(({ node }) => includesName(leaving, node));
  const byName = new Map(whole.vms.map((vm) => [vm.name, vm]));
  const stuck = there.flatMap(({ node, vm }): Stuck[] => {
    const planned = vm.state === 'running' ? byName.get(vm.name) : undefined;
    const why = planned === undefined ? null : whyNowhere(whole, planned);
    if (why === null) return [];
    return [{ vm: vm.name, vmId: vm.vmId, node, memoryBytes: vm.memoryBytes, why }];
  });
  const names = new Set(stuck.map(({ vm }) => vm));
  return {
    problem: { ...whole, vms: whole.vms.filter((vm) => !names.has(vm.name)) },
    stuck,
    off: there.filter(({ vm }) => vm.state === 'off'),
    moving: there.filter(({ vm }) => vm.state === 'moving'),
  };
}

/** With those VMs that can be moved nowhere: what a planner answers to it is whether all of it is possible. */
export function wholeProblem(
  s: Survey,
  task: PlanTask,
  { reserveBytes, model, learned }: AskOptions,
): PlanProblem {
  const { cluster } = s.cluster;
  const leaving = task.kind === 'rebalance' ? [] : task.nodes;
  const rules = new Rules(s, leaving);
  const groups = affinityOf(s);
  const vms = surveyedVms(s)
    .filter(({ vm }) => vm.memoryBytes > 0)
    .map((placed) => plannedVm(s, placed, rules, groups, learned))
    // On its way to a node that is to be empty: nothing can be said of it before it is there.
    .filter((vm) => vm.never?.[vm.owner]?.[0] !== UNDER_WAY || !includesName(leaving, vm.owner));
  const used = new Map<string, number>();
  for (const { owner, memoryBytes } of vms) used.set(owner, (used.get(owner) ?? 0) + memoryBytes);
  return {
    model: model ?? learned?.model ?? ASSUMED_MODEL,
    slots: cluster.maximumParallelMigrations,
    reserveBytes,
    enforcedAntiAffinity: cluster.enforcedAntiAffinity,
    nodes: s.cluster.nodes.map((node) => {
      const isOpen = includesName(leaving, node.name) || rules.whyClosed(node) === null;
      return plannedNode(s, node, used.get(node.name) ?? 0, isOpen, learned);
    }),
    vms,
    task,
  };
}

function plannedNode(
  s: Survey,
  node: ClusterNodeFacts,
  usedBytes: number,
  isOpen: boolean,
  learned: Learned | undefined,
): PlannedNode {
  const told = surveyOf(s, node.name);
  const performance = told?.performance ?? 'Compression';
  const factor = (learned?.model ?? ASSUMED_MODEL).factors[performance];
  const shown = learned?.rates[node.name.toLowerCase()]?.value;
  return {
    name: node.name,
    usableBytes: told === null ? 0 : told.freeBytes + usedBytes,
    linkBytesPerSecond:
      shown === undefined ? (told?.linkBytesPerSecond ?? ASSUMED_LINK) : shown / factor,
    performance,
    cpuVendor: told?.cpuVendor ?? '',
    cpuModel: told?.cpuName ?? '',
    switches: told?.switches ?? [],
    open: isOpen,
  };
}

const UNDER_WAY: Bar = { code: 'under-way', text: 'a move of it is under way' };
const NOT_ASKED: Bar = { code: 'owners-unknown', text: 'its possible owners were not asked for' };

function plannedVm(
  s: Survey,
  placed: PlacedVm,
  rules: Rules,
  groups: Affinity,
  learned: Learned | undefined,
): PlannedVm {
  const { node, vm } = placed;
  const target = s.cluster.nodes.find(({ name }) => sameName(name, vm.target ?? ''))?.name;
  const { never, avoid } =
    vm.state === 'moving'
      ? rules.nowhere(UNDER_WAY)
      : vm.possibleOwners === undefined
        ? rules.nowhere(NOT_ASKED)
        : rules.about(placed);
  return {
    name: vm.name,
    // What is on its way takes its memory where it goes.
    owner: target ?? node,
    memoryBytes: vm.memoryBytes,
    dirtyBytesPerSecond: learned?.dirty[vm.vmId.toLowerCase()]?.value ?? 0,
    switches: [],
    compatibility: true,
    possibleOwners: [],
    preferredOwners: (vm.preferredOwners ?? []).flatMap(
      (name) => s.cluster.nodes.find((one) => sameName(one.name, name))?.name ?? [],
    ),
    antiAffinityClassNames: vm.antiAffinityClassNames.map((name) => name.toLowerCase()),
    never,
    ...(avoid.length === 0 ? {} : { avoid }),
    ...groups.get(vm.name.toLowerCase()),
    ...(vm.priority === MEDIUM ? {} : { priority: vm.priority }),
  };
}

const MEDIUM = 2000;

type Affinity = ReadonlyMap<string, Pick<PlannedVm, 'apart' | 'ratherApart' | 'together'>>;

/** Which of the cluster's affinity rules bind a role, as strictly as placement takes them (placement-rules.ts). */
function affinityOf(s: Survey): Affinity {
  const groups = new Map<
    string,
    { apart?: string[]; ratherApart?: string[]; together?: string[] }
  >();
  for (const { name, type, groups: members } of s.cluster.cluster.affinityRules ?? []) {
    if (type === 'Unknown' || members.length < 2) continue;
    const key =
      type === 'DifferentNode' ? 'apart' : type.startsWith('Same') ? 'together' : 'ratherApart';
    for (const member of members) {
      const own = groups.get(member.toLowerCase()) ?? {};
      own[key] = [...(own[key] ?? []), `rule ${name}`];
      groups.set(member.toLowerCase(), own);
    }
  }
  return groups;
}

/** null: there is a way. Nodes that are maintained one after the other take VMs before and after their turn. */
function whyNowhere(problem: PlanProblem, vm: PlannedVm): string | null {
  const closed = problem.task.kind === 'empty' ? problem.task.nodes : [];
  const bound = vm.never?.[vm.owner]?.filter(({ code }) => code === 'bound') ?? [];
  if (bound.length > 0) return bound.map(({ text }) => text).join('; ');
  const reasons: NodeReason[] = [];
  for (const { name } of problem.nodes) {
    const bars = vm.never?.[name] ?? [];
    if (name === vm.owner) continue;
    if (includesName(closed, name)) reasons.push({ node: name, text: EMPTIED });
    else if (bars.length === 0) return null;
    else reasons.push({ node: name, text: bars.map(({ text }) => text).join(', ') });
  }
  return reasonsText(reasons);
}

export const EMPTIED = 'it is to be emptied';

export interface NodeReason {
  node: string;
  text: string;
}

/** `HV2 and HV3: the node is paused and takes no VMs; HV4: …`: of 64 nodes most have the same to say. */
export function reasonsText(reasons: readonly NodeReason[]): string {
  const nodes = new Map<string, string[]>();
  for (const { node, text } of reasons) nodes.set(text, [...(nodes.get(text) ?? []), node]);
  return [...nodes].map(([text, names]) => `${listed(names)}: ${text}`).join('; ');
}

/** Why no VM may come to the node at all; null: some may. */
export const whyClosed = (s: Survey, node: ClusterNodeFacts): string | null =>
  new Rules(s, []).whyClosed(node);

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
  const problem = wholeProblem(s, { kind: 'empty', nodes: [home] }, o);
  const planned = problem.vms.find(({ name }) => name === vm.name);
  if (planned === undefined) return { ways: [], why: `${vm.name} does not run` };
  const bound = (planned.never?.[home] ?? []).filter(({ code }) => code === 'bound');
  const reasons = bound.map(({ text }) => text);
  const ways: Way[] = [];
  for (const { node, roomBytes, why: never } of placesNow(problem, vm.name)) {
    if (sameName(node, home) || (o.only !== undefined && !sameName(o.only, node))) continue;
    const why =
      (includesName(o.closed, node) ? `${node} is to be emptied` : null) ??
      (includesName(o.avoid ?? [], node) ? `${node} has just turned it down` : null) ??
      never;
    if (why === null) ways.push({ node, roomBytes });
    else if (bound.length === 0) reasons.push(why);
  }
  const wish = ({ node }: Way): number =>
    (includesName(planned.preferredOwners, node) ? 2 : 0) -
    (includesName(planned.avoid ?? [], node) ? 1 : 0);
  ways.sort((a, b) => wish(b) - wish(a) || b.roomBytes - a.roomBytes);
  return { ways, why: [...new Set(reasons)].join('; ') };
}

export const roomOn = (s: Survey, node: string): number => surveyOf(s, node)?.freeBytes ?? 0;
