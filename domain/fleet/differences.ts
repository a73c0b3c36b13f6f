// What of an outlook is otherwise when a node's turn has come, in words. What the maintenance has done itself meanwhile
// is no difference; what does not matter is not told. Pure.
import { includesName, sameName } from '../names.ts';
import { durationText, listed } from '../units.ts';
import type { PlanDocument } from './document.ts';
import { slowerLink } from './drift.ts';
import { inMiB, memoryOf, mibText, type Outlook, type OutlookNode } from './outlook.ts';
import { ASSUMED_LINK, ASSUMED_MODEL, type Stuck } from './problem.ts';
import { Rules } from './rules.ts';
import { surveyOf, type Survey } from './survey.ts';

/** @param maintained nodes whose VMs matter */
export function outlookOf(s: Survey, maintained: readonly string[]): Outlook {
  const { takenAt, cluster, nodes } = s.cluster;
  const rules = new Rules(s, []);
  return {
    at: takenAt,
    slots: cluster.maximumParallelMigrations,
    nodes: nodes.map((node): OutlookNode => {
      const { name } = node;
      const told = surveyOf(s, name);
      const there = told?.vms.filter(({ state }) => state !== 'off') ?? [];
      const bound = there.filter(
        ({ bound: why, possibleOwners: [only, ...others] = [] }) =>
          why !== undefined || (only !== undefined && sameName(only, name) && others.length === 0),
      );
      return {
        name,
        closed: rules.whyClosed(node),
        freeMiB: told === null ? null : inMiB(told.freeBytes),
        linkBytesPerSecond: told?.linkBytesPerSecond ?? null,
        ...(told !== null && includesName(maintained, name)
          ? { vms: there.map((vm): [string, number] => [vm.name, inMiB(vm.memoryBytes)]) }
          : {}),
        ...(bound.length === 0 ? {} : { bound: bound.map((vm) => vm.name) }),
      };
    }),
  };
}

/** The same of a plan that was kept. */
export const outlookOfPlan = ({ takenAt, task, facts }: PlanDocument): Outlook => ({
  at: takenAt,
  slots: facts.slots,
  nodes: facts.nodes.map(({ name, state, freeBytes, linkBytesPerSecond }) => ({
    name,
    closed: state === 'Up' ? null : `the node is ${state}`,
    freeMiB: freeBytes === null ? null : inMiB(freeBytes),
    linkBytesPerSecond,
    ...(task.kind !== 'rebalance' && includesName(task.nodes, name) && freeBytes !== null
      ? {
          vms: facts.vms
            .filter((vm) => sameName(vm.node, name) && vm.state !== 'off')
            .map((vm): [string, number] => [vm.vm, inMiB(vm.bytes)]),
        }
      : {}),
  })),
});

/** Dynamic memory breathes: less than this is no news. */
const GROWN = { share: 0.2, mib: 1024 };
/** VMs that left by themselves, as a share of those that were to leave, and at least so many. */
const LEFT = { share: 0.2, vms: 2 };
/** What comes takes up more than this share of the room that the others have. */
const TIGHT = 0.8;
/** With their reasons; the others are counted. */
const STUCK_TOLD = 3;
/** Another time that is told: as a share, and at least so much longer. */
const LONGER = { share: 1.25, seconds: 60 };

export interface PlannedNow {
  stuck: readonly Pick<Stuck, 'vm' | 'why'>[];
  /** By the plan that was made anew. */
  promisedSeconds: number;
  reserveBytes: number;
}

/** Sentences; empty where nothing that matters is otherwise. */
export function differences(
  then: Outlook,
  now: Outlook,
  name: string,
  planned: PlannedNow,
): string[] {
  return [
    ...vmsThatCame(then, now, name),
    ...vmsThatStay(then, name, planned),
    ...nodesThatChanged(then, now, name),
    ...(now.slots < then.slots
      ? [`MaximumParallelMigrations was ${then.slots} and is ${now.slots}`]
      : []),
    ...roomThatShrank(then, now, name, planned),
    ...timeThatGrew(then, now, name, planned),
  ];
}

const nodeIn = ({ nodes }: Outlook, name: string): OutlookNode | undefined =>
  nodes.find((node) => sameName(node.name, name));

