// `watari tls init`: what it makes, keeps, renews and refuses. That real servers and clients take these certificates is
// shown by the tests of the connection and by tests/e2e/doors.e2e.test.ts.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadTemporalConnection } from '../../config/temporal/connection.ts';
import { buildProgram } from '../../client/program.ts';
import { ClientError } from '../../client/errors.ts';
import { fakeClock, fakeContext, fakeTerminal } from '../support/client-fakes.ts';
import { needs, POSIX } from '../support/needs.ts';

const NOW = '2026-11-24T09:00:00.000Z';
let folder = '';
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-tls-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const at = (...parts: string[]): string => path.join(folder, 'tls', ...parts);
const certificate = (...parts: string[]): X509Certificate =>
  new X509Certificate(fs.readFileSync(at(...parts)));
const files = (): string[] =>
  fs.readdirSync(at(), { recursive: true, encoding: 'utf8' }).map((f) => f.replaceAll('\\', '/'));
const contents = (): Record<string, string> =>
  Object.fromEntries(
    files()
      .filter((file) => fs.statSync(at(file)).isFile())
      .map((file) => [file, fs.readFileSync(at(file), 'utf8')]),
  );

/** What it said on standard output. */
async function init(words: string[], o: { now?: string; platform?: NodeJS.Platform } = {}) {
  const terminal = fakeTerminal();
  const base = fakeContext({ cwd: folder });
  const context = fakeContext({
    cwd: folder,
    terminal,
    clock: fakeClock(o.now ?? NOW),
    places: { ...base.places, platform: o.platform ?? 'linux' },
  });
  const program = buildProgram(terminal, () => context);
  await program.parseAsync(['tls', 'init', '--out', 'tls', ...words], { from: 'user' });
  return terminal.stdout.text();
}

const refusal = async (words: string[], now?: string): Promise<ClientError> => {
  const error: unknown = await init(words, now === undefined ? {} : { now }).then(
    () => null,
    (err: unknown) => err,
  );
  if (error instanceof ClientError) return error;
  throw new Error(`not refused: ${String(error)}`);
};

const SERVER = ['--server', 'temporal.branch.example,10.0.0.5'];

describe('tls init', () => {
  it('makes an authority, a server certificate with every name, and a folder per client', async () => {
    await init([...SERVER, '--client', 'HV1,HV2', '--client', 'ito']);
    const ca = certificate('ca.pem');
    expect(ca.ca).toBe(true);
    const server = certificate('server', 'server.pem');
    expect(server.subjectAltName).toBe('DNS:temporal.branch.example, IP Address:10.0.0.5');
    for (const leaf of [
      server,
      ...['HV1', 'HV2', 'ito'].map((c) => certificate('clients', c, 'client.pem')),
    ]) {
      expect(leaf.verify(ca.publicKey)).toBe(true);
      expect(leaf.checkIssued(ca)).toBe(true);
      expect(leaf.ca).toBe(false);
      expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    }
    expect(fs.readFileSync(at('clients', 'HV1', 'ca.pem'), 'utf8')).toBe(
      fs.readFileSync(at('ca.pem'), 'utf8'),
    );
    // The authority's key stays where it was made.
    expect(files().filter((file) => file.endsWith('ca.key'))).toEqual(['ca.key']);
  });

  it('gives the server serverAuth and clientAuth, a client clientAuth alone', async () => {
    await init([...SERVER, '--client', 'HV1']);
    const [serverAuth, clientAuth] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];
    expect(certificate('server', 'server.pem').keyUsage).toEqual([serverAuth, clientAuth]);
    expect(certificate('clients', 'HV1', 'client.pem').keyUsage).toEqual([clientAuth]);
  });

  it('makes every certificate’s key its own', async () => {
    await init([...SERVER, '--client', 'HV1']);
    for (const [pem, key] of [
      [at('ca.pem'), at('ca.key')],
      [at('server', 'server.pem'), at('server', 'server.key')],
      [at('clients', 'HV1', 'client.pem'), at('clients', 'HV1', 'client.key')],
    ] as const) {
      const of = new X509Certificate(fs.readFileSync(pem));
      expect(of.checkPrivateKey(createPrivateKey(fs.readFileSync(key)))).toBe(true);
    }
  });

  it('lets nobody else read a key', needs(POSIX), async () => {
    await init([...SERVER, '--client', 'HV1']);
    const keys = files().filter((file) => file.endsWith('.key'));
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(fs.statSync(at(key)).mode & 0o777).toBe(0o600);
  });

  it('says which command locks the keys on Windows', async () => {
    const told = await init(SERVER, { platform: 'win32' });
    expect(told).toMatch(
      /icacls ".*tls" \/inheritance:r \/grant:r "\$\{env:USERNAME\}:\(OI\)\(CI\)F"/,
    );
    // A variable of cmd, which means nothing to PowerShell.
    expect(told).not.toContain('%USERNAME%');
  });

  it('says how the server and a node are told, so that it stays so', async () => {
    const said = await init([...SERVER, '--client', 'HV1']);
    expect(said).toMatch(/COMPOSE_ lines .*\.env/);
    expect(said).toMatch(/Add-Content C:\\ProgramData\\watari\\worker\.env 'TEMPORAL_CONFIG_FILE=/);
  });

  it('leaves an hour for clocks that are slow, and ends after --days', async () => {
    await init([...SERVER, '--days', '30']);
    const server = certificate('server', 'server.pem');
    expect(new Date(server.validFrom).toISOString()).toBe('2026-11-24T08:00:00.000Z');
    expect(new Date(server.validTo).toISOString()).toBe('2026-12-24T09:00:00.000Z');
  });

  it('never makes a certificate that outlives its authority', async () => {
    await init(SERVER);
    await init(['--days', '3650'], { now: '2030-01-01T00:00:00.000Z' });
    expect(certificate('server', 'server.pem').validTo).toBe(certificate('ca.pem').validTo);
  });

  it('writes a profile that watari itself can read', async () => {
    await init([...SERVER, '--client', 'HV1']);
    const place = 'C:\\ProgramData\\watari\\tls\\';
    const toml = at('clients', 'HV1', 'temporal.toml');
    // Only the place of the files differs on this computer.
    const here = fs
      .readFileSync(toml, 'utf8')
      .replaceAll(place, `${path.dirname(toml)}${path.sep}`);
    fs.writeFileSync(toml, here);
    const { connectionOptions } = loadTemporalConnection({ TEMPORAL_CONFIG_FILE: toml });
    expect(connectionOptions.address).toBe('temporal.branch.example:7233');
    expect(connectionOptions.tls).toMatchObject({
      serverNameOverride: 'temporal.branch.example',
    });
  });

  it('prints what it made as one JSON document', async () => {
    const answer: unknown = JSON.parse(await init([...SERVER, '--client', 'HV1', '--json']));
    expect(answer).toMatchObject({
      folder: at(),
      certificates: [
        { kind: 'authority', outcome: 'made' },
        { kind: 'server', name: 'temporal.branch.example', outcome: 'made' },
        { kind: 'client', name: 'HV1', outcome: 'made', validTo: '2029-02-26T09:00:00.000Z' },
      ],
    });
  });
});

