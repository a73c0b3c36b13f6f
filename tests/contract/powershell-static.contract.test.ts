// Checks of the PowerShell module that need no run: what Windows PowerShell 5.1 lacks, which commands and .NET members
// it may use, and whether every call of a Windows cmdlet can be bound as the documentation says.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { powerShellEnvironment } from '../../config/powershell-environment.ts';
import { ACT_OPS, READ_OPS } from '../../hyperv/host.ts';
import { CMDLETS } from '../../lab/powershell/door.ts';
import { generateModules } from '../../lab/powershell/generate.ts';
import { seenOfStandIns, type Seen } from '../../lab/powershell/shown.ts';
import { standInPath } from '../../lab/powershell/stand-ins.ts';
import { ROOT } from '../support/built-setup.ts';
import { engine, MODULE_FOLDER } from '../support/engine.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { propertiesOf } from '../support/evidence.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';
import { unboundBecause } from '../support/parameter-sets.ts';
import { powerShellBlocks } from '../support/script-calls.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

const found = z.object({
  parseErrors: z.array(z.string()),
  foreign: z.array(z.string()),
  newer: z.array(z.string()),
  commands: z.array(z.string()),
  members: z.array(z.string()),
  unqualified: z.array(z.string()),
  unbound: z.array(z.string()),
  bound: z.int(),
  /** `vm.ps1:3 Get-VM Name`, `node.ps1:4 Get-CimInstance Win32_Service State`. */
  reads: z.array(z.string()),
  /** Of cmdlets that a module's name stands before, and of those that the lab stands in for. */
  calls: z.array(
    z.object({
      at: z.string(),
      cmdlet: z.string(),
      given: z.array(z.string()),
      perhaps: z.array(z.string()),
      piped: z.boolean(),
    }),
  ),
  functions: z.array(
    z.object({
      name: z.string(),
      synopsis: z.string(),
      examples: z.int(),
      undocumented: z.array(z.string()),
      advanced: z.boolean(),
    }),
  ),
});
type Found = z.output<typeof found>;

/** What the module may call beside its own functions and the cmdlets of Windows. Restart-Computer is not among it. */
const COMMANDS = [
  'ConvertFrom-Json',
  'ConvertTo-Json',
  'Export-ModuleMember',
  'ForEach-Object',
  'Get-Module',
  'Import-Module',
  'Join-Path',
  'Microsoft.PowerShell.LocalAccounts\\Get-LocalUser',
  'Microsoft.PowerShell.Management\\Test-Path',
  'Microsoft.PowerShell.Utility\\New-Object',
  'Microsoft.PowerShell.Utility\\Start-Sleep',
  'Storage\\Disable-StorageMaintenanceMode',
  'Storage\\Enable-StorageMaintenanceMode',
  'Storage\\Get-StorageFaultDomain',
  'ScheduledTasks\\Get-ScheduledTask',
  'ScheduledTasks\\New-ScheduledTaskAction',
  'ScheduledTasks\\New-ScheduledTaskPrincipal',
  'ScheduledTasks\\New-ScheduledTaskSettingsSet',
  'ScheduledTasks\\Register-ScheduledTask',
  'ScheduledTasks\\Start-ScheduledTask',
  'Select-Object',
  'Set-StrictMode',
  'Sort-Object',
  'Where-Object',
  'Write-Warning',
];

/** Each exists in the .NET Framework of Windows PowerShell 5.1. */
const MEMBERS = [
  '[Console]::Out',
  '[Environment]::Is64BitProcess',
  '[Environment]::MachineName',
  '[Environment]::OSVersion',
  '[Environment]::UserName',
  '[Math]::Abs',
  '[Math]::Floor',
  '[Math]::Max',
  '[Math]::Round',
  '[Microsoft.Win32.Registry]::GetValue',
  '[Microsoft.Win32.Registry]::SetValue',
  '[System.BitConverter]::ToUInt32',
  '[System.Collections.ArrayList]::new',
  '[System.Convert]::FromBase64String',
  '[System.Convert]::ToBase64String',
  '[System.Convert]::ToString',
  '[System.Diagnostics.ProcessStartInfo]::new',
  '[System.Diagnostics.Process]::Start',
  '[System.Diagnostics.Stopwatch]::StartNew',
  '[System.Globalization.CultureInfo]::CurrentUICulture',
  '[System.Globalization.CultureInfo]::InvariantCulture',
  '[System.IO.File]::Delete',
  '[System.IO.File]::Exists',
  '[System.IO.File]::ReadAllText',
  '[System.IO.File]::WriteAllText',
  '[System.IO.Path]::GetTempPath',
  '[System.InvalidOperationException]::new',
  '[System.Management.Automation.ErrorRecord]::new',
  '[System.Management.Automation.WildcardPattern]::Escape',
  '[System.Net.Dns]::GetHostAddressesAsync',
  '[System.Net.Sockets.TcpClient]::new',
  '[System.Text.Encoding]::UTF8',
  '[System.Threading.Mutex]::new',
  '[System.Threading.Tasks.Task]::WaitAll',
  '[System.Threading.ThreadPool]::GetMinThreads',
  '[System.Threading.ThreadPool]::SetMinThreads',
  '[guid]::TryParse',
  '[timespan]::Zero',
  '[datetime]::UtcNow',
  '[guid]::Empty',
  '[guid]::NewGuid',
  '[regex]::Escape',
  '[regex]::Matches',
  '[regex]::Replace',
];

