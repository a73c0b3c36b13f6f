// What Temporal knows of the runs of the soak when it is over: how each ended, what its report says, and what its
// history tells of workers that died under it.
import type { Temporal } from '../../client/temporal/connection.ts';
import { ATTRIBUTE } from '../../domain/names.ts';
import { MESSAGES, type RunStatus } from '../../domain/status.ts';

export interface RunRecord {
  run: string;
  runId: string;
  workflow: string;
  /** COMPLETED, FAILED, CANCELLED, RUNNING … as Temporal says it. */
  outcome: string;
  startedMs: number;
  /** null: not over. */
  endedMs: number | null;
  parent: string | null;
  status: RunStatus | null;
  /** Of a run that completed. */
  result: unknown;
  /** Workflow tasks that failed for another reason than a race: a bug of ours. */
  taskFailures: string[];
  /** Moves that were taken up again after their worker had died. */
  adoptions: Adoption[];
}

export interface Adoption {
  scheduledMs: number;
  /** The attempt that saw it through. */
  startedMs: number;
  attempt: number;
}

export async function readRuns(temporal: Temporal, cluster: string): Promise<RunRecord[]> {
  const runs: RunRecord[] = [];
  const query = `${ATTRIBUTE.cluster} = '${cluster}'`;
  for await (const info of temporal.client.workflow.list({ query, pageSize: 200 })) {
    if (info.type === 'inspectCluster') continue;
    const handle = temporal.client.workflow.getHandle(info.workflowId, info.runId);
    const outcome = info.status.name;
    const { taskFailures, adoptions } = readHistory(await handle.fetchHistory());
    const status = await handle.query<RunStatus>(MESSAGES.status).catch(() => null);
    runs.push({
      run: info.workflowId,
      runId: info.runId,
      workflow: info.type,
      outcome,
      startedMs: info.startTime.getTime(),
      endedMs: info.closeTime?.getTime() ?? null,
      parent: info.parentExecution?.workflowId ?? null,
      status,
      result: outcome === 'COMPLETED' ? await handle.result() : null,
      taskFailures,
      adoptions,
    });
  }
  return runs.sort((a, b) => a.startedMs - b.startedMs);
}

type History = Awaited<
  ReturnType<ReturnType<Temporal['client']['workflow']['getHandle']>['fetchHistory']>
>;

/**
 * Not a bug: new events came while the worker thought (1 UNHANDLED_COMMAND, 31 UNHANDLED_UPDATE), or the worker that
 * had the task is gone (13 RESET_STICKY_TASK_QUEUE, 17 FORCE_CLOSE_COMMAND).
 */
const HARMLESS = new Set([1, 13, 17, 31]);

function readHistory(history: History): Pick<RunRecord, 'taskFailures' | 'adoptions'> {
  const taskFailures: string[] = [];
  const adoptions: Adoption[] = [];
  const scheduled = new Map<string, number>();
  for (const event of history.events ?? []) {
    const at = Number(event.eventTime?.seconds ?? 0) * 1000 + (event.eventTime?.nanos ?? 0) / 1e6;
    const failed = event.workflowTaskFailedEventAttributes;
    if (failed && !HARMLESS.has(failed.cause ?? 0)) {
      taskFailures.push(`event ${String(event.eventId)}: ${failed.failure?.message ?? ''}`);
    }
    if (event.activityTaskScheduledEventAttributes?.activityType?.name === 'moveVm') {
      scheduled.set(String(event.eventId), at);
    }
    const started = event.activityTaskStartedEventAttributes;
    const since = scheduled.get(String(started?.scheduledEventId ?? ''));
    if (started && since !== undefined && (started.attempt ?? 1) > 1) {
      adoptions.push({ scheduledMs: since, startedMs: at, attempt: started.attempt ?? 1 });
    }
  }
  return { taskFailures, adoptions };
}
