// `watari worker install|uninstall|status`: the worker of this computer as a task of Windows' Task Scheduler.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { readPowerShellPlaces } from '../../config/powershell-environment.ts';
import {
  readServicePlaces,
  readSettingsFile,
  SETTINGS_FILE,
  type ServicePlaces,
} from '../../config/service-places.ts';
import { loadTemporalConnection } from '../../config/temporal/connection.ts';
import { EngineProblem, findEngine } from '../../hyperv/powershell/engine.ts';
import type { WorkerTasks } from '../../hyperv/service/worker-tasks.ts';
import { finish, talk, type Context, type Talk } from '../context.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { PACKAGE_ROOT, packageVersion } from '../package-root.ts';
import type { ServiceComputer } from '../service/computer.ts';
import { lockFolder } from '../service/folders.ts';
import type { Installed } from '../service/install.ts';
import { tryNativePart } from '../service/native-part.ts';
import type { WantedWorker } from '../service/registration.ts';
import { readServiceStatus, statusLines } from '../service/status.ts';
import { PERMISSIONS, policyOf, PolicyRefused } from '../../hyperv/policy.ts';
import { workerCluster, workerNode } from './worker-options.ts';
import { leaf, type ContextSource, type JsonOption } from './leaf.ts';

interface InstallOptions extends JsonOption {
  cluster?: string;
  file?: string;
  node?: string;
  account?: string;
  allow?: string;
  readOnly?: boolean;
  settings?: string;
  logFolder?: string;
  newPassword?: boolean;
  passwordStdin?: boolean;
}

export function addServiceCommands(worker: Command, context: ContextSource): void {
  leaf(worker, 'install', 'let Windows run the worker of this node from boot on, or replace it', [
    'watari worker install --cluster hv-lab',
    'watari worker install --cluster hv-lab --account watari --allow moves,nodes',
    'watari worker install --cluster hv-lab --new-password',
  ])
    .option('-c, --cluster <name>', 'name of the cluster')
    .option('-f, --file <file>', 'take the name of the cluster from this file')
    .option('--node <node>', 'node to serve (default: the name of this computer)')
    .option('--account <name>', 'local administrator to run under (default: you)')
    .option('--allow <list>', `what may be done here, of ${PERMISSIONS.join(',')} (default: all)`)
    .option('--read-only', 'nothing may be done here, only looked at')
    .option('--settings <file>', 'where Temporal is (default: worker.env in ProgramData, if there)')
    .option('--log-folder <folder>', 'where logs go (default: ProgramData)')
    .option('--new-password', 'the password of the account has changed: register anew')
    .option('--password-stdin', 'read the password from standard input, one line')
    .action((o: InstallOptions) => install(context(), o));
  leaf(worker, 'uninstall', 'end the worker of this node and let Windows forget it', [
    'watari worker uninstall',
  ]).action((o: JsonOption) => uninstall(context(), o));
  leaf(worker, 'status', 'is the worker of this node installed, does it run, what did it say', [
    'watari worker status',
  ]).action((o: JsonOption) => status(context(), o));
}

const SYSTEMD = `On Linux let systemd run it (a simulated cluster only: Hyper-V is on Windows):
  [Service]
  ExecStart=watari worker start --cluster NAME --node NODE --lab URL --log-folder /var/log/watari
  Restart=always
On macOS a launchd agent with KeepAlive does the same; docker-compose.yml has a lab with workers.`;

function windowsOnly(ctx: Context): void {
  if (ctx.places.platform === 'win32') return;
  throw badInput(
    `this computer runs ${ctx.places.platform}; the worker of a node is installed on Windows`,
    SYSTEMD,
    'WindowsOnly',
  );
}

/** PowerShell for the time of `deed`. */
async function withTasks<T>(
  ctx: Context,
  said: Talk,
  deed: (computer: ServiceComputer) => Promise<T>,
): Promise<T> {
  windowsOnly(ctx);
  // What drives PowerShell is loaded here alone: no other command should pay for it.
  const { openWorkerTasks } = await import('../../hyperv/service/worker-tasks.ts');
  let tasks: WorkerTasks;
  try {
    tasks = await openWorkerTasks({ engine: findEngine(readPowerShellPlaces()) });
  } catch (err) {
    if (!(err instanceof EngineProblem)) throw err;
    const hint = 'See "When it does not start" in docs/powershell.md.';
    const code = 'PowerShellUnavailable';
    throw new ClientError({ code, message: err.message, hint, exitCode: EXIT.failed, cause: err });
  }
  try {
    return await deed({ tasks, clock: ctx.clock, say: (line) => said.say([line]) });
  } finally {
    await tasks.close();
  }
}

async function install(ctx: Context, o: InstallOptions): Promise<void> {
  windowsOnly(ctx);
  const places = readServicePlaces();
  const wanted = wantedWorker(ctx, o, places);
  checkPolicy(o);
  const said = talk(ctx.terminal, o.json === true);
  said.say(settingsLines(wanted.settings, places));
  const { installWorker } = await import('../service/install.ts');
  const done = await withTasks(ctx, said, (computer) =>
    installWorker(computer, {
      wanted,
      newPassword: o.newPassword === true,
      tryProgram: () => tryNativePart({ program: wanted.program }),
      askPassword: () =>
        askPassword(ctx, wanted.account, o.passwordStdin === true ? process.stdin : null),
      prepareFolders: async () => {
        await lockFolder(places.home, places.systemRoot);
        fs.mkdirSync(wanted.logFolder, { recursive: true });
      },
    }),
  );
  said.result(done);
  said.say(installedLines(done, wanted));
}

