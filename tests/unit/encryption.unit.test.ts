// Payload encryption: keys as they are written, what a codec makes and refuses, and the server through which the
// Temporal UI reads. That a whole run works with it is shown by tests/e2e/doors.e2e.test.ts.
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { DefaultFailureConverter, defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterEach, describe, expect, it } from 'vitest';
import { startCodecServer, type CodecServer } from '../../client/temporal/codec-server.ts';
import { asClientError } from '../../client/foreign-errors.ts';
import { ConfigError } from '../../config/config-error.ts';
import { failureConverter } from '../../config/temporal/encoded-failures.ts';
import { newKeyLine, type EncryptionKey } from '../../config/temporal/keys.ts';
import { readEnvironment } from '../../config/environment.ts';
import {
  EncryptionKeyProblem,
  payloadCodec,
  payloadHandling,
} from '../../config/temporal/encryption.ts';
import { powerShellEnvironment } from '../../config/powershell-environment.ts';

const base64 = (): string => randomBytes(32).toString('base64');
const FILE = 'watari.key';

/** As the environment's reader sees them; `file` is what is in the file, if one is named. */
function keysOf(env: Record<string, string>, file?: string): readonly EncryptionKey[] {
  return readEnvironment(env, {
    platform: 'linux',
    home: 'home',
    readFile: (path) => {
      if (path === FILE && file !== undefined) return Buffer.from(file);
      throw Object.assign(new Error('no'), { code: 'ENOENT' });
    },
  }).encryptionKeys;
}
const keys = (text: string): readonly EncryptionKey[] => keysOf({ WATARI_ENCRYPTION_KEY: text });
const inFile = (text: string): readonly EncryptionKey[] =>
  keysOf({ WATARI_ENCRYPTION_KEY_FILE: FILE }, text);
const ids = (list: readonly EncryptionKey[]): string[] => list.map((key) => key.id);

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const SECRET = 'C:\\ClusterStorage\\Volume1\\payroll.vhdx';

describe('keys', () => {
  it('are none when nothing is said, and then nothing is encrypted', async () => {
    expect(keysOf({})).toEqual([]);
    expect(payloadHandling([]).encrypted).toBe(false);
    const payload = payloadOf(SECRET);
    expect(await payloadCodec([]).encode([payload])).toEqual([payload]);
  });

  it('have the id that is written, or one that depends on the key alone', () => {
    const key = base64();
    expect(ids(keys(`ops-2026:${key}`))).toEqual(['ops-2026']);
    const [id = ''] = ids(keys(key));
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(ids(inFile(`${key}\n`))).toEqual([id]);
  });

  it('come from a file with comments, blank lines and the line ends of Windows', () => {
    const text = `\uFEFF# of the branch\r\nnew:${base64()}\r\n\r\nold:${base64()} # until June\r\n`;
    expect(ids(inFile(text))).toEqual(['new', 'old']);
  });

  it('are made by new-key in the form that is read', () => {
    const line = newKeyLine();
    expect(ids(keys(line))).toEqual([line.split(':')[0]]);
    expect(newKeyLine()).not.toBe(line);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'text that is no base64',
      () => keys('hunter2-hunter2'),
      /WATARI_ENCRYPTION_KEY: its key is not 32 bytes in base64/,
    ],
    ['16 bytes', () => keys(randomBytes(16).toString('base64')), /is not 32 bytes in base64/],
    ['an id that is none', () => keys(`a b:${base64()}`), /an id that is none/],
    ['an empty id', () => keys(`:${base64()}`), /an id that is none/],
    ['the same id twice', () => keys(`a:${base64()},a:${base64()}`), /two keys have the id a/],
    ['a bad one among good ones', () => keys(`${base64()},x`), /key 2 of 2 is not 32 bytes/],
    [
      'a file that is not there',
      () => keysOf({ WATARI_ENCRYPTION_KEY_FILE: FILE }),
      /WATARI_ENCRYPTION_KEY_FILE: the file "watari\.key" cannot be read \(it is not there\)/,
    ],
    ['a file without a key', () => inFile('# none\n'), /has no key in it/],
    [
      'both variables',
      () => keysOf({ WATARI_ENCRYPTION_KEY: base64(), WATARI_ENCRYPTION_KEY_FILE: FILE }, base64()),
      /is set together with WATARI_ENCRYPTION_KEY_FILE/,
    ],
  ])('refuses %s', (_what, read, message) => {
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(message);
  });

  it('are never told, whatever is wrong with them', () => {
    const [good, bad] = [base64(), 'c2VjcmV0LXNlY3JldC1zZWNyZXQ='];
    try {
      keys(`a:${good},a:${good},b:${bad},${bad}`);
    } catch (error) {
      const said = `${String(error)} ${JSON.stringify(error)}`;
      expect(said).not.toContain(good);
      expect(said).not.toContain(bad);
      return;
    }
    throw new Error('not refused');
  });

  it('do not print themselves', () => {
    const key = base64();
    const said = JSON.stringify(keys(`a:${key}`));
    expect(said).not.toContain(key);
  });

  it('are kept from the cmdlets, as are the other secrets', () => {
    const env = {
      WATARI_ENCRYPTION_KEY: 'k',
      Temporal_Api_Key: 'k',
      TEMPORAL_TLS_CLIENT_KEY_DATA: 'k',
      TEMPORAL_GRPC_META_AUTHORIZATION: 'k',
      SystemRoot: 'C:\\Windows',
    };
    const given = powerShellEnvironment({}, env);
    expect(given['SystemRoot']).toBe('C:\\Windows');
    expect(Object.values(given)).not.toContain('k');
  });
});

