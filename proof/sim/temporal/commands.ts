// Commands of workflow code against the events of a history: does this command make that event? Stricter than the
// native core, which compares types and ids: here the arguments have to be the same bytes too.
import type { Execution, HistoryEvent, Payload } from './history.ts';

/** coresdk.workflow_commands.WorkflowCommand as workflow code emits it; only what this product uses is named. */
export interface Command {
  userMetadata?: object | null;
  startTimer?: { seq: number; startToFireTimeout: object };
  cancelTimer?: { seq: number };
  scheduleActivity?: {
    seq: number;
    activityId: string;
    activityType: string;
    taskQueue: string;
    arguments?: Payload[];
    cancellationType?: number;
    [option: string]: unknown;
  };
  requestCancelActivity?: { seq: number };
  startChildWorkflowExecution?: {
    seq: number;
    workflowId: string;
    workflowType: string;
    input?: Payload[];
    [option: string]: unknown;
  };
  cancelChildWorkflowExecution?: { childWorkflowSeq: number };
  signalExternalWorkflowExecution?: {
    seq: number;
    workflowExecution: Execution;
    signalName: string;
    args?: Payload[];
  };
  continueAsNewWorkflowExecution?: { workflowType: string; arguments?: Payload[] };
  completeWorkflowExecution?: { result?: Payload };
  failWorkflowExecution?: { failure?: object };
  cancelWorkflowExecution?: object;
  setPatchMarker?: { patchId: string; deprecated?: boolean };
  upsertWorkflowSearchAttributes?: { searchAttributes?: object };
  modifyWorkflowProperties?: { upsertedMemo?: object };
  updateResponse?: {
    protocolInstanceId: string;
    accepted?: object;
    rejected?: object;
    completed?: Payload;
  };
  respondToQuery?: object;
}

const bytes = (payloads: Payload[] | undefined): string =>
  (payloads ?? []).map((p) => Buffer.from(p.data ?? []).toString('utf8')).join('\n');

interface Rule {
  event: HistoryEvent['kind'];
  /** What must be the same, as the command says it and as the event says it. */
  command: string;
  recorded: (event: HistoryEvent) => string;
}

const ofKind = (event: HistoryEvent['kind']): Rule => ({ event, command: '', recorded: () => '' });

const ofTimer = (event: HistoryEvent['kind'], { seq }: { seq: number }): Rule => ({
  event,
  command: String(seq),
  recorded: ({ a }) => a.timerId ?? '',
});

const inputOf = ({ a }: HistoryEvent): string =>
  bytes((a.input as { payloads?: Payload[] } | undefined)?.payloads);

/** undefined for commands that make no event. */
function ruleOf(c: Command, rejectedBefore: boolean): Rule | undefined {
  if (c.startTimer) return ofTimer('timerStarted', c.startTimer);
  if (c.cancelTimer) return ofTimer('timerCanceled', c.cancelTimer);
  if (c.scheduleActivity) {
    const { activityType, activityId, arguments: args } = c.scheduleActivity;
    return {
      event: 'activityTaskScheduled',
      command: `${activityType} ${activityId} ${bytes(args)}`,
      recorded: (e) => `${e.a.activityType?.name ?? ''} ${e.a.activityId ?? ''} ${inputOf(e)}`,
    };
  }
  if (c.requestCancelActivity) return ofKind('activityTaskCancelRequested');
  if (c.startChildWorkflowExecution) {
    const { workflowType, workflowId, input } = c.startChildWorkflowExecution;
    return {
      event: 'startChildWorkflowExecutionInitiated',
      command: `${workflowType} ${workflowId} ${bytes(input)}`,
      recorded: (e) => `${e.a.workflowType?.name ?? ''} ${e.a.workflowId ?? ''} ${inputOf(e)}`,
    };
  }
  if (c.cancelChildWorkflowExecution)
    return ofKind('requestCancelExternalWorkflowExecutionInitiated');
  if (c.signalExternalWorkflowExecution) {
    const { workflowExecution, signalName, args } = c.signalExternalWorkflowExecution;
    return {
      event: 'signalExternalWorkflowExecutionInitiated',
      command: `${signalName} ${workflowExecution.workflowId ?? ''} ${bytes(args)}`,
      recorded: (e) =>
        `${e.a.signalName ?? ''} ${e.a.workflowExecution?.workflowId ?? ''} ${inputOf(e)}`,
    };
  }
  if (c.continueAsNewWorkflowExecution) {
    return {
      event: 'workflowExecutionContinuedAsNew',
      command: bytes(c.continueAsNewWorkflowExecution.arguments),
      recorded: inputOf,
    };
  }
  if (c.setPatchMarker) return ofKind('markerRecorded');
  if (c.upsertWorkflowSearchAttributes) return ofKind('upsertWorkflowSearchAttributes');
  if (c.modifyWorkflowProperties) return ofKind('workflowPropertiesModified');
  if (c.updateResponse) {
    const { protocolInstanceId, accepted, rejected } = c.updateResponse;
    if (accepted)
      return {
        event: 'workflowExecutionUpdateAccepted',
        command: protocolInstanceId,
        recorded: (e) => e.a.protocolInstanceId ?? '',
      };
    if (rejected && rejectedBefore) return undefined;
    return ofKind('workflowExecutionUpdateCompleted');
  }
  if (c.completeWorkflowExecution) {
    const { result } = c.completeWorkflowExecution;
    return {
      event: 'workflowExecutionCompleted',
      command: bytes(result ? [result] : []),
      recorded: (e) => bytes(e.a.result?.payloads),
    };
  }
  if (c.failWorkflowExecution) return ofKind('workflowExecutionFailed');
  if (c.cancelWorkflowExecution) return ofKind('workflowExecutionCanceled');
  throw new Error(
    `workflow code used a command that the simulation does not know: ${Object.keys(c).join(', ')}`,
  );
}

