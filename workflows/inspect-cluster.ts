// inspectCluster: one look at the cluster and its nodes, for `plan` and `show`. Changes nothing and locks nothing.
import { isCancellation } from '@temporalio/workflow';
import type { Snapshot } from '../domain/facts.ts';
import type { InspectClusterInput } from '../domain/spec.ts';
import { Calls } from './calls.ts';
import { checkInput } from './check-input.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { Run } from './run.ts';
import { takeSnapshot } from './snapshot.ts';

export async function inspectCluster(input: InspectClusterInput): Promise<Snapshot> {
  checkInput('inspectCluster', input);
  const calls = new Calls(input.cluster, input.budgets);
  const run = new Run({
    workflow: 'inspectCluster',
    lock: undefined,
    title: `Look at cluster ${input.cluster}`,
    cluster: input.cluster,
    startedBy: input.startedBy,
    retrySeconds: calls.budgets.retrySeconds,
  });
  // Somebody waits for the answer at a terminal: a failure is shown to them instead of parking the run.
  return run.conduct(async () => {
    try {
      return await takeSnapshot(calls, input);
    } catch (err) {
      const failure = isCancellation(err) ? undefined : failureOf(err);
      throw failure === undefined ? err : stepFailure(failure.code, failure.message);
    }
  });
}
