// For lists of runs, which workers/people.ts and workers/past-moves.ts read: nothing that a run carries is decoded.
// Never for what a run says or answers.
import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type PayloadCodec } from '@temporalio/common';

/** One memo that was encrypted with a key that is not here would hide all other runs; a list needs none of them. */
export function listingClient({ connection, options: { namespace } }: Client): Client {
  const unread = defaultPayloadConverter.toPayload(null);
  const codec: PayloadCodec = {
    encode: () => Promise.reject(new Error('a client for lists sends nothing')),
    decode: (payloads) => Promise.resolve(payloads.map(() => unread)),
  };
  return new Client({ connection, namespace, dataConverter: { payloadCodecs: [codec] } });
}
