// Locked doors, with real processes: TLS with client certificates before the server, payloads that only key holders can
// read, nodes that say no, and secrets that are found nowhere. The server is the embedded one; the TLS before it is a
// door of the test's, with the certificates that `watari tls init` makes.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { readEnvironment } from '../../config/environment.ts';
import { payloadCodec } from '../../config/temporal/encryption.ts';
import { runId } from '../../domain/names.ts';
import { CHROMIUM, openBrowser, type Look } from '../support/browser.ts';
import { ROOT } from '../support/built-setup.ts';
import { realCluster, type RealCluster } from '../support/real-cluster.ts';
import { testCertificates } from '../support/test-certificates.ts';
import { openTlsDoor, type TlsDoor } from '../support/tls-proxy.ts';
import { type Program, waitForOutput } from '../../proof/rig/processes.ts';
import { sleep, waitFor } from '../../proof/rig/waiting.ts';
import { killAll, start, startNode } from '../support/processes.ts';
import { needs, BROWSER } from '../support/needs.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

const SCENARIO = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, migrationNetwork: 10Gbps }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, migrationNetwork: 10Gbps }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 40GB, dirtyRate: 50MB/s }
disks: ['C:\\ClusterStorage\\Volume1\\pay-1.vhdx']
faults:
  - { on: addRole, vm: pay-1, times: 1, error: { hresult: '0x80070005' } }
`;
const clusterFile = (cluster: string): string => `
cluster: ${cluster}
nodes: [HV1, HV2]
liveMigration: { simultaneousMigrations: 2, simultaneousStorageMigrations: 2, performance: Compression }
virtualMachines:
  - { name: pay-1, memory: 16GB, vhd: 'C:\\ClusterStorage\\Volume1\\pay-1.vhdx', switch: LAN, generation: 2 }
prove: [pay-1]
`;
const BARE = `
nodes:
  - { name: HV1, memory: 64GB, features: [], switches: [LAN], bootSeconds: 60 }
  - { name: HV2, memory: 64GB, features: [], switches: [LAN], bootSeconds: 60 }
