// scheduledMaintenance on a real server: it begins the maintenance under its lock, waits for it and ends as it ended.
import { defineSearchAttributeKey } from '@temporalio/common';
import { describe, expect, inject, it } from 'vitest';
import { clusterQueue, runId } from '../../domain/names.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster, TEST_BUDGETS, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';
import { waitFor } from '../../proof/rig/waiting.ts';

const ends = endsWithTest();

const cluster = async (scenario = TWO_NODES, more: { workers?: string[] } = {}) =>
  ends(await labCluster({ temporal: inject('temporal'), scenario, speed: 60, ...more }));

const NONE = { nodes: ['HV2'], action: { kind: 'none' } };
const WAIT = { nodes: ['HV2'], action: { kind: 'wait' } };

const begin = (c: LabCluster, maintenance: object, more: object = {}) =>
  c.start('scheduledMaintenance', runId.scheduled(c.cluster, 'nights', '2026-12-12T13:00:00Z'), {
    schedule: 'nights',
    maintenance,
    ...more,
  });

const campaign = (c: LabCluster) => c.client.workflow.getHandle(runId.campaign(c.cluster));

const untilItRuns = (c: LabCluster): Promise<unknown> =>
  waitFor('the maintenance to run', async () => {
    const info = await campaign(c)
      .describe()
      .catch(() => undefined);
    return info?.status.name === 'RUNNING' ? info : undefined;
  });

const codeOf = (ended: Promise<unknown>): Promise<unknown> =>
  ended.then(
    () => 'it has ended well',
    (err: unknown) => (err as { cause?: { type?: string } }).cause?.type,
  );

describe('a scheduled maintenance', () => {
  it('runs under the lock of its cluster, says who scheduled it, and ends with its result', async () => {
    const c = await cluster();
    const run = await begin(c, NONE, { reason: 'patches' });
    const result = { cluster: c.cluster, maintained: ['HV2'], failed: [], skipped: [] };
    expect(await run.result()).toEqual(result);
    const inside = await campaign(c).describe();
    expect(inside).toMatchObject({
      type: 'maintainCluster',
      parentExecution: { workflowId: run.id },
      memo: { startedBy: 'test@lab', reason: 'patches' },
    });
    expect(await run.status()).toMatchObject({
      state: 'succeeded',
      title: `Maintain ${c.cluster} by schedule nights`,
      children: [runId.campaign(c.cluster)],
    });
  });

  it('fails with AlreadyRunning at once where another campaign has the lock, and leaves that alone', async () => {
    const c = await cluster();
    const other = await c.start('maintainCluster', runId.campaign(c.cluster), WAIT);
    const run = await begin(c, NONE);
    expect(await codeOf(run.result())).toBe('AlreadyRunning');
    const [step] = (await run.status()).steps;
    expect(step).toMatchObject({
      state: 'failed',
      attempt: 1,
      failure: { code: 'AlreadyRunning' },
    });
    expect(step?.failure?.message).toMatch(
      /campaign is already running, so schedule nights began nothing/,
    );
    expect((await other.raw.describe()).status.name).toBe('RUNNING');
    await other.raw.cancel();
  });

  it('is cancelled with the maintenance inside, which resumes what it has paused', async () => {
    const c = await cluster();
    const run = await begin(c, WAIT);
    await waitFor('HV2 to be paused', () => c.lab.state().nodes[1]?.state === 'Paused');
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect((await run.raw.describe()).status.name).toBe('CANCELLED');
    expect((await campaign(c).describe()).status.name).toBe('CANCELLED');
    expect(c.lab.state().nodes.map((n) => n.state)).toEqual(['Up', 'Up']);
  });

  it('leaves no maintenance behind when it is ended by force', async () => {
    const c = await cluster();
    const run = await begin(c, WAIT);
    await waitFor('HV2 to be paused', () => c.lab.state().nodes[1]?.state === 'Paused');
    await run.raw.terminate();
    await expect(campaign(c).result()).rejects.toThrow();
    expect((await campaign(c).describe()).status.name).toBe('CANCELLED');
    expect(c.lab.state().nodes.map((n) => n.state)).toEqual(['Up', 'Up']);
  });

  it('ends as failed when somebody cancels the maintenance itself, and does not begin it again', async () => {
    const c = await cluster();
    const run = await begin(c, WAIT);
    await untilItRuns(c);
    await campaign(c).cancel();
    expect(await codeOf(run.result())).toBe('Cancelled');
    expect((await run.status()).steps).toMatchObject([{ attempt: 1, state: 'failed' }]);
  });

  it('begins nothing when no worker took it in time', async () => {
    const c = await cluster(TWO_NODES, { workers: [] });
    const run = await begin(c, NONE, { startWithinSeconds: 0 });
    await c.serve('HV1');
    expect(await codeOf(run.result())).toBe('StartedTooLate');
    expect((await run.status()).children).toEqual([]);
  });

  it('begins nothing when its server started it almost too late, and no worker took it in the rest', async () => {
    const c = await cluster();
    const dueAt = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');
    const late = async (minutes: number) => {
      const handle = await c.client.workflow.start('scheduledMaintenance', {
        workflowId: runId.scheduled(c.cluster, 'nights', `${minutes}`),
        taskQueue: clusterQueue(c.cluster),
        args: [
          {
            ...{ cluster: c.cluster, startedBy: 'test', schedule: 'nights', maintenance: NONE },
            ...{ budgets: TEST_BUDGETS, startWithinSeconds: 3600 },
          },
        ],
        typedSearchAttributes: [{ key: dueAt, value: new Date(Date.now() - minutes * 60_000) }],
      });
      return codeOf(handle.result());
    };
    expect(await late(61)).toBe('StartedTooLate');
    expect(await late(50)).toBe('it has ended well');
  });

  it.each([
    [{ action: { kind: 'wait' }, maxFailed: 1 }, /input\.maintenance\.action waits for a person/],
    [{ action: { kind: 'none' }, windov: 'Sat' }, /"windov", which is not known; did you mean/],
    [{}, /input\.maintenance\.action is missing/],
  ])('refuses %o before anything is begun', async (maintenance, why) => {
    const c = await cluster();
    const handle = await c.client.workflow.start('scheduledMaintenance', {
      workflowId: runId.scheduled(c.cluster, 'nights', 'now'),
      taskQueue: clusterQueue(c.cluster),
      args: [
        {
          cluster: c.cluster,
          startedBy: 'test',
          schedule: 'nights',
          maintenance,
          budgets: TEST_BUDGETS,
        },
      ],
    });
    await expect(handle.result()).rejects.toMatchObject({
      cause: { type: 'BadRequest', message: expect.stringMatching(why) as string },
    });
  });
});
