// One node's worker process: it takes workflow tasks and activities, runs the real activity code against the lab,
// beats, and dies with its node. A dead worker's code stops at its next wait: it never acts again and never answers.
import { AsyncResource } from 'node:async_hooks';
import {
  ActivityCancellationDetails,
  defaultFailureConverter,
  defaultPayloadConverter,
  noopMetricMeter,
} from '@temporalio/common';
import type { Info } from '@temporalio/activity';
import { Activity } from '@temporalio/worker/lib/activity.js';
import { clusterQueue, nodeQueue } from '../../domain/names.ts';
import type { CrewMember } from './crew.ts';
import { SLOTS, type Deed, type WorkerParts } from './parts.ts';
import type { ActivityQueue } from './temporal/activity-queue.ts';
import type { ActivityTask, AttemptEnd, Poller } from './temporal/activity-task.ts';
import { msOf, payloadOf, type Duration, type Payload } from './temporal/history.ts';
import type { SimClock } from './temporal/sim-clock.ts';

/** workers/node-worker.ts: maxHeartbeatThrottleInterval. */
const THROTTLE_MS = 1000;
/** The core tries for about so long to deliver a result, then drops it. */
const DELIVER_MS = 10_000;
const DELIVER_AGAIN_MS = 1000;

const converter = {
  payloadConverter: defaultPayloadConverter,
  failureConverter: defaultFailureConverter,
  payloadCodecs: [],
};
const silent = { log: none, trace: none, debug: none, info: none, warn: none, error: none };
function none(): void {
  // Nobody reads a simulated worker's log; the trace says what happened.
}

export interface WorkerOptions {
  node: string;
  cluster: string;
  /** Counts the processes of this node. */
  incarnation: number;
  clock: SimClock;
  queue: ActivityQueue;
  makeParts: (worker: SimWorker) => WorkerParts;
  /** Asked when it has done a workflow task: is that lost, and the worker with it? */
  losesTask: () => boolean;
}

export class SimWorker implements CrewMember, Poller {
  readonly node: string;
  readonly identity: string;
  alive = true;
  /** Can it reach the server. */
  connected = true;
  clockOffsetMs = 0;
  readonly options: WorkerOptions;
  private readonly queues: { name: string; deeds: Record<string, Deed>; slots: number }[];
  private readonly running = new Map<string, number>();

  constructor(options: WorkerOptions) {
    this.options = options;
    this.node = options.node;
    this.identity = `${options.node}/${options.incarnation}`;
    const parts = options.makeParts(this);
    this.queues = [
      { name: clusterQueue(options.cluster), deeds: parts.cluster, slots: SLOTS.cluster },
      { name: nodeQueue(options.cluster, options.node), deeds: parts.node, slots: SLOTS.node },
    ];
  }

  get available(): boolean {
    return this.alive && this.connected;
  }

  takes(queue: string): boolean {
    const served = this.queues.find((q) => q.name === queue);
    return this.available && served !== undefined && (this.running.get(queue) ?? 0) < served.slots;
  }

  losesTask(): boolean {
    return this.options.losesTask();
  }

  die(): void {
    this.alive = false;
    this.options.queue.leave(this);
  }

  cutOff(): void {
    this.connected = false;
  }

  reconnect(): void {
    this.connected = true;
    this.options.queue.offer();
  }

  now(): Date {
    return new Date(this.options.clock.now() + this.clockOffsetMs);
  }

  /** A timer of this process: it never fires once the process is dead. */
  after(ms: number, call: () => void): () => void {
    // The activity's context goes with its timers, as it does with Node's own.
    const context = new AsyncResource('watari-simulated-timer');
    return this.options.clock.after(ms, () => {
      if (this.alive) context.runInAsyncScope(call);
    });
  }

  run(task: ActivityTask): void {
    const served = this.queues.find((q) => q.name === task.queue);
    const deed = served?.deeds[task.type];
    if (deed === undefined)
      throw new Error(`${this.identity} does not know the activity ${task.type}`);
    this.running.set(task.queue, (this.running.get(task.queue) ?? 0) + 1);
    void new Attempt(this, task, deed).run().finally(() => {
      this.running.set(task.queue, (this.running.get(task.queue) ?? 1) - 1);
      if (this.alive) this.options.queue.offer();
    });
  }
}

