// Installing, replacing, removing and looking at a node's worker, through the real PowerShell module on stand-ins of
// the Windows cmdlets that it uses. What Windows itself does with a task is not tested here or anywhere.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Clock } from '../../client/context.ts';
import { ClientError } from '../../client/errors.ts';
import { splitArguments } from '../../client/service/command-line.ts';
import type { ServiceComputer } from '../../client/service/computer.ts';
import { installWorker, type InstallRequest } from '../../client/service/install.ts';
import type { WantedWorker } from '../../client/service/registration.ts';
import { readServiceStatus, statusLines } from '../../client/service/status.ts';
import { uninstallWorker } from '../../client/service/uninstall.ts';
import { openWorkerTasks, type WorkerTasks } from '../../hyperv/service/worker-tasks.ts';
import { standInPath } from '../../lab/powershell/stand-ins.ts';
import { powerShellEnvironment } from '../../config/powershell-environment.ts';
import { ROOT } from '../support/built-setup.ts';
import { engine } from '../support/engine.ts';
import { STAND_INS, standInComputer, type StandInComputer } from '../support/windows-service.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

/** Quotes, spaces, a brace of PowerShell and another script: nothing of it may become anything else. */
const PASSWORD = `pä"ss' $(throw 1) {0} 渡り`;

