// The folder that `watari tls init` keeps: the authority, the server's certificate and one folder per client, each with
// all that its computer needs. Decides what is made, kept and renewed; the certificates themselves are made elsewhere.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { sameName } from '../../domain/names.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { LeafRequest, Pair, Validity } from './certificates.ts';

/** Makes certificates; given, because the library behind it is loaded late. */
export interface Maker {
  makeAuthority(name: string, validity: Validity): Promise<Pair>;
  makeServer(authority: Pair, request: LeafRequest): Promise<Pair>;
  makeClient(authority: Pair, request: LeafRequest): Promise<Pair>;
}

export interface TlsRequest {
  out: string;
  /** DNS names and IP addresses of the server; empty: those it has. */
  serverNames: readonly string[];
  /** Names of nodes and persons; with no server name either, those there are. */
  clients: readonly string[];
  days: number;
  now: Date;
}

/** What became of one certificate. */
export interface Made {
  kind: 'authority' | 'server' | 'client';
  name: string;
  /** Of the server: every name that it may be called by. */
  names: string[];
  folder: string;
  outcome: 'made' | 'kept' | 'renewed';
  validTo: string;
  /** End of the certificate that it replaces. */
  before: string | null;
}

/** Longer than any leaf; its end means new certificates everywhere. */
const AUTHORITY_DAYS = 3650;
const DAY_MS = 86_400_000;
/** A workgroup's clocks differ, and one that is slow would find the certificate not yet valid. */
const BACKDATE_MS = 3_600_000;

export const FILES = {
  authority: { certificate: 'ca.pem', key: 'ca.key' },
  server: { certificate: 'server.pem', key: 'server.key' },
  client: { certificate: 'client.pem', key: 'client.key' },
} as const;

const SERVER_FOLDER = 'server';
const CLIENTS_FOLDER = 'clients';

export async function makeTlsFolder(request: TlsRequest, maker: Maker): Promise<Made[]> {
  const { out } = request;
  const authority = readPair(out, FILES.authority, 'the certificate authority');
  if (authority !== null) checkAuthority(out, authority, request.now);
  const todo = whatToMake(request);
  const old = new Map(
    todo.map((leaf) => [leaf, readOld(leaf, authority?.certificate ?? null)] as const),
  );
  // Everything was looked at; from here on files are written.
  keepOutOfGit(out);
  const made: Made[] = [];
  const signer =
    authority ?? (await maker.makeAuthority('watari local CA', span(request, AUTHORITY_DAYS)));
  if (authority === null) writePair(out, FILES.authority, signer);
  made.push({
    kind: 'authority',
    name: 'watari local CA',
    names: [],
    folder: out,
    outcome: authority === null ? 'made' : 'kept',
    validTo: endOf(signer.certificate),
    before: null,
  });
  for (const leaf of todo) {
    const { kind, name, names, folder } = leaf;
    const ask: LeafRequest = { commonName: name, names, validity: span(request, request.days) };
    const pair =
      kind === 'server' ? await maker.makeServer(signer, ask) : await maker.makeClient(signer, ask);
    writePair(folder, FILES[kind], pair);
    writeFile(path.join(folder, FILES.authority.certificate), signer.certificate, 0o644);
    const before = old.get(leaf) ?? null;
    made.push({
      ...leaf,
      outcome: before === null ? 'made' : 'renewed',
      validTo: endOf(pair.certificate),
      before,
    });
  }
  return made;
}

const span = ({ now }: TlsRequest, days: number): Validity => ({
  from: new Date(now.getTime() - BACKDATE_MS),
  to: new Date(now.getTime() + days * DAY_MS),
});

const endOf = (certificate: string): string =>
  new Date(new X509Certificate(certificate).validTo).toISOString();

interface Leaf {
  kind: 'server' | 'client';
  name: string;
  names: string[];
  folder: string;
}

function whatToMake({ out, serverNames, clients }: TlsRequest): Leaf[] {
  const serverFolder = path.join(out, SERVER_FOLDER);
  const clientsFolder = path.join(out, CLIENTS_FOLDER);
  const there = serverThere(serverFolder);
  const nothingNamed = serverNames.length === 0 && clients.length === 0;
  const names = serverNames.length > 0 ? [...serverNames] : there;
  const [first] = names;
  if (first === undefined) {
    throw badInput(
      `${out} has no certificate of a server yet, and no --server is given`,
      'Name the server as workers will call it:  --server temporal.branch.example,10.0.0.5',
    );
  }
  const persons = nothingNamed ? foldersIn(clientsFolder) : eachOnce(clients);
  const withServer = serverNames.length > 0 || nothingNamed;
  return [
    ...(withServer ? [{ kind: 'server' as const, name: first, names, folder: serverFolder }] : []),
    ...persons.map((name) => ({
      kind: 'client' as const,
      name,
      names: [],
      folder: path.join(clientsFolder, name),
    })),
  ];
}

