// What a Temporal server does for one namespace, on the simulated clock: runs and their histories, workflow tasks,
// timers, children, messages. Activities are in activity-task.ts. It writes the histories that a server would write.
import { MESSAGES, type Braking, type Decision } from '../../../domain/status.ts';
import type { Random } from '../../rig/random.ts';
import { ActivityQueue } from './activity-queue.ts';
import type { Poller } from './activity-task.ts';
import { CommandReader } from './command-reader.ts';
import { Nondeterminism, type Command } from './commands.ts';
import { payloadOf, type Attributes, type EventKind, type Payload } from './history.ts';
import type { StartRequest, UpdateAnswer } from './seen-run.ts';
import type { RunKeeper, ServerOptions } from './server-options.ts';
import { openRun, startedAttributes, type PendingEvent, type ServerRun } from './server-run.ts';
import { difference } from './texts.ts';
import { TaskFailed, type TaskResult } from './workflow-host.ts';

/** A cached run waits so long for the worker that has it in memory (workers/node-worker.ts sets it). */
const STICKY_MS = 1000;
/** The default of a workflow task: what a dead worker had in hand is given out again after it. */
const TASK_MS = 10_000;

export class SimServer implements RunKeeper {
  /** Every run that there ever was, in order of their starts. */
  readonly runs: ServerRun[] = [];
  readonly options: ServerOptions;
  /** Completed workflow tasks, also for cutting at the n-th. */
  tasks = 0;
  private readonly commands: CommandReader;
  readonly queue: ActivityQueue;
  private readonly open = new Map<string, ServerRun>();
  private readonly waiting = new Set<ServerRun>();
  private readonly deeds: (() => Promise<void>)[] = [];
  private ids = 0;

  constructor(options: ServerOptions) {
    this.options = options;
    this.commands = new CommandReader(this);
    this.queue = new ActivityQueue(options.clock, options.random, () => {
      const waiting = [...this.waiting];
      this.waiting.clear();
      for (const run of waiting) this.dispatch(run);
    });
  }

  get now(): number {
    return this.options.clock.now();
  }

  get random(): Random {
    return this.options.random;
  }

  /** Work that cannot be done inside an appointment of the clock: the simulation does it before time goes on. */
  async settle(): Promise<void> {
    for (let deed = this.deeds.shift(); deed !== undefined; deed = this.deeds.shift()) await deed();
  }

  // ── Runs ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Starts a run; undefined when one with this id is open: the id is the lock. */
  start(request: StartRequest, parent?: ServerRun['parent']): ServerRun | undefined {
    if (this.open.has(request.id)) return undefined;
    const run = openRun(request, this.nextId('run'), parent);
    this.runs.push(run);
    this.open.set(run.id, run);
    this.options.tell(`${run.id} starts (${run.type})`);
    this.add(run, 'workflowExecutionStarted', startedAttributes(run));
    this.scheduleTask(run);
    return run;
  }

  find(id: string): ServerRun | undefined {
    return this.open.get(id);
  }

  requestCancel(id: string, by: string, external: Attributes = {}): boolean {
    const run = this.open.get(id);
    if (run === undefined) return false;
    if (run.cancelRequested) return true;
    run.cancelRequested = true;
    this.options.tell(`${id} is asked to cancel by ${by}`);
    this.add(run, 'workflowExecutionCancelRequested', { identity: by, ...external });
    this.scheduleTask(run);
    return true;
  }

  signal(id: string, decision: Decision): boolean {
    const run = this.open.get(id);
    if (run === undefined) return false;
    this.options.tell(`${id} gets the signal ${decision.action} ${decision.step}`);
    this.deliver(run, MESSAGES.decide, [payloadOf(decision)], { identity: decision.by });
    return true;
  }

  signalWithStart(request: StartRequest, signal: string, arg: unknown): void {
    const run = this.open.get(request.id) ?? this.start(request);
    if (run !== undefined) this.deliver(run, signal, [payloadOf(arg)], { identity: 'sim' });
  }

  deliver(run: ServerRun, signalName: string, payloads: Payload[], more: Attributes): void {
    this.add(run, 'workflowExecutionSignaled', { signalName, input: { payloads }, ...more });
    this.scheduleTask(run);
  }

  /** Answers once the run has taken or refused it; never when the run ends before. */
  update(id: string, asked: Decision | Braking, answer: (answer: UpdateAnswer) => void): boolean {
    const run = this.open.get(id);
    if (run === undefined) return false;
    const updateId = this.nextId('update');
    run.updates.push({
      protocolInstanceId: updateId,
      sequencingEventId: 0,
      request: {
        meta: { updateId, identity: asked.by },
        input: {
          name: 'step' in asked ? MESSAGES.decide : MESSAGES.brake,
          args: { payloads: [payloadOf(asked)] },
        },
      },
      answer,
    });
    this.scheduleTask(run, { speculative: true });
    return true;
  }

