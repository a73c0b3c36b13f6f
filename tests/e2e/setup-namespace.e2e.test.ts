// The job of docker-compose.yml that makes the namespace, run as the container runs it: the same script, the same
// `temporal` program, a real server.
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { ROOT } from '../support/built-setup.ts';
import { killAll, start } from '../support/processes.ts';
import { needs, POSIX } from '../support/needs.ts';

const temporal = inject('temporal');

const runJob = async (env: Record<string, string>): Promise<{ code: unknown; said: string }> => {
  const job = start('sh', [path.join(ROOT, 'deploy/temporal/setup-namespace.sh')], {
    env: {
      PATH: `${path.dirname(temporal.cliPath)}${path.delimiter}${process.env['PATH'] ?? ''}`,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_RETENTION: '30d',
      ...env,
    },
  });
  const code = await job.ended;
  return { code, said: job.stdout() + job.stderr() };
};

afterEach(killAll);

describe('setup-namespace.sh', needs(POSIX), () => {
  it('makes a namespace that is ready for runs, and changes nothing the second time', async () => {
    const env = {
      TEMPORAL_NAMESPACE: 'from-compose',
      SEARCH_ATTRIBUTES: 'WatariCluster=Keyword WatariNeedsOperator=Bool',
    };
    const first = await runJob(env);
    expect(first, first.said).toMatchObject({ code: 0 });
    expect(first.said).toContain('ready');

    const connection = await Connection.connect({ address: temporal.address });
    try {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace: 'from-compose',
      });
      expect(Object.keys(customAttributes)).toEqual(
        expect.arrayContaining(['WatariCluster', 'WatariNeedsOperator']),
      );
      const described = await connection.workflowService.describeNamespace({
        namespace: 'from-compose',
      });
      const day = 24 * 3600;
      expect(Number(described.config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * day);
    } finally {
      await connection.close();
    }

    const second = await runJob({ ...env, TEMPORAL_RETENTION: '60d' });
    expect(second, second.said).toMatchObject({ code: 0 });
  });

  it('says what it gave up on when a type cannot be right', async () => {
    const { code, said } = await runJob({
      TEMPORAL_NAMESPACE: 'from-compose-wrong',
      SEARCH_ATTRIBUTES: 'WatariCluster=Number',
      PATIENCE_SECONDS: '2',
    });
    expect(code).not.toBe(0);
    expect(said).toContain('gave up: temporal operator search-attribute create');
  });
});
