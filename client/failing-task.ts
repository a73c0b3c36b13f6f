// Why a run's program fails again and again: the server keeps the first failure of each such task in the history.
import { within, type Temporal } from './connection.ts';

const CALL_MS = 5_000;
/** The failure is among the last events: nothing is written while the task is tried again. */
const EVENTS = 10;

/** null when no worker has failed at it. Throws EncryptionKeyProblem when its words are encrypted with another key. */
export async function whyTaskFails(temporal: Temporal, workflowId: string): Promise<string | null> {
  const { connection, namespace, client } = temporal;
  const { history } = await within(connection, CALL_MS, () =>
    connection.workflowService.getWorkflowExecutionHistoryReverse({
      namespace,
      execution: { workflowId },
      maximumPageSize: EVENTS,
    }),
  );
  const failure = history?.events
    ?.map((event) => event.workflowTaskFailedEventAttributes?.failure)
    .find((found) => found != null);
  if (failure == null) return null;
  if (failure.encodedAttributes == null) return failure.message ?? null;
  const { payloadConverter, payloadCodecs } = client.options.loadedDataConverter;
  let decoded = [failure.encodedAttributes];
  for (const codec of payloadCodecs.toReversed()) decoded = await codec.decode(decoded);
  const [payload] = decoded;
  const words = payload === undefined ? null : payloadConverter.fromPayload<unknown>(payload);
  return typeof words === 'object' && words !== null && 'message' in words
    ? String(words.message)
    : null;
}
