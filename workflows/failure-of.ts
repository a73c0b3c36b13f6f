// Reads a failed activity or child workflow as a code, a sentence and a hint. What is not a Temporal failure is a
// programmer's error and is not read at all: the workflow task retries until a fix is deployed.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow';
import { CancelledFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { boundedText } from '../domain/bounded.ts';
import { failureRow, isFailureCode, type FailureCode } from '../domain/failures.ts';
import type { Decision, StepFailure } from '../domain/status.ts';

/** `undefined` for anything that the engine must not swallow. */
export function failureOf(err: unknown): (StepFailure & { code: FailureCode }) | undefined {
  if (err instanceof ActivityFailure) return ofActivity(err);
  if (err instanceof ChildWorkflowFailure) {
    const cause = err.cause === undefined ? undefined : failureOf(err.cause);
    const message = `${err.execution.workflowId ?? 'The run'} ended: ${cause?.message ?? err.message}`;
    return as(cause?.code ?? 'ChildFailed', message);
  }
  if (err instanceof WorkflowExecutionAlreadyStartedError) {
    return as('AlreadyRunning', `${err.workflowId} is already running, started by somebody else`);
  }
  if (err instanceof CancelledFailure) return as('Cancelled', `It was cancelled: ${err.message}`);
  if (err instanceof ApplicationFailure) {
    return as(
      isFailureCode(err.type ?? '') ? (err.type as FailureCode) : 'Unexpected',
      err.message,
    );
  }
  return undefined;
}

function ofActivity(err: ActivityFailure): (StepFailure & { code: FailureCode }) | undefined {
  if (err.cause instanceof TimeoutFailure) {
    if (err.cause.timeoutType === 'SCHEDULE_TO_START') {
      return as(
        'NodeNotServed',
        `No worker took ${err.activityType} within its time: ${err.cause.message}`,
      );
    }
    return as(
      'NodeUnreachable',
      `${err.activityType} gave no answer ` +
        `(${(err.cause.timeoutType ?? 'unknown').toLowerCase()} timeout), last tried by ` +
        (err.identity ?? 'an unknown worker'),
    );
  }
  return err.cause === undefined ? as('Unexpected', err.message) : failureOf(err.cause);
}

const as = (code: FailureCode, message: string): StepFailure & { code: FailureCode } => ({
  code,
  message: boundedText(message),
  hint: failureRow(code).hint,
});

/** A failure of the table, thrown by workflow code itself. */
export const stepFailure = (code: FailureCode, message: string): ApplicationFailure =>
  ApplicationFailure.create({ type: code, message: boundedText(message), nonRetryable: true });

/** The first details object of the failure behind `err`, where an activity gave one. */
export function detailsOf(err: unknown): Record<string, unknown> {
  const cause = err instanceof ActivityFailure ? err.cause : err;
  if (!(cause instanceof ApplicationFailure)) return {};
  const [details] = cause.details ?? [];
  return typeof details === 'object' && details !== null
    ? (details as Record<string, unknown>)
    : {};
}

/** Cancelled with the scope it runs in, and not something inside that somebody cancelled on its own. */
export const isOwnCancellation = (err: unknown): boolean =>
  isCancellation(err) && CancellationScope.current().consideredCancelled;

export const cancelledBecause = (abort: Decision | undefined): Omit<StepFailure, 'code'> => ({
  message:
    abort === undefined
      ? 'The run was cancelled'
      : `The run was aborted by ${abort.by}: ${abort.reason}`,
  hint: failureRow('Cancelled').hint,
});
