// Decisions around a node's worker on Windows that need no PowerShell: names of accounts, what is asked for, what a
// session without rights sees, which folders are closed, what other systems are told.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { askPassword, localAccount, wantedWorker } from '../../client/commands/worker-service.ts';
import { ClientError } from '../../client/errors.ts';
import { runCli } from '../../client/program.ts';
import { lockFolder, type RunProgram } from '../../client/service/folders.ts';
import { installWorker } from '../../client/service/install.ts';
import { readServiceStatus, statusLines } from '../../client/service/status.ts';
import { uninstallWorker } from '../../client/service/uninstall.ts';
import type { WorkerTask, WorkerTasks } from '../../hyperv/service/worker-tasks.ts';
import { fakeClock, fakeContext, fakeTerminal } from '../support/client-fakes.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari service '));
afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});
const context = (platform: NodeJS.Platform = 'win32') => {
  const given = fakeContext({ cwd: folder, computer: 'HV1.branch.example' });
  return { ...given, places: { ...given.places, platform } };
};

const TASK: WorkerTask = {
  name: 'worker-1',
  state: 'Running',
  enabled: true,
  account: 'watari',
  logonType: 'Password',
  execute: 'C:\\node.exe',
  arguments:
    'C:\\w\\main.js worker start --cluster hv-lab --node HV1 --stop-file C:\\w\\worker-1.stop',
  workingDirectory: 'C:\\w',
  description: 'watari 0.1.0: serves',
  lastRun: '2026-11-24T08:00:00.000Z',
  lastResult: '0x00041301',
};

/** A session without administrator rights; every act would be a mistake. */
function withoutRights(tasks: WorkerTask[]): WorkerTasks {
  const never = (): Promise<never> => Promise.reject(new Error('nothing may be done'));
  return {
    session: async () => ({ elevated: false, user: 'ito', computer: 'HV1' }),
    account: never,
    tasks: async () => tasks,
    // Windows hides command lines of other accounts.
    processes: async () => [{ pid: 4711, commandLine: '', started: null }],
    ...{ register: never, enable: never, start: never, stop: never, unregister: never },
    close: async () => undefined,
  };
}

describe('a session without administrator rights', () => {
  const computer = { tasks: withoutRights([TASK]), clock: fakeClock(), say: () => undefined };

  it('is told so before a password is asked for', async () => {
    const request = {
      wanted: wantedWorker(context(), { cluster: 'hv-lab', account: 'watari' }, places()),
      newPassword: false,
      tryProgram: () => Promise.reject(new Error('must not be tried')),
      askPassword: () => Promise.reject(new Error('must not be asked')),
      prepareFolders: () => Promise.reject(new Error('must not be made')),
    };
    const err = await installWorker(computer, request).catch((e: unknown) => e);
    expect(err).toBeInstanceOf(ClientError);
    expect(err).toMatchObject({ code: 'NotElevated', exitCode: 1 });
    expect((err as ClientError).hint).toContain('"Run as administrator"');
  });

  it('removes nothing', async () => {
    await expect(uninstallWorker(computer)).rejects.toMatchObject({ code: 'NotElevated' });
  });

  it('sees that a worker runs by its task, and that it sees less', async () => {
    const status = await readServiceStatus(computer.tasks);
    expect(status).toMatchObject({ running: true, pid: null });
    expect(statusLines(status)[0]).toContain('runs, process not seen');
    expect(status.notes.join()).toContain('without administrator rights');
    const nothing = await readServiceStatus(withoutRights([]));
    expect(statusLines(nothing).join()).toContain('may be hidden');
  });
});

const places = () => ({
  home: path.join(folder, 'ProgramData', 'watari'),
  logFolder: null,
  systemRoot: 'C:\\Windows',
});

describe('the account of the worker', () => {
  it.each(['watari', '.\\watari', 'HV1\\watari', 'hv1\\watari'])('%s is a local one', (given) => {
    expect(localAccount(given, 'HV1')).toBe('watari');
  });

  it.each(['BRANCH\\watari', 'watari@branch.example', 'a*', '', '.\\'])('%j is none', (given) => {
    expect(() => localAccount(given, 'HV1')).toThrow('is not a local account of HV1');
  });
});

