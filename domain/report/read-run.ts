// A run's history as a record of what happened. Pure: no worker, no server and no workflow code is needed, so that a
// history can be read years later. Whatever it does not know it passes by.
import type { IsoTime } from '../facts.ts';
import { RUN_PREFIX } from '../names.ts';
import { Acts } from './acts.ts';
import {
  isPlain,
  numberAt,
  part,
  payload,
  textAt,
  UNREADABLE,
  type HistoryEvent,
  type Plain,
} from './event.ts';
import { readFailure } from './failure.ts';
import { Messages } from './messages.ts';
import { titleOf } from './titles.ts';
import { Versions } from './versions.ts';
import type { CancelRequest, ChildRun, RecordState, RunRecord } from './run-record.ts';

/** undefined when these are not the events of a run of watari, from its beginning. */
export function readRun(events: readonly HistoryEvent[]): RunRecord | undefined {
  const [first] = events;
  if (first?.kind !== 'workflowExecutionStarted') return undefined;
  const reading = new Reading(first);
  for (const event of events) reading.take(event);
  return reading.record(events.length);
}

class Reading {
  private readonly acts = new Acts();
  private readonly messages = new Messages();
  private readonly versions = new Versions();
  private readonly children = new Map<number, ChildRun>();
  private readonly cancelRequests: CancelRequest[] = [];
  private readonly gaps: string[] = [];
  private readonly begun: HistoryEvent;
  private end: Pick<RunRecord, 'state' | 'endedAt' | 'failure' | 'result'> | null = null;

  constructor(begun: HistoryEvent) {
    this.begun = begun;
  }

  take(event: HistoryEvent): void {
    const { kind, data, at } = event;
    if (kind.startsWith('activityTask')) this.takeAct(event);
    else if (/^(startChild|child)Workflow/.test(kind)) this.takeChild(event);
    else if (kind.startsWith('workflowExecution')) this.takeOwn(event);
    else if (kind === 'timerStarted') this.messages.startTimer(event);
    else if (kind === 'timerFired' || kind === 'timerCanceled') this.messages.endTimer(event);
    else if (kind === 'workflowTaskCompleted') this.messages.goOn();
    else if (kind === 'workflowTaskFailed') {
      const words = readFailure(data['failure'])?.message ?? '';
      this.gaps.push(
        `At ${at} the program of the run failed on a worker and was tried again: ${words}`,
      );
    }
  }

  record(events: number): RunRecord {
    this.messages.goOn();
    const { data, at, summary } = this.begun;
    const given = payload(data, 'input');
    const input = isPlain(given) ? given : {};
    const workflow = textAt(part(data, 'workflowType'), 'name') ?? 'unknown';
    const run = textAt(data, 'workflowId') ?? `${RUN_PREFIX}?`;
    const unreadable = given === UNREADABLE;
    return {
      run,
      runId: textAt(data, 'originalExecutionRunId') ?? textAt(data, 'firstExecutionRunId'),
      workflow,
      title: titleOf(workflow, input, summary ?? run),
      cluster: textAt(input, 'cluster') ?? textAt(part(input, 'spec'), 'cluster'),
      startedBy: textAt(input, 'startedBy'),
      reason: textAt(input, 'reason'),
      sentBy: textAt(data, 'identity'),
      parent: textAt(part(data, 'parentWorkflowExecution'), 'workflowId'),
      startedAt: at,
      ...(this.end ?? this.open()),
      input: unreadable ? null : (given ?? null),
      acts: this.acts.all,
      waits: this.messages.waits,
      decisions: this.messages.decisions,
      cancelRequests: this.cancelRequests,
      children: [...this.children.values()],
      nodes: this.versions.nodes,
      events,
      gaps: this.gaps,
    };
  }

  private open(): Pick<RunRecord, 'state' | 'endedAt' | 'failure' | 'result'> {
    const needs = this.messages.waits.some((w) => w.kind === 'person' && w.endedAt === null);
    const state = needs ? 'needs-operator' : 'running';
    return { state, endedAt: null, failure: null, result: null };
  }

