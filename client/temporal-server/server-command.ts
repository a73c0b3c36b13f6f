// `watari server start`: runs the embedded Temporal server in the foreground until it is told to stop. People rely on
// this one, so it keeps every commit unless --fast says otherwise.
import path from 'node:path';
import type { Readable } from 'node:stream';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { ClientError } from '../errors.ts';
import { findTemporalCli } from './find.ts';
import { startTemporalServer, type TemporalServer } from './start.ts';

export interface ServerStartOptions {
  /** SQLite file; left out, `temporal.db` in the data folder. */
  db?: string | undefined;
  /** 0 picks a free one. */
  port: number;
  /** 0 picks a free one; left out, the port plus 1000. */
  uiPort?: number | undefined;
  ip: string;
  /** Ends when stdin ends: for a program that starts us and wants us gone with it. */
  owned: boolean;
  /** Leaves commits to the operating system: survives kill -9, not a power cut. */
  fast: boolean;
  json: boolean;
}

export interface ServerStartSurroundings {
  dataDir: string;
  /** TEMPORAL_CLI_PATH. */
  cliPath?: string | undefined;
  /** PATH. */
  searchPath: string;
  /** For people: stderr, or nowhere. */
  say(line: string): void;
  /** What the command answers: stdout. */
  print(line: string): void;
  stdin: Readable;
}

export const SERVER_DEFAULTS = { port: 7233, ip: '127.0.0.1' } as const;

/** What `--json` prints in one line once the server answers. */
export interface ServerStarted {
  pid: number;
  address: string;
  namespace: string;
  ui: string;
  db: string | null;
  durability: 'full' | 'fast';
}

const orFree = (port: number): number | 'free' => (port === 0 ? 'free' : port);

/** @returns when it has ended; rejects when it did not start or ended by itself. */
export async function runServerStart(
  options: ServerStartOptions,
  around: ServerStartSurroundings,
): Promise<ExitCode> {
  const stop = whenToStop(options.owned ? around.stdin : null);
  const cli = await findTemporalCli(around).catch((err: unknown) => {
    stop.forget();
    throw err;
  });
  const dbFile = path.resolve(options.db ?? path.join(around.dataDir, 'temporal.db'));
  const durability = options.fast ? 'fast' : 'full';
  const server = await startTemporalServer({
    cliPath: cli.path,
    dbFile,
    durability,
    logFile: path.join(around.dataDir, 'logs', 'temporal-server.log'),
    port: orFree(options.port),
    ...(options.uiPort === undefined ? {} : { uiPort: orFree(options.uiPort) }),
    ip: options.ip,
  });
  tell(server, { ...options, durability }, around);
  const why = await Promise.race([stop.asked, server.exited.then(() => 'exited' as const)]);
  stop.forget();
  if (why === 'exited') {
    throw new ClientError({
      code: 'ServerEnded',
      message: `The Temporal server at ${server.address} (process ${server.pid}) ended by itself`,
      hint: `Its log: ${path.join(around.dataDir, 'logs', 'temporal-server.log')}\nStart it again: every run goes on where it was.`,
      exitCode: EXIT.failed,
    });
  }
  around.say('Stopping the Temporal server; runs go on when it is back');
  await server.stop();
  return EXIT.done;
}

function tell(
  server: TemporalServer,
  options: { json: boolean; durability: 'full' | 'fast' },
  around: ServerStartSurroundings,
): void {
  const { pid, address, namespace, uiUrl, dbFile } = server;
  const { durability } = options;
  if (options.json) {
    const started: ServerStarted = { pid, address, namespace, ui: uiUrl, db: dbFile, durability };
    around.print(JSON.stringify(started));
    return;
  }
  const kept =
    durability === 'full'
      ? 'every commit is on the disk before it counts'
      : 'fast: not safe against a power cut';
  around.print(`Temporal   ${address}, namespace ${namespace}`);
  around.print(`UI         ${uiUrl}`);
  around.print(`Database   ${dbFile ?? 'in memory'} (${kept})`);
  around.print('Ctrl+C stops it; runs go on when it is back');
}

/** SIGBREAK is Ctrl+Break and a closed console window's relative on Windows; SIGHUP the closed terminal. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK'] as const;

function whenToStop(stdin: Readable | null): { asked: Promise<'stop'>; forget(): void } {
  let ask: () => void = () => undefined;
  const asked = new Promise<'stop'>((resolve) => {
    ask = () => resolve('stop');
  });
  const signals = STOP_SIGNALS.filter(
    (name) => name !== 'SIGBREAK' || process.platform === 'win32',
  );
  for (const name of signals) process.on(name, ask);
  stdin?.once('end', ask).once('error', ask).once('close', ask).resume();
  return {
    asked,
    forget: () => {
      for (const name of signals) process.off(name, ask);
      stdin?.off('end', ask).off('error', ask).off('close', ask);
      // A stdin that somebody still holds open would keep us alive.
      stdin?.pause();
    },
  };
}
