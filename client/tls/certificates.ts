// Makes a certificate authority of one's own and certificates of it, for workgroups, which have none. ECDSA P-256:
// every TLS of today takes it. Loaded by `watari tls init` alone: the library takes 0.3 s.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';

export interface Pair {
  /** PEM. */
  certificate: string;
  /** PEM, PKCS#8. */
  key: string;
}

export interface Validity {
  from: Date;
  to: Date;
}

const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

x509.cryptoProvider.set(webcrypto);

export async function makeAuthority(name: string, validity: Validity): Promise<Pair> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [name] }],
    notBefore: validity.from,
    notAfter: validity.to,
    signingAlgorithm: SIGNATURE,
    keys,
    extensions: [
      // Path length 0: it signs certificates, never another authority.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await keyPem(keys.privateKey) };
}

export interface LeafRequest {
  commonName: string;
  /** DNS names and IP addresses; empty for a client. */
  names: readonly string[];
  validity: Validity;
}

/**
 * A server's certificate is a client's too: parts of a Temporal server call each other, and with serverAuth alone it
 * seems healthy but starts no run.
 */
export async function makeServer(authority: Pair, request: LeafRequest): Promise<Pair> {
  return makeLeaf(authority, request, [
    x509.ExtendedKeyUsage.serverAuth,
    x509.ExtendedKeyUsage.clientAuth,
  ]);
}

export async function makeClient(authority: Pair, request: LeafRequest): Promise<Pair> {
  return makeLeaf(authority, request, [x509.ExtendedKeyUsage.clientAuth]);
}

async function makeLeaf(
  authority: Pair,
  { commonName, names, validity }: LeafRequest,
  usages: x509.ExtendedKeyUsage[],
): Promise<Pair> {
  const issuer = new x509.X509Certificate(authority.certificate);
  const keys = await newKeys();
  const alternatives = names.map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [commonName] }],
    issuer: issuer.subjectName,
    notBefore: validity.from,
    // A chain is as good as its shortest link; a later date would only mislead.
    notAfter: validity.to < issuer.notAfter ? validity.to : issuer.notAfter,
    signingAlgorithm: SIGNATURE,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority.key),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
      ...(alternatives.length === 0
        ? []
        : [new x509.SubjectAlternativeNameExtension(alternatives)]),
    ],
  });
  return { certificate: pem(certificate), key: await keyPem(keys.privateKey) };
}

const newKeys = () => webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);

/** 16 random bytes; the first one keeps the number positive and its length fixed. */
const serialNumber = (): string =>
  `01${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex')}`;

const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem')}\n`;

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(bytes, 'PRIVATE KEY')}\n`;
}

const signingKey = (key: string): Promise<webcrypto.CryptoKey> => {
  const [bytes] = x509.PemConverter.decode(key);
  if (bytes === undefined) throw new Error('the key of the certificate authority is no PEM');
  return webcrypto.subtle.importKey('pkcs8', bytes, CURVE, false, ['sign']);
};