/** One attempt of one activity in one worker. */
class Attempt {
  private readonly worker: SimWorker;
  private readonly task: ActivityTask;
  private readonly attempt: number;
  private readonly activity: Activity;
  private sentAt = -Infinity;
  private unsent: Payload[] | undefined;
  private sending = false;
  private over = false;

  constructor(worker: SimWorker, task: ActivityTask, deed: Deed) {
    this.worker = worker;
    this.task = task;
    this.attempt = task.attempt;
    const beat = (details: unknown): void => {
      this.unsent = details === undefined ? (this.unsent ?? []) : [payloadOf(details)];
      this.send();
    };
    this.activity = new Activity(
      infoOf(task, worker),
      deed,
      converter,
      {} as never,
      undefined,
      beat,
      undefined,
      silent,
      noopMetricMeter,
      [],
    );
  }

  async run(): Promise<void> {
    const args = this.task.input.map((payload) =>
      defaultPayloadConverter.fromPayload(payload as never),
    );
    const end = (await this.activity.run({ args, headers: {} })) as AttemptEnd;
    this.over = true;
    if (!this.worker.alive) return;
    // Told with the end, as the core flushes what it has held back.
    if (this.unsent !== undefined && 'failed' in end) this.deliverBeat();
    this.deliver(end, this.worker.options.clock.now() + DELIVER_MS);
  }

  private deliver(end: AttemptEnd, until: number): void {
    const { worker } = this;
    if (!worker.alive) return;
    if (worker.connected) {
      this.task.end(worker, this.attempt, end);
      return;
    }
    if (worker.options.clock.now() < until)
      worker.options.clock.after(DELIVER_AGAIN_MS, () => {
        this.deliver(end, until);
      });
  }

  private send(): void {
    const { clock } = this.worker.options;
    const wait = this.sentAt + THROTTLE_MS - clock.now();
    if (this.sending) return;
    if (wait <= 0) {
      this.deliverBeat();
      return;
    }
    this.sending = true;
    clock.after(wait, () => {
      this.sending = false;
      if (!this.over && this.worker.alive) this.deliverBeat();
    });
  }

  private deliverBeat(): void {
    const { worker, task } = this;
    this.sentAt = worker.options.clock.now();
    if (!worker.connected) return;
    const details = this.unsent;
    this.unsent = undefined;
    const answer = task.heartbeat(
      worker,
      this.attempt,
      details?.length === 0 ? undefined : details,
    );
    if (answer === undefined) this.cancel('NOT_FOUND', { notFound: true });
    else if (answer.cancelRequested) this.cancel('CANCELLED', { cancelRequested: true });
  }

  private cancel(reason: string, details: { notFound?: boolean; cancelRequested?: boolean }): void {
    if (this.activity.context.cancellationSignal.aborted) return;
    this.activity.cancel(reason as never, new ActivityCancellationDetails(details));
  }
}

function infoOf(task: ActivityTask, worker: SimWorker): Info {
  const now = worker.options.clock.now();
  const details = task.details?.[0];
  const info = {
    taskToken: new Uint8Array(),
    base64TaskToken: '',
    taskQueue: task.queue,
    activityId: task.id,
    activityType: task.type,
    attempt: task.attempt,
    isLocal: false,
    inWorkflow: true,
    workflowExecution: { workflowId: task.run.id, runId: task.run.runId },
    workflowType: task.run.type,
    workflowNamespace: 'default',
    activityNamespace: 'default',
    namespace: 'default',
    heartbeatTimeoutMs: msOf(task.a['heartbeatTimeout'] as Duration | undefined),
    heartbeatDetails:
      details === undefined ? undefined : defaultPayloadConverter.fromPayload(details),
    scheduledTimestampMs: now,
    startToCloseTimeoutMs: msOf(task.a['startToCloseTimeout'] as Duration | undefined) ?? 0,
    scheduleToCloseTimeoutMs: msOf(task.a['scheduleToCloseTimeout'] as Duration | undefined) ?? 0,
    currentAttemptScheduledTimestampMs: now,
    priority: undefined,
  };
  return info as unknown as Info;
}
