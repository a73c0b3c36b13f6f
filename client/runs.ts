// Starting, finding and steering runs. A workflow's id is its lock, so a second start is refused with the words that
// say who holds it.
import {
  Client,
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type WorkflowExecutionInfo,
} from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type Payload,
  type PayloadCodec,
  type SearchAttributePair,
} from '@temporalio/common';
import { EncryptionKeyProblem } from '../config/temporal/encryption.ts';
import type { WorkflowName } from '../domain/names.ts';
import { clusterQueue } from '../domain/names.ts';
import { MESSAGES, type Decision } from '../domain/status.ts';
import { grpcCodeOf, isOutage, within, type Temporal } from './temporal/connection.ts';
import type { Clock } from './context.ts';
import { ClientError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { dateTime } from './render/format.ts';
import { shellWord } from './render/summary.ts';
import { clusterOfRun, isFullName, pickRun, RUN_PREFIX, runNotFound } from './runs/names.ts';
import { createByHand, ensureSearchAttributes } from './temporal/search-attributes.ts';

export interface StartRequest {
  workflow: WorkflowName;
  id: string;
  cluster: string;
  node?: string;
  vm?: string;
  /** One line for the lists of the Temporal UI. */
  summary: string;
  startedBy: string;
  input: object;
  /** Be content with the one that runs already. Only for runs that change nothing. */
  join?: true;
}

export interface StartedRun {
  run: string;
  runId: string;
}

const CALL_MS = 10_000;
/** Runs of one answer; some 700 bytes each, of the 4 MB that an answer may have. */
const PAGE = 500;
/** A new attribute is usable after about a second; behind a cluster of servers their caches take up to ten. */
const MAPPING_MS = 10_000;

export async function startRun(
  temporal: Temporal,
  request: StartRequest,
  clock: Clock,
): Promise<StartedRun> {
  await ensureSearchAttributes(temporal);
  const giveUpAt = clock.now().getTime() + MAPPING_MS;
  for (;;) {
    try {
      const handle = await within(temporal.connection, CALL_MS, () => startOnce(temporal, request));
      return { run: handle.workflowId, runId: handle.firstExecutionRunId };
    } catch (err) {
      if (err instanceof WorkflowExecutionAlreadyStartedError) {
        throw await alreadyRunning(temporal, request.id);
      }
      if (!isMappingMissing(err)) throw err;
      if (clock.now().getTime() > giveUpAt) throw attributesMissing(temporal, err);
      await clock.sleep(500);
    }
  }
}

const startOnce = (temporal: Temporal, r: StartRequest) =>
  temporal.client.workflow.start(r.workflow, {
    workflowId: r.id,
    taskQueue: clusterQueue(r.cluster),
    args: [r.input],
    workflowIdConflictPolicy: r.join === true ? 'USE_EXISTING' : 'FAIL',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    typedSearchAttributes: attributesOf(r),
    staticSummary: r.summary,
    memo: { startedBy: r.startedBy },
  });

function attributesOf(r: StartRequest): SearchAttributePair[] {
  const keyword = (name: string, value: string): SearchAttributePair => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  });
  return [
    keyword('WatariCluster', r.cluster),
    ...(r.node === undefined ? [] : [keyword('WatariNode', r.node)]),
    ...(r.vm === undefined ? [] : [keyword('WatariVm', r.vm)]),
    {
      key: defineSearchAttributeKey('WatariNeedsOperator', SearchAttributeType.BOOL),
      value: false,
    },
  ];
}

/** The server has no code of its own for this, only these words (not localised). */
function isMappingMissing(err: unknown): boolean {
  const cause = err instanceof Error ? err.cause : undefined;
  return (
    isGrpcServiceError(cause) && /no mapping defined for search attribute/i.test(cause.details)
  );
}

const attributesMissing = (temporal: Temporal, cause: unknown): ClientError =>
  new ClientError({
    code: 'SearchAttributesMissing',
    message: `namespace "${temporal.namespace}" lacks our search attributes, and we may not create them`,
    hint: `Have them created:  ${createByHand(temporal.namespace)}`,
    exitCode: EXIT.failed,
    cause,
  });

