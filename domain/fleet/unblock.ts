// Where there is no plan: what stands in the way, and the smallest change that would open one. Changes are tried one at
// a time in a fixed order, the cheapest for people first, and only those are told with which the planner finds a plan.
import { planMoves } from '../planner/plan.ts';
import { placesNow } from '../planner/places.ts';
import type { Bar, PlannedVm, PlanProblem } from '../planner/problem.ts';
import { listed, sizeText } from '../units.ts';
import { EMPTIED, reasonsText } from './problem.ts';

export interface Obstacle {
  /** VMs that have no way, each with what keeps it from every node. */
  blocks: string[];
  /** Each alone would do, the smallest first. Empty: none was found. */
  help: string[];
}

/** Of a problem that has no plan; `blocked` as the planner names them. */
export function obstacleOf(problem: PlanProblem, blocked: readonly string[]): Obstacle {
  const names = [...new Set([...blocked, ...withoutWay(problem)])];
  return {
    blocks: names.slice(0, NAMED_MAX).map((name) => blockText(problem, name)),
    help: helpFor(problem, names),
  };
}

/** More are counted and not explained. */
const NAMED_MAX = 10;
/** Plans that are made to try changes; of a large cluster one takes a second. */
const TRIES_MAX = 24;
const TRIES_OF_LARGE = 8;
/** VMs times nodes. */
const LARGE = 20_000;
/** More advice is none. */
const HELP_MAX = 3;
/** Others that might make room. */
const OTHERS_MAX = 5;
/** More than these nobody shuts down to empty a node. */
const SHUT_DOWN_MAX = 12;

const leavingOf = ({ task }: PlanProblem): readonly string[] =>
  task.kind === 'rebalance' ? [] : task.nodes;

const isClosed = (problem: PlanProblem, node: string): boolean =>
  problem.task.kind === 'empty' && problem.task.nodes.includes(node);

/** VMs that have to leave and may be nowhere else. */
const withoutWay = (problem: PlanProblem): string[] =>
  problem.vms
    .filter(({ owner }) => leavingOf(problem).includes(owner))
    .filter((vm) =>
      problem.nodes.every(
        ({ name }) =>
          name === vm.owner ||
          isClosed(problem, name) ||
          (vm.never !== undefined && (vm.never[name] ?? []).length > 0),
      ),
    )
    .map(({ name }) => name);

function blockText(problem: PlanProblem, name: string): string {
  const vm = problem.vms.find((one) => one.name === name);
  if (vm === undefined) return name;
  const head = `${name} (${sizeText(vm.memoryBytes)}) on ${vm.owner}`;
  const bound = barsOf(vm, vm.owner).filter(({ code }) => code === 'bound');
  if (bound.length > 0) return `${head}: ${bound.map(({ text }) => text).join('; ')}`;
  const reasons = placesNow(problem, name)
    .filter(({ node }) => node !== vm.owner)
    .map(({ node, why }) => ({
      node,
      text: isClosed(problem, node) ? EMPTIED : textOf(vm, node, why),
    }));
  return `${head}: ${reasonsText(reasons)}`;
}

const barsOf = (vm: PlannedVm, node: string): readonly Bar[] => vm.never?.[node] ?? [];

function textOf(vm: PlannedVm, node: string, why: string | null): string {
  const bars = barsOf(vm, node);
  if (bars.length > 0) return bars.map(({ text }) => text).join(', ');
  return why ?? 'there is room, which others of the plan need';
}

interface Change {
  text: string;
  problem: PlanProblem;
}

function helpFor(problem: PlanProblem, blocked: readonly string[]): string[] {
  const isLarge = problem.vms.length * problem.nodes.length > LARGE;
  const help: string[] = [];
  let left = isLarge ? TRIES_OF_LARGE : TRIES_MAX;
  for (const changes of [openNodes, addOwners, lowerReserve, takeAway]) {
    for (const change of changes(problem, blocked)) {
      if (left <= 0 || help.length >= HELP_MAX) break;
      left -= 1;
      if (!planMoves(change.problem).feasible) continue;
      help.push(change.text);
      break;
    }
  }
  return help.length > 0 ? help : takeAllAway(problem, blocked);
}

/** What is done to a node so that this bar falls. Of what is not here no single deed would do. */
const DEEDS: Readonly<Record<string, (node: string) => string>> = {
  'node-paused': (node) => `resume ${node}`,
  'node-avoided': (node) => `set AvoidPlacement of ${node} back`,
  'node-draining': (node) => `let the drain of ${node} end, and resume it`,
  'node-quarantined': (node) => `clear the quarantine of ${node}`,
  'migration-off': (node) => `enable live migration on ${node}`,
  'service-down': (node) => `start the services of ${node} that do not run`,
  'switch-missing': (node) => `create the missing virtual switch on ${node}`,
};