describe('the codec', () => {
  const [mine, other] = [keys(`mine:${base64()}`), keys(`other:${base64()}`)];

  it('gives back what it took, and nothing of it can be seen in between', async () => {
    const values = [SECRET, { vm: 'web-1', notes: '渡り' }, null, '', 'x'.repeat(100_000)];
    const plain = values.map(payloadOf);
    const encrypted = await payloadCodec(mine).encode(plain);
    expect(
      Buffer.concat(encrypted.map((p) => p.data ?? new Uint8Array())).includes('payroll'),
    ).toBe(false);
    const back = await payloadCodec(mine).decode(encrypted);
    expect(back.map((p) => defaultPayloadConverter.fromPayload<unknown>(p))).toEqual(values);
  });

  it('names the key beside the payload, and the cipher, in the words of Temporal’s samples', async () => {
    const [payload] = await payloadCodec(mine).encode([payloadOf(1)]);
    const words = Object.entries(payload?.metadata ?? {}).map(([k, v]) => [
      k,
      Buffer.from(v).toString(),
    ]);
    expect(Object.fromEntries(words)).toEqual({
      encoding: 'binary/encrypted',
      'encryption-cipher': 'AES-256-GCM',
      'encryption-key-id': 'mine',
    });
  });

  it('never makes the same bytes twice', async () => {
    const [a, b] = await payloadCodec(mine).encode([payloadOf(SECRET), payloadOf(SECRET)]);
    expect(Buffer.from(a?.data ?? [])).not.toEqual(Buffer.from(b?.data ?? []));
  });

  it('after a rotation writes with the first key and reads with all', async () => {
    const old = await payloadCodec(other).encode([payloadOf(SECRET)]);
    const both = payloadCodec([...mine, ...other]);
    const [back] = await both.decode(old);
    expect(defaultPayloadConverter.fromPayload(back ?? {})).toBe(SECRET);
    const [fresh] = await both.encode([payloadOf(1)]);
    expect(Buffer.from(fresh?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('mine');
  });

  it('reads what was written before there was a key', async () => {
    const payload = payloadOf(SECRET);
    expect(await payloadCodec(mine).decode([payload])).toEqual([payload]);
  });

  it.each<[string, readonly EncryptionKey[], RegExp]>([
    [
      'no key',
      [],
      /encrypted with the key "mine", and here there is none \(WATARI_ENCRYPTION_KEY_FILE/,
    ],
    ['another key', other, /encrypted with the key "mine", and here there is only "other"/],
    [
      'another key of that id',
      keys(`mine:${base64()}`),
      /"mine" cannot be read with the key of that id/,
    ],
  ])('with %s says which one it takes', async (_what, here, message) => {
    const encrypted = await payloadCodec(mine).encode([payloadOf(SECRET)]);
    const reading = payloadCodec(here).decode(encrypted);
    await expect(reading).rejects.toThrow(EncryptionKeyProblem);
    await expect(reading).rejects.toThrow(message);
  });

  it('refuses a payload that was changed on its way', async () => {
    const [payload] = await payloadCodec(mine).encode([payloadOf(SECRET)]);
    const data = Buffer.from(payload?.data ?? []);
    for (const at of [0, 20, data.length - 1]) {
      const changed = Buffer.from(data);
      changed.writeUInt8((changed[at] ?? 0) ^ 1, at);
      const reading = payloadCodec(mine).decode([{ ...payload, data: changed }]);
      await expect(reading).rejects.toThrow(/"mine" cannot be read/);
    }
    const short = payloadCodec(mine).decode([{ ...payload, data: data.subarray(0, 5) }]);
    await expect(short).rejects.toThrow(/"mine" cannot be read/);
  });

  it('ends a command with exit code 2 and the id of the key, however the SDK wrapped it', () => {
    const problem = new EncryptionKeyProblem('mine', 'encrypted with the key "mine"');
    const error = asClientError(new Error('Failed', { cause: problem }));
    expect(error).toMatchObject({ code: 'EncryptionKey', exitCode: 2, message: problem.message });
  });
});

describe('failures', () => {
  it('are written so that message and stack are payloads too, and read without that', () => {
    const failure = failureConverter.errorToFailure(new Error(SECRET), defaultPayloadConverter);
    expect({ message: failure.message, stack: failure.stackTrace }).toEqual({
      message: 'Encoded failure',
      stack: '',
    });
    const read = new DefaultFailureConverter().failureToError(failure, defaultPayloadConverter);
    expect(read.message).toBe(SECRET);
  });
});

describe('the codec server', () => {
  const [mine] = [keys(`mine:${base64()}`)];
  const UI = 'http://127.0.0.1:8233';
  let server: CodecServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  const start = async (): Promise<string> => {
    server = await startCodecServer({
      codec: payloadCodec(mine),
      ip: '127.0.0.1',
      port: 0,
      origins: [UI],
    });
    return server.url;
  };
  const encryptedBody = async (): Promise<string> => {
    const [payload] = await payloadCodec(mine).encode([payloadOf(SECRET)]);
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    const metadata = Object.entries(payload?.metadata ?? {}).map(([k, v]) => [k, text(v)] as const);
    const data = text(payload?.data ?? new Uint8Array());
    return JSON.stringify({ payloads: [{ metadata: Object.fromEntries(metadata), data }] });
  };
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', origin: UI, ...headers },
    });

  it('decodes for the UI’s page, in the JSON that the UI sends', async () => {
    const answer = await post(`${await start()}/decode`, await encryptedBody());
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(UI);
    const { payloads } = (await answer.json()) as { payloads: { data: string }[] };
    expect(Buffer.from(payloads[0]?.data ?? '', 'base64').toString()).toBe(JSON.stringify(SECRET));
  });

  it('encodes what it can decode', async () => {
    const url = await start();
    const data = Buffer.from('"in"').toString('base64');
    const metadata = { encoding: Buffer.from('json/plain').toString('base64') };
    const encoded = await (
      await post(`${url}/encode`, JSON.stringify({ payloads: [{ metadata, data }] }))
    ).text();
    expect(encoded).not.toContain(data);
    expect(await (await post(`${url}/decode`, encoded)).json()).toEqual({
      payloads: [{ metadata, data }],
    });
  });

  it('answers a browser’s question before the call', async () => {
    const answer = await fetch(`${await start()}/decode`, {
      method: 'OPTIONS',
      headers: { origin: UI, 'access-control-request-method': 'POST' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-headers')).toContain('x-namespace');
  });

  it('lets no other page in', async () => {
    const answer = await post(`${await start()}/decode`, await encryptedBody(), {
      origin: 'http://evil.example',
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(await answer.text()).not.toContain('payroll');
  });

  it('answers to no name but the loopback’s, so that a foreign name cannot be bent to it', async () => {
    const { port } = new URL(await start());
    const status = await new Promise<number | undefined>((resolve, reject) => {
      http
        .request({
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/decode',
          headers: { host: 'evil.example' },
        })
        .on('response', (response) => {
          response.resume();
          resolve(response.statusCode);
        })
        .on('error', reject)
        .end('{}');
    });
    expect(status).toBe(403);
  });

  it('names the key that it lacks', async () => {
    const url = await start();
    const [payload] = await payloadCodec(keys(`lost:${base64()}`)).encode([payloadOf(1)]);
    const metadata = Object.fromEntries(
      Object.entries(payload?.metadata ?? {}).map(([k, v]) => [
        k,
        Buffer.from(v).toString('base64'),
      ]),
    );
    const data = Buffer.from(payload?.data ?? []).toString('base64');
    const answer = await post(`${url}/decode`, JSON.stringify({ payloads: [{ metadata, data }] }));
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('"lost"');
  });

  it.each([
    ['another path', '/keys', 'POST', '{}', {}, 404],
    ['GET', '/decode', 'GET', undefined, {}, 405],
    ['a form', '/decode', 'POST', '{}', { 'content-type': 'text/plain' }, 415],
    ['what is no JSON', '/decode', 'POST', '{', {}, 400],
  ] as const)('refuses %s', async (_what, path, method, body, headers, status) => {
    const answer = await fetch(`${await start()}${path}`, {
      method,
      ...(body !== undefined && { body }),
      headers: { 'content-type': 'application/json', ...headers },
    });
    expect(answer.status).toBe(status);
  });
});