/** `HV1` and `hv1` are one folder on Windows, where the second would replace the key of the first. */
const eachOnce = (names: readonly string[]): string[] =>
  names.filter((name, i) => names.findIndex((other) => sameName(other, name)) === i);

/** Names of the server's certificate, if there is one. */
export function serverThere(folder: string): string[] {
  const file = path.join(folder, FILES.server.certificate);
  if (!fs.existsSync(file)) return [];
  const { subjectAltName = '' } = parsed(file);
  return [...subjectAltName.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, name = '']) => name);
}

const foldersIn = (folder: string): string[] =>
  fs.existsSync(folder)
    ? fs
        .readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => entry.name)
    : [];

/** End of the certificate that is there; null when there is none. Refuses what this authority did not make. */
function readOld({ kind, folder }: Leaf, authority: string | null): string | null {
  const what = kind === 'server' ? 'the server' : `client ${path.basename(folder)}`;
  const pair = readPair(folder, FILES[kind], what);
  if (pair === null) return null;
  const issued =
    authority !== null &&
    new X509Certificate(pair.certificate).checkIssued(new X509Certificate(authority));
  if (issued) return endOf(pair.certificate);
  throw notOurs(
    `the certificate of ${what} in ${folder} was not made by the authority in this folder`,
  );
}

const notOurs = (message: string): ClientError =>
  new ClientError({
    code: 'TlsFolderForeign',
    message: `${message}; nothing was changed`,
    hint: 'Choose another --out, or move those files away.',
    exitCode: EXIT.badInput,
  });

function checkAuthority(out: string, { certificate, key }: Pair, now: Date): void {
  const ca = new X509Certificate(certificate);
  if (!ca.checkPrivateKey(createPrivateKey(key))) {
    throw notOurs(
      `${FILES.authority.key} in ${out} is not the key of ${FILES.authority.certificate}`,
    );
  }
  if (!ca.ca)
    throw notOurs(`${FILES.authority.certificate} in ${out} is no authority's certificate`);
  if (new Date(ca.validTo) > now) return;
  throw new ClientError({
    code: 'TlsAuthorityExpired',
    message: `the certificate authority in ${out} ended on ${endOf(certificate)}; nothing was changed`,
    hint: 'Make a new one in another folder, and give every computer its new certificate.',
    exitCode: EXIT.badInput,
  });
}

/** null when neither file is there. */
function readPair(
  folder: string,
  files: { certificate: string; key: string },
  what: string,
): Pair | null {
  const [certificate, key] = [path.join(folder, files.certificate), path.join(folder, files.key)];
  const there = [certificate, key].filter((file) => fs.existsSync(file));
  if (there.length === 0) return null;
  const [only] = there;
  if (there.length === 1) {
    throw notOurs(`of ${what} only ${only ?? ''} is there, without its other half`);
  }
  parsed(certificate);
  return { certificate: fs.readFileSync(certificate, 'utf8'), key: fs.readFileSync(key, 'utf8') };
}

function parsed(file: string): X509Certificate {
  try {
    return new X509Certificate(fs.readFileSync(file));
  } catch {
    throw notOurs(`${file} is not a certificate`);
  }
}

/** In a folder that is ours alone; in one with other things, git would lose sight of those too. */
function keepOutOfGit(out: string): void {
  const ours = [...Object.values(FILES.authority), SERVER_FOLDER, CLIENTS_FOLDER];
  const there = fs.existsSync(out) ? fs.readdirSync(out) : [];
  if (there.every((name) => ours.includes(name))) {
    writeFile(path.join(out, '.gitignore'), '*\n', 0o644);
  }
}

function writePair(folder: string, files: { certificate: string; key: string }, pair: Pair): void {
  writeFile(path.join(folder, files.key), pair.key, 0o600);
  writeFile(path.join(folder, files.certificate), pair.certificate, 0o644);
}

/** By way of a draft: a crash leaves the old file or the new one, and a key is never readable for others in between. */
export function writeFile(file: string, text: string, mode: number): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.new`;
  fs.rmSync(draft, { force: true });
  fs.writeFileSync(draft, text, { mode });
  fs.renameSync(draft, file);
}
