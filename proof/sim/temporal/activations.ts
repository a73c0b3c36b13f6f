// From events to the jobs of an activation, as the native core makes them: same jobs, same order, same words in the
// failures. Holds what the core remembers of a run: which event belongs to which sequence number.
import {
  tsOf,
  type Attributes,
  type Execution,
  type Failure,
  type HistoryEvent,
  type Payload,
  type UpdateRequest,
} from './history.ts';

/** A job of coresdk.workflow_activation.WorkflowActivationJob as a plain object. */
export type Job = Record<string, unknown>;

/** An update that waits for the run's next workflow task. */
export interface PendingUpdate {
  protocolInstanceId: string;
  /** Delivered after this event. */
  sequencingEventId: number;
  request: UpdateRequest;
}

interface ActivityEntry {
  seq: number;
  type: string;
  id: string;
  startedId: number;
  identity: string;
}

interface ChildEntry {
  seq: number;
  workflowId: string;
  workflowType: string;
  runId: string;
  startedId: number;
}

const payloadsOf = (list: { payloads?: Payload[] } | undefined): Payload[] => list?.payloads ?? [];
const firstOf = (list: { payloads?: Payload[] } | undefined): { result?: Payload } => {
  const [result] = payloadsOf(list);
  return result === undefined ? {} : { result };
};

export class JobMaker {
  private readonly activities = new Map<number, ActivityEntry>();
  private readonly children = new Map<number, ChildEntry>();
  /** Of signals to other runs. */
  private readonly signals = new Map<number, number>();
  private readonly workflowId: string;

  constructor(workflowId: string) {
    this.workflowId = workflowId;
  }

  /** A command of this sequence number made this event. */
  learn(event: HistoryEvent, seq: number): void {
    const { a, id } = event;
    if (event.kind === 'activityTaskScheduled') {
      const entry = { seq, type: a.activityType?.name ?? '', id: a.activityId ?? '' };
      this.activities.set(id, { ...entry, startedId: 0, identity: '' });
    }
    if (event.kind === 'signalExternalWorkflowExecutionInitiated') this.signals.set(id, seq);
    if (event.kind === 'startChildWorkflowExecutionInitiated') {
      const workflowType = a.workflowType?.name ?? '';
      this.children.set(id, {
        seq,
        workflowId: a.workflowId ?? '',
        workflowType,
        runId: '',
        startedId: 0,
      });
    }
  }

  /** The jobs of one activation, sorted as lang expects them; `init` apart, since it must come first. */
  jobs(
    events: HistoryEvent[],
    updates: PendingUpdate[],
    patches: string[],
    replaying: boolean,
  ): Job[] {
    const first: Job[] = [];
    const messages: Job[] = [];
    const others: Job[] = [];
    const waiting = [...updates];
    const deliver = (before: number): void => {
      while (waiting[0] !== undefined && waiting[0].sequencingEventId < before) {
        const update = waiting.shift();
        if (update !== undefined) messages.push(doUpdate(update, replaying));
      }
    };
    for (const event of events) {
      deliver(event.id);
      if (event.kind === 'workflowExecutionStarted') first.push(this.initialize(event));
      else if (event.kind === 'workflowExecutionSignaled') messages.push(signal(event));
      else others.push(...this.resolution(event));
    }
    deliver(Infinity);
    const known = patches.map((patchId) => ({ notifyHasPatch: { patchId } }));
    return [...first, ...known, ...messages, ...others];
  }

