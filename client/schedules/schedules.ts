// Temporal Schedules of maintenances: made, read, and told apart from others of the namespace by their ids. When one
// begins something is the server's to decide; nothing here waits for a time.
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  WorkflowNotFoundError,
  type ScheduleDescription,
  type ScheduleExecutionResult,
  type ScheduleHandle,
} from '@temporalio/client';
import type { Calendar } from '../../domain/fleet/calendar.ts';
import {
  clusterQueue,
  RUN_PREFIX,
  scheduleId,
  scheduleName,
  schedulesOf,
} from '../../domain/names.ts';
import type { Maintenance, ScheduledMaintenanceInput } from '../../domain/spec.ts';
import type { Clock } from '../context.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { listRuns, stateOfStatus, type RunListed } from '../runs/list.ts';
import { clusterOfRun } from '../runs/names.ts';
import { attributesOf, memoOf, withAttributes, withReason } from '../runs/start.ts';
import { within, type Temporal } from '../temporal/connection.ts';
import { shellWord } from '../words.ts';
import { maintenanceWords } from './words.ts';

const CALL_MS = 10_000;
const PAGE = 500;
/** Of the past and of the future: what a person wants to see at once. */
const SHOWN = 3;

export interface ScheduleRequest {
  cluster: string;
  name: string;
  calendar: Calendar;
  maintenance: Maintenance;
  /** How much later than its time a run may begin. */
  lateSeconds: number;
  /** Who adds it. */
  by: string;
  reason: string | undefined;
}

export interface ScheduleListed {
  schedule: string;
  id: string;
  cluster: string;
  /** As it was said, `second Saturday 22:00 Asia/Tokyo`; null for one that was not made by this command. */
  on: string | null;
  zone: string;
  does: string;
  lateSeconds: number;
  state: 'active' | 'paused';
  /** Who paused or resumed it last, and why. */
  note: string;
  addedBy: string | null;
  reason: string | null;
  /** As the server tells them. */
  next: string[];
  latest: PastRun[];
  /** Runs whose time passed while the server was away. */
  missed: number;
  /** Runs that were left out because the one before still went on. */
  skipped: number;
}

export interface PastRun {
  run: string;
  runId: string;
  dueAt: string;
  /** `forgotten`: the server keeps it no longer. */
  state: RunListed['state'] | 'forgotten';
  /** Why it failed. */
  code: string | null;
}

interface Noted {
  name?: string;
  cluster?: string;
  on?: string;
  addedBy?: string;
  reason?: string;
}

export async function createSchedule(
  temporal: Temporal,
  clock: Clock,
  r: ScheduleRequest,
): Promise<void> {
  const id = scheduleId(r.cluster, r.name);
  const startedBy = `schedule ${r.name} of ${r.by}`;
  const input: ScheduledMaintenanceInput = {
    ...{ cluster: r.cluster, schedule: r.name, startedBy },
    maintenance: r.maintenance,
    startWithinSeconds: r.lateSeconds,
  };
  const does = maintenanceWords(r.maintenance);
  const noted: Noted = {
    ...{ name: r.name, cluster: r.cluster, on: r.calendar.text, addedBy: r.by },
    ...(r.reason === undefined ? {} : { reason: r.reason }),
  };
  const [clusterAttribute] = attributesOf({ cluster: r.cluster });
  try {
    await withAttributes(temporal, clock, () =>
      temporal.client.schedule.create({
        scheduleId: id,
        spec: {
          calendars: r.calendar.parts.map((part) => ({ ...part, comment: r.calendar.text })),
          timezone: r.calendar.zone,
        },
        action: {
          type: 'startWorkflow',
          workflowType: 'scheduledMaintenance',
          workflowId: id,
          taskQueue: clusterQueue(r.cluster),
          args: [withReason(input, r.reason)],
          memo: memoOf({ startedBy, reason: r.reason }),
          typedSearchAttributes: attributesOf({ cluster: r.cluster }),
          staticSummary: `Maintain ${r.cluster} (schedule ${r.name})`,
          staticDetails: `Schedule **${r.name}**, ${r.calendar.text}: ${does}. Added by ${r.by}.`,
        },
        policies: {
          // A night that has parked is one night; two would take nodes from each other.
          overlap: 'SKIP',
          catchupWindow: r.lateSeconds * 1000,
          // Next month's updates are not less wanted because this month's failed.
          pauseOnFailure: false,
        },
        memo: { ...noted },
        typedSearchAttributes: clusterAttribute === undefined ? [] : [clusterAttribute],
        state: { note: `Added by ${r.by}: ${does}` },
      }),
    );
  } catch (err) {
    if (err instanceof ScheduleAlreadyRunning) throw alreadyThere(r);
    throw err;
  }
}

const alreadyThere = ({ name, cluster }: ScheduleRequest): ClientError =>
  new ClientError({
    code: 'ScheduleExists',
    message: `cluster ${cluster} has a schedule ${name} already; it was left as it is`,
    hint: `See it:  watari schedule list -c ${shellWord(cluster)}\nRemove it first:  watari schedule remove ${shellWord(name)} -c ${shellWord(cluster)}`,
    exitCode: EXIT.badInput,
  });