/** Each a mistake that must be found. */
const BAD = [
  '$null = Hyper-V\\Get-VM -Nmae x',
  'Get-ClusterNode',
  'Restart-Computer',
  '[Random]::Shared',
  "'\u65e5'",
  'if ($IsWindows) { 1 }',
  'Hyper-V\\Get-VMSecurity -VMName x | ForEach-Object { $_.VMId }',
  'Hyper-V\\Get-VMSecurity',
  '$null | CimCmdlets\\Get-CimInstance -ClassName x',
  'function New-One { $make = @{ Name = 1 }; $make.Mood = 2; Hyper-V\\New-VM @make }',
  'ScheduledTasks\\Start-ScheduledTask -TaskName x -InputObject $null',
  'Storage\\Get-StorageFaultDomain -Type StorageScaleUnit | ForEach-Object { $_.Colour }',
];

/** Qualified lest somebody's function be taken for it; in no list of ours. */
const OF_POWERSHELL = ['New-Object', 'Start-Sleep'];

const WINDOWS =
  /^(Hyper-V|FailoverClusters|ServerManager|CimCmdlets|SmbShare|Microsoft\.PowerShell\.Diagnostics|Watari\.Probe)\\/;

describe('the PowerShell module, looked at by PowerShell', needs(POWERSHELL), () => {
  const ends = endsWithAll();
  let standIns: string;
  let module: Found;
  /** Of the documents' blocks, and of mistakes that must be found. */
  let others: Found;

  function check(folder: string): Found {
    const script = path.join(ROOT, 'tests', 'support', 'static.ps1');
    const policy = process.platform === 'win32' ? ['-ExecutionPolicy', 'Bypass'] : [];
    const done = spawnSync(
      engine(),
      ['-NoLogo', '-NoProfile', '-NonInteractive', ...policy, '-File', script],
      {
        encoding: 'utf8',
        windowsHide: true,
        // Nothing is called, so nothing has to listen.
        env: powerShellEnvironment({
          CHECK_FOLDER: folder,
          CHECK_STANDINS: standIns,
          PSModulePath: standInPath(standIns),
          LAB_URL: 'http://127.0.0.1:9',
          LAB_NODE: 'HV1',
        }),
      },
    );
    const line = done.stdout.split('\n').find((text) => text.startsWith('{'));
    if (line === undefined) throw new Error(`${done.stdout}${done.stderr}`);
    return found.parse(JSON.parse(line));
  }

  beforeAll(() => {
    standIns = temporaryFolder('watari-static-', ends);
    generateModules(standIns);
    module = check(MODULE_FOLDER);
    others = check(writeOthers(temporaryFolder('watari-others-', ends)));
  });

  /** In one folder, since a look at one takes seconds. */
  function writeOthers(folder: string): string {
    const put = (name: string, text: string) => fs.writeFileSync(path.join(folder, name), text);
    put('bad.ps1', BAD.join('\n'));
    put('new.ps1', '$a = $b ?? 1');
    for (const file of projectFiles('docs').filter((name) => name.endsWith('.md')))
      powerShellBlocks(readProjectFile(file)).forEach((text, i) =>
        put(`${path.basename(file)}-${i}.ps1`, text),
      );
    return folder;
  }
  const inDocs = (found: readonly string[]) => found.filter((one) => /\.md-\d+\.ps1:/.test(one));

  it('finds nothing in the documents that Windows PowerShell 5.1 could not take', () => {
    expect(inDocs(others.parseErrors)).toEqual([]);
    expect(inDocs(others.newer)).toEqual([]);
    expect(inDocs(others.unbound)).toEqual([]);
    expect(inDocs(others.calls.map(({ at }) => `${at}:`)).length).toBeGreaterThan(30);
  });

  it('parses, is ASCII and uses nothing that Windows PowerShell 5.1 lacks', () => {
    expect(module.parseErrors).toEqual([]);
    expect(module.foreign).toEqual([]);
    expect(module.newer).toEqual([]);
  });

  it('calls its own functions, the cmdlets of Windows by module, and few others', () => {
    const own = new Set(module.functions.map((one) => one.name));
    const others = module.commands.filter((name) => !own.has(name) && !WINDOWS.test(name));
    expect(others.filter((name) => !COMMANDS.includes(name))).toEqual([]);
    expect(module.unqualified).toEqual([]);
  });

  it('uses .NET members that 5.1 has', () => {
    expect(module.members.filter((name) => !MEMBERS.includes(name))).toEqual([]);
  });

  it('binds every call of a cmdlet as the documentation has it', () => {
    expect(module.unbound).toEqual([]);
    // Or nothing was looked at.
    expect(module.bound).toBeGreaterThan(50);
  });

  const shownBy = (seen: Seen, type: string): Map<string, string> =>
    new Map([...(seen.get(type) ?? [])].map(([name, of]) => [name.toLowerCase(), of]));

  /** Of what a piece of script reads, what the objects of Windows do not have. */
  async function strangers(reads: readonly string[]): Promise<string[]> {
    const cmdlets = Object.keys(CMDLETS).filter((name) => /^Get-(?!Cim)/.test(name));
    const { seen, given } = await seenOfStandIns(cmdlets);
    return reads.filter((read) => {
      const [, source = '', property = ''] = /^\S+ (.+) (\w+)$/.exec(read) ?? [];
      // Facts of our own begin in lower case, properties of Windows do not.
      if (/^(Count$|Length$|[a-z])/.test(property)) return false;
      const types = [...(given.get(source.toLowerCase()) ?? [])];
      // Where evidence knows nothing, what is assumed counts: the stand-in shows it.
      const known = types.flatMap((type) => propertiesOf(type) ?? shownBy(seen, type));
      return known.length > 0 && !known.some((names) => names.has(property.toLowerCase()));
    });
  }

  it('reads no property that the objects of Windows lack', async () => {
    expect(module.reads.length).toBeGreaterThan(60);
    expect(await strangers(module.reads)).toEqual([]);
  });

  /** A call that could not be made as it is written, with the reason. */
  const unmakeable = (calls: Found['calls']): string[] =>
    calls.flatMap((call) => {
      const because = unboundBecause(call);
      return because === null ? [] : [`${call.at} ${because}`];
    });

  it('binds every call to one set of the parameters that the cmdlet has', () => {
    const own = module.calls.filter(({ cmdlet }) => !OF_POWERSHELL.includes(cmdlet));
    expect(own.length).toBeGreaterThan(100);
    expect(unmakeable(own)).toEqual([]);
  });

  it('has help with an example for every function that people call', () => {
    const published = module.functions.filter((one) => one.name.includes('-Watari'));
    const poor = published.filter(
      (one) =>
        one.synopsis.trim() === '' ||
        one.examples === 0 ||
        one.undocumented.length > 0 ||
        !one.advanced,
    );
    expect(poor.map((one) => `${one.name} ${one.undocumented.join()}`)).toEqual([]);
    expect(published.length).toBeGreaterThan(READ_OPS.length + ACT_OPS.length);
  });

  const named = (file: string, pattern: RegExp): string[] =>
    [...fs.readFileSync(path.join(MODULE_FOLDER, file), 'utf8').matchAll(pattern)].flatMap(
      (match) => match[1] ?? [],
    );

  it('has a function for every operation of the port, and exports it', () => {
    const table = named('protocol.ps1', /^ {4}(\w+) += @\{ Function/gm);
    expect(table.sort()).toEqual([...READ_OPS, ...ACT_OPS, 'hello', 'contact'].sort());
    const functions = named('protocol.ps1', /Function = '([\w-]+)'/g);
    const exported = named('Watari.HyperV.psd1', /^ {8}'([\w-]+)'$/gm);
    expect(exported.toSorted()).toEqual([...functions, 'Invoke-WatariOperation'].toSorted());
    const defined = module.functions.map((one) => one.name);
    expect(exported.filter((name) => !defined.includes(name))).toEqual([]);
  });

  it('asks in the kit of the first contact only what reads', () => {
    const cmdlets = named('contact.ps1', /[\w.-]+\\([A-Z]\w+-\w+)/g);
    expect(cmdlets.length).toBeGreaterThan(20);
    expect(cmdlets.filter((name) => !name.startsWith('Get-'))).toEqual([]);
  });

  it('would find what it looks for', async () => {
    expect(others.unbound.join()).toContain('bad.ps1:1 Hyper-V\\Get-VM');
    expect(others.unqualified).toContain('Get-ClusterNode');
    expect(await strangers(others.reads.filter((one) => one.startsWith('bad')))).toEqual([
      'bad.ps1:7 Get-VMSecurity VMId',
      'bad.ps1:12 Get-StorageFaultDomain Colour',
    ]);
    expect(unmakeable(others.calls.filter(({ at }) => /bad.*:[2-9]|bad.*:\d\d/.test(at)))).toEqual([
      'bad.ps1:8 Get-VMSecurity lacks what it cannot do without',
      'bad.ps1:9 Get-CimInstance -ClassName takes nothing from the pipeline',
      'bad.ps1:10 New-VM has no -mood',
      'bad.ps1:11 Start-ScheduledTask takes -TaskName -InputObject not together',
    ]);
    expect(others.commands).toContain('Restart-Computer');
    expect(others.members).toContain('[Random]::Shared');
    expect(others.foreign.length).toBeGreaterThan(0);
    // 5.1 cannot even parse the last one.
    expect([...others.newer, ...others.parseErrors].some((p) => p.startsWith('new.ps1:1'))).toBe(
      true,
    );
    expect(others.newer.some((place) => place.includes('$IsWindows'))).toBe(true);
  });
});