function vmsThatCame(then: Outlook, now: Outlook, name: string): string[] {
  const [was, is] = [nodeIn(then, name)?.vms, nodeIn(now, name)?.vms];
  if (was === undefined || is === undefined) return [];
  const known = new Map(was.map(([vm, mib]) => [vm.toLowerCase(), mib]));
  const came = is.filter(([vm]) => !known.has(vm.toLowerCase()));
  const both = is.flatMap(([vm, mib]): [number, number][] => {
    const before = known.get(vm.toLowerCase());
    return before === undefined ? [] : [[before, mib]];
  });
  const left = was.length - both.length;
  const [before, after] = [0, 1].map((at) => both.reduce((sum, one) => sum + (one[at] ?? 0), 0));
  const grown = (after ?? 0) - (before ?? 0);
  return [
    ...(came.length === 0
      ? []
      : [
          `not planned for: ${listed(came.map(([vm, mib]) => `${vm} (${mibText(mib)})`))} on ${name}`,
        ]),
    ...(left >= LEFT.vms && left >= LEFT.share * was.length
      ? [`${left} of ${was.length} VMs that were to leave ${name} are not there any more`]
      : []),
    ...(grown >= GROWN.mib && grown >= GROWN.share * (before ?? 0)
      ? [`the VMs of ${name} had ${mibText(before ?? 0)} and have ${mibText(after ?? 0)} of memory`]
      : []),
  ];
}

function vmsThatStay(then: Outlook, name: string, { stuck }: PlannedNow): string[] {
  const known = nodeIn(then, name)?.bound ?? [];
  const fresh = stuck.filter(({ vm }) => !includesName(known, vm));
  if (fresh.length === 0) return [];
  const told = listed(
    fresh.map(({ vm, why }) => `${vm} (${why})`),
    STUCK_TOLD,
  );
  return [`can be moved nowhere now: ${told}`];
}

function nodesThatChanged(then: Outlook, now: Outlook, name: string): string[] {
  return now.nodes.flatMap((is): string[] => {
    const was = nodeIn(then, is.name);
    const isOwn = sameName(is.name, name);
    // What took no VMs then takes none of the plan's.
    if (was === undefined || (was.closed !== null && !isOwn)) return [];
    if (is.closed !== null && !isOwn) return [`${is.name} takes no VMs now: ${is.closed}`];
    const slower = slowerLink(is.name, was.linkBytesPerSecond, is.linkBytesPerSecond);
    return slower === null ? [] : [slower];
  });
}

/** Free beyond the reserve on all that may take VMs. */
const roomBeside = ({ nodes }: Outlook, name: string, reserveBytes: number): number =>
  nodes
    .filter((node) => node.closed === null && !sameName(node.name, name))
    .reduce((sum, { freeMiB }) => sum + Math.max(0, (freeMiB ?? 0) - inMiB(reserveBytes)), 0);

function roomThatShrank(
  then: Outlook,
  now: Outlook,
  name: string,
  { reserveBytes }: PlannedNow,
): string[] {
  const shareOf = (o: Outlook) => {
    const bytes = memoryOf(nodeIn(o, name)?.vms ?? []);
    const room = roomBeside(o, name, reserveBytes);
    return { bytes, room, isTight: bytes > TIGHT * room };
  };
  const [was, is] = [shareOf(then), shareOf(now)];
  if (was.isTight || !is.isTight) return [];
  return [
    `memory is tight: the other nodes have room for ${mibText(is.room)}, and ${mibText(is.bytes)} leave ${name}; it was ${mibText(was.room)} for ${mibText(was.bytes)}`,
  ];
}

/** Copies follow each other over the node's own link, or the slots hold up what passes between two moves. */
function leastSeconds({ slots, nodes }: Outlook, name: string): number {
  const { vms = [], linkBytesPerSecond } = nodes.find((node) => sameName(node.name, name)) ?? {};
  const { setupSeconds, handoverSeconds } = ASSUMED_MODEL;
  const copies = (memoryOf(vms) * 2 ** 20) / (linkBytesPerSecond ?? ASSUMED_LINK);
  return Math.max(copies, (vms.length * (setupSeconds + handoverSeconds)) / slots);
}

function timeThatGrew(
  then: Outlook,
  now: Outlook,
  name: string,
  { promisedSeconds }: PlannedNow,
): string[] {
  const [was, is] = [leastSeconds(then, name), leastSeconds(now, name)];
  if (was === 0 || is < LONGER.share * was) return [];
  const before = promisedSeconds * (was / is);
  if (promisedSeconds - before < LONGER.seconds) return [];
  const text = (seconds: number): string => durationText(seconds * 1000);
  return [
    `the moves off ${name} take about ${text(promisedSeconds)}, and would have taken ${text(before)}`,
  ];
}