describe('the password', () => {
  const ctx = (canAsk: boolean) => ({
    ...context(),
    terminal: fakeTerminal({ canAsk, answer: 'typed' }),
  });

  it('is asked for without an echo, with the name of the account', async () => {
    const asking = ctx(true);
    expect(await askPassword(asking, 'watari', null)).toBe('typed');
    expect(asking.terminal.asked.join()).toMatch(/^Password of watari/);
    expect(asking.terminal.stderr.text() + asking.terminal.stdout.text()).toBe('');
  });

  it('may be one line of standard input, with spaces as they are', async () => {
    const input = Readable.from([' geheim 渡', 'り \r\nrest']);
    expect(await askPassword(ctx(false), 'watari', input)).toBe(' geheim 渡り ');
    expect(await askPassword(ctx(false), 'watari', Readable.from([]))).toBe('');
  });

  it('is not invented where nobody can be asked', async () => {
    await expect(askPassword(ctx(false), 'watari', null)).rejects.toMatchObject({
      code: 'PasswordNotGiven',
    });
  });
});

describe('what is asked for', () => {
  it('has a log folder and this computer’s first name without being told', () => {
    const wanted = wantedWorker(context(), { cluster: 'hv-lab', account: 'watari' }, places());
    expect(wanted).toMatchObject({
      node: 'HV1',
      computer: 'HV1',
      settings: null,
      logFolder: path.join(places().home, 'logs'),
      program: process.execPath,
    });
    expect(wanted.main).toMatch(/dist.client.main\.js$/);
  });

  it('takes the settings file that lies there, and checks it before anything is done', () => {
    const file = path.join(places().home, 'worker.env');
    fs.mkdirSync(places().home, { recursive: true });
    const ask = () => wantedWorker(context(), { cluster: 'hv-lab', account: 'watari' }, places());
    fs.writeFileSync(file, 'TEMPORAL_ADDRESS=10.0.0.5:7233\n');
    expect(ask().settings).toBe(file);
    fs.writeFileSync(file, 'TEMPORAL_ADDRESS=http://10.0.0.5\n');
    expect(ask).toThrow('is a URL, not host:port');
    fs.rmSync(file);
  });

  it('is a node that this computer is', () => {
    const ask = () => wantedWorker(context(), { cluster: 'hv-lab', node: 'HV2' }, places());
    expect(ask).toThrow('this computer is HV1, not HV2');
  });
});

describe('the folder of the worker', () => {
  const icacls = path.join('C:\\Windows', 'System32', 'icacls.exe');

  it('is taken from whoever made it, and open to administrators and the system alone', async () => {
    const home = path.join(folder, 'locked 渡り');
    const ran: string[] = [];
    const run: RunProgram = async (file, args) => {
      ran.push(`${file} ${args.join(' ')}`);
      return { code: 0, text: '' };
    };
    await lockFolder(home, 'C:\\Windows', run);
    expect(ran).toEqual([
      `${icacls} ${home} /setowner *S-1-5-32-544 /T /C /Q`,
      `${icacls} ${home} /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F /Q`,
    ]);
    fs.writeFileSync(path.join(home, 'worker.env'), '');
    await lockFolder(home, 'C:\\Windows', run);
    expect(ran.at(-1)).toBe(`${icacls} ${path.join(home, '*')} /reset /T /C /Q`);
  });

  it('is an error with the words of icacls when it cannot be closed', async () => {
    const run: RunProgram = async () => ({ code: 5, text: 'アクセスが拒否されました。' });
    await expect(lockFolder(path.join(folder, 'x'), 'C:\\Windows', run)).rejects.toMatchObject({
      code: 'FolderNotLocked',
      hint: 'It said: アクセスが拒否されました。',
    });
  });
});

describe('watari worker', () => {
  async function cli(platform: NodeJS.Platform, ...words: string[]) {
    const terminal = fakeTerminal();
    const given = { ...context(platform), terminal };
    const code = await runCli(words, { terminal, context: () => given, debug: false });
    return { code, out: terminal.stdout.text(), err: terminal.stderr.text() };
  }

  it.each(['install', 'uninstall', 'status'])(
    '%s is for Windows, and says what else there is',
    async (verb) => {
      for (const platform of ['linux', 'darwin'] as const) {
        const { code, out, err } = await cli(platform, 'worker', verb);
        expect([code, out]).toEqual([2, '']);
        expect(err).toContain(`this computer runs ${platform}`);
        expect(err).toContain('ExecStart=watari worker start');
        expect(err).toContain('launchd');
      }
      const { out } = await cli('linux', 'worker', verb, '--json');
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'WindowsOnly' } });
    },
  );

  it('install refuses words before it starts PowerShell', async () => {
    const wrong = await cli('win32', 'worker', 'install', '-c', 'hv-lab', '--allow', 'everything');
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.err).toContain('"everything" is no permission');
    expect((await cli('win32', 'worker', 'install')).err).toContain(
      'a worker must know its cluster',
    );
  });
});
