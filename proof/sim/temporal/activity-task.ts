// One activity as the server keeps it: waiting for a worker, running, backing off; its timeouts, its retries, its
// cancellation, and what its attempts told in heartbeats.
import {
  jsonOf,
  msOf,
  type Attributes,
  type Duration,
  type EventKind,
  type Failure,
  type Payload,
} from './history.ts';
import type { SeenRun } from './seen-run.ts';
import type { SimClock } from './sim-clock.ts';
import { failureText } from './texts.ts';

interface RetryPolicy {
  initialInterval?: Duration;
  backoffCoefficient?: number;
  maximumInterval?: Duration;
  maximumAttempts?: number;
  nonRetryableErrorTypes?: string[];
}

/** How an attempt ended, as the worker says it. */
export type AttemptEnd =
  | { completed: { result?: Payload | null } }
  | { failed: { failure: Failure } }
  | { cancelled: { failure: Failure } };

/** A worker process, as far as its server knows it. */
export interface Poller {
  readonly identity: string;
  /** It lives and can be reached. */
  readonly available: boolean;
  /** Has it room for one more of this queue? */
  takes(queue: string): boolean;
  /** Asked when it has done a workflow task: is that lost, and the worker with it? */
  losesTask(): boolean;
  run(task: ActivityTask): void;
}

/** What an activity needs of its run and of the server that keeps both. */
export interface ActivityOwner {
  readonly run: Pick<SeenRun, 'id' | 'runId' | 'type'>;
  readonly clock: SimClock;
  readonly queue: { enqueue(task: ActivityTask): void; dequeue(task: ActivityTask): void };
  readonly tell: (line: string) => void;
  /** Called for every heartbeat that arrives with details. */
  readonly onBeat: (details: unknown) => void;
  /** Called when it is over, before that is written down. */
  readonly onEnd: () => void;
  /** Writes an event of the run; `learn` is told its number. */
  readonly add: (
    kind: EventKind,
    a: Attributes | (() => Attributes),
    more?: { learn: (id: number) => void },
  ) => void;
  /** The run has to hear what was written. */
  readonly wake: () => void;
}

type TimeoutType = 'SCHEDULE_TO_START' | 'START_TO_CLOSE' | 'SCHEDULE_TO_CLOSE' | 'HEARTBEAT';

const WORDS: Record<TimeoutType, string> = {
  SCHEDULE_TO_START: 'ScheduleToStart',
  START_TO_CLOSE: 'StartToClose',
  SCHEDULE_TO_CLOSE: 'ScheduleToClose',
  HEARTBEAT: 'Heartbeat',
};

export class ActivityTask {
  readonly run: ActivityOwner['run'];
  readonly type: string;
  readonly id: string;
  readonly queue: string;
  readonly input: Payload[];
  readonly a: Attributes;
  /** A worker is just about to get it. */
  reserved = false;
  attempt = 0;
  cancelRequested = false;
  /** What the latest attempts told in their heartbeats. */
  details: Payload[] | undefined;
  private readonly owner: ActivityOwner;
  private readonly scheduledId: number;
  private readonly scheduledAt: number;
  private state: 'waiting' | 'running' | 'backing-off' | 'closed' = 'waiting';
  private cancelRequestedId = 0;
  private worker: Poller | undefined;
  private lastFailure: Failure | undefined;
  /** Of the attempt: schedule-to-start, start-to-close, backoff. */
  private forgetStage: () => void = () => undefined;
  private forgetHeartbeat: () => void = () => undefined;
  private forgetWhole: () => void = () => undefined;

  constructor(owner: ActivityOwner, scheduledId: number, a: Attributes, input: Payload[]) {
    this.owner = owner;
    this.run = owner.run;
    this.scheduledId = scheduledId;
    this.scheduledAt = owner.clock.now();
    this.a = a;
    this.input = input;
    this.type = a.activityType?.name ?? '';
    this.id = a.activityId ?? '';
    this.queue = (a['taskQueue'] as { name: string }).name;
  }

