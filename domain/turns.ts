// Whose move begins next. A pure function of what the cluster tells, the turns that are given and the wants that wait:
// workflows/schedule-moves.ts calls it whenever one of these changes. Asks nobody and starts nothing.
import { includesName, sameName } from './names.ts';
import { listed, listText, sizeText } from './units.ts';

/** Who asks, in the order in which they are served. */
export const TURN_KINDS = ['person', 'drain', 'balance'] as const;
export type TurnKind = (typeof TURN_KINDS)[number];

export interface WantTarget {
  node: string;
  /** Free beyond the reserve, as the asker's look saw it. */
  roomBytes: number;
  /** Gone to only where all better ones would have to wait. */
  worse?: true;
}

/** What a run wants a turn for. */
export interface Want {
  vm: string;
  vmId: string;
  from: string;
  memoryBytes: number;
  /** Eligible nodes, best first; one entry when a person or a plan named it. */
  targets: WantTarget[];
  /** Anti-affinity classes that must not meet, only where the cluster enforces them. */
  apart?: string[];
  /** Order among the wants of the same run: smaller first. */
  order: number;
  /** Seconds that the move is expected to take, where known. */
  seconds?: number;
}

/** A want as it is sent: `ask` tells it from an earlier one of the same run for the same VM. */
export interface Asked extends Want {
  ask: string;
  kind: TurnKind;
  run: { workflowId: string; runId: string };
  /** Where moves go that the asker's look saw, by the VM's id: one look from one node knows few of them. */
  seen?: Record<string, string>;
}

/** `came`: milliseconds since 1970, as all moments here. */
export type Waiting = Omit<Asked, 'seen'> & { came: number };

/** A turn that is given and not given back. */
export interface Given extends Pick<Asked, 'ask' | 'run' | 'vm' | 'vmId' | 'from' | 'memoryBytes'> {
  target: string;
  apart?: string[];
  since: number;
}

/** A turn that was given back: what its VM takes there an older look has not seen. */
export interface Ended extends Pick<Given, 'target' | 'memoryBytes' | 'apart'> {
  at: number;
}

export interface MoveUnderWay {
  vm: string;
  vmId: string;
  from: string;
  /** null: only the node that it leaves knows. */
  target: string | null;
}

/** What one look at the cluster tells. */
export interface Standing {
  /** MaximumParallelMigrations. */
  limit: number;
  nodes: {
    name: string;
    /** Why nothing may move there; null: it takes VMs. */
    closed: string | null;
  }[];
  moves: MoveUnderWay[];
  /** Ids of VMs whose move waits in the cluster's own queue. */
  queued: string[];
}

export interface Decided {
  grants: { want: Waiting; target: string }[];
  /** None of the targets can take it any more: whoever asked has to look again. */
  refusals: { want: Waiting; why: string }[];
  waits: { want: Waiting; why: string }[];
}

/** From then on a want keeps also those of its own kind from the ends that it waits for. */
const STARVING_MS = 10 * 60_000;

const rankOf = ({ kind }: Waiting): number => TURN_KINDS.indexOf(kind);

/** Persons before drains before balances, then by their order, then by who came first. */
export const inOrder = (wants: readonly Waiting[]): Waiting[] =>
  wants.toSorted(
    (a, b) =>
      rankOf(a) - rankOf(b) || a.order - b.order || a.came - b.came || (a.ask < b.ask ? -1 : 1),
  );

export function decideTurns(
  now: number,
  standing: Standing,
  given: readonly Given[],
  ended: readonly Ended[],
  wants: readonly Waiting[],
): Decided {
  const table = new Table(now, standing, given, ended);
  const decided: Decided = { grants: [], refusals: [], waits: [] };
  for (const want of inOrder(wants)) {
    const verdict = table.judge(want);
    if ('target' in verdict) decided.grants.push({ want, target: verdict.target });
    else if ('refused' in verdict) decided.refusals.push({ want, why: verdict.refused });
    else decided.waits.push({ want, why: verdict.waits });
  }
  return decided;
}

type Verdict = { target: string } | { refused: string } | { waits: string };

