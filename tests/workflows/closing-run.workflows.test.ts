// A decision that reaches a run in the moment in which it ends. This test is the worker, so that the moment lasts as
// long as it takes: the decision arrives while the last task of the run is under way.
import { temporal as proto } from '@temporalio/proto';
import { expect, inject, it } from 'vitest';
import { decide } from '../../client/runs/steer.ts';
import { connectTo } from '../../proof/rig/servers.ts';
import { PATIENCE_MS } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';
import { handleOf } from '../support/lab-cluster.ts';

const { COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION } = proto.api.enums.v1.CommandType;

const ends = endsWithTest();

it('a decision in the moment in which the run ends is told that it has ended', async () => {
  const temporal = ends(await connectTo(inject('temporal')));
  const { client, connection, namespace } = temporal;
  const { workflowService: service } = connection;
  const workflowId = `watari/closing-${process.pid}/vm/web-1/migrate`;
  const identity = 'test';
  await client.workflow.start('migrateVm', { workflowId, taskQueue: workflowId });
  const { taskToken } = await connection.withDeadline(Date.now() + PATIENCE_MS, () =>
    service.pollWorkflowTaskQueue({ namespace, identity, taskQueue: { name: workflowId } }),
  );

  const decision = { step: 'vm/web-1/move', action: 'retry', reason: '', by: 'ito@lab' } as const;
  const decided = decide(temporal, workflowId, decision, 'once');
  const told = expect(decided).rejects.toMatchObject({
    code: 'RunOver',
    message: `${workflowId} has ended; there is nothing to retry`,
  });
  await handleOf(client.workflow.getHandle(workflowId)).arrived('once');
  await service.respondWorkflowTaskCompleted({
    ...{ namespace, identity, taskToken },
    commands: [
      {
        commandType: COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
        completeWorkflowExecutionCommandAttributes: {},
      },
    ],
  });
  await told;
});
