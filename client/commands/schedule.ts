// `watari schedule add|list|pause|resume|remove|run-now`: maintenances that begin by themselves. The times are kept by
// a Temporal Schedule on the server; nothing of watari has to run for them but the workers.
import { InvalidArgumentError, type Command } from 'commander';
import type { ScheduleDescription } from '@temporalio/client';
import { parseDuration } from '../../config/sizes.ts';
import { readCalendar, type Calendar } from '../../domain/fleet/calendar.ts';
import { clockChangeOn, wallTime } from '../../domain/fleet/wall-clock.ts';
import { readWindows, windowState } from '../../domain/fleet/window.ts';
import { scheduleId } from '../../domain/names.ts';
import type { Maintenance } from '../../domain/spec.ts';
import { checkedName, clusterName, type ClusterOptions } from '../cluster/name.ts';
import { finish, talk, type Context, type Talk } from '../context.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { scheduleLines, scheduleListLines } from '../render/schedule-list.ts';
import {
  createSchedule,
  describeSchedule,
  handleOf,
  listed,
  listSchedules,
  runState,
  type ScheduleListed,
} from '../schedules/schedules.ts';
import { within, type Temporal } from '../temporal/connection.ts';
import { concludeWatch, watchRun } from '../watch.ts';
import { whoActs } from '../who.ts';
import { shellWord } from '../words.ts';
import { checkedNodes, CLUSTER, FILE, findNodes, type CampaignOptions } from './campaign.ts';
import { mayRestart } from './cluster.ts';
import { DETACH } from './launch.ts';
import { interruptible, leaf, withTemporal, type ContextSource, type JsonOption } from './leaf.ts';
import {
  addMaintainOptions,
  maintainWishes,
  restarts,
  type MaintainOptions,
} from './maintain-options.ts';
import { REASON, reasonOf, type ReasonOption } from './reason.ts';

interface NamedOptions extends ClusterOptions, JsonOption, ReasonOption {
  yes?: boolean;
  detach?: boolean;
}

interface AddOptions extends CampaignOptions, MaintainOptions {
  on: string;
  late: number;
  yes?: boolean;
}

const CALL_MS = 10_000;
/** Long enough for a server that restarts for its own updates, short enough to end before the morning. */
const LATE_SECONDS = 3600;
const LATE_SECONDS_MAX = 86_400;

export function addScheduleCommands(program: Command, context: ContextSource): void {
  const schedule = program
    .command('schedule')
    .description('maintenances that begin by themselves, every month or more often');
  addMaintainOptions(
    leaf(schedule, 'add <name> [node...]', 'maintain the cluster at these times', [
      'watari schedule add patch-night --on "4 days after second Tuesday 22:00 Asia/Tokyo" --updates --canary HV1 --soak 1h',
      'watari schedule add rehearsal HV1 --on "last Sunday 03:00 Europe/Berlin" --none --yes',
    ]).requiredOption(
      '--on <when>',
      '"second Saturday 22:00 Asia/Tokyo", "every Sat 22:00 UTC", "last Sunday ...", "day 15 ...", "daily ..."',
    ),
  )
    .option(
      '--late <time>',
      'begin at most so late, when servers were away: 1h',
      late,
      LATE_SECONDS,
    )
    .option('-y, --yes', 'do not ask before it is scheduled that nodes restart')
    .option(...CLUSTER)
    .option(...FILE)
    .option(...REASON)
    .action((name: string, nodes: string[], o: AddOptions) => runAdd(context(), name, nodes, o));
  leaf(schedule, 'list', 'schedules, their next times, and how their latest runs ended', [
    'watari schedule list',
  ])
    .option('-c, --cluster <name>', 'only of this cluster')
    .action((o: NamedOptions) => runList(context(), o));
  const named = (verb: string, about: string, example: string): Command =>
    leaf(schedule, `${verb} <name>`, about, [example])
      .option(...CLUSTER)
      .option(...FILE);
  named('pause', 'begin nothing until it is resumed', 'watari schedule pause patch-night')
    .option(...REASON)
    .action((name: string, o: NamedOptions) => runPause(context(), name, o, 'pause'));
  named('resume', 'begin again at its times', 'watari schedule resume patch-night')
    .option(...REASON)
    .action((name: string, o: NamedOptions) => runPause(context(), name, o, 'resume'));
  named('remove', 'forget it; a run that goes on is left alone', 'watari schedule remove old')
    .option('-y, --yes', 'do not ask')
    .action((name: string, o: NamedOptions) => runRemove(context(), name, o));
  named('run-now', 'begin its maintenance now, and watch', 'watari schedule run-now patch-night')
    .option(...DETACH)
    .action((name: string, o: NamedOptions) => runNow(context(), name, o));
}

