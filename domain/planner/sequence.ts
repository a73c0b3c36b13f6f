// Where memory is so scarce that order matters: moves one after the other that empty the nodes, with VMs that make room
// and VMs that move twice. Whatever several moves at once can reach, the same moves one by one can reach too, so a
// sequence exists exactly if a plan does.
import type { Field, Guest, Site } from './field.ts';
import { seeded } from './search.ts';

export interface Step {
  guest: Guest;
  to: Site;
}

/** Who owns what between two moves. */
export class Placement {
  readonly owners: Site[];
  private readonly field: Field;
  private readonly used: number[];
  private readonly classes: Map<string, number>[];

  constructor(field: Field, owners?: readonly Site[]) {
    this.field = field;
    this.owners = owners === undefined ? field.guests.map((g) => g.home) : [...owners];
    this.used = field.sites.map(() => 0);
    this.classes = field.sites.map(() => new Map<string, number>());
    for (const guest of field.guests) this.count(guest, this.ownerOf(guest), 1);
  }

  ownerOf(guest: Guest): Site {
    return this.owners[guest.index] ?? guest.home;
  }

  room(site: Site): number {
    const { reserveBytes } = this.field.problem;
    return site.node.usableBytes - reserveBytes - (this.used[site.index] ?? 0);
  }

  usedOn(site: Site): number {
    return this.used[site.index] ?? 0;
  }

  guestsOn(site: Site): Guest[] {
    return this.field.guests.filter((guest) => this.ownerOf(guest) === site);
  }

  /** Whether it may come now: memory and hard anti-affinity. */
  has(guest: Guest, site: Site): boolean {
    return this.room(site) >= guest.memory && this.rivals(guest, site) === 0;
  }

  rivals(guest: Guest, site: Site): number {
    const here = this.classes[site.index];
    return guest.classes.reduce((sum, name) => sum + (here?.get(name) ?? 0), 0);
  }

  move({ guest, to }: Step): void {
    this.count(guest, this.ownerOf(guest), -1);
    this.owners[guest.index] = to;
    this.count(guest, to, 1);
  }

  private count(guest: Guest, site: Site, sign: 1 | -1): void {
    this.used[site.index] = (this.used[site.index] ?? 0) + sign * guest.memory;
    const here = this.classes[site.index];
    for (const name of guest.classes) here?.set(name, (here.get(name) ?? 0) + sign);
  }
}

/** States that are looked at before an exhaustive search gives up. */
const STATES_MAX = 30_000;

/**
 * The shortest sequence that empties the nodes, by looking at every state; `none`: there is none; `unknown`: too many.
 */
export function shortestSequence(
  field: Field,
  closed: ReadonlySet<Site>,
  random: () => number,
): Step[] | 'none' | 'unknown' {
  const start = field.guests.map((guest) => guest.home);
  const key = (owners: readonly Site[]): string =>
    String.fromCharCode(...owners.map((site) => site.index));
  const done = (owners: readonly Site[]): boolean => owners.every((site) => !closed.has(site));
  const cameBy = new Map<string, { before: string; step: Step } | null>([[key(start), null]]);
  let level = [start];
  while (level.length > 0) {
    const next: Site[][] = [];
    for (const owners of shuffled(level, random)) {
      const here = key(owners);
      if (done(owners)) return trace(cameBy, here);
      const placement = new Placement(field, owners);
      for (const guest of shuffled(field.guests, random)) {
        for (const to of guest.mayBeOn) {
          if (closed.has(to) || placement.ownerOf(guest) === to || !placement.has(guest, to))
            continue;
          const after = [...owners];
          after[guest.index] = to;
          const there = key(after);
          if (cameBy.has(there)) continue;
          cameBy.set(there, { before: here, step: { guest, to } });
          next.push(after);
        }
      }
      if (cameBy.size > STATES_MAX) return 'unknown';
    }
    level = next;
  }
  return 'none';
}

function trace(cameBy: Map<string, { before: string; step: Step } | null>, end: string): Step[] {
  const steps: Step[] = [];
  for (let at = cameBy.get(end) ?? null; at !== null; at = cameBy.get(at.before) ?? null)
    steps.push(at.step);
  return steps.reverse();
}

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const result = [...list];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [result[i], result[j]];
    if (a !== undefined && b !== undefined) [result[i], result[j]] = [b, a];
  }
  return result;
}

/** VMs that may make room for VMs that make room, and so on. */
const DEPTH_MAX = 3;
/** VMs of a node that are tried as the one that leaves. */
const CANDIDATES_MAX = 6;
/** A way that is longer is none. */
const WAY_MAX = 12;

/** What a search for a way carries along. */
interface Search {
  placement: Placement;
  /** On their way already: they make no room. */
  busy: Set<Guest>;
  /** Around 1: shakes the order of what would be as good. */
  noise: () => number;
}

