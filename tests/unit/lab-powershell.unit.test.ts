// How the lab's PowerShell door reads what callers wrote, and where faults strike.
import { describe, expect, it } from 'vitest';
import { OPS } from '../../hyperv/host.ts';
import { operationOf, SET_PARALLEL } from '../../lab/powershell/acting-cmdlets.ts';
import { documentedCmdlets } from '../../lab/powershell/catalogue.ts';
import { CMDLETS } from '../../lab/powershell/door.ts';
import { UPDATE_METHODS } from '../../lab/powershell/update-objects.ts';
import { commandClass, nativeOf, signed } from '../../lab/powershell/errors.ts';
import { BadQuery, wildcard, wqlCondition } from '../../lab/powershell/matching.ts';
import { Bound, text, withoutRepeats } from '../../lab/powershell/wire.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

describe('a PowerShell wildcard', () => {
  it.each([
    ['db-1', 'DB-1', true],
    ['db-*', 'db-1', true],
    ['db-?', 'db-12', false],
    ['db-[12]', 'db-2', true],
    ['db-[1-3]', 'db-4', false],
    ['db`*', 'db*', true],
    ['db`*', 'db-1', false],
    ['d.b', 'dxb', false],
    ['(a|b)$', '(a|b)$', true],
    ['[', '[', true],
    ['*', 'a\nb', true],
    ['日本*', '日本語', true],
  ])('%j against %j is %s', (pattern, value, matches) => {
    expect(wildcard(pattern)(value)).toBe(matches);
  });
});

describe('a condition of WQL', () => {
  const row = { name: 'vmms', state: 'Running', size: 5, none: null };
  it.each([
    [`Name='VMMS'`, true],
    [`Name = "ClusSvc" OR Name='vmms'`, true],
    [`State<>'Running'`, false],
    [`Name='vmms' AND Size > 4`, true],
    [`NOT (Size >= 5)`, false],
    [`Name LIKE 'vm%'`, true],
    [`Name LIKE 'v_s'`, false],
    [`None = 'x'`, false],
    [`Name='vmms'' OR Name=''vmms'`, null],
    [`Name=`, null],
    [`Name='vmms' bla`, null],
    [`(Name='vmms'`, null],
  ])('%s is %s', (query, result) => {
    if (result === null) expect(() => wqlCondition(query)(row)).toThrow(BadQuery);
    else expect(wqlCondition(query)(row)).toBe(result);
  });

  it('takes backslashes and quotes back out of a path', () => {
    const path = `C:\\Cluster Storage\\it's.vhdx`;
    const escaped = path.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
    expect(wqlCondition(`Name='${escaped}'`)({ name: path })).toBe(true);
  });
});

describe('a fault of an operation', () => {
  const SUMMARIES = { ClassName: 'Msvm_SummaryInformation' };
  const shown: Record<string, [string, Record<string, unknown>, within?: string]> = {
    readSetup: ['Get-CimInstance', { ClassName: 'Win32_BIOS' }],
    readPeers: ['Test-Reach', {}],
    readVmStorage: ['Get-CimInstance', SUMMARIES, 'Get-WatariVMStorage'],
    readVm: ['Get-CimInstance', SUMMARIES, 'Get-WatariVMState'],
    readHost: ['Get-CimInstance', { ClassName: 'Win32_OperatingSystem' }],
    readBoot: ['Get-CimInstance', { ClassName: 'Win32_OperatingSystem' }, 'Get-WatariBoot'],
    readServices: ['Get-CimInstance', { ClassName: 'win32_service' }],
    readDiskFiles: ['Get-CimInstance', { ClassName: 'CIM_DataFile' }],
    restartNode: ['Invoke-CimMethod', { MethodName: 'Win32ShutdownTracker' }],
    cancelMove: ['Move-ClusterVirtualMachineRole', { Cancel: true }],
    startMove: ['Move-ClusterVirtualMachineRole', { Node: 'HV2' }],
    configureCluster: [SET_PARALLEL, { Value: 2 }],
    installFeatures: ['Install-WindowsFeature', {}],
    configureMigration: ['Set-VMHost', {}],
    createVm: ['New-VM', {}],
    removeVm: ['Remove-VM', {}],
    addRole: ['Add-ClusterVirtualMachineRole', {}],
    removeRole: ['Remove-ClusterGroup', {}],
    startRole: ['Start-ClusterGroup', {}],
    stopRole: ['Stop-ClusterGroup', {}],
    pauseNode: ['Suspend-ClusterNode', {}],
    resumeNode: ['Resume-ClusterNode', {}],
    readFeatures: ['Get-WindowsFeature', {}],
    readSwitches: ['Get-VMSwitch', {}],
    readMigrationSettings: ['Get-VMHost', {}],
    readVms: ['Get-CimInstance', SUMMARIES],
    readCluster: ['Get-Cluster', {}],
    readNodes: ['Get-ClusterNode', {}],
    readNetworks: ['Get-ClusterNetwork', {}],
    readSharedVolumes: ['Get-ClusterSharedVolume', {}],
    readGroups: ['Get-CimInstance', { ClassName: 'MSCluster_ResourceGroup' }, 'Get-WatariGroup'],
    readLinks: ['Get-CimInstance', { ClassName: 'MSCluster_NetworkInterface' }],
    moveGroup: ['Move-ClusterGroup', {}],
    moveSharedVolume: ['Move-ClusterSharedVolume', {}],
    readRoles: ['Get-CimInstance', { Query: 'SELECT Id FROM MSCluster_Resource' }],
    readRole: ['Get-ClusterResource', {}],
    readMovesAway: ['Get-CimInstance', { Query: 'SELECT JobState FROM Msvm_MigrationJob' }],
    readEvents: ['Get-WinEvent', {}],
    readBlackouts: ['Get-WinEvent', {}, 'Get-WatariBlackout'],
    readUpdates: ['IUpdateSearcher.Search', {}],
    readUpdateJob: ['Test-UpdateTask', {}],
    readServicing: ['Get-UpdateAgent', { ProgId: 'Microsoft.Update.SystemInfo' }],
    downloadUpdates: ['Start-UpdateTask', {}, 'Save-WatariUpdate'],
    installUpdates: ['Start-UpdateTask', {}, 'Install-WatariUpdate'],
    readStorage: ['Get-Cluster', {}, 'Get-WatariStorage'],
    setStorageMaintenance: ['Enable-StorageMaintenanceMode', {}],
    commitUpdates: ['IUpdateInstaller.Commit', {}],
    installPackages: ['Install-UpdatePackage', {}],
  };

  it.each([...OPS])('%s has a cmdlet to strike, which the lab plays', (op) => {
    const [cmdlet, bound, within = null] = shown[op]!;
    expect(operationOf(cmdlet, new Bound(bound), within)).toBe(op);
    if (cmdlet !== SET_PARALLEL) expect({ ...CMDLETS, ...UPDATE_METHODS }[cmdlet]).toBeDefined();
  });

  it('of a reading spares the functions that act', () => {
    const bound = new Bound(SUMMARIES);
    expect(operationOf('Get-CimInstance', bound, 'Get-WatariVM')).toBe('readVms');
    expect(operationOf('Get-CimInstance', bound, 'New-WatariVM')).toBeNull();
    expect(operationOf('New-VM', new Bound({}), 'New-WatariVM')).toBe('createVm');
  });
});

