// What every command is given: the terminal, the clock, the environment and the way to Temporal. Commands take it as
// an argument and reach for nothing else, so tests hand in their own.
import os from 'node:os';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Temporal, TemporalTarget } from './temporal/connection.ts';
import { errorJson, errorText, Finished, type ClientError } from './errors.ts';
import type { PayloadHandling } from '../config/temporal/encryption.ts';
import type { ChildTemporal } from '../config/process-environment.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import {
  colorsFor,
  columnsOf,
  harmless,
  type Colors,
  type OutStream,
  type Terminal,
} from './terminal.ts';

export interface Clock {
  now(): Date;
  /** Milliseconds on a clock that nobody sets, for waits and deadlines: only differences mean anything. */
  elapsedMs(): number;
  /** Ends early, without an error, when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Context {
  terminal: Terminal;
  clock: Clock;
  /** Folder in which `cluster.yaml` is looked for. */
  cwd: string;
  /** `user@computer`, for the record. */
  startedBy: string;
  /** Name of this computer. */
  computer: string;
  /** WATARI_CLUSTER. */
  defaultCluster: string | null;
  /** WATARI_LAB. */
  labUrl: string | undefined;
  places: Places;
  /** For a way to Temporal that the environment does not describe; left out, nothing is encrypted. */
  payloads?: PayloadHandling;
  /** Where Temporal is; throws ConfigError when the environment or the profile is wrong. */
  temporalTarget(): TemporalTarget;
  connect(): Promise<Temporal>;
}

/** Where things are on this computer. */
export interface Places {
  /** watari's own folder: databases, logs, the Temporal CLI. */
  dataDir: string;
  /** TEMPORAL_CLI_PATH. */
  cliPath: string | undefined;
  /** PATH. */
  searchPath: string;
  platform: NodeJS.Platform;
  /** The environment for a process that shall use that Temporal server and no other. */
  childEnvironment(temporal: ChildTemporal): NodeJS.ProcessEnv;
}

/** How one command talks: JSON goes to standard output alone, and what people read then goes to standard error. */
export interface Talk {
  json: boolean;
  /** Stream of the human's text. */
  stream: OutStream;
  colors: Colors;
  columns: number;
  say(lines: readonly string[]): void;
  /** Prints the command's one JSON document, in JSON mode only. */
  result(value: unknown): void;
}

export function talk(terminal: Terminal, json: boolean): Talk {
  const stream = json ? terminal.stderr : terminal.stdout;
  return {
    json,
    stream,
    colors: colorsFor(terminal, stream),
    columns: columnsOf(stream),
    say: (lines) => stream.write(lines.map((l) => `${harmless(l)}\n`).join('')),
    result: (value) => {
      if (json) terminal.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
  };
}

/** Prints an error the way the command was asked to talk, and answers its exit code. */
export function reportError(
  terminal: Terminal,
  error: ClientError,
  o: { json: boolean; stack: boolean },
): ExitCode {
  if (o.json) terminal.stdout.write(`${JSON.stringify(errorJson(error), null, 2)}\n`);
  else terminal.stderr.write(errorText(error));
  if (o.stack) terminal.stderr.write(`${stackOf(error)}\n`);
  return error.exitCode;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return (error.stack ?? error.message) + cause;
}

export const finish = (code: ExitCode): void => {
  if (code !== EXIT.done) throw new Finished(code);
};

export const systemClock: Clock = {
  now: () => new Date(),
  elapsedMs: () => performance.now(),
  sleep: (ms, signal) =>
    delay(ms, undefined, signal === undefined ? {} : { signal }).catch((err: unknown) => {
      if (signal?.aborted !== true) throw err;
    }),
};

/** The context of this computer and process, completed by what main.ts read. */
export function systemContext(
  o: Omit<Context, 'clock' | 'cwd' | 'startedBy' | 'computer'>,
): Context {
  return {
    clock: systemClock,
    cwd: process.cwd(),
    startedBy: userAtComputer(),
    computer: os.hostname(),
    ...o,
  };
}

/** `ito@ADMIN-PC`. */
export const userAtComputer = (): string => `${userName()}@${os.hostname()}`;

/** A service account without an entry in the user database has no name to tell. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return 'unknown';
  }
}
