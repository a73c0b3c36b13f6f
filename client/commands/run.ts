// `watari run list|show|watch|report|retry|skip|abort|cancel`: what runs, how it stands, and what a person decides.
import { randomUUID } from 'node:crypto';
import { InvalidArgumentError, type Command } from 'commander';
import { isSettled, type Decision, type DecisionAction } from '../../domain/status.ts';
import { checkedName, namedCluster, type ClusterOptions } from '../cluster/name.ts';
import type { Temporal } from '../temporal/connection.ts';
import { finish, talk, type Context } from '../context.ts';
import { ClientError } from '../errors.ts';
import { stepToDecide } from '../runs/step-to-decide.ts';
import { EXIT } from '../exit-codes.ts';
import { runListLines } from '../render/run-list.ts';
import { runLines } from '../render/steps.ts';
import { operatorLines, summaryLines } from '../render/summary.ts';
import { whoActs } from '../who.ts';
import { shellWord } from '../words.ts';
import { LIST_DEFAULT, listRuns, resolveRun } from '../runs/list.ts';
import { brake, cancelRun, decide } from '../runs/steer.ts';
import { isOver, stateOf } from '../runs/view.ts';
import { RunTracker } from '../runs/tracker.ts';
import { concludeWatch, exitCodeOf, jsonOf, summaryOptions, watchRun } from '../watch.ts';
import { demandReason, REASON, reasonOf, type ReasonOption } from './reason.ts';
import { addReport } from './report.ts';
import { interruptible, leaf, withTemporal, type ContextSource, type JsonOption } from './leaf.ts';

interface RunOptions extends JsonOption {
  cluster?: string;
}

interface ListOptions extends RunOptions {
  all?: boolean;
  needsOperator?: boolean;
  limit: number;
}

interface DecideOptions extends RunOptions, ReasonOption {
  step?: string;
  to?: string;
  quick?: boolean;
}

type BrakeOptions = RunOptions & ReasonOption;

interface CancelOptions extends RunOptions, ReasonOption {
  finishMoves?: boolean;
}

const CLUSTER = ['-c, --cluster <name>', 'name of the cluster'] as const;
const STEP = ['--step <step>', 'the step, when more than one waits'] as const;

export function addRunCommands(program: Command, context: ContextSource): void {
  const run = program.command('run').description('see and steer runs');
  leaf(run, 'list', 'list runs, newest first', [
    'watari run list',
    'watari run list --needs-operator',
  ])
    .option(...CLUSTER)
    .option('--all', 'ended runs too')
    .option('--needs-operator', 'only runs that wait for a person')
    .option('--limit <n>', 'at most so many', limitNumber, LIST_DEFAULT)
    .action((o: ListOptions) => runList(context(), o));
  leaf(run, 'show <run>', 'show a run and its steps as they are now', ['watari run show apply'])
    .option(...CLUSTER)
    .action((name: string, o: RunOptions) => runShow(context(), name, o));
  leaf(run, 'watch <run>', 'follow a run until it ends', ['watari run watch vm/web-1/migrate'])
    .option(...CLUSTER)
    .action((name: string, o: RunOptions) => runWatch(context(), name, o));
  addReport(run, context, resolve);
  addDecisions(run, context);
  leaf(run, 'cancel <run>', 'ask a run to stop; what it did stays done', [
    'watari run cancel apply',
    'watari run cancel campaign --finish-moves',
  ])
    .option(...CLUSTER)
    .option(...REASON)
    .option('--finish-moves', 'let the moves that are under way arrive')
    .action((name: string, o: CancelOptions) => runCancel(context(), name, o));
  leaf(run, 'pause <run>', 'let a drain or a maintenance begin nothing new until it is resumed', [
    'watari run pause campaign --reason "backup until 02:00"',
  ])
    .option(...CLUSTER)
    .option(...REASON)
    .action((name: string, o: BrakeOptions) => runBrake(context(), 'pause', name, o));
  leaf(run, 'resume <run>', 'let a paused run go on', ['watari run resume campaign'])
    .option(...CLUSTER)
    .option(...REASON)
    .action((name: string, o: BrakeOptions) => runBrake(context(), 'resume', name, o));
}