describe('tls init again', () => {
  it('keeps the authority, renews what is there and says what it replaced', async () => {
    await init([...SERVER, '--client', 'HV1', '--days', '10']);
    const before = contents();
    const said = await init([], { now: '2026-12-01T09:00:00.000Z' });
    const after = contents();
    expect(after['ca.pem']).toBe(before['ca.pem']);
    expect(after['ca.key']).toBe(before['ca.key']);
    for (const file of ['server/server.pem', 'server/server.key', 'clients/HV1/client.pem']) {
      expect(after[file]).not.toBe(before[file]);
    }
    expect(certificate('server', 'server.pem').subjectAltName).toContain('IP Address:10.0.0.5');
    expect(said).toMatch(/^kept +authority/m);
    expect(said).toMatch(/^renewed +client +HV1, .*; the one before ended 2026-12-04/m);
  });

  it('with one more client makes that one and touches no other', async () => {
    await init([...SERVER, '--client', 'HV1']);
    const before = contents();
    await init(['--client', 'HV2']);
    const { 'clients/HV2/client.pem': added, ...rest } = contents();
    expect(added).toContain('BEGIN CERTIFICATE');
    for (const [file, text] of Object.entries(before)) expect(rest[file]).toBe(text);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'an authority without its certificate',
      () => fs.rmSync(at('ca.pem')),
      /of the certificate authority only .*ca\.key is there/,
    ],
    [
      'a certificate without its key',
      () => fs.rmSync(at('server', 'server.key')),
      /of the server only .*server\.pem is there/,
    ],
    [
      'a file that is no certificate',
      () => fs.writeFileSync(at('server', 'server.pem'), 'mine'),
      /server\.pem is not a certificate/,
    ],
    [
      'an authority with the key of another',
      () => fs.copyFileSync(at('server', 'server.key'), at('ca.key')),
      /ca\.key in .* is not the key of ca\.pem/,
    ],
  ])('refuses %s and changes nothing', async (_what, spoil, message) => {
    await init([...SERVER, '--client', 'HV1']);
    spoil();
    const before = contents();
    const error = await refusal([]);
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ code: 'TlsFolderForeign', exitCode: 2 });
    expect(contents()).toEqual(before);
  });

  it('refuses to overwrite certificates that another authority made', async () => {
    await init(SERVER);
    fs.rmSync(at('ca.pem'));
    fs.rmSync(at('ca.key'));
    const before = contents();
    expect((await refusal(SERVER)).message).toContain('was not made by the authority');
    expect(contents()).toEqual(before);
  });

  it('refuses an authority that has ended', async () => {
    await init(SERVER);
    expect(await refusal([], '2037-01-01T00:00:00.000Z')).toMatchObject({
      code: 'TlsAuthorityExpired',
    });
  });
});

describe('names that are none', () => {
  it.each([
    ['a server with a port', ['--server', 'host:7233']],
    ['a URL', ['--server', 'https://host']],
    ['an address that is none', ['--server', '10.0.0.256']],
    ['an empty name', ['--server', 'host,']],
    ['a client that leaves its folder', [...SERVER, '--client', '../HV1']],
    ['a client with a space', [...SERVER, '--client', 'HV 1']],
    ['a device name of Windows', [...SERVER, '--client', 'nul']],
    ['no server at all', ['--client', 'HV1']],
  ])('are refused before anything is written: %s', async (_what, words) => {
    expect((await refusal(words)).exitCode).toBe(2);
    expect(fs.existsSync(at())).toBe(false);
  });
});
