// What the simulated server keeps of one run.
import type { RunStatus } from '../../../domain/status.ts';
import type { PendingUpdate } from './activations.ts';
import type { ActivityTask, Poller } from './activity-task.ts';
import {
  payloadOf,
  type Attributes,
  type EventKind,
  type Failure,
  type HistoryEvent,
} from './history.ts';
import type { SeenRun, StartRequest, UpdateAnswer } from './seen-run.ts';
import type { CachedRun } from './workflow-host.ts';

export interface PendingEvent {
  kind: EventKind;
  /** A function when it depends on the numbers of events that are not written yet. */
  a: Attributes | (() => Attributes);
  learn?: (id: number) => void;
  userMetadata?: object | null;
}

export interface ServerRun extends SeenRun {
  readonly parent: { run: ServerRun; initiatedId: number } | undefined;
  state: SeenRun['state'];
  cancelRequested: boolean;
  result: unknown;
  failure: Failure | undefined;
  readonly events: HistoryEvent[];
  /** Events that came while a workflow task was in hand. */
  readonly buffered: PendingEvent[];
  task:
    | {
        state: 'scheduled' | 'started';
        /** 0: of an update, and not written down yet. */
        scheduledId: number;
        startedId: number;
        /** When a worker took it, which may be written down later. */
        startedAt: number;
        worker: Poller | undefined;
      }
    | undefined;
  /** Completed workflow tasks. */
  tasks: number;
  cached: CachedRun | undefined;
  cachedOn: Poller | undefined;
  /** What it said when it was thrown out of memory. */
  evictedStatus: string | undefined;
  /** What it said last, while it is in nobody's memory. */
  lastStatus: RunStatus | undefined;
  readonly updates: (PendingUpdate & { answer: (answer: UpdateAnswer) => void })[];
  readonly activities: Map<number, ActivityTask>;
  readonly timers: Map<string, { startedId: number; forget: () => void }>;
  /** By the number of the event that asked for it. */
  readonly children: Map<number, { id: string; run: ServerRun | undefined; startedId: number }>;
  /** Sequence numbers of the code -> those events. */
  readonly childEvents: Map<number, number>;
  /** Signals to other runs that have not arrived yet. */
  readonly signals: Set<number>;
  readonly acceptedUpdates: Map<string, number>;
  readonly patches: string[];
  /** Input of the run that goes on in its place. */
  continuesWith: object | undefined;
}

export function openRun(
  { id, type, queue, input }: StartRequest,
  runId: string,
  parent: ServerRun['parent'],
): ServerRun {
  return {
    id,
    runId,
    type,
    queue,
    input,
    parent,
    state: 'open',
    cancelRequested: false,
    result: undefined,
    failure: undefined,
    events: [],
    buffered: [],
    task: undefined,
    tasks: 0,
    cached: undefined,
    cachedOn: undefined,
    evictedStatus: undefined,
    lastStatus: undefined,
    updates: [],
    activities: new Map(),
    timers: new Map(),
    children: new Map(),
    childEvents: new Map(),
    signals: new Set(),
    acceptedUpdates: new Map(),
    patches: [],
    continuesWith: undefined,
    status() {
      return this.cached?.status() ?? this.lastStatus;
    },
    wakes() {
      const waits = [
        ...[this.activities.size, this.timers.size],
        ...[this.children.size, this.signals.size],
      ];
      const told = [this.buffered.length, this.updates.length];
      return this.task !== undefined || [...waits, ...told].some((count) => count > 0);
    },
  };
}

/** Of the first event of a run. */
export const startedAttributes = (run: ServerRun): Attributes => ({
  workflowType: { name: run.type },
  workflowId: run.id,
  taskQueue: { name: run.queue, kind: 'TASK_QUEUE_KIND_NORMAL' },
  input: { payloads: [payloadOf(run.input)] },
  workflowTaskTimeout: { seconds: 10 },
  originalExecutionRunId: run.runId,
  firstExecutionRunId: run.runId,
  identity: 'sim',
  attempt: 1,
  ...(run.parent === undefined
    ? {}
    : {
        parentWorkflowNamespace: 'default',
        parentInitiatedEventId: run.parent.initiatedId,
        parentWorkflowExecution: { workflowId: run.parent.run.id, runId: run.parent.run.runId },
      }),
});