function addDecisions(run: Command, context: ContextSource): void {
  leaf(run, 'retry <run>', 'try the step that waits once more', [
    'watari run retry apply',
    'watari run retry vm/web-1/migrate --to HV3 --reason "HV2 has no memory left"',
  ])
    .option(...CLUSTER)
    .option(...STEP)
    .option(...REASON)
    .option('--to <node>', 'move to this node instead')
    .option('--quick', 'save the VM, carry it over and start it: its clients lose it meanwhile')
    .action((name: string, o: DecideOptions) => runDecide(context(), 'retry', name, o));
  leaf(run, 'skip <run>', 'go on without the step that waits, where the step allows it', [
    'watari run skip apply --step vm/web-1/move --reason "moved by hand"',
  ])
    .option(...CLUSTER)
    .option(...STEP)
    .option(...REASON)
    .action((name: string, o: DecideOptions) => runDecide(context(), 'skip', name, o));
  leaf(run, 'abort <run>', 'give up and undo what can be undone, last step first', [
    'watari run abort apply --reason "wrong file"',
  ])
    .option(...CLUSTER)
    .option(...STEP)
    .option(...REASON)
    .action((name: string, o: DecideOptions) => runDecide(context(), 'abort', name, o));
}

/** More would not fit into a client's memory comfortably. */
const LIMIT_MAX = 10_000;

function limitNumber(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw new InvalidArgumentError(`A whole number from 1 to ${LIMIT_MAX}.`);
}

async function runList(ctx: Context, o: ListOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const cluster = o.cluster === undefined ? null : checkedName('cluster', o.cluster);
  await withTemporal(ctx, async (temporal) => {
    const filter = { cluster, needsOperator: o.needsOperator === true, all: o.all === true };
    // One more than asked for tells whether there are more.
    const found = await listRuns(temporal, filter, o.limit + 1);
    const runs = found.slice(0, o.limit);
    const more = found.length > runs.length;
    out.result({ runs, more });
    if (out.json) return;
    out.say(runListLines(runs, { ...out, now: ctx.clock.now(), all: o.all === true }));
    if (more) {
      out.say(['', `There are more than these ${o.limit}; see more with --limit N.`]);
    }
    if (o.needsOperator === true)
      out.say(['', `In the Temporal UI: ${temporal.links.needsOperator}`]);
  });
}

/** A file that happens to lie in the folder must not keep anyone from looking at a run. */
function clusterHint(ctx: Context, o: ClusterOptions): string | null {
  if (o.cluster !== undefined) return checkedName('cluster', o.cluster);
  try {
    return namedCluster(ctx, o);
  } catch {
    return ctx.defaultCluster;
  }
}

/** The full id: what was given is looked for in the likely cluster first, then everywhere. */
async function resolve(
  ctx: Context,
  temporal: Temporal,
  name: string,
  o: RunOptions,
): Promise<string> {
  return resolveRun(temporal, name, clusterHint(ctx, o), o.cluster !== undefined);
}

async function runShow(ctx: Context, name: string, o: RunOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const code = await withTemporal(ctx, async (temporal) => {
    const run = await resolve(ctx, temporal, name, o);
    const now = (): Date => ctx.clock.now();
    const view = await new RunTracker(temporal, run, now).lookPatiently();
    out.result(jsonOf(view));
    if (!out.json) {
      const options = summaryOptions(ctx, temporal, out);
      const table = { columns: out.columns, rows: Infinity, now: now(), colors: out.colors };
      out.say(runLines(view, table));
      out.say(isOver(view) || stateOf(view) === 'running' ? [] : operatorLines(view, options));
      out.say(summaryLines(view, options));
    }
    return exitCodeOf(view);
  });
  finish(code);
}