function openNodes(problem: PlanProblem, blocked: readonly string[]): Change[] {
  const vms = problem.vms.filter(({ name }) => blocked.includes(name));
  return problem.nodes.flatMap(({ name: node }) => {
    if (isClosed(problem, node)) return [];
    const codes = vms.map((vm) => new Set(barsOf(vm, node).map(({ code }) => code)));
    const [code] = codes.find((set) => set.size === 1) ?? [];
    const deed = code === undefined ? undefined : DEEDS[code];
    if (deed === undefined) return [];
    const opened: PlanProblem = {
      ...problem,
      nodes: problem.nodes.map((one) => (one.name === node ? { ...one, open: true } : one)),
      vms: problem.vms.map((vm) => withoutBar(vm, node, code)),
    };
    return [{ text: deed(node), problem: opened }];
  });
}

const withoutBar = (vm: PlannedVm, node: string, code: string | undefined): PlannedVm => ({
  ...vm,
  ...(vm.never === undefined
    ? {}
    : { never: { ...vm.never, [node]: barsOf(vm, node).filter((bar) => bar.code !== code) } }),
});

const NOT_OWNER = 'not-possible-owner';

function addOwners(problem: PlanProblem, blocked: readonly string[]): Change[] {
  const vms = problem.vms.filter(({ name }) => blocked.includes(name));
  return vms.flatMap((vm) =>
    problem.nodes
      .filter(({ name }) => !isClosed(problem, name))
      .filter(({ name }) => {
        const bars = barsOf(vm, name);
        return bars.length === 1 && bars[0]?.code === NOT_OWNER;
      })
      .map(({ name: node }) => ({
        text: `add ${node} to the possible owners of ${vm.name}`,
        problem: {
          ...problem,
          vms: problem.vms.map((one) => (one === vm ? withoutBar(vm, node, NOT_OWNER) : one)),
        },
      })),
  );
}

function lowerReserve(problem: PlanProblem): Change[] {
  const { reserveBytes } = problem;
  return [2, 4].map((part) => ({
    text: `lower the reserve from ${sizeText(reserveBytes)} to ${sizeText(reserveBytes / part)}`,
    problem: { ...problem, reserveBytes: reserveBytes / part },
  }));
}

/** A blocked one itself, the smallest first; then one that would leave enough room where one of them could go. */
function takeAway(problem: PlanProblem, blocked: readonly string[]): Change[] {
  const bySize = (a: PlannedVm, b: PlannedVm): number => a.memoryBytes - b.memoryBytes;
  const own = problem.vms.filter(({ name }) => blocked.includes(name)).sort(bySize);
  const others = own.slice(0, 1).flatMap((vm) => makersOfRoom(problem, vm).sort(bySize));
  return [
    ...own.map((vm) => ({ vm, deed: 'shut down' })),
    ...others.slice(0, OTHERS_MAX).map((vm) => ({ vm, deed: 'shut down or move' })),
  ]
    .sort((a, b) => bySize(a.vm, b.vm))
    .map(({ vm, deed }) => ({
      text: `${deed} ${vm.name} (${sizeText(vm.memoryBytes)} on ${vm.owner})`,
      problem: without(problem, [vm.name]),
    }));
}

function makersOfRoom(problem: PlanProblem, vm: PlannedVm): PlannedVm[] {
  const lacking = new Map(
    placesNow(problem, vm.name)
      .filter(({ node }) => !isClosed(problem, node) && barsOf(vm, node).length === 0)
      .map(({ node, roomBytes }) => [node, vm.memoryBytes - roomBytes]),
  );
  return problem.vms.filter(({ owner, memoryBytes }) => {
    const lacks = lacking.get(owner);
    return lacks !== undefined && owner !== vm.owner && lacks > 0 && memoryBytes >= lacks;
  });
}

const without = (problem: PlanProblem, names: readonly string[]): PlanProblem => ({
  ...problem,
  vms: problem.vms.filter(({ name }) => !names.includes(name)),
});

/** No single change does: those that block are taken away until there is a plan. */
function takeAllAway(problem: PlanProblem, blocked: readonly string[]): string[] {
  const gone = blocked.slice(0, SHUT_DOWN_MAX);
  if (blocked.length > SHUT_DOWN_MAX) return [];
  while (gone.length <= SHUT_DOWN_MAX) {
    const plan = planMoves(without(problem, gone));
    if (plan.feasible) {
      const bytes = problem.vms
        .filter(({ name }) => gone.includes(name))
        .reduce((sum, vm) => sum + vm.memoryBytes, 0);
      return [`shut down ${listed([...gone].sort(), SHUT_DOWN_MAX)} (${sizeText(bytes)} together)`];
    }
    const next = plan.blocked.filter((name) => !gone.includes(name));
    if (next.length === 0) return [];
    gone.push(...next);
  }
  return [];
}