  schedule(): void {
    const whole = this.ms('scheduleToCloseTimeout');
    if (whole !== undefined)
      this.forgetWhole = this.after(whole, () => this.timeOut('SCHEDULE_TO_CLOSE'));
    this.wait();
  }

  /** Is this attempt of this worker still the one that counts? */
  private isCurrent(worker: Poller, attempt: number): boolean {
    return this.state === 'running' && this.worker === worker && this.attempt === attempt;
  }

  begin(worker: Poller): void {
    this.state = 'running';
    this.worker = worker;
    this.attempt += 1;
    this.forgetStage();
    const longest = this.ms('startToCloseTimeout');
    if (longest !== undefined)
      this.forgetStage = this.after(longest, () => this.timeOut('START_TO_CLOSE'));
    this.armHeartbeat();
    this.tell(`runs on ${worker.identity}${this.attempt === 1 ? '' : `, attempt ${this.attempt}`}`);
    worker.run(this);
  }

  /** Answers what the worker has to know, or undefined when this attempt counts no more. */
  heartbeat(
    worker: Poller,
    attempt: number,
    details: Payload[] | undefined,
  ): { cancelRequested: boolean } | undefined {
    if (!this.isCurrent(worker, attempt)) return undefined;
    if (details?.[0] !== undefined) {
      this.details = details;
      this.owner.onBeat(jsonOf(details[0]));
    }
    this.armHeartbeat();
    return { cancelRequested: this.cancelRequested };
  }

  end(worker: Poller, attempt: number, end: AttemptEnd): void {
    if (!this.isCurrent(worker, attempt)) {
      this.tell(`attempt ${attempt} ended too late on ${worker.identity}`);
      return;
    }
    if ('completed' in end) {
      const { result } = end.completed;
      this.close('activityTaskCompleted', { result: { payloads: result == null ? [] : [result] } });
    } else if ('cancelled' in end && this.cancelRequested) {
      const details = (
        end.cancelled.failure['canceledFailureInfo'] as { details?: object } | undefined
      )?.details;
      this.close('activityTaskCanceled', {
        ...(details == null ? {} : { details: details }),
        latestCancelRequestedEventId: this.cancelRequestedId,
      });
    } else {
      this.fail('cancelled' in end ? end.cancelled.failure : end.failed.failure);
    }
  }

  requestCancel(requestedId: number): void {
    if (this.state === 'closed') return;
    this.cancelRequested = true;
    this.cancelRequestedId = requestedId;
    if (this.state === 'running') return;
    this.close('activityTaskCanceled', { latestCancelRequestedEventId: requestedId });
  }

  /** Its run has ended. */
  abandon(): void {
    this.leave();
  }

  private ms(option: string): number | undefined {
    return msOf(this.a[option] as Duration | undefined);
  }

  private after(ms: number, call: () => void): () => void {
    return this.owner.clock.after(ms, call);
  }

  private tell(what: string): void {
    this.owner.tell(`${this.run.id} ${this.type} ${what}`);
  }

  private wait(): void {
    this.state = 'waiting';
    const longest = this.ms('scheduleToStartTimeout');
    if (longest !== undefined)
      this.forgetStage = this.after(longest, () => this.timeOut('SCHEDULE_TO_START'));
    this.owner.queue.enqueue(this);
  }

  private armHeartbeat(): void {
    this.forgetHeartbeat();
    const longest = this.ms('heartbeatTimeout');
    if (longest !== undefined)
      this.forgetHeartbeat = this.after(longest, () => this.timeOut('HEARTBEAT'));
  }

  private timeOut(timeoutType: TimeoutType): void {
    const lastHeartbeatDetails =
      this.details === undefined ? {} : { lastHeartbeatDetails: { payloads: this.details } };
    this.fail({
      message: `activity ${WORDS[timeoutType]} timeout`,
      source: 'Server',
      timeoutFailureInfo: { timeoutType: `TIMEOUT_TYPE_${timeoutType}`, ...lastHeartbeatDetails },
    });
  }

