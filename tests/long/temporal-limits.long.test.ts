// Temporal's limits, provoked on a real server: what docs/limits.md says would happen there is what happens, and
// watari's own bounds keep a distance from it. Server and settings are the embedded ones; a title says where a limit is
// lowered.
import type { WorkflowHandle } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TerminatedFailure,
} from '@temporalio/common';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { CLUSTER_FILE_LIMITS } from '../../config/cluster-file.ts';
import { EVIDENCE_CHARS_MAX, HISTORY_FULL, MESSAGE_CHARS_MAX } from '../../domain/bounded.ts';
import { runId, SEARCH_ATTRIBUTES } from '../../domain/names.ts';
import { limitServer, limitWorld, type LimitWorld } from '../support/limit-server.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithAll } from '../support/ends.ts';

const MB = 1024 ** 2;
/** Bytes that one character may take. */
const WIDEST = 3;

const ends = endsWithAll();
let w: LimitWorld;
beforeAll(async () => {
  w = ends(await limitWorld(inject('temporal')));
});

const eventsOf = async (run: WorkflowHandle) => (await run.fetchHistory()).events ?? [];
const statusOf = async (run: WorkflowHandle): Promise<string> => (await run.describe()).status.name;

/** Waits until the server does not want what the code of the run asks for, and says what it wrote down. */
const failedTask = (run: WorkflowHandle): Promise<string> =>
  waitFor('the task to fail', async () => {
    const failed = (await eventsOf(run)).find((e) => e.workflowTaskFailedEventAttributes);
    return failed?.workflowTaskFailedEventAttributes?.failure?.message;
  });

/** A run whose task is tried for the third time has neither ended nor got on. */
const triedAgain = (run: WorkflowHandle): Promise<boolean> =>
  waitFor(
    'the task to be tried again',
    async () => ((await run.describe()).raw.pendingWorkflowTask?.attempt ?? 0) >= 3,
  );

/** The run ends by the server's hand; why. */
const terminatedFor = (run: WorkflowHandle): Promise<string> =>
  run.result().then(
    () => 'nothing: it ended well',
    (err: unknown) => {
      const { cause } = err as { cause?: Error };
      return cause instanceof TerminatedFailure ? cause.message : String(cause);
    },
  );

const refusedWith = (what: string): object => ({
  cause: { details: expect.stringContaining(what) as string },
});

const TAGS = ['WatariCluster', 'WatariNode', 'WatariVm'] as const;
const tagged = (values: Record<string, string>) =>
  Object.entries(values).map(([name, value]) => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  }));

