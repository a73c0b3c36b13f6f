// The two Temporal servers that are compared: one as the product starts it, and the same with Temporal's own settings.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { connect, type Temporal } from '../../client/temporal/connection.ts';
import { guardProcess, STOP_GRACE_MS } from '../../client/temporal-server/guard.ts';
import { freePorts, isListening } from '../../client/temporal-server/ports.ts';
import { serverFlags, type Durability } from '../../client/temporal-server/server-flags.ts';
import { startTemporalServer } from '../../client/temporal-server/start.ts';
import type { SideName } from '../bench/figures.ts';
import { waitFor } from './waiting.ts';

export interface Side {
  name: SideName;
  address: string;
  namespace: string;
  temporal: Temporal;
  stop(): Promise<void>;
}

const IP = '127.0.0.1';
const READY_MS = 30_000;

export interface TunedSide extends Side {
  pid: number;
  dbFile: string;
}

export async function startTuned(
  cliPath: string,
  folder: string,
  durability: Durability = 'fast',
): Promise<TunedSide> {
  const dbFile = path.join(folder, 'tuned.db');
  const server = await startTemporalServer({
    cliPath,
    dbFile,
    durability,
    port: 'free',
    logFile: path.join(folder, 'tuned-server.log'),
  });
  const side = await sideOf('tuned', server.address, () => server.stop());
  return { ...side, pid: server.pid, dbFile };
}

/** What makes the product's server fast; everything else stays the same for both. */
const TUNING = ['--dynamic-config-value', '--sqlite-pragma'];

const untuned = (flags: readonly string[]): string[] =>
  flags.filter((flag, i) => !TUNING.includes(flag) && !TUNING.includes(flags[i - 1] ?? ''));

export async function startPlain(cliPath: string, folder: string): Promise<Side> {
  const [port = 0, uiPort = 0] = await freePorts(IP, 2);
  const dbFile = path.join(folder, 'plain.db');
  const place = { ip: IP, port, uiPort, namespace: 'default', dbFile, durability: 'fast' } as const;
  const log = fs.openSync(path.join(folder, 'plain-server.log'), 'a');
  const child = spawn(cliPath, untuned(serverFlags(place)), {
    stdio: ['ignore', log, log],
    detached: true,
    windowsHide: true,
  });
  fs.closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });
  const guard = child.pid === undefined ? null : guardProcess(child.pid);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await ended;
    clearTimeout(force);
    guard?.release();
  };
  try {
    await waitFor('the server with plain settings', READY_MS, () => isListening(IP, port));
    return await sideOf('plain', `${IP}:${String(port)}`, stop);
  } catch (err) {
    await stop();
    throw err;
  }
}

async function sideOf(name: SideName, address: string, stop: () => Promise<void>): Promise<Side> {
  const namespace = 'default';
  const target = { namespace, describe: address, connectionOptions: { address } };
  // It listens a moment before its namespace is there.
  const temporal = await waitFor(`namespace ${namespace} at ${address}`, READY_MS, () =>
    connect(target),
  );
  return {
    name,
    address,
    namespace,
    temporal,
    // The connection stays: a measure that ran out of time may still use it, and it ends with the process.
    stop,
  };
}
