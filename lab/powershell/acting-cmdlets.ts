// Which cmdlet is which operation of the port, so that a fault of a scenario strikes the same deed through both doors:
// `on: startMove` means Move-ClusterVirtualMachineRole here.
import type { Op } from '../../hyperv/host.ts';
import type { Bound } from './wire.ts';

interface Acting {
  op: Op;
  cmdlet: string;
  when?: (bound: Bound) => boolean;
  /** Function of the module in which it is this act; absent: in any. */
  within?: string;
}

const ofClass =
  (name: string) =>
  (bound: Bound): boolean =>
    bound.text('ClassName')?.toLowerCase() === name.toLowerCase() ||
    new RegExp(`\\bfrom ${name}\\b`, 'i').test(bound.text('Query') ?? '');

/** The names under which the lab lists the assignment of a property. */
export const SET_PARALLEL = '(Get-Cluster).MaximumParallelMigrations';
export const SET_BALANCER = '(Get-Cluster).AutoBalancerMode';

const ACTS: readonly Acting[] = [
  { op: 'installFeatures', cmdlet: 'Install-WindowsFeature' },
  {
    op: 'restartNode',
    cmdlet: 'Invoke-CimMethod',
    when: (b) => /shutdown/i.test(b.text('MethodName') ?? ''),
  },
  { op: 'configureMigration', cmdlet: 'Set-VMHost' },
  { op: 'configureMigration', cmdlet: 'Enable-VMMigration' },
  { op: 'configureMigration', cmdlet: 'Disable-VMMigration' },
  { op: 'configureCluster', cmdlet: SET_PARALLEL },
  { op: 'configureCluster', cmdlet: SET_BALANCER },
  { op: 'createVm', cmdlet: 'New-VM' },
  { op: 'removeVm', cmdlet: 'Remove-VM' },
  { op: 'addRole', cmdlet: 'Add-ClusterVirtualMachineRole' },
  { op: 'removeRole', cmdlet: 'Remove-ClusterGroup' },
  { op: 'startRole', cmdlet: 'Start-ClusterGroup' },
  { op: 'stopRole', cmdlet: 'Stop-ClusterGroup' },
  { op: 'pauseNode', cmdlet: 'Suspend-ClusterNode' },
  { op: 'resumeNode', cmdlet: 'Resume-ClusterNode' },
  {
    op: 'startMove',
    cmdlet: 'Move-ClusterVirtualMachineRole',
    when: (b) => !b.flag('Cancel'),
  },
  { op: 'cancelMove', cmdlet: 'Move-ClusterVirtualMachineRole', when: (b) => b.flag('Cancel') },
  { op: 'moveGroup', cmdlet: 'Move-ClusterGroup' },
  { op: 'moveSharedVolume', cmdlet: 'Move-ClusterSharedVolume' },
  { op: 'downloadUpdates', cmdlet: 'Start-UpdateTask', within: 'Save-WatariUpdate' },
  { op: 'installUpdates', cmdlet: 'Start-UpdateTask', within: 'Install-WatariUpdate' },
  { op: 'setStorageMaintenance', cmdlet: 'Enable-StorageMaintenanceMode' },
  { op: 'setStorageMaintenance', cmdlet: 'Disable-StorageMaintenanceMode' },
  { op: 'commitUpdates', cmdlet: 'IUpdateInstaller.Commit' },
  { op: 'installPackages', cmdlet: 'Install-UpdatePackage' },
];

