// The runs of one cluster on a real server, looked at from outside: which there are, what they say, how they ended.
// What they say is asked for whenever their history has grown; when one has ended, its history is read by the
// simulator's own workflow host, which must agree with it, and the rules see what the run said after every single
// workflow task.
import { LEDGER_WORKFLOW } from '../../../domain/names.ts';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { MESSAGES, type Decision, type RunStatus } from '../../../domain/status.ts';
import type { Checks } from '../rules/checks.ts';
import { fromProtoHistory, type HistoryEvent } from '../temporal/history.ts';
import type { SeenRun, StartRequest, UpdateAnswer } from '../temporal/seen-run.ts';
import type { WorkflowHost } from '../temporal/workflow-host.ts';
import { sleep } from '../../rig/waiting.ts';
import { Beats } from './beats.ts';
import { DEAD } from './worker.ts';

const ROUND_MS = 100;
/** So many rounds between two lists of what there is. */
const LIST_EVERY = 4;
/** A query waits for a worker; all of them may be dead at this moment. */
const QUERY_MS = 5000;

const ENDS: Partial<Record<string, SeenRun['state']>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'canceled',
};

export class RealRun implements SeenRun {
  readonly id: string;
  readonly runId: string;
  type = '';
  queue = '';
  input: object = {};
  state: SeenRun['state'] = 'open';
  cancelRequested = false;
  result: unknown;
  said: RunStatus | undefined;
  /** Completed workflow tasks, once it has ended. */
  tasks = 0;
  /** Events that it had when it was asked last. */
  length = 0;

  constructor(id: string, runId: string) {
    this.id = id;
    this.runId = runId;
  }

  status(): RunStatus | undefined {
    return this.said;
  }

  wakes(): 'unknown' {
    return 'unknown';
  }
}

export interface RealRunsOptions {
  client: Client;
  cluster: string;
  host: WorkflowHost;
  checks: () => Checks;
  tell: (line: string) => void;
  violated: (what: string) => void;
}

export class RealRuns {
  readonly all: RealRun[] = [];
  readonly beats: Beats;
  private readonly o: RealRunsOptions;
  private readonly known = new Map<string, RealRun>();
  /** Starts, questions and looks that are not answered yet. */
  private onTheirWay = 0;
  private stopped = false;
  private watching: Promise<void> = Promise.resolve();

  constructor(options: RealRunsOptions) {
    this.o = options;
    this.beats = new Beats((run, activityId, beat) => options.checks().beat(run, activityId, beat));
  }

  watch(): void {
    this.watching = this.rounds();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.watching;
    for (const run of this.all)
      if (run.state === 'open')
        await this.handle(run)
          .terminate('the play is over')
          .catch(() => undefined);
  }

  isQuiet(): boolean {
    return this.onTheirWay === 0 && this.all.every((run) => run.state !== 'open');
  }

  /** The one that is open under this id. */
  find(id: string): RealRun | undefined {
    return this.all.findLast((run) => run.id === id && run.state === 'open');
  }

  meet(id: string, runId: string): RealRun {
    const known = this.known.get(runId);
    if (known !== undefined) return known;
    const run = new RealRun(id, runId);
    this.known.set(runId, run);
    this.all.push(run);
    this.o.tell(`${id} starts`);
    return run;
  }

  start(request: StartRequest, then: (run: RealRun | undefined) => void): void {
    const { type, id, queue, input } = request;
    this.send(async () => {
      try {
        const handle = await this.o.client.workflow.start(type, {
          workflowId: id,
          taskQueue: queue,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
        });
        then(Object.assign(this.meet(id, handle.firstExecutionRunId), { type, queue, input }));
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        then(undefined);
      }
    });
  }

  cancel(id: string): void {
    const run = this.find(id);
    if (run === undefined) return;
    run.cancelRequested = true;
    this.send(() => this.handle(run).cancel());
  }

  signal(id: string, decision: Decision): void {
    const run = this.find(id);
    if (run !== undefined) this.send(() => this.handle(run).signal(MESSAGES.decide, decision));
  }

  update(id: string, decision: Decision, answer: (answer: UpdateAnswer) => void): boolean {
    const run = this.find(id);
    if (run === undefined) return false;
    const asked = async (): Promise<void> => {
      try {
        const accepted = await this.handle(run).executeUpdate(MESSAGES.decide, {
          args: [decision],
        });
        // Who decided wants to see what came of it before deciding again.
        await this.hear(run).catch(() => undefined);
        answer({ accepted });
      } catch (error) {
        const cause = error instanceof WorkflowUpdateFailedError ? error.cause : error;
        answer({ refused: cause instanceof Error ? cause.message : String(error) });
      }
    };
    // Not waited for: one that is never answered must not keep the end from being seen.
    void asked();
    return true;
  }

  /** Calls back when it has said how it is now, and whether somebody wants it cancelled. */
  ask(run: SeenRun, then: () => void): void {
    const real = this.meet(run.id, run.runId);
    this.send(async () => {
      await this.patiently(async () => {
        await this.hear(real);
        const { history } = await this.history(real);
        real.cancelRequested ||= history.some((e) => e.kind === 'workflowExecutionCancelRequested');
      });
      then();
    });
  }

