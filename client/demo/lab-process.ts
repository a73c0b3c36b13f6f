// The lab as a child process: its own program, its own session, its workers below it.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { durationText } from '../../domain/units.ts';
import type { Clock } from '../context.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { askLabToStop } from './kept.ts';

export interface LabOptions {
  /** dist/lab/main.js */
  program: string;
  scenario: string;
  speed: number | undefined;
  /** Logs of the lab and of every worker. */
  logDir: string;
  env: NodeJS.ProcessEnv;
  /** Workers run the real PowerShell on the lab's stand-ins. */
  powershell: boolean;
  /** false: it outlives us. */
  owned: boolean;
}

export interface LabProcess {
  pid: number;
  url: string;
  logDir: string;
  /** Ends it and its workers, and waits until it is gone. */
  stop(): Promise<void>;
  /** Lets our process end while it runs on. */
  letGo(): void;
}

const READY_MS = 20_000;
/** Workers finish what they do; then they are ended. */
const STOP_MS = 8_000;

export async function startLab(o: LabOptions, clock: Clock): Promise<LabProcess> {
  fs.mkdirSync(o.logDir, { recursive: true });
  // Files instead of pipes: a lab that outlives us must not write into a closed pipe.
  const outFile = path.join(o.logDir, 'lab.out');
  const errFile = path.join(o.logDir, 'lab.log');
  const out = fs.openSync(outFile, 'w');
  const err = fs.openSync(errFile, 'a');
  const args = [
    ...[o.program, 'start', '--scenario', o.scenario, '--port', '0', '--workers'],
    ...['--log-dir', o.logDir, '--json'],
    ...(o.speed === undefined ? [] : ['--speed', String(o.speed)]),
    ...(o.powershell ? ['--powershell'] : []),
    ...(o.owned ? ['--owned'] : []),
  ];
  const child = spawn(process.execPath, args, {
    stdio: [o.owned ? 'pipe' : 'ignore', out, err],
    env: o.env,
    // A session of its own: Ctrl+C reaches us, and we end things in order.
    detached: true,
    windowsHide: true,
  });
  fs.closeSync(out);
  fs.closeSync(err);
  const gone = exitOf(child);
  const ended = { yet: false };
  void gone.then(() => (ended.yet = true));
  const deadline = clock.elapsedMs() + READY_MS;
  for (;;) {
    const said = fs.readFileSync(outFile, 'utf8');
    const started = parseStarted(said);
    if (started !== null) return labOf(child, started, o.logDir, gone, clock);
    if (ended.yet || clock.elapsedMs() > deadline) {
      child.kill('SIGKILL');
      throw notStarted(ended.yet, errFile, said);
    }
    await clock.sleep(50);
  }
}

const exitOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.once('exit', () => {
      resolve();
    });
    child.once('error', () => {
      resolve();
    });
  });

/** The first whole line of JSON with a url and a pid. */
export function parseStarted(said: string): { url: string; pid: number } | null {
  for (const line of said.split('\n').slice(0, -1)) {
    try {
      const x = JSON.parse(line) as { url?: unknown; pid?: unknown } | null;
      if (typeof x?.url === 'string' && typeof x.pid === 'number')
        return { url: x.url, pid: x.pid };
    } catch {
      // Not the line that we wait for.
    }
  }
  return null;
}

function notStarted(ended: boolean, errFile: string, said: string): ClientError {
  const log = fs.readFileSync(errFile, 'utf8').trim() || said.trim();
  const tail = log.split('\n').slice(-8).join('\n');
  return new ClientError({
    code: 'LabNotStarted',
    message: ended
      ? 'the lab ended while it started'
      : `the lab was not ready within ${durationText(READY_MS)}`,
    hint: `${tail === '' ? '' : `It said:\n${tail}\n`}Its log: ${errFile}`,
    exitCode: EXIT.failed,
  });
}

function labOf(
  child: ChildProcess,
  started: { url: string; pid: number },
  logDir: string,
  gone: Promise<void>,
  clock: Clock,
): LabProcess {
  return {
    ...started,
    logDir,
    async stop() {
      // The end of its standard input is what an owned lab ends by; the others are asked.
      if (child.stdin !== null) child.stdin.end();
      else await askLabToStop(started.url);
      const over = await Promise.race([
        gone.then(() => true),
        clock.sleep(STOP_MS).then(() => false),
      ]);
      if (!over) child.kill('SIGKILL');
      await gone;
    },
    letGo() {
      child.unref();
    },
  };
}
