// Starts the embedded Temporal server, waits until it answers, and ends it by pid. Used by `watari server start`, by
// the demo and by the tests; the port, the database and the reason of a failure are always said.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { durationText } from '../../domain/units.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { claimDatabase } from './database-claim.ts';
import { STOP_GRACE_MS, guardProcess } from './guard.ts';
import { freePorts, whyPortIsTaken } from './ports.ts';
import { serverFlags, type Durability, type ServerPlace } from './server-flags.ts';

export interface StartServerOptions {
  cliPath: string;
  /** SQLite file, created when it is not there; null keeps everything in memory. */
  dbFile: string | null;
  durability: Durability;
  /** What the server says goes there; the end of it is shown when the server does not start. */
  logFile: string;
  /** 'free' picks one. */
  port: number | 'free';
  /** 'free' picks one; left out, it is the port plus 1000. */
  uiPort?: number | 'free';
  ip?: string;
  namespace?: string;
  /** owned: ends when this process ends, even by kill -9. detached: goes on without us, in a session of its own. */
  lifetime?: 'owned' | 'detached';
  /** How long it may take until it answers. */
  readyMs?: number;
}

export interface TemporalServer {
  pid: number;
  /** `127.0.0.1:7233` */
  address: string;
  namespace: string;
  uiUrl: string;
  dbFile: string | null;
  /** Ends it by pid and waits until it is gone. More than once is the same as once. */
  stop(): Promise<void>;
  /** Fulfilled when it has ended, whoever ended it. */
  exited: Promise<void>;
}

/** 0.1 to 0.4 s on an idle machine; a cold disk and a virus scanner take their time. */
const READY_MS = 30_000;
const UI_PORT_OFFSET = 1000;

export async function startTemporalServer(options: StartServerOptions): Promise<TemporalServer> {
  const place = await choosePlace(options);
  await checkPorts(place);
  const owned = (options.lifetime ?? 'owned') === 'owned';
  fs.mkdirSync(path.dirname(options.logFile), { recursive: true });
  if (place.dbFile !== null) fs.mkdirSync(path.dirname(place.dbFile), { recursive: true });
  const claim = place.dbFile === null ? null : await claimDatabase(place.dbFile);

  const log = fs.openSync(options.logFile, 'a');
  const logStart = fs.fstatSync(log).size;
  const child = spawn(options.cliPath, serverFlags(place), {
    stdio: ['ignore', log, log],
    // Its own session: Ctrl+C in the terminal reaches us, and we end things in order.
    detached: true,
    windowsHide: true,
  });
  fs.closeSync(log);
  const exited = untilExit(child);
  const host = hostToReach(place.ip);
  const address = `${host}:${place.port}`;
  const said = (): string => readFrom(options.logFile, logStart);
  if (child.pid === undefined) {
    await exited;
    throw notStarted(`${options.cliPath} could not be started`, options.logFile, said());
  }
  const guard = owned ? guardProcess(child.pid) : null;
  claim?.write({ pid: child.pid, ip: host, port: place.port });
  const gone = exited.then(() => {
    guard?.release();
    claim?.release();
  });
  const server: TemporalServer = {
    pid: child.pid,
    address,
    namespace: place.namespace,
    uiUrl: `http://${host}:${place.uiPort}`,
    dbFile: place.dbFile,
    stop: () => stopChild(child, gone),
    exited: gone,
  };
  try {
    await untilItAnswers(server, child, options.readyMs ?? READY_MS);
  } catch (error) {
    await server.stop();
    const why = error instanceof Error ? error.message : String(error);
    throw notStarted(`The Temporal server at ${address} ${why}`, options.logFile, said());
  }
  if (!owned) child.unref();
  return server;
}

async function choosePlace(options: StartServerOptions): Promise<ServerPlace> {
  const ip = options.ip ?? '127.0.0.1';
  const [freePort = 0, freeUiPort = 0] = await freePorts(ip, 2);
  const port = options.port === 'free' ? freePort : options.port;
  // Next to a port that we picked there is no reason why the one a thousand above should be free.
  const uiDefault = options.port === 'free' ? 'free' : port + UI_PORT_OFFSET;
  const uiPort = options.uiPort ?? uiDefault;
  return {
    ip,
    port,
    uiPort: uiPort === 'free' ? freeUiPort : uiPort,
    namespace: options.namespace ?? 'default',
    dbFile: options.dbFile,
    durability: options.durability,
  };
}

/** Listening everywhere is no address to connect to. */
function hostToReach(ip: string): string {
  if (ip === '0.0.0.0' || ip === '::') return '127.0.0.1';
  return ip.includes(':') ? `[${ip}]` : ip;
}

async function checkPorts(place: ServerPlace): Promise<void> {
  const ports = [
    { port: place.port, flag: '--port', what: 'the Temporal server' },
    { port: place.uiPort, flag: '--ui-port', what: 'the Temporal UI' },
  ];
  for (const { port, flag, what } of ports) {
    const code = await whyPortIsTaken(place.ip, port);
    if (code === null) continue;
    throw new ClientError({
      code: 'PortTaken',
      message:
        code === 'EADDRINUSE'
          ? `Port ${port} on ${place.ip}, meant for ${what}, is already in use`
          : `Port ${port} on ${place.ip}, meant for ${what}, cannot be used: ${code}`,
      hint: `If a Temporal server runs there already, just use it. Else choose another port with ${flag}.`,
      exitCode: EXIT.failed,
    });
  }
}

const untilExit = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => resolve());
    // It never ran: there will be no exit.
    child.once('error', () => resolve());
  });

async function untilItAnswers(
  server: TemporalServer,
  child: ChildProcess,
  readyMs: number,
): Promise<void> {
  const deadline = performance.now() + readyMs;
  const connection = Connection.lazy({
    address: server.address,
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 100 },
  });
  try {
    while (performance.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`ended at once (${child.signalCode ?? `exit code ${child.exitCode}`})`);
      }
      try {
        await connection.withDeadline(Date.now() + 1_000, () =>
          connection.workflowService.describeNamespace({ namespace: server.namespace }),
        );
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    }
    throw new Error(`did not answer within ${durationText(readyMs)}`);
  } finally {
    await connection.close();
  }
}

async function stopChild(child: ChildProcess, gone: Promise<void>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await gone;
  clearTimeout(timer);
}

function notStarted(message: string, logFile: string, said: string): ClientError {
  const tail = said.trim().split('\n').slice(-5);
  return new ClientError({
    code: 'ServerNotStarted',
    message,
    problems: tail.filter((line) => line !== '').map((line) => ({ message: line })),
    hint: `Its log: ${logFile}`,
    exitCode: EXIT.failed,
  });
}

const readFrom = (file: string, offset: number): string =>
  fs.readFileSync(file).subarray(offset).toString('utf8');