  /** The next workflow task of each may be done by any worker, from the whole history. */
  forgetWorkers(): void {
    const { client } = this.o;
    for (const { id, runId, state } of this.all) {
      if (state !== 'open') continue;
      const execution = { workflowId: id, runId };
      const { namespace } = client.options;
      this.send(async () => {
        await client.workflowService.resetStickyTaskQueue({ namespace, execution });
      });
    }
  }

  private handle({ id, runId }: RealRun): WorkflowHandle {
    return this.o.client.workflow.getHandle(id, runId);
  }

  /** Something whose answer must not be missed. That a run has ended meanwhile is no failure. */
  private send(deed: () => Promise<unknown>): void {
    this.onTheirWay += 1;
    void deed()
      .catch((error: unknown) => {
        if (!(error instanceof WorkflowNotFoundError || this.stopped))
          this.o.tell(`the server refuses: ${error instanceof Error ? error.message : ''}`);
      })
      .finally(() => (this.onTheirWay -= 1));
  }

  private async patiently(deed: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await deed();
        return;
      } catch (error) {
        if (this.stopped) throw error;
        await sleep(ROUND_MS);
      }
    }
  }

  private async rounds(): Promise<void> {
    for (let round = 0; !this.stopped; round += 1) {
      if (round % LIST_EVERY === 0) await this.list().catch(() => undefined);
      const open = this.all.filter((run) => run.state === 'open');
      await Promise.all(open.map((run) => this.look(run)));
      await sleep(ROUND_MS);
    }
  }

  private async list(): Promise<void> {
    const query = `WorkflowId STARTS_WITH "watari/${this.o.cluster}/"`;
    for await (const { workflowId, runId, type } of this.o.client.workflow.list({ query })) {
      // It ends a minute of the real clock after the last move, whatever the speed of the stage's.
      if (type !== LEDGER_WORKFLOW) this.meet(workflowId, runId);
    }
  }

  private async look(run: RealRun): Promise<void> {
    try {
      if (run.queue === '') await this.introduce(run);
      const { status, historyLength, raw } = await this.handle(run).describe();
      this.beats.look(run, raw.pendingActivities ?? []);
      if (status.name !== 'RUNNING') await this.close(run, status.name);
      else if (historyLength !== run.length) {
        await this.hear(run);
        run.length = historyLength;
        if (run.said !== undefined) this.o.checks().task(run, run.said);
      }
    } catch (error) {
      if (error instanceof Wrong) this.o.violated(error.message);
      // Otherwise nobody answers just now; the next round asks again.
    }
  }

  /** What it was started with: a child was started by its parent. */
  private async introduce(run: RealRun): Promise<void> {
    const { client } = this.o;
    const execution = { workflowId: run.id, runId: run.runId };
    const { namespace } = client.options;
    const page = { namespace, execution, maximumPageSize: 1 };
    const { history } = await client.workflowService.getWorkflowExecutionHistory(page);
    const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
    const [input] = started?.input?.payloads ?? [];
    run.type = started?.workflowType?.name ?? '';
    run.queue = started?.taskQueue?.name ?? '';
    run.input = input == null ? {} : defaultPayloadConverter.fromPayload(input);
  }

  private async hear(run: RealRun): Promise<void> {
    const { connection } = this.o.client;
    run.said = await connection.withDeadline(Date.now() + QUERY_MS, () =>
      this.handle(run).query<RunStatus>(MESSAGES.status),
    );
  }

  private async history(run: RealRun): Promise<{ history: HistoryEvent[] }> {
    return { history: fromProtoHistory(await this.handle(run).fetchHistory()) };
  }

  private async close(run: RealRun, how: string): Promise<void> {
    await this.hear(run);
    const { history } = await this.history(run);
    const last = history.at(-1)?.a;
    const state = ENDS[how];
    if (state === undefined) throw new Wrong(`${run.id} has ended as ${how}`);
    run.cancelRequested ||= history.some((e) => e.kind === 'workflowExecutionCancelRequested');
    run.tasks = history.filter((e) => e.kind === 'workflowTaskCompleted').length;
    const [result] = (state === 'completed' ? last?.result?.payloads : undefined) ?? [];
    run.result = result === undefined ? undefined : defaultPayloadConverter.fromPayload(result);
    // An attempt's failure is written where the next one starts.
    if (history.some((event) => JSON.stringify(event.a).includes(DEAD)))
      throw new Wrong(
        `a dead worker says nothing more: one of them told ${run.id} that it is dead`,
      );
    await this.readAgain(run, history);
    run.state = state;
    this.o.tell(`${run.id} has ended: ${state}`);
    if (run.said !== undefined) this.o.checks().end(run, run.said);
  }

  /** By the simulator's host, which has to come to the same end. */
  private async readAgain(run: RealRun, history: HistoryEvent[]): Promise<void> {
    const [started] = history;
    if (started === undefined) return;
    const { id: workflowId, runId } = run;
    const again = this.o.host.open(started, { workflowId, runId });
    try {
      await again.replay(history, () => {
        const status = again.status();
        if (status !== undefined) this.o.checks().task(run, status);
      });
      const [now, then] = [again.status(), run.said].map((status) => JSON.stringify(status));
      if (now !== then)
        throw new Error(`it makes ${now ?? ''} of it, and the run said ${then ?? ''}`);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw new Wrong(
        `the simulated host reads what a real server wrote of ${workflowId}: ${what}`,
      );
    } finally {
      await again.dispose();
    }
  }
}

/** No matter of waiting. */
class Wrong extends Error {}
