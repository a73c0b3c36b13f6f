// The step engine: what every workflow of watari is made of. A run is a list of named steps; a step that fails is
// retried by its failure's class and then waits, at no cost, for a person's retry, skip or abort.
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  isCancellation,
  sleep,
} from '@temporalio/workflow';
import { refuseDecision } from '../domain/decisions.ts';
import { retryOf, type FailureCode } from '../domain/failures.ts';
import type { WorkflowName } from '../domain/names.ts';
import { retryPauseSeconds, RETRIES } from '../domain/retries.ts';
import { durationText } from '../domain/units.ts';
import type { Decision, RunStatus, StepFailure, StepStatus } from '../domain/status.ts';
import { Brakes } from './brakes.ts';
import { cancelledBecause, failureOf, isOwnCancellation, stepFailure } from './failure-of.ts';
import { choicesText, isHistoryFull, noRoomFor } from './history-room.ts';
import { listen } from './messages.ts';
import { announceRun, markNeedsOperator } from './search-attributes.ts';
import { StepTable, type StepSpec } from './step-table.ts';

/** A wait for a person has no deadline of its own; Temporal wants a number. */
const UNTIL_DECIDED = '3650 days';

/** A step that nobody can skip, so that it has a result. */
export interface NeededStep extends StepSpec {
  skippable?: false;
}

export interface RunOptions {
  workflow: WorkflowName;
  /** The id that this workflow must run under; undefined for runs that lock nothing. */
  lock: string | undefined;
  title: string;
  cluster: string;
  node?: string;
  vm?: string;
  startedBy: string;
  reason?: string;
  retrySeconds?: number;
  /** Nobody is asked: what would need a person fails the run, which lets go of what it holds. */
  unattended?: boolean;
  /** It can be paused between two pieces of its work. */
  brakes?: boolean;
}

/** What a step's body is given: its attempt, its evidence, and what the person who asked for a retry wants. */
export interface StepContext {
  attempt: number;
  /** Node named with the latest retry. */
  target: string | undefined;
  /** The latest retry wants a quick migration. */
  quick: boolean;
  /** A person asked for this attempt. */
  byOperator: boolean;
  evidence(part: Record<string, unknown>): void;
  waitingFor(what: string | null): void;
  child(run: string): void;
  /**
   * Says how to take the step back on abort. Call it before the act; the deed must do nothing when nothing happened.
   * What the first attempt said stands: it knows what was there before.
   */
  undo(title: string, deed: () => Promise<unknown>): void;
  /**
   * Says how to let go of something that the run only holds while it works, as a paused node. Done on abort like an
   * undo, and when the run is cancelled or fails too.
   */
  hold(title: string, release: () => Promise<unknown>): void;
}

interface Undo {
  step: string;
  title: string;
  deed: () => Promise<unknown>;
  isHold: boolean;
}

export class Run {
  private readonly options: RunOptions;
  private readonly table: StepTable;
  readonly brakes: Brakes;
  private readonly decisions = new Map<string, Decision>();
  private readonly undos: Undo[] = [];
  private abortedBy: Decision | undefined;
  /** The history has grown so long that nothing is tried again. */
  private full = false;
  private decided = 0;
  private readonly scope = new CancellationScope();

  constructor(options: RunOptions) {
    this.options = options;
    this.table = new StepTable(options);
    this.brakes = new Brakes(this.table.status, options.brakes === true);
    listen({
      status: () => this.status,
      refusal: (decision) => this.refusal(decision),
      decide: (decision) => this.decide(decision),
    });
  }

  get status(): RunStatus {
    return this.table.status;
  }

  /** Makes steps visible as pending before they begin. */
  expect(steps: StepSpec[]): void {
    for (const spec of steps) this.table.add(spec);
    this.table.show();
  }

  /**
   * Runs one step to its end. Resolves to undefined when a person skipped it.
   * @throws CancelledFailure when the run is cancelled or aborted
   */
  step<T>(spec: NeededStep, body: (context: StepContext) => Promise<T>): Promise<T>;
  step<T>(spec: StepSpec, body: (context: StepContext) => Promise<T>): Promise<T | undefined>;
  async step<T>(
    spec: StepSpec,
    body: (context: StepContext) => Promise<T>,
  ): Promise<T | undefined> {
    const step = this.table.add(spec);
    try {
      return await this.attempts(step, body);
    } catch (err) {
      if (isOwnCancellation(err)) {
        step.failure ??= { code: 'Cancelled', ...cancelledBecause(this.abortedBy) };
        this.table.leave(step, 'failed');
      }
      throw err;
    }
  }

  private async attempts<T>(
    step: StepStatus,
    body: (context: StepContext) => Promise<T>,
  ): Promise<T | undefined> {
    let failures = 0;
    let decision: Decision | undefined;
    for (;;) {
      step.attempt += 1;
      this.table.enter(step, 'running');
      try {
        const result = await body(this.context(step, decision));
        this.table.leave(step, 'succeeded');
        return result;
      } catch (err) {
        const failure = isOwnCancellation(err) ? undefined : failureOf(err);
        if (failure === undefined) throw err;
        failures += 1;
        step.failure = failure;
        this.full ||= isHistoryFull(this.decided);
        if (!this.full && failures <= RETRIES[retryOf(failure.code)]) {
          await this.pauseBeforeRetry(step, failure, failures);
        } else if (this.options.unattended === true) {
          this.table.leave(step, 'failed');
          throw err;
        } else {
          decision = await this.askOperator(step, failure);
          failures = 0;
          if (decision.action === 'skip') {
            this.table.leave(step, 'skipped');
            return undefined;
          }
        }
      }
    }
  }

