// How long and how large the histories of runs became, how long their activities waited for a worker, and how often
// something was done again. Lengths and sizes of all runs come from the server's list; the rest from whole histories of
// some of them.
import {
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionInfo,
  type WorkflowHandle,
} from '@temporalio/client';
import { millis } from '../rig/activity-times.ts';
import { summaryOf, type Summary } from '../rig/statistics.ts';

export interface HistorySizes {
  runs: number;
  eventsMax: number;
  bytesMax: number;
  bytesTotal: number;
}

interface Numberish {
  toString(): string;
}

export async function historySizes(client: Client, query: string): Promise<HistorySizes> {
  const sizes: HistorySizes = { runs: 0, eventsMax: 0, bytesMax: 0, bytesTotal: 0 };
  for await (const info of client.workflow.list({ query, pageSize: 1000 })) {
    const bytes = bytesOf(info);
    sizes.runs += 1;
    sizes.eventsMax = Math.max(sizes.eventsMax, info.historyLength);
    sizes.bytesMax = Math.max(sizes.bytesMax, bytes);
    sizes.bytesTotal += bytes;
  }
  return sizes;
}

const bytesOf = ({ raw }: WorkflowExecutionInfo): number =>
  Number(((raw.historySizeBytes as Numberish | null | undefined) ?? 0).toString());

export interface ActivityFigures {
  /** Histories that were read. */
  runs: number;
  /** From scheduled to started. */
  waitMs: Summary | null;
  /** The same by activity, the largest only. */
  longestWaitMs: Record<string, number>;
  /** Steps that were tried again after a pause. */
  stepRetries: number;
  /** Attempts beyond the first that Temporal made. */
  attemptsBeyondFirst: number;
  /** Activities that no worker took in time, or that gave no answer. */
  timeouts: number;
  /** The largest payload of one event. */
  payloadBytesMax: number;
}

export async function activityFigures(
  handles: readonly WorkflowHandle[],
): Promise<ActivityFigures> {
  const waits: number[] = [];
  const figures: ActivityFigures = {
    runs: 0,
    waitMs: null,
    longestWaitMs: {},
    stepRetries: 0,
    attemptsBeyondFirst: 0,
    timeouts: 0,
    payloadBytesMax: 0,
  };
  for (const handle of handles) {
    try {
      await addRun(handle, figures, waits);
      figures.runs += 1;
    } catch (err) {
      // One that was refused its start: that is told elsewhere.
      if (!(err instanceof WorkflowNotFoundError)) throw err;
    }
  }
  figures.waitMs = summaryOf(waits.map(Math.round));
  return figures;
}

async function addRun(
  handle: WorkflowHandle,
  figures: ActivityFigures,
  waits: number[],
): Promise<void> {
  const { events } = await handle.fetchHistory();
  const scheduled = new Map<string, { type: string; at: number }>();
  for (const event of events ?? []) {
    const begin = event.activityTaskScheduledEventAttributes;
    if (begin) {
      const type = begin.activityType?.name ?? 'unknown';
      scheduled.set(String(event.eventId), { type, at: millis(event.eventTime) });
    }
    const started = event.activityTaskStartedEventAttributes;
    const its = scheduled.get(String(started?.scheduledEventId));
    if (started && its !== undefined) {
      const attempts = (started.attempt ?? 1) - 1;
      figures.attemptsBeyondFirst += attempts;
      // A later attempt's start says nothing about the first one's wait.
      const waited = millis(event.eventTime) - its.at;
      if (attempts === 0) {
        waits.push(waited);
        const longest = Math.max(figures.longestWaitMs[its.type] ?? 0, Math.round(waited));
        figures.longestWaitMs[its.type] = longest;
      }
    }
    if (event.activityTaskTimedOutEventAttributes) figures.timeouts += 1;
    // A move waits by timers for one thing only: before it tries a step again.
    if (event.timerStartedEventAttributes) figures.stepRetries += 1;
    const done = event.activityTaskCompletedEventAttributes?.result?.payloads ?? [];
    const given = begin?.input?.payloads ?? [];
    for (const { data } of [...done, ...given]) {
      figures.payloadBytesMax = Math.max(figures.payloadBytesMax, data?.length ?? 0);
    }
  }
}
