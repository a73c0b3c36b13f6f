// The embedded server with the real CLI: it starts, says what is in its way, survives kill -9 on the same file, and
// never outlives its owner.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { beforeEach, describe, expect, inject, it } from 'vitest';
import { isListening } from '../../client/temporal-server/ports.ts';
import type { TemporalServer } from '../../client/temporal-server/start.ts';
import { ROOT } from '../support/built-setup.ts';
import {
  type Program,
  isAlive,
  killPid,
  untilGone,
  waitForOutput,
} from '../../proof/rig/processes.ts';
import { serverOnFile } from '../../proof/rig/servers.ts';
import { killAll, startNode } from '../support/processes.ts';
import { sleep } from '../../proof/rig/waiting.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const { cliPath } = inject('temporal');
let folder = '';
const ends = endsWithTest();

const own = async (port?: number): Promise<TemporalServer> =>
  ends(await serverOnFile({ cliPath, folder, port }));

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

const portOf = (server: TemporalServer): number => Number(server.address.split(':')[1]);

/** Below those that systems give to outgoing connections: nobody takes it while the server is away. */
async function quietPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (!(await isListening('127.0.0.1', port))) return port;
  }
}

beforeEach(() => {
  folder = temporaryFolder('watari-server-', ends);
  ends(killAll);
});

describe('the embedded server', () => {
  it('answers with our search attributes registered and a UI that is there', async () => {
    const server = await own();
    const present = await withClient(server.address, (client) =>
      client.connection.operatorService.listSearchAttributes({ namespace: server.namespace }),
    );
    expect(Object.keys(present.customAttributes)).toEqual(
      expect.arrayContaining(['WatariCluster', 'WatariNode', 'WatariVm', 'WatariNeedsOperator']),
    );
    expect((await fetch(server.uiUrl)).status).toBe(200);
  });

  it('is gone after stop, and stop twice is the same as once', async () => {
    const server = await own();
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    expect(fs.existsSync(path.join(folder, 'temporal.db.server.json'))).toBe(false);
  });

  it('has every run again after kill -9 and a start on the same file and port', async () => {
    const first = await own(await quietPort());
    await withClient(first.address, (client) =>
      client.workflow.start('nobodyRunsThis', { workflowId: 'kept', taskQueue: 'nobody' }),
    );
    await killPid(first.pid);
    await first.exited;
    const second = await own(portOf(first));
    const kept = await withClient(second.address, (client) =>
      client.workflow.getHandle('kept').describe(),
    );
    expect(second.address).toBe(first.address);
    expect(kept.status.name).toBe('RUNNING');
  });

  it('names the port that is taken and the flag that chooses another', async () => {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as net.AddressInfo;
    try {
      await expect(own(port)).rejects.toMatchObject({
        message: `Port ${port} on 127.0.0.1, meant for the Temporal server, is already in use`,
        hint: expect.stringContaining('--port') as string,
      });
    } finally {
      other.close();
    }
  });

  it('refuses a database that another server has open, and says which', async () => {
    const first = await own();
    await expect(own()).rejects.toMatchObject({
      code: 'DatabaseInUse',
      message: expect.stringContaining(`${first.address} (process ${first.pid})`) as string,
    });
  });

  it('shows the last words of a server that does not start', async () => {
    fs.writeFileSync(path.join(folder, 'temporal.db'), 'this is no database '.repeat(500));
    await expect(own()).rejects.toMatchObject({
      code: 'ServerNotStarted',
      problems: expect.arrayContaining([
        { message: expect.stringMatching(/not a database/i) as string },
      ]) as unknown,
    });
  });

  /** A process of its own that starts a server and prints its pid. */
  const startOwner = (lifetime: string, andThen: string): Program => {
    const module = pathToFileURL(path.join(ROOT, 'dist/client/temporal-server/start.js')).href;
    const options = {
      cliPath,
      dbFile: null,
      durability: 'fast',
      port: 'free',
      lifetime,
      logFile: path.join(folder, 'log'),
    };
    const script = `
      const { startTemporalServer } = await import(${JSON.stringify(module)});
      const server = await startTemporalServer(${JSON.stringify(options)});
      console.log('pid ' + server.pid + ';');
      ${andThen}`;
    return startNode(['--input-type=module', '-e', script]);
  };

  it('ends with its owner even when the owner is killed', async () => {
    const owner = startOwner('owned', '');
    const pid = Number((await waitForOutput(owner, /pid (\d+);/))[1]);
    expect(isAlive(pid)).toBe(true);
    await owner.kill('SIGKILL');
    await untilGone(pid, 'the server');
  });

  it('goes on after its owner when it was started detached', async () => {
    const owner = startOwner('detached', '');
    const pid = Number((await waitForOutput(owner, /pid (\d+);/))[1]);
    try {
      expect(await owner.ended).toBe(0);
      // Longer than a guard would need to end it.
      await sleep(2_000);
      expect(isAlive(pid)).toBe(true);
    } finally {
      await killPid(pid);
    }
  });
});

describe('watari server start', () => {
  const command = (...args: string[]): Program =>
    startNode([path.join(ROOT, 'dist/client/main.js'), 'server', 'start', '--port', '0', ...args], {
      env: { WATARI_HOME: folder, TEMPORAL_CLI_PATH: cliPath },
      stdin: 'pipe',
    });
  const pidOf = async (running: Program): Promise<number> =>
    Number((await waitForOutput(running, /"pid":(\d+)/))[1]);

  it('prints where everything is, keeps every commit, and ends with SIGTERM', async () => {
    const running = command('--json');
    const pid = await pidOf(running);
    expect(JSON.parse(running.stdout())).toMatchObject({
      namespace: 'default',
      db: path.join(folder, 'temporal.db'),
      durability: 'full',
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
      ui: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
    });
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  it('ends when its stdin ends, if it was started with --owned', async () => {
    const running = command('--json', '--owned');
    const pid = await pidOf(running);
    running.child.stdin?.end();
    expect(await running.ended).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  it('says so and fails when the server is killed under it', async () => {
    const running = command('--json');
    await killPid(await pidOf(running));
    expect(await running.ended).toBe(1);
    expect(running.stdout() + running.stderr()).toMatch(/ended by itself/);
  });
});