  /** What lang is told about an activity or a child that was cancelled before the server heard of it. */
  cancelledUnsent(command: { scheduleActivity?: UnsentActivity; startChild?: UnsentChild }): Job {
    const { scheduleActivity, startChild } = command;
    if (scheduleActivity !== undefined) {
      const { seq, activityType, activityId } = scheduleActivity;
      const entry = { seq, type: activityType, id: activityId, startedId: 0, identity: '' };
      return {
        resolveActivity: { seq, result: { cancelled: { failure: cancelled(entry, 0, {}) } } },
      };
    }
    const { seq, workflowId, workflowType } = startChild ?? {
      seq: 0,
      workflowId: '',
      workflowType: '',
    };
    const entry = { seq, workflowId, workflowType, runId: '', startedId: 0 };
    const failure = {
      ...childFailure(
        entry,
        0,
        'Child Workflow Execution cancelled before scheduled: ',
        'RETRY_STATE_NON_RETRYABLE_FAILURE',
      ),
      cause: { canceledFailureInfo: {} },
    };
    return { resolveChildWorkflowExecutionStart: { seq, cancelled: { failure } } };
  }

  private initialize({ a, at }: HistoryEvent): Job {
    return {
      initializeWorkflow: {
        workflowType: a.workflowType?.name,
        workflowId: this.workflowId,
        arguments: payloadsOf(a.input as { payloads?: Payload[] }),
        randomnessSeed: 1,
        identity: a.identity,
        workflowTaskTimeout: a.workflowTaskTimeout,
        firstExecutionRunId: a.firstExecutionRunId,
        originalExecutionRunId: a.originalExecutionRunId,
        attempt: 1,
        startTime: tsOf(at),
        ...(a.parentWorkflowExecution == null
          ? {}
          : { parentWorkflowInfo: { namespace: 'default', ...a.parentWorkflowExecution } }),
      },
    };
  }

  private resolution(event: HistoryEvent): Job[] {
    const { a, kind } = event;
    if (kind === 'timerFired') return [{ fireTimer: { seq: Number(a.timerId) } }];
    if (kind === 'workflowExecutionCancelRequested')
      return [{ cancelWorkflow: { reason: a.cause ?? '' } }];
    if (kind.startsWith('activityTask')) return this.activity(event);
    if (kind.startsWith('childWorkflow') || kind === 'startChildWorkflowExecutionFailed')
      return this.child(event);
    if (
      kind === 'externalWorkflowExecutionSignaled' ||
      kind === 'signalExternalWorkflowExecutionFailed'
    )
      return [this.signalled(event)];
    // Of a child's cancellation nobody is told; the child's own end is what counts.
    return [];
  }

  private activity({ a, kind, id }: HistoryEvent): Job[] {
    const scheduledId = a.scheduledEventId ?? 0;
    const entry = this.activities.get(scheduledId);
    if (entry === undefined) throw new Error(`event ${id} is about no activity that was scheduled`);
    const resolve = (result: object): Job[] => [{ resolveActivity: { seq: entry.seq, result } }];
    switch (kind) {
      case 'activityTaskStarted':
        entry.startedId = id;
        return [];
      case 'activityTaskCompleted':
        return resolve({ completed: firstOf(a.result) });
      case 'activityTaskFailed':
        return resolve({
          failed: {
            failure: failedActivity(
              entry,
              scheduledId,
              a,
              'Activity task failed',
              a.identity ?? '',
            ),
          },
        });
      case 'activityTaskTimedOut':
        return resolve({
          failed: { failure: failedActivity(entry, scheduledId, a, 'Activity task timed out', '') },
        });
      case 'activityTaskCanceled':
        return resolve({ cancelled: { failure: cancelled(entry, scheduledId, a) } });
      default:
        return [];
    }
  }

  private signalled({ a, kind, id }: HistoryEvent): Job {
    const seq = this.signals.get(a.initiatedEventId ?? 0);
    if (seq === undefined) throw new Error(`event ${id} is about no signal that was sent`);
    const failure = { message: 'Unable to signal external workflow because it was not found' };
    return {
      resolveSignalExternalWorkflow: {
        seq,
        ...(kind === 'signalExternalWorkflowExecutionFailed' ? { failure } : {}),
      },
    };
  }