async function runWatch(ctx: Context, name: string, o: RunOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const code = await withTemporal(ctx, async (temporal) => {
    const run = await resolve(ctx, temporal, name, o);
    const watched = await interruptible(ctx, (signal) =>
      watchRun(ctx, temporal, { run, talk: out, signal }),
    );
    return concludeWatch(ctx, temporal, out, run, watched);
  });
  finish(code);
}

async function runDecide(
  ctx: Context,
  action: DecisionAction,
  name: string,
  o: DecideOptions,
): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const target = o.to === undefined ? undefined : checkedName('node', o.to);
  // Both lose something that somebody wanted done.
  const isLoss = action !== 'retry';
  const reason = isLoss ? await demandReason(ctx, action, o) : (reasonOf(o) ?? '');
  await withTemporal(ctx, async (temporal) => {
    const run = await resolve(ctx, temporal, name, o);
    const view = await new RunTracker(temporal, run, () => ctx.clock.now()).lookPatiently();
    const step = stepToDecide(view, action, o.step);
    const decision: Decision = {
      step: step.id,
      action,
      reason,
      by: whoActs(ctx, temporal),
      ...(target === undefined ? {} : { target }),
      ...(o.quick === true ? { quick: true } : {}),
    };
    const accepted = await decide(temporal, step.run, decision, randomUUID());
    out.result({ run: step.run, step: step.id, action, accepted });
    if (out.json) return;
    out.say([`Accepted: ${accepted}`, `Watch it:  watari run watch ${shellWord(run)}`]);
  });
}

async function runBrake(
  ctx: Context,
  action: 'pause' | 'resume',
  name: string,
  o: BrakeOptions,
): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  await withTemporal(ctx, async (temporal) => {
    const run = await resolve(ctx, temporal, name, o);
    await brake(temporal, run, { action, reason: reasonOf(o) ?? '', by: whoActs(ctx, temporal) });
    out.result({ run, action });
    if (out.json) return;
    const done =
      action === 'pause'
        ? `${run} begins nothing new; what is under way goes on. Resume it:  watari run resume ${shellWord(run)}`
        : `${run} goes on. Watch it:  watari run watch ${shellWord(run)}`;
    out.say([done]);
  });
  finish(EXIT.done);
}

async function runCancel(ctx: Context, name: string, o: CancelOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  await withTemporal(ctx, async (temporal) => {
    const run = await resolve(ctx, temporal, name, o);
    const why = { by: whoActs(ctx, temporal), reason: reasonOf(o) ?? '' };
    if (o.finishMoves === true) await letMovesFinish(ctx, temporal, run, why);
    await cancelRun(temporal, run, why);
    out.result({ run, cancelRequested: true });
    if (out.json) return;
    out.say([`${run} was asked to stop.`, `Watch it:  watari run watch ${shellWord(run)}`]);
  });
  finish(EXIT.done);
}

/** A maintenance moves by runs of its own, which are cancelled with it. */
async function letMovesFinish(
  ctx: Context,
  temporal: Temporal,
  run: string,
  why: { by: string; reason: string },
): Promise<void> {
  const view = await new RunTracker(temporal, run, () => ctx.clock.now()).lookPatiently();
  const inside = view.steps.filter((s) => s.run !== run && !isSettled(s.state)).map((s) => s.run);
  for (const one of [run, ...new Set(inside)]) {
    await brake(temporal, one, { action: 'finish-moves', ...why }).catch((err: unknown) => {
      // A single move has no brakes: whoever started it lets it arrive. One that is over has arrived.
      const isNothing =
        err instanceof ClientError && ['DecisionRefused', 'RunOver'].includes(err.code);
      if (one === run || !isNothing) throw err;
    });
  }
}
