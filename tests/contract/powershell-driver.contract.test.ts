// The driver of PowerShell against cmdlets that hang, die, flood and mumble. Runs with any PowerShell, also with
// Windows PowerShell 5.1; it needs no Windows feature.
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  powershellHost,
  type PowerShellHost,
  type PowerShellHostOptions,
} from '../../hyperv/powershell/host.ts';
import { standInPath } from '../../lab/powershell/stand-ins.ts';
import { ROOT } from '../support/built-setup.ts';
import { engine, MODULE_FOLDER } from '../support/engine.ts';
import { errorOf } from './expecting.ts';
import { isAlive } from '../../proof/rig/processes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { needs, POSIX, POWERSHELL } from '../support/needs.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const STRANGE = path.join(ROOT, 'tests', 'support', 'strange');

const HOSTILE = [
  'x"; Remove-Item / -Recurse; "',
  '$(throw 1)',
  '`n`"`$env:PATH',
  "it's",
  'a\r\nb\tc',
  ' ',
  '日本語VM①髙﨑',
  '😀 surrogate',
  '𠮷野家 ｶﾅ〜～—',
  '‘typographic’ “quotes”',
  '2026-01-01T00:00:00Z',
  '/Date(0)/',
  '\\/Date(1)\\/',
  '<nonce:x>',
  '\u0000\u0001\u001b[31m',
  '\ufeffbom',
  'null',
  '-Verbose',
  '*[a]?',
];

