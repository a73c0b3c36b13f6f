// A step that is a run of its own: started under the id that is its lock, cancelled with its parent, waited for.
import {
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
} from '@temporalio/workflow';
import type { WorkflowName } from '../domain/names.ts';
import type { StepContext } from './run.ts';

export async function runChild(
  c: StepContext,
  type: WorkflowName,
  id: string,
  input: object,
  summary: string,
): Promise<unknown> {
  c.child(id);
  c.waitingFor(id);
  return executeChild(type, {
    workflowId: id,
    args: [input],
    // The default would kill it in the middle of a step, without its undo.
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: summary,
  });
}
