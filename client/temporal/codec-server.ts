// The codec server: the Temporal UI and the temporal command have no keys, so they send encrypted payloads here and get
// them back in plain. Whoever may call it can read everything, hence the loopback and one origin.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { EncryptionKeyProblem } from '../../config/temporal/encryption.ts';

export interface CodecServerOptions {
  codec: PayloadCodec;
  ip: string;
  /** 0 picks one. */
  port: number;
  /** Origins of web pages that may call it, `http://127.0.0.1:8233`. */
  origins: readonly string[];
}

export interface CodecServer {
  url: string;
  close(): Promise<void>;
}

const PayloadsMessage = proto.temporal.api.common.v1.Payloads;
/** A page of history; the server's own limit of one message is 4 MB. */
const BODY_MAX = 8 * 2 ** 20;
const LOOPBACK_HOSTS = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

export async function startCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const server = http.createServer((request, response) => {
    answer(request, options).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port, options.ip, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.ip.includes(':') ? `[${options.ip}]` : options.ip;
  return {
    url: `http://${host}:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answer {
  status: number;
  headers: http.OutgoingHttpHeaders;
  body?: string;
}

async function answer(request: http.IncomingMessage, o: CodecServerOptions): Promise<Answer> {
  const origin = request.headers.origin;
  const headers = corsHeaders(origin, o.origins);
  const refused = (status: number, body: string): Answer => ({ status, headers, body });
  // A page elsewhere may call us by a name of its own that leads to the loopback.
  if (isLoopback(o.ip) && !LOOPBACK_HOSTS.test(request.headers.host ?? '')) {
    return refused(403, 'not by this name');
  }
  if (origin !== undefined && !o.origins.includes(origin)) return refused(403, 'not this origin');
  const deed = deedOf(request, o.codec);
  if (deed === null) return refused(404, 'POST /encode or /decode');
  if (request.method === 'OPTIONS') return { status: 204, headers };
  if (request.method !== 'POST') return refused(405, 'POST /encode or /decode');
  // Browsers send anything else to anywhere without asking first.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    return refused(415, 'application/json');
  }
  const payloads = parsePayloads(await bodyOf(request));
  if (payloads === null) return refused(400, 'no payloads in JSON');
  try {
    const body = JSON.stringify(payloadsJson(await deed(payloads)));
    return { status: 200, headers: { ...headers, 'content-type': 'application/json' }, body };
  } catch (err) {
    if (err instanceof EncryptionKeyProblem) return refused(400, err.message);
    throw err;
  }
}

const isLoopback = (ip: string): boolean => ip.startsWith('127.') || ip === '::1';

type Deed = (payloads: Payload[]) => Promise<Payload[]>;

function deedOf({ url = '' }: http.IncomingMessage, codec: PayloadCodec): Deed | null {
  switch (url.split('?')[0]) {
    case '/encode':
      return (payloads) => codec.encode(payloads);
    case '/decode':
      return (payloads) => codec.decode(payloads);
    default:
      return null;
  }
}

function corsHeaders(
  origin: string | undefined,
  origins: readonly string[],
): http.OutgoingHttpHeaders {
  const base = { vary: 'Origin', 'cache-control': 'no-store' };
  if (origin === undefined || !origins.includes(origin)) return base;
  return {
    ...base,
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'POST, OPTIONS',
    'access-control-allow-headers': 'content-type, x-namespace, authorization',
    'access-control-allow-credentials': 'true',
    // The UI may come from another address than this computer; Chrome asks before it reaches in.
    'access-control-allow-private-network': 'true',
  };
}

/** null when it is longer than anything that the UI sends. */
async function bodyOf(request: http.IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsePayloads(body: string | null): Payload[] | null {
  try {
    const parsed: unknown = JSON.parse(body ?? '');
    if (!isPayloads(parsed)) return null;
    // Bytes are base64 in JSON, as protobuf wants it.
    return PayloadsMessage.fromObject(parsed).payloads;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isBytes = (value: unknown): boolean => value == null || typeof value === 'string';

/** protobuf itself takes numbers for bytes, and anything with a length, of which it then makes that many. */
const isPayloads = (value: unknown): value is Record<string, unknown> =>
  isObject(value) &&
  Array.isArray(value['payloads'] ?? []) &&
  ((value['payloads'] ?? []) as unknown[]).every(
    (one) =>
      isObject(one) &&
      isBytes(one['data']) &&
      isObject(one['metadata'] ?? {}) &&
      Object.values(one['metadata'] ?? {}).every((bytes) => typeof bytes === 'string'),
  );

/** protobuf leaves an empty list out, and whoever asked goes through it. */
const payloadsJson = (payloads: Payload[]): object => ({
  payloads: [],
  ...PayloadsMessage.toObject(PayloadsMessage.create({ payloads }), { bytes: String }),
});
