// Random environments, profiles, keys and permissions: settings that can be used, or an error that names the variable.
// What is secret is never a part of the error.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../config/config-error.ts';
import { readEnvironment } from '../../config/environment.ts';
import type { Environment } from '../../config/variables.ts';
import { EncryptionKeyProblem, payloadCodec } from '../../config/temporal/encryption.ts';
import {
  powerShellEnvironment,
  readPowerShellPlaces,
} from '../../config/powershell-environment.ts';
import { readProcessEnvironment } from '../../config/process-environment.ts';
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
} from '../../config/sizes.ts';
import { loadTemporalConnection } from '../../config/temporal/connection.ts';
import { PERMISSIONS, policyOf, PolicyRefused } from '../../hyperv/policy.ts';
import { failsOnlyWith, mustBeReadable, tryAll } from '../support/fuzz.ts';
import { hostileText, mutatedText } from '../support/hostile.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-env-'));
afterAll(() => {
  fs.rmSync(FOLDER, { recursive: true, force: true });
});
const TOML = path.join(FOLDER, 'temporal.toml');
const PEM = path.join(FOLDER, 'some.pem');
fs.writeFileSync(PEM, '-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n');

/** Every variable that config/ asks for by name. */
const NAMES = [
  ...new Set(
    projectFiles('config')
      .flatMap((file) => [
        ...readProjectFile(file).matchAll(
          /\b((?:WATARI|TEMPORAL)_[A-Z_]*[A-Z]|NO_COLOR|XDG_STATE_HOME|LOCALAPPDATA)\b/g,
        ),
      ])
      .map(([, name = '']) => name),
  ),
  ...['CLIENT_CERT', 'CLIENT_KEY', 'SERVER_CA_CERT'].flatMap((what) => [
    `TEMPORAL_TLS_${what}_PATH`,
    `TEMPORAL_TLS_${what}_DATA`,
  ]),
  'TEMPORAL_TLS_SERVER_NAME',
  'TEMPORAL_GRPC_META_X_TEST',
];

/** Fixed, like all chance here. */
const keyLine = (n: number): string => `k${n}:${Buffer.alloc(32, n).toString('base64')}`;
const KEY = keyLine(1);

const value = fc.oneof(
  fc.constantFrom('127.0.0.1:7233', '[::1]:7233', 'host:0', 'host:65536', 'http://x:1', 'a b:1'),
  fc.constantFrom('true', 'false', '1', 'maybe', 'default', 'prod', TOML, PEM, FOLDER, KEY),
  // Not the port of our own hint: it would look as if it had been repeated from a secret.
  fc.constantFrom(`${KEY},${keyLine(2)}`, `a:${KEY}`, 'http://127.0.0.1:7401', 'hv-lab'),
  hostileText,
);

const environment: fc.Arbitrary<Environment> = fc
  .dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 5 })
  .map((env) => ({ HOME: FOLDER, APPDATA: FOLDER, XDG_CONFIG_HOME: FOLDER, ...env }));

const readFile = (file: string): unknown => fs.readFileSync(file);
const machine = { platform: 'linux' as const, home: FOLDER, readFile };

/** What stands for a secret in a value: never shown, not even when it is wrong. */
const SECRETS = ['TEMPORAL_API_KEY', 'WATARI_ENCRYPTION_KEY', 'TEMPORAL_TLS_CLIENT_KEY_DATA'];

function mustKeepSecrets(env: Environment, message: string): void {
  for (const name of SECRETS) {
    const secret = env[name]?.trim() ?? '';
    // The same word may stand where it is no secret, as the name of a file.
    const others = Object.entries(env).some(([key, one]) => key !== name && one?.includes(secret));
    if (secret.length >= 20 && !others && message.includes(secret))
      throw new Error(`${name} is shown`);
  }
}

async function mustConnect(env: Environment): Promise<void> {
  const { value: target, error } = await failsOnlyWith(ConfigError, () =>
    loadTemporalConnection(env, machine),
  );
  if (error !== undefined) {
    mustBeReadable(error.message);
    mustKeepSecrets(env, error.message);
    return;
  }
  expect(target.connectionOptions.address).toMatch(/:\d+$/);
  expect(target.namespace).not.toBe('');
  expect(target.connectionOptions.apiKey ?? 'x').toMatch(/^[ -~]+$/);
  // Nothing is sent before the first call.
  await Connection.lazy({ ...target.connectionOptions }).close();
}

