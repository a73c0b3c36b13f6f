// Watching a run: outages, waits for a person, interruption, and runs that no worker answers for. The server is a fake
// that answers what the test says.
import { WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, it } from 'vitest';
import type { Temporal } from '../../client/temporal/connection.ts';
import { talk } from '../../client/context.ts';
import { concludeWatch, watchRun } from '../../client/watch.ts';
import type { RunStatus } from '../../domain/status.ts';
import { fakeClock, fakeContext, fakeTerminal, step, view } from '../support/client-fakes.ts';

const RUN = 'watari/hv-lab/apply';

class GrpcError extends Error {
  readonly code: number;
  readonly details: string;
  readonly metadata = {};
  constructor(code: number, details: string) {
    super(details);
    this.name = 'ServiceError';
    this.code = code;
    this.details = details;
  }
}

type Answer = { status: RunStatus | Error; execution: string } | Error;

/** One answer per look; the last one again and again. */
function fakeTemporal(answers: Answer[]): Temporal {
  let look = -1;
  const answer = (): Answer => answers[Math.min(look, answers.length - 1)]!;
  const handle = (id: string) => ({
    describe: async () => {
      if (id !== RUN) throw new WorkflowNotFoundError('not found', id, undefined);
      look += 1;
      const a = answer();
      if (a instanceof Error) throw a;
      return {
        workflowId: RUN,
        runId: '0198',
        type: 'applyCluster',
        status: { name: a.execution },
        startTime: new Date('2026-11-24T08:59:00.000Z'),
        memo: { startedBy: 'ito@HV1' },
        raw: { pendingActivities: [] },
      };
    },
    query: async () => {
      const a = answer();
      if (a instanceof Error) throw a;
      if (a.status instanceof Error) throw a.status;
      return a.status;
    },
  });
  return {
    client: { workflow: { getHandle: handle } },
    connection: { withDeadline: (_: number, call: () => Promise<unknown>) => call() },
    links: {
      run: () => 'http://ui/run',
      schedule: () => 'http://ui/schedule',
      needsOperator: 'http://ui/needs',
    },
  } as unknown as Temporal;
}

const running = view([step('hv1/restart', { state: 'running' })]);
const waiting = view([step('hv1/restart', { state: 'needs-operator' })]);
const done = view([step('hv1/restart', { state: 'succeeded' })], { state: 'succeeded' });
const down = new GrpcError(14, 'connection refused');

async function watch(answers: Answer[], o: { json?: boolean; abortAfter?: number } = {}) {
  const terminal = fakeTerminal();
  const abort = new AbortController();
  const clock = fakeClock();
  let sleeps = 0;
  const sleep = async (ms: number): Promise<void> => {
    sleeps += 1;
    if (sleeps === o.abortAfter) abort.abort();
    await clock.sleep(ms);
  };
  const ctx = fakeContext({ cwd: '.', terminal, clock: { ...clock, sleep } });
  const temporal = fakeTemporal(answers);
  const out = talk(terminal, o.json === true);
  const watched = await watchRun(ctx, temporal, { run: RUN, talk: out, signal: abort.signal });
  const code = concludeWatch(ctx, temporal, out, RUN, watched);
  return { code, out: terminal.stdout.text(), err: terminal.stderr.text() };
}

const open = (status: RunStatus | Error): Answer => ({ status, execution: 'RUNNING' });
const closed = (status: RunStatus | Error, execution = 'COMPLETED'): Answer => ({
  status,
  execution,
});

describe('watching a run', () => {
  it('ends with the run, exit code 0', async () => {
    const { code, out } = await watch([open(running), closed(done)]);
    expect(code).toBe(0);
    expect(out).toContain('running    hv1/restart');
    expect(out).toContain('done       hv1/restart');
    expect(out).toContain('Apply hv-lab: done in');
  });

  it('outlives an outage, which is told once when it begins and once when it ends', async () => {
    const { code, out } = await watch([
      open(running),
      down,
      down,
      down,
      open(running),
      closed(done),
    ]);
    expect(code).toBe(0);
    expect(out.match(/Temporal does not answer since/g)).toHaveLength(1);
    expect(out.match(/Temporal answers again/g)).toHaveLength(1);
  });

  it('ends with exit code 4 and the commands to type when a step needs a person and nobody is there', async () => {
    const { code, out } = await watch([open(running), open(waiting)]);
    expect(code).toBe(4);
    expect(out).toContain('watari run retry watari/hv-lab/apply');
  });

  it('ends with exit code 130 at Ctrl+C and says that the run goes on', async () => {
    const { code, out } = await watch([open(running)], { abortAfter: 2 });
    expect(code).toBe(130);
    expect(out).toContain('watari run watch watari/hv-lab/apply');
  });

  it('prints one JSON document and nothing else on standard output when it was asked to', async () => {
    const { code, out, err } = await watch([open(running), open(waiting)], { json: true });
    expect(code).toBe(4);
    expect(JSON.parse(out)).toMatchObject({ run: RUN, state: 'needs-operator' });
    expect(err).toContain('needs you');
  });

  it('believes the server that a run was terminated, which the run itself could not tell', async () => {
    const { code, out } = await watch([closed(running, 'TERMINATED')]);
    expect(code).toBe(1);
    expect(out).toContain('Apply hv-lab: failed');
  });

  it('shows what the server knows when no worker answers for the run', async () => {
    const silent = open(new GrpcError(9, 'no poller seen for task queue recently'));
    const { code, out } = await watch([silent, silent, closed(done)]);
    expect(code).toBe(0);
    expect(out.match(/no worker answers for it/g)).toHaveLength(1);
  });
});