const seqOf = (c: Command): number =>
  c.scheduleActivity?.seq ??
  c.startChildWorkflowExecution?.seq ??
  c.signalExternalWorkflowExecution?.seq ??
  0;

/** Of the upsert that the core itself adds to a patch marker. */
const isPatchUpsert = ({ kind, a }: HistoryEvent): boolean =>
  kind === 'upsertWorkflowSearchAttributes' &&
  a.searchAttributes?.indexedFields?.['TemporalChangeVersion'] !== undefined;

/**
 * Compares the commands of one workflow task with the events that a history has for it, and tells which event came
 * from which command. `types` compares what the native core does: a newer version may ask with other arguments.
 * @throws Error when they differ: workflow code that is not deterministic, or a server that does not do as it is told
 */
export function matchCommands(
  commands: Command[],
  events: HistoryEvent[],
  learn: (event: HistoryEvent, seq: number) => void,
  strictness: 'arguments' | 'types' = 'arguments',
): void {
  const recorded = events.filter((event) => !isPatchUpsert(event));
  const accepted = new Set(
    commands.flatMap((c) =>
      c.updateResponse?.accepted ? [c.updateResponse.protocolInstanceId] : [],
    ),
  );
  const rules = commands.flatMap((command) => {
    const response = command.updateResponse;
    const rejectedBefore =
      response?.rejected !== undefined && !accepted.has(response.protocolInstanceId);
    const rule = ruleOf(command, rejectedBefore);
    return rule === undefined ? [] : [{ rule, seq: seqOf(command) }];
  });
  for (const [i, { rule, seq }] of rules.entries()) {
    const event = recorded[i];
    const have =
      event === undefined
        ? 'nothing'
        : `${event.kind} ${rule.event === event.kind ? rule.recorded(event) : ''}`;
    const same = (text: string): string =>
      strictness === 'arguments' ? text : text.split('{')[0]!.trim();
    if (event?.kind !== rule.event || same(rule.recorded(event)) !== same(rule.command))
      throw new Nondeterminism(
        `the code wants ${rule.event} ${rule.command}, the history has ${have.trim()}`,
      );
    learn(event, seq);
  }
  const more = recorded[rules.length];
  if (more !== undefined)
    throw new Nondeterminism(`the history has ${more.kind}, the code wants nothing more`);
}

export class Nondeterminism extends Error {}

export interface Sent {
  commands: Command[];
  /** Scheduled and cancelled in one go: the server never hears of them. */
  unsent: Command[];
}

/** Takes out what was cancelled before it was sent, as the native core does. */
export function withoutUnsent(commands: Command[]): Sent {
  const unsent: Command[] = [];
  const drop = new Set<Command>();
  for (const cancel of commands) {
    const start = commands.find((c) => isStartOf(c, cancel));
    if (start === undefined || drop.has(start)) continue;
    drop.add(start).add(cancel);
    if (start.startTimer === undefined) unsent.push(start);
  }
  return { commands: commands.filter((c) => !drop.has(c)), unsent };
}

function isStartOf(start: Command, cancel: Command): boolean {
  if (cancel.cancelTimer) return start.startTimer?.seq === cancel.cancelTimer.seq;
  if (cancel.requestCancelActivity)
    return start.scheduleActivity?.seq === cancel.requestCancelActivity.seq;
  if (cancel.cancelChildWorkflowExecution)
    return (
      start.startChildWorkflowExecution?.seq ===
      cancel.cancelChildWorkflowExecution.childWorkflowSeq
    );
  return false;
}