  /** Runs the workflow's steps; on abort, the registered undo steps. Waits for the messages in hand. */
  async conduct<T>(main: () => Promise<T>): Promise<T> {
    const { workflow, lock } = this.options;
    if (lock !== undefined && lock !== this.status.run) {
      throw stepFailure(
        'BadRequest',
        `A ${workflow} run needs the workflow id ${lock}, which is its lock; this one was ` +
          `started as ${this.status.run}`,
      );
    }
    announceRun(this.options);
    this.table.show();
    try {
      const result = await this.scope.run(main);
      this.finish('succeeded');
      return result;
    } catch (err) {
      if (this.abortedBy !== undefined && isCancellation(err)) {
        const by = this.abortedBy;
        await CancellationScope.nonCancellable(() => this.takeBack(this.undos));
        this.finish('failed');
        throw stepFailure('Aborted', `${by.by} aborted the run at step ${by.step}: ${by.reason}`);
      }
      const holds = this.undos.filter((undo) => undo.isHold);
      await CancellationScope.nonCancellable(() => this.takeBack(holds));
      this.finish(isCancellation(err) ? 'cancelled' : 'failed');
      throw err;
    } finally {
      await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    }
  }

  private context(step: StepStatus, decision: Decision | undefined): StepContext {
    return {
      attempt: step.attempt,
      target: decision?.target,
      quick: decision?.quick === true,
      byOperator: decision !== undefined,
      ...this.table.notes(step),
      undo: (title, deed) => this.register({ step: step.id, title, deed, isHold: false }),
      hold: (title, deed) => this.register({ step: step.id, title, deed, isHold: true }),
    };
  }

  private register(undo: Undo): void {
    // Once, however often the step is tried.
    const isKnown = this.undos.some((u) => u.step === undo.step && u.isHold === undo.isHold);
    if (!isKnown) this.undos.push(undo);
  }

  private async pauseBeforeRetry(
    step: StepStatus,
    failure: StepFailure & { code: FailureCode },
    failures: number,
  ): Promise<void> {
    const seconds = retryPauseSeconds(this.options.retrySeconds, failures);
    const which = `${failures} of ${RETRIES[retryOf(failure.code)]}`;
    step.waitingFor = `retry ${which} in ${durationText(seconds * 1000)}, after ${failure.code}`;
    this.table.enter(step, 'waiting');
    await sleep(seconds * 1000, { summary: `${step.title}: retry ${which} after ${failure.code}` });
  }

  private async askOperator(step: StepStatus, failure: StepFailure): Promise<Decision> {
    const choices = choicesText(step.skippable, this.full);
    step.waitingFor = `a person: ${choices}`;
    this.table.enter(step, 'needs-operator');
    this.markNeed();
    // A row of its own on the Timeline, where a run that merely waits looks like a run that hangs.
    await condition(() => this.decisions.has(step.id), UNTIL_DECIDED, {
      summary: `Needs you: ${step.title} (${failure.code}) - ${choices}`,
    });
    const decision = this.decisions.get(step.id);
    if (decision === undefined) throw stepFailure('Aborted', `Nobody decided about ${step.id}`);
    this.decisions.delete(step.id);
    this.markNeed();
    return decision;
  }

  private refusal(decision: Decision): string | undefined {
    if (this.full && decision?.action === 'retry') return noRoomFor(this.status.run);
    return refuseDecision(this.status, decision, (step) => this.decisions.get(step)?.by);
  }

  private decide(decision: Decision): { accepted: string } {
    this.decided += 1;
    this.table.record(decision);
    if (decision.action === 'abort') {
      this.abortedBy ??= decision;
      this.scope.cancel();
    } else {
      this.decisions.set(decision.step, decision);
    }
    return { accepted: `${decision.action} ${decision.step}` };
  }

  private async takeBack(undos: Undo[]): Promise<void> {
    for (const { step, title, deed } of undos.toReversed()) {
      const undone = this.table.add({ id: `undo/${step}`, title });
      try {
        await this.tryUndo(undone, deed);
        const original = this.table.step(step);
        if (original?.startedAt != null) original.state = 'undone';
        this.table.leave(undone, 'succeeded');
      } catch (err) {
        // The others still must be tried; the report says which one a person has to finish.
        undone.failure = failureOf(err) ?? { code: 'Unexpected', message: String(err), hint: '' };
        this.table.leave(undone, 'failed');
      }
    }
  }

  private async tryUndo(undone: StepStatus, deed: () => Promise<unknown>): Promise<void> {
    for (let failures = 0; ;) {
      undone.attempt += 1;
      this.table.enter(undone, 'running');
      try {
        this.table.notes(undone).evidence({ result: (await deed()) ?? null });
        return;
      } catch (err) {
        const failure = failureOf(err);
        failures += 1;
        // Undo runs once and nobody is asked, so even what would need a person gets a few tries.
        if (failure === undefined || failures > RETRIES['retry-then-operator']) throw err;
        undone.failure = failure;
        await this.pauseBeforeRetry(undone, { ...failure, code: 'OutcomeUnknown' }, failures);
      }
    }
  }

  private markNeed(): void {
    const open = this.status.steps.filter(
      (s) => s.state === 'needs-operator' && !this.decisions.has(s.id),
    );
    markNeedsOperator(open.length > 0);
  }

  private finish(state: 'succeeded' | 'failed' | 'cancelled'): void {
    markNeedsOperator(false);
    this.table.end(state);
  }
}
