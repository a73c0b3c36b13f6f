// Why a plan is as it is, in one sentence each: why a VM goes to this node and no other, and what its move waits for.
// Told from the plan alone, by going through it once more; whoever shows a plan calls it.
import { sameName } from '../names.ts';
import { makeField, moveSeconds, type Field, type Guest, type Site } from '../planner/field.ts';
import type { PlannedMove, PlanProblem } from '../planner/problem.ts';
import { listText, sizeText } from '../units.ts';

export interface Told {
  move: PlannedMove;
  why: string;
  /** Absent: it begins at once. */
  waits?: string;
}

/** Moves that end this shortly before another begins are what it waited for: the planner keeps clocks apart by less. */
const MOMENT = 1e-3;

/** In the order of their starts, as the plan has them. */
export function tellMoves(problem: PlanProblem, moves: readonly PlannedMove[]): Told[] {
  const teller = new Teller(makeField(problem), moves);
  return moves.map((move) => {
    const waits = teller.waits(move);
    return { move, why: teller.why(move), ...(waits === null ? {} : { waits }) };
  });
}

class Teller {
  private readonly field: Field;
  private readonly moves: readonly PlannedMove[];
  private readonly guests: ReadonlyMap<string, Guest>;
  private readonly emptied: ReadonlySet<string>;
  /** Memory in use when all is done. */
  private readonly usedAtEnd = new Map<string, number>();

  constructor(field: Field, moves: readonly PlannedMove[]) {
    this.field = field;
    this.moves = moves;
    this.guests = new Map(field.guests.map((guest) => [guest.vm.name, guest]));
    const { task } = field.problem;
    this.emptied = new Set(task.kind === 'empty' ? task.nodes : []);
    const owners = new Map(field.guests.map(({ vm }) => [vm.name, vm.owner]));
    for (const { vm, to } of moves) owners.set(vm, to);
    for (const [vm, node] of owners) {
      const memory = this.guests.get(vm)?.memory ?? 0;
      this.usedAtEnd.set(node, (this.usedAtEnd.get(node) ?? 0) + memory);
    }
  }

  why(move: PlannedMove): string {
    const guest = this.guests.get(move.vm);
    if (guest === undefined) return 'as planned';
    const target = this.whyThere(guest, move);
    const purpose = this.purposeOf(guest, move);
    return purpose === null ? target : `${purpose}; ${target}`;
  }

  /** Of a VM that could have stayed. */
  private purposeOf(guest: Guest, move: PlannedMove): string | null {
    const { task } = this.field.problem;
    if (this.emptied.has(move.from)) return null;
    if (task.kind === 'rebalance') return `brings ${move.from} nearer to the mean`;
    if (task.kind === 'rolling' && sameName(move.to, guest.home.node.name)) return 'goes back home';
    if (task.kind === 'rolling' && task.nodes.includes(move.from)) return null;
    const after = this.moves.find(
      (other) => other.to === move.from && other.startSeconds >= move.endSeconds - MOMENT,
    );
    return after === undefined ? null : `makes room on ${move.from} for ${after.vm}`;
  }

  private whyThere(guest: Guest, move: PlannedMove): string {
    const { to } = move;
    const mayBe = guest.mayBeOn.filter(
      ({ node }) => node.name !== move.from && !this.emptied.has(node.name),
    );
    if (mayBe.length <= 1) return this.whyOnly(guest, move);
    const { preferredOwners, avoid = [] } = guest.vm;
    const place = preferredOwners.indexOf(to);
    if (place >= 0) return `preferred owner${place === 0 ? '' : ` ${place + 1}`}`;
    const others = mayBe.filter(({ node }) => node.name !== to);
    if (others.every(({ node }) => avoid.includes(node.name)))
      return 'the only one with the same processor model that owes no restart';
    const apart = others.filter((site) => this.rivalsAt(guest, site, move.startSeconds).length > 0);
    const room = others.filter((site) => !this.hasRoomAt(guest, site, move.startSeconds));
    const neither = others.filter((site) => !apart.includes(site) && !room.includes(site));
    const names = (sites: Site[]): string =>
      listText(
        sites.map(({ node }) => node.name),
        4,
      );
    if (neither.length === 0) {
      const kept = apart[0] && this.rivalsAt(guest, apart[0], move.startSeconds);
      const parts = [
        ...(room.length > 0 ? [`${names(room)} has no room for it then`] : []),
        ...(kept === undefined ? [] : [`it is kept apart from ${listText(kept, 3)} elsewhere`]),
      ];
      return `the only one that can take it at its turn: ${parts.join(', ')}`;
    }
    const freest = [...mayBe].sort((a, b) => this.freeAtEnd(b) - this.freeAtEnd(a))[0];
    if (freest?.node.name === to)
      return `most free memory after the moves (${sizeText(this.freeAtEnd(freest))}) of those that may take it`;
    const seconds = (site: Site): number =>
      moveSeconds(this.field, guest, this.site(move.from), site);
    const own = seconds(this.site(to));
    const slower = neither.filter((site) => seconds(site) > own * 1.05);
    if (slower.length === neither.length)
      return `the fastest way; ${names(slower)} has a slower link`;
    const busy = neither.filter((site) => this.isBusyAt(site, move.startSeconds));
    if (busy.length === neither.length)
      return `free for it first; ${names(busy)} is busy with other moves then`;
    if (apart.length > 0)
      return `has room at its turn, and nothing there that it is kept apart from`;
    return 'has room for it at its turn, and leaves room elsewhere for those that come later';
  }

