// The environment: what a good one means, and that each wrong variable is named.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../config/config-error.ts';
import { readEnvironment, type Machine } from '../../config/environment.ts';
import type { Environment } from '../../config/variables.ts';
import { loadTemporalConnection } from '../../config/temporal/connection.ts';
import { testCertificates } from '../support/test-certificates.ts';

const dir = mkdtempSync(join(tmpdir(), 'watari-environment-'));
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});
const write = (name: string, text: string): string => {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
};
const CERT = write('client.pem', 'certificate');
const MISSING = join(dir, 'missing.pem');

const machine = (platform: NodeJS.Platform, home: string): Machine => ({
  platform,
  home,
  readFile: () => '',
});
const errorOf = (act: () => unknown): string[] => {
  try {
    act();
  } catch (err) {
    if (err instanceof ConfigError) return err.message.split('\n');
    throw err;
  }
  throw new Error('it was accepted');
};

describe('readEnvironment', () => {
  it('takes an empty environment', () => {
    expect(readEnvironment({}, machine('linux', '/home/ito'))).toEqual({
      temporal: { address: null, namespace: null, profile: null, configFile: null, raw: {} },
      cluster: null,
      encryptionKeys: [],
      labUrl: null,
      dataDir: '/home/ito/.local/state/watari',
      temporalCliPath: null,
      pwsh: null,
      noColor: false,
    });
  });

  it('reads every variable of watari', () => {
    const env = {
      WATARI_CLUSTER: 'hv-lab',
      WATARI_LAB: 'http://127.0.0.1:7400',
      WATARI_HOME: '/srv/watari',
      TEMPORAL_CLI_PATH: '/opt/temporal',
      TEMPORAL_ADDRESS: 'temporal.example:7233',
      TEMPORAL_NAMESPACE: 'ops',
      TEMPORAL_PROFILE: 'prod',
      NO_COLOR: '1',
    };
    expect(readEnvironment(env, machine('linux', '/root'))).toMatchObject({
      temporal: { address: 'temporal.example:7233', namespace: 'ops', profile: 'prod' },
      cluster: 'hv-lab',
      labUrl: 'http://127.0.0.1:7400',
      dataDir: '/srv/watari',
      temporalCliPath: '/opt/temporal',
      noColor: true,
    });
  });

  it.each<[string, NodeJS.Platform, string, Environment, string]>([
    ['Windows', 'win32', 'C:\\Users\\ito', {}, 'C:\\Users\\ito\\AppData\\Local\\watari'],
    [
      'Windows by LOCALAPPDATA',
      'win32',
      'C:\\x',
      { LOCALAPPDATA: 'D:\\Local' },
      'D:\\Local\\watari',
    ],
    ['macOS', 'darwin', '/Users/ito', {}, '/Users/ito/Library/Application Support/watari'],
    ['Linux by XDG_STATE_HOME', 'linux', '/x', { XDG_STATE_HOME: '/state' }, '/state/watari'],
    [
      'Linux with an empty variable',
      'linux',
      '/x',
      { XDG_STATE_HOME: '' },
      '/x/.local/state/watari',
    ],
    ['WATARI_HOME on Windows', 'win32', 'C:\\x', { WATARI_HOME: 'D:\\watari' }, 'D:\\watari'],
  ])('keeps its data where %s has it', (_name, platform, home, env, dataDir) => {
    expect(readEnvironment(env, machine(platform, home)).dataDir).toBe(dataDir);
  });

  it('hands all TEMPORAL_* variables on and no others', () => {
    const env = { TEMPORAL_API_KEY: 'k', TEMPORAL_GRPC_META_X: 'y', PATH: '/bin' };
    expect(readEnvironment(env).temporal.raw).toEqual({
      TEMPORAL_API_KEY: 'k',
      TEMPORAL_GRPC_META_X: 'y',
    });
  });

  it.each<[string, Environment, string]>([
    [
      'an address without port',
      { TEMPORAL_ADDRESS: 'localhost' },
      'TEMPORAL_ADDRESS: "localhost" is not host:port; write host:port, for example 127.0.0.1:7233',
    ],
    [
      'an address that is a URL',
      { TEMPORAL_ADDRESS: 'http://localhost:7233' },
      'TEMPORAL_ADDRESS: "http://localhost:7233" is a URL, not host:port; write host:port, for example 127.0.0.1:7233',
    ],
    [
      'a port that is too high',
      { TEMPORAL_ADDRESS: 'localhost:70000' },
      'TEMPORAL_ADDRESS: "localhost:70000" has the port 70000; ports end at 65535; write host:port, for example 127.0.0.1:7233',
    ],
    [
      'a port that is no number',
      { TEMPORAL_ADDRESS: 'localhost:http' },
      'TEMPORAL_ADDRESS: "localhost:http" has no port number after the colon; write host:port, for example 127.0.0.1:7233',
    ],
    [
      'an empty address',
      { TEMPORAL_ADDRESS: '' },
      'TEMPORAL_ADDRESS: is set but empty; remove it or give it a value',
    ],
    [
      'an empty namespace',
      { TEMPORAL_NAMESPACE: ' ' },
      'TEMPORAL_NAMESPACE: is set but empty; remove it or give it a value',
    ],
    [
      'a TLS switch that is none',
      { TEMPORAL_TLS: 'yes' },
      'TEMPORAL_TLS: "yes" is neither true nor false',
    ],
    [
      'a configuration file that is missing',
      { TEMPORAL_CONFIG_FILE: MISSING },
      `TEMPORAL_CONFIG_FILE: the file ${JSON.stringify(MISSING).slice(0, 41)}`,
    ],
    [
      'a key without certificate',
      { TEMPORAL_TLS_CLIENT_KEY_DATA: 'k' },
      'TEMPORAL_TLS_CLIENT_KEY_DATA: is set without a certificate; set TEMPORAL_TLS_CLIENT_CERT_PATH too',
    ],
    [
      'a certificate without key',
      { TEMPORAL_TLS_CLIENT_CERT_PATH: CERT },
      'TEMPORAL_TLS_CLIENT_CERT_PATH: is set without its key; set TEMPORAL_TLS_CLIENT_KEY_PATH too',
    ],
    [
      'a CA given twice',
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: CERT, TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'x' },
      'TEMPORAL_TLS_SERVER_CA_CERT_PATH: is set together with TEMPORAL_TLS_SERVER_CA_CERT_DATA; keep one of them',
    ],
    [
      'a lab that is no URL',
      { WATARI_LAB: 'localhost' },
      'WATARI_LAB: "localhost" is not the address of a lab; write the address that watari lab start prints, like http://127.0.0.1:7400',
    ],
    [
      'a cluster that is no name',
      { WATARI_CLUSTER: 'hv lab' },
      'WATARI_CLUSTER: "hv lab" is not the name of a cluster; write what (Get-Cluster).Name tells',
    ],
  ])('refuses %s and names the variable', (_name, env, message) => {
    const [line, ...rest] = errorOf(() => readEnvironment(env));
    expect(rest).toEqual([]);
    expect(line).toContain(`environment ${message}`);
  });

  it('says why a file cannot be read', () => {
    const env = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: MISSING };
    expect(errorOf(() => readEnvironment(env))[0]).toMatch(/cannot be read \(it is not there\)$/);
    const folder = { TEMPORAL_CONFIG_FILE: dir };
    expect(errorOf(() => readEnvironment(folder))[0]).toMatch(/cannot be read \(it is a folder\)$/);
  });

  it('names all wrong variables at once', () => {
    const env = { TEMPORAL_ADDRESS: 'x', TEMPORAL_TLS: 'maybe', WATARI_LAB: '?' };
    expect(errorOf(() => readEnvironment(env))).toHaveLength(3);
  });

  it.each(['127.0.0.1:7233', '[::1]:7233', 'ns.acct.tmprl.cloud:7233', 'host_1:1', 'h:65535'])(
    'takes the address %s',
    (address) => {
      expect(readEnvironment({ TEMPORAL_ADDRESS: address }).temporal.address).toBe(address);
    },
  );

  it('never prints an API key', () => {
    const env = { TEMPORAL_API_KEY: 'secret-key', TEMPORAL_ADDRESS: 'x' };
    expect(errorOf(() => readEnvironment(env)).join()).not.toContain('secret-key');
  });
});

