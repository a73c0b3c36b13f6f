// A client that lists runs and reads nothing of what they were given: one whose memo was encrypted with a key that is not
// here must not hide all the others.
import { Client } from '@temporalio/client';
import { defaultPayloadConverter, type PayloadCodec } from '@temporalio/common';

const NOTHING = defaultPayloadConverter.toPayload(null);

const unread: PayloadCodec = {
  encode: (payloads) => Promise.resolve(payloads),
  decode: (payloads) => Promise.resolve(payloads.map(() => NOTHING)),
};

export const listingClient = ({ connection, options: { namespace } }: Client): Client =>
  new Client({ connection, namespace, dataConverter: { payloadCodecs: [unread] } });
