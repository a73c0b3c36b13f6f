// The plan that maintains nodes one after the other: while one restarts, the next one is emptied already, as far as
// there is room; what has to wait for its node to come back goes home then, where that is asked for.
import { moveSeconds, type Field, type Guest, type Site } from './field.ts';
import { comesBefore, wishRank } from './drain.ts';
import type { MovePlan, PlanTask } from './problem.ts';
import { better, seeded, type Attempt } from './search.ts';
import { Placement, shuffled, wayOut, type Step } from './sequence.ts';
import { unmetWishes } from './timed.ts';
import { Timeline, type Sharing } from './timeline.ts';

type Rolling = Extract<PlanTask, { kind: 'rolling' }>;

interface Style {
  sharing: Sharing;
  /** Nodes that are emptied ahead, as multiples of those that may be down. */
  ahead: number;
  /** Their VMs go only where they need not leave again. */
  once: boolean;
}

const STYLES: Style[] = (['alone', 'filled'] as const).flatMap((sharing) => [
  { sharing, ahead: 1, once: false },
  { sharing, ahead: 2, once: false },
  { sharing, ahead: 1, once: true },
  { sharing, ahead: 0, once: true },
]);

interface Rolled extends Attempt {
  timeline: Timeline;
  order: Site[];
  style: Style;
}

/** Attempts times VMs: how much a plan may cost. */
const WORK = 8_000;

export function planRolling(field: Field, task: Rolling): MovePlan {
  const sites = task.nodes.map((name) => field.siteOf(name));
  // Nothing to move is nothing to try.
  const tries = field.guests.length === 0 ? 1 : Math.max(3, Math.floor(WORK / field.guests.length));
  const random = seeded(1);
  const known = ordersOf(field, sites).flatMap((order) =>
    STYLES.map((style) => ({ order, style })),
  );
  let best: Rolled | null = null;
  let blocked: Guest | null = null;
  for (let at = 0; at < tries; at += 1) {
    const { order, style } = known[at] ?? another(best, sites, random);
    const rolled = new Roll(field, task, order, style).run();
    if ('blocked' in rolled) blocked ??= rolled.blocked;
    else best = betterRoll(field, best, rolled);
  }
  return best === null ? noPlace(blocked) : planOf(best);
}

/** A small change of the best attempt; any order while there is none. */
function another(
  best: Rolled | null,
  sites: readonly Site[],
  random: () => number,
): { order: Site[]; style: Style } {
  const style = pick(STYLES, random);
  if (best === null) return { order: shuffled(sites, random), style };
  return {
    order: oneElsewhere(best.order, random),
    style: random() < 0.7 ? best.style : style,
  };
}

function planOf(best: Rolled): MovePlan {
  return {
    feasible: true,
    moves: best.timeline.moves,
    maintain: best.order.map((site) => site.node.name),
    seconds: best.seconds,
  };
}

function noPlace(blocked: Guest | null): MovePlan {
  return {
    feasible: false,
    blocked: blocked === null ? [] : [blocked.vm.name],
    why: `${blocked?.vm.name ?? 'A VM'} finds no place while its node is maintained, in whatever order that was tried`,
    proven: false,
  };
}

/** Every move is a risk and a load: so many a VM are worth the time that they save. */
function betterRoll(field: Field, a: Rolled | null, b: Rolled): Rolled {
  const most = field.guests.length * (field.sites.length > 8 ? 1.25 : 1.5);
  const fits = (one: Rolled): boolean => one.moves.length <= most;
  if (a === null) return b;
  if (fits(a) !== fits(b)) return fits(a) ? a : b;
  return better(a, b) ?? b;
}

/** Least to move first, since those VMs move twice; with slow links last; as named. */
function ordersOf(field: Field, sites: readonly Site[]): Site[][] {
  const memory = new Map(sites.map((site) => [site, 0]));
  for (const { home, memory: bytes } of field.guests)
    memory.set(home, (memory.get(home) ?? 0) + bytes);
  const by = (key: (site: Site) => number): Site[] =>
    [...sites].sort((a, b) => key(a) - key(b) || a.index - b.index);
  const of = (site: Site): number => memory.get(site) ?? 0;
  const orders = [by(of), by((site) => -site.link), by((site) => of(site) / site.link), [...sites]];
  const names = orders.map((order) => order.map((site) => site.index).join());
  return orders.filter((_, at) => names.indexOf(names[at] ?? '') === at);
}

function oneElsewhere(order: readonly Site[], random: () => number): Site[] {
  const next = [...order];
  const [site] = next.splice(Math.floor(random() * next.length), 1);
  if (site !== undefined) next.splice(Math.floor(random() * (next.length + 1)), 0, site);
  return next;
}

const pick = <T>(list: readonly T[], random: () => number): T => {
  const one = list[Math.floor(random() * list.length)];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
};

/** One attempt, from the first node closed to the last one open again. */
class Roll {
  private readonly field: Field;
  private readonly task: Rolling;
  private readonly order: Site[];
  private readonly style: Style;
  private readonly timeline: Timeline;
  private readonly queue: Site[];
  private readonly down = new Set<Site>();
  private readonly restarting = new Set<Site>();
  private readonly back = new Set<Site>();
  /** VMs that have left home. */
  private readonly away = new Set<Guest>();
  /** Of the nodes that a VM may be on, the two with the fastest links. */
  private readonly fastest = new Map<Guest, Site[]>();
  private forced: Step[] = [];
  private openedAt = 0;

  constructor(field: Field, task: Rolling, order: Site[], style: Style) {
    this.field = field;
    this.task = task;
    this.order = order;
    this.style = style;
    this.timeline = new Timeline(field, style.sharing);
    this.queue = [...order];
  }