describe('loadTemporalConnection', () => {
  // HOME and the like point into an empty folder, so that no file of this machine is read.
  const home = { HOME: dir, XDG_CONFIG_HOME: dir, APPDATA: dir };
  const load = (env: Environment = {}) => loadTemporalConnection({ ...home, ...env });

  it('uses a server on this machine when nothing is said', () => {
    expect(load()).toMatchObject({
      connectionOptions: { address: '127.0.0.1:7233' },
      namespace: 'default',
      describe: '127.0.0.1:7233, namespace default (default)',
    });
  });

  it('takes address and namespace from the environment', () => {
    const c = load({ TEMPORAL_ADDRESS: 'h:1', TEMPORAL_NAMESPACE: 'ops' });
    expect(c.connectionOptions.address).toBe('h:1');
    expect(c.describe).toBe('h:1, namespace ops (TEMPORAL_ADDRESS)');
  });

  it('takes a profile of the TOML file', () => {
    const file = write(
      'temporal.toml',
      '[profile.prod]\naddress = "cloud.example:7233"\nnamespace = "prod"\napi_key = "k"\n',
    );
    const c = load({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'prod' });
    expect(c.connectionOptions).toMatchObject({ address: 'cloud.example:7233', tls: true });
    expect(c.describe).toBe('cloud.example:7233, namespace prod, TLS (profile prod)');
  });

  it('reads client certificates', async () => {
    const { client } = await testCertificates();
    const c = load({
      TEMPORAL_TLS_CLIENT_CERT_PATH: write('real.pem', client.certificate),
      TEMPORAL_TLS_CLIENT_KEY_DATA: client.key,
    });
    expect(c.connectionOptions.tls).toMatchObject({
      clientCertPair: { crt: new TextEncoder().encode(client.certificate) },
    });
  });

  it('refuses certificates that are none before anything connects', () => {
    const env = { TEMPORAL_TLS_CLIENT_CERT_PATH: CERT, TEMPORAL_TLS_CLIENT_KEY_DATA: 'key' };
    expect(() => load(env)).toThrow(/the client certificate or its key cannot be used/);
    expect(() => load({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: CERT })).toThrow(
      /the certificate of the authority cannot be used/,
    );
  });

  it.each<[string, string, RegExp]>([
    ['is not TOML', '[profile', /is not valid: /],
    ['has no profiles', 'a = 1\n', /has no \[profile\.NAME\] table/],
    [
      'has a bad address',
      '[profile.default]\naddress = "nowhere"\n',
      /the address nowhere is not host:port/,
    ],
    ['has an address of the wrong type', '[profile.default]\naddress = 7233\n', /address/],
    // The descriptor of standard input, for Node: it would be waited for.
    [
      'has a number for a certificate',
      '[profile.default.tls]\nserver_ca_cert_path = 0\n',
      /a certificate or key of the profile must be text/,
    ],
    ['has an empty namespace', '[profile.default]\nnamespace = ""\n', /the namespace is empty/],
    [
      'names a certificate that is missing',
      `[profile.default.tls]\nclient_cert_path = '${MISSING}'\n`,
      /missing\.pem, which cannot be read \(it is not there\)/,
    ],
  ])('names the file that %s', (_name, toml, message) => {
    const file = write('bad.toml', toml);
    const [line] = errorOf(() => load({ TEMPORAL_CONFIG_FILE: file }));
    expect(line).toContain('bad.toml');
    expect(line).toMatch(message);
  });

  it('names a profile that is not in the file', () => {
    const env = { TEMPORAL_CONFIG_FILE: write('e.toml', '[profile.a]\n'), TEMPORAL_PROFILE: 'b' };
    expect(errorOf(() => load(env))[0]).toMatch(
      /^environment TEMPORAL_PROFILE: there is no profile b; add \[profile\.b\] to /,
    );
  });

  it('refuses wrong variables before it reads any file', () => {
    expect(errorOf(() => load({ TEMPORAL_TLS: 'x' }))).toEqual([
      'environment TEMPORAL_TLS: "x" is neither true nor false',
    ]);
  });
});
