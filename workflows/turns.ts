// A run's side of the order of moves: it says what it wants to move, waits for its turn and gives that back. The other
// side is schedule-moves.ts. Whoever moves VMs goes through here; nothing in here moves one.
import {
  CancellationScope,
  condition,
  defineSignal,
  getExternalWorkflowHandle,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { TemporalFailure } from '@temporalio/common';
import { runId } from '../domain/names.ts';
import { TURN_SIGNALS, type TurnNews, type TurnRef } from '../domain/turn-messages.ts';
import type { Asked, TurnKind, Want } from '../domain/turns.ts';
import { durationText } from '../domain/units.ts';
import type { Calls } from './calls.ts';
import { failureOf, stepFailure } from './failure-of.ts';

export type { Want } from '../domain/turns.ts';

/** `refused`: none of the targets can take it any more; whoever asked looks again. */
export type Turn = { target: string } | { refused: string };

interface Pending {
  waiting: (why: string) => void;
  why: string;
  answer: Turn | undefined;
}

/** A ledger that somebody has ended is made anew by whoever asks again. Doubled from the first to the longest. */
const AGAIN_SECONDS = { first: 20, longest: 300 } as const;
/** A want with 64 targets is 3 KB. */
const WANTS_PER_MESSAGE = 50;

const turnSignal = defineSignal<[TurnNews]>(TURN_SIGNALS.turn);
const releaseSignal = defineSignal<[TurnRef]>(TURN_SIGNALS.release);
const renewSignal = defineSignal<[TurnRef]>(TURN_SIGNALS.renew);

/** One of it in a run at a time: a second one would take the first one's news. */
export class Turns {
  private readonly calls: Calls;
  private readonly kind: TurnKind;
  private readonly pending = new Map<string, Pending>();
  /** Wants that have their turn, by the VM's id. */
  private readonly held = new Map<string, string>();
  private readonly unsent: Asked[] = [];
  /** Of this run, and of no other object of this kind in it. */
  private readonly id = `${workflowInfo().runId}.${Date.now().toString(36)}`;
  private asks = 0;

  constructor(calls: Calls, kind: TurnKind) {
    this.calls = calls;
    this.kind = kind;
    setHandler(turnSignal, (news) => this.hear(news), {
      description: 'From the order of moves: turns that are given, and why the others wait.',
    });
    void CancellationScope.nonCancellable(() => this.sendAll());
  }

  /**
   * Waits for its turn; `waiting` is told who holds what, whenever that changes. Cancelled with its scope: the want is
   * withdrawn. Fails with `SlotsBusy` when the `slot` budget is used up.
   *
   * @param seen where moves go that the asker's look saw
   */
  async take(
    want: Want,
    waiting: (why: string) => void,
    seen: Record<string, string> = {},
  ): Promise<Turn> {
    this.asks += 1;
    const ask = `${this.id}.${this.asks}`;
    const mine: Pending = { waiting, why: 'its turn to move', answer: undefined };
    this.pending.set(ask, mine);
    waiting(mine.why);
    try {
      const turn = await this.untilAnswered(this.asked(want, ask, seen), mine);
      if ('target' in turn) this.held.set(want.vmId, ask);
      return turn;
    } catch (err) {
      await this.tell(releaseSignal, ask);
      throw err;
    } finally {
      this.pending.delete(ask);
    }
  }

  /**
   * Ended, failed or never started. Does nothing where no turn is held.
   *
   * @param arrived its move was seen to have ended: nobody has to look whether its slot is free
   */
  async release(vmId: string, arrived = false): Promise<void> {
    const ask = this.held.get(vmId);
    if (ask === undefined) return;
    this.held.delete(vmId);
    await this.tell(releaseSignal, ask, arrived);
  }

  private asked(want: Want, ask: string, seen: Record<string, string>): Asked {
    const { workflowId, runId: run } = workflowInfo();
    const { kind } = this;
    const { vm, vmId, from, memoryBytes, targets, apart, order, seconds } = want;
    return {
      ...{ vm, vmId, from, memoryBytes, targets, order, ask, kind },
      run: { workflowId, runId: run },
      ...(apart === undefined || apart.length === 0 ? {} : { apart }),
      ...(seconds === undefined ? {} : { seconds }),
      ...(Object.keys(seen).length === 0 ? {} : { seen }),
    };
  }

  private async untilAnswered(asked: Asked, mine: Pending): Promise<Turn> {
    const budgetMs = this.calls.budgets.slotSeconds * 1000;
    const until = Date.now() + budgetMs;
    for (
      let again: number = AGAIN_SECONDS.first;
      ;
      again = Math.min(again * 2, AGAIN_SECONDS.longest)
    ) {
      this.unsent.push(asked);
      const leftMs = Math.max(1, until - Date.now());
      const answered = await condition(
        () => mine.answer !== undefined,
        Math.min(again * 1000, leftMs),
        { summary: `Turn of ${asked.vm}` },
      );
      if (answered && mine.answer !== undefined) return mine.answer;
      if (Date.now() < until) continue;
      throw stepFailure(
        'SlotsBusy',
        `${asked.vm} did not get its turn to move within ${durationText(budgetMs)}: waited for ${mine.why}`,
      );
    }
  }

  /** What is wanted in one workflow task goes as one message. */
  private async sendAll(): Promise<void> {
    for (;;) {
      await condition(() => this.unsent.length > 0);
      const wants = this.unsent.splice(0);
      while (wants.length > 0) void this.send(wants.splice(0, WANTS_PER_MESSAGE));
    }
  }

  private async send(wants: Asked[]): Promise<void> {
    const { cluster, patientSeconds } = this.calls;
    const [first] = wants;
    const what = wants.length === 1 ? (first?.vm ?? '') : `${wants.length} VMs`;
    try {
      await this.calls
        .onCluster({ summary: `Ask for the turn of ${what}`, takeWithinSeconds: patientSeconds })
        .joinMoves({ cluster, wants });
    } catch (err) {
      const failure = failureOf(err);
      if (failure === undefined) throw err;
      // Asked again in a while; meanwhile the wait says what is wrong.
      const why = `the order of moves, which could not be asked: ${failure.message}`;
      for (const { ask } of wants) this.say(ask, why);
    }
  }

  private async hear({ turns = [], waits = [], needed = [] }: TurnNews): Promise<void> {
    for (const { ask, why } of waits) this.say(ask, why);
    const strange: string[] = [];
    for (const { ask, ...answer } of turns) {
      const mine = this.pending.get(ask);
      if (mine !== undefined) mine.answer = answer;
      else if (!this.holds(ask) && 'target' in answer) strange.push(ask);
    }
    for (const ask of needed) {
      if (this.holds(ask) || this.pending.has(ask)) await this.tell(renewSignal, ask);
      else strange.push(ask);
    }
    // Of a want that was withdrawn meanwhile.
    for (const ask of strange) await this.tell(releaseSignal, ask);
  }

  private holds(ask: string): boolean {
    return [...this.held.values()].includes(ask);
  }

  private say(ask: string, why: string): void {
    const mine = this.pending.get(ask);
    if (mine === undefined || mine.answer !== undefined) return;
    mine.why = why;
    mine.waiting(why);
  }

  private async tell(signal: typeof releaseSignal, ask: string, arrived = false): Promise<void> {
    const ledger = getExternalWorkflowHandle(runId.moves(this.calls.cluster));
    const ref: TurnRef = { runId: workflowInfo().runId, ask, ...(arrived ? { arrived } : {}) };
    try {
      await CancellationScope.nonCancellable(() => ledger.signal(signal, ref));
    } catch (err) {
      // It has ended, and with it all that it had promised.
      if (!(err instanceof TemporalFailure)) throw err;
    }
  }
}
