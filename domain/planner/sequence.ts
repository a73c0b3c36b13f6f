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

/**
 * A sequence that empties the nodes, VM by VM, making room where there is none; null when this order of the VMs comes to
 * no end. `seed` 0 takes the largest first; others shake the order.
 */
export function makeRoomSequence(
  field: Field,
  closed: ReadonlySet<Site>,
  seed: number,
): { steps: Step[] } | { blocked: Guest } {
  const random = seeded(seed);
  const shake = seed === 0 ? 0 : 0.6;
  const placement = new Placement(field);
  const steps: Step[] = [];
  const take = (step: Step): void => {
    placement.move(step);
    steps.push(step);
  };
  const leaving = field.guests
    .filter((guest) => closed.has(guest.home))
    .map((guest) => ({ guest, key: guest.memory * (1 + shake * (random() - 0.5)) }))
    .sort((a, b) => b.key - a.key || a.guest.index - b.guest.index);
  const targets = (guest: Guest): Site[] => guest.mayBeOn.filter((site) => !closed.has(site));
  for (const { guest } of leaving) {
    const way = wayFor(placement, guest, targets, DEPTH_MAX, new Set(), random, shake);
    if (way === null) return { blocked: guest };
    way.forEach(take);
  }
  return { steps };
}

/** Moves of others, then of this VM, to one of its targets; null when none are found. */
export const wayOut = (
  placement: Placement,
  guest: Guest,
  targets: (guest: Guest) => Site[],
): Step[] | null => wayFor(placement, guest, targets, DEPTH_MAX, new Set(), seeded(1), 0);

/** Moves that end with this one, the fewest that this search finds; the placement is left as it was. */
function wayFor(
  placement: Placement,
  guest: Guest,
  targets: (guest: Guest) => Site[],
  depth: number,
  busy: Set<Guest>,
  random: () => number,
  shake: number,
): Step[] | null {
  const from = placement.ownerOf(guest);
  const sites = targets(guest).filter((site) => site !== from);
  const direct = sites.filter((site) => placement.has(guest, site));
  if (direct.length > 0) {
    // The tightest fit leaves the largest holes for the others.
    const fit = (site: Site): number =>
      (placement.room(site) - guest.memory) * (1 + shake * (random() - 0.5));
    const best = direct.map((to) => ({ to, key: fit(to) })).sort((a, b) => a.key - b.key)[0];
    return best === undefined ? null : [{ guest, to: best.to }];
  }
  if (depth === 0) return null;
  const lacking = (site: Site): number => guest.memory - placement.room(site);
  const nearest = sites
    .map((to) => ({ to, key: lacking(to) * (1 + shake * (random() - 0.5)) }))
    .sort((a, b) => a.key - b.key);
  let best: Step[] | null = null;
  for (const { to } of nearest) {
    const way = makeRoomAt(placement, guest, to, targets, depth, busy, random, shake);
    if (way !== null && (best === null || way.length < best.length)) best = way;
    if (best !== null && best.length <= 2) break;
  }
  return best;
}

/** Sends VMs of a node elsewhere until this one has its place there. */
function makeRoomAt(
  placement: Placement,
  guest: Guest,
  to: Site,
  targets: (guest: Guest) => Site[],
  depth: number,
  busy: Set<Guest>,
  random: () => number,
  shake: number,
): Step[] | null {
  const taken: Step[] = [];
  const back: Step[] = [];
  const undo = (): void => {
    for (const step of back.reverse()) placement.move(step);
  };
  busy.add(guest);
  while (!placement.has(guest, to)) {
    const lacks = guest.memory - placement.room(to);
    const others = placement
      .guestsOn(to)
      .filter((other) => !busy.has(other))
      // First the rivals, then the smallest that is enough, then the largest of those that are not.
      .map((other) => ({
        other,
        rank: [
          guest.classes.some((name) => other.classes.includes(name)) ? 0 : 1,
          other.memory >= lacks ? 0 : 1,
          (other.memory >= lacks ? other.memory : -other.memory) * (1 + shake * (random() - 0.5)),
        ],
      }))
      .filter(({ rank }) => lacks > 0 || rank[0] === 0)
      .sort((a, b) => a.rank.map((x, i) => x - (b.rank[i] ?? 0)).find((d) => d !== 0) ?? 0);
    let way: Step[] | null = null;
    for (const { other } of others.slice(0, 6)) {
      busy.add(other);
      const elsewhere = (g: Guest): Site[] => targets(g).filter((site) => site !== to);
      way = wayFor(placement, other, elsewhere, depth - 1, busy, random, shake);
      busy.delete(other);
      if (way !== null) break;
    }
    if (way === null || taken.length + way.length > 12) {
      undo();
      busy.delete(guest);
      return null;
    }
    for (const step of way) {
      back.push({ guest: step.guest, to: placement.ownerOf(step.guest) });
      placement.move(step);
      taken.push(step);
    }
  }
  undo();
  busy.delete(guest);
  return [...taken, { guest, to }];
}
