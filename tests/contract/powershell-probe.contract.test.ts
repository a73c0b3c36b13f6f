// watari's own PowerShell module Watari.Probe as it is, not the lab's stand-in for it: real sockets on the loopback
// interface, machines that stay silent, and a secedit.exe of this test.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { standInPath } from '../../lab/powershell/stand-ins.ts';
import { engine, MODULE_FOLDER } from '../support/engine.ts';
import { freshModules } from '../support/stand-ins.ts';
import { sleep, waitFor } from '../../proof/rig/waiting.ts';
import { killAll, start, startNode } from '../support/processes.ts';
import { needs, POSIX, POWERSHELL } from '../support/needs.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';

/** Listens, takes one connection or two into its queue and never looks at them: the next ones hear nothing at all. */
const SILENT = `
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stdout.write(String(server.address().port) + '\\n');
  process.kill(process.pid, 'SIGSTOP');
});`;

interface Reach {
  Name: string;
  Addresses: string[];
  Ports: { Port: number; Open: boolean }[];
}

describe('the module that looks at other machines', needs(POWERSHELL), () => {
  const ends = endsWithAll();
  let folder = '';
  beforeAll(() => {
    folder = temporaryFolder('watari-probe-', ends);
  });
  const sockets: (net.Server | net.Socket)[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0))
      if (socket instanceof net.Server) socket.close();
      else socket.destroy();
    await killAll();
  });

  /** What the script wrote, each value a line of JSON. */
  async function run(script: string, env: Record<string, string> = {}): Promise<unknown[]> {
    const file = path.join(folder, 'script.ps1');
    fs.writeFileSync(
      file,
      `$ErrorActionPreference = 'Stop'
       function Out-Test($Value) { [Console]::Out.WriteLine((ConvertTo-Json -InputObject $Value -Compress -Depth 6)) }
       ${script}`,
    );
    const policy = process.platform === 'win32' ? ['-ExecutionPolicy', 'Bypass'] : [];
    const running = start(
      engine(),
      ['-NoLogo', '-NoProfile', '-NonInteractive', ...policy, '-File', file],
      // Each PowerShell knows where its own modules are; that of another one would mislead it.
      { env: { PSModulePath: undefined, MODULES: MODULE_FOLDER, ...env } },
    );
    expect(await running.ended, running.stderr()).toBe(0);
    return running
      .stdout()
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as unknown);
  }

  const PROBE = `Import-Module (Join-Path $env:MODULES 'Watari.Probe.psd1')\n`;
  const listen = (host: string): Promise<number> =>
    new Promise((resolve) => {
      const server = net.createServer((socket) => socket.destroy());
      sockets.push(server);
      server.listen({ port: 0, host }, () => {
        resolve((server.address() as net.AddressInfo).port);
      });
    });
  const closedPort = async (): Promise<number> => {
    const port = await listen('127.0.0.1');
    const server = sockets.pop() as net.Server;
    await new Promise((resolve) => server.close(resolve));
    return port;
  };

  it('tells open ports from closed ones, and names from names that nobody knows', async () => {
    const open = await listen('127.0.0.1');
    const closed = await closedPort();
    const hopeless = ['no-such-host.invalid', 'not a name!', 'x'.repeat(300)];
    const names = ['127.0.0.1', 'localhost', ...hopeless].map((name) => `'${name}'`).join(', ');
    const [found] = (await run(
      `${PROBE} Out-Test @(Test-Reach -Name ${names} -Port ${closed}, ${open} -TimeoutMs 5000)`,
    )) as [Reach[]];
    const ports = (isOpen: boolean) => [
      { Port: closed, Open: false },
      { Port: open, Open: isOpen },
    ];
    expect(found.slice(0, 2)).toEqual([
      { Name: '127.0.0.1', Addresses: ['127.0.0.1'], Ports: ports(true) },
      {
        Name: 'localhost',
        Addresses: expect.arrayContaining(['127.0.0.1']) as string[],
        Ports: ports(true),
      },
    ]);
    expect(found.slice(2)).toEqual(
      hopeless.map((name) => ({ Name: name, Addresses: [], Ports: ports(false) })),
    );
  });

  it(
    'waits for silent ports all at once, and no longer than it was told',
    needs(POSIX),
    async () => {
      const open = await listen('127.0.0.1');
      const silent = startNode(['-e', SILENT]);
      await waitFor('a port that stays silent', () => silent.stdout().includes('\n'));
      const port = Number(silent.stdout());
      for (let i = 0; i < 3; i += 1)
        sockets.push(net.connect(port, '127.0.0.1').on('error', () => undefined));
      await sleep(100);
      const [found, ms] = (await run(
        `${PROBE}
         $watch = [Diagnostics.Stopwatch]::StartNew()
         Out-Test @(Test-Reach -Name (@('127.0.0.1') * 20) -Port ${port}, ${open} -TimeoutMs 1500)
         Out-Test ([int]$watch.ElapsedMilliseconds)`,
      )) as [Reach[], number];
      expect(found).toHaveLength(20);
      for (const one of found)
        expect(one.Ports).toEqual([
          { Port: port, Open: false },
          { Port: open, Open: true },
        ]);
      // Or the port was not silent; 20 silent ports one after another would be 30 seconds.
      expect(ms).toBeGreaterThan(1400);
      expect(ms).toBeLessThan(4000);
    },
  );

  it('is found beside the module that needs it, without any stand-in', async () => {
    const [facts] = await run(
      `Import-Module (Join-Path $env:MODULES 'Watari.HyperV.psd1') -DisableNameChecking
       Out-Test @(Get-WatariPeer -Name no-such-host.invalid -Port 22)`,
    );
    expect(facts).toEqual([
      {
        node: 'no-such-host.invalid',
        addresses: [],
        ports: [{ port: 22, open: false }],
        signIn: {
          ok: false,
          hresult: '0x80338126',
          message: expect.stringContaining('no-such-host.invalid') as string,
        },
        clockAheadSeconds: null,
      },
    ]);
  });

  it('is declared as its stand-in is, which stays where it was loaded first', async () => {
    const modules = freshModules();
    try {
      const declared = `
        foreach ($command in Get-Command -Module Watari.Probe | Sort-Object Name) {
          Out-Test @($command.Name, @($command.ParameterSets[0].Parameters | Where-Object { $_.Position -lt 0 -and $_.IsMandatory } |
            ForEach-Object { $_.Name + ' ' + $_.ParameterType.Name } | Sort-Object))
        }`;
      const real = await run(PROBE + declared);
      const standIn = await run(
        `Import-Module (Join-Path $env:STANDINS 'Watari.Probe/Watari.Probe.psd1')
         Import-Module (Join-Path $env:MODULES 'Watari.HyperV.psd1') -DisableNameChecking
         ${declared}
         Out-Test @(& (Get-Module Watari.HyperV) { (Get-Command Watari.Probe\\Test-Reach).Module.ModuleBase })`,
        {
          STANDINS: modules,
          PSModulePath: standInPath(modules),
          LAB_URL: 'http://127.0.0.1:9',
          LAB_NODE: 'HV1',
        },
      );
      expect(real).toHaveLength(10);
      expect(standIn.slice(0, -1)).toEqual(real);
      const [base = ''] = standIn.at(-1) as string[];
      expect(base.endsWith(path.join(path.basename(modules), 'Watari.Probe'))).toBe(true);
    } finally {
      fs.rmSync(modules, { recursive: true, force: true });
    }
  });

  describe('and asks secedit.exe', needs(POSIX), () => {
    const EXPORT = [
      '[Unicode]',
      'Unicode=yes',
      '[System Access]',
      'LockoutBadCount = 10',
      'ResetLockoutCount = 15',
      '[Privilege Rights]',
      'SeNetworkLogonRight = *S-1-1-0,*S-1-5-32-544',
      'SeServiceLogonRight = *S-1-5-80-0,*S-1-5-83-0,支店\\バックアップ',
      'SeDenyServiceLogonRight =',
      '',
    ].join('\r\n');

    /** A Windows folder whose secedit.exe does this. */
    function windowsWith(script: string): Record<string, string> {
      const root = fs.mkdtempSync(path.join(folder, 'it is a windows-'));
      const system = path.join(root, 'System32');
      const temporary = path.join(root, 'temp folder');
      fs.mkdirSync(system);
      fs.mkdirSync(temporary);
      fs.writeFileSync(path.join(root, 'export.inf'), `\ufeff${EXPORT}`, 'utf16le');
      fs.writeFileSync(path.join(system, 'secedit.exe'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      return { SystemRoot: root, TMPDIR: temporary };
    }
    const ASK = `${PROBE}
      try { Out-Test @(Read-SecurityPolicy -Name SeServiceLogonRight, SeDenyServiceLogonRight, LockoutBadCount, LockoutDuration) }
      catch { Out-Test "$_" }`;

    it('reads who has a right and when accounts are locked, and leaves no file behind', async () => {
      const windows = windowsWith(
        'for last; do :; done; echo "noise"; cp "$SystemRoot/export.inf" "$last"; echo "$@" > "$SystemRoot/asked"',
      );
      const [rights] = await run(ASK, windows);
      expect(rights).toEqual([
        { Name: 'SeServiceLogonRight', Values: ['S-1-5-80-0', 'S-1-5-83-0', '支店\\バックアップ'] },
        { Name: 'SeDenyServiceLogonRight', Values: [] },
        { Name: 'LockoutBadCount', Values: ['10'] },
        { Name: 'LockoutDuration', Values: [] },
      ]);
      const asked = fs.readFileSync(path.join(windows.SystemRoot ?? '', 'asked'), 'utf8');
      expect(asked).toMatch(
        /^\/export \/areas SECURITYPOLICY USER_RIGHTS \/quiet \/cfg .+\.inf\n$/,
      );
      expect(fs.readdirSync(windows.TMPDIR ?? '').filter((name) => name.endsWith('.inf'))).toEqual(
        [],
      );
    });

    it('says so when it may not', async () => {
      expect(await run(ASK, windowsWith('exit 5'))).toEqual(['secedit.exe failed with code 5.']);
    });
  });
});
