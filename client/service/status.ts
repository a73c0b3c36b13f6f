// `watari worker status`: what is registered on this computer, whether it runs, and what it said last.
import { lastLines, logFiles } from '../../config/service-files.ts';
import type { WorkerTasks } from '../../hyperv/service/worker-tasks.ts';
import { currentTask, ourTasks, processOf } from './computer.ts';
import { quoteArgument } from './command-line.ts';
import { optionsOf, versionOf } from './registration.ts';
import { resultInWords } from './words.ts';

export interface ServiceStatus {
  registered: boolean;
  running: boolean;
  pid: number | null;
  /** When the process started; null when it does not run or may not be seen. */
  since: string | null;
  task: {
    name: string;
    state: string;
    enabled: boolean;
    account: string;
    version: string | null;
    cluster: string | null;
    node: string | null;
    /** As it could be typed. */
    commandLine: string;
    lastRun: string | null;
    lastResult: string;
    lastResultMeans: string;
  } | null;
  log: { folder: string; file: string | null; lines: string[] } | null;
  /** What else a person should know. */
  notes: string[];
}

const LINES = 5;

export async function readServiceStatus(tasks: WorkerTasks): Promise<ServiceStatus> {
  const session = await tasks.session();
  const ours = ourTasks(await tasks.tasks());
  const task = currentTask(ours);
  const notes =
    session.elevated === false
      ? ['Seen without administrator rights: tasks and processes of other accounts may be hidden.']
      : [];
  if (task === null) {
    return {
      registered: false,
      running: false,
      pid: null,
      since: null,
      task: null,
      log: null,
      notes,
    };
  }
  const running = processOf(task, await tasks.processes());
  if (ours.length > 1) {
    const names = ours.map((one) => one.name).join(', ');
    notes.push(
      `An installation was interrupted: there are ${names}. Run "watari worker install" again.`,
    );
  }
  if (running === null && task.state === 'Running' && session.elevated !== false) {
    notes.push('The Task Scheduler says that it runs, but its process is not seen.');
  }
  if (!task.enabled) notes.push('The task is disabled: it does not start at boot.');
  const options = optionsOf(task);
  const folder = options?.get('log-folder');
  const file = folder === undefined ? null : (logFiles(folder).at(-1) ?? null);
  return {
    registered: true,
    // Without administrator rights the process of another account has no command line to be known by.
    running: running !== null || (session.elevated === false && task.state === 'Running'),
    pid: running?.pid ?? null,
    since: running?.started ?? null,
    task: {
      name: task.name,
      state: task.state,
      enabled: task.enabled,
      account: task.account,
      version: versionOf(task),
      cluster: options?.get('cluster') ?? null,
      node: options?.get('node') ?? null,
      commandLine: `${quoteArgument(task.execute)} ${task.arguments}`,
      lastRun: task.lastRun,
      lastResult: task.lastResult,
      lastResultMeans: resultInWords(task.lastResult),
    },
    log:
      folder === undefined
        ? null
        : { folder, file, lines: file === null ? [] : lastLines(file, LINES) },
    notes,
  };
}

export function statusLines(status: ServiceStatus): string[] {
  const { task, log, notes } = status;
  if (task === null) {
    return [
      'No worker is installed on this computer.',
      ...notes,
      'Install one:  watari worker install',
    ];
  }
  const who = `The worker of ${task.node ?? '?'} for cluster ${task.cluster ?? '?'}`;
  const state = status.running
    ? `runs, process ${status.pid ?? 'not seen'}${status.since === null ? '' : ` since ${status.since}`}`
    : `does not run: ${task.lastResultMeans} (${task.lastResult})`;
  return [
    `${who} ${state}`,
    `  registered   \\watari\\${task.name} under ${task.account}, watari ${task.version ?? 'of unknown version'}, ${task.state}`,
    `  command      ${task.commandLine}`,
    `  last start   ${task.lastRun ?? 'never'}; ${task.lastResultMeans} (${task.lastResult})`,
    ...(log === null ? [] : [`  log          ${log.file ?? `${log.folder}: no log yet`}`]),
    ...(log?.lines ?? []).map((line) => `    ${line}`),
    ...notes,
  ];
}