function late(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms >= 60_000 && ms <= LATE_SECONDS_MAX * 1000) return ms / 1000;
  throw new InvalidArgumentError('A time as 10m or 2h, from a minute to a day.');
}

async function runAdd(ctx: Context, given: string, names: string[], o: AddOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const name = checkedName('schedule', given);
  const calendar = readCalendar(o.on);
  if ('wrong' in calendar) throw badInput(calendar.wrong, 'Nothing was scheduled.', 'BadTime');
  const asked = checkedNodes(ctx, names, o);
  const wishes = maintainWishes(asked, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const { cluster, nodes, all } = await findNodes(ctx, temporal, asked, o);
    const which = nodes.length === 0 ? all : nodes;
    if (restarts(wishes.action) && o.yes !== true) out.say([`At ${calendar.text}:`]);
    if (restarts(wishes.action) && !(await mayRestart(ctx, which, o))) {
      out.say(['Nothing was scheduled.']);
      return EXIT.failed;
    }
    const maintenance = { ...wishes, ...(nodes.length === 0 ? {} : { nodes }) };
    const by = whoActs(ctx, temporal);
    const request = { cluster, name, calendar, maintenance, by, reason: reasonOf(o) };
    await createSchedule(temporal, ctx.clock, { ...request, lateSeconds: o.late });
    const made = await listed(temporal, await describeSchedule(temporal, cluster, name));
    out.result(made);
    out.say([
      ...scheduleLines(made, out),
      ...cautions(calendar, maintenance, made, ctx.clock.now()),
      `In the Temporal UI: ${temporal.links.schedule(made.id)}`,
    ]);
    return EXIT.done;
  });
  finish(code);
}

/** What a person would only find out in the night. */
function cautions(
  calendar: Calendar,
  { window }: Maintenance,
  { next: [first] }: ScheduleListed,
  now: Date,
): string[] {
  const lines: string[] = [];
  const change = clockChangeOn(calendar, now.getTime());
  if (change !== null) {
    const { day, clock, times } = change;
    lines.push(
      times === 0
        ? `Note: on ${day} the clocks are set and ${clock} does not exist there: nothing is begun on that day.`
        : `Note: on ${day} the clocks are set and ${clock} comes twice: it is begun twice, unless the first still goes on.`,
    );
  }
  const windows = window === undefined ? [] : readWindows(window);
  if ('wrong' in windows || first === undefined) return lines;
  const state = windowState(windows, Date.parse(first));
  if (state.open) return lines;
  const opens = state.opensAt === null ? 'never' : wallTime(state.opensAt, calendar.zone);
  return [
    ...lines,
    `Note: the window ${window ?? ''} is closed at that time: the run begins, and waits with the first node until ${opens}.`,
  ];
}

async function runList(ctx: Context, o: NamedOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const cluster = o.cluster === undefined ? null : checkedName('cluster', o.cluster);
  await withTemporal(ctx, async (temporal) => {
    const schedules = await listSchedules(temporal, cluster);
    out.result({ schedules });
    if (!out.json) out.say(scheduleListLines(schedules, out));
  });
}

/** Connects, finds the schedule, and does something with it. */
async function withSchedule(
  ctx: Context,
  given: string,
  o: NamedOptions,
  deed: (found: Found) => Promise<ExitCode>,
): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const name = checkedName('schedule', given);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    const description = await describeSchedule(temporal, cluster, name);
    return deed({ out, temporal, cluster, name, description });
  });
  finish(code);
}

interface Found {
  out: Talk;
  temporal: Temporal;
  cluster: string;
  name: string;
  description: ScheduleDescription;
}

const runPause = (
  ctx: Context,
  given: string,
  o: NamedOptions,
  verb: 'pause' | 'resume',
): Promise<void> =>
  withSchedule(ctx, given, o, async ({ out, temporal, cluster, name, description }) => {
    const { paused, note = '' } = description.state;
    if (paused === (verb === 'pause')) {
      out.result(await listed(temporal, description));
      const already = paused ? `paused already: ${note}` : 'not paused';
      out.say([`Schedule ${name} of ${cluster} is ${already}`]);
      return EXIT.done;
    }
    const at = ctx.clock.now().toISOString().slice(0, 16).replace('T', ' ');
    const why = reasonOf(o);
    const said = `${verb}d by ${whoActs(ctx, temporal)} at ${at} UTC${why === undefined ? '' : `: ${why}`}`;
    const handle = handleOf(temporal, cluster, name);
    await within(temporal.connection, CALL_MS, () =>
      verb === 'pause' ? handle.pause(said) : handle.unpause(said),
    );
    const now = await listed(temporal, await describeSchedule(temporal, cluster, name));
    out.result(now);
    out.say(scheduleLines(now, out));
    if (verb === 'pause') out.say(['A run of it that goes on is not paused: watari run pause.']);
    return EXIT.done;
  });

