// The step engine: what every workflow of watari is made of. A run is a list of named steps; a step that fails is
// retried by its failure's class and then waits, at no cost, for a person's retry, skip or abort.
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { boundedEvidence, DECISIONS_KEPT } from '../domain/bounded.ts';
import { retryOf, type FailureCode } from '../domain/failures.ts';
import type { WorkflowName } from '../domain/names.ts';
import { refuseDecision } from '../domain/decisions.ts';
import type { Decision, RunStatus, StepFailure, StepStatus } from '../domain/status.ts';
import { retryPauseSeconds, RETRIES } from '../domain/retries.ts';
import { detailsMarkdown } from './details.ts';
import { cancelledBecause, failureOf, isOwnCancellation, stepFailure } from './failure-of.ts';
import { choicesText, isHistoryFull, noRoomFor } from './history-room.ts';
import {
  DECIDE_DESCRIPTION,
  DECIDE_SIGNAL_DESCRIPTION,
  decideSignal,
  decideUpdate,
  STATUS_DESCRIPTION,
  statusQuery,
} from './messages.ts';
import { announceRun, markNeedsOperator } from './search-attributes.ts';

/** A wait for a person has no deadline of its own; Temporal wants a number. */
const UNTIL_DECIDED = '3650 days';

export interface StepSpec {
  id: string;
  title: string;
  /** May a person skip it: only where the rest still makes sense without it. */
  skippable?: boolean;
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
  retrySeconds?: number;
}

/** What a step's body is given: its attempt, its evidence, and what the person who asked for a retry wants. */
export interface StepContext {
  attempt: number;
  /** Node named with the latest retry. */
  target: string | undefined;
  /** A person asked for this attempt. */
  byOperator: boolean;
  evidence(part: Record<string, unknown>): void;
  waitingFor(what: string | null): void;
  child(run: string): void;
}

interface Undo {
  step: string;
  title: string;
  deed: () => Promise<unknown>;
  isHold: boolean;
}

const now = (): string => new Date(Date.now()).toISOString();

export class Run {
  readonly status: RunStatus;
  private readonly options: RunOptions;
  private readonly decisions = new Map<string, Decision>();
  private readonly undos: Undo[] = [];
  private abortedBy: Decision | undefined;
  /** The history has grown so long that nothing is tried again. */
  private full = false;
  private decided = 0;
  private readonly scope = new CancellationScope();

  constructor(options: RunOptions) {
    this.options = options;
    const info = workflowInfo();
    this.status = {
      run: info.workflowId,
      runId: info.runId,
      workflow: options.workflow,
      state: 'running',
      waitingFor: null,
      startedAt: info.startTime.toISOString(),
      endedAt: null,
      startedBy: options.startedBy,
      title: options.title,
      steps: [],
      children: [],
    };
    setHandler(statusQuery, () => this.status, { description: STATUS_DESCRIPTION });
    setHandler(decideUpdate, (decision: Decision) => this.decide(decision), {
      description: DECIDE_DESCRIPTION,
      validator: (decision: Decision) => {
        const refusal = this.refusal(decision);
        if (refusal === undefined) return;
        const failure = ApplicationFailure.create({ type: 'DecisionRefused', message: refusal });
        // The Temporal UI shows a refusal with its stack, which says nothing to an operator.
        failure.stack = '';
        throw failure;
      },
    });
    setHandler(
      decideSignal,
      (decision: Decision) => {
        const refusal = this.refusal(decision);
        if (refusal === undefined) this.decide(decision);
        else log.warn(`decide was refused: ${refusal}`);
      },
      { description: DECIDE_SIGNAL_DESCRIPTION },
    );
  }

  /** Makes steps visible as pending before they begin. */
  expect(steps: StepSpec[]): void {
    for (const spec of steps) this.find(spec);
    this.show();
  }

  /** Registers how to take a step back. Call it before the act; it must do nothing when nothing happened. */
  undo(step: string, title: string, deed: () => Promise<unknown>): void {
    this.undos.push({ step, title, deed, isHold: false });
  }

  /**
   * Registers how to let go of something that the run only holds while it works, as a paused node. Done on abort like
   * an undo, and when the run is cancelled or fails too.
   */
  hold(step: string, title: string, release: () => Promise<unknown>): void {
    this.undos.push({ step, title, deed: release, isHold: true });
  }

