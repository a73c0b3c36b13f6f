// The plan that empties nodes: first by whatever may start at each moment, with the least deadline that works; where
// memory is scarce, by sequences that make room. Then the best of them.
import { drain, drainBound, leaversOf, ORDERS, TARGETS, type Leaver } from './drain.ts';
import type { Field, Guest, Site } from './field.ts';
import type { MovePlan } from './problem.ts';
import { better, EQUAL, seeded, type Attempt } from './search.ts';
import { makeRoomSequence, Placement, shortestSequence, type Step } from './sequence.ts';
import { runSequence, unmetWishes } from './timed.ts';
import type { Sharing, Timeline } from './timeline.ts';

interface Emptied extends Attempt {
  timeline: Timeline;
  /** In the order in which they are to start. */
  steps: Step[];
  sharing: Sharing;
}

/** Deadlines that are tried, as multiples of the bound. */
const DEADLINES = [1.001, 1.004, 1.01, 1.02, 1.04, 1.07, 1.1, 1.15, 1.25, 1.5, 2, 3, Infinity];
/** A plan this close to the bound is not improved any more. */
const GOOD = 1.0015;
/** Of moves times targets, in all attempts together: so that no plan takes more than a second or so. */
const WORK = 600_000;
/** Of an attempt, for each VM of the cluster that stays where it is. */
const EACH_GUEST = 3;
/** Small plans are as good as they get long before this. */
const CHANGES_MAX = 6000;
const SHARINGS: readonly Sharing[] = ['alone', 'filled'];
/** So small that every state can be looked at. */
const SMALL = { guests: 14, sites: 8 };

export function planEmpty(field: Field, nodes: readonly string[]): MovePlan {
  const closed = new Set(nodes.map((name) => field.siteOf(name)));
  const leavers = leaversOf(field, closed);
  const stuck = leavers.filter(({ targets }) => targets.length === 0);
  if (stuck.length > 0) return noTarget(field, closed, stuck);
  if (leavers.length === 0) return { feasible: true, moves: [], maintain: [], seconds: 0 };
  const bound = drainBound(field, leavers);
  const good = (one: Emptied | null): boolean => one !== null && one.seconds <= bound * GOOD;
  let best = drained(field, closed, leavers, bound);
  const enough = good(best) || (best !== null && isLarge(field, leavers));
  const found = enough ? NOTHING : sequencesOf(field, closed, leavers);
  for (const steps of found.sequences) {
    for (const sharing of SHARINGS) {
      const timeline = runSequence(field, closed, steps, { sharing, deadline: Infinity });
      best = better(best, emptied(field, closed, timeline, sharing));
    }
  }
  if (best === null) return noRoom(field, closed, found.blocked ?? largest(leavers), found.proven);
  if (!good(best)) best = improved(field, closed, leavers, best, bound);
  best = inPriority(field, closed, leavers, best);
  return { feasible: true, moves: best.timeline.moves, maintain: [], seconds: best.seconds };
}

const NOTHING = { sequences: [], blocked: null, proven: false };

/** So that one attempt takes a good part of the time that a plan may take. */
const isLarge = (field: Field, leavers: readonly Leaver[]): boolean =>
  leavers.length * field.sites.length + field.guests.length * EACH_GUEST > WORK / 40;

const largest = (leavers: readonly Leaver[]): Guest | null =>
  [...leavers].sort((a, b) => b.guest.memory - a.guest.memory)[0]?.guest ?? null;

/** Sequences that make room, the shortest ones among them where the problem is small enough to find them. */
function sequencesOf(
  field: Field,
  closed: ReadonlySet<Site>,
  leavers: readonly Leaver[],
): { sequences: Step[][]; blocked: Guest | null; proven: boolean } {
  const sequences: Step[][] = [];
  let blocked: Guest | null = null;
  if (field.guests.length <= SMALL.guests && field.sites.length <= SMALL.sites) {
    for (let seed = 1; seed <= 3; seed += 1) {
      const shortest = shortestSequence(field, closed, seeded(seed));
      if (shortest === 'none') return { sequences: [], blocked: null, proven: true };
      if (shortest === 'unknown') break;
      sequences.push(shortest);
    }
  }
  const tries = Math.max(
    2,
    Math.min(30, Math.floor(WORK / (leavers.length * field.sites.length * 100))),
  );
  for (let seed = 0; seed < tries; seed += 1) {
    const way = makeRoomSequence(field, closed, seed);
    if ('steps' in way) sequences.push(way.steps);
    else blocked ??= way.blocked;
  }
  return { sequences, blocked, proven: false };
}