const runRemove = (ctx: Context, given: string, o: NamedOptions): Promise<void> =>
  withSchedule(ctx, given, o, async ({ out, temporal, cluster, name }) => {
    if (!(await mayRemove(ctx, `${name} of ${cluster}`, o))) {
      out.say(['Nothing was removed.']);
      return EXIT.failed;
    }
    await within(temporal.connection, CALL_MS, () => handleOf(temporal, cluster, name).delete());
    out.result({ removed: scheduleId(cluster, name), schedule: name, cluster });
    out.say([
      `Schedule ${name} of ${cluster} is removed. Its runs stay in:  watari run list --all`,
    ]);
    return EXIT.done;
  });

async function mayRemove(ctx: Context, which: string, o: NamedOptions): Promise<boolean> {
  if (o.yes === true) return true;
  if (!ctx.terminal.canAsk || o.json === true) {
    throw badInput(
      `schedule ${which} would be removed, and there is nobody to ask`,
      'Add --yes, or run it in a terminal.',
      'RemovalNotConfirmed',
    );
  }
  const answer = await ctx.terminal.ask(`Schedule ${which} begins nothing any more. Go on? [y/N] `);
  return /^\s*(y|yes)\s*$/i.test(answer);
}

/** A trigger is a message to the schedule, which the server takes within a second. */
const TRIGGER_MS = 15_000;

const runNow = (ctx: Context, given: string, o: NamedOptions): Promise<void> =>
  withSchedule(ctx, given, o, async (found) => {
    const { out, temporal, name, cluster, description } = found;
    const running = await runningOf(temporal, description);
    const began = running === null ? await trigger(ctx, found) : null;
    if (began === null) {
      out.result({ schedule: name, cluster, started: false, running });
      out.say([
        `Nothing was begun: a run of schedule ${name} still goes on.`,
        ...(running === null ? [] : [`Watch it:  watari run watch ${shellWord(running)}`]),
      ]);
      return EXIT.failed;
    }
    if (o.detach === true) {
      out.result({ ...began, started: true });
      out.say([`Started ${began.run}. Watch it:  watari run watch ${shellWord(began.run)}`]);
      return EXIT.done;
    }
    const watched = await interruptible(ctx, (signal) =>
      watchRun(ctx, temporal, { ...began, talk: out, signal }),
    );
    return concludeWatch(ctx, temporal, out, began.run, watched);
  });

/** The schedule learns a moment later that its run has ended, so the run itself is asked. */
async function runningOf(
  temporal: Temporal,
  { info }: ScheduleDescription,
): Promise<string | null> {
  for (const { workflow } of info.runningActions) {
    const state = await runState(temporal, workflow.workflowId, workflow.firstExecutionRunId);
    if (state === 'running') return workflow.workflowId;
  }
  return null;
}

/** null when the schedule left it out, because one began in this moment. */
async function trigger(
  ctx: Context,
  { temporal, cluster, name, description }: Found,
): Promise<{ run: string; runId: string } | null> {
  const known = new Set(description.info.recentActions.map(runIdOf));
  await within(temporal.connection, CALL_MS, () =>
    handleOf(temporal, cluster, name).trigger('SKIP'),
  );
  const giveUpAt = ctx.clock.elapsedMs() + TRIGGER_MS;
  for (;;) {
    const { info } = await describeSchedule(temporal, cluster, name);
    const began = info.recentActions.find((action) => !known.has(runIdOf(action)));
    if (began !== undefined) {
      const { workflowId, firstExecutionRunId } = began.action.workflow;
      return { run: workflowId, runId: firstExecutionRunId };
    }
    const wasSkipped = info.numActionsSkippedOverlap > description.info.numActionsSkippedOverlap;
    if (wasSkipped) return null;
    if (ctx.clock.elapsedMs() > giveUpAt) throw silent(name, cluster);
    await ctx.clock.sleep(200);
  }
}

const silent = (name: string, cluster: string): ClientError =>
  new ClientError({
    code: 'ScheduleSilent',
    message: `schedule ${name} was told to begin a run, and has neither begun one nor left it out for ${TRIGGER_MS / 1000} s`,
    hint: `It may begin one yet. Look at:  watari schedule list -c ${shellWord(cluster)}`,
    exitCode: EXIT.failed,
  });

const runIdOf = ({ action }: ScheduleDescription['info']['recentActions'][number]): string =>
  action.workflow.firstExecutionRunId;