`;
/** What must not be readable in an encrypted history: a disk, a cmdlet, a message, a setting. */
const CONTENT = [
  'ClusterStorage',
  'Move-ClusterVirtualMachineRole',
  'was refused on',
  'Compression',
];

const KEY_BASE64 = randomBytes(32).toString('base64');
/** From pressing Enter to the answer; and how much longer than a command that is let in. */
const TOLD_WITHIN_MS = 2_000;
const MISTAKE_COSTS_MS = 1_000;
const OLD_BASE64 = randomBytes(32).toString('base64');
const API_KEY = `api-${randomBytes(12).toString('hex')}`;
const PASSWORD = `pw-${randomBytes(12).toString('hex')}`;

const ends = endsWithAll();
const folder = temporaryFolder('watari-doors-', ends);
ends(killAll);
const at = (...parts: string[]): string => path.join(folder, ...parts);
const read = (...parts: string[]): string => fs.readFileSync(at(...parts), 'utf8');
const write = (name: string, text: string): string => {
  fs.writeFileSync(at(name), text);
  return at(name);
};

const watari = (words: string[], env: Record<string, string> = {}): Program =>
  startNode([path.join(ROOT, 'dist', 'client', 'main.js'), ...words], {
    cwd: folder,
    env: { NO_COLOR: '1', WATARI_HOME: at('home'), ...env },
  });

let door: TlsDoor;

/** As a client of the door; `null` takes a variable away. */
function through(change: Record<string, string | null> = {}): Record<string, string> {
  const env: Record<string, string | null> = {
    TEMPORAL_ADDRESS: door.address,
    TEMPORAL_NAMESPACE: inject('temporal').namespace,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('tls', 'ca.pem'),
    TEMPORAL_TLS_CLIENT_CERT_PATH: at('tls', 'clients', 'HV1', 'client.pem'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: at('tls', 'clients', 'HV1', 'client.key'),
    ...change,
  };
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}

beforeAll(async () => {
  const init = watari(['tls', 'init', '--out', 'tls', '--server', 'localhost', '--client', 'HV1']);
  expect(await init.ended, init.stderr()).toBe(0);
  door = ends(
    await openTlsDoor({
      cert: read('tls', 'server', 'server.pem'),
      key: read('tls', 'server', 'server.key'),
      ca: read('tls', 'ca.pem'),
      to: inject('temporal').address,
    }),
  );
});

describe('a command that may not pass the door', () => {
  const list = async (env: Record<string, string>, code: number) => {
    const started = performance.now();
    const command = watari(['run', 'list'], env);
    expect(await command.ended, command.stderr()).toBe(code);
    return { tookMs: performance.now() - started, said: command.stderr() };
  };

  it('is let in with everything right', async () => {
    const admitted = door.admitted();
    await list(through(), 0);
    expect(door.admitted()).toBeGreaterThan(admitted);
  });

  it.each<[string, () => Record<string, string>, RegExp]>([
    [
      'without a client certificate',
      () => through({ TEMPORAL_TLS_CLIENT_CERT_PATH: null, TEMPORAL_TLS_CLIENT_KEY_PATH: null }),
      /requires a client certificate.* we have none/,
    ],
    [
      'with the wrong authority',
      () => through({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: at('stranger-ca.pem') }),
      /was not made by an authority that we trust/,
    ],
    [
      'with an expired certificate',
      () =>
        through({
          TEMPORAL_TLS_CLIENT_CERT_PATH: at('expired.pem'),
          TEMPORAL_TLS_CLIENT_KEY_PATH: at('expired.key'),
        }),
      /our client certificate \(HV1\) expired on/,
    ],
    [
      'under the wrong server name',
      () => through({ TEMPORAL_TLS_SERVER_NAME: 'nope.example' }),
      /certificate is not for nope\.example, but for localhost/,
    ],
    [
      'in plain text',
      () => ({ TEMPORAL_ADDRESS: door.address }),
      /the server wants TLS, and we spoke plain text/,
    ],
  ])('%s is told so within two seconds, exit code 3', async (_how, env, message) => {
    const { strangerCa, expiredClient } = await testCertificates();
    write('stranger-ca.pem', strangerCa.certificate);
    write('expired.pem', expiredClient.certificate);
    write('expired.key', expiredClient.key);
    // On a busy machine the start of a process alone takes seconds, and not the same every time: then it is held
    // against what a command that may pass takes in the same moment.
    for (let tries = 1; ; tries += 1) {
      const admitted = door.admitted();
      const { tookMs, said } = await list(env(), 3);
      expect(said).toMatch(message);
      expect(said).not.toContain('    at ');
      expect(door.admitted()).toBe(admitted);
      if (tookMs < TOLD_WITHIN_MS) break;
      const right = await list(through(), 0);
      if (tookMs < right.tookMs + MISTAKE_COSTS_MS) break;
      expect(tries, `took ${tookMs} ms, one that may pass ${right.tookMs} ms`).toBeLessThan(5);
    }
  });

  it('and a worker names its mistake once, and does not hammer', async () => {
    const tried = door.tried();
    const worker = watari(
      ['worker', 'start', '-c', 'doors', '--node', 'HV1', '--lab', 'http://127.0.0.1:9'],
      {
        ...through({ TEMPORAL_TLS_CLIENT_CERT_PATH: null, TEMPORAL_TLS_CLIENT_KEY_PATH: null }),
      },
    );
    await waitFor(
      'the worker to name its mistake',
      () => worker.stderr().includes('we have none'),
      { saw: () => worker.stderr() },
    );
    await sleep(3000);
    await worker.kill();
    // Two connections, each tried and asked about once.
    expect(worker.stderr().match(/we have none/g)?.length).toBeLessThanOrEqual(2);
    expect(door.tried() - tried).toBeLessThanOrEqual(6);
  });
});

describe('a whole run behind TLS, encrypted', () => {
  let c: RealCluster;
  let apply: Program;
  let migrate: Program;
  const said: string[] = [];
  const keyFile = (): string => at('watari.key');

  beforeAll(async () => {
    write('watari.key', `now:${KEY_BASE64}\nbefore:${OLD_BASE64}\n`);
    c = ends(
      await realCluster({
        temporal: inject('temporal'),
        scenario: SCENARIO,
        speed: 8,
        env: {
          ...through({ TEMPORAL_TLS_CLIENT_KEY_PATH: null }),
          TEMPORAL_TLS_CLIENT_KEY_DATA: read('tls', 'clients', 'HV1', 'client.key'),
          WATARI_ENCRYPTION_KEY_FILE: keyFile(),
          TEMPORAL_API_KEY: API_KEY,
          ADMINISTRATOR_PASSWORD: PASSWORD,
        },
      }),
    );
    fs.writeFileSync(path.join(c.folder, 'cluster.yaml'), clusterFile(c.cluster));
    const parked = c.watari('cluster', 'apply', '--yes');
    expect(await parked.ended, parked.stdout() + parked.stderr()).toBe(4);
    said.push(parked.stdout(), parked.stderr());
    const retry = c.watari('run', 'retry', 'apply', '--reason', 'the account was mended');
    expect(await retry.ended, retry.stderr()).toBe(0);
    apply = c.watari('run', 'watch', 'apply', '--json');
    expect(await apply.ended, apply.stdout() + apply.stderr()).toBe(0);
    migrate = c.watari('vm', 'migrate', 'web-1');
    expect(await migrate.ended, migrate.stdout() + migrate.stderr()).toBe(0);
    said.push(...[apply, migrate].flatMap((one) => [one.stdout(), one.stderr()]));
  });

  const show = async (run: string, env: Record<string, string | undefined>): Promise<Program> => {
    const command = startNode([path.join(ROOT, 'dist', 'client', 'main.js'), 'run', 'show', run], {
      cwd: c.folder,
      env: { ...c.env, ...env },
    });
    await command.ended;
    return command;
  };

  /** Everything that the server keeps of the runs, as JSON. */
  const kept = async (): Promise<string[]> => {
    const connection = await Connection.connect({ address: inject('temporal').address });
    const client = new Client({ connection, namespace: inject('temporal').namespace });
    const out: string[] = [];
    for (const id of [
      runId.apply(c.cluster),
      runId.create(c.cluster, 'pay-1'),
      runId.migrate(c.cluster, 'pay-1'),
      runId.migrate(c.cluster, 'web-1'),
    ]) {
      out.push(historyToJSON(await client.workflow.getHandle(id).fetchHistory()));
      const described = await client.workflowService.describeWorkflowExecution({
        namespace: inject('temporal').namespace,
        execution: { workflowId: id },
      });
      out.push(JSON.stringify(described));
    }
    await connection.close();
    return out;
  };

  it('ends well, with live progress, and told a person what was wrong and took the answer', async () => {
    expect(said.join('\n')).toContain('AccessDenied: addRole was refused on HV');
    const run = JSON.parse(apply.stdout()) as { state: string; steps: { evidence: object }[] };
    expect(run.state).toBe('succeeded');
    expect(JSON.stringify(run.steps)).toContain('Move-ClusterVirtualMachineRole');
    // Percentages come from heartbeats, which the client decodes itself.
    expect(migrate.stdout()).toMatch(/\d+ ?%/);
    expect(await c.effects('move-started', 'web-1')).toHaveLength(1);
  });

  it('leaves nothing readable in the histories', async () => {
    const all = (await kept()).join('\n');
    expect(all).toContain(Buffer.from('binary/encrypted').toString('base64'));
    for (const text of CONTENT) {
      expect(all).not.toContain(text);
      expect(dataIn(all)).not.toContain(text);
    }
    // With the key it is all there, or the lines above would say nothing.
    const plain = await decrypted(await kept());
    for (const text of ['ClusterStorage', 'Move-ClusterVirtualMachineRole', 'Compression']) {
      expect(plain).toContain(text);
    }
  });

  it('is read by Temporal’s own tools through the codec server', async () => {
    const server = c.watari('codec', 'start', '--port', '0', '--json');
    const [, url = ''] = await waitForOutput(server, /"url": "([^"]+)"/);
    const { cliPath, address, namespace } = inject('temporal');
    const id = runId.create(c.cluster, 'pay-1');
    const words = ['workflow', 'show', '--workflow-id', id, '--output', 'json'];
    const ask = async (...more: string[]): Promise<string> => {
      const tool = start(cliPath, [
        ...words,
        '--address',
        address,
        '--namespace',
        namespace,
        ...more,
      ]);
      expect(await tool.ended, tool.stderr()).toBe(0);
      return tool.stdout();
    };
    expect(dataIn(await ask())).not.toContain('ClusterStorage');
    expect(dataIn(await ask('--codec-endpoint', url))).toContain('ClusterStorage');
    await server.kill('SIGTERM');
  });

  it('cannot be read without the key, and the error names it', async () => {
    const lost = await show('apply', { WATARI_ENCRYPTION_KEY_FILE: undefined });
    expect(await lost.ended).toBe(2);
    expect(lost.stderr()).toMatch(/encrypted with the key "now", and here there is none/);
    const other = `other:${randomBytes(32).toString('base64')}`;
    const wrong = await show('apply', {
      WATARI_ENCRYPTION_KEY_FILE: undefined,
      WATARI_ENCRYPTION_KEY: other,
    });
    expect(await wrong.ended).toBe(2);
    expect(wrong.stderr()).toMatch(/encrypted with the key "now", and here there is only "other"/);
    const none = `${lost.stderr()}${wrong.stderr()}`;
    expect(none).not.toContain(other.slice('other:'.length));
  });

  it('is not waited for in vain when command and workers have different keys', async () => {
    const other = `other:${randomBytes(32).toString('base64')}`;
    const command = startNode([path.join(ROOT, 'dist', 'client', 'main.js'), 'cluster', 'show'], {
      cwd: c.folder,
      env: { ...c.env, WATARI_ENCRYPTION_KEY_FILE: undefined, WATARI_ENCRYPTION_KEY: other },
    });
    expect(await command.ended, command.stderr()).toBe(2);
    expect(command.stderr()).toMatch(
      /encrypted with the key "now", and here there is only "other"/,
    );
    // The workers' logs name the other one, in JSON.
    const logs = filesUnder(c.folder).join('\n').replaceAll('\\', '');
    expect(logs).toMatch(/encrypted with the key "other", and here there are only "now", "before"/);
  });

  it('can still be read after the key was replaced', async () => {
    const rotated = write('rotated.key', newest());
    const shown = await show('apply', { WATARI_ENCRYPTION_KEY_FILE: rotated });
    expect(await shown.ended, shown.stderr()).toBe(0);
    expect(shown.stdout()).toContain('pay-1');
  });
  const newest = (): string => `next:${randomBytes(32).toString('base64')}\nnow:${KEY_BASE64}\n`;

  /** Key, old key, API key, password, and a line of the client's private key. */
  const secrets = (): string[] => {
    const pem = read('tls', 'clients', 'HV1', 'client.key').split('\n')[1] ?? '';
    expect(pem.length).toBeGreaterThan(40);
    return [KEY_BASE64, OLD_BASE64, API_KEY, PASSWORD, pem];
  };

  function expectNoSecretIn(everything: string): void {
    for (const secret of secrets()) {
      expect(everything).not.toContain(secret);
      expect(everything).not.toContain(Buffer.from(secret).toString('base64').slice(0, -4));
    }
  }

  it('has left no secret anywhere: history, attributes, ids, memo, logs, status', async () => {
    const shown = await show('apply', {});
    const everything = [
      ...(await kept()),
      await decrypted(await kept()),
      ...said,
      shown.stdout(),
      shown.stderr(),
      c.lab.stdout(),
      c.lab.stderr(),
      ...filesUnder(c.folder),
      JSON.stringify(await c.state()),
      JSON.stringify(await c.effects()),
    ].join('\n');
    expect(everything.length).toBeGreaterThan(50_000);
    expectNoSecretIn(everything);
  });

  it.each([['run show apply'], ['run list --all'], ['run watch apply'], ['cluster plan']])(
    'prints no secret at `watari %s`, plain and as JSON',
    async (line) => {
      const commands = [[], ['--json']].map((more) => c.watari(...line.split(' '), ...more));
      for (const command of commands) {
        expect(await command.ended, command.stderr()).toBe(0);
        expect(command.stdout()).toContain(c.cluster);
        expectNoSecretIn(command.stdout() + command.stderr());
      }
    },
  );

  // Text in a picture cannot be searched. What is searched is the document that the picture was taken of, at that
  // moment; the pictures are for people.
  it(
    'shows no secret on the pages of the Temporal UI, and the rest only through the codec server',
    needs(BROWSER),
    async () => {
      const { uiUrl, namespace } = inject('temporal');
      const codec = c.watari('codec', 'start', '--port', '0', '--json', '--origin', uiUrl);
      const [, codecUrl = ''] = await waitForOutput(codec, /"url": "([^"]+)"/);
      const id = runId.create(c.cluster, 'pay-1');
      const { workflowExecutionInfo: info } =
        await c.client.workflowService.describeWorkflowExecution({
          namespace,
          execution: { workflowId: id },
        });
      const execution = info?.execution?.runId ?? '';
      const list = `${uiUrl}/namespaces/${namespace}/workflows`;
      const run = `${list}/${encodeURIComponent(id)}/${execution}`;
      const browser = await openBrowser(CHROMIUM ?? '');
      const pictures = path.join(ROOT, '.watari', 'screenshots');
      fs.mkdirSync(pictures, { recursive: true });
      const look = async (name: string, url: string, sign: string): Promise<Look> => {
        const seen = await browser.look(url, (text) => text.includes(sign));
        fs.writeFileSync(path.join(pictures, `doors-${name}.png`), seen.png);
        expect(seen.png.length).toBeGreaterThan(10_000);
        expectNoSecretIn(seen.html + seen.text);
        return seen;
      };
      try {
        // The raw events, and not the table that leaves most of them out.
        await browser.run(list, `localStorage.setItem('eventView', '"json"')`);
        const closed = await Promise.all([
          // Other tests run on this server, and a page has a hundred lines.
          look('list', `${list}?query=${encodeURIComponent(`WorkflowId = '${id}'`)}`, id),
          look('timeline', `${run}/timeline`, 'Input'),
          look('history', `${run}/history`, '"WorkflowExecutionStarted"'),
          look('memo', `${run}/memo`, 'startedBy'),
        ]);
        for (const { html, text } of closed) {
          for (const word of CONTENT) expect(html + text).not.toContain(word);
        }
        // As with the glasses in the upper right corner, and "Use my browser setting" there.
        await browser.run(
          list,
          `localStorage.setItem('endpoint', '${JSON.stringify(codecUrl)}');
           localStorage.setItem('overrideRemoteCodecConfiguration', 'true');`,
        );
        const open = await look('timeline-decoded', `${run}/timeline`, 'ClusterStorage');
        expect(open.text).toContain('pay-1.vhdx');
      } finally {
        await browser.close();
        await codec.kill('SIGTERM');
      }
      process.stderr.write(`Screenshots of the Temporal UI: ${pictures}\n`);
    },
  );
});

describe('a node that is read only', () => {
  it('refuses what a run asks of it, the run waits for a person, nothing was done', async () => {
    const c = ends(
      await realCluster({
        temporal: inject('temporal'),
        scenario: BARE,
        workers: ['HV2'],
        speed: 50,
      }),
    );
    const worker = c.watari('worker', 'start', '--node', 'HV1', '--lab', c.labUrl, '--read-only');
    await waitFor('the worker to say what it may do', () => worker.stderr().includes('read only'), {
      saw: () => worker.stderr(),
    });
    const id = runId.prepare(c.cluster, 'HV1');
    const run = await c.start('prepareNode', id, { node: 'HV1', restarts: 'allowed' });
    await run.until('the step to need a person', (s) => s.state === 'needs-operator');
    const shown = c.watari('run', 'show', id);
    expect(await shown.ended).toBe(4);
    expect(shown.stdout()).toContain('NotAllowedHere');
    expect(shown.stdout()).toContain('--read-only');
    expect(await c.effects('feature-installed')).toEqual([]);
    expect(await c.effects('restart-requested')).toEqual([]);
    await run.decide({ step: 'hv1/install-features', action: 'abort' }).catch(() => undefined);
    await worker.kill('SIGTERM');
  });

  it('is not started with words that mean nothing', async () => {
    const words = [
      'worker',
      'start',
      '-c',
      'doors',
      '--node',
      'HV1',
      '--lab',
      'http://127.0.0.1:9',
    ];
    const worker = watari([...words, '--allow', 'everything'], through());
    expect(await worker.ended).toBe(2);
    expect(worker.stderr()).toContain(
      'there are moves, settings, features, restarts, vms, nodes, updates',
    );
  });
});

/** Texts of all files, binary ones (the key pairs of TLS are elsewhere) included. */
function filesUnder(where: string): string[] {
  return fs
    .readdirSync(where, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(where, name))
    .filter((file) => fs.statSync(file).isFile())
    .map((file) => fs.readFileSync(file, 'latin1'));
}

/** What stands in the payloads of a JSON text as they are, without a key. */
const dataIn = (json: string): string =>
  [...json.matchAll(/"data":\s*"([^"]+)"/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString('utf8'))
    .join('\n');

/** The contents of every encrypted payload in these JSON texts. */
async function decrypted(texts: readonly string[]): Promise<string> {
  const codec = payloadCodec(
    readEnvironment({ WATARI_ENCRYPTION_KEY: `now:${KEY_BASE64},before:${OLD_BASE64}` })
      .encryptionKeys,
  );
  const found: Payload[] = [];
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { metadata, data } = value as { metadata?: Record<string, string>; data?: string };
    if (typeof data === 'string' && typeof metadata?.['encryption-key-id'] === 'string') {
      const bytes = Object.entries(metadata).map(
        ([k, v]) => [k, Buffer.from(v, 'base64')] as const,
      );
      found.push({ metadata: Object.fromEntries(bytes), data: Buffer.from(data, 'base64') });
    }
    Object.values(value).forEach(collect);
  };
  for (const text of texts) collect(JSON.parse(text));
  expect(found.length).toBeGreaterThan(20);
  const plain = await codec.decode(found);
  return plain.map((payload) => Buffer.from(payload.data ?? []).toString('utf8')).join('\n');
}
