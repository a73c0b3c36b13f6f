// A service that runs: started, started again when it ends by itself as Docker would, killed and ended by its pid, and
// gone when we are, however we end.
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { guardProcess } from '../../client/temporal-server/guard.ts';

export interface KeptOptions {
  name: string;
  file: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  logFile: string;
  /** Another user, for programs that do not run as root. */
  as?: { uid: number; gid: number };
  restarts: boolean;
}

/** Docker begins with 100 ms and doubles up to a minute; a run of 10 s makes it begin anew. */
const FIRST_PAUSE_MS = 100;
const PAUSE_MAX_MS = 60_000;
const LONG_ENOUGH_MS = 10_000;
const GRACE_MS = 30_000;

export class KeptProcess {
  /** How often it came back by itself. */
  restarted = 0;
  private readonly o: KeptOptions;
  private child: ChildProcess | null = null;
  private ended: Promise<void> = Promise.resolve();
  private wanted = false;
  private pauseMs = FIRST_PAUSE_MS;
  private again: NodeJS.Timeout | undefined;

  constructor(o: KeptOptions) {
    this.o = o;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  start(): void {
    this.wanted = true;
    clearTimeout(this.again);
    if (this.child !== null) return;
    const { file, args, env, cwd, logFile, as } = this.o;
    const log = fs.openSync(logFile, 'a');
    const child = spawn(file, args, {
      cwd,
      env,
      stdio: ['ignore', log, log],
      detached: true,
      ...(as ?? {}),
    });
    fs.closeSync(log);
    this.child = child;
    const startedMs = Date.now();
    const guard = child.pid === undefined ? null : guardProcess(child.pid);
    this.ended = new Promise((resolve) => {
      const over = (): void => {
        guard?.release();
        this.child = null;
        resolve();
        this.onEnd(Date.now() - startedMs);
      };
      child.once('exit', over);
      child.once('error', over);
    });
  }

  /** Until it is gone; it stays away until `start`. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.wanted = false;
    clearTimeout(this.again);
    this.child?.kill(signal);
    const force = setTimeout(() => this.child?.kill('SIGKILL'), GRACE_MS);
    await this.ended;
    clearTimeout(force);
  }

  /** Says that its end is wanted now, and waits for it: somebody else ends it. */
  async awaitEnd(): Promise<void> {
    this.wanted = false;
    clearTimeout(this.again);
    await this.ended;
  }

  private onEnd(lastedMs: number): void {
    if (!this.wanted || !this.o.restarts) return;
    if (lastedMs > LONG_ENOUGH_MS) this.pauseMs = FIRST_PAUSE_MS;
    this.again = setTimeout(() => {
      this.restarted += 1;
      this.start();
    }, this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, PAUSE_MAX_MS);
  }
}
