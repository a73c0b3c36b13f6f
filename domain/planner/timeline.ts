// The cluster as time goes by under a plan: who owns what, which slots, memory and links are taken. Whoever plans
// starts moves and goes on to the next moment. Copies on one link share it equally, as the model says; `canStart` lets
// a further one in only where the link carries more with it than without.
import { copyAlone, wireRate, type Field, type Guest, type Site } from './field.ts';
import { Flow, MOMENT } from './flow.ts';
import type { PlannedMove } from './problem.ts';

/** Kept between two things of which the second waits for the first: the other side's clock need not be ours. */
const TICK = 1e-5;

interface Carried {
  from: Site;
  to: Site;
  flow: Flow;
  copying: boolean;
}

interface Standing {
  /** Memory of the VMs that are here and of those on their way here. */
  used: number;
  busy: number;
  guests: Set<Guest>;
  closed: boolean;
  classes: Map<string, number>;
  groups: Map<string, number>;
  /** Moves with an end here whose copy has not ended. */
  carried: Set<Carried>;
  users: number;
}

interface Event {
  at: number;
  happen: () => void;
}

/** How copies may share a link: `alone` not at the price of either, `filled` where the link carries more with both. */
export type Sharing = 'alone' | 'filled';

export class Timeline {
  now = 0;
  readonly moves: PlannedMove[] = [];
  readonly field: Field;
  private readonly sharing: Sharing;
  private readonly standing: Standing[];
  private readonly owner: Site[];
  private readonly moving = new Map<Guest, Site>();
  private readonly inSetup = new Set<Carried>();
  private readonly copying = new Map<Carried, () => void>();
  private readonly events: Event[] = [];

  constructor(field: Field, sharing: Sharing) {
    this.field = field;
    this.sharing = sharing;
    this.owner = field.guests.map((guest) => guest.home);
    this.standing = field.sites.map(() => ({
      used: 0,
      busy: 0,
      guests: new Set(),
      closed: false,
      classes: new Map(),
      groups: new Map(),
      carried: new Set(),
      users: 0,
    }));
    for (const guest of field.guests) {
      const here = this.at(guest.home);
      here.guests.add(guest);
      come(guest, here);
    }
  }

  ownerOf(guest: Guest): Site {
    return this.owner[guest.index] ?? guest.home;
  }

  owners(): Site[] {
    return [...this.owner];
  }

  isMoving(guest: Guest): boolean {
    return this.moving.has(guest);
  }

  /** Moves that have not ended, with their targets. */
  underWay(): ReadonlyMap<Guest, Site> {
    return this.moving;
  }

  /** Nothing is here, and nothing is on its way here or away. */
  isEmpty(site: Site): boolean {
    const here = this.at(site);
    return here.guests.size === 0 && here.busy === 0;
  }

  /** Also those that are on their way from here. */
  guestsOn(site: Site): ReadonlySet<Guest> {
    return this.at(site).guests;
  }

  isClosed(site: Site): boolean {
    return this.at(site).closed;
  }

  close(site: Site): void {
    this.at(site).closed = true;
  }

  open(site: Site): void {
    this.at(site).closed = false;
  }

  freeSlots(site: Site): number {
    return this.field.problem.slots - this.at(site).busy;
  }

  /** Whether a further move could begin here, were its target free: a slot, and a link that bears one more copy. */
  maySend(site: Site): boolean {
    return this.freeSlots(site) > 0 && this.bears(site, this.sharing === 'alone' ? 0 : site.link);
  }

  /** Memory that a further VM may take without touching the reserve. */
  room(site: Site): number {
    return site.node.usableBytes - this.field.problem.reserveBytes - this.at(site).used;
  }

  load(site: Site): number {
    return this.at(site).used / site.node.usableBytes;
  }

  /** VMs of one of its classes that are here or on their way here. */
  conflicts(guest: Guest, site: Site): number {
    const { classes } = this.at(site);
    return guest.rivalry.reduce((sum, name) => sum + (classes.get(name) ?? 0), 0);
  }

  /** Groups that it should be together with of which nothing is there or on its way there. */
  separations(guest: Guest, site: Site): number {
    const { groups } = this.at(site);
    return guest.together.filter((name) => (groups.get(name) ?? 0) === 0).length;
  }

  /** Whether memory and hard anti-affinity let it come, slots and links aside. */
  hasPlace(guest: Guest, site: Site): boolean {
    const here = this.at(site);
    return (
      !here.closed &&
      this.room(site) >= guest.memory &&
      guest.classes.every((name) => (here.classes.get(name) ?? 0) === 0)
    );
  }

  /** Whether a move may start now. The rules that no moment changes are for the caller. */
  canStart(guest: Guest, to: Site): boolean {
    const from = this.ownerOf(guest);
    if (from === to || this.moving.has(guest)) return false;
    if (this.freeSlots(from) < 1 || this.freeSlots(to) < 1 || !this.hasPlace(guest, to))
      return false;
    const rate = wireRate(from, to);
    return this.bears(from, rate) && this.bears(to, rate);
  }

