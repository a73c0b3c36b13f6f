// What installing, removing and looking at the worker of this computer have in common: the tasks that are there, the
// process that belongs to one, and how it is ended.
import fs from 'node:fs';
import path from 'node:path';
import { durationText } from '../../domain/units.ts';
import { hold } from '../../config/service-files.ts';
import type { NodeProcess, WorkerTask, WorkerTasks } from '../../hyperv/service/worker-tasks.ts';
import type { Clock } from '../context.ts';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { splitArguments } from './command-line.ts';
import { stopFileOf, taskNumber } from './registration.ts';

export interface ServiceComputer {
  tasks: WorkerTasks;
  clock: Clock;
  /** Tells a person what happens. */
  say: (line: string) => void;
}

/** The worker's own limit is 15 s, after which it gives up what still runs; then a little for a slow disk. */
const END_WAIT_MS = 30_000;
const FORCED_WAIT_MS = 10_000;
/** A look asks WMI and the Task Scheduler, which takes some 100 ms of a host's time. */
const LOOK_EVERY_MS = 1000;

/** Ours, the newest first: one, unless an installation was interrupted. */
export const ourTasks = (tasks: readonly WorkerTask[]): WorkerTask[] =>
  tasks
    .filter((task) => taskNumber(task.name) > 0)
    .sort((a, b) => taskNumber(b.name) - taskNumber(a.name));

/** The one that counts: enabled rather than not, then the newest. */
export const currentTask = (ours: readonly WorkerTask[]): WorkerTask | null =>
  ours.find((task) => task.enabled) ?? ours[0] ?? null;

/** A stop file belongs to one task alone, so it tells whose process this is. */
export function processOf(task: WorkerTask, processes: readonly NodeProcess[]): NodeProcess | null {
  const stopFile = stopFileOf(task);
  if (stopFile === null) return null;
  return processes.find((one) => splitArguments(one.commandLine).includes(stopFile)) ?? null;
}

export type Ending = 'was-not-running' | 'ended' | 'forced';

/**
 * Ends the worker of a task: asked first, so that it finishes or hands back what it does; by force when it does not
 * listen. The request holds for two minutes, or until it is released, against a start that comes meanwhile.
 */
export async function endWorker(computer: ServiceComputer, task: WorkerTask): Promise<Ending> {
  const { tasks, say } = computer;
  const ran = await runs(computer, task.name);
  const stopFile = stopFileOf(task);
  if (stopFile !== null) {
    fs.mkdirSync(path.dirname(stopFile), { recursive: true });
    hold(stopFile);
  }
  // Looked at again: it may have been started before the request was there.
  if (!ran && !(await runs(computer, task.name))) return 'was-not-running';
  say(`Asking the worker of task ${task.name} to finish ...`);
  const asked = stopFile !== null;
  if (asked && (await isGone(computer, task.name, END_WAIT_MS))) return 'ended';
  say(
    `It still runs${asked ? ` after ${durationText(END_WAIT_MS)}` : ''}, so it is ended by force.`,
  );
  await tasks.stop(task.name);
  if (await isGone(computer, task.name, FORCED_WAIT_MS)) return 'forced';
  throw new ClientError({
    code: 'WorkerStillRuns',
    message: `The worker of task \\watari\\${task.name} still runs, ${durationText(FORCED_WAIT_MS)} after Windows was told to end it`,
    hint: 'Look for node.exe in the Task Manager, end it there, and run the command again.',
    exitCode: EXIT.failed,
  });
}

async function runs(computer: ServiceComputer, name: string): Promise<boolean> {
  const task = (await computer.tasks.tasks()).find((one) => one.name === name);
  if (task === undefined) return false;
  if (processOf(task, await computer.tasks.processes()) !== null) return true;
  return task.state === 'Running';
}

async function isGone(computer: ServiceComputer, name: string, waitMs: number): Promise<boolean> {
  const { clock } = computer;
  const deadline = clock.elapsedMs() + waitMs;
  for (;;) {
    if (!(await runs(computer, name))) return true;
    if (clock.elapsedMs() >= deadline) return false;
    await clock.sleep(LOOK_EVERY_MS);
  }
}