  /**
   * Runs one step to its end. Resolves to undefined when a person skipped it.
   * @throws CancelledFailure when the run is cancelled or aborted
   */
  async step<T>(
    spec: StepSpec,
    body: (context: StepContext) => Promise<T>,
  ): Promise<T | undefined> {
    const step = this.find(spec);
    try {
      return await this.attempts(step, body);
    } catch (err) {
      if (isOwnCancellation(err)) {
        step.failure ??= { code: 'Cancelled', ...cancelledBecause(this.abortedBy) };
        this.leave(step, 'failed');
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
      this.enter(step, 'running');
      try {
        const result = await body(this.context(step, decision));
        this.leave(step, 'succeeded');
        return result;
      } catch (err) {
        const failure = isOwnCancellation(err) ? undefined : failureOf(err);
        if (failure === undefined) throw err;
        failures += 1;
        step.failure = failure;
        this.full ||= isHistoryFull(this.decided);
        if (!this.full && failures <= RETRIES[retryOf(failure.code)]) {
          await this.pauseBeforeRetry(step, failure, failures);
        } else {
          decision = await this.askOperator(step, failure);
          failures = 0;
          if (decision.action === 'skip') {
            this.leave(step, 'skipped');
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
        `A ${workflow} run needs the workflow id ${lock}, which is its lock; this one was started as ${this.status.run}`,
      );
    }
    announceRun(this.options);
    this.show();
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
      byOperator: decision !== undefined,
      evidence: (part) => {
        for (const [key, value] of Object.entries(part)) {
          step.evidence[key] = boundedEvidence(value);
        }
        this.show();
      },
      waitingFor: (what) => {
        step.waitingFor = what;
        this.show();
      },
      child: (run) => {
        step.child = run;
        if (!this.status.children.includes(run)) this.status.children.push(run);
        this.show();
      },
    };
  }

  private find(spec: StepSpec): StepStatus {
    const known = this.status.steps.find((s) => s.id === spec.id);
    if (known !== undefined) return known;
    const step: StepStatus = {
      id: spec.id,
      title: spec.title,
      state: 'pending',
      attempt: 0,
      startedAt: null,
      endedAt: null,
      waitingFor: null,
      skippable: spec.skippable ?? false,
      progress: null,
      failure: null,
      evidence: {},
      child: null,
    };
    this.status.steps.push(step);
    return step;
  }

  private enter(step: StepStatus, state: 'running' | 'waiting' | 'needs-operator'): void {
    step.state = state;
    step.startedAt ??= now();
    if (state === 'running') step.waitingFor = null;
    this.show();
  }

  private leave(step: StepStatus, state: 'succeeded' | 'skipped' | 'failed'): void {
    step.state = state;
    step.endedAt = now();
    step.waitingFor = null;
    if (state === 'succeeded') step.failure = null;
    this.show();
  }

  private async pauseBeforeRetry(
    step: StepStatus,
    failure: StepFailure & { code: FailureCode },
    failures: number,
  ): Promise<void> {
    const seconds = retryPauseSeconds(this.options.retrySeconds, failures);
    const which = `${String(failures)} of ${String(RETRIES[retryOf(failure.code)])}`;
    step.waitingFor = `retry ${which} in ${String(seconds)} s, after ${failure.code}`;
    this.enter(step, 'waiting');
    await sleep(seconds * 1000, { summary: `${step.title}: retry ${which} after ${failure.code}` });
  }

  private async askOperator(step: StepStatus, failure: StepFailure): Promise<Decision> {
    const choices = choicesText(step.skippable, this.full);
    step.waitingFor = `a person: ${choices}`;
    this.enter(step, 'needs-operator');
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
    this.record(decision);
    if (decision.action === 'abort') {
      this.abortedBy ??= decision;
      this.scope.cancel();
    } else {
      this.decisions.set(decision.step, decision);
    }
    return { accepted: `${decision.action} ${decision.step}` };
  }

  /** When it is made and not when the step takes it: what comes in between must not lose who decided what. */
  private record(decision: Decision): void {
    const evidence = this.status.steps.find((s) => s.id === decision.step)?.evidence ?? {};
    const made = (evidence['decisions'] ?? []) as unknown[];
    evidence['decisions'] = [...made, { ...decision, at: now() }].slice(-DECISIONS_KEPT);
  }

  private async takeBack(undos: Undo[]): Promise<void> {
    for (const { step, title, deed } of undos.toReversed()) {
      const undone = this.find({ id: `undo/${step}`, title });
      try {
        await this.tryUndo(undone, deed);
        const original = this.status.steps.find((s) => s.id === step);
        if (original?.startedAt != null) original.state = 'undone';
        this.leave(undone, 'succeeded');
      } catch (err) {
        // The others still must be tried; the report says which one a person has to finish.
        undone.failure = failureOf(err) ?? { code: 'Unexpected', message: String(err), hint: '' };
        this.leave(undone, 'failed');
      }
    }
  }

  private async tryUndo(undone: StepStatus, deed: () => Promise<unknown>): Promise<void> {
    for (let failures = 0; ;) {
      undone.attempt += 1;
      this.enter(undone, 'running');
      try {
        undone.evidence['result'] = (await deed()) ?? null;
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
    this.status.endedAt = now();
    this.status.state = state;
    this.status.waitingFor = null;
    markNeedsOperator(false);
    setCurrentDetails(detailsMarkdown(this.status));
  }

  private show(): void {
    if (this.status.endedAt !== null) return;
    const needy = this.status.steps.filter((s) => s.state === 'needs-operator');
    const waits = [...needy, ...this.status.steps.filter((s) => s.state !== 'needs-operator')].find(
      (s) => s.waitingFor !== null,
    );
    this.status.state = needy.length > 0 ? 'needs-operator' : 'running';
    this.status.waitingFor = waits === undefined ? null : `${waits.id}: ${waits.waitingFor ?? ''}`;
    setCurrentDetails(detailsMarkdown(this.status));
  }
}
