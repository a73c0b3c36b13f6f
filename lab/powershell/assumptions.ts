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
    about: 'Microsoft.FailoverClusters.PowerShell.ClusterSharedVolumesSetting',
    says: 'prints its value in the language of Windows: a Chinese output has it so, a Japanese one was not found',
    ifWrong: 'nothing: the module does not read it',
  },
  {
    about: 'names and messages of a Japanese Windows',
    says: 'those of the lab with `culture: ja-JP`; written from memory, no page was looked up and no recording shows any',
    ifWrong:
      'nothing: ids, enumerations and codes decide, and names that differ from English ones are all that is tried',
  },
  {
    about: 'MaximumParallelMigrations before Windows Server 2025',
    says: 'is not there, so the number of each host counts; a module of 2023 lacks it, the documentation says which number counts',
    ifWrong: 'slots are waited for that were free: watari takes one at a time for the limit',
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
  {
    about: 'Win32_Process.CreationDate',
    says: "of process 4 (else of wininit.exe) is there, and does not move when the clock is set; a driver's page says the latter",
    ifWrong:
      'without it no node is restarted; if it moved, a restart would be believed that did not happen',
  },
  {
    about: 'vmwp.exe',
    says: 'runs once for each VM that runs, so a node with one is not restarted',
    ifWrong: 'the guard on the node itself sees no VM; the look of the worker before it still does',
  },
  {
    about: 'MSCluster_Resource.ResourceSpecificData1',
    says: 'holds 32774 in its upper half and the percentage in its lowest byte while a VM moves; reflected from Failover Cluster Manager of 2019, not recorded',
    ifWrong:
      'a move shows no percentage, and is told by its group being Pending and by the job at its source',
  },
  {
    about: 'root/MSCluster/MSCluster_Property',
    says: 'the private properties of a resource come with a query, with VmID among them; documented, not recorded',
    ifWrong:
      'nothing: where a query does not tell it, Get-ClusterParameter is asked for all in one pipeline',
  },
  {
    about: '0x80071395 and 0x8007138F of Get-ClusterResource -VMId',
    says: 'mean that the VM has no role',
    ifWrong:
      'if Windows says it of a role that is being handed over, the run stops with RoleMissing, and a retry finds it',
  },
  {
    about: 'Msvm_MigrationJob.DestinationHost',
    says: "is the target's name, and VirtualSystemName the VM's id; an address counts as unknown",
    ifWrong:
      'where a move goes is unknown, so it counts as possibly any node, and slots are waited for that were free',
  },
  {
    about: 'MSCluster_ResourceGroupToPreferredNode',
    says: 'lists its rows in the order of preference',
    ifWrong: 'the second of two preferred nodes may be chosen before the first',
  },
  {
    about: 'MSCluster_ResourceGroup.GroupType',
    says: 'is 1 for the core group, 2 for available storage, 111 for a VM, 4 for a shared volume, as in the generated enumeration of the cmdlets',
    ifWrong:
      'the doctor does not see that a paused node holds the core group, and a drain leaves it there or fails to move a volume as a group',
  },
  {
    about: 'Move-ClusterGroup and Move-ClusterSharedVolume with -Wait 0',
    says: 'return at once, perhaps with ERROR_IO_PENDING (0x800703E5); a group is Pending until it is there. A storage pool moves like any group',
    ifWrong: 'a group counts as not moved although it is on its way: it is asked for again',
  },
  {
    about: 'a resource that is brought online on a paused node',
    says: 'is refused with ERROR_CLUSTER_NODE_PAUSED (0x800713CE); the documentation names the refusal and not its code',
    ifWrong: 'the start of a VM there fails with another code: it is told as something unexpected',
  },
  {
    about: 'the quorum of Windows Server 2025 when the owner of the core group is restarted',
    says: 'is lost for a minute; the support pages call it a known error with a hotfix, and name neither its length nor the update',
    ifWrong: 'nothing: the core group is moved away where it need not be',
  },
  {
    about: 'MoveTypeThreshold',
    says: 'is 2000 unless somebody set it, and counts for the moves of the auto-balancer too, as DefaultMoveType of a resource does',
    ifWrong:
      'nothing on Windows, where watari names the type of each move; in the lab a VM is saved that would have moved live',
  },
  {
    about: 'a quick migration',
    says: 'shows as a group that is Pending, without the operational status 32774, and the uptime begins anew: documented since the last restore',
    ifWrong: 'it is taken for a live one under way, and may be asked to be cancelled',
  },
  {
    about: 'MSCluster_NetworkInterface.AdapterId',
    says: 'is the InterfaceGuid of MSFT_NetAdapter with or without braces, State 3 is up, and Speed is in bits per second',
    ifWrong: 'the speed of a link is unknown, and the time that moves take is a guess',
  },
  {
    about: 'HRESULT 0x80070775 over WinRM',
    says: 'is how a locked account is told',
    ifWrong: 'a locked account is told as a refused sign-in; it is asked no more often for that',
  },
  {
    about: 'certificates of a cluster',
    says: 'sign a cluster in when all of its nodes block NTLM, or only 5986 answers; no property tells',
    ifWrong: 'the checks of NTLM and TrustedHosts are told as not checked, though they apply',
  },
  {
    about: 'event 1106 of Microsoft-Windows-Hyper-V-VMMS-Operational',
    says: 'may come at any level, and tells its code as 80070534 without 0x',
    ifWrong:
      'a VM whose maker Windows cannot name (0x80070534) fails with MoveFailed and the text of the entry',
  },
  {
    about: 'events 20415 and 20417 of Microsoft-Windows-Hyper-V-VMMS-Admin',
    says: "have the same data, in every language: the VM's name, its id, and how long it stood still in seconds, a number with a point or a comma. Recorded of 20415 in English; scripts read 20417 so",
    ifWrong: 'how long a VM stood still is not known, and `cluster tune` recommends nothing',
  },
  {
    about: 'event 20415 or 20417 of a move',
    says: 'stands in the log of one of its ends, or of both, before the group is at its target',
    ifWrong:
      'the same; were it the event of an earlier move of the VM, that would have to be younger than the look with which this one began',
  },
  {
    about: 'eventcreate.exe',
    says: 'registers a source of any name by itself, and the Event Viewer shows what it wrote as the text of the event; the documentation shows such a source, and nothing shows the viewer',
    ifWrong:
      'the channel eventlog of notify.yaml is not taken, which the log of the worker says; or the Event Viewer calls the description missing and shows the text below that',
  },
  {
    about: 'Windows Update Agent under a task of the system',
    says: 'searches, downloads and installs in Windows PowerShell as in any local process; Ansible does so, no page of Microsoft says it',
    ifWrong: 'a job ends at once with the code that the agent gives (readUpdateJob tells it)',
  },
  {
    about: 'objects of the Windows Update Agent in PowerShell',
    says: 'have the members of wuapi as properties and methods, IUpdateInstaller4.Commit among them, and lists are taken by Item and Count',
    ifWrong: 'readUpdates or a job fails at its first use and changes nothing',
  },
  {
    about: 'IsInstalled=0 of a search',
    says: 'leaves out what is installed and waits for a restart',
    ifWrong:
      'a second round installs it once more, which Windows answers with success; rounds are limited',
  },
  {
    about: 'ServicingInProgress of Component Based Servicing',
    says: 'is 2 while servicing still works after a restart, and absent, 0 or 1 otherwise, as Ansible has it',
    ifWrong: 'the check of the build begins too early and fails once, or waits to its limit',
  },
  {
    about: 'exit codes of dism.exe /Add-Package',
    says: '0 and 3010 are success, 0x80240017 and 0x00240006 nothing to do, 0x00240005 a restart; a folder is taken for its packages',
    ifWrong: 'installPackages fails with PackagesNotInstalled and the code',
  },
  {
    about: 'State of a task of Task Scheduler',
    says: 'is Running or Queued in English on every Windows while its process lives',
    ifWrong:
      'an installation under way is taken for lost, and its repeat is refused by the agent (0x80240016) until it is over',
  },
  {
    about: 'root/Microsoft/Windows/Storage/MSFT_VirtualDisk',
    says: 'has FriendlyName and HealthStatus: 0 healthy, 1 warning, 2 unhealthy, as the pages of the Storage Management API say; every node of Storage Spaces Direct sees all of them',
    ifWrong:
      'every virtual disk reads as Unknown and no node may go; or one that is not told is missed, and only Windows itself refuses maintenance mode then',
  },
  {
    about: 'root/Microsoft/Windows/Storage/MSFT_StoragePool',
    says: 'has FriendlyName, HealthStatus and IsPrimordial',
    ifWrong:
      'every pool reads as Unknown and no node may go, or a pool of no cluster holds up a node',
  },
  {
    about: 'root/Microsoft/Windows/Storage/MSFT_StorageJob',
    says: 'has Name, BytesProcessed, BytesTotal and the JobState of CIM_ConcreteJob: 5 suspended, 7 to 10 over',
    ifWrong:
      'without a JobState every job counts as under way: one that is over is waited for until a person looks',
  },
  {
    about: 'ROOT/Microsoft/Windows/Storage/MSFT_StorageScaleUnit',
    says: 'has the name of its node as FriendlyName, and "In Maintenance Mode" among OperationalStatus in English everywhere',
    ifWrong:
      'maintenance mode that pausing has set is set once more, which changes nothing; a node left in it is not seen',
  },
];
