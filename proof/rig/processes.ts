// The processes of benches, soaks and tests: started, listened to, waited for and ended by pid, and never left behind.
import { spawn, type ChildProcess } from 'node:child_process';
import { Hopeless, waitFor } from './waiting.ts';

/** A lab ends its workers first, and they give their activities back; on a busy machine that takes its time. */
const POLITE_MS = 60_000;

export interface StartOptions {
  cwd?: string;
  /** All of it; default: ours. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Default: a pipe for programs run as --owned, which end with it; nothing for others. */
  stdin?: 'pipe' | 'ignore';
}

export interface Program {
  pid: number;
  child: ChildProcess;
  /** Everything it wrote until now. */
  stdout(): string;
  stderr(): string;
  /** Called for every piece of standard output as it arrives. */
  onOutput(listener: (text: string) => void): void;
  /** Exit code, or the signal's name. */
  ended: Promise<number | string>;
  /** The same, and it is killed when it takes longer. */
  endedWithin(ms: number): Promise<number | string>;
  isOver(): boolean;
  /** Ends it by pid and waits until it is gone; SIGKILL unless another signal is named. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** The end of standard input is what programs run as --owned end by; others are killed. */
  end(): Promise<void>;
}

/** The processes that live now, so that all of them are ended whatever happens. */
export class Programs {
  private readonly living = new Set<Program>();
  private closed = false;

  start(command: string, args: readonly string[], o: StartOptions = {}): Program {
    // A measure that ran out of time may still be at work.
    if (this.closed) throw new Error('everything is over, and nothing is started any more');
    const program = startProgram(command, args, o);
    this.living.add(program);
    void program.ended.then(() => this.living.delete(program));
    return program;
  }

  /** The same, with this Node. */
  node(args: readonly string[], o?: StartOptions): Program {
    return this.start(process.execPath, args, o);
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.living].map((program) => program.kill()));
  }

  async endAll(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.living].map((program) => program.end()));
  }
}

/** One whose end its starter sees to. */
export function startProgram(
  command: string,
  args: readonly string[],
  o: StartOptions = {},
): Program {
  const isOwned = args.includes('--owned');
  const child = spawn(command, args, {
    ...(o.cwd !== undefined && { cwd: o.cwd }),
    ...(o.env !== undefined && { env: o.env }),
    stdio: [o.stdin ?? (isOwned ? 'pipe' : 'ignore'), 'pipe', 'pipe'],
    windowsHide: true,
  });
  const said = { out: '', err: '' };
  const listeners: ((text: string) => void)[] = [];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
    for (const listener of listeners) listener(text);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  // A program that is gone cannot be written to; its end says all there is to say.
  child.stdin?.on('error', () => undefined);
  const state = { over: false };
  const ended = new Promise<number | string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    // close, not exit: the last lines have arrived.
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 'unknown');
    });
  });
  void ended.then(() => (state.over = true));
  if (child.pid === undefined) throw new Error(`${command} could not be started`);
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (!state.over) child.kill(signal);
    await ended;
  };
  const endedWithin = async (ms: number): Promise<number | string> => {
    const force = setTimeout(() => void kill(), ms);
    return ended.finally(() => {
      clearTimeout(force);
    });
  };
  return {
    pid: child.pid,
    child,
    stdout: () => said.out,
    stderr: () => said.err,
    onOutput: (listener) => {
      listeners.push(listener);
    },
    ended,
    isOver: () => state.over,
    endedWithin,
    kill,
    end: async () => {
      if (!isOwned) return kill();
      child.stdin?.end();
      await endedWithin(POLITE_MS);
    },
  };
}

/** What it has said, for the message of a failure. */
export const saidBy = (one: Program): string =>
  `stdout:\n${one.stdout()}\nstderr:\n${one.stderr()}`;

/** The first place of its output that matches, as the match. */
export const waitForOutput = (
  one: Program,
  pattern: RegExp,
  from: 'stdout' | 'stderr' = 'stdout',
): Promise<RegExpExecArray> =>
  waitFor(
    `${String(pattern)} in the output of process ${one.pid}`,
    () => {
      // Asked first: what it says before its end has arrived by then.
      const isOver = one.isOver();
      const match = pattern.exec(one[from]());
      if (match === null && isOver) throw new Hopeless('it has ended');
      return match;
    },
    { saw: () => saidBy(one) },
  );

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export const untilGone = (pid: number, what = `process ${pid}`): Promise<unknown> =>
  waitFor(`${what} to be gone`, () => !isAlive(pid));

/** SIGKILL to a process that is not our child, and wait until it is gone. */
export async function killPid(pid: number): Promise<void> {
  if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await untilGone(pid);
}
