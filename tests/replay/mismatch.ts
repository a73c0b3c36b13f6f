// What to do about a history that today's workflows do not replay: which run, at which event, what the code does
// instead, and how to keep runs of its time going.
import { Worker } from '@temporalio/worker';
import { textOf, type HistoryEvent, type KeptHistory } from './kept-histories.ts';

export type Bundle = { codePath: string } | { code: string };

/** Under its own id: a run of watari refuses any id but the one that is its lock. */
const replayRaw = (bundle: Bundle, events: HistoryEvent[], id: string): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: bundle }, { events }, id);

/** Fails with an error whose message says all there is to know. */
export async function replay(bundle: Bundle, history: KeptHistory): Promise<void> {
  const { events, workflowId } = history;
  try {
    await replayRaw(bundle, events, workflowId);
  } catch (err) {
    const at = await firstDifference(bundle, history);
    throw new Error(mismatchText(history, at, coreWords(err)), { cause: err });
  }
}

/** All of them in one worker, which takes a tenth of the time; `replay` then says what is wrong with a file. */
export async function filesThatDiffer(
  bundle: Bundle,
  histories: readonly KeptHistory[],
): Promise<Set<string>> {
  const byRun = new Map(histories.map((h) => [runIdOf(h), h.file]));
  const jobs = histories.map(({ workflowId, events }) => ({ workflowId, history: { events } }));
  const differ = new Set<string>();
  let seen = 0;
  for await (const { runId, error } of Worker.runReplayHistories(
    { workflowBundle: bundle },
    jobs,
  )) {
    seen += 1;
    if (error !== undefined) differ.add(byRun.get(runId) ?? runId);
  }
  if (seen !== histories.length) throw new Error(`only ${seen} of ${histories.length} replayed`);
  return differ;
}

const runIdOf = ({ events }: KeptHistory): string =>
  events[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? '';

/** The event that the code does not lead to: histories up to the one before it replay. */
async function firstDifference(bundle: Bundle, history: KeptHistory): Promise<HistoryEvent> {
  const { events, workflowId } = history;
  let replays = 0;
  let fails = events.length;
  while (fails - replays > 1) {
    const middle = Math.floor((replays + fails) / 2);
    const ok = await replayRaw(bundle, events.slice(0, middle), workflowId).then(
      () => true,
      () => false,
    );
    if (ok) replays = middle;
    else fails = middle;
  }
  return events[fails - 1] as HistoryEvent;
}

/** Core's own sentence, out of the dump of Rust that it comes in. */
function coreWords(err: unknown): string {
  const message = err instanceof Error ? err.message : String(err);
  const told = /message: "((?:[^"\\]|\\.)*)"/.exec(message)?.[1];
  return told?.replace(/\\(.)/g, '$1') ?? message;
}

const quoted = (data: string | undefined): string => (data === undefined ? '' : ` ${textOf(data)}`);

/** The command behind an event, as a person would say it. */
export function deedOf(event: HistoryEvent): string {
  const summary = quoted(event.userMetadata?.summary?.data);
  const activity = event.activityTaskScheduledEventAttributes;
  if (activity !== undefined) return `called the activity ${activity.activityType.name}${summary}`;
  const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
  if (child !== undefined) {
    return `started the run ${child.workflowId} (${child.workflowType.name})${summary}`;
  }
  const upserted = event.upsertWorkflowSearchAttributesEventAttributes;
  if (upserted !== undefined) {
    const names = Object.keys(upserted.searchAttributes.indexedFields).join(', ');
    return `set the search attributes ${names}`;
  }
  switch (event.eventType) {
    case 'EVENT_TYPE_TIMER_STARTED':
      return `started a timer${summary}`;
    case 'EVENT_TYPE_TIMER_CANCELED':
      return 'cancelled a timer';
    case 'EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED':
      return 'asked an activity to stop';
    case 'EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED':
      return 'changed its memo';
    case 'EVENT_TYPE_MARKER_RECORDED':
      return 'recorded a patched()';
    case 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED':
      return 'was completed';
    case 'EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED':
      return 'ended as cancelled';
    case 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED':
      return 'ended as failed';
    default:
      return `has ${event.eventType.replace('EVENT_TYPE_', '')}`;
  }
}

const mismatchText = (history: KeptHistory, at: HistoryEvent, core: string): string =>
  `${history.workflow} no longer does what tests/replay/histories/${history.file} shows.
  Event ${at.eventId}: the run ${deedOf(at)}.
  Today's code does something else there: ${core}
Every run that is past this point when it is upgraded would stand still. Either undo the change, or keep the old way for
runs that began with it:

    import { patched } from '@temporalio/workflow';

    if (patched('two-words-for-the-change')) { /* the new way */ }
    else { /* the old way */ }

and record a history of the new way: npm run histories
More: CONTRIBUTING.md#when-a-history-no-longer-replays`;
