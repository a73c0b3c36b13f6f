// The port to Windows through PowerShell: every operation is one call of the module Watari.HyperV in a shell that is
// kept. Workers use it on real nodes; tests and the demo use it on the lab's stand-in modules.
import path from 'node:path';
import {
  powerShellEnvironment,
  readPowerShellPlaces,
} from '../../config/powershell-environment.ts';
import {
  hostOf,
  READ_OPS,
  type HypervHost,
  type Op,
  type OpArgs,
  type OpFacts,
  type Reply,
} from '../host.ts';
import { ANSWERS } from './answers.ts';
import { EngineProblem } from './engine.ts';
import { badAnswer, failureOf, noAnswer, notAsked } from './failures.ts';
import { Pool } from './pool.ts';
import { whyNot, type ShellReply } from './reply.ts';
import { NotStarted, Shell, UnknownOutcome } from './shell.ts';

export interface PowerShellTimeouts {
  /** Spawn, import and hello. The first import of FailoverClusters on a real host takes seconds. */
  startMs: number;
  /** For a shell of the pool to become free. */
  waitMs: number;
  readMs: number;
  /** Get-WindowsFeature: 60 to 140 s at its first call after a boot of Windows Server 2025, at times more than 300. */
  featuresMs: number;
  actMs: number;
  /** Install-WindowsFeature takes minutes on slow disks, DISM with a cumulative update an hour. */
  installMs: number;
  /** A search of Windows Update: minutes at a slow WSUS, and the agent has no limit of its own. */
  searchMs: number;
}

const TIMEOUTS: PowerShellTimeouts = {
  startMs: 90_000,
  waitMs: 120_000,
  readMs: 60_000,
  featuresMs: 7 * 60_000,
  actMs: 180_000,
  installMs: 45 * 60_000,
  searchMs: 20 * 60_000,
};

/** Reads mostly wait for WMI and RPC, so a few at once cost little; each shell takes some 150 MB. */
const POOL_SIZE = 3;
const CALLS_MAX = 500;

export interface PowerShellHostOptions {
  /** The node that is asked: this machine. */
  node: string;
  /** Absolute path of the executable, see findEngine. */
  engine: string;
  /** Folder of Watari.HyperV.psd1; default: beside this file. */
  moduleFolder?: string;
  poolSize?: number;
  /** Calls after which a shell is replaced. */
  callsMax?: number;
  timeouts?: Partial<PowerShellTimeouts>;
  /** Variables to add, PSModulePath among them if it is wanted. */
  env?: Readonly<Record<string, string>>;
  /**
   * Paths of modules that are loaded before Watari.HyperV, so that PowerShell does not look for others of their names.
   */
  loadFirst?: readonly string[];
  /** What cmdlets say beside their answers: warnings and the like. Default: nobody listens. */
  log?: (line: string) => void;
}

export interface PowerShellHost extends HypervHost {
  /** Starts a shell, so that the first operation does not wait for it. Rejects with an EngineProblem. */
  warmUp(): Promise<void>;
  /** Ends the shells; operations under way get no answer. */
  close(): Promise<void>;
}

export function powershellHost(options: PowerShellHostOptions): PowerShellHost {
  const { node } = options;
  const asker = new Asker(options);
  return {
    ...hostOf(node, (op, args) => asker.ask(op, args)),
    warmUp: () => asker.warmUp(),
    close: () => asker.close(),
  };
}

const READS: ReadonlySet<string> = new Set(READ_OPS);

class Asker {
  private readonly node: string;
  private readonly timeouts: PowerShellTimeouts;
  private readonly pool: Pool;
  /** Reads that wait for a shell: whoever asks the same meanwhile gets the same answer. */
  private readonly waitingReads = new Map<string, Promise<Reply<unknown>>>();

  constructor(options: PowerShellHostOptions) {
    this.node = options.node;
    this.timeouts = { ...TIMEOUTS, ...options.timeouts };
    const folder = options.moduleFolder ?? import.meta.dirname;
    const shell = {
      executable: options.engine,
      modules: [...(options.loadFirst ?? []), path.join(folder, 'Watari.HyperV.psd1')],
      env: powerShellEnvironment(options.env),
      startTimeoutMs: this.timeouts.startMs,
      systemRoot: readPowerShellPlaces().systemRoot,
      log: options.log ?? (() => undefined),
    };
    this.pool = new Pool({
      size: options.poolSize ?? POOL_SIZE,
      callsMax: options.callsMax ?? CALLS_MAX,
      make: () => new Shell(shell),
    });
  }

  async ask<K extends Op>(op: K, args: OpArgs<K>): Promise<Reply<OpFacts<K>>> {
    if (!READS.has(op)) return this.run(op, args, () => undefined);
    const key = `${op} ${JSON.stringify(args)}`;
    const same = this.waitingReads.get(key);
    if (same !== undefined) return same as Promise<Reply<OpFacts<K>>>;
    const forget = (): void => {
      if (this.waitingReads.get(key) === mine) this.waitingReads.delete(key);
    };
    // Once it runs, a later asker must get a later answer.
    const mine: Promise<Reply<OpFacts<K>>> = this.run(op, args, forget).finally(forget);
    this.waitingReads.set(key, mine);
    return mine;
  }

  async warmUp(): Promise<void> {
    await this.pool.use(this.timeouts.waitMs, () => Promise.resolve());
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  private async run<K extends Op>(
    op: K,
    args: OpArgs<K>,
    onStart: () => void,
  ): Promise<Reply<OpFacts<K>>> {
    const reply = await this.reply(op, args, onStart);
    if (!reply.ok) throw failureOf(op, this.node, reply.error);
    const facts = ANSWERS[op].safeParse(reply.facts);
    if (!facts.success) {
      throw badAnswer(op, this.node, READS.has(op), whyNot(facts.error));
    }
    return { facts: facts.data, cmdlets: reply.cmdlets };
  }

  /** A shell that had ended before it was asked is no reason to fail: the next one is asked, once. */
  private async reply(op: Op, args: object, onStart: () => void): Promise<ShellReply> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.pool.use(this.timeouts.waitMs, (shell) => {
          onStart();
          return shell.call(op, args, this.timeoutOf(op));
        });
      } catch (error) {
        if (error instanceof UnknownOutcome) throw noAnswer(op, this.node, error.message);
        if (error instanceof EngineProblem) throw notAsked(op, this.node, error.message);
        if (!(error instanceof NotStarted)) throw error;
        if (attempt === 2) throw notAsked(op, this.node, error.message);
      }
    }
  }

  private timeoutOf(op: Op): number {
    if (op === 'installPackages') return 2 * this.timeouts.installMs;
    if (op === 'readUpdates') return this.timeouts.searchMs;
    if (op === 'installFeatures') return this.timeouts.installMs;
    if (op === 'readFeatures') return this.timeouts.featuresMs;
    return READS.has(op) ? this.timeouts.readMs : this.timeouts.actMs;
  }
}
