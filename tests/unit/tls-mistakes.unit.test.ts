// Why Temporal cannot be reached, asked of real sockets: every mistake of TLS is named within two seconds, and a server
// that is merely slow is accused of nothing.
import http2 from 'node:http2';
import net from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findMistake, type Mistake } from '../../config/temporal/mistakes.ts';
import { testCertificates, type TestCertificates } from '../support/test-certificates.ts';
import { openTlsDoor, type TlsDoor } from '../support/tls-proxy.ts';
import { endsWithAll } from '../support/ends.ts';

type Connection = Parameters<typeof findMistake>[0];

const ends = endsWithAll();
let certificates: TestCertificates;
let plain: http2.Http2Server;
let plainAddress = '';
const doors: TlsDoor[] = [];

beforeAll(async () => {
  certificates = await testCertificates();
  // gRPC is HTTP/2: whoever speaks it opens as Temporal does.
  plain = ends(http2.createServer());
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  plainAddress = `127.0.0.1:${(plain.address() as net.AddressInfo).port}`;
});
afterEach(async () => {
  await Promise.all(doors.splice(0).map((door) => door.close()));
});

async function door(server: 'server' | 'expiredServer' = 'server'): Promise<TlsDoor> {
  const { certificate: cert, key } = certificates[server];
  const opened = await openTlsDoor({
    cert,
    key,
    ca: certificates.ca.certificate,
    to: plainAddress,
  });
  doors.push(opened);
  return opened;
}

interface Asking {
  client?: 'client' | 'expiredClient' | 'strangerClient' | null;
  ca?: 'ca' | 'strangerCa' | null;
  serverName?: string;
  address?: string;
}

/** A good client's settings, but for what is said. */
function settings(address: string, o: Asking = {}): Connection {
  const bytes = (text: string): Buffer => Buffer.from(text);
  const client = o.client === undefined ? 'client' : o.client;
  const ca = o.ca === undefined ? 'ca' : o.ca;
  return {
    address: o.address ?? address,
    tls: {
      ...(o.serverName !== undefined && { serverNameOverride: o.serverName }),
      ...(ca !== null && { serverRootCACertificate: bytes(certificates[ca].certificate) }),
      ...(client !== null && {
        clientCertPair: {
          crt: bytes(certificates[client].certificate),
          key: bytes(certificates[client].key),
        },
      }),
    },
  };
}

async function asked(connection: Connection): Promise<Mistake | null> {
  const started = performance.now();
  const mistake = await findMistake(connection);
  expect(performance.now() - started).toBeLessThan(2000);
  return mistake;
}

describe('a server with TLS', () => {
  it('has no mistake to tell when everything is right', async () => {
    const { address } = await door();
    expect(await asked(settings(address))).toBeNull();
    expect(await asked(settings(address, { serverName: 'temporal.branch.example' }))).toBeNull();
  });

  it.each<[string, Asking, Mistake['kind'], RegExp]>([
    ['no client certificate', { client: null }, 'no-client-certificate', /we have none/],
    [
      'a client certificate of another authority',
      { client: 'strangerClient' },
      'client-certificate-refused',
      /refused our client certificate \(HV1, made by watari local CA\)/,
    ],
    [
      'an expired client certificate',
      { client: 'expiredClient' },
      'client-certificate-expired',
      /our client certificate \(HV1\) expired on /,
    ],
    [
      'the wrong authority',
      { ca: 'strangerCa' },
      'unknown-authority',
      /made by watari local CA\) was not made by an authority that we trust/,
    ],
    ['no authority', { ca: null }, 'unknown-authority', /was not made by an authority/],
    [
      'the wrong server name',
      { serverName: 'nope.example' },
      'wrong-server-name',
      /not for nope\.example, but for localhost, 127\.0\.0\.1, temporal\.branch\.example/,
    ],
  ])('names %s', async (_what, how, kind, message) => {
    const { address } = await door();
    const mistake = await asked(settings(address, how));
    expect(mistake).toMatchObject({ kind, lasting: true });
    expect(mistake?.message).toMatch(message);
    expect(mistake?.hint).toMatch(/\w/);
  });

  it('names its expired certificate', async () => {
    const { address } = await door('expiredServer');
    const mistake = await asked(settings(address));
    expect(mistake).toMatchObject({ kind: 'server-certificate-expired', lasting: true });
    expect(mistake?.message).toMatch(/expired/);
  });

  it('names plain text', async () => {
    const { address } = await door();
    expect(await asked({ address })).toMatchObject({ kind: 'server-wants-tls', lasting: true });
  });
});

describe('a server without TLS', () => {
  it('has no mistake to tell when we speak plain text too', async () => {
    expect(await asked({ address: plainAddress })).toBeNull();
  });

  it('names TLS against it', async () => {
    expect(await asked(settings(plainAddress))).toMatchObject({
      kind: 'server-has-no-tls',
      lasting: true,
    });
    expect(await asked({ address: plainAddress, tls: true })).toMatchObject({
      kind: 'server-has-no-tls',
    });
  });
});

describe('our own certificate', () => {
  it('that does not belong to its key is named before anything is sent', async () => {
    const opened = await door();
    const mistake = await asked({
      address: opened.address,
      tls: {
        clientCertPair: {
          crt: Buffer.from(certificates.client.certificate),
          key: Buffer.from(certificates.strangerClient.key),
        },
      },
    });
    expect(mistake).toMatchObject({ kind: 'client-certificate-invalid', lasting: true });
    expect(mistake?.message).not.toContain('BEGIN');
    expect(opened.tried()).toBe(0);
  });
});

describe('what may pass by itself', () => {
  it('is said to be so: nobody listens', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const address = `127.0.0.1:${port}`;
    for (const connection of [{ address }, settings(address)]) {
      const mistake = await asked(connection);
      expect(mistake).toMatchObject({ kind: 'unreachable', lasting: false });
      expect(mistake?.message).toContain('ECONNREFUSED');
    }
  });

  it('is not called a mistake: a server that says nothing', async () => {
    const silent = net.createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(silent.address() as net.AddressInfo).port}`;
    try {
      expect(await findMistake({ address }, { timeoutMs: 200 })).toBeNull();
      expect(await findMistake(settings(address), { timeoutMs: 200 })).toBeNull();
    } finally {
      silent.close();
    }
  });
});
