// Temporal servers for benches, soaks, plays and tests: as the product starts them, and one with other settings than
// the product gives it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { connect, type Temporal } from '../../client/temporal/connection.ts';
import { guardProcess } from '../../client/temporal-server/guard.ts';
import { freePorts } from '../../client/temporal-server/ports.ts';
import { serverFlags, type Durability } from '../../client/temporal-server/server-flags.ts';
import { startTemporalServer, type TemporalServer } from '../../client/temporal-server/start.ts';
import { saidBy, startProgram, type Program } from './processes.ts';
import { PATIENCE_MS, waitFor } from './waiting.ts';

/** Where a server is. */
export interface Address {
  address: string;
  namespace: string;
}

/** A server that answers. */
export interface Server extends Address {
  temporal: Temporal;
}

/** `tuned`: as `watari server start` and the demo run it. `plain`: the same server with Temporal's defaults. */
export type SideName = 'tuned' | 'plain';

/** One of two servers that are compared. */
export interface Side extends Server {
  name: SideName;
  stop(): Promise<void>;
}

const IP = '127.0.0.1';

export interface FileServerOptions {
  cliPath: string;
  /** Database and log. */
  folder: string;
  durability?: Durability;
  /** Of the server that was there before; default: a free one. */
  port?: number | undefined;
}

/** On a SQLite file: it can be killed and started again on the same file and port. */
export const serverOnFile = (o: FileServerOptions): Promise<TemporalServer> =>
  startTemporalServer({
    cliPath: o.cliPath,
    dbFile: path.join(o.folder, 'temporal.db'),
    durability: o.durability ?? 'fast',
    port: o.port ?? 'free',
    uiPort: 'free',
    logFile: path.join(o.folder, 'logs', 'temporal-server.log'),
    readyMs: PATIENCE_MS,
  });

const removed = (folder: string): void => {
  fs.rmSync(folder, { recursive: true, force: true });
};

/** Nothing is left of it, but for the log where `remove` keeps that. */
export async function serverInMemory(cliPath: string, remove = removed): Promise<TemporalServer> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-temporal-'));
  const server = await startTemporalServer({
    cliPath,
    dbFile: null,
    durability: 'fast',
    port: 'free',
    uiPort: 'free',
    logFile: path.join(folder, 'temporal-server.log'),
    readyMs: PATIENCE_MS,
  });
  return {
    ...server,
    stop: async () => {
      await server.stop();
      remove(folder);
    },
  };
}

export interface ChangedServer extends Address {
  program: Program;
  stop(): Promise<void>;
}

/** With other flags than the product gives it. */
export async function changedServer(
  cliPath: string,
  dbFile: string | null,
  change: (flags: readonly string[]) => string[],
): Promise<ChangedServer> {
  const [port = 0, uiPort = 0] = await freePorts(IP, 2);
  const namespace = 'default';
  const flags = serverFlags({ ip: IP, port, uiPort, namespace, dbFile, durability: 'fast' });
  const program = startProgram(cliPath, change(flags));
  const guard = guardProcess(program.pid);
  void program.ended.then(() => {
    guard.release();
  });
  return {
    address: `${IP}:${port}`,
    namespace,
    program,
    stop: () => program.kill('SIGTERM'),
  };
}

/** Once it answers: a server listens a moment before its namespace is there. */
export const connectTo = (at: Address, program?: Program): Promise<Temporal> =>
  waitFor(
    `namespace ${at.namespace} at ${at.address}`,
    () =>
      connect({
        namespace: at.namespace,
        describe: at.address,
        connectionOptions: { address: at.address },
      }),
    program === undefined ? {} : { saw: () => saidBy(program) },
  );

export interface TunedSide extends Side {
  pid: number;
  dbFile: string;
}

export async function startTuned(
  cliPath: string,
  folder: string,
  durability: Durability = 'fast',
): Promise<TunedSide> {
  const server = await serverOnFile({ cliPath, folder: path.join(folder, 'tuned'), durability });
  const { pid, dbFile } = server;
  return { ...(await sideOf('tuned', server)), pid, dbFile: dbFile ?? '' };
}

/** What makes the product's server fast; everything else stays the same for both. */
const TUNING = ['--dynamic-config-value', '--sqlite-pragma'];

export async function startPlain(cliPath: string, folder: string): Promise<Side> {
  const server = await changedServer(cliPath, path.join(folder, 'plain.db'), (flags) =>
    flags.filter((flag, i) => !TUNING.includes(flag) && !TUNING.includes(flags[i - 1] ?? '')),
  );
  return sideOf('plain', server, server.program);
}

async function sideOf(
  name: SideName,
  server: Address & { stop(): Promise<void> },
  program?: Program,
): Promise<Side> {
  const { address, namespace } = server;
  try {
    // The connection stays: a measure that ran out of time may still use it, and it ends with the process.
    const temporal = await connectTo(server, program);
    return { name, address, namespace, temporal, stop: () => server.stop() };
  } catch (err) {
    await server.stop();
    throw err;
  }
}
