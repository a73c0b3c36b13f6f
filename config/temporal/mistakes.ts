// Asks a Temporal server on the wire why it will not talk to us: one TCP connection, one TLS handshake, the first frame
// of HTTP/2. grpc-js tells a wrong certificate from silence not at all, and this takes milliseconds. The one file of
// this folder that opens a socket: the client and the workers both need it, and have no other folder in common.
import net from 'node:net';
import tls from 'node:tls';
import { X509Certificate } from 'node:crypto';
import type { TemporalConnection } from './connection.ts';

export type MistakeKind =
  | 'unreachable'
  | 'no-client-certificate'
  | 'client-certificate-refused'
  | 'client-certificate-expired'
  | 'client-certificate-invalid'
  | 'unknown-authority'
  | 'server-certificate-expired'
  | 'wrong-server-name'
  | 'server-wants-tls'
  | 'server-has-no-tls'
  | 'closed';

export interface Mistake {
  kind: MistakeKind;
  /** What is wrong and how it was seen, without a full stop at the end. */
  message: string;
  /** What to do about it. */
  hint: string;
  /** Waiting does not mend it: a person must. */
  lasting: boolean;
}

export interface ProbeOptions {
  timeoutMs?: number;
  now?: () => Date;
}

type Connection = TemporalConnection['connectionOptions'];

/** What `@temporalio/envconfig` makes of certificates. */
interface TlsSettings {
  serverNameOverride?: string;
  serverRootCACertificate?: Uint8Array;
  clientCertPair?: { crt: Uint8Array; key: Uint8Array };
}

interface Address {
  host: string;
  port: number;
}

const PROBE_MS = 1500;

/** null when a server answers as Temporal does, or when what is wrong cannot be said. Never throws. */
export async function findMistake(
  connection: Connection,
  options: ProbeOptions = {},
): Promise<Mistake | null> {
  const now = (options.now ?? (() => new Date()))();
  const timeoutMs = options.timeoutMs ?? PROBE_MS;
  const address = split(connection.address);
  if (!connection.tls) return plainMistake(address, timeoutMs);
  const settings: TlsSettings = connection.tls === true ? {} : connection.tls;
  const own = ownCertificate(settings);
  if (own.mistake !== null) return own.mistake;
  const serverName = settings.serverNameOverride ?? address.host;
  const seen = await talkTls(address, timeoutMs, {
    ...(net.isIP(serverName) === 0 && { servername: serverName }),
    ...(settings.serverRootCACertificate && {
      ca: Buffer.from(settings.serverRootCACertificate),
    }),
    ...own.pair,
    // For an address Node compares what it connected to; the setting may name another.
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(serverName, certificate),
  });
  return tlsMistake(seen, { address, serverName, own: own.certificate, now });
}

function split(address: string): Address {
  const at = address.lastIndexOf(':');
  return {
    host: address.slice(0, at).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(at + 1)),
  };
}

interface Own {
  certificate: X509Certificate | null;
  pair: { cert?: Buffer; key?: Buffer };
  mistake: Mistake | null;
}

function ownCertificate({ clientCertPair: pair }: TlsSettings): Own {
  if (pair === undefined) return { certificate: null, pair: {}, mistake: null };
  const [cert, key] = [Buffer.from(pair.crt), Buffer.from(pair.key)];
  try {
    // Fails when the two do not belong together, too.
    tls.createSecureContext({ cert, key });
    return { certificate: new X509Certificate(cert), pair: { cert, key }, mistake: null };
  } catch (err) {
    const mistake = lasting(
      'client-certificate-invalid',
      `our client certificate and its key cannot be used (${reasonOf(err)})`,
      'Both must be PEM files and belong together: TEMPORAL_TLS_CLIENT_CERT_PATH and _KEY_PATH, or the profile.',
    );
    return { certificate: null, pair: {}, mistake };
  }
}

const lasting = (kind: MistakeKind, message: string, hint: string): Mistake => ({
  kind,
  message,
  hint,
  lasting: true,
});