/** Does it so often, some at a time. */
async function many(count: number, atOnce: number, deed: () => Promise<unknown>): Promise<void> {
  let begun = 0;
  const one = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await deed();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

describe('a value of more than 2 MB', () => {
  it('is refused as the argument of a new run', async () => {
    await expect(w.begin('waits', 'x'.repeat(2 * MB))).rejects.toMatchObject(
      refusedWith('Blob data size exceeds limit'),
    );
    // The longest a run of watari is started with: tests/long/limits-largest.
    const run = await w.begin('waits', 'x'.repeat(2 * MB - 100));
    await run.terminate();
  });

  it.each([
    ['the argument of an activity', 'sendsValues' as const, [1, 2 * MB]],
    ['the result of a run', 'returnsValue' as const, [2 * MB]],
  ])('as %s lets the run neither end nor get on', async (_what, workflow, args) => {
    const run = await w.begin(workflow, ...args);
    expect(await failedTask(run)).toContain('payloads with size that exceeded the error limit');
    await triedAgain(run);
    expect(await statusOf(run)).toBe('RUNNING');
    await run.terminate();
  });

  it('as the result of an activity fails the activity', async () => {
    const run = await w.begin('getsValues', 1, 2 * MB);
    await expect(run.result()).rejects.toMatchObject({
      cause: { cause: { type: 'PayloadsTooLarge' } },
    });
    // One entry of what watari's steps keep, in the widest script.
    expect(EVIDENCE_CHARS_MAX * WIDEST).toBeLessThan((2 * MB) / 20);
  });

  it('as the answer to a question, such as a status, is not given', async () => {
    const run = await w.begin('holdsValue', 2 * MB);
    await expect(run.query('value')).rejects.toThrow('Blob data size exceeds limit');
    expect(await statusOf(run)).toBe('RUNNING');
    await run.terminate();
  });
});

describe('a message of more than 4 MB', () => {
  it('with what a run asks for at one moment ends the run at once', async () => {
    const run = await w.begin('sendsValues', 3, 1.5 * MB);
    expect(await terminatedFor(run)).toBe('GrpcMessageTooLarge');
    const less = await w.begin('sendsValues', 2, 1.5 * MB);
    expect(await less.result()).toBe(2);
  });

  it('is refused from a client', async () => {
    const { workflow } = w.bare;
    const options = { workflowId: 'large', taskQueue: 'limits-unserved' };
    await expect(
      workflow.start('waits', { ...options, args: ['x'.repeat(4 * MB)] }),
    ).rejects.toMatchObject(refusedWith('received message larger than max'));
  });
});

describe('a history', () => {
  const PER_TASK = 1000;
  it('of 51,200 events is the end of its run, at once and without asking', async () => {
    const run = await w.begin('writesEvents', 60, PER_TASK);
    expect(await terminatedFor(run)).toBe('Workflow history count exceeds limit.');
    const { historyLength } = await run.describe();
    expect(historyLength).toBeGreaterThan(51_200 - PER_TASK - 10);
    expect(historyLength).toBeLessThanOrEqual(51_200 + 1);
    // Room to take back every VM of the largest file: a child and some events for each.
    expect(51_200 - HISTORY_FULL.events).toBeGreaterThan(
      CLUSTER_FILE_LIMITS.virtualMachines.max * 20,
    );
  });

  it('of 50 MB as well', async () => {
    const VALUE = 1.9 * MB;
    const run = await w.begin('getsValues', 40, VALUE);
    expect(await terminatedFor(run)).toBe('Workflow history size exceeds limit.');
    const info = (await run.describe()).raw.workflowExecutionInfo;
    const bytes = Number(String(info?.historySizeBytes ?? 0));
    expect(bytes).toBeGreaterThan(50 * MB - VALUE);
    expect(bytes).toBeLessThan(50 * MB + 2 * VALUE);
    expect(HISTORY_FULL.bytes).toBeLessThan(50 * MB * 0.8);
  });
});

describe('what a run has begun and not ended', () => {
  it.each([
    ['activities', 'startsActivities' as const, 'pending activities', 2000],
    ['child runs', 'startsChildren' as const, 'pending child workflow executions', 2000],
  ])('are at most 2,000 %s: with more it does not get on', async (_what, workflow, words, max) => {
    const run = await w.begin(workflow, max + 1);
    expect(await failedTask(run)).toContain(`the number of ${words}, ${max}`);
    await triedAgain(run);
    expect(await statusOf(run)).toBe('RUNNING');
    await run.terminate();
    const { nodes, virtualMachines } = CLUSTER_FILE_LIMITS;
    expect(nodes.max + virtualMachines.max).toBeLessThan(max / 2);
  });

  it('and all that Temporal keeps of a run beside its history is at most 8 MB: more is its end', async () => {
    const run = await w.begin('beatsWith', 5, 1.9 * MB);
    expect(await terminatedFor(run)).toBe('Workflow mutable state size exceeds limit.');
  });
});

describe('decisions', () => {
  it('more than 10 at once are refused, and are taken when the client asks again', async () => {
    const run = await w.begin('waits');
    const ten = Array.from({ length: 10 }, () => run.executeUpdate('slow', { args: ['taken'] }));
    const bare = w.bare.workflow.getHandle(run.workflowId);
    await waitFor('ten updates to be taken', async () => {
      const events = await eventsOf(run);
      const taken = events.filter((e) => e.workflowExecutionUpdateAcceptedEventAttributes);
      return taken.length === 10;
    });
    await expect(bare.executeUpdate('quick', { args: ['late'] })).rejects.toMatchObject(
      refusedWith('concurrent in-flight updates has been reached (10)'),
    );
    const late = run.executeUpdate('quick', { args: ['late'] });
    await run.signal('letGo');
    expect(await Promise.all(ten)).toEqual(Array.from({ length: 10 }, () => 'taken'));
    expect(await late).toBe('late');
    await run.signal('end');
  });

  it('more than 2,000 of one run are refused; as a signal one more is taken', async () => {
    const run = await w.begin('waits');
    await many(2000, 8, () => run.executeUpdate('quick', { args: ['taken'] }));
    await expect(run.executeUpdate('quick', { args: ['late'] })).rejects.toMatchObject(
      refusedWith('total number of distinct updates in this workflow has been reached (2000)'),
    );
    await run.signal('end');
    await run.result();
  });

  it('more than 10,000 signals of one run are refused', async () => {
    // Nobody serves it, so that nothing but the signals costs time.
    const run = await w.client.workflow.start('waits', {
      workflowId: `limits-signals-${process.pid}`,
      taskQueue: 'limits-unserved',
    });
    await many(10_000, 50, () => run.signal('end'));
    await expect(run.signal('end')).rejects.toMatchObject(
      refusedWith('exceeded workflow execution limit for signal events'),
    );
    await run.terminate();
  });
});

describe('a failure that waits for its retry', () => {
  const kept = async (message: string) => {
    const run = await w.begin('failsWith', message);
    const failure = await waitFor(
      'the first try to fail',
      async () => (await run.describe()).raw.pendingActivities?.[0]?.lastFailure,
    );
    await run.terminate();
    return failure;
  };

  it('is cut at 4 KB with all that belongs to it', async () => {
    const failure = await kept('x'.repeat(10_000));
    expect(failure.message).toBe('Failure exceeds size limit.');
    expect(failure.cause?.message?.length).toBeLessThan(4096);
    expect(failure.cause?.message?.length).toBeGreaterThan(4000);
    expect(failure.cause?.stackTrace).toBe('');
    // Its stack repeats the message, so that half of it is too much.
    expect((await kept('x'.repeat(2500))).message).toBe('Failure exceeds size limit.');
    expect((await kept('x'.repeat(1000))).message).toBe('x'.repeat(1000));
  });

  it('that ends the activity is not cut, however wide the script', async () => {
    const run = await w.begin('failsForGood', '\u3042'.repeat(MESSAGE_CHARS_MAX));
    await expect(run.result()).rejects.toMatchObject({
      cause: { cause: { message: '\u3042'.repeat(MESSAGE_CHARS_MAX) } },
    });
  });
});

describe('a start is refused', () => {
  const start = (workflowId: string, tags: Record<string, string> = {}) =>
    w.client.workflow.start('waits', {
      workflowId,
      taskQueue: 'limits-unserved',
      typedSearchAttributes: tagged(tags),
    });

  it('with an id of more than 1,000 characters; the longest of watari is taken', async () => {
    await expect(start('i'.repeat(1001))).rejects.toMatchObject(
      refusedWith('WorkflowId exceeds maximum allowed length (1001/1000)'),
    );
    for (const id of ['i'.repeat(1000), runId.migrate('c'.repeat(15), '%'.repeat(100))]) {
      await (await start(id)).terminate();
    }
  });

  it('with a search attribute of more than 2 KB; the longest of watari is taken', async () => {
    await expect(start('tagged', { WatariVm: 'x'.repeat(2 * 1024) })).rejects.toMatchObject(
      refusedWith('exceeds size limit 2048'),
    );
    const longest = {
      WatariCluster: 'c'.repeat(15),
      WatariNode: 'n'.repeat(15),
      WatariVm: '\u3042'.repeat(100),
    };
    expect(Object.keys(SEARCH_ATTRIBUTES)).toEqual([...TAGS, 'WatariNeedsOperator']);
    await (await start('tagged', longest)).terminate();
    expect(Buffer.byteLength(JSON.stringify(longest))).toBeLessThan(500);
  });
});

describe('a server whose settings were changed', () => {
  let own: Awaited<ReturnType<typeof limitServer>>;
  beforeAll(async () => {
    own = ends(
      await limitServer(inject('temporal').cliPath, [
        'frontend.searchAttributesTotalSizeLimit=600',
      ]),
    );
  });

  it('(all search attributes: 600 bytes instead of 40 KB) refuses more; those of watari are less', async () => {
    const start = (tags: number[]) =>
      own.client.workflow.start('waits', {
        workflowId: `tags-${tags.join('-')}`,
        taskQueue: 'limits-unserved',
        typedSearchAttributes: tags.flatMap((bytes, i) =>
          tagged({ [TAGS[i] ?? '']: 'x'.repeat(bytes) }),
        ),
      });
    await expect(start([300, 300])).rejects.toMatchObject(refusedWith('exceeds size limit 600'));
    await start([15, 15, 100 * WIDEST]);
  });

  it('(its log: warnings too) warns of values from 512 KB on', async () => {
    const start = (workflowId: string, bytes: number) =>
      own.client.workflow.start('waits', {
        workflowId,
        taskQueue: 'limits-unserved',
        args: ['x'.repeat(bytes)],
      });
    await start('below-the-warning', 511 * 1024);
    await start('above-the-warning', 513 * 1024);
    await waitFor('the warning', () => own.log().includes('above-the-warning'), {
      saw: () => own.log(),
    });
    expect(own.log()).toContain('Blob data size exceeds the warning limit');
    expect(own.log()).not.toContain('below-the-warning');
  });
});