/** By name; null: those of every cluster. Not decoded: others of the namespace may be encrypted with other keys. */
export async function scheduleIds(temporal: Temporal, cluster: string | null): Promise<string[]> {
  const { connection, namespace } = temporal;
  const isOurs = (id: string): boolean =>
    cluster === null
      ? id.startsWith(RUN_PREFIX) && id.includes('/schedule/')
      : id.startsWith(schedulesOf(cluster));
  const ids: string[] = [];
  let nextPageToken = new Uint8Array();
  do {
    const page = await within(connection, CALL_MS, () =>
      connection.workflowService.listSchedules({
        ...{ namespace, maximumPageSize: PAGE, nextPageToken },
      }),
    );
    ids.push(...page.schedules.map((one) => one.scheduleId ?? '').filter(isOurs));
    nextPageToken = new Uint8Array(page.nextPageToken);
  } while (nextPageToken.length > 0);
  return ids.sort((a, b) => a.localeCompare(b, 'en'));
}

export const handleOf = (temporal: Temporal, cluster: string, name: string): ScheduleHandle =>
  temporal.client.schedule.getHandle(scheduleId(cluster, name));

export async function describeSchedule(
  temporal: Temporal,
  cluster: string,
  name: string,
): Promise<ScheduleDescription> {
  try {
    return await within(temporal.connection, CALL_MS, () =>
      handleOf(temporal, cluster, name).describe(),
    );
  } catch (err) {
    if (!(err instanceof ScheduleNotFoundError)) throw err;
    const names = (await scheduleIds(temporal, cluster)).map(scheduleName);
    throw badInput(
      `cluster ${cluster} has no schedule "${name}"`,
      names.length === 0
        ? 'It has none; add one with:  watari schedule add'
        : `Its schedules: ${names.join(', ')}`,
      'ScheduleNotFound',
    );
  }
}

/** Those that were removed meanwhile are left out. */
export async function listSchedules(
  temporal: Temporal,
  cluster: string | null,
): Promise<ScheduleListed[]> {
  const schedules: ScheduleListed[] = [];
  for (const id of await scheduleIds(temporal, cluster)) {
    const d = await within(temporal.connection, CALL_MS, () =>
      temporal.client.schedule.getHandle(id).describe(),
    ).catch((err: unknown) => {
      if (err instanceof ScheduleNotFoundError) return null;
      throw err;
    });
    if (d !== null) schedules.push(await listed(temporal, d));
  }
  return schedules;
}

export async function listed(temporal: Temporal, d: ScheduleDescription): Promise<ScheduleListed> {
  const { name, cluster, on, addedBy, reason } = (d.memo ?? {}) as Noted;
  const args = d.action.args as [Partial<ScheduledMaintenanceInput>?] | undefined;
  const maintenance = args?.[0]?.maintenance;
  const latest = d.info.recentActions.slice(-SHOWN).reverse();
  return {
    schedule: name ?? scheduleName(d.scheduleId),
    id: d.scheduleId,
    cluster: cluster ?? d.scheduleId.split('/')[1] ?? '',
    on: on ?? null,
    zone: d.spec.timezone ?? 'UTC',
    does: maintenance === undefined ? d.action.workflowType : maintenanceWords(maintenance),
    lateSeconds: d.policies.catchupWindow / 1000,
    state: d.state.paused ? 'paused' : 'active',
    note: d.state.note ?? '',
    addedBy: addedBy ?? null,
    reason: reason ?? null,
    next: d.info.nextActionTimes.slice(0, SHOWN).map((at) => at.toISOString()),
    latest: await Promise.all(latest.map((action) => pastRun(temporal, action))),
    missed: d.info.numActionsMissedCatchupWindow,
    skipped: d.info.numActionsSkippedOverlap,
  };
}

async function pastRun(
  temporal: Temporal,
  { action, scheduledAt }: ScheduleExecutionResult,
): Promise<PastRun> {
  const { workflowId: run, firstExecutionRunId: runId } = action.workflow;
  const ran = await runState(temporal, run, runId);
  const state = ran === 'running' && (await isParked(temporal, run)) ? 'needs-operator' : ran;
  const code = state === 'failed' ? await codeOf(temporal, run, runId) : null;
  return { run, runId, dueAt: scheduledAt.toISOString(), state, code };
}

/** Something inside of it waits for a person: a night that has parked, and keeps the next one off. */
async function isParked(temporal: Temporal, run: string): Promise<boolean> {
  const open = { cluster: clusterOfRun(run), needsOperator: false, all: false };
  const runs = await listRuns(temporal, open);
  const isInside = (one: RunListed | undefined): boolean =>
    one !== undefined &&
    (one.parent === run || isInside(runs.find((other) => other.run === one.parent)));
  return runs.some((one) => one.state === 'needs-operator' && isInside(one));
}

/** Of a run that a schedule has started. */
export async function runState(
  temporal: Temporal,
  run: string,
  runId: string,
): Promise<PastRun['state']> {
  try {
    const info = await within(temporal.connection, CALL_MS, () =>
      temporal.client.workflow.getHandle(run, runId).describe(),
    );
    return stateOfStatus(info.status.name, false);
  } catch (err) {
    if (err instanceof WorkflowNotFoundError) return 'forgotten';
    throw err;
  }
}

/** It has ended, so its result is there at once; null where it says none, as one that was terminated. */
const codeOf = async (temporal: Temporal, run: string, runId: string): Promise<string | null> =>
  within(temporal.connection, CALL_MS, () =>
    temporal.client.workflow.getHandle(run, runId).result(),
  ).then(
    () => null,
    (err: unknown) => {
      const cause = err instanceof Error ? err.cause : undefined;
      const type = (cause as { type?: unknown } | undefined)?.type;
      return typeof type === 'string' ? type : null;
    },
  );
