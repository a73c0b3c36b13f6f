// Processes that the bench starts: with a pipe for standard input that ends with us, and each ended by its own pid.
import { spawn, type ChildProcess } from 'node:child_process';

/** A worker gives its activities back before it ends. */
const POLITE_MS = 8_000;

export interface Program {
  pid: number;
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Called for every piece of standard output as it arrives. */
  onOutput(listener: (text: string) => void): void;
  ended: Promise<void>;
  isOver(): boolean;
  kill(): Promise<void>;
  /** The end of standard input is what programs run as --owned end by; others are killed. */
  end(): Promise<void>;
}

/** The processes that live now, so that all of them are ended whatever happens. */
export class Programs {
  private readonly living = new Set<Program>();
  private closed = false;

  start(args: string[], o: { cwd: string; env: NodeJS.ProcessEnv }): Program {
    // A measure that ran out of time may still be at work.
    if (this.closed) throw new Error('the bench is over');
    const program = startNode(args, o);
    this.living.add(program);
    void program.ended.then(() => this.living.delete(program));
    return program;
  }

  async endAll(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.living].map((program) => program.end()));
  }
}

function startNode(args: string[], o: { cwd: string; env: NodeJS.ProcessEnv }): Program {
  const child = spawn(process.execPath, args, { ...o, windowsHide: true });
  const said = { out: '', err: '' };
  const listeners: ((text: string) => void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text;
    for (const listener of listeners) listener(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  // A program that is gone cannot be written to; its end says all there is to say.
  child.stdin.on('error', () => undefined);
  const state = { over: false };
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => {
      resolve();
    });
    child.once('close', () => {
      resolve();
    });
  }).then(() => {
    state.over = true;
  });
  if (child.pid === undefined) throw new Error(`${args.join(' ')} could not be started`);
  const kill = async (): Promise<void> => {
    if (!state.over) child.kill('SIGKILL');
    await ended;
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
    kill,
    end: async () => {
      if (!args.includes('--owned')) return kill();
      child.stdin.end();
      const force = setTimeout(() => void kill(), POLITE_MS);
      await ended;
      clearTimeout(force);
    },
  };
}
