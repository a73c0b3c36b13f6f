// What is registered for a worker, and what a registration that is there says: pure. The Task Scheduler keeps a program
// and one string of arguments, so everything about a worker is in them.
import path from 'node:path';
import { steers } from '../../domain/steering.ts';
import type { Registration, WorkerTask } from '../../hyperv/service/worker-tasks.ts';
import { badInput } from '../errors.ts';
import { joinArguments, splitArguments } from './command-line.ts';

/** The worker that a person asked for. */
export interface WantedWorker {
  cluster: string;
  node: string;
  /** Local account, without the computer's name. */
  account: string;
  computer: string;
  allow: string | null;
  readOnly: boolean;
  /** Settings file; null: the environment of the machine is all that it gets. */
  settings: string | null;
  logFolder: string;
  /** Folder of stop files, and the one in which it runs. */
  home: string;
  /** Absolute paths of node.exe and of watari's main.js. */
  program: string;
  main: string;
  version: string;
}

export const taskName = (number: number): string => `worker-${number}`;

/** 0 for a task that is not one of ours. */
export const taskNumber = (name: string): number =>
  Number(/^worker-(\d{1,9})$/.exec(name)?.[1] ?? 0);

const argumentsOf = (wanted: WantedWorker, name: string): string[] => [
  wanted.main,
  ...['worker', 'start', '--cluster', wanted.cluster, '--node', wanted.node],
  ...(wanted.allow === null ? [] : ['--allow', wanted.allow]),
  ...(wanted.readOnly ? ['--read-only'] : []),
  ...(wanted.settings === null ? [] : ['--settings', wanted.settings]),
  ...['--log-folder', wanted.logFolder],
  ...['--stop-file', path.join(wanted.home, `${name}.stop`)],
];

export function registrationOf(wanted: WantedWorker, name: string): Registration {
  const words = argumentsOf(wanted, name);
  for (const word of [wanted.program, wanted.home, ...words]) checkWord(word);
  return {
    name,
    account: `${wanted.computer}\\${wanted.account}`,
    execute: wanted.program,
    arguments: joinArguments(words),
    workingDirectory: wanted.home,
    description: `watari ${wanted.version}: serves this computer as node ${wanted.node} of cluster ${wanted.cluster}. Installed by "watari worker install".`,
  };
}

/** Environment variables and `$(Arg0)` in an action are replaced (ExecAction.Path, IAction), and there is no escape. */
function checkWord(word: string): void {
  if (!/%[^%]*%|\$\(/.test(word) && !steers(word)) return;
  throw badInput(
    `${JSON.stringify(word)} cannot be registered: Windows' Task Scheduler replaces what is between two % and in $(...)`,
    'Use a path without these characters.',
  );
}

/** Options of the command line of a task, by name; null when the task starts something else. */
export function optionsOf(task: Pick<WorkerTask, 'arguments'>): Map<string, string> | null {
  const words = splitArguments(task.arguments);
  if (words[1] !== 'worker' || words[2] !== 'start') return null;
  const options = new Map<string, string>([['main', words[0] ?? '']]);
  for (let i = 3; i < words.length; i += 1) {
    const next = words[i + 1];
    const hasValue = next !== undefined && !next.startsWith('--');
    options.set((words[i] ?? '').replace(/^--/, ''), hasValue ? next : 'yes');
    if (hasValue) i += 1;
  }
  return options;
}

export const stopFileOf = (task: Pick<WorkerTask, 'arguments'>): string | null =>
  optionsOf(task)?.get('stop-file') ?? null;

/** null for a task that watari did not describe. */
export const versionOf = (task: Pick<WorkerTask, 'description'>): string | null =>
  /^watari (\S+):/.exec(task.description)?.[1] ?? null;

/** Without the computer's name, which Windows tells in some places and not in others. */
export const plainAccount = (account: string): string =>
  account.slice(account.lastIndexOf('\\') + 1);

export interface Difference {
  what: string;
  from: string;
  to: string;
}

const NONE = '(none)';

/** What a new registration would change; empty when it would be the same. */
export function differencesOf(task: WorkerTask, wanted: WantedWorker): Difference[] {
  const next = registrationOf(wanted, task.name);
  const before = optionsOf(task) ?? new Map<string, string>();
  const after = optionsOf(next) ?? new Map<string, string>();
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const found: Difference[] = [];
  const compare = (what: string, from: string | undefined, to: string | undefined): void => {
    if (from !== to) found.push({ what, from: from ?? NONE, to: to ?? NONE });
  };
  compare('version', versionOf(task) ?? undefined, wanted.version);
  if (!same(plainAccount(task.account), wanted.account)) {
    compare('account', plainAccount(task.account), wanted.account);
  }
  compare('program', task.execute, next.execute);
  for (const option of new Set([...before.keys(), ...after.keys()])) {
    compare(option === 'main' ? 'watari' : option, before.get(option), after.get(option));
  }
  return found;
}
