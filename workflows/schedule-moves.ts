// scheduleMoves: the ledger of a cluster's moves. Every run of watari asks it for a turn before it moves a VM and gives
// the turn back afterwards. It looks before it promises, so that the moves of others count; it starts no move itself.
// Started by whoever wants the first turn (activities/turns.ts), ended by itself when nobody wants any. Nobody steers
// it.
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { TemporalFailure } from '@temporalio/common';
import { LEDGER_WORKFLOW, runId } from '../domain/names.ts';
import { MESSAGES } from '../domain/status.ts';
import {
  isAsked,
  isRef,
  TURN_SIGNALS,
  type ScheduleMovesInput,
  type TurnNews,
  type TurnRef,
} from '../domain/turn-messages.ts';
import { decideTurns, type Asked, type Standing } from '../domain/turns.ts';
import { Calls } from './calls.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { TurnBook } from './turn-book.ts';

/** Somebody else's move is noticed to have ended within this. One look for all, however many wait. */
const LOOK_EVERY_MS = 2_000;
/** A look that is so old still tells who moves; but not whether a turn that was given back has left its slot. */
const FRESH_MS = 2_000;
/** So long turns are given by an older look while a new one is on its way: a free slot does not wait for it. */
const TRUSTED_MS = 4_000;
/** When turns are given and nobody waits, only forgotten ones are looked for. */
const IDLE_LOOK_MS = 30_000;
/** Nobody has wanted anything for so long: it ends. */
const IDLE_MS = 60_000;
/** After the n-th look in a row that failed, at most the last of these. */
const LOOK_AGAIN_MS = [2_000, 5_000, 10_000, 30_000] as const;
/** Temporal warns at 10,240 events; some twenty of them are one move. */
const EVENTS_MAX = 5_000;

const turnSignal = defineSignal<[TurnNews]>(TURN_SIGNALS.turn);

export async function scheduleMoves(input: ScheduleMovesInput): Promise<void> {
  const { workflowId } = workflowInfo();
  const cluster: unknown = (input as Partial<ScheduleMovesInput> | undefined)?.cluster;
  if (typeof cluster !== 'string' || runId.moves(cluster) !== workflowId) {
    throw stepFailure(
      'BadRequest',
      `${LEDGER_WORKFLOW} needs a cluster and the workflow id watari/<cluster>/moves; this one ` +
        `was started as ${workflowId}`,
    );
  }
  await new Ledger(input).work();
}

class Ledger {
  private readonly calls: Calls;
  private readonly book: TurnBook;
  /** Somebody has said something since the last round. */
  private changed = true;
  private look: { at: number; standing: Standing } | undefined;
  private looking: Promise<void> | undefined;
  /**
   * A turn was given back since the look began, and nobody has seen its move end: its slot is free when a look shows
   * it.
   */
  private isStale = false;
  private failedLooks = 0;
  /** Why there is no look; null: there is. */
  private blind: string | null = null;
  private usedAt = Date.now();
  /** Signals that have not arrived yet. */
  private sending = 0;
  private endedAt: string | null = null;
  private readonly info = workflowInfo();

  constructor({ cluster, state }: ScheduleMovesInput) {
    this.calls = new Calls(cluster);
    this.book = new TurnBook(state);
    const on = <T>(name: string, is: (value: unknown) => value is T, heed: (said: T) => void) => {
      setHandler(defineSignal<[unknown]>(name), (said) => {
        if (!is(said)) {
          log.warn(`the signal ${name} could not be read`);
          return;
        }
        heed(said);
        this.changed = true;
        this.usedAt = Date.now();
      });
    };
    on(TURN_SIGNALS.want, areAsked, (wants) => this.book.want(wants, Date.now()));
    on(TURN_SIGNALS.renew, isRef, (ref) => this.book.renew(ref, Date.now()));
    on(TURN_SIGNALS.release, isRef, (ref) => this.release(ref));
    setHandler(defineQuery(MESSAGES.status), () => this.status());
  }

