// A worker's lists of runs: what a memo holds, and whether it can be read, makes no difference.
import { Client, type Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { expect, it } from 'vitest';
import { runsSource } from '../../workers/people.ts';

const Listed = proto.temporal.api.workflowservice.v1.ListWorkflowExecutionsResponse;

const run = (runId: string, startedBy: object) => ({
  execution: { workflowId: 'watari/hv-lab/apply', runId },
  type: { name: 'applyCluster' },
  status: 1,
  startTime: { seconds: 1_800_000_000 },
  memo: { fields: { startedBy } },
});

it('lists a run whose memo cannot be read, and those after it', async () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const encrypted = { metadata: { encoding: base64('binary/encrypted') }, data: base64('?') };
  const plain = { metadata: { encoding: base64('json/plain') }, data: base64('"ito"') };
  const connection = {
    plugins: [],
    withDeadline: (_ms: number, call: () => unknown) => call(),
    workflowService: {
      listWorkflowExecutions: () =>
        Promise.resolve(
          Listed.fromObject({ executions: [run('r1', encrypted), run('r2', plain)] }),
        ),
    },
  } as unknown as Connection;
  const client = new Client({ connection, namespace: 'default' });
  const strict = async (): Promise<void> => {
    for await (const info of client.workflow.list()) expect(info).toBeDefined();
  };
  await expect(strict()).rejects.toThrow();
  const runs = await runsSource(client, 'hv-lab').list('2026-12-01T09:00:00.000Z');
  expect(runs.map(({ runId }) => runId)).toEqual(['r1', 'r2']);
});
