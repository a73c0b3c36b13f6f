// Emptying nodes where there is room: at every moment, whatever may start does, to a target chosen then. A deadline
// keeps slow links out of it; the least one that works is looked for by whoever calls.
import { copyAlone, moveSeconds, type Field, type Guest, type Site } from './field.ts';
import { Timeline, type Sharing } from './timeline.ts';

/** Which VM of a node goes first. */
export const ORDERS = ['long', 'hard', 'big', 'short'] as const;
/** Which of the targets that are in time. */
export const TARGETS = ['fast', 'slow', 'full'] as const;

export interface DrainStyle {
  order: (typeof ORDERS)[number];
  target: (typeof TARGETS)[number];
  sharing: Sharing;
  deadline: number;
}

/** A VM that has to leave, and where it may go: what no moment changes. */
export interface Leaver {
  guest: Guest;
  targets: Site[];
  /** Of a move with both links to itself, to the best of the targets; infinite without one. */
  leastSeconds: number;
  leastBytes: number;
}

export function leaversOf(field: Field, closed: ReadonlySet<Site>): Leaver[] {
  const { setupSeconds, handoverSeconds } = field.problem.model;
  return field.guests
    .filter((guest) => closed.has(guest.home))
    .map((guest) => {
      const targets = guest.mayBeOn.filter((site) => !closed.has(site));
      const copies = targets.map((to) => copyAlone(field, guest, guest.home, to));
      return {
        guest,
        targets,
        leastSeconds: setupSeconds + handoverSeconds + Math.min(...copies.map((c) => c.seconds)),
        leastBytes: Math.min(...copies.map((c) => c.bytes)),
      };
    });
}

/** Least seconds to empty the nodes, whatever is done: links, slots and the longest move. */
export function drainBound(field: Field, leavers: readonly Leaver[]): number {
  const { setupSeconds, handoverSeconds } = field.problem.model;
  const link = new Map<Site, number>();
  const slots = new Map<Site, number>();
  let bound = 0;
  for (const { guest, leastSeconds, leastBytes } of leavers) {
    const { home } = guest;
    link.set(home, (link.get(home) ?? 0) + leastBytes / (home.link * home.factor));
    slots.set(home, (slots.get(home) ?? 0) + leastSeconds / field.problem.slots);
    bound = Math.max(bound, leastSeconds);
  }
  for (const seconds of link.values())
    bound = Math.max(bound, seconds + setupSeconds + handoverSeconds);
  return Math.max(bound, ...slots.values());
}

/** One attempt; null when some VM finds no place or would be late. */
export function drain(
  field: Field,
  closed: ReadonlySet<Site>,
  leavers: readonly Leaver[],
  style: DrainStyle,
): Timeline | null {
  const timeline = new Timeline(field, style.sharing);
  for (const site of closed) timeline.close(site);
  const queues = [...closed].map((site) => ({
    site,
    waiting: inOrder(
      leavers.filter(({ guest }) => guest.home === site),
      style.order,
    ),
  }));
  const open = field.sites.filter((site) => !closed.has(site));
  for (;;) {
    const ready = new Set(open.filter((site) => timeline.maySend(site)));
    for (const { site, waiting } of queues) {
      while (waiting.length > 0 && ready.size > 0 && timeline.maySend(site)) {
        const started = startFirst(timeline, waiting, ready, style);
        if (started === null) break;
        waiting.splice(started.at, 1);
        if (!timeline.maySend(started.to)) ready.delete(started.to);
      }
    }
    const rest = style.deadline - timeline.now;
    if (queues.some((q) => q.waiting.some((leaver) => leaver.leastSeconds > rest))) return null;
    if (!timeline.advance()) return queues.every((q) => q.waiting.length === 0) ? timeline : null;
  }
}

/** Starts the first of these that has a target now. */
function startFirst(
  timeline: Timeline,
  waiting: readonly Leaver[],
  ready: ReadonlySet<Site>,
  style: DrainStyle,
): { at: number; to: Site } | null {
  for (const [at, leaver] of waiting.entries()) {
    const to = chooseTarget(timeline, leaver, ready, style);
    if (to === null) continue;
    timeline.start(leaver.guest, to);
    return { at, to };
  }
  return null;
}

function inOrder(leavers: Leaver[], order: DrainStyle['order']): Leaver[] {
  const weight: Record<DrainStyle['order'], (leaver: Leaver) => number> = {
    long: (leaver) => -leaver.leastSeconds,
    short: (leaver) => leaver.leastSeconds,
    big: (leaver) => -leaver.guest.memory,
    // Fewest ways first; of those with as many, the larger one.
    hard: (leaver) => leaver.targets.length - leaver.guest.memory / 2 ** 50,
  };
  const key = weight[order];
  return [...leavers].sort((a, b) => key(a) - key(b) || a.guest.index - b.guest.index);
}

/** Among the targets that may take it now and in time; `ready` are those that take anything. */
function chooseTarget(
  timeline: Timeline,
  leaver: Leaver,
  ready: ReadonlySet<Site>,
  style: DrainStyle,
): Site | null {
  const { guest } = leaver;
  const from = timeline.ownerOf(guest);
  let best: Site | null = null;
  let least: number[] = [];
  for (const to of leaver.targets) {
    if (!ready.has(to) || !timeline.canStart(guest, to)) continue;
    const seconds = moveSeconds(timeline.field, guest, from, to);
    if (timeline.now + seconds > style.deadline) continue;
    const rank = [
      style.target === 'fast' ? seconds : style.target === 'slow' ? -seconds : 0,
      ...wishRank(timeline, guest, to),
      style.target === 'full' ? timeline.room(to) : timeline.load(to),
    ];
    if (best === null || comesBefore(rank, least)) {
      best = to;
      least = rank;
    }
  }
  return best;
}

/** Not preferred or better avoided, then soft affinity: the smaller the better. */
export const wishRank = (timeline: Timeline, guest: Guest, to: Site): [number, number] => [
  unwished(guest, to),
  timeline.conflicts(guest, to) + timeline.separations(guest, to),
];

/** Wishes of the VM alone that a node leaves unmet. */
export const unwished = ({ vm }: Guest, { node }: Site): number =>
  (vm.preferredOwners.length > 0 && !vm.preferredOwners.includes(node.name) ? 1 : 0) +
  (vm.avoid?.includes(node.name) === true ? 1 : 0);

export function comesBefore(a: readonly number[], b: readonly number[]): boolean {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (Math.abs(value - other) > 1e-9 * Math.max(1, Math.abs(other))) return value < other;
  }
  return false;
}
