// `watari schedule` on a real server with real workers: what is added runs under the lock of its cluster, and a second
// one, a taken lock, a pause and a removal do what they say.
import { describe, expect, inject, it } from 'vitest';
import { msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { connect } from '../../client/temporal/connection.ts';
import { systemClock } from '../../client/context.ts';
import { runCli } from '../../client/program.ts';
import { createSchedule, type ScheduleListed } from '../../client/schedules/schedules.ts';
import { readCalendar } from '../../domain/fleet/calendar.ts';
import { runId, scheduleId } from '../../domain/names.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { fakeContext, fakeTerminal } from '../support/client-fakes.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster, TWO_NODES, type LabCluster } from '../support/lab-cluster.ts';

const ends = endsWithTest();
/** Without a cluster.yaml. */
const NOWHERE = import.meta.dirname;
const WHEN = '2nd Sat 22:00 asia/tokyo';

/** A cluster whose schedules are removed with it: their server serves the next test too. */
async function cluster(): Promise<LabCluster> {
  const c = ends(
    await labCluster({ temporal: inject('temporal'), scenario: TWO_NODES, speed: 60 }),
  );
  ends(() =>
    c.client.schedule
      .getHandle(scheduleId(c.cluster, 'nights'))
      .delete()
      .catch(() => undefined),
  );
  return c;
}

interface Said {
  code: number;
  out: string;
  err: string;
}

const target = () => {
  const { address, namespace } = inject('temporal');
  return { connectionOptions: { address }, namespace, describe: 'the test server' };
};

/** One command line, as a person types it who may be asked and answers this. */
async function watari(c: LabCluster, line: string[], answer?: string): Promise<Said> {
  const terminal = fakeTerminal(answer === undefined ? {} : { canAsk: true, answer });
  const context = fakeContext({
    ...{ cwd: NOWHERE, terminal, clock: systemClock, defaultCluster: c.cluster },
    connect: () => connect(target()),
  });
  const code = await runCli(line, { terminal, context: () => context, debug: false });
  return { code, out: terminal.stdout.text(), err: terminal.stderr.text() };
}

const add = (c: LabCluster, ...more: string[]): Promise<Said> =>
  watari(c, ['schedule', 'add', 'nights', 'HV2', '--on', WHEN, ...more]);

async function json<T>(c: LabCluster, ...line: string[]): Promise<T> {
  const { out, err } = await watari(c, [...line, '--json']);
  try {
    return JSON.parse(out) as T;
  } catch (cause) {
    throw new Error(`no JSON: ${out}${err}`, { cause });
  }
}

const only = async (c: LabCluster): Promise<ScheduleListed> => {
  const { schedules } = await json<{ schedules: ScheduleListed[] }>(
    c,
    ...['schedule', 'list', '-c', c.cluster],
  );
  expect(schedules).toHaveLength(1);
  return schedules[0]!;
};

const campaign = (c: LabCluster) => c.client.workflow.getHandle(runId.campaign(c.cluster));

