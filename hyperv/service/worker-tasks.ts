// The Task Scheduler of this computer, through the module Watari.Worker in one PowerShell that is kept: what
// `watari worker install|uninstall|status` reads and does, one call each.
import { createCipheriv, randomBytes } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import {
  powerShellEnvironment,
  readPowerShellPlaces,
} from '../../config/powershell-environment.ts';
import { Shell } from '../powershell/shell.ts';
import type { ReplyFailure } from '../powershell/reply.ts';

const sessionSchema = z.object({
  /** null where there is nothing like it. */
  elevated: z.boolean().nullable(),
  user: z.string(),
  computer: z.string(),
});
const accountSchema = z.object({
  exists: z.boolean(),
  enabled: z.boolean(),
  /** null: the group of administrators could not be read. */
  administrator: z.boolean().nullable(),
});
const taskSchema = z.object({
  name: z.string(),
  state: z.string(),
  enabled: z.boolean(),
  account: z.string(),
  logonType: z.string(),
  execute: z.string(),
  arguments: z.string(),
  workingDirectory: z.string(),
  description: z.string(),
  lastRun: z.iso.datetime().nullable(),
  /** `0x00041301` */
  lastResult: z.string().regex(/^0x[0-9A-F]{8}$/),
});
const processSchema = z.object({
  pid: z.int(),
  /** Empty where this session may not see it. */
  commandLine: z.string(),
  started: z.iso.datetime().nullable(),
});
const doneSchema = z.object({ changed: z.boolean() });

export type Session = z.output<typeof sessionSchema>;
export type Account = z.output<typeof accountSchema>;
export type WorkerTask = z.output<typeof taskSchema>;
export type NodeProcess = z.output<typeof processSchema>;

export interface Registration {
  name: string;
  /** `COMPUTER\name` */
  account: string;
  execute: string;
  /** Quoted. */
  arguments: string;
  workingDirectory: string;
  description: string;
}

export interface WorkerTasks {
  session(): Promise<Session>;
  account(name: string): Promise<Account>;
  /** Those in watari's folder. */
  tasks(): Promise<WorkerTask[]>;
  processes(): Promise<NodeProcess[]>;
  /** Disabled at first. Windows tries the password and refuses a wrong one. */
  register(registration: Registration, password: string): Promise<void>;
  enable(name: string): Promise<void>;
  start(name: string): Promise<void>;
  /** The hard way. */
  stop(name: string): Promise<void>;
  unregister(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Windows said no. */
export class TaskRefused extends Error {
  /** HRESULT, like `0x8007052E`; null when the error carries none. */
  readonly hresult: string | null;
  constructor(message: string, hresult: string | null) {
    super(message);
    this.name = 'TaskRefused';
    this.hresult = hresult;
  }
}

export interface WorkerTasksOptions {
  /** Absolute path of the executable, see findEngine. */
  engine: string;
  /** Variables to add, PSModulePath among them if it is wanted. */
  env?: Readonly<Record<string, string>>;
  /** Paths of modules that are loaded first, so that PowerShell does not look for others of their names. */
  loadFirst?: readonly string[];
  log?: (line: string) => void;
}

/** Starting PowerShell, and the first use of the module ScheduledTasks on a busy host. */
const START_TIMEOUT_MS = 90_000;
const CALL_TIMEOUT_MS = 60_000;

/** Throws EngineProblem when PowerShell or the module does not start. */
export async function openWorkerTasks(options: WorkerTasksOptions): Promise<WorkerTasks> {
  const key = randomBytes(32);
  const shell = new Shell({
    executable: options.engine,
    modules: [...(options.loadFirst ?? []), path.join(import.meta.dirname, 'Watari.Worker.psd1')],
    env: powerShellEnvironment({ ...options.env, WATARI_ONCE_KEY: key.toString('base64') }),
    startTimeoutMs: START_TIMEOUT_MS,
    systemRoot: readPowerShellPlaces().systemRoot,
    log: options.log ?? (() => undefined),
  });
  await shell.start();
  const ask = async <T>(schema: z.ZodType<T>, op: string, args: object = {}): Promise<T> => {
    const reply = await shell.call(op, args, CALL_TIMEOUT_MS);
    if (!reply.ok) throw refusalOf(reply.error);
    return schema.parse(reply.facts);
  };
  const act = async (op: string, name: string): Promise<void> => {
    await ask(doneSchema, op, { name });
  };
  return {
    session: () => ask(sessionSchema, 'readSession'),
    account: (name) => ask(accountSchema, 'readAccount', { name }),
    tasks: () => ask(z.array(taskSchema), 'readTasks'),
    processes: () => ask(z.array(processSchema), 'readProcesses'),
    register: async (registration, password) => {
      const secret = encryptOnce(password, key);
      await ask(doneSchema, 'registerTask', { ...registration, secret });
    },
    enable: (name) => act('enableTask', name),
    start: (name) => act('startTask', name),
    stop: (name) => act('stopTask', name),
    unregister: (name) => act('unregisterTask', name),
    close: () => shell.kill(),
  };
}

/**
 * What goes through PowerShell's standard input is script text there, and can end up in the event log (4104), in
 * transcripts and in the history. So the password goes encrypted, and its key, which is used once, in the environment
 * of that one process.
 */
function encryptOnce(password: string, key: Buffer): string {
  const iv = randomBytes(16);
  // GCM would be the better one, and is not in the .NET Framework of Windows PowerShell 5.1.
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const bytes = Buffer.concat([cipher.update(password, 'utf8'), cipher.final()]);
  return `${iv.toString('base64')}:${bytes.toString('base64')}`;
}

/** CDXML cmdlets name the HRESULT in the error's id: `HRESULT 0x8007052e,Register-ScheduledTask`. */
function refusalOf(failure: ReplyFailure): TaskRefused {
  const [, inId] = /^HRESULT (0x[0-9a-f]{8})/i.exec(failure.errorId) ?? [];
  // .NET's own codes (COR_E_...) name no cause.
  const inChain = failure.chain
    .map((one) => one.hresult)
    .find((code) => !/^0x(8013|0000)/.test(code));
  const code = inId ?? inChain;
  const hresult = code === undefined ? null : `0x${code.slice(2).toUpperCase()}`;
  const command = failure.command === '' ? '' : ` (${failure.command})`;
  return new TaskRefused(`${failure.message.trim()}${command}`, hresult);
}