  private fail(failure: Failure): void {
    const info = failure['timeoutFailureInfo'] as { timeoutType: string } | undefined;
    const verdict = this.retryIn(failure, info?.timeoutType);
    if (typeof verdict === 'number') {
      this.tell(`failed (${failureText(failure)}), again in ${verdict} ms`);
      this.forgetStage();
      this.forgetHeartbeat();
      this.owner.queue.dequeue(this);
      this.state = 'backing-off';
      this.worker = undefined;
      this.lastFailure = failure;
      this.forgetStage = this.after(verdict, () => this.wait());
      return;
    }
    const kind = info === undefined ? 'activityTaskFailed' : 'activityTaskTimedOut';
    this.close(kind, { failure, retryState: `RETRY_STATE_${verdict}` });
  }

  /** Milliseconds until the next attempt, or why there is none. */
  private retryIn(failure: Failure, timeout: string | undefined): number | string {
    if (
      timeout === 'TIMEOUT_TYPE_SCHEDULE_TO_START' ||
      timeout === 'TIMEOUT_TYPE_SCHEDULE_TO_CLOSE'
    )
      return 'TIMEOUT';
    if (this.cancelRequested) return 'CANCEL_REQUESTED';
    const policy = (this.a['retryPolicy'] ?? {}) as RetryPolicy;
    const info = failure.applicationFailureInfo;
    if (info?.nonRetryable === true) return 'NON_RETRYABLE_FAILURE';
    if (policy.nonRetryableErrorTypes?.includes(info?.type ?? '') === true)
      return 'NON_RETRYABLE_FAILURE';
    const most = policy.maximumAttempts ?? 0;
    if (most > 0 && this.attempt >= most) return 'MAXIMUM_ATTEMPTS_REACHED';
    const initial = msOf(policy.initialInterval) ?? 1000;
    const grown = initial * (policy.backoffCoefficient ?? 2) ** (this.attempt - 1);
    const wait =
      msOf(info?.nextRetryDelay) ?? Math.min(grown, msOf(policy.maximumInterval) ?? initial * 100);
    const whole = this.ms('scheduleToCloseTimeout');
    return whole !== undefined && this.owner.clock.now() + wait > this.scheduledAt + whole
      ? 'TIMEOUT'
      : wait;
  }

  private leave(): void {
    this.state = 'closed';
    this.forgetStage();
    this.forgetHeartbeat();
    this.forgetWhole();
    this.owner.queue.dequeue(this);
    this.owner.onEnd();
  }

  private close(
    kind:
      | 'activityTaskCompleted'
      | 'activityTaskFailed'
      | 'activityTaskTimedOut'
      | 'activityTaskCanceled',
    more: Attributes,
  ): void {
    const { owner, scheduledId, worker } = this;
    this.tell(
      `${kind.replace('activityTask', '').toLowerCase()} ${failureText(more.failure)}`.trim(),
    );
    // Backing off, or never begun: there is no attempt to write down.
    const begun = this.state === 'running';
    this.leave();
    const identity = worker?.identity ?? '';
    let startedId = 0;
    if (begun) {
      const a = {
        scheduledEventId: scheduledId,
        identity,
        requestId: 'sim',
        attempt: this.attempt,
        ...(this.lastFailure === undefined ? {} : { lastFailure: this.lastFailure }),
      };
      const learn = (id: number): void => {
        startedId = id;
      };
      owner.add('activityTaskStarted', a, { learn });
    }
    const ended = {
      scheduledEventId: scheduledId,
      ...(kind === 'activityTaskTimedOut' ? {} : { identity }),
    };
    owner.add(kind, () => ({ ...ended, startedEventId: startedId, ...more }));
    owner.wake();
  }
}