describe('the environment', () => {
  it('has the variables that the documentation knows', () => {
    expect(NAMES).toContain('WATARI_ENCRYPTION_KEY_FILE');
    expect(NAMES.length).toBeGreaterThan(15);
  });

  it('of any values gives settings, or an error that names a variable', () =>
    tryAll(
      'environment',
      environment,
      async (env) => {
        fs.writeFileSync(TOML, '[profile.default]\naddress = "127.0.0.1:7233"\n');
        const { value: read, error } = await failsOnlyWith(ConfigError, () =>
          readEnvironment(env, machine),
        );
        if (error === undefined) expect(path.isAbsolute(read.dataDir)).toBe(true);
        else {
          mustBeReadable(error.message);
          mustKeepSecrets(env, error.message);
          for (const problem of error.problems) {
            expect(NAMES.some((name) => problem.path.startsWith(name))).toBe(true);
          }
        }
        await mustConnect(env);
        readProcessEnvironment(env);
        readPowerShellPlaces(env);
        for (const name of SECRETS) expect(powerShellEnvironment({}, env)).not.toHaveProperty(name);
      },
      {
        share: 1.5,
        // Its settings were once written into what all objects share.
        examples: [{ HOME: FOLDER, TEMPORAL_PROFILE: '__proto__', TEMPORAL_API_KEY: 'x' }],
      },
    ));

  const PROFILE = `[profile.default]
address = "127.0.0.1:7233"
namespace = "default"
api_key = "secret-secret"
[profile.default.tls]
disabled = false
server_name = "temporal"
server_ca_cert_path = '${PEM}'
[profile.default.grpc_meta]
some-key = "value"
[profile.prod]
address = "b:1"
`;
  const scalar = fc.constantFrom(
    '5',
    'true',
    '[]',
    '{}',
    '""',
    '"x"',
    '2026-11-24',
    'nan',
    '"\\u0007"',
    "'''a'''",
  );
  const toml = fc.oneof(
    fc
      .tuple(fc.constantFrom(...PROFILE.matchAll(/= (.*)$/gm)), scalar)
      .map(([match, other]) => PROFILE.replace(match[0], `= ${other}`)),
    mutatedText(fc.constant(PROFILE)),
    hostileText,
  );

  it('with any TOML file gives a connection, or an error that names the file', () =>
    tryAll(
      'TOML profiles',
      toml,
      async (text) => {
        fs.writeFileSync(TOML, text);
        await mustConnect({ HOME: FOLDER, TEMPORAL_CONFIG_FILE: TOML });
        await mustConnect({ HOME: FOLDER, TEMPORAL_CONFIG_FILE: TOML, TEMPORAL_PROFILE: 'prod' });
      },
      { examples: ['[profile.default.tls]\nserver_ca_cert_path = 0\n', PROFILE] },
    ));
});

describe('encryption keys', () => {
  it('that are good are all read, in order, whatever separates them', () =>
    tryAll(
      'encryption keys',
      fc.record({
        ids: fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/), {
          minLength: 1,
          maxLength: 5,
        }),
        between: fc.constantFrom(',', '\n', '\r\n', ' , ', '\n# old\n'),
      }),
      ({ ids, between }) => {
        const text = ids.map((id) => `${id}:${KEY.split(':')[1]!}`).join(between);
        const { encryptionKeys } = readEnvironment({ WATARI_ENCRYPTION_KEY: text }, machine);
        expect(encryptionKeys.map((key) => key.id)).toEqual(ids);
      },
    ));

  const bytes = fc.uint8Array({ maxLength: 80 });
  const ID = KEY.split(':')[0]!;
  const { encryptionKeys: keys } = readEnvironment({ WATARI_ENCRYPTION_KEY: KEY }, machine);
  const codec = payloadCodec(keys);
  const text = (words: string): Uint8Array => new TextEncoder().encode(words);

  it('give back every payload, and refuse every one that was changed', () =>
    tryAll(
      'payloads',
      fc.record({
        data: bytes,
        key: hostileText.filter((word) => !/\p{Surrogate}/u.test(word)),
        at: fc.nat(),
        bit: fc.nat(7),
      }),
      async ({ data, key, at, bit }) => {
        const plain: Payload = { metadata: { encoding: text('x'), [key]: data }, data };
        const [sealed] = await codec.encode([plain]);
        const [opened] = await codec.decode([sealed!]);
        expect(Buffer.from(opened!.data!)).toEqual(Buffer.from(data));
        const changed = Buffer.from(sealed!.data!);
        changed[at % changed.length]! ^= 1 << bit;
        await expect(codec.decode([{ ...sealed!, data: changed }])).rejects.toThrow(
          EncryptionKeyProblem,
        );
      },
    ));

  it('refuse what only looks encrypted', () =>
    tryAll('payloads, strange', bytes, async (data) => {
      const metadata = { encoding: text('binary/encrypted'), 'encryption-key-id': text(ID) };
      await expect(codec.decode([{ metadata, data }])).rejects.toThrow(EncryptionKeyProblem);
    }));
});

describe('--allow', () => {
  const word = fc.oneof(
    fc.constantFrom(...PERMISSIONS),
    fc.constantFrom(...PERMISSIONS).map((one) => ` ${one.toUpperCase()} `),
    hostileText,
  );

  it('of any text is permissions that there are, or refused', () =>
    tryAll('--allow', fc.array(word, { maxLength: 4 }), async (words) => {
      const allow = words.join(',');
      const { value: policy, error } = await failsOnlyWith(PolicyRefused, () =>
        policyOf({ allow }),
      );
      const asked = allow.split(',').map((one) => one.trim().toLowerCase());
      const known = asked.every((one) => (PERMISSIONS as readonly string[]).includes(one));
      expect(error === undefined).toBe(known);
      if (error === undefined) expect([...policy]).toEqual([...new Set(asked)]);
      else mustBeReadable(error.message);
    }));
});

describe('sizes, durations and rates', () => {
  it('of any text are numbers that are written back as what they mean, or none', () =>
    tryAll(
      'sizes',
      fc.oneof(
        hostileText,
        fc
          .tuple(fc.nat(), fc.constantFrom('B', 'KB', ' MB', 'gb', 's', 'h', 'ms', 'Gbps', 'MB/s'))
          .map((t) => t.join('')),
      ),
      (given) => {
        const size = parseSize(given);
        if (size !== null) expect(parseSize(formatSize(size))).toBe(size);
        const seconds = parseDuration(given);
        if (seconds !== null) expect(parseDuration(formatDuration(seconds))).toBe(seconds);
        const rate = parseRate(given);
        if (rate !== null) expect(parseRate(formatRate(rate))).toBe(Math.round(rate));
      },
      { share: 3 },
    ));
});
