// Finding runs: the list of them, and the one that a person names.
import { Client, WorkflowNotFoundError, type WorkflowExecutionInfo } from '@temporalio/client';
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type Payload,
  type PayloadCodec,
} from '@temporalio/common';
import { EncryptionKeyProblem } from '../../config/temporal/encryption.ts';
import { ATTRIBUTE, LEDGER_WORKFLOW, LOOKS, RUN_PREFIX, runsOf } from '../../domain/names.ts';
import { within, type Temporal } from '../temporal/connection.ts';
import { clusterOfRun, isFullName, pickRun, runNotFound } from './names.ts';

const CALL_MS = 10_000;
/** Runs of one answer; some 700 bytes each, of the 4 MB that an answer may have. */
const PAGE = 500;

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
  reason: string | null;
  parent: string | null;
}

/** More than fit a screen; a list is for orientation, the Temporal UI is for digging. */
export const LIST_DEFAULT = 200;
/** A name is looked for among so many of the newest runs. */
const NAMES_MAX = 2_000;

/** Looks, and the order of moves: nobody started them as runs, and nobody steers them. */
const UNLISTED: readonly string[] = [...LOOKS, LEDGER_WORKFLOW];

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
      if (UNLISTED.includes(info.type)) continue;
      runs.push(listed(info));
      if (runs.length >= max) break;
    }
  });
  return runs;
}

/**
 * Without those that only begin another run, where that one is in the list: a scheduled night is one line, and one that
 * could not begin is, too.
 */
export const withoutOccurrences = (runs: readonly RunListed[]): RunListed[] =>
  runs.filter(
    ({ workflow, run }) =>
      workflow !== 'scheduledMaintenance' || !runs.some(({ parent }) => parent === run),
  );

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
  const prefix = filter.cluster === null ? RUN_PREFIX : runsOf(filter.cluster);
  const parts = [`WorkflowId STARTS_WITH '${prefix.replaceAll("'", "''")}'`];
  if (filter.needsOperator) parts.push(`${ATTRIBUTE.needsOperator} = true`);
  if (!filter.all) parts.push("ExecutionStatus = 'Running'");
  return parts.join(' AND ');
}

function listed(info: WorkflowExecutionInfo): RunListed {
  const waits = info.typedSearchAttributes.get(
    defineSearchAttributeKey(ATTRIBUTE.needsOperator, SearchAttributeType.BOOL),
  );
  const { startedBy: by, reason } = info.memo ?? {};
  return {
    run: info.workflowId,
    runId: info.runId,
    workflow: info.type,
    state: stateOfStatus(info.status.name, waits === true),
    startedAt: info.startTime.toISOString(),
    endedAt: info.closeTime?.toISOString() ?? null,
    startedBy: typeof by === 'string' ? by : null,
    reason: typeof reason === 'string' ? reason : null,
    parent: info.parentExecution?.workflowId ?? null,
  };
}

/** Of Temporal's words for an execution. */
export const isOpen = ({ status }: Pick<WorkflowExecutionInfo, 'status'>): boolean =>
  stateOfStatus(status.name, false) === 'running';

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
      : [given, given.toLowerCase()].map((end) => `${runsOf(cluster)}${end}`);
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