/** What takes a slot at a node: a move, a turn, or a want that must not wait for ever. */
interface Holder {
  vm: string;
  vmId: string;
  /** Of a turn whose VM is not on the move yet, and of a want. */
  run?: string;
  /** It only waits: its slots are kept from those that come after it. */
  want?: { rank: number; starving: boolean };
}

const key = (name: string): string => name.toLowerCase();

class Table {
  private readonly now: number;
  private readonly limit: number;
  private readonly closed: ReadonlyMap<string, string | null>;
  private readonly moving: ReadonlySet<string>;
  private readonly turns = new Map<string, Given>();
  /** By node. */
  private readonly seats = new Map<string, Holder[]>();
  /** Moves whose target nobody knows: they may go anywhere. */
  private readonly anywhere: (Holder & { from: string })[] = [];
  /** Memory that is promised and that an older look has not seen, by target. */
  private readonly onTheWay = new Map<string, Given[]>();
  private readonly ended = new Map<string, Ended[]>();

  constructor(now: number, standing: Standing, given: readonly Given[], ended: readonly Ended[]) {
    this.now = now;
    this.limit = standing.limit;
    this.closed = new Map(standing.nodes.map(({ name, closed }) => [key(name), closed]));
    this.moving = new Set(standing.moves.map(({ vmId }) => key(vmId)));
    for (const turn of given) this.give(turn);
    for (const { vm, vmId, from, target } of standing.moves) {
      if (this.turns.has(key(vmId))) continue;
      seat(this.seats, from, { vm, vmId });
      if (target === null) this.anywhere.push({ vm, vmId, from });
      else seat(this.seats, target, { vm, vmId });
    }
    for (const one of ended) seat(this.ended, one.target, one);
  }

  judge(want: Waiting): Verdict {
    const other = this.turns.get(key(want.vmId));
    if (other !== undefined) {
      return { waits: `the move of ${want.vm} by ${other.run.workflowId}, which has its turn` };
    }
    const open = want.targets.filter(({ node }) => this.closedBecause(node) === null);
    const roomy = open.filter(
      (target) => this.lacks(want, target, this.endedSince(want, target)) === null,
    );
    if (roomy.length === 0) return { refused: this.refusal(want, open) };
    const used = (node: string): number => this.holders(node, want).length;
    const [best] = roomy
      .map((target, i) => ({ target, i, used: used(target.node) }))
      .filter((one) => one.used < this.limit && this.lacksNow(want, one.target) === null)
      .toSorted(
        (a, b) =>
          Number(a.target.worse ?? false) - Number(b.target.worse ?? false) ||
          a.used - b.used ||
          this.leftOf(want, b.target) - this.leftOf(want, a.target) ||
          a.i - b.i,
      );
    if (best !== undefined && used(want.from) < this.limit) {
      const target = best.target.node;
      this.give({ ...want, target, since: this.now });
      return { target };
    }
    const verdict = { waits: this.reason(want, roomy, best !== undefined) };
    this.keep(want, roomy);
    return verdict;
  }

  private give(turn: Given): void {
    const { vm, vmId, from, target } = turn;
    const isMoving = this.moving.has(key(vmId));
    const holder = { vm, vmId, ...(isMoving ? {} : { run: turn.run.workflowId }) };
    this.turns.set(key(vmId), turn);
    seat(this.seats, from, holder);
    seat(this.seats, target, holder);
    seat(this.onTheWay, target, turn);
  }

  /** What is free for it must not be taken by those after it for ever. */
  private keep(want: Waiting, roomy: readonly WantTarget[]): void {
    const { vm, vmId, run, came } = want;
    const starving = this.now - came > STARVING_MS;
    const holder = { vm, vmId, run: run.workflowId, want: { rank: rankOf(want), starving } };
    const only = roomy.length === 1 ? roomy : [];
    for (const node of [want.from, ...only.map((target) => target.node)]) {
      seat(this.seats, node, holder);
    }
  }

  private closedBecause(node: string): string | null {
    const known = this.closed.get(key(node));
    return known === undefined ? 'it is no node of the cluster' : known;
  }

