// A decision that comes in the very moment in which the run ends: Temporal tells that in several ways, watari in one.
import {
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { decide } from '../../client/runs/steer.ts';
import type { Temporal } from '../../client/temporal/connection.ts';

const RUN = 'watari/hv-lab/vm/web-1/migrate';

/** As grpc-js makes them. */
const grpc = (code: number, details: string): Error =>
  Object.assign(new Error(`${code}: ${details}`), { code, details, metadata: {} });

const service = (code: number, details: string): ServiceError =>
  new ServiceError('Workflow Update failed', { cause: grpc(code, details) });

function decideWhere(executeUpdate: () => Promise<unknown>): Promise<string> {
  const handle = { executeUpdate } as unknown as WorkflowHandle;
  const temporal = {
    connection: { withDeadline: (_at: number, call: () => unknown) => call() },
    client: { workflow: { getHandle: () => handle } },
  } as unknown as Temporal;
  const decision = { step: 'vm/web-1/move', action: 'retry' as const, reason: '', by: 'ito@HV1' };
  return decide(temporal, RUN, decision, 'once');
}

describe('a decision for a run that is just ending', () => {
  it.each<[how: string, err: Error]>([
    [
      'not found, as a server says of an update that it had not given out yet',
      new WorkflowNotFoundError('workflow update was aborted by closing workflow', RUN, undefined),
    ],
    ['not found, after the end', new WorkflowNotFoundError('already completed', RUN, undefined)],
    [
      'closing, as a server says while the last task is being completed',
      service(8, 'workflow operation can not be applied because workflow is closing'),
    ],
    [
      'taken and then overtaken by the end',
      new WorkflowUpdateFailedError(
        'Workflow Update failed',
        ApplicationFailure.create({
          type: 'AcceptedUpdateCompletedWorkflow',
          message: 'Workflow Update failed because the Workflow completed before it.',
        }),
      ),
    ],
  ])('is told that it has ended: %s', async (_, err) => {
    await expect(decideWhere(() => Promise.reject(err))).rejects.toMatchObject({
      code: 'RunOver',
      exitCode: 1,
      message: `${RUN} has ended; there is nothing to retry`,
    });
  });

  it('is another thing than a refusal and than too many requests', async () => {
    const refusal = ApplicationFailure.create({ type: 'DecisionRefused', message: 'no such step' });
    const refused = new WorkflowUpdateFailedError('Workflow Update failed', refusal);
    await expect(decideWhere(() => Promise.reject(refused))).rejects.toMatchObject({
      code: 'DecisionRefused',
      message: 'no such step',
    });
    const busy = service(8, 'namespace rate limit exceeded');
    await expect(decideWhere(() => Promise.reject(busy))).rejects.toBe(busy);
  });
});
