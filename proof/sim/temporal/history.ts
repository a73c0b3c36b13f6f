// A run's history in the shape of the Temporal API, with plain numbers: what the simulated server writes, what the
// workflow host reads, and what the native core can replay.
import { defaultPayloadConverter } from '@temporalio/common';
import proto, { type temporal } from '@temporalio/proto';

export interface Payload {
  metadata?: Record<string, Uint8Array>;
  data?: Uint8Array;
}
export interface Payloads {
  payloads?: Payload[];
}
export interface Failure {
  message?: string;
  source?: string;
  stackTrace?: string;
  cause?: Failure;
  applicationFailureInfo?: {
    type?: string;
    nonRetryable?: boolean;
    nextRetryDelay?: Duration;
  };
  [info: string]: unknown;
}
export interface Duration {
  seconds?: number | { toString(): string } | null;
  nanos?: number | null;
}
export interface Execution {
  workflowId?: string;
  runId?: string;
}

/** Names of the events' attributes without `EventAttributes`. */
export type EventKind =
  | 'workflowExecutionStarted'
  | 'workflowExecutionCompleted'
  | 'workflowExecutionFailed'
  | 'workflowExecutionCanceled'
  | 'workflowExecutionContinuedAsNew'
  | 'workflowExecutionSignaled'
  | 'workflowExecutionCancelRequested'
  | 'workflowExecutionUpdateAccepted'
  | 'workflowExecutionUpdateCompleted'
  | 'workflowTaskScheduled'
  | 'workflowTaskStarted'
  | 'workflowTaskCompleted'
  | 'workflowTaskTimedOut'
  | 'workflowTaskFailed'
  | 'activityTaskScheduled'
  | 'activityTaskStarted'
  | 'activityTaskCompleted'
  | 'activityTaskFailed'
  | 'activityTaskTimedOut'
  | 'activityTaskCancelRequested'
  | 'activityTaskCanceled'
  | 'timerStarted'
  | 'timerFired'
  | 'timerCanceled'
  | 'startChildWorkflowExecutionInitiated'
  | 'startChildWorkflowExecutionFailed'
  | 'childWorkflowExecutionStarted'
  | 'childWorkflowExecutionCompleted'
  | 'childWorkflowExecutionFailed'
  | 'childWorkflowExecutionCanceled'
  | 'requestCancelExternalWorkflowExecutionInitiated'
  | 'requestCancelExternalWorkflowExecutionFailed'
  | 'externalWorkflowExecutionCancelRequested'
  | 'signalExternalWorkflowExecutionInitiated'
  | 'signalExternalWorkflowExecutionFailed'
  | 'externalWorkflowExecutionSignaled'
  | 'markerRecorded'
  | 'upsertWorkflowSearchAttributes'
  | 'workflowPropertiesModified';

/** The union of what the events say; which is there depends on the kind. */
export interface Attributes {
  workflowType?: { name?: string };
  workflowId?: string;
  input?: Payloads | UpdateInput;
  result?: Payloads;
  failure?: Failure;
  details?: Payloads | Record<string, Payloads>;
  identity?: string;
  firstExecutionRunId?: string;
  originalExecutionRunId?: string;
  workflowTaskTimeout?: Duration;
  scheduledEventId?: number;
  startedEventId?: number;
  initiatedEventId?: number;
  acceptedEventId?: number;
  activityId?: string;
  activityType?: { name?: string };
  retryState?: string;
  timerId?: string;
  workflowExecution?: Execution;
  parentWorkflowExecution?: Execution;
  namespace?: string;
  cause?: string;
  signalName?: string;
  protocolInstanceId?: string;
  acceptedRequestSequencingEventId?: number;
  acceptedRequest?: UpdateRequest;
  outcome?: { success?: Payloads; failure?: Failure };
  meta?: { updateId?: string };
  markerName?: string;
  sdkMetadata?: { langUsedFlags?: number[]; coreUsedFlags?: number[] };
  searchAttributes?: { indexedFields?: Record<string, Payload> };
  [other: string]: unknown;
}
export interface UpdateInput {
  name?: string;
  args?: Payloads;
}
export interface UpdateRequest {
  meta?: { updateId?: string; identity?: string };
  input?: UpdateInput;
}

export interface HistoryEvent {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  kind: EventKind;
  a: Attributes;
  /** Summary and details that people see. */
  userMetadata?: object;
}

export const payloadOf = (value: unknown): Payload =>
  defaultPayloadConverter.toPayload(value) as Payload;

export const jsonOf = (payload: Payload | undefined): unknown =>
  payload === undefined
    ? undefined
    : JSON.parse(Buffer.from(payload.data ?? []).toString('utf8') || 'null');

export const tsOf = (ms: number): { seconds: number; nanos: number } => ({
  seconds: Math.floor(ms / 1000),
  nanos: Math.round((ms % 1000) * 1_000_000),
});

/** undefined for an absent one and for zero, which the API uses for "none". */
export const msOf = (duration: Duration | null | undefined): number | undefined => {
  if (duration == null) return undefined;
  const ms = Number(String(duration.seconds ?? 0)) * 1000 + (duration.nanos ?? 0) / 1_000_000;
  return ms === 0 ? undefined : ms;
};

const upperSnake = (kind: string): string =>
  kind.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

const camel = (type: string): EventKind =>
  type
    .replace('EVENT_TYPE_', '')
    .toLowerCase()
    .replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) as EventKind;

const { History } = proto.temporal.api.history.v1;

/** As the native core takes it. */
export const toProtoHistory = (events: HistoryEvent[]): temporal.api.history.v1.History =>
  History.fromObject({
    events: events.map(({ id, at, kind, a, userMetadata }) => ({
      eventId: id,
      eventTime: tsOf(at),
      eventType: `EVENT_TYPE_${upperSnake(kind)}`,
      ...(userMetadata === undefined ? {} : { userMetadata }),
      [`${kind}EventAttributes`]: a,
    })),
  });

/** From a history that a real server wrote. */
export function fromProtoHistory(history: temporal.api.history.v1.IHistory): HistoryEvent[] {
  const plain = History.toObject(History.fromObject(history), { longs: Number, enums: String });
  return (plain['events'] as Record<string, unknown>[]).map((event) => {
    const kind = camel(event['eventType'] as string);
    const at = event['eventTime'] as { seconds?: number; nanos?: number };
    const { userMetadata } = event as { userMetadata?: object };
    return {
      id: event['eventId'] as number,
      at: (at.seconds ?? 0) * 1000 + Math.floor((at.nanos ?? 0) / 1_000_000),
      kind,
      a: (event[`${kind}EventAttributes`] ?? {}) as Attributes,
      ...(userMetadata === undefined ? {} : { userMetadata }),
    };
  });
}

/** Events that a workflow task's commands make, in the order of the commands. */
const COMMAND_EVENTS: ReadonlySet<EventKind> = new Set<EventKind>([
  'workflowExecutionCompleted',
  'workflowExecutionFailed',
  'workflowExecutionCanceled',
  'workflowExecutionContinuedAsNew',
  'workflowExecutionUpdateAccepted',
  'workflowExecutionUpdateCompleted',
  'activityTaskScheduled',
  'activityTaskCancelRequested',
  'timerStarted',
  'timerCanceled',
  'startChildWorkflowExecutionInitiated',
  'requestCancelExternalWorkflowExecutionInitiated',
  'signalExternalWorkflowExecutionInitiated',
  'markerRecorded',
  'upsertWorkflowSearchAttributes',
  'workflowPropertiesModified',
]);

export const isCommandEvent = ({ kind }: HistoryEvent): boolean => COMMAND_EVENTS.has(kind);
