// Why a run's program fails again and again: the server keeps the first failure of each such task in the history. What
// an upgrade brings about is told in its own words: a worker that is older than the run or than this command.
import { within, type Temporal } from '../temporal/connection.ts';

const CALL_MS = 5_000;
/** The failure is among the last events: nothing is written while the task is tried again. */
const EVENTS = 10;

/** A task that was tried before has failed, or its worker died. */
export const isTriedAgain = (info: {
  raw: { pendingWorkflowTask?: { attempt?: number | null } | null };
}): boolean => (info.raw.pendingWorkflowTask?.attempt ?? 1) > 1;

/**
 * In words, and with the worker that failed. null when no worker has failed at its last task. Throws
 * EncryptionKeyProblem when the words are encrypted with another key.
 */
export async function whyTaskFails(temporal: Temporal, workflowId: string): Promise<string | null> {
  const { connection, namespace } = temporal;
  const { history } = await within(connection, CALL_MS, () =>
    connection.workflowService.getWorkflowExecutionHistoryReverse({
      namespace,
      execution: { workflowId },
      maximumPageSize: EVENTS,
    }),
  );
  for (const event of history?.events ?? []) {
    // Whatever failed before this was mended since.
    if (event.workflowTaskCompletedEventAttributes != null) return null;
    const failed = event.workflowTaskFailedEventAttributes;
    if (failed?.failure == null) continue;
    const node = (failed.identity ?? '').split('/')[0] ?? '';
    return inWords(await wordsOf(temporal, failed.failure), node);
  }
  return null;
}

interface Failure {
  message?: string | null;
  encodedAttributes?:
    | Parameters<
        Temporal['client']['options']['loadedDataConverter']['payloadConverter']['fromPayload']
      >[0]
    | null;
}

async function wordsOf({ client }: Temporal, failure: Failure): Promise<string> {
  if (failure.encodedAttributes == null) return failure.message ?? '';
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  let decoded = [failure.encodedAttributes];
  for (const codec of payloadCodecs.toReversed()) decoded = await codec.decode(decoded);
  const [payload] = decoded;
  const words = payload === undefined ? null : payloadConverter.fromPayload<unknown>(payload);
  return typeof words === 'object' && words !== null && 'message' in words
    ? String(words.message)
    : '';
}

/** The SDK and the core have no codes for these, only words (not localised). */
function inWords(words: string, node: string): string {
  const worker = node === '' ? 'a worker' : `the worker of ${node}`;
  const unknown = /workflow of type '([^']+)'.*no such function/.exec(words)?.[1];
  if (unknown !== undefined) return `${worker} is of a version of watari that has no ${unknown}`;
  if (words.includes('TMPRL1100')) {
    return `${worker} is of another version of watari than the one that brought the run here, and cannot go on with it (${words})`;
  }
  return words === '' ? `${worker} does not say why` : words;
}