describe('the driver of PowerShell', needs(POWERSHELL), () => {
  let folder: string;
  let file: string;
  let logged: string[];
  const ends = endsWithTest();

  beforeEach(() => {
    folder = temporaryFolder('watari-driver-', ends);
    file = path.join(folder, 'trace.txt');
    logged = [];
  });

  function host(options: Partial<PowerShellHostOptions> = {}): PowerShellHost {
    return ends(
      powershellHost({
        node: 'HV1',
        engine: engine(),
        moduleFolder: MODULE_FOLDER,
        poolSize: 1,
        loadFirst: [path.join(STRANGE, 'CimCmdlets', 'CimCmdlets.psm1')],
        log: (line) => logged.push(line),
        ...options,
        env: {
          PSModulePath: standInPath(STRANGE),
          STRANGE_NODE: process.execPath,
          STRANGE_FILE: file,
          ...options.env,
        },
      }),
    );
  }
  const ask = (one: PowerShellHost, ...names: string[]) => one.readServices({ names });

  it('brings strings of any kind there and back', async () => {
    const { facts } = await ask(host(), ...HOSTILE);
    expect(facts.map((service) => service.name)).toEqual(HOSTILE);
  });

  it('brings a million characters there and back', async () => {
    const names = Array.from({ length: 1000 }, (_, i) => `${i}'${'仮'.repeat(1000)}`);
    const { facts } = await ask(host(), ...names);
    expect(facts.map((service) => service.name)).toEqual(names);
  });

  it('says which cmdlets ran, as lines that can be pasted', async () => {
    const { cmdlets } = await ask(host(), 'vmms', 'ClusSvc');
    expect(cmdlets).toEqual([
      "Get-CimInstance -ClassName Win32_Service -Filter 'Name=''vmms'' OR Name=''ClusSvc'''",
    ]);
  });

  it('takes an answer out of 5 MB of other output', async () => {
    const { facts } = await ask(host(), 'flood');
    expect(facts).toEqual([{ name: 'flood', state: 'Running' }]);
  });

  it('hears warnings and other noise and is not disturbed by them', async () => {
    const { facts } = await ask(host(), 'noise');
    expect(facts).toEqual([{ name: 'noise', state: 'Running' }]);
    const said = logged.join('\n');
    for (const part of ['a warning', 'in detail', 'text for people', 'raw <output:', 'raw error'])
      expect(said).toContain(part);
  });

  it('tells an error that does not terminate, with its id', async () => {
    const info = await errorOf(ask(host(), 'error'));
    expect(info).toMatchObject({ op: 'readServices', node: 'HV1', outcome: 'refused' });
    expect(info.errorId).toMatch(/^StrangeError,/);
  });

  it.each(['exit-0', 'exit-3', 'crash', 'die'])(
    'calls the outcome of %s unknown, and goes on with another shell',
    async (name) => {
      const one = host();
      expect((await errorOf(ask(one, name))).outcome).toBe('unknown');
      expect((await ask(one, 'vmms')).facts[0]?.state).toBe('Running');
    },
  );

  it('ends a cmdlet that hangs with everything that it started', async () => {
    // The first call of a shell is a slow one on a busy machine, and it is not the one to end.
    const one = host({ timeouts: { readMs: 10_000 } });
    const info = await errorOf(ask(one, 'hang'));
    expect(info.outcome).toBe('unknown');
    const pids = fs.readFileSync(file, 'utf8').split(' ').map(Number);
    expect(pids.length).toBe(2);
    await waitFor('the shell and its child to be gone', () => pids.every((pid) => !isAlive(pid)));
    expect((await ask(one, 'vmms')).facts[0]?.state).toBe('Running');
  });

  const trace = (): string[] => fs.readFileSync(file, 'utf8').trim().split('\n');

  it('never gives one shell two calls at once', async () => {
    const one = host();
    await Promise.all([ask(one, 'sleep'), ask(one, 'sleep', 'vmms')]);
    expect(trace().map((line) => line.split(' ')[0])).toEqual(['start', 'end', 'start', 'end']);
  });

  it('runs two calls at once in two shells', async () => {
    const one = host({ poolSize: 2 });
    await Promise.all([ask(one, 'vmms'), ask(one, 'ClusSvc')]);
    await Promise.all([ask(one, 'sleep'), ask(one, 'sleep', 'vmms')]);
    expect(trace().map((line) => line.split(' ')[0])).toEqual(['start', 'start', 'end', 'end']);
    expect(new Set(trace().map((line) => line.split(' ')[1])).size).toBe(2);
  });

  it('asks once for those who want to know the same and still wait', async () => {
    const one = host();
    const first = ask(one, 'vmms');
    const same = [1, 2, 3].map(() => ask(one, 'sleep'));
    await Promise.all([first, ...same]);
    expect(trace().length).toBe(2);
  });

  it('gives a new answer to who asks when the read has begun', async () => {
    const one = host();
    const first = ask(one, 'sleep');
    await waitFor('the first read', () => fs.existsSync(file));
    await Promise.all([first, ask(one, 'sleep')]);
    expect(trace().length).toBe(4);
  });

  it('replaces a shell that has answered enough', async () => {
    const one = host({ callsMax: 2 });
    for (let i = 0; i < 4; i += 1) await ask(one, 'sleep');
    const pids = trace().map((line) => line.split(' ')[1]);
    expect(new Set(pids).size).toBe(2);
  });

  it('does not fail because a shell has died while nobody asked', async () => {
    const one = host();
    await ask(one, 'sleep');
    const pid = Number(trace()[0]?.split(' ')[1]);
    process.kill(pid, 'SIGKILL');
    await waitFor('the shell to be gone', () => !isAlive(pid));
    expect((await ask(one, 'vmms')).facts[0]?.state).toBe('Running');
  });

  it('ends its shells when it is closed, and what they do gets no answer', async () => {
    const one = host();
    const answer = errorOf(ask(one, 'sleep'));
    await waitFor('the read', () => fs.existsSync(file));
    await one.close();
    expect((await answer).outcome).toBe('unknown');
    expect(isAlive(Number(trace()[0]?.split(' ')[1]))).toBe(false);
    expect(await errorOf(ask(one, 'vmms'))).toMatchObject({ outcome: 'refused' });
  });

  const messageOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'it worked',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );

  it('names an executable that is not there, and Node lives on', async () => {
    const missing = path.join(folder, 'no-powershell.exe');
    const message = await messageOf(ask(host({ engine: missing }), 'vmms'));
    expect(message).toContain(missing);
    expect(message).toContain('ENOENT');
  });

  it('says that a program which is no PowerShell does not answer', async () => {
    const one = host({ engine: process.execPath, timeouts: { startMs: 10_000 } });
    const message = await messageOf(ask(one, 'vmms'));
    expect(message).toContain(process.execPath);
    expect(message).toContain('does not answer');
  });

  it('names a module that cannot be loaded', async () => {
    const message = await messageOf(ask(host({ moduleFolder: folder }), 'vmms'));
    expect(message).toContain(path.join(folder, 'Watari.HyperV.psd1'));
  });

  it('names a policy that refuses unsigned scripts', async () => {
    // What Import-Module throws under AllSigned; the policy itself exists on Windows only.
    const refused =
      "throw [System.Management.Automation.ErrorRecord]::new([System.Management.Automation.PSSecurityException]::new('デジタル署名されていません'), 'UnauthorizedAccess', 'SecurityError', $null)";
    fs.writeFileSync(path.join(folder, 'Watari.HyperV.psm1'), refused);
    const manifest = "@{ ModuleVersion = '0.0.1'; RootModule = 'Watari.HyperV.psm1' }";
    fs.writeFileSync(path.join(folder, 'Watari.HyperV.psd1'), manifest);
    const message = await messageOf(ask(host({ moduleFolder: folder }), 'vmms'));
    expect(message).toContain('execution policy');
    expect(message).toContain('Get-ExecutionPolicy -List');
  });

  it(
    'names Constrained Language, under which a shell cannot even say hello',
    needs(POSIX),
    async () => {
      // App Control exists on Windows only: this stands in for a PowerShell that it holds down.
      const heldDown = path.join(folder, 'powershell');
      const script =
        'case "$*" in *LanguageMode*) echo ConstrainedLanguage;; *) exec sleep 30;; esac';
      fs.writeFileSync(heldDown, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const one = host({ engine: heldDown, timeouts: { startMs: 2000 } });
      const message = await messageOf(ask(one, 'vmms'));
      expect(message).toContain('ConstrainedLanguage');
      expect(message).toContain('AppLocker');
    },
  );

  it('says so when a module of Windows is not installed', async () => {
    // The stand-in says that the cluster service runs; the cluster's module is nowhere.
    const info = await errorOf(host().readNodes({}));
    expect(info).toMatchObject({ outcome: 'refused', errorId: 'ModuleMissing' });
  });

  it('is not led astray by NODE_POWERSHELL', async () => {
    // Set for real: the library reads the environment itself.
    process.env['NODE_POWERSHELL'] = path.join(folder, 'other');
    try {
      expect((await ask(host(), 'vmms')).facts[0]?.state).toBe('Running');
    } finally {
      delete process.env['NODE_POWERSHELL'];
    }
  });
});
