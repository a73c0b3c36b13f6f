// The watari commands of the soak, as people would type them: real processes, some of them killed while they watch.
// What each of them said is kept until it is known to be fine.
import type { RealLab } from '../rig/lab.ts';
import type { Program } from '../rig/processes.ts';

/** A person would have pressed Ctrl+C long ago. */
const PATIENCE_MS = 240_000;

export interface Command {
  words: readonly string[];
  /** null when it was killed. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export class Clients {
  private readonly lab: RealLab;
  private readonly running = new Set<Promise<unknown>>();
  private readonly exits = new Map<string, number>();
  /** What no command may ever say or do. */
  readonly wrong: string[] = [];
  started = 0;
  killed = 0;

  constructor(lab: RealLab) {
    this.lab = lab;
  }

  /** How often each exit code came, for the report. */
  get exitCodes(): Record<string, number> {
    return Object.fromEntries([...this.exits].sort(([a], [b]) => a.localeCompare(b)));
  }

  get busy(): number {
    return this.running.size;
  }

  /** Runs it to its end, or to its kill. */
  run(words: readonly string[], killAfterMs: number | null = null): Promise<Command> {
    this.started += 1;
    const done = this.see(this.lab.watari(...words), words, killAfterMs);
    this.running.add(done);
    void done.finally(() => this.running.delete(done));
    return done;
  }

  /** Until every command has ended by itself. */
  async settle(): Promise<void> {
    await Promise.all([...this.running]);
  }

  private async see(
    program: Program,
    words: readonly string[],
    killAfterMs: number | null,
  ): Promise<Command> {
    const end = { killed: false, late: false };
    const timer = setTimeout(() => {
      end.late = killAfterMs === null;
      end.killed = !program.isOver();
      void program.kill();
    }, killAfterMs ?? PATIENCE_MS);
    await program.ended;
    clearTimeout(timer);
    const code = end.killed ? null : program.child.exitCode;
    const command = { words, code, stdout: program.stdout(), stderr: program.stderr() };
    if (end.killed && !end.late) this.killed += 1;
    const key = end.killed ? 'killed' : String(code);
    this.exits.set(key, (this.exits.get(key) ?? 0) + 1);
    if (end.late) this.complain(command, `did not end within ${PATIENCE_MS / 1000} s`);
    else this.check(command);
    return command;
  }

  /**
   * 0 done, 1 failed or refused, 3 no server, 4 a person must decide. 2 is for what was typed wrong, and for a cluster
   * whose workers are all dead in this moment; everything else is a bug of the command.
   */
  private check(command: Command): void {
    const { code, stderr, stdout } = command;
    const noWorker = code === 2 && /no worker (of cluster|serves) /.test(stdout + stderr);
    if (code !== null && ![0, 1, 3, 4].includes(code) && !noWorker) {
      this.complain(command, `ended with exit code ${code}`);
    }
    if (/^\s+at .+:\d+:\d+\)?$/m.test(stderr)) this.complain(command, 'showed a stack trace');
    if (code !== null && /"code":\s*"Unexpected"/.test(stdout)) {
      this.complain(command, 'failed with an error that nobody expected');
    }
  }

  private complain({ words, stdout, stderr }: Command, what: string): void {
    const said = `${stdout}${stderr}`.trim().slice(-600);
    this.wrong.push(`watari ${words.join(' ')} ${what}: ${said}`);
  }
}