  private holders(node: string, want: Waiting): Holder[] {
    const there = (this.seats.get(key(node)) ?? []).filter(
      (h) => h.want === undefined || h.want.starving || h.want.rank < rankOf(want),
    );
    const perhaps = this.anywhere.filter(({ from }) => !sameName(from, node));
    return [...there, ...perhaps].filter(({ vmId }) => !sameName(vmId, want.vmId));
  }

  private endedSince({ came }: Waiting, { node }: WantTarget): Ended[] {
    return (this.ended.get(key(node)) ?? []).filter(({ at }) => at > came);
  }

  /** What the asker's look has not seen there. */
  private unseen(want: Waiting, target: WantTarget): (Ended | Given)[] {
    return [...this.endedSince(want, target), ...(this.onTheWay.get(key(target.node)) ?? [])];
  }

  private lacksNow(want: Waiting, target: WantTarget): string | null {
    return this.lacks(want, target, this.unseen(want, target));
  }

  /**
   * Of the room that the look saw, the share that nobody has been promised since: its order stands while that is equal.
   */
  private leftOf(want: Waiting, target: WantTarget): number {
    return this.unseen(want, target).reduce(
      (left, { memoryBytes }) => left - memoryBytes / target.roomBytes,
      1,
    );
  }

  /** Why the VM does not fit beside these; null: it does. */
  private lacks(
    want: Waiting,
    { roomBytes }: WantTarget,
    others: readonly Pick<Given, 'memoryBytes' | 'apart'>[],
  ): string | null {
    const left = others.reduce((room, { memoryBytes }) => room - memoryBytes, roomBytes);
    if (left < want.memoryBytes) {
      return `room for ${sizeText(Math.max(0, left))}, and ${want.vm} needs ${sizeText(want.memoryBytes)}`;
    }
    const meets = others.some(({ apart }) => apart?.some((c) => includesName(want.apart ?? [], c)));
    return meets ? `${want.vm} must be kept apart from a VM that goes there` : null;
  }

  private refusal(want: Waiting, open: readonly WantTarget[]): string {
    const reasons = want.targets.map((target) => {
      const lack = open.includes(target)
        ? this.lacks(want, target, this.endedSince(want, target))
        : this.closedBecause(target.node);
      return `${target.node}: ${lack ?? ''}`;
    });
    return `no node can take ${want.vm} any more. ${reasons.join('; ')}`;
  }

  private reason(want: Waiting, roomy: readonly WantTarget[], isTargetFree: boolean): string {
    const [first] = roomy;
    const ends = [want.from, ...(isTargetFree || first === undefined ? [] : [first.node])];
    const busy = ends.filter((node) => this.holders(node, want).length >= this.limit);
    if (busy.length === 0) {
      const lack = first === undefined ? null : this.lacksNow(want, first);
      return `memory at ${first?.node ?? ''}: ${lack ?? 'other nodes have none either'}`;
    }
    const holders = new Map(
      busy.flatMap((node) => this.holders(node, want).map((h) => [key(h.vmId), h])),
    );
    return `a free migration slot at ${listText(busy)} (limit ${this.limit}, ${toldOf([...holders.values()])})`;
  }
}

function seat<T>(seats: Map<string, T[]>, node: string, one: T): void {
  const there = seats.get(key(node));
  if (there === undefined) seats.set(key(node), [one]);
  else there.push(one);
}

function toldOf(holders: readonly Holder[]): string {
  const using = holders.filter(({ run }) => run === undefined).map(({ vm }) => vm);
  const byRun = (some: readonly Holder[]): string[] =>
    some.map(({ vm, run }) => `${vm} (run ${run ?? ''})`);
  const promised = byRun(holders.filter((h) => h.run !== undefined && h.want === undefined));
  const kept = byRun(holders.filter((h) => h.want !== undefined));
  return [
    ...(using.length === 0 ? [] : [`in use by ${listed(using)}`]),
    ...(promised.length === 0 ? [] : [`promised to ${listed(promised)}`]),
    ...(kept.length === 0 ? [] : [`kept for ${listed(kept)}, which came first`]),
  ].join('; ');
}
