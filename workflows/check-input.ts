// The first thing that every workflow does: refuse an input that it cannot read. Anything later would fail the workflow
// task again and again, and hold the lock for ever.
import { refuseInput } from '../domain/inputs.ts';
import type { WorkflowName } from '../domain/names.ts';
import { stepFailure } from './failure-of.ts';

/** Throws BadRequest. */
export function checkInput(workflow: WorkflowName, input: unknown): void {
  const refusal = refuseInput(workflow, input);
  if (refusal === undefined) return;
  throw stepFailure('BadRequest', `${workflow} cannot run with this input: ${refusal}`);
}
