// `watari worker install`: from what is registered to what is wanted. The new registration is made beside the old one,
// and the old one goes only when the new worker has been seen running: nothing has to be restored, and no password of
// before has to be known.
import { lastLines, logFiles, release, saysItServes } from '../../config/service-files.ts';
import {
  TaskRefused,
  type Registration,
  type WorkerTask,
} from '../../hyperv/service/worker-tasks.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { currentTask, endWorker, ourTasks, processOf, type ServiceComputer } from './computer.ts';
import {
  differencesOf,
  registrationOf,
  stopFileOf,
  taskName,
  taskNumber,
  versionOf,
  type Difference,
  type WantedWorker,
} from './registration.ts';
import { refusalError, resultInWords } from './words.ts';

export interface InstallRequest {
  wanted: WantedWorker;
  /** Registers anew even if nothing else has changed. */
  newPassword: boolean;
  /** Throws when the worker could not even be loaded here. */
  tryProgram: () => Promise<void>;
  /** Asked only when it is needed. */
  askPassword: () => Promise<string>;
  /** Makes the folders, and keeps everybody but administrators out. */
  prepareFolders: () => Promise<void>;
}

export interface Installed {
  outcome: 'installed' | 'replaced' | 'unchanged';
  task: string;
  pid: number | null;
  /** The worker has said that it serves. */
  serves: boolean;
  /** Its last word, when it does not serve yet. */
  lastLine: string | null;
  differences: Difference[];
}

/** A worker that ends at once is seen within that; connecting to Temporal may take longer and is not waited for. */
const SETTLE_MS = 8000;
const START_WAIT_MS = 30_000;
const LOOK_EVERY_MS = 500;

export async function installWorker(
  computer: ServiceComputer,
  request: InstallRequest,
): Promise<Installed> {
  const { tasks, say } = computer;
  const { wanted } = request;
  await checkRights(computer, 'registers a task');
  await checkAccount(computer, wanted);
  const ours = ourTasks(await tasks.tasks());
  const old = currentTask(ours);
  const differences = old === null ? [] : differencesOf(old, wanted);
  if (old !== null && differences.length === 0 && !request.newPassword) {
    const running = processOf(old, await tasks.processes());
    if (running !== null && ours.length === 1) {
      const { name: task } = old;
      const state = { pid: running.pid, serves: true, lastLine: null };
      return { outcome: 'unchanged', task, differences, ...state };
    }
  }
  await request.tryProgram();
  const name = taskName(Math.max(0, ...ours.map((task) => taskNumber(task.name))) + 1);
  const registration = registrationOf(wanted, name);
  if (old !== null) {
    say(
      `Installed already, as \\watari\\${old.name}. ${differences.length === 0 ? 'Nothing differs.' : 'What differs:'}`,
    );
    for (const { what, from, to } of differences) say(`  ${what}: ${from} -> ${to}`);
  }
  const password = await request.askPassword();
  if (password === '') {
    throw badInput(
      `the password of ${wanted.account} is empty, and Windows runs no task under an account without one`,
      'Give the account a password, the same on every node:  Set-LocalUser -Name NAME -Password (Read-Host -AsSecureString)',
      'EmptyPassword',
    );
  }
  await request.prepareFolders();
  await register(computer, wanted.account, { registration, password, old });
  const before =
    old === null ? '' : ` (before it: watari ${versionOf(old) ?? 'of unknown version'})`;
  say(
    `Registered \\watari\\${name} under ${wanted.account}${before}; Windows has accepted the password.`,
  );
  const started = await takeOver(computer, { wanted, name, old });
  for (const task of ours) {
    await endWorker(computer, task);
    await tasks.unregister(task.name);
    const stopFile = stopFileOf(task);
    if (stopFile !== null) release(stopFile);
  }
  const outcome = old === null ? 'installed' : 'replaced';
  return { outcome, task: name, differences, ...started };
}

/** Throws unless this session has an administrator's rights, as far as that can be seen. */
export async function checkRights(computer: ServiceComputer, deed: string): Promise<void> {
  const session = await computer.tasks.session();
  if (session.elevated !== false) return;
  throw new ClientError({
    code: 'NotElevated',
    message: `${session.user} has no administrator rights in this window (its token is not in the Administrators group), and this command ${deed}`,
    hint: 'Open PowerShell with "Run as administrator" and run the command again. Nothing was changed.',
    exitCode: EXIT.failed,
  });
}

async function checkAccount(computer: ServiceComputer, wanted: WantedWorker): Promise<void> {
  const { account } = wanted;
  const seen = await computer.tasks.account(account);
  if (!seen.exists) {
    throw badInput(
      `there is no local account ${account} on ${wanted.computer} (Get-LocalUser)`,
      'Name another one with --account, or make it, the same on every node:  New-LocalUser -Name NAME -PasswordNeverExpires',
      'AccountMissing',
    );
  }
  if (seen.administrator === false) {
    throw badInput(
      `${account} is not a member of the Administrators of ${wanted.computer} (Get-LocalGroupMember -SID S-1-5-32-544), and Hyper-V and the cluster obey nobody else`,
      `Add-LocalGroupMember -SID S-1-5-32-544 -Member ${account}`,
      'AccountNotAdministrator',
    );
  }
  if (!seen.enabled) {
    const hint = `Enable-LocalUser -Name ${account}`;
    throw badInput(`the account ${account} is disabled`, hint, 'AccountDisabled');
  }
  if (seen.administrator === null) {
    computer.say(`Whether ${account} is an administrator could not be read; going on.`);
  }
}

