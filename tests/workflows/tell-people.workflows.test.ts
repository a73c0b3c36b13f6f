// People are told of real runs on a real server: a step that needs somebody, its solution, the end; by the next worker
// when the first is gone; and no run waits for a channel or learns a secret.
import { inject, expect, it } from 'vitest';
import { NativeConnection } from '@temporalio/worker';
import { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { NotifySettings } from '../../config/notify-file.ts';
import { secret } from '../../config/secret.ts';
import { clusterQueue, runId, scheduleId, tellPeopleId } from '../../domain/names.ts';
import { NEWS_KINDS } from '../../domain/news.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { servePeople } from '../../workers/people.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster, TEST_BUDGETS, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';
import { closedPort, messageServer, type Taken } from '../support/notify.ts';

const ends = endsWithTest();
const PLANTED = 'planted-secret-4711';
const STEP = 'vm/web-1/choose';

const hook = (channel: string, url: string): NotifySettings['channels'][number] => ({
  ...{ kind: 'webhook', channel, tell: NEWS_KINDS },
  url: secret(`${url}/${PLANTED}`),
  key: secret(PLANTED),
});

interface People {
  log: string[];
  stop: () => Promise<void>;
}

/** A worker that tells people, as `watari worker start` makes one. */
async function people(
  c: LabCluster,
  channels: NotifySettings['channels'],
  watchMs = 3_600_000,
): Promise<People> {
  const { address, namespace } = inject('temporal');
  const connection = await NativeConnection.connect({ address });
  const log: string[] = [];
  const stop = new AbortController();
  const served = await servePeople({
    cluster: c.cluster,
    settings: { file: 'notify.yaml', ui: null, channels, warnings: [] },
    client: new Client({ connection, namespace }),
    connection,
    common: { namespace, maxHeartbeatThrottleInterval: '200ms', shutdownForceTime: '2s' },
    log: (line) => log.push(line),
    stop: stop.signal,
    pace: { lookEveryMs: 200, schedulesEveryMs: 200, watchMs },
  });
  if (served === undefined) throw new Error(log.join());
  let isOver = false;
  return ends({
    log,
    stop: async () => {
      if (isOver) return;
      isOver = true;
      stop.abort();
      served.worker.shutdown();
      await served.end;
      await connection.close();
    },
  });
}

const cluster = async (): Promise<LabCluster> => {
  const c = await labCluster({ temporal: inject('temporal'), scenario: TWO_NODES });
  ends(async () => {
    await c.client.workflow.getHandle(tellPeopleId(c.cluster)).terminate();
    await c.stop();
  });
  return c;
};

const migrate = (c: LabCluster) =>
  c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), { vm: 'web-1', to: 'HV2' });

/** Kind and step of each message, repetitions left out: those are allowed. */
const told = (taken: readonly Taken[]): string[] => {
  const events = taken.map(({ body }) => JSON.parse(body) as { id: string; type: string });
  const ids = [...new Set(events.map((e) => e.id))];
  return ids.map((id) => events.find((e) => e.id === id)?.type.replace('watari.', '') ?? '');
};

const watching = (client: Client, id: string) =>
  waitFor('somebody to watch', async () => {
    const { raw } = await client.workflow.getHandle(id).describe();
    return raw.pendingActivities?.some((a) => a.heartbeatDetails != null) === true;
  });

const ALL = ['run.started', 'step.needs-person', 'step.solved', 'run.ended'];