  private whyOnly({ never, home }: Guest, { to }: PlannedMove): string {
    const others = this.field.sites.filter((site) => site !== home && site.node.name !== to);
    const reasons = others.flatMap(({ index, node }) =>
      this.emptied.has(node.name) ? [] : [never[index] ?? ''],
    );
    if (reasons.length === 0) return 'the only other node';
    const owners = reasons.every((why) => /possible owner/.test(why));
    if (owners) return 'the only possible owner that may take it';
    return `the only node that may take it (${listText([...new Set(reasons)], 3)})`;
  }

  /** What ended just before it began, and what of that it needed. */
  waits(move: PlannedMove): string | null {
    const guest = this.guests.get(move.vm);
    if (guest === undefined || move.startSeconds <= MOMENT) return null;
    const before = move.startSeconds - 2 * MOMENT;
    const target = this.site(move.to);
    const ended = this.moves.filter(
      (other) => other !== move && Math.abs(other.endSeconds - move.startSeconds) <= MOMENT,
    );
    const own = ended.find(({ vm }) => vm === move.vm);
    if (own !== undefined) return `waits until it has arrived on ${own.to} itself`;
    const freed = ended.find(({ from }) => from === move.to);
    if (freed !== undefined && !this.hasRoomAt(guest, target, before))
      return `waits for memory that ${freed.vm} frees on ${move.to}`;
    const rivals = this.rivalsAt(guest, target, before);
    const rival = ended.find(({ vm, from }) => from === move.to && rivals.includes(vm));
    if (rival !== undefined)
      return `waits until ${rival.vm}, from which it is kept apart, has left ${move.to}`;
    for (const node of [move.to, move.from]) {
      const other = ended.find(({ from, to }) => from === node || to === node);
      if (other === undefined || !this.isBusyAt(this.site(node), before)) continue;
      return other.to === node
        ? `waits for a slot at ${node} until ${other.vm} has arrived`
        : `waits for a slot at ${node} until ${other.vm} has left it`;
    }
    return this.waitsForLink(move);
  }

  /** A copy begins when the one before it ends; its setup begins before that. */
  private waitsForLink(move: PlannedMove): string | null {
    const ends = this.moves.filter(
      (other) =>
        other.startSeconds < move.startSeconds - MOMENT && other.endSeconds > move.startSeconds,
    );
    for (const node of [move.from, move.to]) {
      const other = ends
        .filter(({ from, to }) => from === node || to === node)
        .sort((a, b) => a.endSeconds - b.endSeconds)[0];
      if (other !== undefined) return `waits for the link of ${node} while ${other.vm} is copied`;
    }
    const { task } = this.field.problem;
    return task.kind === 'rolling' ? 'waits for a node to come back' : null;
  }

  private site(name: string): Site {
    return this.field.siteOf(name);
  }

  private freeAtEnd({ node }: Site): number {
    return node.usableBytes - (this.usedAtEnd.get(node.name) ?? 0);
  }

  /** Where each VM is at a moment; one that is on the move is at both ends. */
  private hereAt(site: Site, at: number): Guest[] {
    const { name } = site.node;
    const here = new Set(this.field.guests.filter(({ home }) => home === site));
    for (const move of this.moves) {
      const guest = this.guests.get(move.vm);
      if (guest === undefined || move.startSeconds > at) continue;
      if (move.to === name) here.add(guest);
      else if (move.from === name && move.endSeconds <= at) here.delete(guest);
    }
    return [...here];
  }

  private hasRoomAt(guest: Guest, site: Site, at: number): boolean {
    const used = this.hereAt(site, at)
      .filter((other) => other !== guest)
      .reduce((sum, other) => sum + other.memory, 0);
    const { reserveBytes } = this.field.problem;
    return site.node.usableBytes - used - reserveBytes >= guest.memory;
  }

  private rivalsAt(guest: Guest, site: Site, at: number): string[] {
    if (guest.rivalry.length === 0) return [];
    return this.hereAt(site, at)
      .filter((other) => other !== guest && other.rivalry.some((c) => guest.rivalry.includes(c)))
      .map(({ vm }) => vm.name);
  }

  private isBusyAt({ node: { name } }: Site, at: number): boolean {
    const moving = this.moves.filter(
      ({ from, to, startSeconds, endSeconds }) =>
        (from === name || to === name) && startSeconds < at && endSeconds > at,
    );
    return moving.length >= this.field.problem.slots;
  }
}
