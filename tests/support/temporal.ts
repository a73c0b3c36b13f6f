// The Temporal server of a test run: found or fetched like the product does it, on free ports, in memory, and ended
// with the run. A test that needs a server of its own (to kill it) starts one with `startOwnServer`.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type {} from 'vitest';
import { findTemporalCli } from '../../client/temporal-server/find.ts';
import { startTemporalServer, type TemporalServer } from '../../client/temporal-server/start.ts';
import { ROOT } from './built-setup.ts';
import { removeFolder } from './folders.ts';

/** What a test gets from `inject('temporal')`. */
export interface TestTemporal {
  address: string;
  namespace: string;
  uiUrl: string;
  /** For tests that run `temporal` itself or start a server of their own. */
  cliPath: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    temporal: TestTemporal;
  }
}

/** The cache is the checkout's own, so that the CLI is fetched once and not once per run. */
const DATA_DIR = path.join(ROOT, '.watari');

export async function findCliForTests(): Promise<string> {
  const said: string[] = [];
  const cli = await findTemporalCli({
    cliPath: process.env['TEMPORAL_CLI_PATH'],
    searchPath: process.env['PATH'] ?? '',
    dataDir: DATA_DIR,
    say: (line) => {
      said.push(line);
      process.stderr.write(`${line}\n`);
    },
  });
  return cli.path;
}

export interface SharedServer {
  temporal: TestTemporal;
  stop(): Promise<void>;
}

export async function startSharedServer(): Promise<SharedServer> {
  const cliPath = await findCliForTests();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-temporal-'));
  const server = await startTemporalServer({
    cliPath,
    dbFile: null,
    durability: 'fast',
    port: 'free',
    logFile: path.join(folder, 'server.log'),
  });
  const { address, namespace, uiUrl } = server;
  return {
    temporal: { address, namespace, uiUrl, cliPath },
    stop: async () => {
      await server.stop();
      removeFolder(folder);
    },
  };
}

/** A server on a SQLite file, to be killed and started again on the same file and port. */
export const startOwnServer = (options: {
  cliPath: string;
  folder: string;
  port?: number;
}): Promise<TemporalServer> =>
  startTemporalServer({
    cliPath: options.cliPath,
    dbFile: path.join(options.folder, 'temporal.db'),
    durability: 'fast',
    port: options.port ?? 'free',
    uiPort: 'free',
    logFile: path.join(options.folder, 'temporal-server.log'),
  });