it('tells that a step needs a person, that this is solved, and the end; no run waits for a channel that is down', async () => {
  const c = await cluster();
  const server = ends(await messageServer({ status: 500 }, { status: 200 }));
  const slow = ends(await messageServer('never'));
  const down = `http://127.0.0.1:${await closedPort()}`;
  const { log } = await people(c, [
    hook('ops', server.url),
    hook('down', down),
    hook('slow', slow.url),
  ]);
  await watching(c.client, tellPeopleId(c.cluster));
  c.lab.call('HV1', 'pauseNode', { node: 'HV2' });
  const run = await migrate(c);
  await run.until('the step to need a person', (s) => s.state === 'needs-operator');
  await waitFor('the need to be told', () => told(server.taken).includes('step.needs-person'));
  c.lab.call('HV1', 'resumeNode', { node: 'HV2' });
  await run.decide({ step: STEP, action: 'retry', reason: 'HV2 resumed' });
  await run.result();
  // The channels that are down have cost it nothing, and nothing of them is in it.
  await waitFor('the end to be told', () => told(server.taken).includes('run.ended'));
  expect(told(server.taken)).toEqual(ALL);
  const need = server.taken.find(({ body }) => body.includes('needs-person'))?.body ?? '';
  expect(need).toContain(`watari run retry ${run.id} --step ${STEP}`);
  expect(
    server.taken.some(({ body }) => body.includes('ito@lab decided retry: HV2 resumed.')),
  ).toBe(true);
  expect(slow.taken.length).toBeGreaterThan(0);
  const histories = await Promise.all(
    [run.raw, c.client.workflow.getHandle(tellPeopleId(c.cluster))].map(async (handle) => {
      const { raw } = await handle.describe();
      return historyToJSON(await handle.fetchHistory()) + JSON.stringify(raw);
    }),
  );
  const readable = (text: string): string =>
    text.replace(/[A-Za-z0-9+/]{16,}={0,2}/g, (b) => b + Buffer.from(b, 'base64').toString('utf8'));
  for (const text of [...histories.map(readable), ...log]) expect(text).not.toContain(PLANTED);
  // Watching does nothing to a run: no children, and no activity but its own. Its one message is its turn to move.
  const events = JSON.stringify((await run.raw.fetchHistory()).events);
  expect(events).not.toMatch(/watchRuns|tellPeople|ChildWorkflow.*Initiated/);
});

it('tells of a schedule that left a run out, and of its run once, though another run is inside', async () => {
  const c = await cluster();
  const server = ends(await messageServer());
  const schedule = await c.client.schedule.create({
    scheduleId: scheduleId(c.cluster, 'nights'),
    spec: { calendars: [{ year: 2099 }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'scheduledMaintenance',
      workflowId: scheduleId(c.cluster, 'nights'),
      taskQueue: clusterQueue(c.cluster),
      args: [
        {
          ...{ cluster: c.cluster, startedBy: 'schedule nights of ito', schedule: 'nights' },
          maintenance: { nodes: ['HV2'], action: { kind: 'wait' } },
          budgets: TEST_BUDGETS,
        },
      ],
    },
  });
  ends(() => schedule.delete());
  const { log } = await people(c, [hook('ops', server.url)]);
  await watching(c.client, tellPeopleId(c.cluster));
  await schedule.trigger('SKIP');
  await waitFor('the need to be told', () => told(server.taken).includes('step.needs-person'));
  await schedule.trigger('SKIP');
  await waitFor('the run that was left out', () => told(server.taken).includes('schedule.missed'));
  const nodeRun = c.client.workflow.getHandle(runId.maintain(c.cluster, 'HV2'));
  await nodeRun.executeUpdate('decide', {
    args: [{ step: 'hv2/work', action: 'retry', reason: 'done', by: 'ito@lab' }],
  });
  await waitFor('the end to be told', () => told(server.taken).includes('run.ended'));
  // Whatever comes late would come by now.
  await waitFor('the solution to be told', () => told(server.taken).includes('step.solved'));
  expect(told(server.taken).sort()).toEqual([
    'run.ended',
    'run.started',
    'schedule.missed',
    'step.needs-person',
    'step.solved',
  ]);
  expect(server.taken.some(({ body }) => body.includes('1 run was left out'))).toBe(true);
  expect(server.taken.some(({ body }) => body.includes('Started by schedule nights of ito'))).toBe(
    true,
  );
  expect(log.join('\n')).not.toContain('schedules cannot be watched');
});

it('goes on with the next history and the next worker where the last one ended, and tells nothing anew', async () => {
  const c = await cluster();
  const server = ends(await messageServer());
  const first = await people(c, [hook('ops', server.url)], 500);
  await watching(c.client, tellPeopleId(c.cluster));
  const history = async (): Promise<string> =>
    (await c.client.workflow.getHandle(tellPeopleId(c.cluster)).describe()).runId;
  const oldest = await history();
  c.lab.call('HV1', 'pauseNode', { node: 'HV2' });
  const run = await migrate(c);
  await waitFor('the need to be told', () => told(server.taken).includes('step.needs-person'));
  await waitFor('the next history', async () => (await history()) !== oldest);
  const before = server.taken.length;
  await first.stop();
  // What happens while nobody watches is told by the next.
  await run.decide({ step: STEP, action: 'abort' });
  await expect(run.result()).rejects.toThrow();
  await people(c, [hook('ops', server.url)]);
  await waitFor('the end to be told', () => told(server.taken).includes('run.ended'));
  expect(told(server.taken)).toEqual(ALL);
  expect(server.taken.length - before).toBeLessThanOrEqual(3);
});