  private takeAct(event: HistoryEvent): void {
    const { kind, data, at } = event;
    if (kind === 'activityTaskScheduled') {
      const isBack = this.messages.hasAborted() || this.cancelRequests.length > 0;
      this.acts.schedule(event, isBack);
    } else if (kind === 'activityTaskStarted') this.acts.start(event);
    else if (kind === 'activityTaskCompleted') {
      const answer = this.acts.complete(event);
      this.versions.see(answer, this.acts.of(data)?.node ?? null, at);
    } else if (kind === 'activityTaskFailed' || kind === 'activityTaskTimedOut') {
      this.acts.fail(event);
    } else if (kind === 'activityTaskCanceled') this.acts.cancel(event);
  }

  private takeChild(event: HistoryEvent): void {
    const { kind, id, at, data, summary } = event;
    if (kind === 'startChildWorkflowExecutionInitiated') {
      this.children.set(id, initiated(data, at, summary));
      return;
    }
    const child = this.children.get(numberAt(data, 'initiatedEventId'));
    if (child === undefined) return;
    if (kind === 'childWorkflowExecutionStarted') {
      child.runId = textAt(part(data, 'workflowExecution'), 'runId');
      child.startedAt = at;
      return;
    }
    child.endedAt = at;
    if (kind === 'startChildWorkflowExecutionFailed') {
      const message = `${child.run} was not started: it was running already`;
      Object.assign(child, { state: 'failed', failure: { code: 'AlreadyRunning', message } });
      return;
    }
    child.state = endState(kind, data);
    child.failure = readFailure(data['failure']);
  }

  private takeOwn(event: HistoryEvent): void {
    const { kind, at, data } = event;
    if (kind === 'workflowExecutionUpdateAccepted') this.messages.update(event);
    else if (kind === 'workflowExecutionSignaled') this.messages.signal(event);
    else if (kind === 'workflowExecutionCancelRequested') {
      const outer = textAt(part(data, 'externalWorkflowExecution'), 'workflowId');
      const reason = textAt(data, 'reason') ?? textAt(data, 'cause') ?? '';
      this.cancelRequests.push({ at, by: outer ?? textAt(data, 'identity'), reason });
    } else if (/(Completed|Failed|Canceled|Terminated|TimedOut|ContinuedAsNew)$/.test(kind)) {
      // Not the end of an update.
      if (kind.startsWith('workflowExecutionUpdate')) return;
      this.end = {
        state: endState(kind, data),
        endedAt: at,
        failure: readFailure(data['failure']) ?? terminated(kind, data),
        result: payload(data, 'result') ?? null,
      };
    }
  }
}

const initiated = (data: Plain, at: IsoTime, summary: string | null): ChildRun => {
  const workflow = textAt(part(data, 'workflowType'), 'name') ?? 'unknown';
  const run = textAt(data, 'workflowId') ?? workflow;
  const given = payload(data, 'input');
  return {
    run,
    runId: null,
    workflow,
    title: summary ?? titleOf(workflow, isPlain(given) ? given : {}, run),
    state: 'running',
    startedAt: at,
    endedAt: null,
    failure: null,
    record: null,
  };
};

/** Of a run's last event, and of a parent's event about the end of a child. */
function endState(kind: string, data: Plain): RecordState {
  if (kind.endsWith('Completed')) return 'succeeded';
  if (kind.endsWith('Canceled')) return 'cancelled';
  if (!kind.endsWith('Failed')) return 'terminated';
  const code = readFailure(data['failure'])?.code;
  return code === 'Aborted' ? 'aborted' : code === 'Cancelled' ? 'cancelled' : 'failed';
}

function terminated(kind: string, data: Plain): RunRecord['failure'] {
  if (!kind.endsWith('Terminated')) return null;
  const by = textAt(data, 'identity') ?? 'somebody';
  const why = textAt(data, 'reason');
  return {
    code: 'Terminated',
    message: `Ended from outside by ${by}${why === null ? '' : `: ${why}`}`,
  };
}
