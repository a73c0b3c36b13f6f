// The part of a worker that tells people: serves the queue for that, and sees that the cluster's workflow for it runs.
// Only where there are settings. Nothing that goes wrong here keeps the worker from serving its node.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import { createPeopleQueue } from '../activities/index.ts';
import { channelOf } from '../activities/notify/channels.ts';
import type { RunsSource, WatchPace, WatchRequest } from '../activities/watch.ts';
import type { NotifySettings } from '../config/notify-file.ts';
import {
  ATTRIBUTE,
  clusterQueue,
  peopleQueue,
  runsOf,
  schedulesOf,
  tellPeopleId,
} from '../domain/names.ts';
import type { SeenRun, SeenSchedule } from '../domain/news.ts';
import { MESSAGES, type RunStatus } from '../domain/status.ts';
import { listingClient } from './listing-client.ts';

export interface PeopleOptions {
  cluster: string;
  /** undefined: people are not told by this worker. */
  settings: NotifySettings | undefined;
  client: Client;
  connection: NativeConnection;
  common: Partial<WorkerOptions>;
  log: (line: string) => void;
  /** Ends trying to start the workflow. */
  stop: AbortSignal;
  pace?: WatchPace;
}

const START_AGAIN_MS = 30_000;

/** Serves from now on; undefined where it does not. Its end is no failure, whatever ended it. */
export async function servePeople(
  o: PeopleOptions,
): Promise<{ worker: Worker; end: Promise<void> } | undefined> {
  const { settings, log } = o;
  if (settings === undefined || settings.channels.length === 0) return undefined;
  for (const warning of settings.warnings) log(warning);
  const failed = (err: unknown): void => {
    log(`people are not told: ${err instanceof Error ? err.message : String(err)}`);
  };
  try {
    const worker = await makeWorker(o, settings);
    log(
      `people are told by ${settings.channels.map((c) => `${c.channel} (${c.kind})`).join(', ')}`,
    );
    void startTelling(o);
    return { worker, end: worker.run().catch(failed) };
  } catch (err) {
    failed(err);
    return undefined;
  }
}

function makeWorker(o: PeopleOptions, settings: NotifySettings): Promise<Worker> {
  const { cluster, client, log, pace } = o;
  const now = (): Date => new Date();
  return Worker.create({
    ...o.common,
    connection: o.connection,
    taskQueue: peopleQueue(cluster),
    maxConcurrentActivityTaskExecutions: 1,
    activities: createPeopleQueue({
      channels: settings.channels.map((one) => ({ channel: channelOf(one, now), tell: one.tell })),
      source: runsSource(client, cluster),
      place: { ui: settings.ui, namespace: client.options.namespace },
      ...{ log, now },
      ...(pace === undefined ? {} : { pace }),
    }),
  });
}

/** The server may be away just now. */
async function startTelling({ cluster, client, log, stop }: PeopleOptions): Promise<void> {
  const request: WatchRequest = { cluster, watched: null };
  let said = '';
  while (!stop.aborted) {
    try {
      await client.workflow.start('tellPeople', {
        workflowId: tellPeopleId(cluster),
        taskQueue: clusterQueue(cluster),
        args: [request],
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      return;
    } catch (err) {
      const why = err instanceof Error ? err.message : String(err);
      if (why !== said) log(`people are not told yet: ${why}`);
      said = why;
      await delay(START_AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}

/** Of one look; who has more open runs than that is told of the newest. */
const RUNS_MAX = 2_000;
const PAGE = 500;
const LIST_MS = 10_000;
/** A run whose worker is gone does not answer at all. */
const STATUS_MS = 5_000;

export function runsSource(client: Client, cluster: string): RunsSource {
  const within = <T>(ms: number, deed: () => Promise<T>): Promise<T> =>
    client.connection.withDeadline(Date.now() + ms, deed);
  const lists = listingClient(client);
  return {
    list: (endedAfter) =>
      within(LIST_MS, async () => {
        const prefix = runsOf(cluster).replaceAll("'", "''");
        const query = `WorkflowId STARTS_WITH '${prefix}' AND (ExecutionStatus = 'Running' OR CloseTime > '${endedAfter}')`;
        const seen: SeenRun[] = [];
        for await (const info of lists.workflow.list({ query, pageSize: PAGE })) {
          seen.push(seenRun(info));
          if (seen.length >= RUNS_MAX) break;
        }
        return seen;
      }),
    status: (run) =>
      within(STATUS_MS, () =>
        client.workflow.getHandle(run.run, run.runId).query<RunStatus>(MESSAGES.status),
      ).catch(() => undefined),
    schedules: () => within(LIST_MS, () => seenSchedules(client, cluster)),
  };
}

/** Counts alone, so nothing of them is decoded: others of the namespace may be encrypted with other keys. */
async function seenSchedules(client: Client, cluster: string): Promise<SeenSchedule[]> {
  const { workflowService: service } = client.connection;
  const { namespace } = client.options;
  const seen: SeenSchedule[] = [];
  let nextPageToken = new Uint8Array();
  do {
    const page = await service.listSchedules({
      ...{ namespace, maximumPageSize: PAGE, nextPageToken },
    });
    for (const { scheduleId } of page.schedules) {
      if (scheduleId?.startsWith(schedulesOf(cluster)) !== true) continue;
      const { info } = await service.describeSchedule({ namespace, scheduleId });
      const missed = Number(info?.missedCatchupWindow ?? 0);
      seen.push({ schedule: scheduleId, missed, skipped: Number(info?.overlapSkipped ?? 0) });
    }
    nextPageToken = new Uint8Array(page.nextPageToken);
  } while (nextPageToken.length > 0);
  return seen;
}

const NEEDS_OPERATOR = defineSearchAttributeKey(ATTRIBUTE.needsOperator, 'BOOL');

const STATES: Readonly<Record<string, SeenRun['state']>> = {
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  CONTINUED_AS_NEW: 'continued',
};

function seenRun(info: WorkflowExecutionInfo): SeenRun {
  const { workflowId, runId, type, status, startTime, closeTime, parentExecution } = info;
  const needsPerson = info.typedSearchAttributes.get(NEEDS_OPERATOR) === true;
  return {
    run: workflowId,
    runId,
    workflow: type,
    state:
      closeTime === undefined
        ? needsPerson
          ? 'needs-operator'
          : 'running'
        : (STATES[status.name] ?? 'terminated'),
    startedAt: startTime.toISOString(),
    endedAt: closeTime?.toISOString() ?? null,
    parent: parentExecution?.workflowId ?? null,
  };
}
