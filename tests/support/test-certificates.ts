// Certificates of the product's own maker, good ones and each kind of bad one, for the tests of TLS.
import { makeAuthority, makeClient, makeServer, type Pair } from '../../client/tls/certificates.ts';

const DAY_MS = 86_400_000;

export interface TestCertificates {
  ca: Pair;
  server: Pair;
  client: Pair;
  expiredServer: Pair;
  expiredClient: Pair;
  strangerCa: Pair;
  /** Of the stranger. */
  strangerClient: Pair;
}

export async function testCertificates(): Promise<TestCertificates> {
  const from = (days: number, until: number) => ({
    from: new Date(Date.now() + days * DAY_MS),
    to: new Date(Date.now() + until * DAY_MS),
  });
  const now = from(-1, 30);
  const past = from(-30, -1);
  const [ca, strangerCa] = await Promise.all([
    makeAuthority('watari local CA', from(-60, 60)),
    // The same name, as a second `tls init` elsewhere would give it.
    makeAuthority('watari local CA', from(-60, 60)),
  ]);
  const names = ['localhost', '127.0.0.1', 'temporal.branch.example'];
  const serverAt = (validity: typeof now) =>
    makeServer(ca, { commonName: 'temporal.branch.example', names, validity });
  const clientOf = (authority: Pair, validity: typeof now) =>
    makeClient(authority, { commonName: 'HV1', names: [], validity });
  const [server, expiredServer, client, expiredClient, strangerClient] = await Promise.all([
    serverAt(now),
    serverAt(past),
    clientOf(ca, now),
    clientOf(ca, past),
    clientOf(strangerCa, now),
  ]);
  return { ca, server, client, expiredServer, expiredClient, strangerCa, strangerClient };
}
