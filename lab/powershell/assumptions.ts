// What the stand-ins and the module take for true of Windows although no evidence shows it. A test lets nothing else be
// unknown, and docs/powershell.md lists these for whoever has a real cluster. Pure data.

export interface Assumption {
  /** A .NET type, a type and its property, a CIM class, or where it is relied on. */
  about: string;
  says: string;
  /** What a person would see. */
  ifWrong: string;
}

export const ASSUMPTIONS: readonly Assumption[] = [
  {
    about: 'Microsoft.Windows.ServerManager.Commands.InstallState',
    says: 'Available 0, Installed 1, InstallPending 2, Removed 5, and the names are English everywhere',
    ifWrong: 'a feature that waits for a restart is taken for one that is not installed',
  },
  {
    about: 'Microsoft.Windows.ServerManager.Commands.RestartState',
    says: 'No 0, Yes 1, Maybe 2',
    ifWrong:
      'nothing: what is read is the name, and whether a restart is owed is asked of the registry too',
  },
  {
    about: 'Microsoft.Windows.ServerManager.Commands.FeatureOperationExitCode',
    says: 'Success 0, Failed 1, NoChangeNeeded 1003, SuccessRestartRequired 3010',
    ifWrong: 'nothing: only the name is shown',
  },
  {
    about: 'Microsoft.Windows.ServerManager.Commands.Feature',
    says: 'has Name, DisplayName, InstallState, Installed as the pages of ServerManager say',
    ifWrong: 'readFeatures fails at once, and preparing a node with it',
  },
  {
    about: 'Microsoft.Windows.ServerManager.Commands.FeatureOperationResult',
    says: 'has Success, RestartNeeded, ExitCode, FeatureResult, as a printed table shows them',
    ifWrong: 'installFeatures fails after Windows has installed; the repeat finds it installed',
  },
  {
    about: 'Microsoft.FailoverClusters.PowerShell.ClusterSharedVolumeFaultState',
    says: 'the numbers of CLUSTER_CSV_VOLUME_FAULT_STATE in clusapi.h',
    ifWrong: 'nothing: the module does not read it',
  },
  {
    about: 'Msvm_SummaryInformation',
    says: 'can be queried like any class, one instance for each VM and none for a checkpoint; code in use does so, no recording shows it',
    ifWrong:
      'a node with VMs seems to have none (nothing is placed or moved there), or readVms fails',
  },
  {
    about: 'Msvm_SummaryInformation.HealthState',
    says: 'anything but 5 is what Get-VM calls RunningCritical and the like; reflected, not recorded',
    ifWrong: 'the doctor says critical of a VM that is not, or nothing of one that is',
  },
  {
    about: 'Msvm_StorageAllocationSettingData.InstanceID',
    says: "begins with 'Microsoft:' and the VM's GUID in every class of settings; code in use looks for it so",
    ifWrong: 'readVms fails: the settings of a VM are not found',
  },
  {
    about: 'Msvm_EthernetPortAllocationSettingData.InstanceID',
    says: "is the adapter's with \\C behind it, and a plugged-out adapter has EnabledState 3 or no such row",
    ifWrong:
      'a switch is missed or named twice, and placement asks for one too few or refuses a node too many',
  },
  {
    about: 'Msvm_PciExpressSettingData.HostResource',
    says: "names its device by DeviceID; it is shown instead of Get-VMAssignableDevice's LocationPath",
    ifWrong: 'the whole path of the CIM object is shown',
  },
  {
    about: 'Msvm_KvpExchangeComponentSettingData.HostOnlyItems',
    says: "has an item 'VirtualMachineIsClustered' while the VM is a role; reflected, not recorded",
    ifWrong:
      'before the cluster has been asked a role may count as a VM of its node alone; nothing is removed by it',
  },
];