  nextId(what: string): string {
    this.ids += 1;
    return `00000000-0000-4000-8000-${what
      .slice(0, 2)
      .padEnd(2, '0')
      .replaceAll(/[^0-9a-f]/g, 'd')}${this.ids.toString(16).padStart(10, '0')}`;
  }

  // ── Events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Writes an event; while a workflow task is in hand it waits until that is over. `learn` is told its number. */
  add(
    run: ServerRun,
    kind: EventKind,
    a: Attributes | (() => Attributes),
    more: { learn?: (id: number) => void; userMetadata?: object | null } = {},
  ): void {
    const event: PendingEvent = { kind, a, ...more };
    if (run.task?.scheduledId === 0) this.materialise(run);
    if (run.task?.state === 'started') run.buffered.push(event);
    else this.write(run, event);
  }

  write(run: ServerRun, { kind, a, learn, userMetadata }: PendingEvent, at = this.now): number {
    const id = run.events.length + 1;
    learn?.(id);
    run.events.push({
      id,
      at,
      kind,
      a: typeof a === 'function' ? a() : a,
      ...(userMetadata == null ? {} : { userMetadata }),
    });
    return id;
  }

  /** An update's own workflow task is written down only when something comes of it. */
  private materialise(run: ServerRun): void {
    const { task } = run;
    if (task?.scheduledId !== 0) return;
    task.scheduledId = this.writeScheduled(run);
    if (task.state === 'started') task.startedId = this.writeStarted(run, task.worker);
  }

  private writeScheduled(run: ServerRun): number {
    return this.write(run, {
      kind: 'workflowTaskScheduled',
      a: { taskQueue: { name: run.queue }, startToCloseTimeout: { seconds: 10 }, attempt: 1 },
    });
  }

  private writeStarted(run: ServerRun, worker: Poller | undefined): number {
    const a = {
      scheduledEventId: run.task?.scheduledId ?? 0,
      identity: worker?.identity ?? '',
      requestId: 'sim',
    };
    return this.write(run, { kind: 'workflowTaskStarted', a }, run.task?.startedAt);
  }

  // ── Workflow tasks ────────────────────────────────────────────────────────────────────────────────────────────────

  scheduleTask(run: ServerRun, { speculative = false } = {}): void {
    if (run.state !== 'open' || run.task !== undefined) return;
    run.task = {
      state: 'scheduled',
      scheduledId: 0,
      startedId: 0,
      startedAt: 0,
      worker: undefined,
    };
    if (!speculative) run.task.scheduledId = this.writeScheduled(run);
    this.dispatch(run);
  }

  private dispatch(run: ServerRun): void {
    const { task } = run;
    if (task?.state !== 'scheduled') return;
    const { clock } = this.options;
    if (run.cachedOn !== undefined && !run.cachedOn.available) {
      clock.after(STICKY_MS, () => {
        if (run.task !== task || task.state !== 'scheduled') return;
        this.evict(run);
        if (task.scheduledId !== 0) {
          const a = {
            scheduledEventId: task.scheduledId,
            timeoutType: 'TIMEOUT_TYPE_SCHEDULE_TO_START',
          };
          this.write(run, { kind: 'workflowTaskTimedOut', a });
          task.scheduledId = this.writeScheduled(run);
        }
        this.dispatch(run);
      });
      return;
    }
    const candidates = this.queue.workers.filter((w) => w.available);
    if (candidates.length === 0) {
      this.waiting.add(run);
      return;
    }
    const worker = run.cachedOn ?? this.random.pick(candidates);
    clock.after(this.random.int(1, 12), () => {
      if (run.task !== task || task.state !== 'scheduled') return;
      if (worker.available) this.deeds.push(() => this.work(run, worker));
      else this.dispatch(run);
    });
  }

  /** A worker takes the task: the code runs now, and what it wants arrives at the server a little later. */
  private async work(run: ServerRun, worker: Poller): Promise<void> {
    const { task } = run;
    if (task?.state !== 'scheduled' || !worker.available) {
      this.dispatch(run);
      return;
    }
    task.state = 'started';
    task.worker = worker;
    task.startedAt = this.now;
    if (task.scheduledId !== 0) task.startedId = this.writeStarted(run, worker);
    const sequencingEventId = task.scheduledId === 0 ? run.events.length + 1 : task.scheduledId;
    const delivered = [...run.updates];
    for (const update of delivered) update.sequencingEventId = sequencingEventId;
    let result: TaskResult;
    try {
      result = await this.think(run, worker, delivered);
    } catch (error) {
      if (!(error instanceof Nondeterminism) && !(error instanceof TaskFailed)) throw error;
      this.options.violated(`${run.id}: ${error.message}`);
      run.state = 'failed';
      return;
    }
    this.options.clock.after(this.random.int(1, 8), () => {
      if (run.task !== task) return;
      if (worker.available && !worker.losesTask()) this.complete(run, result, delivered);
      else this.loseTask(run);
    });
  }

