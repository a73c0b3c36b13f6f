// Encryption of everything that runs carry: inputs, results, heartbeats, memos, messages. AES-256-GCM in the format of
// Temporal's own samples, so that other tools can read it. Used by the client, the workers and the codec server alike.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
// A CommonJS module whose exports Node cannot name: only the default import works outside of test runners.
import proto from '@temporalio/proto';
import type { EncryptionKey } from './keys.ts';

const PayloadMessage = proto.temporal.api.common.v1.Payload;

const ENCODING = 'encoding';
const ENCRYPTED = 'binary/encrypted';
const CIPHER = 'encryption-cipher';
const CIPHER_NAME = 'AES-256-GCM';
const KEY_ID = 'encryption-key-id';
/** What GCM is made for; random ones may repeat only after some 2^32 payloads of one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The payload cannot be read with the keys that there are. The message names ids, never keys. */
export class EncryptionKeyProblem extends Error {
  readonly keyId: string;
  constructor(keyId: string, message: string) {
    super(message);
    this.name = 'EncryptionKeyProblem';
    this.keyId = keyId;
  }
}

/** Reads what any of the keys encrypted, and what nobody encrypted. Without a key it writes plain. */
export function payloadCodec(keys: readonly EncryptionKey[]): PayloadCodec {
  const [writing] = keys;
  return {
    encode: async (payloads) =>
      writing === undefined ? payloads : payloads.map((payload) => encrypt(writing, payload)),
    decode: async (payloads) => payloads.map((payload) => decrypt(keys, payload)),
  };
}

/** How payloads are written and read; a part of every way to Temporal. */
export interface PayloadHandling {
  /** Goes into every Client and every Worker: without it, what the others wrote may be unreadable. */
  dataConverter: DataConverter;
  /** What is written is encrypted. */
  encrypted: boolean;
}

/**
 * For every Client and every Worker. The codec is there without keys too: who meets an encrypted payload then learns
 * which key is missing, and not that an encoding is unknown.
 */
export const payloadHandling = (keys: readonly EncryptionKey[]): PayloadHandling => ({
  encrypted: keys.length > 0,
  dataConverter: {
    payloadCodecs: [payloadCodec(keys)],
    ...(keys.length > 0 && { failureConverterPath: ENCODED_FAILURES }),
  },
});

/** Temporal loads it by `require`, which takes compiled code only. */
const ENCODED_FAILURES = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts')
      ? '../../dist/config/temporal/encoded-failures.js'
      : './encoded-failures.js',
    import.meta.url,
  ),
);

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | null | undefined): string =>
  bytes == null ? '' : new TextDecoder().decode(bytes);

function encrypt({ id, key }: EncryptionKey, payload: Payload): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  const plain = PayloadMessage.encode(payload).finish();
  const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return {
    metadata: {
      [ENCODING]: bytesOf(ENCRYPTED),
      [CIPHER]: bytesOf(CIPHER_NAME),
      [KEY_ID]: bytesOf(id),
    },
    data,
  };
}

export const isEncrypted = (payload: Payload): boolean =>
  textOf(payload.metadata?.[ENCODING]) === ENCRYPTED;

function decrypt(keys: readonly EncryptionKey[], payload: Payload): Payload {
  if (!isEncrypted(payload)) return payload;
  const id = textOf(payload.metadata?.[KEY_ID]);
  const known = keys.find((key) => key.id === id);
  if (known === undefined) throw missing(id, keys);
  const data = payload.data ?? new Uint8Array();
  const end = data.length - TAG_BYTES;
  try {
    const decipher = createDecipheriv('aes-256-gcm', known.key, data.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(data.subarray(end));
    const plain = [decipher.update(data.subarray(NONCE_BYTES, end)), decipher.final()];
    return PayloadMessage.decode(Buffer.concat(plain));
  } catch {
    throw new EncryptionKeyProblem(
      id,
      `a payload encrypted with the key "${id}" cannot be read with the key of that id here: it is another key, or the payload was changed`,
    );
  }
}

function missing(id: string, keys: readonly EncryptionKey[]): EncryptionKeyProblem {
  const here =
    keys.length === 0
      ? 'here there is none (WATARI_ENCRYPTION_KEY_FILE, WATARI_ENCRYPTION_KEY)'
      : `here there ${keys.length === 1 ? 'is' : 'are'} only ${keys.map((k) => `"${k.id}"`).join(', ')}`;
  return new EncryptionKeyProblem(id, `a payload is encrypted with the key "${id}", and ${here}`);
}
