// A few shells, each handed out to one call at a time: two calls in one shell would share a fate, as a timeout kills
// the shell. Shells start when they are needed and are replaced when they have ended or have answered enough.
import { NotStarted, type Shell } from './shell.ts';

export interface PoolOptions {
  size: number;
  /** Calls after which a shell is replaced: node-powershell keeps a little of every call. */
  callsMax: number;
  /** Makes a shell that is not started yet. */
  make: () => Shell;
}

interface Waiter {
  resolve: (shell: Shell | null) => void;
  reject: (error: Error) => void;
}

export class Pool {
  private readonly options: PoolOptions;
  private readonly idle: Shell[] = [];
  private readonly all = new Set<Shell>();
  private readonly waiting: Waiter[] = [];
  /** Shells handed out, idle or starting. */
  private count = 0;
  private closed = false;

  constructor(options: PoolOptions) {
    this.options = options;
  }

  /**
   * Runs `work` with a shell of its own. Throws {@link NotStarted} when none is free within `waitMs`, and what
   * {@link Shell.start} throws.
   */
  async use<T>(waitMs: number, work: (shell: Shell) => Promise<T>): Promise<T> {
    const shell = await this.take(waitMs);
    try {
      return await work(shell);
    } finally {
      this.giveBack(shell);
    }
  }

  /** Ends every shell, also those that are busy. */
  async close(): Promise<void> {
    this.closed = true;
    for (const waiter of this.waiting.splice(0)) waiter.reject(new NotStarted(CLOSED));
    await Promise.all([...this.all].map((shell) => shell.kill()));
    this.all.clear();
  }

  private async take(waitMs: number): Promise<Shell> {
    if (this.closed) throw new NotStarted(CLOSED);
    for (let shell = this.idle.pop(); shell !== undefined; shell = this.idle.pop()) {
      if (!shell.dead) return shell;
      this.forget(shell);
    }
    if (this.count < this.options.size) {
      this.count += 1;
      return this.startOne();
    }
    // null: a place is free and this one may start its own shell.
    return (await this.wait(waitMs)) ?? this.startOne();
  }

  private async startOne(): Promise<Shell> {
    try {
      const shell = this.options.make();
      this.all.add(shell);
      try {
        await shell.start();
        if (this.closed) throw new NotStarted(CLOSED);
        return shell;
      } catch (error) {
        this.all.delete(shell);
        await shell.kill();
        throw error;
      }
    } catch (error) {
      this.freePlace();
      throw error;
    }
  }

  private wait(waitMs: number): Promise<Shell | null> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const at = this.waiting.indexOf(waiter);
        if (at < 0) return;
        this.waiting.splice(at, 1);
        const seconds = String(Math.round(waitMs / 1000));
        const size = String(this.options.size);
        waiter.reject(
          new NotStarted(`all ${size} PowerShell processes were busy for ${seconds} s`),
        );
      }, waitMs);
      const waiter: Waiter = {
        resolve: (shell) => {
          clearTimeout(timer);
          resolve(shell);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.waiting.push(waiter);
    });
  }

  private giveBack(shell: Shell): void {
    if (!shell.dead && shell.calls < this.options.callsMax && !this.closed) {
      const next = this.waiting.shift();
      if (next === undefined) this.idle.push(shell);
      else next.resolve(shell);
      return;
    }
    void shell.kill();
    this.all.delete(shell);
    this.freePlace();
  }

  private forget(shell: Shell): void {
    this.all.delete(shell);
    this.count -= 1;
  }

  /** Somebody may start a shell in the place of one that is gone. */
  private freePlace(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.count -= 1;
    else next.resolve(null);
  }
}

const CLOSED = 'the PowerShell processes were ended: this worker is stopping';
