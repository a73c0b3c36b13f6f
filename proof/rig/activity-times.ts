// When the activities of a run were scheduled, started and ended, as the server wrote it into the history.
import type { WorkflowHandle } from '@temporalio/client';

export interface ActivityTimes {
  type: string;
  /** Milliseconds since 1970. */
  scheduled: number;
  /** Of the last attempt; null while none has ended. */
  started: number | null;
  ended: number | null;
}

interface Timestamp {
  /** A number, or a long integer of the protocol's library. */
  seconds?: { toString(): string } | null;
  nanos?: number | null;
}

export function millis(time: Timestamp | null | undefined): number {
  if (time?.seconds == null) throw new Error('the server gave an event without a time');
  return Number(time.seconds.toString()) * 1000 + (time.nanos ?? 0) / 1e6;
}

export async function activitiesOf(handle: WorkflowHandle): Promise<ActivityTimes[]> {
  const { events } = await handle.fetchHistory();
  const found = new Map<string, ActivityTimes>();
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled) {
      const type = scheduled.activityType?.name ?? 'unknown';
      const at = millis(event.eventTime);
      found.set(String(event.eventId), { type, scheduled: at, started: null, ended: null });
    }
    const started = event.activityTaskStartedEventAttributes;
    const its = found.get(String(started?.scheduledEventId));
    if (its !== undefined) its.started = millis(event.eventTime);
    const done = event.activityTaskCompletedEventAttributes;
    const finished = found.get(String(done?.scheduledEventId));
    if (finished !== undefined) finished.ended = millis(event.eventTime);
  }
  return [...found.values()];
}

/** The first completed activity of this type. */
export function completed(
  activities: readonly ActivityTimes[],
  type: string,
): { scheduled: number; started: number; ended: number } {
  const its = activities.find((a) => a.type === type);
  if (its?.started == null || its.ended === null) {
    const types = activities.map((a) => a.type).join(', ');
    throw new Error(`the run has no completed ${type}; it has ${types || 'no activity'}`);
  }
  return { scheduled: its.scheduled, started: its.started, ended: its.ended };
}
