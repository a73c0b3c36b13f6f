// Whether a plan that was kept still fits: what has changed since, as far as the plan rests on it, in words. What does
// not matter to it is not told.
import { includesName, sameName } from '../names.ts';
import { sizeText } from '../units.ts';
import type { PlanDocument } from './plan-document.ts';
import { surveyedVms, surveyOf, type PlacedVm, type Survey } from './survey.ts';

/** A link that is slower than this share of what it was makes another plan. */
const SLOWER = 0.8;

/** null: it is not slower, or nobody has told. Bytes per second. */
export const slowerLink = (name: string, was: number | null, is: number | null): string | null =>
  was !== null && is !== null && is < was * SLOWER
    ? `the link of ${name} was ${sizeText(was)}/s and is ${sizeText(is)}/s`
    : null;

/** Empty: it can be run as it is. */
export function compareFacts(plan: PlanDocument, now: Survey): string[] {
  const { cluster } = now.cluster;
  if (plan.clusterId !== null && cluster.id !== undefined && cluster.id !== plan.clusterId) {
    return [`the plan is for another cluster named ${plan.cluster}: its id is ${plan.clusterId}`];
  }
  const placed = surveyedVms(now);
  return [
    ...limitDrift(plan, cluster.maximumParallelMigrations),
    ...plan.facts.nodes.flatMap((node) => nodeDrift(plan, node, now)),
    ...plan.moves.flatMap((move) => vmDrift(plan, move, placed, now)),
    ...newcomers(plan, placed),
    ...roomDrift(plan, placed, now),
  ];
}

function limitDrift({ facts }: PlanDocument, limit: number): string[] {
  if (limit === facts.slots) return [];
  return [`MaximumParallelMigrations was ${facts.slots} and is ${limit}`];
}

const isUsed = ({ moves }: PlanDocument, node: string): boolean =>
  moves.some(({ from, to }) => sameName(from, node) || sameName(to, node));

const isTarget = ({ moves }: PlanDocument, node: string): boolean =>
  moves.some(({ to }) => sameName(to, node));

const emptiedBy = ({ task }: PlanDocument): readonly string[] =>
  task.kind === 'rebalance' ? [] : task.nodes;

function nodeDrift(
  plan: PlanDocument,
  before: PlanDocument['facts']['nodes'][number],
  now: Survey,
): string[] {
  const { name } = before;
  const isEmptied = includesName(emptiedBy(plan), name);
  if (!isUsed(plan, name) && !isEmptied) return [];
  const node = now.cluster.nodes.find((one) => sameName(one.name, name));
  if (node === undefined) return [`${name} is no node of the cluster any more`];
  // Whoever empties a node pauses it.
  const mayBePaused = isEmptied && !isTarget(plan, name);
  const out: string[] = [];
  if (node.state !== before.state && !(mayBePaused && ['Up', 'Paused'].includes(node.state))) {
    out.push(`${name} was ${before.state} and is ${node.state}`);
  } else if (node.quarantined && isTarget(plan, name)) {
    out.push(`${name} is quarantined now`);
  }
  const told = surveyOf(now, name);
  if (told === null) {
    return before.freeBytes === null || node.state === 'Down'
      ? out
      : [...out, `${name} does not answer now`];
  }
  if (told.performance === null) out.push(`live migration is not enabled on ${name} now`);
  const slower = slowerLink(name, before.linkBytesPerSecond, told.linkBytesPerSecond);
  if (slower !== null) out.push(`${slower}: the moves take longer`);
  return out;
}

const find = (placed: readonly PlacedVm[], vmId: string): PlacedVm | undefined =>
  placed.find(({ vm }) => sameName(vm.vmId, vmId));

function vmDrift(
  plan: PlanDocument,
  { vm: name, vmId, to }: PlanDocument['moves'][number],
  placed: readonly PlacedVm[],
  now: Survey,
): string[] {
  const before = plan.facts.vms.find((vm) => sameName(vm.vmId, vmId));
  const found = find(placed, vmId);
  const home = before?.node ?? '';
  if (found === undefined)
    return surveyOf(now, home) === null ? [] : [`${name} is gone: ${home} has no such VM`];
  const { vm, node } = found;
  if (!sameName(node, home)) return [`${name} was on ${home} and is on ${node}`];
  if (vm.state === 'off' && before?.state !== 'off') return [`${name} does not run any more`];
  if (vm.state === 'moving' && before?.state !== 'moving')
    return [`a move of ${name} is under way${vm.target === undefined ? '' : ` to ${vm.target}`}`];
  if (vm.bound !== undefined) return [`${name} cannot be moved now: ${vm.bound.join('; ')}`];
  const owners = vm.possibleOwners ?? [];
  if (owners.length > 0 && !includesName(owners, to))
    return [`${to} is not a possible owner of ${name} any more`];
  return [];
}

/** VMs on a node that is to be emptied which the plan does not know. */
function newcomers(plan: PlanDocument, placed: readonly PlacedVm[]): string[] {
  return placed
    .filter(({ node }) => includesName(emptiedBy(plan), node))
    .filter(({ vm }) => !plan.facts.vms.some((known) => sameName(known.vmId, vm.vmId)))
    .map(
      ({ vm, node }) =>
        `${vm.name} (${sizeText(vm.memoryBytes)}) is on ${node}, which the plan does not know`,
    );
}

/** All that comes must find room beside all that does not leave. */
function roomDrift(plan: PlanDocument, placed: readonly PlacedVm[], now: Survey): string[] {
  const last = new Map(plan.moves.map((move) => [move.vmId.toLowerCase(), move]));
  const change = new Map<string, number>();
  const add = (node: string, bytes: number): void => {
    change.set(node.toLowerCase(), (change.get(node.toLowerCase()) ?? 0) + bytes);
  };
  for (const [vmId, { to }] of last) {
    const found = find(placed, vmId);
    if (found === undefined || sameName(found.node, to)) continue;
    add(to, found.vm.memoryBytes);
    add(found.node, -found.vm.memoryBytes);
  }
  return plan.facts.nodes.flatMap(({ name }) => {
    const comes = change.get(name.toLowerCase()) ?? 0;
    const free = surveyOf(now, name)?.freeBytes;
    if (comes <= 0 || free === undefined || free - comes >= plan.facts.reserveBytes) return [];
    const reserve = sizeText(plan.facts.reserveBytes);
    return [
      `${name} has ${sizeText(free)} free, which is too little for ${sizeText(comes)} more and a reserve of ${reserve}`,
    ];
  });
}
