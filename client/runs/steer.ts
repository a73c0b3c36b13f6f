// What a person does to a run that is under way: decide about a step that waits, or ask it to stop.
import { randomUUID } from 'node:crypto';
import {
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { durationText } from '../../domain/units.ts';
import { ApplicationFailure } from '@temporalio/common';
import { MESSAGES, type Braking, type Decision } from '../../domain/status.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { grpcCodeOf, isOutage, within, type Temporal } from '../temporal/connection.ts';
import { shellWord } from '../words.ts';
import { isOpen } from './list.ts';
import { runOver } from './names.ts';

const CALL_MS = 10_000;

/** @param updateId makes a repeat after a lost answer harmless. */
export async function decide(
  temporal: Temporal,
  run: string,
  decision: Decision,
  updateId: string,
): Promise<string> {
  const what = { deed: decision.action, words: `the decision for ${decision.step}` };
  const handle = temporal.client.workflow.getHandle(run);
  try {
    const answer = await within(temporal.connection, CALL_MS, () =>
      handle.executeUpdate<{ accepted: string }, [Decision]>(MESSAGES.decide, {
        args: [decision],
        updateId,
      }),
    );
    return answer.accepted;
  } catch (err) {
    throw updateFailed(err, run, what);
  }
}

/** Pauses or resumes a run between two pieces of its work, or has its moves finish when it is cancelled. */
export async function brake(temporal: Temporal, run: string, braking: Braking): Promise<void> {
  const handle = temporal.client.workflow.getHandle(run);
  try {
    await within(temporal.connection, CALL_MS, () =>
      handle.executeUpdate<{ accepted: string }, [Braking]>(MESSAGES.brake, { args: [braking] }),
    );
  } catch (err) {
    throw updateFailed(err, run, { deed: braking.action, words: `the wish to ${braking.action}` });
  }
}

function updateFailed(err: unknown, run: string, what: { deed: string; words: string }): unknown {
  const refused = (code: string, message: string, hint: string): ClientError =>
    new ClientError({ code, message, hint, exitCode: EXIT.failed, cause: err });
  const look = `See how it stands:  watari run show ${shellWord(run)}`;
  if (err instanceof WorkflowNotFoundError || isClosing(err)) return runOver(run, what.deed, err);
  if (err instanceof WorkflowUpdateFailedError) {
    return refused('DecisionRefused', err.cause?.message ?? err.message, look);
  }
  if (err instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isOutage(err)) {
    return refused(
      'DecisionUndelivered',
      `no worker took ${what.words} of ${run} within ${durationText(CALL_MS)}; it may still be taken`,
      `Are the cluster's workers running?  ${look}`,
    );
  }
  if (grpcCodeOf(err) === FAILED_PRECONDITION) {
    return refused(
      'DecisionUndelivered',
      `${what.words} of ${run} was not taken: its program fails on the workers, or there is none`,
      look,
    );
  }
  return err;
}

const NOT_FOUND = 5;
/** "Workflow Task in failed state". */
const FAILED_PRECONDITION = 9;
const RESOURCE_EXHAUSTED = 8;

/**
 * It came in the moment in which the run ended. Temporal says so in three ways: not found ("aborted by closing
 * workflow"); by words that it has no code for, not localised; and by a failure of its own of an update that was taken.
 */
export function isClosing(err: unknown): boolean {
  if (err instanceof WorkflowUpdateFailedError) {
    const { cause } = err;
    return cause instanceof ApplicationFailure && cause.type === 'AcceptedUpdateCompletedWorkflow';
  }
  const cause = err instanceof Error ? err.cause : undefined;
  return (
    isGrpcServiceError(cause) &&
    cause.code === RESOURCE_EXHAUSTED &&
    cause.details.includes('workflow is closing')
  );
}

/** The run's history keeps who asked, and why. */
export async function cancelRun(
  { client, connection, namespace }: Temporal,
  run: string,
  { by, reason }: { by: string; reason: string },
): Promise<void> {
  try {
    // Servers take the cancellation of an ended run without a word.
    const info = await within(connection, CALL_MS, () => client.workflow.getHandle(run).describe());
    if (!isOpen(info)) throw runOver(run, 'cancel');
    await within(connection, CALL_MS, () =>
      connection.workflowService.requestCancelWorkflowExecution({
        namespace,
        workflowExecution: { workflowId: run },
        identity: by,
        reason,
        requestId: randomUUID(),
      }),
    );
  } catch (err) {
    const isOver = err instanceof WorkflowNotFoundError || grpcCodeOf(err) === NOT_FOUND;
    throw isOver ? runOver(run, 'cancel', err) : err;
  }
}