describe('cmdlets that the lab plays', () => {
  it.each(Object.keys(CMDLETS))('%s takes documented parameters only', (name) => {
    const documented = documentedCmdlets()[name]!;
    const known = documented.parameterSets.flatMap((set) => set.parameters.map((p) => p.name));
    expect(CMDLETS[name]!.takes.filter((parameter) => !known.includes(parameter))).toEqual([]);
  });
});

describe('errors', () => {
  it.each([
    ['Get-ClusterNode', 'Microsoft.FailoverClusters.PowerShell.GetNodeCommand'],
    ['Get-Cluster', 'Microsoft.FailoverClusters.PowerShell.GetClusterCommand'],
    ['Move-ClusterGroup', 'Microsoft.FailoverClusters.PowerShell.MoveClusterGroupCommand'],
    ['Get-VM', 'Microsoft.HyperV.PowerShell.Commands.GetVM'],
    ['Get-VHD', 'Microsoft.Vhd.PowerShell.Cmdlets.GetVHD'],
    ['Get-WinEvent', 'Microsoft.PowerShell.Commands.GetWinEventCommand'],
  ])('of %s name its class', (cmdlet, name) => {
    expect(commandClass(cmdlet)).toBe(name);
  });

  it('carry codes as .NET has them', () => {
    expect(signed('0x80071398')).toBe(-2147019880);
    expect(nativeOf('0x80071398')).toBe(0x1398);
    expect(nativeOf('0x000013AB')).toBe(0x13ab);
    expect(nativeOf('0xC03A0014')).toBeUndefined();
  });
});

describe('values on their way to PowerShell', () => {
  it('are marked where its JSON readers would see a date', () => {
    expect(text('web-1')).toBe('web-1');
    expect(text('2026-11-24T09:00:00Z')).toEqual({ $s: '=2026-11-24T09:00:00Z' });
    expect(text('/Date(0)/')).toEqual({ $s: '=/Date(0)/' });
  });

  it('come once: an object that comes again is sent by its name', () => {
    const node = { $t: 'Node', id: 'node:HV1', p: { Name: 'HV1' } };
    const group = (id: string) => ({ $t: 'Group', id, p: { OwnerNode: node } });
    expect(withoutRepeats([group('a'), group('b')])).toEqual([
      { $t: 'Group', id: 'a', p: { OwnerNode: node } },
      { $t: 'Group', id: 'b', p: { OwnerNode: { $r: 'node:HV1' } } },
    ]);
  });
});

it('the documented cmdlets are those that something here calls, plays or tells a person to call', () => {
  const words = new Set(
    projectFiles()
      .filter((file) => /\.(ts|ps1|psm1|psd1|md)$/.test(file))
      .flatMap((file) => readProjectFile(file).match(/\b[A-Z][a-z]+-[A-Z]\w+/g) ?? []),
  );
  expect(Object.keys(documentedCmdlets()).filter((cmdlet) => !words.has(cmdlet))).toEqual([]);
});
