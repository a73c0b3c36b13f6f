// scheduledMaintenance: what a Temporal Schedule starts. The server puts the time into the id of what a schedule
// starts, and a maintenance must have the id that is its lock: so this begins it under that id, and waits for its end.
// It touches no node.
import { defineSearchAttributeKey, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { workflowInfo } from '@temporalio/workflow';
import { retryOf } from '../domain/failures.ts';
import { runId, stepId } from '../domain/names.ts';
import type { MaintainClusterInput, ScheduledMaintenanceInput } from '../domain/spec.ts';
import { durationText } from '../domain/units.ts';
import { runChild } from './child.ts';
import { conduct, type Job } from './conduct.ts';
import { failureOf, isOwnCancellation, stepFailure } from './failure-of.ts';
import type { MaintainClusterResult } from './maintain-cluster.ts';
import type { StepContext } from './run.ts';

export async function scheduledMaintenance(
  input: ScheduledMaintenanceInput,
): Promise<MaintainClusterResult> {
  return conduct('scheduledMaintenance', input, begin, ({ cluster, budgets, schedule }) => ({
    // No second one of the schedule is started while this one waits; others are kept off by the lock of the
    // maintenance.
    lock: undefined,
    title: `Maintain ${cluster} by schedule ${schedule}`,
    cluster,
    budgets,
    // Whoever is needed is asked by the maintenance itself. What could not begin is over: its time passes.
    unattended: true,
  }));
}

/** The server sets it on all that a schedule starts. */
const DUE_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

type Occurrence = Job<ScheduledMaintenanceInput>;

function begin(job: Occurrence): Promise<MaintainClusterResult> {
  const step = { id: stepId.cluster('maintain'), title: `Maintain ${job.input.cluster}` };
  return job.run.step(step, (c) => maintain(job, c));
}

async function maintain({ input }: Occurrence, c: StepContext): Promise<MaintainClusterResult> {
  refuseLate(input);
  const { cluster, startedBy, reason, budgets, maintenance, schedule } = input;
  const child: MaintainClusterInput = {
    ...maintenance,
    ...{ cluster, startedBy },
    ...(reason === undefined ? {} : { reason, mayIgnore: ['reason'] }),
    ...(budgets === undefined ? {} : { budgets }),
  };
  const lock = runId.campaign(cluster);
  try {
    // Waited for, so that the schedule sees it as long as it goes on. When this run is ended by force, the maintenance
    // is asked to stop, and resumes what it has paused: left alone, nobody would know any more why it runs.
    const ended = runChild(c, 'maintainCluster', lock, child, `Maintain ${cluster} (${schedule})`);
    return (await ended) as MaintainClusterResult;
  } catch (err) {
    throw isOwnCancellation(err) ? err : why(err, input, lock);
  }
}

/** The servers were there at its time, and the workers were not: nobody expects it in the middle of a working day. */
function refuseLate({ schedule, startWithinSeconds }: ScheduledMaintenanceInput): void {
  const late = Date.now() - dueAt().getTime();
  if (startWithinSeconds === undefined || late <= startWithinSeconds * 1000) return;
  throw stepFailure(
    'StartedTooLate',
    `No worker took this run of schedule ${schedule} for ${durationText(late)}; it is begun within ${durationText(startWithinSeconds * 1000)} or not at all`,
  );
}

/** Its time by the schedule: the server may have started it later. One that a person started has none. */
const dueAt = (): Date => {
  const { typedSearchAttributes, startTime } = workflowInfo();
  return typedSearchAttributes.get(DUE_AT) ?? startTime;
};

function why(err: unknown, { schedule }: ScheduledMaintenanceInput, lock: string): unknown {
  if (err instanceof WorkflowExecutionAlreadyStartedError) {
    return stepFailure(
      'AlreadyRunning',
      `${lock} is already running, so schedule ${schedule} began nothing. When that run has ended: watari schedule run-now ${schedule}`,
    );
  }
  const failure = failureOf(err);
  if (failure === undefined) return err;
  // It has tried what helps by itself: the whole of it is not begun again without a person.
  const code = retryOf(failure.code) === 'operator' ? failure.code : 'ChildFailed';
  return stepFailure(code, failure.message);
}
