// Random requests to the two HTTP servers: the lab's door and the codec server. An answer with a status of its own,
// never a failure of the code; and what was refused has changed nothing.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { startCodecServer, type CodecServer } from '../../client/temporal/codec-server.ts';
import { readEnvironment } from '../../config/environment.ts';
import { payloadCodec } from '../../config/temporal/encryption.ts';
import { OPS, type Op } from '../../hyperv/host.ts';
import { ARGUMENTS } from '../../lab/machine/arguments.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { disturbanceSchema } from '../../lab/powershell/disturbance.ts';
import { CMDLETS } from '../../lab/powershell/door.ts';
import { faultSchema } from '../../lab/scenario/fault-schema.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { startLabServer } from '../../lab/server.ts';
import { ROOT } from '../support/built-setup.ts';
import { mustBeReadable, tryAll } from '../support/fuzz.ts';
import { hostileText, hostileValue, mutatedValue } from '../support/hostile.ts';
import { arbitraryOf, type Special } from '../support/zod-arbitrary.ts';
import { THREE } from './lab-fixture.ts';
import { endsWithAll } from '../support/ends.ts';

interface Asked {
  method: string;
  path: string;
  /** Bytes as text in Latin 1. */
  body: string;
  headers?: Record<string, string>;
}

interface Answered {
  status: number;
  text: string;
}

/** Of this server alone, so that no test waits for the connections of another. */
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
afterAll(() => {
  agent.destroy();
});

/** fetch would tidy the path first. */
const send = (url: string, asked: Asked): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const { method, headers = {} } = asked;
    const body = Buffer.from(asked.body, 'latin1');
    const request = http.request(
      {
        agent,
        hostname,
        port,
        method,
        path: asked.path,
        headers: {
          'content-type': 'application/json',
          'content-length': method === 'GET' ? 0 : body.length,
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString('utf8'),
          });
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(method === 'GET' ? undefined : body);
  });