type Targets = (guest: Guest) => Site[];

/**
 * A sequence that empties the nodes, VM by VM, making room where there is none; null when this order of the VMs comes
 * to no end. `seed` 0 takes the largest first; others shake the order.
 */
export function makeRoomSequence(
  field: Field,
  closed: ReadonlySet<Site>,
  seed: number,
): { steps: Step[] } | { blocked: Guest } {
  const random = seeded(seed);
  const shake = seed === 0 ? 0 : 0.6;
  const noise = (): number => 1 + shake * (random() - 0.5);
  const placement = new Placement(field);
  const steps: Step[] = [];
  const leaving = field.guests
    .filter((guest) => closed.has(guest.home))
    .map((guest) => ({ guest, key: guest.memory * noise() }))
    .sort((a, b) => b.key - a.key || a.guest.index - b.guest.index);
  const targets: Targets = (guest) => guest.mayBeOn.filter((site) => !closed.has(site));
  for (const { guest } of leaving) {
    const way = wayFor({ placement, busy: new Set(), noise }, guest, targets, DEPTH_MAX);
    if (way === null) return { blocked: guest };
    for (const step of way) placement.move(step);
    steps.push(...way);
  }
  return { steps };
}

/** Moves of others, then of this VM, to one of its targets; null when none are found. */
export const wayOut = (placement: Placement, guest: Guest, targets: Targets): Step[] | null =>
  wayFor({ placement, busy: new Set(), noise: () => 1 }, guest, targets, DEPTH_MAX);

/** Moves that end with this one, the fewest that this search finds; the placement is left as it was. */
function wayFor(search: Search, guest: Guest, targets: Targets, depth: number): Step[] | null {
  const { placement, noise } = search;
  const from = placement.ownerOf(guest);
  const lacking = (site: Site): number => guest.memory - placement.room(site);
  const sites = targets(guest).filter((site) => site !== from);
  const direct = sites.filter((site) => placement.has(guest, site));
  if (direct.length > 0) {
    // The tightest fit leaves the largest holes for the others.
    const best = sortedBy(direct, (site) => -lacking(site) * noise())[0];
    return best === undefined ? null : [{ guest, to: best }];
  }
  if (depth === 0) return null;
  let best: Step[] | null = null;
  for (const to of sortedBy(sites, (site) => lacking(site) * noise())) {
    const way = makeRoomAt(search, { guest, to }, targets, depth);
    if (way !== null && (best === null || way.length < best.length)) best = way;
    if (best !== null && best.length <= 2) break;
  }
  return best;
}

const sortedBy = <T>(list: readonly T[], key: (one: T) => number): T[] =>
  list
    .map((one) => ({ one, key: key(one) }))
    .sort((a, b) => a.key - b.key)
    .map(({ one }) => one);

/** Sends VMs of a node elsewhere until this one has its place there. */
function makeRoomAt(search: Search, last: Step, targets: Targets, depth: number): Step[] | null {
  const { placement, busy } = search;
  const { guest, to } = last;
  const taken: Step[] = [];
  const back: Step[] = [];
  const elsewhere: Targets = (other) => targets(other).filter((site) => site !== to);
  busy.add(guest);
  let isStuck = false;
  while (!isStuck && !placement.has(guest, to)) {
    let way: Step[] | null = null;
    for (const other of whoCouldLeave(search, last)) {
      busy.add(other);
      way = wayFor(search, other, elsewhere, depth - 1);
      busy.delete(other);
      if (way !== null) break;
    }
    isStuck = way === null || taken.length + way.length > WAY_MAX;
    for (const step of isStuck ? [] : (way ?? [])) {
      back.unshift({ guest: step.guest, to: placement.ownerOf(step.guest) });
      placement.move(step);
      taken.push(step);
    }
  }
  for (const step of back) placement.move(step);
  busy.delete(guest);
  return isStuck ? null : [...taken, last];
}

/** First its rivals, then the smallest that is enough, then the largest of those that are not. */
function whoCouldLeave({ placement, busy, noise }: Search, { guest, to }: Step): Guest[] {
  const lacks = guest.memory - placement.room(to);
  return placement
    .guestsOn(to)
    .filter((other) => !busy.has(other))
    .map((other) => ({
      other,
      rank: [
        guest.classes.some((name) => other.classes.includes(name)) ? 0 : 1,
        other.memory >= lacks ? 0 : 1,
        (other.memory >= lacks ? other.memory : -other.memory) * noise(),
      ],
    }))
    .filter(({ rank }) => lacks > 0 || rank[0] === 0)
    .sort((a, b) => a.rank.map((x, i) => x - (b.rank[i] ?? 0)).find((d) => d !== 0) ?? 0)
    .slice(0, CANDIDATES_MAX)
    .map(({ other }) => other);
}