/** The least deadline for which some style gets everything away in time. */
function drained(
  field: Field,
  closed: ReadonlySet<Site>,
  leavers: readonly Leaver[],
  bound: number,
): Emptied | null {
  const styles = SHARINGS.flatMap((sharing) =>
    TARGETS.flatMap((target) => ORDERS.map((order) => ({ order, target, sharing }))),
  );
  const many = isLarge(field, leavers);
  for (const factor of many ? DEADLINES.slice(2) : DEADLINES) {
    let best: Emptied | null = null;
    for (const style of many ? styles.slice(0, 2) : styles) {
      const timeline = drain(field, closed, leavers, { ...style, deadline: bound * factor });
      best = better(best, emptied(field, closed, timeline, style.sharing));
      if (best !== null && many) break;
    }
    if (best !== null) return best;
  }
  return null;
}

/** Small changes of the best plan, each kept when it is no worse: another target, another place in the order. */
function improved(
  field: Field,
  closed: ReadonlySet<Site>,
  leavers: readonly Leaver[],
  start: Emptied,
  bound: number,
): Emptied {
  const random = seeded(1);
  const pick = (n: number): number => Math.floor(random() * n);
  const targets = new Map(leavers.map((leaver) => [leaver.guest, leaver.targets]));
  const cost = start.steps.length * (start.steps.length + 20) + field.guests.length * EACH_GUEST;
  let best = start;
  const changes = Math.min(CHANGES_MAX, (WORK * 10) / cost);
  // A handful changes nothing for the better.
  for (let left = changes < 50 ? 0 : changes; left > 0 && best.seconds > bound * GOOD; left -= 1) {
    const steps = [...best.steps];
    const at = pick(steps.length);
    const step = steps[at];
    if (step === undefined) break;
    const others = targets.get(step.guest) ?? [];
    const kind = random();
    if (kind < 0.4 && others.length > 1) {
      steps[at] = { guest: step.guest, to: others[pick(others.length)] ?? step.to };
    } else if (kind < 0.6) {
      const other = pick(steps.length);
      const partner = steps[other];
      if (partner === undefined || !mayBe(step, partner.to) || !mayBe(partner, step.to)) continue;
      steps[at] = { guest: step.guest, to: partner.to };
      steps[other] = { guest: partner.guest, to: step.to };
    } else {
      steps.splice(at, 1);
      steps.splice(pick(steps.length + 1), 0, step);
    }
    const sharing = random() < 0.1 ? (SHARINGS[pick(2)] ?? best.sharing) : best.sharing;
    if (!isPossible(field, closed, steps)) continue;
    const timeline = runSequence(field, closed, steps, { sharing, deadline: best.seconds });
    const next = emptied(field, closed, timeline, sharing);
    if (next !== null && isNoWorse(next, best)) best = { ...next, steps };
  }
  return best;
}

const isNoWorse = (next: Emptied, best: Emptied): boolean =>
  next.seconds < best.seconds - 1e-6 ||
  (next.seconds <= best.seconds + 1e-9 && next.wishes <= best.wishes);

const mayBe = (step: Step, to: Site): boolean => step.guest.never[to.index] === null;

/** One by one, in this order; and no VM stays on a node that is to be empty. */
function isPossible(field: Field, closed: ReadonlySet<Site>, steps: readonly Step[]): boolean {
  const placement = new Placement(field);
  for (const step of steps) {
    if (closed.has(step.to) || placement.ownerOf(step.guest) === step.to) return false;
    if (!placement.has(step.guest, step.to)) return false;
    placement.move(step);
  }
  return placement.owners.every((site) => !closed.has(site));
}