const passing = (kind: MistakeKind, message: string): Mistake => ({
  kind,
  message,
  hint: '',
  lasting: false,
});

const reasonOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));

/** How a conversation ended. */
interface Seen {
  /** Of the socket, or why the server's certificate is not good. */
  code: string | null;
  /** First bytes that the server said by itself. */
  said: Buffer | null;
  /** The server is there. */
  connected: boolean;
  /** The handshake was completed. */
  secure: boolean;
  peer: tls.PeerCertificate | null;
  /** Ours was the end. */
  timedOut: boolean;
}

const nothingSeen = (): Seen => ({
  code: null,
  said: null,
  connected: false,
  secure: false,
  peer: null,
  timedOut: false,
});

/** The client's half of HTTP/2's opening: a server that speaks it answers with its settings at once. */
const PREFACE = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS_FRAME = 4;

const speaksHttp2 = (said: Buffer | null): boolean => said?.[3] === SETTINGS_FRAME;

function talkPlain({ host, port }: Address, timeoutMs: number): Promise<Seen> {
  const seen = nothingSeen();
  const socket = net.connect({ host, port }, () => {
    seen.connected = true;
    socket.write(PREFACE);
  });
  return untilOver(socket, seen, timeoutMs);
}

function talkTls(
  { host, port }: Address,
  timeoutMs: number,
  options: tls.ConnectionOptions,
): Promise<Seen> {
  const seen = nothingSeen();
  const ask = { ...options, host, port, ALPNProtocols: ['h2'] };
  // Judged below, where the certificate can still be looked at; nothing is sent to a server that is not trusted.
  const socket = tls.connect({ ...ask, rejectUnauthorized: false }, () => {
    seen.secure = true;
    seen.peer = socket.getPeerCertificate();
    if (!socket.authorized && options.rejectUnauthorized !== false) {
      // Node's types say Error, Node sets the code.
      seen.code = String(socket.authorizationError);
      socket.destroy();
      return;
    }
    // In TLS 1.3 a server says no to our certificate only after this, as an answer to what we write.
    socket.write(PREFACE);
  });
  socket.once('connect', () => {
    seen.connected = true;
  });
  return untilOver(socket, seen, timeoutMs);
}

function untilOver(socket: net.Socket, seen: Seen, timeoutMs: number): Promise<Seen> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      seen.timedOut = true;
      socket.destroy();
    }, timeoutMs);
    socket.once('data', (data: Buffer) => {
      seen.said = data;
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      seen.code ??= error.code ?? error.message;
    });
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(seen);
    });
  });
}

async function plainMistake(address: Address, timeoutMs: number): Promise<Mistake | null> {
  const seen = await talkPlain(address, timeoutMs);
  if (speaksHttp2(seen.said)) return null;
  if (!seen.connected) return unreachable(seen);
  // It took the connection and did not answer in HTTP/2: does it answer in TLS?
  const secure = await talkTls(address, timeoutMs, { rejectUnauthorized: false });
  if (!secure.secure) return seen.timedOut ? null : passing('closed', closedText(seen));
  return lasting(
    'server-wants-tls',
    'the server wants TLS, and we spoke plain text',
    'Set TEMPORAL_TLS=true, or name the certificates: TEMPORAL_TLS_SERVER_CA_CERT_PATH, TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH, or a profile that has them.',
  );
}

const closedText = (seen: Seen): string =>
  `the server closed the connection (${seen.code ?? 'without a word'})`;

function unreachable({ code }: Seen): Mistake {
  if (code === null) return passing('unreachable', 'the server does not answer');
  const words: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
    ENOTFOUND: 'no such host (ENOTFOUND)',
    EAI_AGAIN: 'its name cannot be looked up now (EAI_AGAIN)',
    ETIMEDOUT: 'no answer; a firewall may drop it (ETIMEDOUT)',
    EHOSTUNREACH: 'there is no way to the host (EHOSTUNREACH)',
    ENETUNREACH: 'there is no way to its network (ENETUNREACH)',
  };
  return passing('unreachable', words[code] ?? code);
}