describe('the worker as a task of Windows', needs(POWERSHELL), () => {
  const ends = endsWithAll();
  let folder: string;
  let windows: StandInComputer;
  let tasks: WorkerTasks;
  let logged: string[];
  let said: string[];
  let asked: number;

  beforeAll(async () => {
    folder = temporaryFolder('watari サービス ', ends);
    windows = standInComputer(folder, [
      { name: 'watari', rid: 1001, password: PASSWORD },
      { name: 'other', rid: 1002, password: 'Other-1' },
      { name: 'guest1', rid: 1003, password: 'Guest-1', limited: true },
      { name: 'off', rid: 1004, password: 'Off-1', disabled: true },
      { name: 'nobatch', rid: 1005, password: 'No-1', refuses: '0x80070569' },
      { name: 'nostore', rid: 1006, password: 'No-1', refuses: '0x80070520' },
      { name: 'strange', rid: 1007, password: 'No-1', refuses: '0x8007ffff' },
    ]);
    logged = [];
    tasks = ends(await openWorkerTasks({ ...windows.options, log: (line) => logged.push(line) }));
  });
  beforeEach(() => {
    windows.reset();
    said = [];
    asked = 0;
    fs.rmSync(at('home'), { recursive: true, force: true });
  });

  const at = (...parts: string[]): string => path.join(folder, ...parts);

  /** Time passes when somebody waits, and not otherwise. */
  function computer(): ServiceComputer {
    let now = Date.parse('2026-11-24T09:00:00.000Z');
    const clock: Clock = {
      now: () => new Date(now),
      elapsedMs: () => now,
      sleep: async (ms) => {
        now += ms;
      },
    };
    return { tasks, clock, say: (line) => said.push(line) };
  }

  const wanted = (o: Partial<WantedWorker> = {}): WantedWorker => ({
    cluster: 'hv-lab',
    node: 'HV1',
    account: 'watari',
    computer: 'HV1',
    allow: null,
    readOnly: false,
    settings: at('home', 'worker.env'),
    logFolder: at('home', 'ログ フォルダー'),
    home: at('home'),
    program: 'C:\\Program Files\\nodejs\\node.exe',
    main: 'C:\\Program Files\\渡り 0.1.0\\dist\\client\\main.js',
    version: '0.1.0',
    ...o,
  });

  const install = (o: Partial<WantedWorker> = {}, more: Partial<InstallRequest> = {}) =>
    installWorker(computer(), {
      wanted: wanted(o),
      newPassword: false,
      tryProgram: async () => undefined,
      askPassword: async () => {
        asked += 1;
        return PASSWORD;
      },
      prepareFolders: async () => {
        say('HV1 serves cluster hv-lab (Windows)', wanted(o).logFolder);
      },
      ...more,
    });

  /** As the worker that was just started would. */
  const say = (text: string, logFolder = wanted().logFolder): void => {
    fs.mkdirSync(logFolder, { recursive: true });
    const file = path.join(logFolder, 'worker-20261124-090001.log');
    fs.appendFileSync(file, `2026-11-24T09:00:01.000Z ${text}\n`);
  };

  const failure = (promise: Promise<unknown>): Promise<ClientError> =>
    promise.then(
      () => {
        throw new Error('it worked');
      },
      (err: unknown) => {
        if (err instanceof ClientError) return err;
        throw err;
      },
    );

  const names = (): string[] => windows.world().tasks.map((task) => task.TaskName);
  const running = (): string[] => windows.world().processes.map((one) => one.task);
  const acts = (): string[] =>
    windows
      .calls()
      .map((call) => call.cmdlet)
      .filter((cmdlet) => !cmdlet.startsWith('Get-'));
  const stopFiles = (): string[] =>
    fs.existsSync(at('home')) ? fs.readdirSync(at('home')).filter((f) => f.endsWith('.stop')) : [];

  describe('install', () => {
    it('registers a task that starts at boot, ends never and comes back', async () => {
      const done = await install();
      expect(done).toMatchObject({ outcome: 'installed', task: 'worker-1', pid: 4711 });
      const [task] = windows.world().tasks;
      expect(task).toMatchObject({
        TaskPath: '\\watari\\',
        Principal: { UserId: 'watari', LogonType: 'Password', RunLevel: 'Highest' },
        Settings: {
          Enabled: true,
          MultipleInstances: 'IgnoreNew',
          ExecutionTimeLimit: 'PT0S',
          DisallowStartIfOnBatteries: false,
          StopIfGoingOnBatteries: false,
          StopOnIdleEnd: false,
          RestartCount: 255,
          RestartInterval: 'PT1M',
          Priority: 4,
        },
      });
      expect(task?.Triggers).toMatchObject([
        { Kind: 'Startup' },
        { Kind: 'Once', Interval: 'PT5M' },
      ]);
      const register = windows.calls().find((call) => call.cmdlet === 'Register-ScheduledTask');
      expect(register?.bound).toMatchObject({ User: 'HV1\\watari', RunLevel: 'Highest' });
      expect(register?.bound['Force']).toBeUndefined();
      expect(running()).toEqual(['worker-1']);
    });

    it('registers a command line whose spaces, quotes and Japanese arrive', async () => {
      await install({ allow: 'moves,nodes' });
      const action = windows.world().tasks[0]?.Actions[0];
      expect(action?.Execute).toBe('C:\\Program Files\\nodejs\\node.exe');
      expect(splitArguments(action?.Arguments ?? '')).toEqual([
        'C:\\Program Files\\渡り 0.1.0\\dist\\client\\main.js',
        ...['worker', 'start', '--cluster', 'hv-lab', '--node', 'HV1', '--allow', 'moves,nodes'],
        ...['--settings', at('home', 'worker.env')],
        ...['--log-folder', at('home', 'ログ フォルダー')],
        ...['--stop-file', at('home', 'worker-1.stop')],
      ]);
    });

    it('does nothing and asks for nothing when it is there like that and runs', async () => {
      await install();
      const before = acts().length;
      const again = await install();
      expect(again).toMatchObject({ outcome: 'unchanged', task: 'worker-1', pid: 4711 });
      expect(asked).toBe(1);
      expect(acts().length).toBe(before);
    });

    it('tries the program before it asks for a password and before Windows is told anything', async () => {
      const broken = new ClientError({ code: 'VisualCppMissing', message: '', exitCode: 1 });
      const tryProgram = (): Promise<never> => Promise.reject(broken);
      expect(await failure(install({}, { tryProgram }))).toBe(broken);
      expect(asked).toBe(0);
      expect(acts()).toEqual([]);
    });

    it('says what differs, lets the old worker finish, and leaves one task', async () => {
      await install();
      const done = await install({ version: '0.2.0', allow: 'moves', account: 'Watari' });
      expect(done).toMatchObject({ outcome: 'replaced', task: 'worker-2', pid: 4712 });
      expect(done.differences).toEqual([
        { what: 'version', from: '0.1.0', to: '0.2.0' },
        { what: 'allow', from: '(none)', to: 'moves' },
      ]);
      expect(said.join('\n')).toContain('  version: 0.1.0 -> 0.2.0');
      expect(names()).toEqual(['worker-2']);
      expect(running()).toEqual(['worker-2']);
      expect(acts()).not.toContain('Stop-ScheduledTask');
      // The new task is there before the old one is touched, and the old one until the new one runs.
      expect(acts().slice(3)).toEqual([
        'Register-ScheduledTask',
        'Enable-ScheduledTask',
        'Start-ScheduledTask',
        'Unregister-ScheduledTask',
      ]);
      expect(stopFiles()).toEqual([]);
    });

    it('registers anew when only the password has changed', async () => {
      await install();
      const done = await install({}, { newPassword: true });
      expect(done).toMatchObject({ outcome: 'replaced', task: 'worker-2', differences: [] });
    });

    it('ends a worker by force when it does not listen', async () => {
      await install();
      windows.change({ deaf: true });
      await install({ version: '0.2.0' });
      expect(acts()).toContain('Stop-ScheduledTask');
      expect(said.join('\n')).toContain('still runs after 30 s, so it is ended by force');
      expect(names()).toEqual(['worker-2']);
    });

    it('starts one that is there and has ended', async () => {
      await install();
      const [task] = windows.world().tasks;
      windows.change({ processes: [], tasks: [{ ...task!, State: 'Ready' }] });
      expect(await install()).toMatchObject({ outcome: 'replaced', task: 'worker-2' });
      expect(running()).toEqual(['worker-2']);
    });

    it('cleans up behind an installation that was interrupted', async () => {
      await install();
      windows.change({ broken: ['worker-2'] });
      const world = windows.world();
      const [first] = world.tasks;
      // A second task that is not enabled: its installer was killed.
      windows.change({
        tasks: [
          ...world.tasks,
          { ...first!, TaskName: 'worker-2', State: 'Disabled', Settings: { Enabled: false } },
        ],
      });
      expect((await readServiceStatus(tasks)).notes.join()).toContain('worker-2, worker-1');
      expect(await install()).toMatchObject({ outcome: 'replaced', task: 'worker-3' });
      expect(names()).toEqual(['worker-3']);
    });

    it('does not wait for Temporal: a worker that runs and does not serve yet is told', async () => {
      const prepareFolders = async (): Promise<void> =>
        say('Temporal at 10.0.0.5:7233 does not answer, trying again');
      const done = await install({}, { prepareFolders });
      expect(done).toMatchObject({ outcome: 'installed', serves: false, pid: 4711 });
      expect(done.lastLine).toContain('10.0.0.5:7233 does not answer');
      expect(await install({ version: '0.2.0' })).toMatchObject({ serves: true });
    });
  });

  describe('install refuses', () => {
    it('a wrong password, and changes nothing', async () => {
      const err = await failure(install({}, { askPassword: async () => 'wrong' }));
      expect(err).toMatchObject({ code: 'WrongPassword', exitCode: 1 });
      expect(err.message).toContain('(0x8007052E). Nothing was changed.');
      expect(names()).toEqual([]);
    });

    it('a wrong password, and the old worker goes on without a pause', async () => {
      await install();
      const err = await failure(
        install({ version: '0.2.0' }, { askPassword: async () => 'wrong' }),
      );
      expect(err.message).toContain('worker-1, is as it was');
      expect(names()).toEqual(['worker-1']);
      expect(windows.world().processes).toMatchObject([{ task: 'worker-1', pid: 4711 }]);
      expect(stopFiles()).toEqual([]);
    });

    it('a session without administrator rights, as Windows tells it', async () => {
      windows.change({ elevated: false });
      const err = await failure(install());
      expect(err).toMatchObject({ code: 'NotElevated', exitCode: 1 });
      expect(err.hint).toContain('Run as administrator');
      expect(names()).toEqual([]);
    });

    it.each([
      ['nobody', 'AccountMissing', 2],
      ['guest1', 'AccountNotAdministrator', 2],
      ['off', 'AccountDisabled', 2],
      ['nobatch', 'BatchLogonRefused', 1],
      ['nostore', 'PasswordStorageForbidden', 1],
      ['strange', 'TaskRefused', 1],
    ])('the account %s with %s', async (account, code, exitCode) => {
      const askPassword = async (): Promise<string> => 'No-1';
      expect(await failure(install({ account }, { askPassword }))).toMatchObject({
        code,
        exitCode,
      });
      expect(names()).toEqual([]);
    });

    it('an empty password before Windows is asked', async () => {
      const err = await failure(install({}, { askPassword: async () => '' }));
      expect(err.code).toBe('EmptyPassword');
      expect(acts()).toEqual([]);
    });

    it('a path that the Task Scheduler would change', async () => {
      const err = await failure(install({ logFolder: 'D:\\%TEMP%\\logs' }));
      expect(err.message).toContain('between two %');
      expect(names()).toEqual([]);
    });

    it('nothing for a group of administrators that cannot be read, but says so', async () => {
      windows.change({ groupUnreadable: true });
      expect(await install()).toMatchObject({ outcome: 'installed' });
      expect(said.join()).toContain('could not be read');
    });
  });

  describe('a new worker that does not run', () => {
    it('is taken back, and the old one runs as before', async () => {
      await install();
      windows.change({ broken: ['worker-2'] });
      const err = await failure(install({ version: '0.2.0' }));
      expect(err.code).toBe('WorkerNotRunning');
      expect(err.message).toContain('its options or settings are wrong');
      expect(err.message).toContain('worker-1, is as it was and was started again');
      expect(names()).toEqual(['worker-1']);
      expect(running()).toEqual(['worker-1']);
      expect(stopFiles()).toEqual([]);
      expect(windows.world().tasks[0]?.Settings.Enabled).toBe(true);
    });

    it('is taken back when there was none before', async () => {
      windows.change({ broken: ['worker-1'] });
      const err = await failure(install());
      expect(err.message).toContain('The new registration was taken back.');
      expect(names()).toEqual([]);
    });
  });

  describe('uninstall', () => {
    it('lets the worker finish and removes the task', async () => {
      await install();
      expect(await uninstallWorker(computer())).toEqual({
        removed: [{ task: 'worker-1', worker: 'ended' }],
      });
      expect(names()).toEqual([]);
      expect(running()).toEqual([]);
      expect(stopFiles()).toEqual([]);
    });

    it('has nothing to do where nothing is', async () => {
      expect(await uninstallWorker(computer())).toEqual({ removed: [] });
      expect(acts()).toEqual([]);
    });

    it('leaves tasks of others in our folder alone', async () => {
      await install();
      const world = windows.world();
      windows.change({ tasks: [...world.tasks, { ...world.tasks[0]!, TaskName: 'backup' }] });
      await uninstallWorker(computer());
      expect(names()).toEqual(['backup']);
    });
  });

  describe('status', () => {
    it('of nothing', async () => {
      const status = await readServiceStatus(tasks);
      expect(status).toMatchObject({ registered: false, running: false, task: null });
      expect(statusLines(status)[0]).toBe('No worker is installed on this computer.');
    });

    it('of a worker that runs: who, what, since when, and its last lines', async () => {
      await install();
      const file = path.join(wanted().logFolder, 'worker-20261124-090001.log');
      const status = await readServiceStatus(tasks);
      expect(status).toMatchObject({ registered: true, running: true, pid: 4711 });
      expect(status.task).toMatchObject({
        account: 'watari',
        version: '0.1.0',
        cluster: 'hv-lab',
        node: 'HV1',
        lastResultMeans: 'it runs now',
      });
      expect(status.log).toMatchObject({
        file,
        lines: [expect.stringContaining('serves') as string],
      });
      const text = statusLines(status).join('\n');
      expect(text).toContain('The worker of HV1 for cluster hv-lab runs, process 4711 since 2026-');
      expect(text).toContain('"C:\\Program Files\\nodejs\\node.exe"');
    });

    it('of a worker that has failed, in words', async () => {
      await install();
      windows.change({ broken: ['worker-1'], processes: [] });
      await tasks.start('worker-1');
      const status = await readServiceStatus(tasks);
      expect(status).toMatchObject({ registered: true, running: false, pid: null });
      expect(statusLines(status)[0]).toBe(
        'The worker of HV1 for cluster hv-lab does not run: its options or settings are wrong, or it was refused; its log says why (0x00000002)',
      );
    });

    it('of a disabled task', async () => {
      await install();
      const [task] = windows.world().tasks;
      windows.change({
        processes: [],
        tasks: [{ ...task!, State: 'Disabled', Settings: { ...task!.Settings, Enabled: false } }],
      });
      expect((await readServiceStatus(tasks)).notes.join()).toContain('does not start at boot');
    });
  });

  it('gives the password to one parameter of one cmdlet and to nothing else', async () => {
    const watched = watchProcesses(PASSWORD);
    const done = await install();
    const list = await watched.stop();
    const calls = windows.calls().flatMap(({ cmdlet, bound }) =>
      Object.entries(bound).map(([parameter, value]) => ({
        at: `${cmdlet} -${parameter}`,
        value,
      })),
    );
    const holders = calls.filter((one) =>
      JSON.stringify(one.value).includes(JSON.stringify(PASSWORD).slice(1, -1)),
    );
    expect(holders.map((one) => one.at)).toEqual(['Register-ScheduledTask -Password']);
    for (const text of [
      ...said,
      ...logged,
      JSON.stringify(done),
      JSON.stringify(windows.world().tasks),
    ]) {
      expect(spellings(PASSWORD).filter((one) => text.includes(one))).toEqual([]);
    }
    const files = fs.readdirSync(at('home'), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((one) => fs.statSync(at('home', one)).isFile())) {
      expect(fs.readFileSync(at('home', file), 'utf8')).not.toContain(PASSWORD);
    }
    expect(list.seen).toBeGreaterThan(0);
    expect(list.found).toEqual([]);
  });
});