async function alreadyRunning(temporal: Temporal, id: string): Promise<ClientError> {
  const info = await within(temporal.connection, CALL_MS, () =>
    temporal.client.workflow.getHandle(id).describe(),
  ).catch(() => null);
  const since = info === null ? '' : ` since ${dateTime(info.startTime)}`;
  const by = info?.memo?.['startedBy'];
  const who = typeof by === 'string' ? `, started by ${by}` : parentOf(info);
  return new ClientError({
    code: 'AlreadyRunning',
    message: `${id} is already running${since}${who}`,
    hint: `Watch it with:  watari run watch ${shellWord(id)}`,
    exitCode: EXIT.failed,
  });
}

const parentOf = (info: { parentExecution?: { workflowId?: string | null } } | null): string => {
  const parent = info?.parentExecution?.workflowId;
  return parent == null ? '' : `, as a part of ${parent}`;
};

export interface RunFilter {
  cluster: string | null;
  needsOperator: boolean;
  /** Ended runs too. */
  all: boolean;
}

export interface RunListed {
  run: string;
  runId: string;
  workflow: string;
  state: 'running' | 'needs-operator' | 'succeeded' | 'failed' | 'cancelled';
  startedAt: string;
  endedAt: string | null;
  startedBy: string | null;
  parent: string | null;
}

/** More than fit a screen; a list is for orientation, the Temporal UI is for digging. */
export const LIST_DEFAULT = 200;
/** A name is looked for among so many of the newest runs. */
const NAMES_MAX = 2_000;

/** Newest first, at most `max`. The server's list is up to a second behind. */
export async function listRuns(
  temporal: Temporal,
  filter: RunFilter,
  max = LIST_DEFAULT,
): Promise<RunListed[]> {
  const runs: RunListed[] = [];
  const query = listQuery(filter);
  await within(temporal.connection, CALL_MS, async () => {
    for await (const info of forgiving(temporal).workflow.list({ query, pageSize: PAGE })) {
      if (info.type === 'inspectCluster') continue;
      runs.push(listed(info));
      if (runs.length >= max) break;
    }
  });
  return runs;
}

/** One run whose memo was encrypted with a key that is not here must not hide all the others. */
function forgiving({ connection, namespace, client }: Temporal): Client {
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  const unreadable = payloadConverter.toPayload(null);
  const codecs = payloadCodecs.map((codec): PayloadCodec => {
    const decode = async (payload: Payload): Promise<Payload> => {
      const [decoded = payload] = await codec.decode([payload]);
      return decoded;
    };
    return {
      encode: (payloads) => codec.encode(payloads),
      decode: (payloads) =>
        Promise.all(
          payloads.map((payload) =>
            decode(payload).catch((err: unknown) => {
              if (err instanceof EncryptionKeyProblem) return unreadable;
              throw err;
            }),
          ),
        ),
    };
  });
  return new Client({ connection, namespace, dataConverter: { payloadCodecs: codecs } });
}

/** Ids are ours and say the cluster, so the list works before the attributes are registered. */
export function listQuery(filter: RunFilter): string {
  const prefix = filter.cluster === null ? RUN_PREFIX : `${RUN_PREFIX}${idPart(filter.cluster)}/`;
  const parts = [`WorkflowId STARTS_WITH '${prefix.replaceAll("'", "''")}'`];
  if (filter.needsOperator) parts.push('WatariNeedsOperator = true');
  if (!filter.all) parts.push("ExecutionStatus = 'Running'");
  return parts.join(' AND ');
}

/** The cluster's part of an id, spelled by the only place that may spell it. */
const idPart = (cluster: string): string => clusterQueue(cluster).slice('watari.'.length);

function listed(info: WorkflowExecutionInfo): RunListed {
  const waits = info.typedSearchAttributes.get(
    defineSearchAttributeKey('WatariNeedsOperator', SearchAttributeType.BOOL),
  );
  const by = info.memo?.['startedBy'];
  return {
    run: info.workflowId,
    runId: info.runId,
    workflow: info.type,
    state: stateOfStatus(info.status.name, waits === true),
    startedAt: info.startTime.toISOString(),
    endedAt: info.closeTime?.toISOString() ?? null,
    startedBy: typeof by === 'string' ? by : null,
    parent: info.parentExecution?.workflowId ?? null,
  };
}

