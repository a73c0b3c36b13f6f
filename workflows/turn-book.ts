// What the ledger of moves knows: wants, turns, and what it has told whom. Changed by schedule-moves.ts only; decides
// nothing (domain/turns.ts does) and sends nothing.
import type { Held, LedgerState, TurnNews, TurnRef } from '../domain/turn-messages.ts';
import { inOrder, type Asked, type Decided, type Standing, type Waiting } from '../domain/turns.ts';
import { listed } from '../domain/units.ts';

type Run = Asked['run'];

/** A turn whose VM has not been seen to move for so long may be forgotten: its run is asked. */
const QUIET_MS = 15_000;
/** Whoever does not answer that within this loses the turn: no worker of the cluster has served the run for so long. */
const ANSWER_MS = 300_000;
/** Why a run waits is told again so rarely, and the rarer the more runs wait. */
const TELL_EVERY_MS = { least: 5_000, perRun: 200 } as const;
/** Wants that are over and may be sent again by a lost answer. */
const OVER_KEPT = 200;
/** A want that has waited through more moves than these looks again where its move begins. */
const ENDED_KEPT = 500;
/** Of wants that are handed on, as JSON; those behind them are asked for again by their runs. */
const HANDED_ON_CHARS = 150_000;

export class TurnBook {
  wants: Waiting[];
  held: Held[];
  ended: LedgerState['ended'];
  private seen: Record<string, string>;
  private over: string[];
  /** When the end of its move was seen, by the VM's id: an older look shows it on the move. */
  private arrived = new Map<string, number>();
  private unsent = new Map<string, { run: Run; news: Required<TurnNews> }>();
  private why = new Map<string, string>();
  private told = new Map<string, string>();
  private toldAt = new Map<string, number>();

  constructor(state: Partial<LedgerState> = {}) {
    this.wants = state.wants ?? [];
    this.held = state.held ?? [];
    this.ended = state.ended ?? [];
    this.seen = state.seen ?? {};
    this.over = state.over ?? [];
  }

  isEmpty(): boolean {
    return this.wants.length === 0 && this.held.length === 0;
  }

  want(wants: readonly Asked[], now: number): void {
    for (const { seen = {}, ...want } of wants) {
      const turn = this.held.find(({ ask }) => ask === want.ask);
      // Asked for again: the run has not heard of it.
      if (turn !== undefined)
        this.newsFor(turn.run).turns.push({ ask: turn.ask, target: turn.target });
      const isKnown = turn !== undefined || this.wants.some(({ ask }) => ask === want.ask);
      if (isKnown || this.over.includes(want.ask)) continue;
      Object.assign(this.seen, seen);
      this.wants.push({ ...want, came: now });
    }
  }

  renew({ runId, ask }: TurnRef, now: number): void {
    const turn = this.held.find((one) => one.ask === ask && one.run.runId === runId);
    if (turn === undefined) return;
    turn.quietSince = now;
    delete turn.askedAt;
  }

  /** false: there is no such want and no such turn. */
  release({ runId, ask, arrived = false }: TurnRef, now: number): boolean {
    const turn = this.held.find((one) => one.ask === ask && one.run.runId === runId);
    if (arrived && turn !== undefined) this.arrived.set(turn.vmId, now);
    return this.drop((one) => one.ask === ask && one.run.runId === runId, now);
  }

  /** The run has ended. */
  forget(runId: string, now: number): boolean {
    return this.drop(({ run }) => run.runId === runId, now);
  }

  private drop(isIt: (one: { ask: string; run: Run }) => boolean, now: number): boolean {
    const gone = [...this.wants, ...this.held].filter(isIt);
    for (const { target, memoryBytes, apart } of this.held.filter(isIt)) {
      this.ended.push({ target, memoryBytes, at: now, ...(apart === undefined ? {} : { apart }) });
    }
    this.wants = this.wants.filter((one) => !isIt(one));
    this.held = this.held.filter((one) => !isIt(one));
    this.over = [...this.over, ...gone.map(({ ask }) => ask)].slice(-OVER_KEPT);
    for (const { ask } of gone) {
      this.why.delete(ask);
      this.told.delete(ask);
    }
    return gone.length > 0;
  }

  /** The look that was begun then, with what others have seen of where moves go and that they ended. */
  standing(look: Standing, begunAt: number): Standing {
    for (const [vmId, at] of this.arrived) if (at < begunAt) this.arrived.delete(vmId);
    const going = look.moves.filter(({ vmId }) => !this.arrived.has(vmId));
    const moves = going.map((move) => ({
      ...move,
      target: move.target ?? this.seen[move.vmId] ?? null,
    }));
    this.seen = Object.fromEntries(
      moves.flatMap(({ vmId, target }) => (target === null ? [] : [[vmId, target]])),
    );
    return { ...look, moves };
  }