const jsonBody = (value: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  value.map((one) => Buffer.from(JSON.stringify(one), 'utf8').toString('latin1'));

const anyBody = fc.oneof(
  jsonBody(hostileValue),
  hostileText.map((text) => Buffer.from(text, 'utf8').toString('latin1')),
  fc.constantFrom(
    '',
    '{',
    '['.repeat(5000),
    '\xff\xfe',
    '{"a":1}{"a":1}',
    'null',
    `"${'x'.repeat(2 ** 20)}"`,
  ),
);

/** Names and numbers that mean something in this lab, where any would do for the schema. */
const known: Special = (_schema, at) => {
  switch (at.at(-1)) {
    case 'node':
      return fc.oneof(fc.constantFrom('HV1', 'hv2', 'HV3', 'HV9'), hostileText);
    case 'vmId':
      return fc.constantFrom(...LAB_IDS, '7a9d8c60-0000-4000-8000-0123456789ab', 'no id');
    case 'vm':
    case 'name':
      return fc.oneof(fc.constantFrom('a', 'b', 'c'), hostileText);
    // Never answered on purpose, ends nothing here, or takes the memory that it says.
    case 'hang':
      return fc.constant(undefined);
    case 'flood':
      return fc.constantFrom(undefined, 1, 0, -1, 1e15);
    default:
      return undefined;
  }
};

function makeLab() {
  const clock = manualClock();
  return { clock, lab: new Lab(parseScenario(`cluster: test\n${THREE}`, 't.yaml'), clock) };
}
const LAB_IDS = makeLab()
  .lab.state()
  .vms.map((vm) => vm.id);

/** Every route of the door, as its source names it. */
const ROUTES = [
  ...fs
    .readFileSync(path.join(ROOT, 'lab', 'server.ts'), 'utf8')
    .matchAll(/case '(GET|POST) (\w+) (\d)':/g),
].map(([, method = '', first = '', parts = '']) => ({ method, first, parts: Number(parts) }));

const control = fc.oneof(
  fc.record({
    action: fc.constantFrom('power-on', 'power-off', 'crash'),
    node: fc.oneof(fc.constantFrom('HV1', 'hv2', 'HV9'), hostileText),
  }),
  arbitraryOf(faultSchema, known).map((fault) => ({ action: 'add-fault', fault })),
  arbitraryOf(disturbanceSchema, known).map((disturbance) => ({ action: 'disturb', disturbance })),
  fc.constant({ action: 'clear-faults' }),
  fc
    .oneof(fc.constantFrom(0, 0.5, 90, 1e9, 1e300, -1), fc.double())
    .map((seconds) => ({ action: 'advance', seconds })),
);

const cmdlet = fc.record({
  node: fc.constantFrom('HV1', 'HV2', 'HV9'),
  cmdlet: fc.oneof(fc.constantFrom(...Object.keys(CMDLETS)), hostileText),
  bound: fc.dictionary(
    fc.oneof(
      fc.constantFrom('Name', 'Node', 'VM', 'Id', 'ClassName', 'Property', 'ErrorAction'),
      hostileText,
    ),
    fc.oneof(
      hostileValue,
      fc.constantFrom('a', 'HV2', ...LAB_IDS, { $ref: 'cluster' }, { $ref: 5 }),
    ),
    { maxKeys: 4 },
  ),
});

const operation: fc.Arbitrary<Asked> = fc.constantFrom(...OPS).chain((op: Op) =>
  fc
    .tuple(
      fc.constantFrom('HV1', 'HV2', 'HV9', '%', '%00', '..', 'a%2Fb'),
      fc.oneof(
        { weight: 3, arbitrary: jsonBody(arbitraryOf(ARGUMENTS[op] as z.ZodType, known)) },
        {
          weight: 2,
          arbitrary: jsonBody(
            arbitraryOf(ARGUMENTS[op] as z.ZodType, known).chain((args) => mutatedValue(args)),
          ),
        },
        { weight: 1, arbitrary: anyBody },
      ),
    )
    .map(([node, body]) => ({ method: 'POST', path: `/nodes/${node}/${op}`, body })),
);

const mostlyBroken = (value: fc.Arbitrary<unknown>): fc.Arbitrary<string> =>
  fc.oneof(jsonBody(value), jsonBody(value.chain((one) => mutatedValue(one))), anyBody);

const request: fc.Arbitrary<Asked> = fc.oneof(
  operation,
  mostlyBroken(control)
    // What it stops is the process of the lab.
    .filter((body) => !body.includes('"stop"'))
    .map((body) => ({ method: 'POST', path: '/control', body })),
  mostlyBroken(cmdlet).map((body) => ({ method: 'POST', path: '/cmdlets', body })),
  fc
    .record({
      method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
      route: fc.constantFrom(...ROUTES),
      query: fc.constantFrom(
        '',
        '?after=1',
        '?after=x',
        '?after=1e999',
        '?after=-1',
        '?%',
        '?__proto__',
      ),
      body: anyBody,
    })
    .map(({ method, route, query, body }) => ({
      method,
      path: `/${[route.first, 'HV1', 'x'].slice(0, route.parts).join('/')}${query}`,
      body,
    })),
  fc
    .constantFrom(
      '//',
      '/%ff',
      '/%',
      '/state/',
      '/../state',
      '///nodes',
      '/nodes/HV1',
      '*',
      'http://[/',
      '/a?b#c',
    )
    .map((at) => ({ method: 'GET', path: at, body: '' })),
);

async function tryLab(requests: readonly Asked[]): Promise<void> {
  const { lab, clock } = makeLab();
  const server = await startLabServer(lab, { port: 0, clock });
  // Some answers take simulated time.
  let passed = 0;
  const timer = setInterval(() => {
    passed += 1;
    clock.advance(30 * 86_400_000);
    lab.advance();
  }, 40);
  try {
    for (const asked of requests) {
      const before = JSON.stringify([lab.state(), lab.effects().length]);
      const passedBefore = passed;
      const { status, text } = await send(server.url, asked);
      expect([200, 400, 403, 404, 413]).toContain(status);
      const answer = JSON.parse(text) as { error?: { message: string } };
      if (status !== 200) {
        mustBeReadable(answer.error?.message.replaceAll('\n', ' ') ?? '');
        if (passed === passedBefore)
          expect(JSON.stringify([lab.state(), lab.effects().length])).toBe(before);
      }
    }
    expect((await send(server.url, { method: 'GET', path: '/state', body: '' })).status).toBe(200);
  } finally {
    clearInterval(timer);
    await server.close();
  }
}

describe('the door of the lab', () => {
  it('has routes to be asked', () => {
    expect(ROUTES.length).toBeGreaterThanOrEqual(8);
  });

  it('answers anything, and what it refuses has changed nothing', () =>
    tryAll('lab, requests', fc.array(request, { minLength: 1, maxLength: 5 }), tryLab, {
      share: 0.5,
      examples: REGRESSIONS,
    }));
});

/** Each once answered 500, or wrote what was sent to the terminal of the lab's command. */
const REGRESSIONS: readonly Asked[][] = [
  [{ method: 'GET', path: '//', body: '' }],
  [{ method: 'POST', path: '/cmdlets', body: '{"node":"HV1","cmdlet":"constructor"}' }],
  [{ method: 'POST', path: '/control', body: '{"action":"crash","node":"\\u001b[2J"}' }],
  [{ method: 'POST', path: '/control', body: '{"action":"advance","seconds":1e300}' }],
];

const KEY = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const { encryptionKeys } = readEnvironment({ WATARI_ENCRYPTION_KEY: KEY });

describe('the codec server', () => {
  const ends = endsWithAll();
  let server: CodecServer;
  beforeAll(async () => {
    const codec = payloadCodec(encryptionKeys);
    server = ends(
      await startCodecServer({ codec, ip: '127.0.0.1', port: 0, origins: ['http://ui'] }),
    );
  });

  const bytes = fc.uint8Array({ maxLength: 40 }).map((b) => Buffer.from(b).toString('base64'));
  const payloads = fc.record({
    payloads: fc.array(
      fc.record({
        metadata: fc.dictionary(fc.string({ maxLength: 9 }), bytes, { maxKeys: 3 }),
        data: bytes,
      }),
      { maxLength: 3 },
    ),
  });

  it('answers anything with a status of its own', () =>
    tryAll(
      'codec server, requests',
      fc.record({
        method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'OPTIONS', 'PUT'),
        path: fc.constantFrom('/encode', '/decode', '/decode?x', '/', '/encode/', '*', '//'),
        body: mostlyBroken(payloads),
        headers: fc.constantFrom<Record<string, string>>(
          {},
          {},
          {},
          { origin: 'http://ui' },
          { origin: 'null' },
          { 'content-type': 'text/plain' },
          { host: 'evil.example' },
        ),
      }),
      async (asked) => {
        const { status } = await send(server.url, asked);
        expect([200, 204, 400, 403, 404, 405, 413, 415]).toContain(status);
      },
      {
        share: 2,
        examples: [
          // A number where bytes are, and a list that says it is a gigabyte long.
          {
            method: 'POST',
            path: '/decode',
            body: '{"payloads":[{"metadata":{"encoding":5}}]}',
            headers: {},
          },
          {
            method: 'POST',
            path: '/encode',
            body: '{"payloads":[{"data":{"length":900000000}}]}',
            headers: {},
          },
          { method: 'POST', path: '/encode', body: '{"payloads":[null,5]}', headers: {} },
        ],
      },
    ));

  it('gives back what it was given', () =>
    tryAll(
      'codec server, payloads',
      payloads,
      async (given) => {
        const post = async (at: string, body: string): Promise<string> => {
          const { status, text } = await send(server.url, {
            method: 'POST',
            path: at,
            body: Buffer.from(body).toString('latin1'),
          });
          expect(status).toBe(200);
          return text;
        };
        const back = JSON.parse(
          await post('/decode', await post('/encode', JSON.stringify(given))),
        ) as {
          payloads: { data?: string }[];
        };
        expect(back.payloads.map((one) => one.data ?? '')).toEqual(
          given.payloads.map((one) => one.data),
        );
      },
      { examples: [{ payloads: [] }] },
    ));
});
