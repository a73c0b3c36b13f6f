// Processes of a test: started, waited for and killed by pid, and never left behind.
import { spawn, type ChildProcess } from 'node:child_process';

export interface StartOptions {
  cwd?: string;
  env?: Readonly<Record<string, string | undefined>>;
  /** Keep stdin open as a pipe, for children that end with it. */
  stdin?: 'pipe' | 'ignore';
}

export interface Running {
  pid: number;
  child: ChildProcess;
  /** Everything it wrote until now. */
  stdout(): string;
  stderr(): string;
  /** Exit code, or the signal's name. */
  ended: Promise<number | string>;
  /** Ends it by pid and waits until it is gone; SIGKILL unless another signal is named. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Processes that live now; a test file ends them in `afterEach(killAll)` or `afterAll(killAll)`. */
const running = new Set<Running>();

export function start(command: string, args: string[], options: StartOptions = {}): Running {
  const child = spawn(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    // close, not exit: the last lines have arrived.
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  if (child.pid === undefined) throw new Error(`${command} could not be started`);
  const me: Running = {
    pid: child.pid,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await ended;
    },
  };
  running.add(me);
  void ended.then(() => running.delete(me));
  return me;
}

/** The same, with this Node. */
export const startNode = (args: string[], options: StartOptions = {}): Running =>
  start(process.execPath, args, options);

export async function killAll(): Promise<void> {
  await Promise.all([...running].map((one) => one.kill()));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** SIGKILL to a process that is not our child, and wait until it is gone. */
export async function killPid(pid: number): Promise<void> {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await waitFor(() => !isAlive(pid), { what: `process ${pid} to be gone`, timeoutMs: 5_000 });
}

export interface WaitOptions {
  /** What is waited for, in words; part of the failure's message. */
  what: string;
  timeoutMs: number;
  everyMs?: number;
  /** Shown when the wait fails: output of the process, for instance. */
  context?: () => string;
}

/** Asks again and again until the answer is neither undefined, null nor false, and returns it. */
export async function waitFor<T>(
  ask: () => T | Promise<T>,
  options: WaitOptions,
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    let lastError: unknown = null;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) {
        return answer as NonNullable<Exclude<T, false>>;
      }
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > deadline) {
      const seen = lastError instanceof Error ? `; last error: ${lastError.message}` : '';
      const context = options.context ? `\n${options.context()}` : '';
      throw new Error(`waited ${options.timeoutMs / 1000} s for ${options.what}${seen}${context}`);
    }
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}

/** The first line of its output that matches, as the match. */
export const waitForOutput = (
  one: Running,
  pattern: RegExp,
  timeoutMs = 20_000,
): Promise<RegExpExecArray> =>
  waitFor(() => pattern.exec(one.stdout()), {
    what: `${String(pattern)} in the output of process ${one.pid}`,
    timeoutMs,
    context: () => `stdout:\n${one.stdout()}\nstderr:\n${one.stderr()}`,
  });
