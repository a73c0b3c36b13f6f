// Has the cluster examined by its workers, and shows whom it waits for meanwhile. Where nobody could be asked the
// report is made here, of the fact that nobody could.
import { WorkflowFailedError } from '@temporalio/client';
import { diagnose, type DoctorReport } from '../../domain/doctor/diagnose.ts';
import { whoActs } from '../who.ts';
import { includesName, runId } from '../../domain/names.ts';
import type { ClusterSpec, DoctorInput } from '../../domain/spec.ts';
import { isSettled } from '../../domain/status.ts';
import { isOutage, within, type Temporal } from '../temporal/connection.ts';
import type { Context, Talk } from '../context.ts';
import { ClientError } from '../errors.ts';
import { inspectFailed, untilHopeless } from './inspect.ts';
import { readServing } from './serving.ts';
import { askingLine } from '../render/doctor.ts';
import { liveScreen } from '../render/live.ts';
import type { RunView } from '../runs/view.ts';
import { startRun } from '../runs/start.ts';
import { RunTracker } from '../runs/tracker.ts';

export interface DoctorRequest {
  cluster: string;
  /** cluster.yaml, when there is one. */
  wanted: ClusterSpec | null;
  talk: Talk;
  /** Aborted when the reader leaves. */
  signal: AbortSignal;
}

/** The workflow ends within four minutes, whatever its nodes do. */
const LIMIT_MS = 300_000;

/** null: the reader left, and the examination goes on without a reader. */
export async function examineCluster(
  ctx: Context,
  temporal: Temporal,
  request: DoctorRequest,
): Promise<DoctorReport | null> {
  const { cluster, wanted } = request;
  const named = wanted?.nodes ?? [];
  const { missing, present } = await readServing(temporal, cluster, named, ctx.clock.now());
  if (present.length === 0) return nobody(ctx, request);
  try {
    return await ask(ctx, temporal, request, { missing, present });
  } catch (err) {
    // Those that seemed to be there had stopped within the last minute.
    if (err instanceof ClientError && err.code === 'NoWorker') return nobody(ctx, request);
    throw err;
  }
}

function nobody(ctx: Context, { cluster, wanted }: DoctorRequest): DoctorReport {
  const silent = (message: string) => ({ noAnswer: { code: 'NodeNotServed', message } });
  const nodes = (wanted?.nodes ?? []).map(
    (node) => [node, silent(`no worker of ${node} is running: nobody asks for its work`)] as const,
  );
  const view = silent(`no worker of cluster ${cluster} is running`);
  return diagnose(
    { cluster, view, nodes: Object.fromEntries(nodes), wanted },
    { run: null, startedBy: ctx.startedBy, takenAt: ctx.clock.now().toISOString() },
  );
}

async function ask(
  ctx: Context,
  temporal: Temporal,
  { cluster, wanted, talk, signal }: DoctorRequest,
  { missing, present }: { missing: string[]; present: string[] },
): Promise<DoctorReport | null> {
  const startedBy = whoActs(ctx, temporal);
  const input: DoctorInput = {
    cluster,
    // A worker of the cluster's queue alone is no node's.
    nodes: present.filter((node) => !includesName(missing, node)),
    unserved: missing,
    ...(wanted === null ? {} : { wanted }),
    startedBy,
  };
  const started = await startRun(
    temporal,
    {
      workflow: 'doctor',
      id: runId.doctor(cluster),
      cluster,
      summary: `Examine ${cluster}`,
      startedBy,
      input,
      join: true,
    },
    ctx.clock,
  );
  const handle = temporal.client.workflow.getHandle<() => Promise<DoctorReport>>(
    started.run,
    started.runId,
  );
  const over = new AbortController();
  const leave = new Promise<null>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(null);
    });
  });
  const shown = showWaiting(ctx, temporal, started, talk, over.signal);
  try {
    return await Promise.race([
      within(temporal.connection, LIMIT_MS, () => handle.result()),
      untilHopeless(ctx, temporal, cluster, handle, over.signal),
      leave,
    ]);
  } catch (err) {
    if (err instanceof ClientError) await handle.terminate(err.message).catch(() => undefined);
    throw err instanceof WorkflowFailedError ? inspectFailed(cluster, err) : err;
  } finally {
    over.abort();
    await shown;
  }
}

const LOOK_EVERY_MS = 250;
/** A log needs to hear that it still waits, and not more. */
const STILL_EVERY_MS = 10_000;

/** Nodes whose answers are still out. */
export const askedNodes = (view: RunView): string[] =>
  view.steps
    .filter((s) => !isSettled(s.state) && typeof s.evidence['node'] === 'string')
    .map((s) => String(s.evidence['node']));

/**
 * On a terminal one line that changes in place and then is gone; elsewhere a line at the start and every ten seconds.
 */
async function showWaiting(
  ctx: Context,
  temporal: Temporal,
  { run, runId: id }: { run: string; runId: string },
  talk: Talk,
  over: AbortSignal,
): Promise<void> {
  const tracker = new RunTracker(temporal, run, () => ctx.clock.now(), id);
  const screen = talk.stream.isTTY === true ? liveScreen(talk.stream) : null;
  const since = ctx.clock.elapsedMs();
  let saidAt = -STILL_EVERY_MS;
  while (!over.aborted) {
    try {
      const names = askedNodes(await tracker.look());
      const waitedMs = ctx.clock.elapsedMs() - since;
      if (names.length > 0 && !ended(over)) {
        const line = askingLine(names, waitedMs, screen?.columns() ?? talk.columns);
        if (screen !== null) screen.draw([talk.colors.cyan(line)]);
        else if (waitedMs - saidAt >= STILL_EVERY_MS) {
          talk.say([line]);
          saidAt = waitedMs;
        }
      }
    } catch (err) {
      // Whoever waits for the result hears of it.
      if (!isOutage(err)) break;
    }
    await ctx.clock.sleep(LOOK_EVERY_MS, over);
  }
  screen?.print([]);
  screen?.done();
}

/** It may have been aborted while a look was awaited, which the compiler does not know. */
const ended = (signal: AbortSignal): boolean => signal.aborted;