describe('a schedule', () => {
  it('is added with its next times in its zone, listed, and not added twice', async () => {
    const c = await cluster();
    const { code, out } = await add(c, '--none', '--reason', 'rehearsal');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^nights {2}${c.cluster} {2}active\n`));
    expect(out).toContain('second Saturday 22:00 Asia/Tokyo, at most 1 h late');
    expect(out).toContain('empty and bring back HV2 in turn');
    expect(out).toMatch(
      /next +(Sat \d{4}-\d\d-\d\d 22:00,\s+){2}Sat \d{4}-\d\d-\d\d 22:00\s+\(Asia\/Tokyo\)/,
    );
    expect(out).toContain(`/schedules/${encodeURIComponent(scheduleId(c.cluster, 'nights'))}`);
    await waitFor('the list to have it', async () =>
      (await watari(c, ['schedule', 'list', '-c', c.cluster])).out.includes('nights'),
    );
    const { next, ...rest } = await only(c);
    expect(next).toHaveLength(3);
    for (const at of next) {
      // 22:00 in Tokyo.
      expect(at).toMatch(/-(0[89]|1[0-4])T13:00:00\.000Z$/);
      expect(new Date(at).getUTCDay()).toBe(6);
    }
    expect(rest).toEqual({
      ...{ schedule: 'nights', id: scheduleId(c.cluster, 'nights'), cluster: c.cluster },
      ...{ on: 'second Saturday 22:00 Asia/Tokyo', zone: 'Asia/Tokyo', lateSeconds: 3600 },
      ...{ does: 'empty and bring back HV2 in turn', state: 'active' },
      note: 'Added by ito@ADMIN-PC: empty and bring back HV2 in turn',
      ...{ addedBy: 'ito@ADMIN-PC', reason: 'rehearsal', latest: [], missed: 0, skipped: 0 },
    });
    const again = await add(c, '--restart', '--yes');
    expect(again).toMatchObject({ code: 2 });
    expect(again.err).toMatch(/has a schedule nights already; it was left as it is/);
    expect(again.err).toContain(`watari schedule remove nights -c ${c.cluster}`);
    expect((await only(c)).does).toBe(rest.does);
  });

  it('run now maintains under the lock of its cluster, and one line of the list of runs tells of it', async () => {
    const c = await cluster();
    await add(c, '--none');
    const { code, out } = await watari(c, ['schedule', 'run-now', 'nights']);
    expect(code, out).toBe(0);
    const inside = await campaign(c).describe();
    expect(inside).toMatchObject({
      type: 'maintainCluster',
      status: { name: 'COMPLETED' },
      memo: { startedBy: 'schedule nights of ito@ADMIN-PC' },
    });
    const { latest } = await only(c);
    expect(latest).toMatchObject([{ state: 'succeeded', code: null }]);
    const night = latest[0]!.run;
    expect(night).toMatch(new RegExp(`^watari/${c.cluster}/schedule/nights-\\d{4}-.*Z$`));
    expect(inside.parentExecution?.workflowId).toBe(night);
    const info = await c.client.workflow.getHandle(night).describe();
    expect(await info.staticSummary()).toBe(`Maintain ${c.cluster} (schedule nights)`);
    expect(await info.staticDetails()).toContain('second Saturday 22:00 Asia/Tokyo');
    // By this the run knows how late it is.
    const [begun] = (await c.client.workflow.getHandle(night).fetchHistory()).events ?? [];
    const { indexedFields } =
      begun?.workflowExecutionStartedEventAttributes?.searchAttributes ?? {};
    const metadata = indexedFields?.['TemporalScheduledStartTime']?.metadata?.['type'];
    expect(Buffer.from(metadata ?? []).toString()).toBe('Datetime');
    const { runs } = await json<{ runs: { run: string }[] }>(
      c,
      ...['run', 'list', '--all', '-c', c.cluster],
    );
    const shown = runs.map(({ run }) => run).filter((run) => !run.includes('/inspect/'));
    expect(shown).toContain(runId.campaign(c.cluster));
    expect(shown).not.toContain(night);
    // And who wants to see it can name it.
    const named = await watari(c, ['run', 'show', `schedule/${night.split('/').at(-1)!}`]);
    expect(named.code, named.err).toBe(0);
  });

  it('begins no second run while one goes on', async () => {
    const c = await cluster();
    await add(c, '--wait');
    const first = await watari(c, ['schedule', 'run-now', 'nights', '--detach']);
    expect(first.out).toMatch(/^Started watari\//);
    const second = await watari(c, ['schedule', 'run-now', 'nights']);
    expect(second).toMatchObject({ code: 1 });
    expect(second.out).toMatch(/Nothing was begun: a run of schedule nights still goes on/);
    expect(second.out).toContain(`watari run watch watari/${c.cluster}/schedule/nights-`);
    // The server's own rule says the same, and counts it.
    await c.client.schedule.getHandle(scheduleId(c.cluster, 'nights')).trigger('SKIP');
    const skipped = await waitFor('the schedule to count it', async () => {
      const listed = await only(c);
      return listed.skipped > 0 ? listed : undefined;
    });
    expect(skipped).toMatchObject({ skipped: 1, latest: [{ state: expect.anything() as string }] });
    await waitFor('the list to say that it needs a person', async () => {
      const [latest] = (await only(c)).latest;
      return latest?.state === 'needs-operator';
    });
    const { out } = await watari(c, ['schedule', 'list', '-c', c.cluster]);
    expect(out).toContain('missed   1 run because the one before still went on');
    await c.client.workflow.getHandle(skipped.latest[0]!.run).cancel();
  });

  it('whose cluster is at work with something else begins nothing, and says so at once', async () => {
    const c = await cluster();
    await add(c, '--none');
    const other = await c.start('maintainCluster', runId.campaign(c.cluster), {
      nodes: ['HV2'],
      action: { kind: 'wait' },
    });
    const { code, out } = await watari(c, ['schedule', 'run-now', 'nights']);
    expect(code, out).toBe(1);
    expect(out).toContain('AlreadyRunning');
    const { latest } = await only(c);
    expect(latest).toMatchObject([{ state: 'failed', code: 'AlreadyRunning' }]);
    const { runs } = await json<{ runs: { run: string; state: string }[] }>(
      c,
      ...['run', 'list', '--all', '-c', c.cluster],
    );
    expect(runs).toContainEqual(expect.objectContaining({ run: latest[0]!.run, state: 'failed' }));
    await other.raw.cancel();
  });

  it('is paused with who and why, resumed, and removed when that is confirmed', async () => {
    const c = await cluster();
    await add(c, '--none');
    const paused = await watari(c, ['schedule', 'pause', 'Nights', '--reason', 'audit week']);
    expect(paused.code, paused.err).toBe(0);
    expect(paused.out).toMatch(
      /paused by ito@ADMIN-PC at 20\d\d-\d\d-\d\d \d\d:\d\d UTC: audit week/,
    );
    expect(paused.out).toContain('would be');
    expect((await watari(c, ['schedule', 'pause', 'nights'])).out).toMatch(
      /is paused already: paused by/,
    );
    expect(await only(c)).toMatchObject({ state: 'paused' });
    const resumed = await watari(c, ['schedule', 'resume', 'nights']);
    expect(resumed.out).toMatch(/active\n[^]*resumed by ito@ADMIN-PC/);
    expect((await watari(c, ['schedule', 'resume', 'nights'])).out).toMatch(/is not paused/);

    expect(await watari(c, ['schedule', 'remove', 'nights'])).toMatchObject({ code: 2 });
    expect((await watari(c, ['schedule', 'remove', 'nights'], 'n')).out).toMatch(
      /Nothing was removed/,
    );
    expect((await only(c)).schedule).toBe('nights');
    expect((await watari(c, ['schedule', 'remove', 'nights'], 'y')).code).toBe(0);
    const gone = await watari(c, ['schedule', 'pause', 'nights']);
    expect(gone).toMatchObject({ code: 2 });
    expect(gone.err).toMatch(/has no schedule "nights"/);
  });

  it('that restarts nodes is added only when somebody says yes', async () => {
    const c = await cluster();
    const nobody = await add(c, '--restart');
    expect(nobody).toMatchObject({ code: 2 });
    expect(nobody.err).toMatch(/HV2 will restart, and there is nobody to ask/);
    const line = ['schedule', 'add', 'nights', '--on', WHEN, '--updates'];
    const no = await watari(c, line, 'n');
    expect(no.out).toMatch(/At second Saturday 22:00 Asia\/Tokyo:\nNothing was scheduled/);
    expect((await watari(c, line, 'y')).out).toContain('install updates on every node in turn');
  });

  it.each([
    [['--on', 'someday', '--none'], /the time "someday" cannot be read; it is written as/],
    [['--on', WHEN], /it is not said what to do with a node/],
    [['--on', WHEN, '--none', '--late', '1s'], /from a minute to a day/],
    [['--none'], /required option '--on <when>'/],
  ])('is refused before any server is asked: %j', async (options, why) => {
    const terminal = fakeTerminal();
    const context = fakeContext({ cwd: NOWHERE, terminal, defaultCluster: 'hv-lab' });
    const line = ['schedule', 'add', 'nights', ...options];
    expect(await runCli(line, { terminal, context: () => context, debug: false })).toBe(2);
    expect(terminal.stderr.text()).toMatch(why);
  });

  it('warns of a time that the clocks take away, and of a window that is closed then', async () => {
    const c = await cluster();
    const line = ['schedule', 'add', 'nights', '--none', '--on', 'last Sunday 02:30 Europe/Berlin'];
    const { out } = await watari(c, [...line, '--window', 'Mon 01:00-05:00 Europe/Berlin']);
    expect(out).toMatch(/Note: on \d{4}-03-\d\d the clocks are set and 02:30 does not exist there/);
    expect(out).toMatch(
      /Note: the window Mon 01:00-05:00 .* waits with the first node until Mon .* 01:00/,
    );
  });
});

describe('the server', () => {
  const FROM = Date.UTC(2027, 0, 1);
  const TO = Date.UTC(2029, 0, 1);
  const days = Array.from({ length: (TO - FROM) / 86_400_000 }, (_, i) => FROM + i * 86_400_000);
  const dateOf = (ms: number): Date => new Date(ms);
  const isLast = (ms: number, within: number): boolean =>
    dateOf(ms + within * 86_400_000).getUTCMonth() !== dateOf(ms).getUTCMonth();

  it.each<[string, (ms: number) => boolean]>([
    ['last Sunday 03:00 UTC', (ms) => dateOf(ms).getUTCDay() === 0 && isLast(ms, 7)],
    ['last day 03:00 UTC', (ms) => isLast(ms, 1)],
    [
      '4 days after second Tuesday 03:00 UTC',
      (ms) => {
        const tuesday = dateOf(ms - 4 * 86_400_000);
        return tuesday.getUTCDay() === 2 && Math.ceil(tuesday.getUTCDate() / 7) === 2;
      },
    ],
  ])(
    'begins "%s" on the days that a calendar on the wall shows, in a leap year too',
    async (on, isDay) => {
      const c = await cluster();
      const calendar = readCalendar(on);
      if ('wrong' in calendar) throw new Error(calendar.wrong);
      const temporal = ends(await connect(target()));
      await createSchedule(temporal, systemClock, {
        ...{ cluster: c.cluster, name: 'nights', calendar, lateSeconds: 3600, by: 'test' },
        ...{ maintenance: { action: { kind: 'none' } }, reason: undefined },
      });
      const answer = await temporal.connection.workflowService.listScheduleMatchingTimes({
        ...{ namespace: temporal.namespace, scheduleId: scheduleId(c.cluster, 'nights') },
        ...{ startTime: msToTs(FROM), endTime: msToTs(TO) },
      });
      const told = answer.startTime.map((at) => tsToMs(at));
      expect(told).toEqual(days.filter(isDay).map((ms) => ms + 3 * 3600_000));
    },
  );
});