  /** Facts win: a turn that is not used and that nobody answers for is let go. */
  watch({ moves, queued }: Standing, now: number): void {
    const onTheMove = new Set([...moves.map(({ vmId }) => vmId), ...queued]);
    for (const turn of this.held) {
      if (onTheMove.has(turn.vmId)) {
        turn.quietSince = now;
        delete turn.askedAt;
      } else if (turn.askedAt === undefined && now - turn.quietSince > QUIET_MS) {
        turn.askedAt = now;
        this.newsFor(turn.run).needed.push(turn.ask);
      }
    }
    const late = this.held.filter(
      ({ askedAt }) => askedAt !== undefined && now - askedAt > ANSWER_MS,
    );
    for (const { ask, run } of late) this.release({ runId: run.runId, ask }, now);
  }

  note({ grants, refusals, waits }: Decided, now: number): void {
    for (const { want, target } of grants) {
      const { ask, run, vm, vmId, from, memoryBytes, apart } = want;
      this.held.push({
        ...{ ask, run, vm, vmId, from, memoryBytes, target, since: now, quietSince: now },
        ...(apart === undefined ? {} : { apart }),
      });
      this.newsFor(run).turns.push({ ask, target });
    }
    for (const { want, why } of refusals) {
      this.newsFor(want.run).turns.push({ ask: want.ask, refused: why });
    }
    const answered = new Set([...grants, ...refusals].map(({ want }) => want.ask));
    this.wants = this.wants.filter(({ ask }) => !answered.has(ask));
    this.over = [...this.over, ...refusals.map(({ want }) => want.ask)].slice(-OVER_KEPT);
    this.why = new Map(waits.map(({ want, why }) => [want.ask, why]));
    const oldest = Math.min(...this.wants.map(({ came }) => came));
    this.ended = this.ended.filter(({ at }) => at > oldest).slice(-ENDED_KEPT);
  }

  noteBlind(why: string): void {
    this.why = new Map(this.wants.map(({ ask }) => [ask, why]));
  }

  /** Everything that is new, by run; said once. */
  news(now: number): { run: Run; news: TurnNews }[] {
    this.addReasons(now);
    const all = [...this.unsent.values()].map(({ run, news: { turns, waits, needed } }) => ({
      run,
      news: {
        ...(turns.length === 0 ? {} : { turns }),
        ...(waits.length === 0 ? {} : { waits }),
        ...(needed.length === 0 ? {} : { needed }),
      },
    }));
    this.unsent = new Map();
    return all;
  }

  private addReasons(now: number): void {
    const waiting = new Map<string, Waiting[]>();
    for (const want of this.wants) {
      waiting.set(want.run.runId, [...(waiting.get(want.run.runId) ?? []), want]);
    }
    const every = Math.max(TELL_EVERY_MS.least, TELL_EVERY_MS.perRun * waiting.size);
    for (const [runId, wants] of waiting) {
      const isNew = wants.some(({ ask }) => !this.told.has(ask));
      if (!isNew && now - (this.toldAt.get(runId) ?? 0) < every) continue;
      for (const { ask, run } of wants) {
        const why = this.why.get(ask);
        if (why === undefined || this.told.get(ask) === why) continue;
        this.newsFor(run).waits.push({ ask, why });
        this.told.set(ask, why);
        this.toldAt.set(runId, now);
      }
    }
    for (const runId of this.toldAt.keys()) if (!waiting.has(runId)) this.toldAt.delete(runId);
  }

  private newsFor(run: Run): Required<TurnNews> {
    const known = this.unsent.get(run.runId);
    if (known !== undefined) return known.news;
    const news = { turns: [], waits: [], needed: [] };
    this.unsent.set(run.runId, { run, news });
    return news;
  }

  state(): LedgerState {
    let left = HANDED_ON_CHARS;
    const wants = inOrder(this.wants).filter((want) => (left -= JSON.stringify(want).length) > 0);
    const { held, ended, seen, over } = this;
    return { wants, held, ended, seen, over };
  }

  title(): string {
    return `Order of moves: ${this.held.length} under way, ${this.wants.length} waiting`;
  }

  details(): string {
    const turns = this.held.map(
      ({ vm, from, target, run }) => `${vm}: ${from} -> ${target} (${run.workflowId})`,
    );
    const waits = inOrder(this.wants).map(({ vm, ask }) => `${vm}: ${this.why.get(ask) ?? ''}`);
    return [
      `**${this.title()}**`,
      ...(turns.length === 0 ? [] : ['', `Have their turn: ${listed(turns, 32)}`]),
      ...(waits.length === 0
        ? []
        : ['', 'Wait for:', '', ...waits.slice(0, 32).map((line) => `- ${line}`)]),
    ].join('\n');
  }
}
