// One PowerShell process that is kept and asked again and again. The only file that knows node-powershell, whose ways
// are worked around here: an unhandled rejection when the executable is missing, a history that grows for ever, calls
// that succeed with nothing after `exit 0`, and a timeout that leaves the command running.
import { execFile } from 'node:child_process';
import { PowerShell, type InvocationResult, type PowerShellOptions } from 'node-powershell';
import { EngineProblem } from './engine.ts';
import { killTree } from './process-tree.ts';
import {
  firstLine,
  helloSchema,
  newNonce,
  operationLine,
  readReply,
  type Hello,
  type ReadReply,
  type ShellReply,
} from './reply.ts';

/** The operation never reached PowerShell: nothing has happened, another shell may be asked. */
export class NotStarted extends Error {}

/** The operation was handed over and no answer came: it may or may not have happened. */
export class UnknownOutcome extends Error {}

export interface ShellOptions {
  /** Absolute path. */
  executable: string;
  /** Paths of the modules' manifests, in the order in which they are loaded; the last one is Watari.HyperV. */
  modules: readonly string[];
  /** The whole environment of the process. */
  env: Readonly<Record<string, string>>;
  /** The first import of FailoverClusters on a real host takes seconds. */
  startTimeoutMs: number;
  systemRoot: string | null;
  /** Text that a cmdlet wrote beside its answer, for diagnosis. */
  log: (line: string) => void;
}

/** Not more of a cmdlet's noise than a person reads. */
const NOISE_CHARS_MAX = 2000;

/** The largest answer has some megabytes. Who writes more writes for ever, and all of it would be kept in memory. */
const OUTPUT_CHARS_MAX = 8 * 2 ** 20;

/** The delimiters that node-powershell writes to standard error around each call. */
const DELIMITER = /^[0-9A-Za-z]{16}$/;

class PlainPowerShell extends PowerShell {
  /** Without this, NODE_POWERSHELL in our own environment would choose. */
  protected override setExecutable(options: { executable?: string }): string {
    return options.executable ?? '';
  }
}

/** Of node-powershell 5.0.1, which is pinned for their sake. */
interface PrivateParts {
  process: { pid?: number };
  exitPromise: Promise<unknown>;
}

export class Shell {
  /** Operations asked so far. */
  calls = 0;
  private readonly options: ShellOptions;
  private readonly inner: PlainPowerShell;
  private readonly pid: number | undefined;
  private readonly gone: Promise<void>;
  private ended = false;
  /** Characters written during the call under way. */
  private written = 0;
  private onFlood: () => void = () => undefined;

  constructor(options: ShellOptions) {
    this.options = options;
    const given: PowerShellOptions = {
      executable: options.executable,
      executableOptions: {
        '-NoProfile': true,
        '-NonInteractive': true,
        // Loses against a policy of the machine; then the import says so.
        ...(process.platform === 'win32' && { '-ExecutionPolicy': 'Bypass' as const }),
      },
      spawnOptions: { env: { ...options.env }, windowsHide: true },
      throwOnInvocationError: false,
    };
    this.inner = new PlainPowerShell(given);
    const { process: child, exitPromise } = this.inner as unknown as PrivateParts;
    this.pid = child.pid;
    // Without a handler Node ends with an unhandled rejection when the process ends early.
    this.gone = exitPromise.then(
      () => undefined,
      () => undefined,
    );
    void this.gone.then(() => (this.ended = true));
    const { stdin, stdout, stderr } = this.inner.streams;
    stdin.on('error', () => undefined);
    const count = (chunk: string | Buffer): void => {
      this.written += chunk.length;
      if (this.written > OUTPUT_CHARS_MAX) this.onFlood();
    };
    stdout.on('data', count);
    stderr.on('data', count);
  }

  get dead(): boolean {
    return this.ended || this.pid === undefined;
  }

  /** Loads the module. Throws {@link EngineProblem} that names the cause, or {@link NotStarted}. */
  async start(): Promise<Hello> {
    const nonce = newNonce();
    let read: ReadReply;
    try {
      const line = firstLine(nonce, this.options.modules);
      read = readReply(nonce, await this.invoke(line, this.options.startTimeoutMs));
    } catch (error) {
      await this.kill();
      throw new EngineProblem(await this.diagnose(reasonOf(error)));
    }
    if (read.kind === 'reply' && read.reply.ok) {
      const hello = helloSchema.safeParse(read.reply.facts);
      const problem = hello.success ? this.problemOf(hello.data) : null;
      if (hello.success && problem === null) return hello.data;
      await this.kill();
      throw new EngineProblem(problem ?? (await this.whyUnloaded(read)));
    }
    await this.kill();
    throw new EngineProblem(await this.whyUnloaded(read));
  }

