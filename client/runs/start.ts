// Starting a run. A workflow's id is its lock, so a second start is refused with the words that say who holds it.
import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributePair,
} from '@temporalio/common';
import { ATTRIBUTE, clusterQueue, type WorkflowName } from '../../domain/names.ts';
import type { Clock } from '../context.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { within, type Temporal } from '../temporal/connection.ts';
import { createByHand, ensureSearchAttributes } from '../temporal/search-attributes.ts';
import { dateTime, shellWord } from '../words.ts';

export interface StartRequest {
  workflow: WorkflowName;
  id: string;
  cluster: string;
  node?: string;
  vm?: string;
  /** One line for the lists of the Temporal UI. */
  summary: string;
  startedBy: string;
  reason?: string | undefined;
  input: object;
  /** Be content with the one that runs already. Only for runs that change nothing. */
  join?: true;
}

export interface StartedRun {
  run: string;
  runId: string;
}

const CALL_MS = 10_000;
/** A new attribute is usable after about a second; behind a cluster of servers their caches take up to ten. */
const MAPPING_MS = 10_000;

export async function startRun(
  temporal: Temporal,
  request: StartRequest,
  clock: Clock,
): Promise<StartedRun> {
  try {
    const handle = await withAttributes(temporal, clock, () => startOnce(temporal, request));
    return { run: handle.workflowId, runId: handle.firstExecutionRunId };
  } catch (err) {
    if (err instanceof WorkflowExecutionAlreadyStartedError) {
      throw await alreadyRunning(temporal, request.id);
    }
    throw err;
  }
}

/** Starts what carries our search attributes, on a server that may have learnt of them this moment. */
export async function withAttributes<T>(
  temporal: Temporal,
  clock: Clock,
  start: () => Promise<T>,
): Promise<T> {
  await ensureSearchAttributes(temporal);
  const giveUpAt = clock.elapsedMs() + MAPPING_MS;
  for (;;) {
    try {
      return await within(temporal.connection, CALL_MS, start);
    } catch (err) {
      if (!isMappingMissing(err)) throw err;
      if (clock.elapsedMs() > giveUpAt) throw attributesMissing(temporal, err);
      await clock.sleep(500);
    }
  }
}

const startOnce = (temporal: Temporal, r: StartRequest) =>
  temporal.client.workflow.start(r.workflow, {
    workflowId: r.id,
    taskQueue: clusterQueue(r.cluster),
    args: [withReason(r.input, r.reason)],
    workflowIdConflictPolicy: r.join === true ? 'USE_EXISTING' : 'FAIL',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    typedSearchAttributes: attributesOf(r),
    staticSummary: r.summary,
    memo: memoOf(r),
  });

/** Readable without a worker: who holds the lock, and why. */
export const memoOf = (r: Pick<StartRequest, 'startedBy' | 'reason'>): Record<string, string> => ({
  startedBy: r.startedBy,
  ...(r.reason === undefined ? {} : { reason: r.reason }),
});

/** Workers of an older version do not know it, and go on without it. */
export const withReason = (input: object, reason: string | undefined): object =>
  reason === undefined ? input : { ...input, reason, mayIgnore: ['reason'] };

export function attributesOf(
  r: Pick<StartRequest, 'cluster' | 'node' | 'vm'>,
): SearchAttributePair[] {
  const keyword = (name: string, value: string): SearchAttributePair => ({
    key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
    value,
  });
  return [
    keyword(ATTRIBUTE.cluster, r.cluster),
    ...(r.node === undefined ? [] : [keyword(ATTRIBUTE.node, r.node)]),
    ...(r.vm === undefined ? [] : [keyword(ATTRIBUTE.vm, r.vm)]),
    {
      key: defineSearchAttributeKey(ATTRIBUTE.needsOperator, SearchAttributeType.BOOL),
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