  private child({ a, kind, id }: HistoryEvent): Job[] {
    const initiatedId = a.initiatedEventId ?? 0;
    const entry = this.children.get(initiatedId);
    if (entry === undefined) throw new Error(`event ${id} is about no child that was started`);
    const { seq } = entry;
    const resolve = (result: object): Job[] => [{ resolveChildWorkflowExecution: { seq, result } }];
    switch (kind) {
      case 'childWorkflowExecutionStarted':
        entry.startedId = id;
        entry.runId = a.workflowExecution?.runId ?? '';
        return [{ resolveChildWorkflowExecutionStart: { seq, succeeded: { runId: entry.runId } } }];
      case 'startChildWorkflowExecutionFailed': {
        const { workflowId, workflowType } = entry;
        // WORKFLOW_ALREADY_EXISTS, the only cause there is.
        return [
          {
            resolveChildWorkflowExecutionStart: {
              seq,
              failed: { workflowId, workflowType, cause: 1 },
            },
          },
        ];
      }
      case 'childWorkflowExecutionCompleted':
        return resolve({ completed: firstOf(a.result) });
      case 'childWorkflowExecutionFailed': {
        const failure = childFailure(
          entry,
          initiatedId,
          'Child Workflow execution failed',
          a.retryState ?? 0,
        );
        return resolve({ failed: { failure: { ...failure, cause: a.failure } } });
      }
      case 'childWorkflowExecutionCanceled': {
        const failure = childFailure(
          entry,
          initiatedId,
          'Child Workflow execution cancelled',
          'RETRY_STATE_NON_RETRYABLE_FAILURE',
        );
        return resolve({
          cancelled: { failure: { ...failure, cause: { canceledFailureInfo: {} } } },
        });
      }
      default:
        return [];
    }
  }
}

export interface UnsentActivity {
  seq: number;
  activityType: string;
  activityId: string;
}
export interface UnsentChild {
  seq: number;
  workflowId: string;
  workflowType: string;
}

const activityInfo = (
  entry: ActivityEntry,
  scheduledEventId: number,
  retryState: string | number,
  identity: string,
): object => ({
  activityFailureInfo: {
    activityType: { name: entry.type },
    activityId: entry.id,
    retryState,
    identity,
    scheduledEventId,
    startedEventId: entry.startedId,
  },
});

const failedActivity = (
  entry: ActivityEntry,
  scheduledEventId: number,
  a: Attributes,
  message: string,
  identity: string,
): Failure => ({
  message,
  ...(a.failure == null ? {} : { cause: a.failure }),
  ...activityInfo(entry, scheduledEventId, a.retryState ?? 0, identity),
});

const cancelled = (entry: ActivityEntry, scheduledEventId: number, a: Attributes): Failure => ({
  message: 'Activity cancelled',
  cause: { canceledFailureInfo: { details: a.details } },
  ...activityInfo(entry, scheduledEventId, 'RETRY_STATE_CANCEL_REQUESTED', a.identity ?? ''),
});

const childFailure = (
  entry: ChildEntry,
  initiatedEventId: number,
  message: string,
  retryState: string | number,
): Failure => ({
  message,
  childWorkflowExecutionFailureInfo: {
    namespace: 'default',
    workflowType: { name: entry.workflowType },
    workflowExecution: { workflowId: entry.workflowId, runId: entry.runId } satisfies Execution,
    initiatedEventId,
    startedEventId: entry.startedId,
    retryState,
  },
});

const signal = ({ a, id }: HistoryEvent): Job => ({
  signalWorkflow: {
    signalName: a.signalName,
    input: payloadsOf(a.input as { payloads?: Payload[] }),
    identity: a.identity,
    originatingEventId: id,
  },
});

const doUpdate = ({ protocolInstanceId, request }: PendingUpdate, replaying: boolean): Job => ({
  doUpdate: {
    id: request.meta?.updateId,
    protocolInstanceId,
    name: request.input?.name,
    input: payloadsOf(request.input?.args),
    meta: request.meta,
    runValidator: !replaying,
  },
});
