// How every command ends that starts a run: it returns at once when that was asked for, else it watches to the end.
import type { Context, Talk } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { startRun, type StartRequest } from '../runs/start.ts';
import type { Temporal } from '../temporal/connection.ts';
import { concludeWatch, watchRun } from '../watch.ts';
import { shellWord } from '../words.ts';
import { reasonOf, type ReasonOption } from './reason.ts';
import { interruptible } from './leaf.ts';

export const DETACH = ['--detach', 'return as soon as the run has started'] as const;

export interface LaunchOptions {
  detach?: boolean;
  talk: Talk;
}

export async function launch(
  ctx: Context,
  temporal: Temporal,
  request: StartRequest,
  o: ReasonOption & LaunchOptions,
): Promise<ExitCode> {
  const out = o.talk;
  const started = await startRun(temporal, { ...request, reason: reasonOf(o) }, ctx.clock);
  if (o.detach === true) {
    out.result(started);
    out.say([`Started ${started.run}. Watch it:  watari run watch ${shellWord(started.run)}`]);
    return EXIT.done;
  }
  const watched = await interruptible(ctx, (signal) =>
    watchRun(ctx, temporal, { ...started, talk: out, signal }),
  );
  return concludeWatch(ctx, temporal, out, started.run, watched);
}