  run(): Rolled | { blocked: Guest | null } {
    for (;;) {
      this.closeAndRestart();
      this.move();
      if (this.timeline.advance()) continue;
      if (this.isDone()) return this.finished();
      const stuck = this.field.guests.find((guest) => this.down.has(this.timeline.ownerOf(guest)));
      // A way that has just been tried in vain is found again and again.
      const hopeless = this.forced.length > 0;
      if (stuck === undefined || hopeless || !this.makeRoom()) return { blocked: stuck ?? null };
    }
  }

  private finished(): Rolled {
    const { timeline, order, style } = this;
    timeline.moves.sort((a, b) => a.startSeconds - b.startSeconds);
    const last = timeline.moves.reduce((latest, m) => Math.max(latest, m.endSeconds), 0);
    const seconds = this.task.final === 'home' ? Math.max(this.openedAt, last) : this.openedAt;
    return {
      timeline,
      order,
      style,
      seconds,
      moves: timeline.moves,
      wishes: unmetWishes(this.field, timeline),
    };
  }

  private isDone(): boolean {
    if (this.back.size < this.order.length) return false;
    if (this.task.final === 'any') return true;
    return this.field.guests.every((guest) => this.timeline.ownerOf(guest) === guest.home);
  }

  private closeAndRestart(): void {
    while (this.down.size < this.task.maxDown && this.queue.length > 0) {
      const site = this.queue.shift();
      if (site === undefined) break;
      this.down.add(site);
      this.timeline.close(site);
    }
    for (const site of this.down) {
      if (this.restarting.has(site) || !this.timeline.isEmpty(site)) continue;
      this.restarting.add(site);
      const seconds = this.task.restartSeconds[site.node.name] ?? 0;
      // Not sooner than the other side's clock says it.
      this.timeline.later(this.timeline.now + seconds + 1e-5, () => {
        this.timeline.open(site);
        this.down.delete(site);
        this.restarting.delete(site);
        this.back.add(site);
        this.openedAt = this.timeline.now;
      });
    }
  }

  private move(): void {
    const step = this.forced[0];
    if (step !== undefined) {
      if (!this.timeline.canStart(step.guest, step.to)) return;
      this.timeline.start(step.guest, step.to);
      this.forced.shift();
      return;
    }
    const waits = this.leave([...this.down], () => true);
    if (this.task.final === 'home') this.goHome();
    if (!waits) this.leave(this.next(), (to) => !this.style.once || !this.queue.includes(to));
  }

  /** The nodes that are emptied before they are closed. */
  private next(): Site[] {
    return this.queue.slice(0, this.task.maxDown * this.style.ahead);
  }

  /** Starts what may leave these nodes now; true when something of it finds no place yet. */
  private leave(sites: readonly Site[], may: (to: Site) => boolean): boolean {
    let waits = false;
    for (const site of sites) {
      if (!this.timeline.maySend(site)) continue;
      const here = [...this.timeline.guestsOn(site)].filter((g) => !this.timeline.isMoving(g));
      here.sort((a, b) => b.memory - a.memory || a.index - b.index);
      const open = this.field.sites.filter((to) => may(to) && this.timeline.maySend(to));
      for (const guest of here) {
        if (!this.timeline.maySend(site)) break;
        const to = this.target(guest, open);
        if (to === null) {
          waits = true;
          continue;
        }
        this.timeline.start(guest, to);
        this.away.add(guest);
      }
    }
    return waits;
  }

  private goHome(): void {
    for (const guest of this.away) {
      const { home } = guest;
      const may = this.back.has(home) || !this.order.includes(home);
      if (may && this.timeline.canStart(guest, home)) this.timeline.start(guest, home);
    }
  }

  /** Where it need not leave again comes first; of the others, the one that is maintained last. */
  private target(guest: Guest, open: readonly Site[]): Site | null {
    const from = this.timeline.ownerOf(guest);
    const next = new Set(this.next());
    let best: Site | null = null;
    let least: number[] = [];
    for (const to of open) {
      if (guest.never[to.index] !== null || next.has(to)) continue;
      if (!this.timeline.canStart(guest, to)) continue;
      const again = this.queue.indexOf(to);
      const rank = [
        this.task.final === 'home' && to === guest.home ? 0 : 1,
        moveSeconds(this.field, guest, from, to) + (again < 0 ? 0 : this.leaveSeconds(guest, to)),
        ...wishRank(this.timeline, guest, to),
        again < 0 ? 0 : -again,
        this.timeline.load(to),
      ];
      if (best === null || comesBefore(rank, least)) {
        best = to;
        least = rank;
      }
    }
    return best;
  }

  /** Of the further move that it takes to get it away from there again, over the fastest link. */
  private leaveSeconds(guest: Guest, site: Site): number {
    let fastest = this.fastest.get(guest);
    if (fastest === undefined) {
      fastest = guest.mayBeOn.toSorted((a, b) => b.link - a.link).slice(0, 2);
      this.fastest.set(guest, fastest);
    }
    const to = fastest.find((one) => one !== site);
    return to === undefined ? Infinity : moveSeconds(this.field, guest, site, to);
  }

  /** Nothing goes on by itself: other VMs make room for one that has to leave. */
  private makeRoom(): boolean {
    const placement = new Placement(this.field, this.timeline.owners());
    const open = (guest: Guest): Site[] =>
      guest.mayBeOn.filter((site) => !this.timeline.isClosed(site));
    for (const guest of this.field.guests) {
      if (!this.down.has(this.timeline.ownerOf(guest))) continue;
      const way = wayOut(placement, guest, open);
      if (way === null) continue;
      this.forced = way;
      return true;
    }
    return false;
  }
}