  async work(): Promise<void> {
    try {
      while (!this.isIdle()) {
        await this.round();
        if (this.isGrown()) return await this.handOn();
        await condition(() => this.changed && this.blind === null, this.pauseMs());
      }
    } finally {
      this.endedAt = new Date(Date.now()).toISOString();
    }
  }

  private release(ref: TurnRef): void {
    if (this.book.release(ref, Date.now()) && ref.arrived !== true) this.isStale = true;
  }

  private async round(): Promise<void> {
    this.changed = false;
    const { book } = this;
    if (book.isEmpty()) return;
    await this.lookInTime();
    const now = Date.now();
    if (this.look !== undefined) {
      const standing = book.standing(this.look.standing, this.look.at);
      book.watch(standing, now);
      const { held, ended, wants } = book;
      book.note(decideTurns(now, standing, held, ended, wants), now);
    } else if (this.blind !== null) book.noteBlind(this.blind);
    for (const { run, news } of book.news(now)) this.tell(run, news);
    setCurrentDetails(book.details());
  }

  private async lookInTime(): Promise<void> {
    const ageMs = this.look === undefined ? Infinity : Date.now() - this.look.at;
    if (this.isStale || ageMs > TRUSTED_MS) return this.lookAgain();
    const wake = (): void => {
      this.changed = true;
    };
    if (ageMs >= FRESH_MS && this.looking === undefined) void this.lookAgain().then(wake, wake);
  }

  private lookAgain(): Promise<void> {
    this.looking ??= this.lookNow().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async lookNow(): Promise<void> {
    const at = Date.now();
    this.isStale = false;
    try {
      const call = this.calls.onCluster({
        summary: 'Look at the moves under way',
        takeWithinSeconds: this.calls.patientSeconds,
      });
      this.look = { at, standing: await call.lookAtMoves() };
      this.failedLooks = 0;
      this.blind = null;
    } catch (err) {
      const failure = failureOf(err);
      if (failure === undefined || failure.code === 'Cancelled') throw err;
      this.look = undefined;
      this.failedLooks += 1;
      this.blind = `a look at the cluster, which failed: ${failure.message}`;
    }
  }

  private pauseMs(): number {
    if (this.blind !== null)
      return LOOK_AGAIN_MS[Math.min(this.failedLooks, LOOK_AGAIN_MS.length) - 1] ?? LOOK_EVERY_MS;
    if (this.book.wants.length > 0) return LOOK_EVERY_MS;
    return this.book.isEmpty() ? IDLE_MS : IDLE_LOOK_MS;
  }

  private isIdle(): boolean {
    return (
      this.book.isEmpty() &&
      this.sending === 0 &&
      !this.changed &&
      Date.now() - this.usedAt >= IDLE_MS
    );
  }

  private isGrown(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    return historyLength >= EVENTS_MAX || continueAsNewSuggested;
  }

  private async handOn(): Promise<never> {
    await condition(() => this.sending === 0);
    const { cluster } = this.calls;
    return continueAsNew<typeof scheduleMoves>({ cluster, state: this.book.state() });
  }

  private tell(run: Asked['run'], news: TurnNews): void {
    this.sending += 1;
    const handle = getExternalWorkflowHandle(run.workflowId, run.runId);
    void CancellationScope.nonCancellable(() => handle.signal(turnSignal, news))
      .catch((err: unknown) => {
        if (!(err instanceof TemporalFailure)) throw err;
        // It has ended, and with it all that it wanted.
        if (this.book.forget(run.runId, Date.now())) this.changed = true;
      })
      .finally(() => {
        this.sending -= 1;
      });
  }

  /** As every run tells it, for whoever asks: it has no steps and takes no decision. */
  private status() {
    const { workflowId, runId: run, startTime } = this.info;
    return {
      ...{ run: workflowId, runId: run, workflow: LEDGER_WORKFLOW, waitingFor: null },
      state: this.endedAt === null ? 'running' : 'succeeded',
      ...{ startedAt: startTime.toISOString(), endedAt: this.endedAt, startedBy: 'watari' },
      ...{ title: this.book.title(), steps: [], children: [] },
    };
  }
}

const areAsked = (value: unknown): value is Asked[] => Array.isArray(value) && value.every(isAsked);
