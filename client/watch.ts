// Shows a run until it is over, waits for a person, or the reader leaves. The run does not depend on any of this.
import { isOutage, type Temporal } from './temporal/connection.ts';
import type { Context, Talk } from './context.ts';
import { ClientError } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { durationText } from '../domain/units.ts';
import { stringWidth } from './render/format.ts';
import { liveScreen } from './render/live.ts';
import { PlainReporter } from './render/plain.ts';
import { runLines } from './render/steps.ts';
import { operatorLines, summaryLines, type SummaryOptions } from './render/summary.ts';
import { shellWord } from './words.ts';
import { isOver, stateOf, type RunView } from './runs/view.ts';
import { RunTracker } from './runs/tracker.ts';

/** Heartbeats come once a second; twice as often sees each within half a second. */
const LOOK_EVERY_MS = 500;
/** A task that fails is tried again at once and then every ten seconds: by then another worker could have had it. */
const STANDSTILL_MS = 15_000;

export interface WatchOptions {
  run: string;
  runId?: string;
  talk: Talk;
  /** Aborted when the reader leaves (Ctrl+C). */
  signal: AbortSignal;
}

export interface Watched {
  view: RunView | null;
  interrupted: boolean;
}

/** Draws what is seen; one for terminals, one for everything else. */
interface Display {
  show(view: RunView): void;
  /** `null`: the server answers again. */
  outage(sinceMs: number | null): void;
  close(): void;
}

export async function watchRun(
  ctx: Context,
  temporal: Temporal,
  o: WatchOptions,
): Promise<Watched> {
  const tracker = new RunTracker(temporal, o.run, () => ctx.clock.now(), o.runId);
  const onTerminal = o.talk.stream.isTTY === true;
  const display = onTerminal ? liveDisplay(ctx, temporal, o.talk) : plainDisplay(ctx, o.talk);
  const stayWhenWaiting = onTerminal && !o.talk.json;
  let view: RunView | null = null;
  let lastAnswer = ctx.clock.elapsedMs();
  let silent = false;
  let standsSince: number | null = null;
  try {
    while (!o.signal.aborted) {
      try {
        view = await tracker.look();
        lastAnswer = ctx.clock.elapsedMs();
        if (silent) display.outage(null);
        silent = false;
        display.show(view);
        if (isOver(view)) return { view, interrupted: false };
        if (stateOf(view) === 'needs-operator' && !stayWhenWaiting) {
          return { view, interrupted: false };
        }
        const why = tracker.standsStill();
        standsSince = why === null ? null : (standsSince ?? lastAnswer);
        const stoodMs = lastAnswer - (standsSince ?? lastAnswer);
        if (why !== null && stoodMs > STANDSTILL_MS && !stayWhenWaiting)
          throw standsStill(o.run, why);
      } catch (err) {
        if (!isOutage(err)) throw err;
        silent = true;
        display.outage(ctx.clock.elapsedMs() - lastAnswer);
      }
      await ctx.clock.sleep(LOOK_EVERY_MS, o.signal);
    }
    return { view, interrupted: true };
  } finally {
    display.close();
  }
}

/** A person may wait for an upgrade at the terminal; a script would wait for good. */
const standsStill = (run: string, why: string): ClientError =>
  new ClientError({
    code: 'StandsStill',
    message: why,
    hint: `Nothing is lost: it goes on by itself once a worker can go on with it. Usually one must be upgraded.\nWatch it again:  watari run watch ${shellWord(run)}`,
    exitCode: EXIT.needsOperator,
  });

/** Links and long names may wrap; everything else fits its line. */
const rowsOf = (lines: readonly string[], columns: number): number =>
  lines.reduce((n, line) => n + Math.max(1, Math.ceil(stringWidth(line) / columns)), 0);

function lastRows(lines: readonly string[], columns: number, rows: number): string[] {
  let first = 0;
  while (first < lines.length - 1 && rowsOf(lines.slice(first), columns) > rows) first += 1;
  return lines.slice(first);
}

function liveDisplay(ctx: Context, temporal: Temporal, talk: Talk): Display {
  const screen = liveScreen(talk.stream);
  let view: RunView | null = null;
  let outageMs: number | null = null;
  const draw = (): void => {
    const columns = screen.columns();
    const extra = outageMs === null ? [] : [talk.colors.yellow(outageText(outageMs))];
    if (view === null) {
      screen.draw(extra);
      return;
    }
    const operator = operatorLines(view, summaryOptions(ctx, temporal, talk, columns));
    // The commands to type matter more than the steps that are done.
    const rows = Math.max(4, screen.rows() - rowsOf([...operator, ...extra], columns));
    const o = { columns, rows, now: ctx.clock.now(), colors: talk.colors };
    screen.draw(lastRows([...runLines(view, o), ...operator, ...extra], columns, screen.rows()));
  };
  const stop = screen.onResize(draw);
  return {
    show: (next) => {
      view = next;
      draw();
    },
    outage: (ms) => {
      outageMs = ms;
      draw();
    },
    close: () => {
      stop();
      outageMs = null;
      draw();
      screen.done();
    },
  };
}

/** A log needs to hear of an outage when it begins and ends, and that it still lasts. */
const OUTAGE_LINE_EVERY_MS = 30_000;

function plainDisplay(ctx: Context, talk: Talk): Display {
  const reporter = new PlainReporter();
  let said: number | null = null;
  return {
    show: (view) => {
      talk.say(reporter.lines(view, ctx.clock.now()));
    },
    outage: (ms) => {
      if (ms === null) {
        talk.say(['Temporal answers again']);
        said = null;
      } else if (said === null || ms - said >= OUTAGE_LINE_EVERY_MS) {
        talk.say([outageText(ms)]);
        said = ms;
      }
    },
    close: () => undefined,
  };
}

export const outageText = (ms: number): string =>
  `Temporal does not answer since ${durationText(ms)}; the run goes on, retrying`;

export function summaryOptions(
  ctx: Context,
  temporal: Temporal,
  talk: Talk,
  columns = talk.columns,
): SummaryOptions {
  return {
    columns,
    now: ctx.clock.now(),
    colors: talk.colors,
    link: (run, runId) => temporal.links.run(run, runId),
    needsOperatorLink: temporal.links.needsOperator,
  };
}

/** Says how it ended (or that it goes on) and answers the exit code. */
export function concludeWatch(
  ctx: Context,
  temporal: Temporal,
  talk: Talk,
  run: string,
  { view, interrupted }: Watched,
): ExitCode {
  if (view !== null) talk.result(jsonOf(view));
  if (interrupted || view === null) {
    talk.say(['', `${run} goes on. Watch it again:  watari run watch ${shellWord(run)}`]);
    return EXIT.interrupted;
  }
  const options = summaryOptions(ctx, temporal, talk);
  if (!isOver(view)) {
    talk.say(operatorLines(view, options));
    return EXIT.needsOperator;
  }
  talk.say(summaryLines(view, options));
  return view.state === 'succeeded' ? EXIT.done : EXIT.failed;
}

/** RunStatus as documented, with the state that counts the children in. */
export const jsonOf = (view: RunView): RunView => ({ ...view, state: stateOf(view) });

export function exitCodeOf(view: RunView): ExitCode {
  switch (stateOf(view)) {
    case 'succeeded':
    case 'running':
      return EXIT.done;
    case 'needs-operator':
      return EXIT.needsOperator;
    case 'failed':
    case 'cancelled':
      return EXIT.failed;
  }
}
