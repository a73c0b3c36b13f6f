// How every workflow begins: its input is read, its run opened, its code conducted. An input that cannot be read is
// refused at once: anything later would fail the workflow task again and again, and hold the lock for ever.
import { patched } from '@temporalio/workflow';
import { refuseInput, refuseMeaning } from '../domain/inputs.ts';
import type { WorkflowName } from '../domain/names.ts';
import type { Budgets } from '../domain/spec.ts';
import { Calls } from './calls.ts';
import { stepFailure } from './failure-of.ts';
import { Run, type RunOptions } from './run.ts';

/** What the code of a workflow works with. */
export interface Job<Input> {
  readonly run: Run;
  readonly calls: Calls;
  readonly input: Input;
}

type About = Omit<RunOptions, 'workflow' | 'startedBy' | 'reason' | 'retrySeconds'> & {
  budgets?: Partial<Budgets> | undefined;
};

/** Throws BadRequest. `about` is told only an input that can be read. */
export function conduct<Input extends { startedBy: string; reason?: string }, Result>(
  workflow: WorkflowName,
  input: Input,
  main: (job: Job<Input>) => Promise<Result>,
  about: (input: Input) => About,
): Promise<Result> {
  const refusal = refuseInput(workflow, input) ?? refusedMeaning(workflow, input);
  if (refusal !== undefined) {
    throw stepFailure('BadRequest', `${workflow} cannot run with this input: ${refusal}`);
  }
  const { budgets, ...rest } = about(input);
  const calls = new Calls(rest.cluster, budgets);
  const { retrySeconds } = calls.budgets;
  const { startedBy, reason } = input;
  const run = new Run({
    workflow,
    startedBy,
    ...(reason === undefined ? {} : { reason }),
    retrySeconds,
    ...rest,
  });
  return run.conduct(() => main({ run, calls, input }));
}

function refusedMeaning(workflow: WorkflowName, input: unknown): string | undefined {
  const refusal = refuseMeaning(workflow, input);
  // Runs of earlier versions passed by what they did not know, and made VMs of any name.
  return refusal !== undefined && patched('known-fields') ? refusal : undefined;
}