interface NewTask {
  registration: Registration;
  password: string;
  old: WorkerTask | null;
}

/** Disabled: nothing is touched before Windows has taken the password. */
async function register(computer: ServiceComputer, account: string, o: NewTask): Promise<void> {
  try {
    await computer.tasks.register(o.registration, o.password);
  } catch (err) {
    if (!(err instanceof TaskRefused)) throw err;
    const tail =
      o.old === null
        ? 'Nothing was changed.'
        : `The registration that was there, ${o.old.name}, is as it was.`;
    throw refusalError(err, account, tail);
  }
}

interface Running {
  pid: number | null;
  serves: boolean;
  lastLine: string | null;
}

/** The old worker ends, the new one starts; when it does not, the old one comes back. */
async function takeOver(
  computer: ServiceComputer,
  o: { wanted: WantedWorker; name: string; old: WorkerTask | null },
): Promise<Running> {
  const { tasks, say } = computer;
  try {
    if (o.old !== null) await endWorker(computer, o.old);
    await tasks.enable(o.name);
    const since = computer.clock.now();
    await tasks.start(o.name);
    say(`Started ${o.name}.`);
    return await waitUntilItRuns(computer, o.name, o.wanted.logFolder, since);
  } catch (err) {
    const restored = await goBack(computer, o.name, o.old);
    if (err instanceof ClientError) {
      const { code, message, hint, exitCode } = err;
      throw new ClientError({
        code,
        message: `${message}. ${restored}`,
        hint,
        exitCode,
        cause: err,
      });
    }
    say(restored);
    throw err;
  }
}

async function goBack(
  computer: ServiceComputer,
  name: string,
  old: WorkerTask | null,
): Promise<string> {
  const { tasks } = computer;
  const made = (await tasks.tasks()).find((task) => task.name === name);
  if (made !== undefined) {
    await endWorker(computer, made);
    await tasks.unregister(name);
    const itsStopFile = stopFileOf(made);
    if (itsStopFile !== null) release(itsStopFile);
  }
  if (old === null) return 'The new registration was taken back.';
  const stopFile = stopFileOf(old);
  if (stopFile !== null) release(stopFile);
  if (old.enabled) await tasks.start(old.name);
  return `The new registration was taken back; the one before, ${old.name}, is as it was and ${old.enabled ? 'was started again' : 'is disabled'}.`;
}

async function waitUntilItRuns(
  computer: ServiceComputer,
  name: string,
  logFolder: string,
  since: Date,
): Promise<Running> {
  const { clock, tasks } = computer;
  const startMs = clock.elapsedMs();
  const waited = (): number => clock.elapsedMs() - startMs;
  let seenAt: number | null = null;
  for (;;) {
    const task = (await tasks.tasks()).find((one) => one.name === name);
    const running = task === undefined ? null : processOf(task, await tasks.processes());
    const said = linesSince(logFolder, since);
    if (running !== null) {
      seenAt ??= waited();
      const serves = said.some(saysItServes);
      if (serves || waited() - seenAt >= SETTLE_MS) {
        return { pid: running.pid, serves, lastLine: said.at(-1) ?? null };
      }
    } else if (seenAt !== null || waited() >= START_WAIT_MS || hasEnded(task)) {
      throw notRunning(name, task, said);
    }
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** Neither runs nor is about to: SCHED_S_TASK_RUNNING, SCHED_S_TASK_HAS_NOT_RUN. */
const hasEnded = (task: WorkerTask | undefined): boolean =>
  task !== undefined &&
  task.state !== 'Running' &&
  task.state !== 'Queued' &&
  task.lastResult !== '0x00041301' &&
  task.lastResult !== '0x00041303';

function notRunning(
  name: string,
  task: WorkerTask | undefined,
  said: readonly string[],
): ClientError {
  const result = task?.lastResult;
  const how = result === undefined ? 'its task is gone' : `${resultInWords(result)} (${result})`;
  const lines = said.slice(-5);
  return new ClientError({
    code: 'WorkerNotRunning',
    message: `The new worker, ${name}, was started and does not run: ${how}`,
    hint: lines.length === 0 ? 'It wrote no log.' : `Its log says:\n${lines.join('\n')}`,
    exitCode: EXIT.failed,
  });
}

/** Every line begins with its time. */
function linesSince(folder: string, since: Date): string[] {
  const newest = logFiles(folder).at(-1);
  if (newest === undefined) return [];
  const from = since.toISOString();
  return lastLines(newest, 200).filter((line) => line.slice(0, from.length) >= from);
}