interface Asked {
  address: Address;
  serverName: string;
  own: X509Certificate | null;
  now: Date;
}

const CA_HINT =
  'Name the authority that made its certificate: TEMPORAL_TLS_SERVER_CA_CERT_PATH, or server_ca_cert_path of the profile.';

function tlsMistake(seen: Seen, asked: Asked): Mistake | null {
  if (speaksHttp2(seen.said)) return null;
  if (!seen.connected) return unreachable(seen);
  return (
    serverMistake(seen, asked) ??
    clientMistake(seen, asked) ??
    (seen.timedOut ? null : passing('closed', closedText(seen)))
  );
}

function serverMistake({ code, peer }: Seen, { serverName, now }: Asked): Mistake | null {
  switch (code) {
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return lasting(
        'wrong-server-name',
        `the server's certificate is not for ${serverName}, but for ${namesOf(peer)}`,
        'Connect to a name that it is for, or name one: TEMPORAL_TLS_SERVER_NAME, or server_name of the profile.',
      );
    case 'CERT_HAS_EXPIRED':
      return lasting(
        'server-certificate-expired',
        `the server's certificate${peer === null ? '' : ` (or its authority's) is valid until ${peer.valid_to}`}, and now it is ${now.toUTCString()}: expired`,
        'Renew it (watari tls init again, then restart the server), or set the clock of this computer.',
      );
    case 'CERT_NOT_YET_VALID':
      return lasting(
        'server-certificate-expired',
        `the server's certificate${peer === null ? '' : ` is valid from ${peer.valid_from}`}, and now it is ${now.toUTCString()}: not yet valid`,
        'Set the clock of this computer or of the one that made the certificate.',
      );
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_SIGNATURE_FAILURE':
      return lasting(
        'unknown-authority',
        `the server's certificate${peer === null ? '' : ` (made by ${issuerOf(peer)})`} was not made by an authority that we trust (${code})`,
        CA_HINT,
      );
    // What an answer that is no TLS looks like.
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'EPROTO':
      return lasting(
        'server-has-no-tls',
        'the server speaks plain text, and we spoke TLS',
        'Take TEMPORAL_TLS_* away (or tls out of the profile), or put TLS on the server.',
      );
    default:
      return null;
  }
}

const namesOf = (peer: tls.PeerCertificate | null): string =>
  peer?.subjectaltname?.replace(/(DNS|IP Address):/g, '') ?? 'another name';

const issuerOf = (peer: tls.PeerCertificate): string => String(peer.issuer.CN);

/** What the server has against us: said in an alert, or by ending a connection that was complete. */
function clientMistake(seen: Seen, { own, now }: Asked): Mistake | null {
  const alert = /ALERT_(.+)$/.exec(seen.code ?? '')?.[1] ?? null;
  // Silence is no refusal: a busy server is slow.
  if (alert === null && (!seen.secure || seen.timedOut)) return null;
  if (own === null) {
    return lasting(
      'no-client-certificate',
      alert === null
        ? 'the server ended the connection right after the handshake, as one does that requires a client certificate; we have none'
        : `the server requires a client certificate, and we have none (alert ${alert})`,
      'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH, or a profile that has them. Certificates are made by: watari tls init',
    );
  }
  if (new Date(own.validTo) < now) {
    return lasting(
      'client-certificate-expired',
      `our client certificate (${nameOf(own)}) expired on ${own.validTo}`,
      'Renew it (watari tls init again) and restart what uses it.',
    );
  }
  return lasting(
    'client-certificate-refused',
    `the server refused our client certificate (${nameOf(own)}, made by ${nameOf(own, 'issuer')})${alert === null ? '' : `: alert ${alert}`}`,
    'It must be made by an authority that the server trusts, and be valid by the clock of the server.',
  );
}

const nameOf = (certificate: X509Certificate, field: 'subject' | 'issuer' = 'subject'): string =>
  /CN=([^\n]+)/.exec(certificate[field])?.[1] ?? certificate[field];
