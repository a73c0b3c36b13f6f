// Reads the cluster through its workers, and says which node has none before anything waits for it.
import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure } from '@temporalio/common';
import type { Snapshot } from '../../domain/facts.ts';
import { whoActs } from '../who.ts';
import { failureRow, isFailureCode } from '../../domain/failures.ts';
import { clusterQueue, runId, type WorkflowName } from '../../domain/names.ts';
import type { Budgets, InspectClusterInput } from '../../domain/spec.ts';
import { within, type Temporal } from '../temporal/connection.ts';
import type { Context } from '../context.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { isTriedAgain, whyTaskFails } from '../runs/failing-task.ts';
import { readServing } from './serving.ts';

/** Every node answers within its `answerSeconds` or is reported as silent; this is for all of that and some more. */
export const INSPECT_MS = 150_000;

export interface InspectRequest {
  cluster: string;
  nodes: string[];
  /** Disk files to look for. */
  files?: string[];
  /** The VM whose move the look is for; absent: all that there is, which takes longer. */
  about?: string;
  budgets?: Partial<Budgets>;
}

/** A server remembers who asks for work in its memory only. */
const JUST_STARTED =
  'Did the server or a worker start just now? It takes some seconds until they have found each other: try again.';

/** Fails with exit code 2 and the names of the workers that there are. */
export async function requireWorkers(
  ctx: Context,
  temporal: Temporal,
  cluster: string,
  nodes: readonly string[],
): Promise<void> {
  const { missing, present } = await readServing(temporal, cluster, nodes, ctx.clock.now());
  if (missing.length === 0 && present.length > 0) return;
  if (present.length === 0) {
    throw badInput(
      `no worker of cluster ${cluster} is running (nobody asks for work on ${clusterQueue(cluster)})`,
      `Start one on every node:  watari worker start --cluster ${cluster}\n${JUST_STARTED}`,
      'NoWorker',
    );
  }
  throw badInput(
    `no worker serves ${missing.join(', ')} of cluster ${cluster}`,
    `Workers are running on: ${present.join(', ')}.\n` +
      `Correct the node names, or start on ${missing.join(' and ')}:  watari worker start --cluster ${cluster}\n` +
      JUST_STARTED,
    'NoWorker',
  );
}

export async function inspectCluster(
  ctx: Context,
  temporal: Temporal,
  request: InspectRequest,
): Promise<Snapshot> {
  // A worker of an older version looks at everything, which is more than enough.
  const mayIgnore = ['about'];
  const startedBy = whoActs(ctx, temporal);
  const input: InspectClusterInput = {
    ...request,
    startedBy,
    ...(request.about !== undefined && { mayIgnore }),
  };
  return lookBy<InspectClusterInput, Snapshot>(ctx, temporal, {
    workflow: 'inspectCluster',
    id: runId.inspect(request.cluster, randomUUID().slice(0, 8)),
    summary: `Look at cluster ${request.cluster}`,
    input,
    limitMs: INSPECT_MS,
  });
}

interface Look<Input, Result> {
  workflow: WorkflowName;
  id: string;
  summary: string;
  input: Input;
  /** It ends within this, whatever its nodes do. */
  limitMs: number;
  /** How its answer is had; absent: it is the run's result. */
  answer?: (handle: WorkflowHandle) => Promise<Result>;
}

/** Starts a run that only looks, and waits for what it tells. */
export async function lookBy<Input extends { cluster: string; startedBy: string }, Result>(
  ctx: Context,
  temporal: Temporal,
  { workflow, id, summary, input, limitMs, answer }: Look<Input, Result>,
): Promise<Result> {
  const { cluster } = input;
  const { client, connection } = temporal;
  const handle = await within(connection, CALL_MS, () =>
    client.workflow.start<(i: Input) => Promise<Result>>(workflow, {
      workflowId: id,
      taskQueue: clusterQueue(cluster),
      args: [input],
      workflowExecutionTimeout: limitMs,
      staticSummary: summary,
      memo: { startedBy: input.startedBy },
    }),
  );
  const over = new AbortController();
  try {
    return await Promise.race([
      within(connection, limitMs + CALL_MS, () =>
        answer === undefined ? handle.result() : answer(handle),
      ),
      untilHopeless(ctx, temporal, cluster, handle, over.signal),
    ]);
  } catch (err) {
    // Only now: its end would be an answer too, and a worse one than ours.
    if (err instanceof ClientError) await handle.terminate(err.message).catch(() => undefined);
    if (err instanceof WorkflowFailedError) throw inspectFailed(cluster, err);
    throw err;
  } finally {
    over.abort();
  }
}

const CALL_MS = 10_000;
/** A live worker takes a look within milliseconds, one that lost a colleague's cached runs within three seconds. */
const CLAIM_MS = 10_000;
/** A task that fails is tried again at once, perhaps by a better worker, and after that only every ten seconds. */
const FAILING_MS = 3_000;
/** Started and scheduled: all that happens before a worker comes. */
const EVENTS_BEFORE_A_WORKER = 2;

/**
 * Rejects when no worker took it (those that died just now still seem to be there), or none is able to. The caller ends
 * the run then: not here, because its end would be an answer too, and a worse one than this.
 */
export async function untilHopeless(
  ctx: Context,
  temporal: Temporal,
  cluster: string,
  handle: WorkflowHandle,
  over: AbortSignal,
): Promise<never> {
  for (const ms of [FAILING_MS, CLAIM_MS - FAILING_MS]) {
    await ctx.clock.sleep(ms, over);
    const info = over.aborted
      ? null
      : await within(temporal.connection, CALL_MS, () => handle.describe());
    if (info === null) return new Promise<never>(() => undefined);
    if (isTriedAgain(info)) {
      const why = await whyTaskFails(temporal, handle.workflowId);
      if (why !== null) throw cannotLook(cluster, why);
    } else if (ms !== FAILING_MS && info.historyLength <= EVENTS_BEFORE_A_WORKER) {
      throw badInput(
        `no worker of cluster ${cluster} answers: those that were there have stopped within the last minute`,
        `Start one on every node:  watari worker start --cluster ${cluster}`,
        'NoWorker',
      );
    }
  }
  return new Promise<never>(() => undefined);
}

const cannotLook = (cluster: string, why: string): ClientError =>
  new ClientError({
    code: 'InspectFailed',
    message: `the workers of cluster ${cluster} cannot look: ${why}`,
    hint: 'Are they and this command of one version, and have they the same encryption keys? Their logs say more.',
    exitCode: EXIT.failed,
  });

export function inspectFailed(cluster: string, err: WorkflowFailedError): ClientError {
  const root = rootCause(err);
  const code =
    root instanceof ApplicationFailure && root.type != null ? root.type : 'InspectFailed';
  return new ClientError({
    code,
    message: `cluster ${cluster} could not be looked at: ${root.message}`,
    hint: isFailureCode(code) ? failureRow(code).hint : '',
    exitCode: EXIT.failed,
    cause: err,
  });
}

/** The failure that a node told, below the wrappings of activity and child workflow. */
function rootCause(err: Error): Error {
  let e = err;
  while (
    (e instanceof WorkflowFailedError ||
      e instanceof ActivityFailure ||
      e instanceof ChildWorkflowFailure) &&
    e.cause instanceof Error
  ) {
    e = e.cause;
  }
  return e;
}