  start(guest: Guest, to: Site): void {
    const { model } = this.field.problem;
    const from = this.ownerOf(guest);
    const began = this.now;
    const flow = new Flow(
      guest.memory,
      guest.vm.dirtyBytesPerSecond,
      model,
      began + model.setupSeconds,
    );
    // As long as nobody else is on its links.
    flow.ends = flow.begins + copyAlone(this.field, guest, from, to).seconds;
    const carried = { from, to, flow, copying: false };
    this.inSetup.add(carried);
    const ends = [this.at(from), this.at(to)];
    this.moving.set(guest, to);
    come(guest, this.at(to));
    for (const end of ends) {
      end.busy += 1;
      end.carried.add(carried);
    }
    this.later(flow.begins, () => {
      this.inSetup.delete(carried);
      carried.copying = true;
      for (const end of ends) end.users += 1;
      this.copying.set(carried, () => {
        this.later(this.now + model.handoverSeconds, () => {
          this.arrive(guest, from, to, began);
        });
      });
      this.share(from, to);
    });
  }

  /** Something happens then: a restart ends. */
  later(at: number, happen: () => void): void {
    let low = 0;
    let high = this.events.length;
    // Latest first, so that the next one is taken from the end.
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    this.events.splice(low, 0, { at, happen });
  }

  /**
   * Goes to the next moment at which something happened or a link will soon be free, and lets all of it happen. False
   * when nothing is left to wait for.
   */
  advance(): boolean {
    const { setupSeconds } = this.field.problem.model;
    let next = this.events.at(-1)?.at ?? Infinity;
    for (const { flow } of this.copying.keys()) next = Math.min(next, flow.ends + TICK);
    // The next copy may begin when this one has ended; its setup may begin before that.
    for (const carried of [this.inSetup.keys(), this.copying.keys()]) {
      for (const { flow } of carried) {
        const early = flow.ends + TICK - setupSeconds;
        if (early > this.now + MOMENT) next = Math.min(next, early);
      }
    }
    if (next === Infinity) return false;
    this.now = Math.max(this.now, next);
    const touched: Carried[] = [];
    for (const [carried, arrive] of this.copying) {
      if (carried.flow.ends + TICK > this.now + MOMENT) continue;
      this.copying.delete(carried);
      touched.push(carried);
      for (const end of [this.at(carried.from), this.at(carried.to)]) {
        end.users -= 1;
        end.carried.delete(carried);
      }
      arrive();
    }
    for (const { from, to } of touched) this.share(from, to);
    for (;;) {
      const event = this.events.at(-1);
      if (event === undefined || event.at > this.now + MOMENT) return true;
      this.events.pop();
      event.happen();
    }
  }

  private arrive(guest: Guest, from: Site, to: Site, began: number): void {
    const [source, target] = [this.at(from), this.at(to)];
    this.moving.delete(guest);
    this.owner[guest.index] = to;
    source.used -= guest.memory;
    source.guests.delete(guest);
    target.guests.add(guest);
    count(guest, source, -1);
    source.busy -= 1;
    target.busy -= 1;
    this.moves.push({
      vm: guest.vm.name,
      from: from.node.name,
      to: to.node.name,
      startSeconds: began,
      endSeconds: this.now,
    });
  }

  /** Equal shares of both links for everything that copies over one of them. */
  private share(from: Site, to: Site): void {
    for (const site of [from, to]) {
      for (const carried of this.at(site).carried) {
        if (!carried.copying) continue;
        const { from: source, to: target, flow } = carried;
        const bandwidth =
          Math.min(source.link / this.at(source).users, target.link / this.at(target).users) *
          source.factor;
        if (bandwidth !== flow.bandwidth) flow.goOnAt(bandwidth, this.now);
      }
    }
  }

  /** Whether the link should take one more copy that begins after a setup from now on. */
  private bears(site: Site, rate: number): boolean {
    const begins = this.now + this.field.problem.model.setupSeconds;
    const rates = [rate];
    for (const { flow, from, to } of this.at(site).carried)
      if (flow.ends + TICK > begins + MOMENT) rates.push(wireRate(from, to));
    if (rates.length === 1) return true;
    const share = site.link / rates.length;
    if (rates.every((one) => one <= share * (1 + 1e-9))) return true;
    if (this.sharing === 'alone') return false;
    const without = site.link / (rates.length - 1);
    const carriedWith = rates.reduce((sum, one) => sum + Math.min(one, share), 0);
    const carriedNow = rates.slice(1).reduce((sum, one) => sum + Math.min(one, without), 0);
    return carriedWith > carriedNow * MORE;
  }

  private at(site: Site): Standing {
    const standing = this.standing[site.index];
    if (standing === undefined) throw new Error(`no such node: ${site.node.name}`);
    return standing;
  }
}

/** A further copy is let in for no less than this. */
const MORE = 1.05;

function come(guest: Guest, to: Standing): void {
  to.used += guest.memory;
  count(guest, to, 1);
}

function count({ rivalry, together }: Guest, at: Standing, sign: 1 | -1): void {
  for (const name of rivalry) at.classes.set(name, (at.classes.get(name) ?? 0) + sign);
  for (const name of together) at.groups.set(name, (at.groups.get(name) ?? 0) + sign);
}