export function stateOfStatus(name: string, needsOperator: boolean): RunListed['state'] {
  switch (name) {
    case 'RUNNING':
    case 'PAUSED':
      return needsOperator ? 'needs-operator' : 'running';
    case 'COMPLETED':
      return 'succeeded';
    case 'CANCELLED':
      return 'cancelled';
    default:
      return 'failed';
  }
}

/**
 * The full id of the run that a person named. Asks the server directly first: its list lags.
 *
 * @param only look in this cluster alone; otherwise it is where to look first.
 */
export async function resolveRun(
  temporal: Temporal,
  given: string,
  cluster: string | null,
  only: boolean,
): Promise<string> {
  const full = isFullName(given);
  const direct = full
    ? [given, given.toLowerCase()]
    : cluster === null
      ? []
      : [`${RUN_PREFIX}${idPart(cluster)}/${given.toLowerCase()}`];
  for (const id of new Set(direct)) if (await runExists(temporal, id)) return id;
  const where = full ? clusterOfRun(given.toLowerCase()) : only ? cluster : null;
  const filter = { cluster: where, needsOperator: false, all: true };
  const runs = await listRuns(temporal, filter, NAMES_MAX);
  const ids = runs.map((r) => r.run);
  if (full) throw runNotFound(given, ids, where);
  return pickRun(given, ids, where);
}

async function runExists(temporal: Temporal, id: string): Promise<boolean> {
  try {
    await within(temporal.connection, CALL_MS, () =>
      temporal.client.workflow.getHandle(id).describe(),
    );
    return true;
  } catch (err) {
    if (err instanceof WorkflowNotFoundError) return false;
    throw err;
  }
}

/** @param updateId makes a repeat after a lost answer harmless. */
export async function decide(
  temporal: Temporal,
  run: string,
  decision: Decision,
  updateId: string,
): Promise<string> {
  const handle = temporal.client.workflow.getHandle(run);
  try {
    const answer = await within(temporal.connection, CALL_MS, () =>
      handle.executeUpdate<{ accepted: string }, [Decision]>(MESSAGES.decide, {
        args: [decision],
        updateId,
      }),
    );
    return answer.accepted;
  } catch (err) {
    throw decisionFailed(err, run, decision);
  }
}

function decisionFailed(err: unknown, run: string, d: Decision): unknown {
  const refused = (code: string, message: string, hint: string): ClientError =>
    new ClientError({ code, message, hint, exitCode: EXIT.failed, cause: err });
  const look = `See how it stands:  watari run show ${shellWord(run)}`;
  if (err instanceof WorkflowUpdateFailedError) {
    return refused('DecisionRefused', err.cause?.message ?? err.message, look);
  }
  if (err instanceof WorkflowNotFoundError) {
    return refused('RunOver', `${run} is over; there is nothing to ${d.action}`, look);
  }
  if (err instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isOutage(err)) {
    return refused(
      'DecisionUndelivered',
      `no worker took the decision for ${d.step} of ${run} within ${String(CALL_MS / 1000)} s; it may still be taken`,
      `Are the cluster's workers running?  ${look}`,
    );
  }
  if (grpcCodeOf(err) === FAILED_PRECONDITION) {
    return refused(
      'DecisionUndelivered',
      `the decision for ${d.step} of ${run} was not taken: its program fails on the workers, or there is none`,
      look,
    );
  }
  return err;
}

/** "Workflow Task in failed state". */
const FAILED_PRECONDITION = 9;

export async function cancelRun(temporal: Temporal, run: string): Promise<void> {
  const handle = temporal.client.workflow.getHandle(run);
  const over = new ClientError({
    code: 'RunOver',
    message: `${run} is over; there is nothing to cancel`,
    hint: `See how it ended:  watari run show ${shellWord(run)}`,
    exitCode: EXIT.failed,
  });
  try {
    // Servers take the cancellation of an ended run without a word.
    const info = await within(temporal.connection, CALL_MS, () => handle.describe());
    if (info.status.name !== 'RUNNING' && info.status.name !== 'PAUSED') throw over;
    await within(temporal.connection, CALL_MS, () => handle.cancel());
  } catch (err) {
    throw err instanceof WorkflowNotFoundError ? over : err;
  }
}
