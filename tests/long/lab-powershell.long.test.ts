// The stand-ins of the Windows modules, run by a real engine: they are declared as the catalogue has the cmdlets,
// bind as those do, and lead to the one lab behind all its doors.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { documentedCmdlets, isShouldProcess } from '../../lab/powershell/catalogue.ts';
import {
  literal,
  standInsForEach,
  type Failure,
  type Ran,
  type StandIns,
} from '../support/stand-ins.ts';
import { sleep, waitFor } from '../../proof/rig/waiting.ts';
import { killAll } from '../support/processes.ts';
import { needs, POWERSHELL } from '../support/needs.ts';

const SCENARIO = `
cluster: stand-ins
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV3, memory: 64GB }
virtualMachines:
  - { name: db-1, owner: HV1, memory: 8GB, antiAffinity: [databases] }
  - { name: lone-1, owner: HV1, memory: 2GB, state: Off, clustered: false }
  - { name: web-1, owner: HV2, memory: 2GB, state: Off }
disks: ['C:\\ClusterStorage\\Volume1\\new-1.vhdx']
`;

const MODULES = [...new Set(Object.values(documentedCmdlets()).map((cmdlet) => cmdlet.module))];

const COMMON = new Set([
  ...['Verbose', 'Debug', 'ErrorAction', 'WarningAction', 'InformationAction', 'ProgressAction'],
  ...['ErrorVariable', 'WarningVariable', 'InformationVariable', 'OutVariable', 'OutBuffer'],
  ...['PipelineVariable', 'WhatIf', 'Confirm'],
]);

interface Declared {
  name: string;
  sets: { name: string; parameters: string[] }[];
}

const DUMP = `
foreach ($module in @(${MODULES.map((name) => `'${name}'`).join(',')})) {
  if (-not (Get-Module -Name $module)) { Import-Module $module }
  foreach ($command in Get-Command -Module $module) {
    Out-Test @{ name = $command.Name; sets = @($command.ParameterSets | ForEach-Object {
      @{ name = $_.Name; parameters = @($_.Parameters | ForEach-Object {
        $position = if ($_.Position -lt 0) { 'named' } else { $_.Position }
        '{0} {1} {2} {3} {4} {5}' -f $_.Name, $_.IsMandatory, $position, $_.ParameterType.Name, $_.ValueFromPipeline, $_.ValueFromPipelineByPropertyName
      }) }
    }) }
  }
}`;

/** Types of Windows that stand-ins cannot have, and those that people write as text. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  IDictionary: 'IDictionary',
  Feature: 'String',
  VhdType: 'String',
};
const LOOSE =
  /CimSession|PSSession|AuthenticationMechanism|CimClass|CimInstance|RegistryValueKind|Local(Group|Principal|User)|CacheAttributes|CacheStateType/;

function typeName(documented: string): string {
  const base = documented.replace(/\[\]$/, '').split('.').at(-1) ?? '';
  const array = documented.endsWith('[]') ? '[]' : '';
  return (LOOSE.test(base) ? 'Object' : (OTHER_TYPES[base] ?? base)) + array;
}

/** The same description, from the catalogue. */
function documented(name: string): Declared {
  const cmdlet = documentedCmdlets()[name];
  if (cmdlet === undefined) return { name, sets: [] };
  const pascal = (yes: boolean): string => (yes ? 'True' : 'False');
  return {
    name,
    sets: cmdlet.parameterSets.map((set) => ({
      // Where there is one set only, its name is nobody's business.
      name: cmdlet.parameterSets.length === 1 ? '__AllParameterSets' : set.name,
      parameters: set.parameters
        .filter((parameter) => !isShouldProcess(parameter.name))
        .map(({ name: own, required, position, type }) => {
          const pipeline = cmdlet.pipeline[own] ?? [];
          return [
            own,
            pascal(required),
            position ?? 'named',
            typeName(type),
            pascal(pipeline.includes('ByValue')),
            pascal(pipeline.includes('ByPropertyName')),
          ].join(' ');
        }),
    })),
  };
}