  /** Asks one operation. Throws {@link NotStarted} or {@link UnknownOutcome}; after the latter the shell is dead. */
  async call(op: string, args: object, timeoutMs: number): Promise<ShellReply> {
    if (this.dead) throw new NotStarted('the PowerShell process had ended before');
    this.calls += 1;
    const nonce = newNonce();
    let output: string;
    try {
      output = await this.invoke(operationLine(nonce, op, args), timeoutMs);
    } catch (error) {
      await this.kill();
      throw new UnknownOutcome(reasonOf(error));
    }
    const read = readReply(nonce, output);
    if (read.kind !== 'reply') {
      await this.kill();
      const said = read.kind === 'none' && read.text !== '' ? `: ${clip(read.text)}` : '';
      throw new UnknownOutcome(`PowerShell ended the call without an answer${said}`);
    }
    for (const line of [...read.reply.log, read.stray]) {
      if (line !== '') this.options.log(clip(line));
    }
    return read.reply;
  }

  /** Ends the process and everything that it started. */
  async kill(): Promise<void> {
    if (this.pid !== undefined && !this.ended) {
      await killTree(this.pid, this.options.systemRoot);
      await this.gone;
    }
    this.ended = true;
  }

  /** What was written to standard output until the call ended. */
  private async invoke(line: string, timeoutMs: number): Promise<string> {
    const timer: { handle?: NodeJS.Timeout } = {};
    const late = new Promise<never>((_resolve, reject) => {
      timer.handle = setTimeout(() => {
        reject(new Error(`no answer within ${Math.round(timeoutMs / 100) / 10} s`));
      }, timeoutMs);
    });
    this.written = 0;
    const flood = new Promise<never>((_resolve, reject) => {
      this.onFlood = () => {
        reject(new Error('it wrote more than 8 MB and did not stop'));
      };
    });
    const run: Promise<InvocationResult> = this.inner.invoke(line);
    // Settles late when the timer wins; by then nobody listens any more.
    run.catch(() => undefined);
    try {
      const result = await Promise.race([run, late, flood]);
      const errors = (result.stderr?.toString('utf8') ?? '')
        .split(/\r?\n/)
        .filter((text) => text !== '' && !DELIMITER.test(text));
      if (errors.length > 0) this.options.log(clip(errors.join('\n')));
      return result.stdout?.toString('utf8') ?? '';
    } finally {
      clearTimeout(timer.handle);
      // Every command with all its output, otherwise.
      this.inner.history.length = 0;
    }
  }

  private problemOf(hello: Hello): string | null {
    const { executable } = this.options;
    if (hello.language !== 'FullLanguage') return constrained(executable, hello.language);
    if (process.platform === 'win32' && !hello.is64Bit) {
      return `${executable} is a 32-bit PowerShell, which lacks the modules of Hyper-V and the cluster. Use a 64-bit Node.`;
    }
    return null;
  }

  private async whyUnloaded(read: ReadReply): Promise<string> {
    const { executable, modules } = this.options;
    const module = modules.at(-1) ?? '';
    if (read.kind === 'none') return this.diagnose('it ended the first call without an answer');
    if (read.kind === 'reply') {
      const why = read.reply.ok ? 'its answer makes no sense' : read.reply.error.message;
      return `${executable} loaded ${module}, but the module does not answer: ${why}`;
    }
    const { errorId, message } = read;
    if (/UnauthorizedAccess|SecurityError/.test(errorId)) {
      return `${executable} may not load ${module}: the execution policy of this machine (Get-ExecutionPolicy -List) refuses scripts that are not signed. Sign the files of the module, or let the policy allow them. PowerShell says: ${message}`;
    }
    return `${executable} cannot load ${module} (${errorId}): ${message}`;
  }

  /** Asks PowerShell itself, in a process of its own, when it did not even say hello. */
  private async diagnose(reason: string): Promise<string> {
    const { executable, env } = this.options;
    const probe = await new Promise<{ text: string; failed: string | null }>((resolve) => {
      const command = '$ExecutionContext.SessionState.LanguageMode';
      const args = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', command];
      const limits = { env, timeout: 15_000, windowsHide: true } as const;
      execFile(executable, args, limits, (error, stdout) => {
        resolve({ text: stdout.trim(), failed: error === null ? null : error.message });
      });
    });
    if (probe.text === 'ConstrainedLanguage' || probe.text === 'RestrictedLanguage') {
      return constrained(executable, probe.text);
    }
    const also = probe.failed === null ? '' : ` A second try said: ${clip(probe.failed)}`;
    return `${executable} does not answer: ${reason}.${also}`;
  }
}

const constrained = (executable: string, language: string): string =>
  `${executable} runs in ${language} mode on this machine (a policy of App Control or AppLocker), in which the module cannot work. Allow the files of the module in that policy.`;

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]?.replace(/\.$/, '') ?? '';

const clip = (text: string): string =>
  text.length <= NOISE_CHARS_MAX ? text : `${text.slice(0, NOISE_CHARS_MAX)}…`;