describe('the module of the worker, looked at by PowerShell', needs(POWERSHELL), () => {
  /** Beside its own functions and those of the module that it shares a protocol with. */
  const COMMANDS = new Set([
    ...['Export-ModuleMember', 'Get-Module', 'Join-Path', 'Split-Path', 'Where-Object'],
    ...['ConvertTo-HResult', 'ConvertTo-IsoTime', 'New-ModuleError'],
  ]);
  /** Each exists in the .NET Framework of Windows PowerShell 5.1. */
  const MEMBERS = new Set([
    ...['[Environment]::GetEnvironmentVariable', '[Environment]::SetEnvironmentVariable'],
    ...['[Environment]::MachineName', '[Environment]::UserName'],
    ...['[System.Convert]::FromBase64String', '[System.Text.Encoding]::UTF8'],
    '[System.Security.Cryptography.Aes]::Create',
    '[System.Security.Principal.WindowsIdentity]::GetCurrent',
    '[System.Security.Principal.WindowsPrincipal]::new',
    '[System.Security.Principal.WindowsBuiltInRole]::Administrator',
    '[System.Management.Automation.ErrorCategory]::ObjectNotFound',
    ...['[datetime]::Now', '[timespan]::FromMinutes', '[timespan]::Zero'],
  ]);

  it('is for 5.1, names modules, calls what it may, and can bind every call', () => {
    const script = path.join(ROOT, 'tests', 'support', 'static.ps1');
    const policy = process.platform === 'win32' ? ['-ExecutionPolicy', 'Bypass'] : [];
    const args = ['-NoLogo', '-NoProfile', '-NonInteractive', ...policy, '-File', script];
    const env = powerShellEnvironment({
      CHECK_FOLDER: path.join(ROOT, 'hyperv', 'service'),
      CHECK_STANDINS: STAND_INS,
      PSModulePath: standInPath(STAND_INS),
    });
    const done = spawnSync(engine(), args, { encoding: 'utf8', windowsHide: true, env });
    const line = done.stdout.split('\n').find((text) => text.startsWith('{'));
    if (line === undefined) throw new Error(`${done.stdout}${done.stderr}`);
    const seen = z
      .object({
        ...{ parseErrors: z.unknown(), foreign: z.unknown(), newer: z.unknown() },
        ...{ unqualified: z.unknown(), unbound: z.unknown(), bound: z.int() },
        ...{ commands: z.array(z.string()), members: z.array(z.string()) },
        functions: z.array(z.object({ name: z.string(), synopsis: z.string() })),
      })
      .parse(JSON.parse(line));
    const nothing = { parseErrors: [], foreign: [], newer: [], unqualified: [], unbound: [] };
    expect(seen).toMatchObject(nothing);
    expect(seen.bound).toBeGreaterThan(12);
    const own = new Set(seen.functions.map((one) => one.name));
    const windowsOnly = /^(ScheduledTasks|Microsoft\.PowerShell\.LocalAccounts|CimCmdlets)\\/;
    const others = seen.commands.filter((name) => !own.has(name) && !windowsOnly.test(name));
    expect(others.filter((name) => !COMMANDS.has(name))).toEqual([]);
    expect(seen.members.filter((name) => !MEMBERS.has(name))).toEqual([]);
    const silent = seen.functions.filter((one) => /-Watari/.test(one.name) && one.synopsis === '');
    expect(silent).toEqual([]);
  });
});

