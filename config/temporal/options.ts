// What the SDK takes from a profile or from variables without a look, and stumbles over while it connects: values of
// the wrong type, certificates that are none, headers that cannot be sent. Values are never told: most are secrets.
import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import type { ClientConfigProfile, ClientConnectConfig } from '@temporalio/envconfig';

type Options = ClientConnectConfig['connectionOptions'];

/** What a header of HTTP/2 can hold; a line break in a key that was pasted is the usual mistake. */
const HEADER = /^[\u0020-\u007e]*$/;
const HEADER_NAME = /^[0-9A-Za-z_.-]+$/;

const isText = (value: unknown): value is string => typeof value === 'string';

/**
 * The same about what a profile says of certificates, before anything is read: Node takes a number for a file that is
 * open already, and would wait for standard input or for a pipe, for ever.
 */
export function unusableSource({ tls: settings }: ClientConfigProfile): string | null {
  for (const source of [settings?.serverCACert, settings?.clientCert, settings?.clientKey]) {
    if (source === undefined) continue;
    const given: unknown = 'path' in source ? source.path : source.data;
    if (!isText(given) && !(given instanceof Uint8Array)) {
      return 'a certificate or key of the profile must be text, in quotes';
    }
  }
  return null;
}

/** One sentence about the first thing that cannot be used, or null. */
export function unusableOption({
  connectionOptions,
  namespace,
}: ClientConnectConfig): string | null {
  const { address, apiKey, metadata } = connectionOptions;
  for (const [what, value] of Object.entries({ address, namespace, 'API key': apiKey })) {
    if (value !== undefined && !isText(value)) return `the ${what} must be text, in quotes`;
  }
  if (isText(apiKey) && (apiKey === '' || !HEADER.test(apiKey))) {
    return 'the API key is empty or has characters that cannot be sent, such as a line break';
  }
  for (const [name, value] of Object.entries((metadata ?? {}) as Record<string, unknown>)) {
    if (!HEADER_NAME.test(name) || name.endsWith('-bin') || !isText(value) || !HEADER.test(value)) {
      return `the gRPC header ${JSON.stringify(name)} has a name or a value that cannot be sent`;
    }
  }
  return unusableTls(connectionOptions);
}

function unusableTls({ tls: settings }: Options): string | null {
  if (settings == null || typeof settings !== 'object') return null;
  const { serverNameOverride: name, serverRootCACertificate: ca, clientCertPair: own } = settings;
  if (name !== undefined && (!isText(name) || name.trim() === '')) {
    return 'the server name of TLS must be text, and not empty';
  }
  const wrong = (what: string, use: () => unknown): string | null => {
    try {
      use();
      return null;
    } catch (err) {
      const why = err instanceof Error ? err.message : String(err);
      return `${what} cannot be used (${why}): it must be a PEM file`;
    }
  };
  return (
    (ca == null
      ? null
      : // TLS itself takes an authority that is none without a word, and then trusts nobody.
        wrong('the certificate of the authority', () => new X509Certificate(Buffer.from(ca)))) ??
    (own == null
      ? null
      : wrong('the client certificate or its key', () =>
          tls.createSecureContext({ cert: Buffer.from(own.crt), key: Buffer.from(own.key) }),
        ))
  );
}