/** The first cmdlet that only this reading needs, or needs first; one that no function calls is the first reading's. */
const READS: readonly Acting[] = [
  { op: 'readHost', cmdlet: 'Get-CimInstance', when: ofClass('Win32_OperatingSystem') },
  { op: 'readBoot', cmdlet: 'Get-CimInstance', when: ofClass('Win32_OperatingSystem') },
  { op: 'readSetup', cmdlet: 'Get-CimInstance', when: ofClass('Win32_BIOS') },
  { op: 'readPeers', cmdlet: 'Test-Reach' },
  { op: 'readServices', cmdlet: 'Get-CimInstance', when: ofClass('Win32_Service') },
  { op: 'readFeatures', cmdlet: 'Get-WindowsFeature' },
  { op: 'readSwitches', cmdlet: 'Get-VMSwitch' },
  { op: 'readMigrationSettings', cmdlet: 'Get-VMHost' },
  { op: 'readVms', cmdlet: 'Get-CimInstance', when: ofClass('Msvm_SummaryInformation') },
  { op: 'readVm', cmdlet: 'Get-CimInstance', when: ofClass('Msvm_SummaryInformation') },
  { op: 'readVmStorage', cmdlet: 'Get-CimInstance', when: ofClass('Msvm_SummaryInformation') },
  { op: 'readDiskFiles', cmdlet: 'Get-CimInstance', when: ofClass('CIM_DataFile') },
  { op: 'readCluster', cmdlet: 'Get-Cluster' },
  { op: 'readNodes', cmdlet: 'Get-ClusterNode' },
  { op: 'readNetworks', cmdlet: 'Get-ClusterNetwork' },
  { op: 'readSharedVolumes', cmdlet: 'Get-ClusterSharedVolume' },
  { op: 'readGroups', cmdlet: 'Get-CimInstance', when: ofClass('MSCluster_ResourceGroup') },
  { op: 'readLinks', cmdlet: 'Get-CimInstance', when: ofClass('MSCluster_NetworkInterface') },
  { op: 'readMovesAway', cmdlet: 'Get-CimInstance', when: ofClass('Msvm_MigrationJob') },
  { op: 'readRoles', cmdlet: 'Get-CimInstance', when: ofClass('MSCluster_Resource') },
  { op: 'readRole', cmdlet: 'Get-ClusterResource' },
  { op: 'readEvents', cmdlet: 'Get-WinEvent' },
  { op: 'readBlackouts', cmdlet: 'Get-WinEvent' },
  { op: 'readUpdates', cmdlet: 'IUpdateSearcher.Search' },
  { op: 'readStorage', cmdlet: 'Get-Cluster' },
  { op: 'readUpdateJob', cmdlet: 'Test-UpdateTask' },
  {
    op: 'readServicing',
    cmdlet: 'Get-UpdateAgent',
    when: (b) => b.text('ProgId') === 'Microsoft.Update.SystemInfo',
  },
];

/**
 * The reading functions of watari's module. Acting functions read too; a fault on a reading is not meant for those, and
 * a cmdlet that a person calls by hand is in no function at all.
 */
const READING_FUNCTIONS: Readonly<Record<string, Op>> = {
  'Get-WatariHost': 'readHost',
  'Get-WatariBoot': 'readBoot',
  'Get-WatariSetup': 'readSetup',
  'Get-WatariPeer': 'readPeers',
  'Get-WatariService': 'readServices',
  'Get-WatariFeature': 'readFeatures',
  'Get-WatariSwitch': 'readSwitches',
  'Get-WatariMigrationSetting': 'readMigrationSettings',
  'Get-WatariVM': 'readVms',
  'Get-WatariVMState': 'readVm',
  'Get-WatariVMStorage': 'readVmStorage',
  'Test-WatariDiskFile': 'readDiskFiles',
  'Get-WatariCluster': 'readCluster',
  'Get-WatariNode': 'readNodes',
  'Get-WatariNetwork': 'readNetworks',
  'Get-WatariSharedVolume': 'readSharedVolumes',
  'Get-WatariGroup': 'readGroups',
  'Get-WatariLink': 'readLinks',
  'Get-WatariRole': 'readRoles',
  'Get-WatariVMRole': 'readRole',
  'Get-WatariMoveAway': 'readMovesAway',
  'Get-WatariEvent': 'readEvents',
  'Get-WatariBlackout': 'readBlackouts',
  'Get-WatariUpdate': 'readUpdates',
  'Get-WatariUpdateJob': 'readUpdateJob',
  'Get-WatariStorage': 'readStorage',
  'Get-WatariServicing': 'readServicing',
};

/** @param within the function of watari's module that called, null when none did. */
export function operationOf(cmdlet: string, bound: Bound, within: string | null): Op | null {
  const fits = (entry: Acting): boolean =>
    entry.cmdlet === cmdlet &&
    (entry.when?.(bound) ?? true) &&
    (entry.within === undefined || entry.within === within);
  const act = ACTS.find(fits);
  if (act !== undefined) return act.op;
  const reads = READS.filter(fits).map((entry) => entry.op);
  const op = within === null ? reads[0] : reads.find((one) => READING_FUNCTIONS[within] === one);
  return op ?? null;
}