/** As it is, as base64 of the bytes of UTF-8 and UTF-16, wherever it begins in a larger text. */
function spellings(secret: string): string[] {
  const shifted = (encoding: 'utf8' | 'utf16le'): string[] =>
    [0, 1, 2].map((shift) => {
      const padded = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret, encoding)]);
      // What its neighbours cannot change.
      return padded.toString('base64').slice(shift === 0 ? 0 : 4, -4);
    });
  return [secret, ...shifted('utf8'), ...shifted('utf16le')];
}

/** Looks at command lines and environments of all processes while something happens; empty where there is no /proc. */
function watchProcesses(secret: string): { stop(): Promise<{ seen: number; found: string[] }> } {
  const words = spellings(secret);
  const found = new Set<string>();
  let seen = 0;
  const look = (): void => {
    const pids = fs.existsSync('/proc')
      ? fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n))
      : [];
    for (const pid of pids) {
      for (const part of ['cmdline', 'environ']) {
        try {
          const text = fs.readFileSync(`/proc/${pid}/${part}`, 'utf8');
          seen += 1;
          if (words.some((word) => text.includes(word))) found.add(`${pid} ${part}`);
        } catch {
          // It has ended, or is somebody else's.
        }
      }
    }
    if (pids.length === 0) seen = 1;
  };
  const timer = setInterval(look, 20);
  return {
    stop: async () => {
      look();
      clearInterval(timer);
      return { seen, found: [...found] };
    },
  };
}