const sorted = ({ name, sets }: Declared): Declared => ({
  name,
  sets: sets
    .map((set) => ({
      name: set.name,
      parameters: set.parameters.filter((p) => !COMMON.has(p.split(' ')[0] ?? '')).sort(),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1)),
});

describe('stand-ins of the Windows modules', needs(POWERSHELL), () => {
  let at: StandIns;
  standInsForEach(SCENARIO, (made) => (at = made));

  /** Runs it and expects it to end well. */
  async function good(script: string, node?: string): Promise<Ran> {
    const ran = await at.run(script, node);
    expect(ran.stderr).toBe('');
    expect(ran.code).toBe(0);
    return ran;
  }
  const idOf = (name: string): string => at.lab.state().vms.find((vm) => vm.name === name)!.id;
  const effects = (): string[] => at.lab.effects().map((e) => `${e.kind} ${e.subject}`);
  const calls = () =>
    at.door.cmdlets().map(({ cmdlet, parameterSet, bound }) => ({ cmdlet, parameterSet, bound }));

  it('are declared as the catalogue has the cmdlets', async () => {
    const { out } = await good(DUMP);
    const declared = (out as Declared[]).map(sorted);
    const known = Object.keys(documentedCmdlets());
    expect(declared.map((cmdlet) => cmdlet.name).sort()).toEqual([...known].sort());
    for (const cmdlet of declared) {
      const wanted = sorted(documented(cmdlet.name));
      const oneSet = wanted.sets.length === 1 && cmdlet.sets.length === 1;
      if (oneSet) cmdlet.sets[0]!.name = wanted.sets[0]!.name;
      expect(cmdlet).toEqual(wanted);
    }
  });

  it('leave the modules alone that every PowerShell has of its own', async () => {
    const { out } = await good(`
      Import-Module Hyper-V
      foreach ($name in 'Test-Path', 'Where-Object', 'ConvertTo-Json') { Out-Test (Get-Command $name).ModuleName }`);
    expect(out).toEqual([
      'Microsoft.PowerShell.Management',
      'Microsoft.PowerShell.Core',
      'Microsoft.PowerShell.Utility',
    ]);
    expect(
      fs
        .readdirSync(at.modules)
        .filter((name) => /Core$|Management$/.test(name))
        .sort(),
    ).toEqual(['LabCore']);
  });

  it('bind pipeline input to the set that takes it', async () => {
    await good(`
      'db-1' | Hyper-V\\Get-VMProcessor | Out-Null
      Hyper-V\\Get-VM -Name db-1 | Hyper-V\\Get-VMProcessor | Out-Null
      [pscustomobject]@{ VMId = [guid]'${idOf('db-1')}' } | FailoverClusters\\Get-ClusterGroup | Out-Null
      FailoverClusters\\Get-ClusterGroup web-1 | FailoverClusters\\Remove-ClusterGroup -RemoveResources -Force`);
    expect(calls()).toEqual([
      { cmdlet: 'Get-VMProcessor', parameterSet: 'VMName', bound: { VMName: ['db-1'] } },
      { cmdlet: 'Get-VM', parameterSet: 'Name', bound: { Name: ['db-1'] } },
      {
        cmdlet: 'Get-VMProcessor',
        parameterSet: 'VMObject',
        bound: { VM: [{ $ref: `vm:${idOf('db-1')}` }] },
      },
      {
        cmdlet: 'Get-ClusterGroup',
        parameterSet: '__AllParameterSets',
        bound: { VMId: idOf('db-1'), InputObject: { VMId: idOf('db-1') } },
      },
      {
        cmdlet: 'Get-ClusterGroup',
        parameterSet: '__AllParameterSets',
        bound: { Name: ['web-1'] },
      },
      {
        cmdlet: 'Remove-ClusterGroup',
        parameterSet: '__AllParameterSets',
        bound: {
          InputObject: { $ref: `group:${idOf('web-1')}` },
          RemoveResources: true,
          Force: true,
        },
      },
    ]);
    expect(effects()).toEqual(['role-removed web-1']);
  });

  it('give objects of the types that Windows has, with numbers, dates and owners inside', async () => {
    const { out } = await good(`
      $vm = Hyper-V\\Get-VM -Name db-1
      Out-Test @($vm.GetType().FullName, [int]$vm.State, ($vm.State -eq 'Running'), $vm.Id.GetType().Name, $vm.MemoryStartup.GetType().Name, $vm.Uptime.GetType().Name, "$vm")
      $group = FailoverClusters\\Get-ClusterGroup -Name db-1
      Out-Test @("$($group.OwnerNode)", $group.AntiAffinityClassNames.GetType().Name, @($group.AntiAffinityClassNames), $group.GroupType.ToString())
      $os = CimCmdlets\\Get-CimInstance -ClassName Win32_OperatingSystem
      Out-Test @($os.PSObject.TypeNames[0], $os.LastBootUpTime.GetType().Name, $os.LastBootUpTime.ToUniversalTime().ToString('yyyy-MM-dd HH:mm:ss'))
      Out-Test ($vm | Get-Member -Name LabId -ErrorAction SilentlyContinue | Measure-Object).Count`);
    const [vm, group, os] = out;
    const virtual = 'Microsoft.HyperV.PowerShell.VirtualMachine';
    const text = `VirtualMachine (Name = 'db-1') [Id = '${idOf('db-1')}']`;
    expect(vm).toEqual([virtual, 2, true, 'Guid', 'Int64', 'TimeSpan', text]);
    expect(group).toEqual(['HV1', 'StringCollection', ['databases'], 'VirtualMachine']);
    const booted = at.lab.state().nodes[0]!.bootTime.replace('T', ' ').slice(0, 19);
    const type = 'Microsoft.Management.Infrastructure.CimInstance#root/cimv2/Win32_OperatingSystem';
    expect(os).toEqual([type, 'DateTime', booted]);
  });

  it('set a property of the cluster by assignment, and say why not', async () => {
    const { out } = await good(`
      (FailoverClusters\\Get-Cluster).MaximumParallelMigrations = 4
      Out-Test (FailoverClusters\\Get-Cluster).MaximumParallelMigrations
      try { (FailoverClusters\\Get-Cluster).MaximumParallelMigrations = 0 } catch { Out-Failure $_ }
      try { (FailoverClusters\\Get-Cluster).QuarantineDuration = 1 } catch { Out-Test $_.Exception.InnerException.InnerException.GetType().Name }`);
    expect(out[0]).toBe(4);
    const { chain } = out[1] as Failure;
    const names = chain.map(({ type }) => type.split('.').at(-1));
    expect(names).toEqual([
      'SetValueInvocationException',
      'RuntimeException',
      'ClusterCmdletException',
      'Win32Exception',
    ]);
    expect(chain[3]).toMatchObject({ native: 0x80070057 | 0 });
    expect(out[2]).toBe('NotImplementedException');
    expect(effects()).toEqual(['cluster-configured stand-ins']);
  });

  it('are met where a PowerShell looks for modules of the same names elsewhere first', async () => {
    const others = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-others-'));
    const cmdlets = {
      CimCmdlets: 'Get-CimInstance',
      'Microsoft.PowerShell.Diagnostics': 'Get-WinEvent',
    };
    for (const [name, cmdlet] of Object.entries(cmdlets)) {
      fs.mkdirSync(path.join(others, name));
      fs.writeFileSync(path.join(others, name, `${name}.psm1`), `function ${cmdlet} { 'other' }`);
    }
    try {
      const { out } = await good(`
        $env:PSModulePath = ${literal(others)} + [IO.Path]::PathSeparator + $env:PSModulePath
        $asks = New-Module {
          function Ask-Service { CimCmdlets\\Get-CimInstance -ClassName Win32_Service -Filter "Name='vmms'" }
          function Ask-Event {
            try { Microsoft.PowerShell.Diagnostics\\Get-WinEvent -FilterHashtable @{ LogName = 'System' } -ErrorAction Stop }
            catch { $_.FullyQualifiedErrorId }
          }
        }
        Import-Module $asks -DisableNameChecking
        Out-Test (Ask-Service).Name
        Out-Test (Ask-Event)`);
      expect(out).toEqual([
        'vmms',
        'NoMatchingEventsFound,Microsoft.PowerShell.Commands.GetWinEventCommand',
      ]);
    } finally {
      fs.rmSync(others, { recursive: true, force: true });
    }
  });

  it('fail with the id, category and codes that Windows gives', async () => {
    const { out } = await good(`
      function Fail($Block) { try { & $Block; Out-Test 'no error' } catch { Out-Failure $_ } }
      Fail { Hyper-V\\Get-VM -Id ([guid]::NewGuid()) -ErrorAction Stop }
      Fail { FailoverClusters\\Move-ClusterVirtualMachineRole -VMId '${idOf('db-1')}' -Node HV3 -MigrationType Live -Wait 0 }
      Fail { FailoverClusters\\Get-ClusterNode -Name HV9 -ErrorAction Stop }
      Fail { ServerManager\\Install-WindowsFeature -Name Hyper-W -IncludeManagementTools -ErrorAction Stop }
      Fail { Microsoft.PowerShell.Diagnostics\\Get-WinEvent -FilterHashtable @{ LogName = 'System' } -ErrorAction Stop }
      Fail { CimCmdlets\\Get-CimInstance -ClassName Win32_Service -Filter 'Name = ' -ErrorAction Stop }
      Fail { Hyper-V\\Get-VHD -Path 'C:\\ClusterStorage\\Volume1\\none.vhdx' -ErrorAction Stop }`);
    const told = (out as Failure[]).map(({ id, category, chain }) => [
      id,
      category,
      chain[0]?.type,
      chain[0]?.hresult,
    ]);
    const virtualization = 'Microsoft.HyperV.PowerShell.VirtualizationException';
    const cluster = 'Microsoft.FailoverClusters.PowerShell.ClusterCmdletException';
    const generic = '0x80131500';
    expect(told).toEqual([
      [
        'InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM',
        'InvalidArgument',
        virtualization,
        generic,
      ],
      [
        'Move-ClusterVirtualMachineRole,Microsoft.FailoverClusters.PowerShell.MoveClusterVirtualMachineRoleCommand',
        'NotSpecified',
        cluster,
        generic,
      ],
      [
        'ClusterObjectNotFound,Microsoft.FailoverClusters.PowerShell.GetNodeCommand',
        'ObjectNotFound',
        cluster,
        generic,
      ],
      [
        'NameDoesNotExist,Microsoft.Windows.ServerManager.Commands.AddWindowsFeatureCommand',
        'InvalidArgument',
        'System.Exception',
        generic,
      ],
      [
        'NoMatchingEventsFound,Microsoft.PowerShell.Commands.GetWinEventCommand',
        'ObjectNotFound',
        'System.Exception',
        generic,
      ],
      [
        'HRESULT 0x80041017,Microsoft.Management.Infrastructure.CimCmdlets.GetCimInstanceCommand',
        'InvalidArgument',
        'Microsoft.Management.Infrastructure.CimException',
        '0x80041017',
      ],
      [
        'ObjectNotFound,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD',
        'ObjectNotFound',
        virtualization,
        generic,
      ],
    ]);
    expect((out as Failure[])[1]?.chain[1]).toMatchObject({ native: 0x80071398 | 0 });
  });

  it('miss their module and their service as a node without Hyper-V does', async () => {
    const script = `try { Hyper-V\\Get-VM -ErrorAction Stop } catch { Out-Failure $_ }`;
    const bare = (await good(script, 'HV3')).out[0] as Failure;
    expect(bare.id).toBe('CouldNotAutoLoadModule');
    expect(bare.chain[0]?.type).toBe('System.Management.Automation.CommandNotFoundException');
    const install = at.run(
      `$done = ServerManager\\Install-WindowsFeature -Name Hyper-V -IncludeManagementTools 3>$null
       Out-Test @([string]$done.RestartNeeded, [string]$done.ExitCode, $done.Success)
       ${script}`,
      'HV3',
    );
    await waitFor('the installation', () => {
      at.clock.advance(1000);
      at.lab.advance();
      return at.lab.state().nodes[2]!.features['Hyper-V'] === 'InstallPending';
    });
    const { out } = await install;
    expect(out[0]).toEqual(['Yes', 'SuccessRestartRequired', true]);
    expect((out[1] as Failure).id).toBe(
      'ObjectNotFound,Microsoft.HyperV.PowerShell.Commands.GetVM',
    );
  });

  const HOSTILE = [
    `x"; Remove-Item / -Recurse; "`,
    `it's $(throw 1) \`n %PATH%`,
    '*[a]?',
    '日本語の仮想マシン 𠮷😀 ﾊﾝｶｸ',
    '2026-11-24T09:00:00Z',
    '/Date(0)/',
    '-Verbose',
    '{"$t":"x"}',
    'a\r\nb\u0000c',
  ];

  it('take hostile and Japanese names for data, there and back', async () => {
    const lines = HOSTILE.map(
      (name) => `
      $name = ${literal(name)}
      $made = Hyper-V\\New-VM -Name $name -MemoryStartupBytes 1GB -Generation 2 -NoVHD
      Hyper-V\\Set-VM -VM $made -Notes $name
      $found = Hyper-V\\Get-VM -Id $made.Id
      Out-Test @([string]$found.Name, [string]$found.Notes)`,
    );
    const { out } = await good(lines.join('\n'));
    expect(out).toEqual(HOSTILE.map((name) => [name, name]));
    const names = at.lab.state().vms.map((vm) => vm.name);
    for (const name of HOSTILE) expect(names).toContain(name);
    expect(
      at.door
        .cmdlets()
        .filter((c) => c.cmdlet === 'New-VM')
        .map((c) => c.bound['Name']),
    ).toEqual(HOSTILE);
  });

  it('refuse loudly what the lab does not play', async () => {
    const { out } = await good(`
      foreach ($block in { Hyper-V\\Checkpoint-VM -Name db-1 }, { Hyper-V\\Get-VM -ComputerName HV2 }, { FailoverClusters\\Suspend-ClusterNode -Name HV2 -Drain }, { CimCmdlets\\Get-CimInstance Win32_Fan }) {
        try { & $block; Out-Test 'silence' } catch { Out-Test $_.FullyQualifiedErrorId }
      }`);
    expect(out).toEqual([
      'LabNotImplemented,Checkpoint-VM',
      'LabNotImplemented,Get-VM',
      'LabNotImplemented,Suspend-ClusterNode',
      'LabNotImplemented,Get-CimInstance',
    ]);
    expect(effects()).toEqual([]);
  });

  it('refuse what the true parameters refuse', async () => {
    const { out } = await good(`
      foreach ($block in { Hyper-V\\Get-VMHots }, { Hyper-V\\New-VM -Name x -Generation 3 }, { FailoverClusters\\Move-ClusterVirtualMachineRole -MigrationType Bogus }, { Hyper-V\\Set-VMHost -VMMigrationPerformance SMB }, { Hyper-V\\Get-VM -Name a -Id ([guid]::NewGuid()) }) {
        try { & $block; Out-Test 'silence' } catch { Out-Test $_.Exception.GetType().Name }
      }`);
    expect(out[0]).toBe('CommandNotFoundException');
    expect(
      out
        .slice(1)
        .every((name) =>
          /^Parameter(Binding|BindingValidation|BindingArgument)/.test(String(name)),
        ),
    ).toBe(true);
    expect(calls()).toEqual([]);
  });

  it('do nothing with -WhatIf', async () => {
    await good(`Hyper-V\\Set-VMHost -MaximumVirtualMachineMigrations 9 -WhatIf`);
    expect(calls()).toEqual([]);
  });

  it('show every node of one lab its own VMs, and all nodes the same cluster', async () => {
    const script = `
      Out-Test @(Hyper-V\\Get-VM | ForEach-Object { $_.Name })
      Out-Test @(FailoverClusters\\Get-ClusterGroup | Where-Object GroupType -eq 'VirtualMachine' | ForEach-Object { "$_ $($_.OwnerNode)" })
      Hyper-V\\Set-VMHost -MaximumStorageMigrations 7
      Out-Test (Hyper-V\\Get-VMHost).MaximumStorageMigrations`;
    const [one, two] = await Promise.all([good(script, 'HV1'), good(script, 'HV2')]);
    expect(one.out[0]).toEqual(['db-1', 'lone-1']);
    expect(two.out[0]).toEqual(['web-1']);
    expect(one.out[1]).toEqual(['db-1 HV1', 'web-1 HV2']);
    expect(two.out[1]).toEqual(one.out[1]);
    expect(effects().sort()).toEqual(['host-configured HV1', 'host-configured HV2']);
  });

  it('give every instance of a class, each as itself', async () => {
    const { out } = await good(`
      Out-Test @(CimCmdlets\\Get-CimInstance -ClassName Win32_Service -Filter "Name='vmms' OR Name='ClusSvc'" | ForEach-Object { "$($_.Name) $($_.State)" })
      Out-Test @(CimCmdlets\\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_ComputerSystem | ForEach-Object { $_.ElementName })
      Out-Test @(CimCmdlets\\Get-CimInstance -Query "SELECT * FROM Win32_Service WHERE Name LIKE 'clus%'" | ForEach-Object { $_.Name })`);
    expect(out).toEqual([
      ['vmms Running', 'ClusSvc Running'],
      ['HV1', 'db-1', 'lone-1'],
      ['ClusSvc'],
    ]);
  });

  it('restart the node through CIM, and only once', async () => {
    const { out } = await good(`
      $os = CimCmdlets\\Get-CimInstance -ClassName Win32_OperatingSystem
      foreach ($i in 1, 2) {
        $done = CimCmdlets\\Invoke-CimMethod -InputObject $os -MethodName Win32ShutdownTracker -Arguments @{ Timeout = [uint32]5; Comment = 'it''s time'; ReasonCode = [uint32]0; Flags = 6 }
        Out-Test $done.ReturnValue
      }
      try { CimCmdlets\\Invoke-CimMethod -ClassName Win32_OperatingSystem -MethodName Win32ShutdownTracker -Arguments @{ Flags = 6 } -ErrorAction Stop } catch { Out-Test $_.CategoryInfo.Category.ToString() }`);
    expect(out).toEqual([0, 1115, 'InvalidOperation']);
    expect(at.lab.effects()).toMatchObject([{ kind: 'restart-requested', detail: "it's time" }]);
  });

  it('read the event log newest first, with the code among the properties', async () => {
    at.lab.call('HV2', 'configureMigration', { enabled: false });
    at.lab.call('HV1', 'startMove', { vmId: idOf('db-1'), node: 'HV2' });
    at.clock.advance(60_000);
    const { out } = await good(`
      $all = @(Microsoft.PowerShell.Diagnostics\\Get-WinEvent -FilterHashtable @{ LogName = 'Microsoft-Windows-Hyper-V-High-Availability-Admin'; StartTime = (Get-Date).AddYears(-50); Level = 2, 3 } -MaxEvents 5)
      Out-Test @($all[0].Id, $all[0].LogName, $all[0].MachineName, @($all[0].Properties | ForEach-Object { $_.Value }))`);
    const hresult = String(0x8007274d);
    expect(out).toEqual([
      [
        21502,
        'Microsoft-Windows-Hyper-V-High-Availability-Admin',
        'HV1',
        ['Virtual Machine db-1', 'Virtual Machine', `%%${hresult}`, '(0x8007274D)'],
      ],
    ]);
  });

  describe('and faults', () => {
    const move = (): string =>
      `FailoverClusters\\Move-ClusterVirtualMachineRole -VMId '${idOf('db-1')}' -Node HV2 -MigrationType Live -Wait 0`;

    it('of an operation strike the cmdlet that is its act, with the code and the event', async () => {
      const error = { hresult: '0x80072746', eventId: 21502 };
      await at.post({ action: 'add-fault', fault: { on: 'startMove', vm: 'db-1', error } });
      const { out } = await good(
        `try { ${move()} } catch { Out-Failure $_ }; [void](${move()}); Out-Test 'started'`,
      );
      expect((out[0] as Failure).chain[1]).toMatchObject({ native: 0x80072746 | 0 });
      expect(out[1]).toBe('started');
      expect(effects()).toEqual(['fault startMove', 'move-started db-1']);
      const { facts } = at.lab.call('HV1', 'readEvents', {
        since: '2020-01-01T00:00:00.000Z',
        max: 9,
      });
      expect(facts).toMatchObject([{ id: 21502, hresult: '0x80072746', vm: 'db-1' }]);
    });

    it('that lose an answer end the shell; the deed is done', async () => {
      await at.post({ action: 'add-fault', fault: { on: 'startMove', at: 'after-effect' } });
      const { code, out } = await at.run(`${move()}; Out-Test 'answered'`);
      expect(code).toBe(70);
      expect(out).toEqual([]);
      expect(effects()).toContain('move-started db-1');
    });

    it('delay an answer by simulated time', async () => {
      await at.post({ action: 'add-fault', fault: { on: 'readCluster', hangSeconds: 30 } });
      const slow = at.run(`Out-Test (FailoverClusters\\Get-Cluster).Name`);
      await waitFor('the call', () => at.door.cmdlets().length === 1);
      await sleep(200);
      at.clock.advance(29_000);
      expect(at.lab.state().lastEffect).toBe(1);
      at.clock.advance(1000);
      expect((await slow).out).toEqual(['stand-ins']);
    });

    it('of a reading leave acts alone, and are not overcome by trying again in one operation', async () => {
      const fault = { on: 'readRoles', error: { errorId: 'Broken' } };
      await at.post({ action: 'add-fault', fault });
      const { out } = await good(`
        function Read-Resource { CimCmdlets\\Get-CimInstance -Namespace root/MSCluster -ClassName MSCluster_Resource | Out-Null }
        function Start-WatariMove { [CmdletBinding()] param() Read-Resource; Out-Test 'act' }
        function Get-WatariRole { [CmdletBinding()] param()
          foreach ($i in 1, 2) { try { Read-Resource; Out-Test 'read' } catch { Out-Test $_.FullyQualifiedErrorId } } }
        Start-WatariMove; Get-WatariRole; Get-WatariRole`);
      expect(out).toEqual(['act', 'Broken', 'Broken', 'read', 'read']);
      expect(at.door.cmdlets().map((c) => c.within)).toEqual([
        'Start-WatariMove',
        ...Array.from({ length: 4 }, () => 'Get-WatariRole'),
      ]);
    });

    it('of the world count too: a node without power answers nobody', async () => {
      at.lab.powerOff('HV2');
      const { code, out } = await at.run(`Hyper-V\\Get-VM; Out-Test 'answered'`, 'HV2');
      expect([code, out]).toEqual([70, []]);
    });
  });

  it('make the noise that a test asks for, on every stream', async () => {
    await at.post({
      action: 'disturb',
      disturbance: {
        cmdlet: 'Get-VMHost',
        warnings: ['日本語の警告'],
        verbose: ['chatter'],
        console: ['raw text'],
        progress: 'working',
        flood: 64,
      },
    });
    const { out, stdout } = await good(`
      $all = @(Hyper-V\\Get-VMHost -Verbose 3>&1 4>&1)
      Out-Test @($all | ForEach-Object { $_.GetType().Name }); Out-Test $all[0].Message`);
    expect(out).toEqual([['WarningRecord', 'VerboseRecord', 'VMHost'], '日本語の警告']);
    expect(stdout).toContain('raw text');
    expect(stdout.length).toBeGreaterThan(60_000);
  });

  it('crash, hang or fail when a test asks for that', async () => {
    await at.post({ action: 'disturb', disturbance: { cmdlet: 'Get-VMHost', exit: 3 } });
    expect((await at.run(`Hyper-V\\Get-VMHost`)).code).toBe(3);
    const error = {
      fqid: 'Odd,Some.Cmdlet',
      category: 'ResourceBusy',
      message: '遅い',
      hresult: -2147024726,
      native: 170,
    };
    await at.post({ action: 'disturb', disturbance: { cmdlet: 'Get-VMHost', error } });
    const { out } = await good(
      `try { Hyper-V\\Get-VMHost -ErrorAction Stop } catch { Out-Failure $_ }`,
    );
    expect(out[0]).toMatchObject({
      id: 'Odd,Some.Cmdlet',
      category: 'ResourceBusy',
      chain: [{ hresult: '0x800700AA' }, {}],
    });
    await at.post({ action: 'disturb', disturbance: { cmdlet: 'Get-VMHost', hang: true } });
    const hung = at.run(`Hyper-V\\Get-VMHost; Out-Test 'answered'`);
    await waitFor('the call', () => at.door.cmdlets().length === 3);
    await killAll();
    expect((await hung).out).toEqual([]);
  });

  it('leave secrets out of the list of calls, which anybody can read', async () => {
    await at.run(`
      $secret = New-Object System.Security.SecureString; foreach ($c in 'hunter2'.ToCharArray()) { $secret.AppendChar($c) }
      $who = New-Object System.Management.Automation.PSCredential 'admin', $secret
      try { Hyper-V\\Get-VM -ComputerName HV2 -Credential $who } catch { }`);
    const response = await fetch(`${at.url}/cmdlets?after=0`);
    const text = await response.text();
    expect(text).toContain('"cmdlet":"Get-VM"');
    expect(text).toContain('$secret');
    expect(text).not.toContain('hunter2');
  });
});