/** What a group of the cluster has unless somebody says otherwise. */
const MEDIUM = 2000;
const priorityOf = ({ vm }: Guest): number => vm.priority ?? MEDIUM;

/** The same moves, those of a higher priority sooner, as far as durations that count as equal allow. */
function inPriority(
  field: Field,
  closed: ReadonlySet<Site>,
  leavers: readonly Leaver[],
  start: Emptied,
): Emptied {
  if (new Set(leavers.map(({ guest }) => priorityOf(guest))).size < 2) return start;
  const deadline = start.seconds * (1 + EQUAL);
  let best = start;
  const take = (steps: Step[], sharing: Sharing): boolean => {
    if (!isPossible(field, closed, steps)) return false;
    const timeline = runSequence(field, closed, steps, { sharing, deadline });
    const next = emptied(field, closed, timeline, sharing);
    if (next === null || next.seconds > deadline || next.wishes > start.wishes) return false;
    if (inversions(next.steps) >= inversions(best.steps)) return false;
    best = next;
    return true;
  };
  const sorted = [...start.steps].sort((a, b) => priorityOf(b.guest) - priorityOf(a.guest));
  if (SHARINGS.some((sharing) => take(sorted, sharing))) return best;
  const cost = start.steps.length * (start.steps.length + 20);
  const tries = Math.min(CHANGES_MAX, Math.floor((WORK * 2) / cost));
  for (const step of sorted.slice(0, tries)) {
    const steps = best.steps.filter(({ guest }) => guest !== step.guest);
    const later = steps.findIndex(({ guest }) => priorityOf(guest) < priorityOf(step.guest));
    // Who moves twice keeps its place.
    if (later < 0 || steps.length !== best.steps.length - 1) continue;
    take([...steps.slice(0, later), step, ...steps.slice(later)], best.sharing);
  }
  return best;
}

/** Pairs of which the one of less priority begins before the other. */
function inversions(steps: readonly Step[]): number {
  const behind = new Map<number, number>();
  let count = 0;
  for (const { guest } of [...steps].reverse()) {
    const own = priorityOf(guest);
    for (const [priority, n] of behind) if (priority > own) count += n;
    behind.set(own, (behind.get(own) ?? 0) + 1);
  }
  return count;
}

function emptied(
  field: Field,
  closed: ReadonlySet<Site>,
  timeline: Timeline | null,
  sharing: Sharing,
): Emptied | null {
  if (timeline === null) return null;
  timeline.moves.sort((a, b) => a.startSeconds - b.startSeconds);
  const steps = timeline.moves.flatMap((move) => {
    const guest = field.guestOf(move.vm);
    return guest === undefined ? [] : [{ guest, to: field.siteOf(move.to) }];
  });
  const from = new Set([...closed].map((site) => site.node.name));
  const ends = timeline.moves.filter((move) => from.has(move.from)).map((m) => m.endSeconds);
  return {
    timeline,
    steps,
    sharing,
    seconds: ends.reduce((a, b) => Math.max(a, b), 0),
    moves: timeline.moves,
    wishes: unmetWishes(field, timeline),
  };
}

function noTarget(field: Field, closed: ReadonlySet<Site>, stuck: readonly Leaver[]): MovePlan {
  const first = stuck[0]?.guest;
  const reasons = field.sites
    .filter((site) => site !== first?.home)
    .map((site) =>
      closed.has(site) ? `${site.node.name} is to be emptied` : first?.never[site.index],
    );
  return {
    feasible: false,
    blocked: stuck.map(({ guest }) => guest.vm.name),
    why: `${first?.vm.name ?? ''} has no node to go to: ${reasons.join('; ')}`,
    proven: true,
  };
}

function noRoom(
  field: Field,
  closed: ReadonlySet<Site>,
  blocked: Guest | null,
  proven: boolean,
): MovePlan {
  const names = [...closed].map((site) => site.node.name).join(', ');
  const tried = proven ? 'whatever else moves' : 'though other VMs were moved to make room';
  return {
    feasible: false,
    blocked: blocked === null ? [] : [blocked.vm.name],
    why: `${blocked?.vm.name ?? 'A VM'} finds no place outside of ${names}, ${tried}`,
    proven,
  };
}