  private async think(
    run: ServerRun,
    worker: Poller,
    updates: ServerRun['updates'],
  ): Promise<TaskResult> {
    const started = run.events[0];
    if (started === undefined) throw new Error(`${run.id} has no history`);
    if (run.cached === undefined) {
      run.cached = this.options.host.open(started, { workflowId: run.id, runId: run.runId });
      run.cachedOn = worker;
      await run.cached.replay(run.events);
      const rebuilt =
        run.evictedStatus === undefined ? undefined : JSON.stringify(run.cached.status());
      if (rebuilt !== run.evictedStatus)
        throw new Nondeterminism(
          `rebuilt from its history the run is not what it was: ${difference(rebuilt ?? '', run.evictedStatus ?? '')}`,
        );
      run.evictedStatus = undefined;
    }
    return run.cached.task(run.events, updates, this.now);
  }

  /** Throws a run out of the memory of its worker. The next task rebuilds it, and it must be the same. */
  evict(run: ServerRun): void {
    const { cached } = run;
    if (cached === undefined) return;
    // In the middle of a task it knows more than the history does.
    if (run.task?.state !== 'started' && run.state === 'open' && run.tasks > 0)
      run.evictedStatus = JSON.stringify(cached.status());
    this.forget(run);
  }

  private forget(run: ServerRun): void {
    const { cached } = run;
    run.lastStatus = cached?.status() ?? run.lastStatus;
    run.cached = undefined;
    run.cachedOn = undefined;
    if (cached !== undefined) this.deeds.push(() => cached.dispose());
  }

  /** The worker died or was cut off before its answer arrived. */
  private loseTask(run: ServerRun): void {
    const { task } = run;
    this.options.tell(`${run.id} loses a workflow task`);
    this.forget(run);
    this.options.clock.after(TASK_MS, () => {
      if (run.task !== task || task === undefined) return;
      if (task.scheduledId !== 0) {
        const { scheduledId, startedId } = task;
        const a = {
          scheduledEventId: scheduledId,
          startedEventId: startedId,
          timeoutType: 'TIMEOUT_TYPE_START_TO_CLOSE',
        };
        this.write(run, { kind: 'workflowTaskTimedOut', a });
      }
      run.task = undefined;
      this.flush(run);
      this.scheduleTask(run, { speculative: task.scheduledId === 0 });
    });
  }

  private complete(run: ServerRun, result: TaskResult, delivered: ServerRun['updates']): void {
    const { task } = run;
    if (task === undefined) return;
    const { commands } = result;
    const accepted = new Set(
      commands.flatMap((c) =>
        c.updateResponse?.accepted ? [c.updateResponse.protocolInstanceId] : [],
      ),
    );
    const onlyRefusals = commands.every(
      (c) => c.updateResponse?.rejected && !accepted.has(c.updateResponse.protocolInstanceId),
    );
    if (task.scheduledId === 0 && onlyRefusals && commands.length > 0) {
      this.commands.answer(run, commands, delivered);
      run.task = undefined;
      this.afterTask(run);
      return;
    }
    this.materialise(run);
    const { scheduledId, startedId } = task;
    const ids = {
      scheduledEventId: scheduledId,
      startedEventId: startedId,
      identity: task.worker?.identity ?? '',
    };
    if (run.buffered.length > 0 && commands.some(isClosing)) {
      // The server does not let a run end while it has not heard everything.
      this.write(run, {
        kind: 'workflowTaskFailed',
        a: { ...ids, cause: 'WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND' },
      });
      this.forget(run);
      run.task = undefined;
      this.flush(run);
      this.scheduleTask(run);
      return;
    }
    const flags = result.flags.length === 0 ? {} : { langUsedFlags: result.flags };
    const sdkMetadata = { coreUsedFlags: run.tasks === 0 ? [1, 2, 3] : [], ...flags };
    const completedId = this.write(run, {
      kind: 'workflowTaskCompleted',
      a: { ...ids, sdkMetadata },
    });
    run.tasks += 1;
    this.tasks += 1;
    this.commands.apply(run, commands, completedId);
    this.commands.answer(run, commands, delivered);
    run.task = undefined;
    this.flush(run);
    this.afterTask(run);
  }

  private afterTask(run: ServerRun): void {
    this.options.onTask(run);
    if (run.state !== 'open') {
      this.open.delete(run.id);
      this.options.tell(`${run.id} has ended: ${run.state}`);
      this.forget(run);
      this.commands.closed(run);
      return;
    }
    if (run.updates.length > 0) this.scheduleTask(run, { speculative: true });
  }

  private flush(run: ServerRun): void {
    const events = run.buffered.splice(0);
    for (const event of events) this.write(run, event);
    if (events.length > 0) this.scheduleTask(run);
  }
}

const isClosing = (c: Command): boolean =>
  c.completeWorkflowExecution != null ||
  c.failWorkflowExecution != null ||
  c.cancelWorkflowExecution != null ||
  c.continueAsNewWorkflowExecution != null;