export function wantedWorker(ctx: Context, o: InstallOptions, places: ServicePlaces): WantedWorker {
  const usual = path.join(places.home, SETTINGS_FILE);
  const named = o.settings === undefined ? null : path.resolve(ctx.cwd, o.settings);
  const settings = named ?? (fs.existsSync(usual) ? usual : null);
  const variables = settings === null ? {} : readSettingsFile(settings);
  // Mistakes in it come out here, and not in a log that nobody reads.
  if (settings !== null) loadTemporalConnection(variables);
  const computer = ctx.computer.split('.')[0] ?? ctx.computer;
  return {
    cluster: workerCluster(ctx, o),
    node: workerNode(ctx.computer, o.node, variables['WATARI_LAB'] !== undefined),
    account: localAccount(o.account ?? os.userInfo().username, computer),
    computer,
    allow: o.allow ?? null,
    readOnly: o.readOnly === true,
    settings,
    logFolder: path.resolve(
      ctx.cwd,
      o.logFolder ?? places.logFolder ?? path.join(places.home, 'logs'),
    ),
    home: places.home,
    program: process.execPath,
    main: path.join(PACKAGE_ROOT, 'dist', 'client', 'main.js'),
    version: packageVersion(),
  };
}

/** `watari`, `.\watari` and `HV1\watari` on HV1; a workgroup knows no other accounts. */
export function localAccount(given: string, computer: string): string {
  const [, owner, name = ''] = /^(?:([^\\]*)\\)?(.+)$/.exec(given.trim()) ?? [];
  const own =
    owner === undefined || owner === '.' || owner.toLowerCase() === computer.toLowerCase();
  if (own && name !== '' && !/[\\/"[\]:;|=,+*?<>@]/.test(name)) return name;
  throw badInput(
    `${JSON.stringify(given)} is not a local account of ${computer}`,
    'Give the name alone:  --account watari',
    'AccountMissing',
  );
}

function checkPolicy(o: InstallOptions): void {
  try {
    policyOf({
      ...(o.allow !== undefined && { allow: o.allow }),
      ...(o.readOnly !== undefined && { readOnly: o.readOnly }),
    });
  } catch (err) {
    if (err instanceof PolicyRefused) throw badInput(err.message);
    throw err;
  }
}

/** Names only: a value may be a secret. */
function settingsLines(settings: string | null, places: ServicePlaces): string[] {
  if (settings !== null) {
    const names = Object.keys(readSettingsFile(settings)).join(', ');
    return [`Settings: ${settings}${names === '' ? ', which is empty' : ` (${names})`}`];
  }
  return [
    `Settings: none, as there is no ${path.join(places.home, SETTINGS_FILE)}. The worker finds Temporal only by`,
    'variables of the whole machine, and else looks for it on this computer.',
  ];
}

/** `input`: where the password is one line, instead of a terminal that is asked. */
export async function askPassword(
  ctx: Context,
  account: string,
  input: NodeJS.ReadableStream | null,
): Promise<string> {
  if (input !== null) {
    for await (const line of createInterface({ input })) return line;
    return '';
  }
  if (!ctx.terminal.canAsk) {
    throw badInput(
      `the password of ${account} is needed, and there is no terminal to ask for it`,
      'Run the command in a window, or give the password on standard input with --password-stdin.',
      'PasswordNotGiven',
    );
  }
  return ctx.terminal.askHidden(`Password of ${account} (Windows keeps it, watari does not): `);
}

function installedLines(done: Installed, wanted: WantedWorker): string[] {
  const { node, cluster } = wanted;
  const pid = done.pid === null ? '' : `, process ${done.pid}`;
  if (done.outcome === 'unchanged') {
    return [`The worker of ${node} is installed like this already, and runs${pid}. Nothing to do.`];
  }
  const how = done.outcome === 'installed' ? 'installed' : 'replaced';
  return [
    `The worker of ${node} for cluster ${cluster} is ${how} and runs${pid}.`,
    ...(done.serves
      ? []
      : ['It does not serve yet; its log says:', `  ${done.lastLine ?? '(nothing)'}`]),
    'It starts with Windows, before anybody logs on, and again within five minutes when it ends.',
    ...(isOutsideProgramFiles(wanted.main)
      ? [
          `Note: ${PACKAGE_ROOT} is not below Program Files. Whoever may write there commands this node.`,
        ]
      : []),
    'Look at it with:  watari worker status',
  ];
}

const isOutsideProgramFiles = (file: string): boolean =>
  /^[a-z]:\\/i.test(file) && !/^[a-z]:\\program files/i.test(file);

async function uninstall(ctx: Context, o: JsonOption): Promise<void> {
  const said = talk(ctx.terminal, o.json === true);
  windowsOnly(ctx);
  const { uninstallWorker } = await import('../service/uninstall.ts');
  const done = await withTasks(ctx, said, uninstallWorker);
  said.result(done);
  if (done.removed.length === 0)
    said.say(['No worker is installed on this computer: nothing to do.']);
  for (const { task } of done.removed) {
    said.say([
      `Removed \\watari\\${task}. Settings, certificates and logs are left where they are.`,
    ]);
  }
}

async function status(ctx: Context, o: JsonOption): Promise<void> {
  const said = talk(ctx.terminal, o.json === true);
  const seen = await withTasks(ctx, said, ({ tasks }) => readServiceStatus(tasks));
  said.result(seen);
  said.say(statusLines(seen));
  finish(seen.running ? EXIT.done : EXIT.failed);
}
