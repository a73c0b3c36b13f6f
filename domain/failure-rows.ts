// The platform's part of the failure table: the 42 known ways in which Hyper-V and failover
// clustering fail around a live migration, with the signs that tell them apart. Read through
// failures.ts; nothing else imports this file.

/**
 * `retry`: with backoff, it passes by itself. `retry-then-operator`: the same within a budget, then
 * a person. `operator`: a person at once, trying again cannot help. `expected`: not a failure,
 * recorded as a warning.
 */
export type RetryClass = 'retry' | 'retry-then-operator' | 'operator' | 'expected';

export interface FailureRow {
  readonly class: RetryClass;
  /** What happened, as a clause that can follow "because": no full stop, no object names. */
  readonly title: string;
  /** What to do next, full sentences. */
  readonly hint: string;
  /** Number in the platform reference, where the row comes from there. */
  readonly row?: number;
  /** Each of these identifies the row. `0x` and eight upper-case digits. */
  readonly hresults?: readonly string[];
  /** Each of these identifies the row when no HRESULT does. */
  readonly eventIds?: readonly number[];
  /** Ids that the port or PowerShell gives beside the code's own name, which always counts. */
  readonly errorIds?: readonly string[];
  /** Events that come along but belong to many rows: they say where to look, they decide nothing. */
  readonly seenWith?: readonly number[];
}

/** Event 21502 "live migration failed" carries the HRESULT and says nothing without it. */
const MOVE_FAILED_EVENT = [21502] as const;

const TARGET_ROWS = {
  SwitchMissingOnTarget: {
    row: 1,
    class: 'operator',
    title: 'the target node has no virtual switch of the name that the VM is connected to',
    hint:
      'Create or rename the switch on the target node (Get-VMSwitch, New-VMSwitch), then run ' +
      'Update-ClusterVirtualMachineConfiguration for the VM and retry.',
    eventIds: [21125],
    seenWith: MOVE_FAILED_EVENT,
  },
  NotPossibleOwner: {
    row: 2,
    class: 'operator',
    title: 'the node is not a possible owner of the VM, or is not its owner any more',
    hint:
      'List the owners with Get-ClusterResource | Get-ClusterOwnerNode. Both resources of the VM ' +
      'must name the target: Set-ClusterOwnerNode -Resource NAME -Owners NODE1,NODE2. Then retry.',
    hresults: ['0x80071398'],
    seenWith: MOVE_FAILED_EVENT,
  },
  NoClusterNetwork: {
    row: 3,
    class: 'retry-then-operator',
    title: 'no cluster network leads to the target node',
    hint:
      'Check Get-ClusterNetwork and Get-ClusterNetworkInterface: at least one network that both ' +
      'nodes share must be Up, allowed for the cluster and not listed in ' +
      'MigrationExcludeNetworks. Then retry.',
    hresults: ['0x800713AB'],
    seenWith: MOVE_FAILED_EVENT,
  },
  TargetOutOfResources: {
    row: 5,
    class: 'retry-then-operator',
    title: 'the target node has too little memory or other resources for the VM',
    hint: 'Choose another node, or shrink or stop VMs on the target node, then retry.',
    hresults: ['0x800705AA'],
    seenWith: MOVE_FAILED_EVENT,
  },
  TargetOutOfMemory: {
    row: 6,
    class: 'retry-then-operator',
    title: "the target node could not set up the VM's memory",
    hint: 'Choose another node, or shrink or stop VMs on the target node, then retry.',
    hresults: ['0x8007000E'],
    seenWith: MOVE_FAILED_EVENT,
  },
  CpuFeaturesDiffer: {
    row: 11,
    class: 'operator',
    title: "the VM uses processor features that the target node's processor lacks",
    hint:
      'Shut the VM down, run Set-VMProcessor -CompatibilityForMigrationEnabled $true and start ' +
      'it again; or bring BIOS, microcode and speculation control settings of both nodes to the ' +
      'same level.',
    seenWith: MOVE_FAILED_EVENT,
  },
  HardwareIncompatible: {
    row: 12,
    class: 'operator',
    title: 'the hardware of the target node is not compatible, often an older microcode',
    hint: 'Bring firmware and microcode of both nodes to the same level, then retry.',
    seenWith: MOVE_FAILED_EVENT,
  },
  DriveLettersDiffer: {
    row: 21,
    class: 'operator',
    title: "the VM's configuration could not be registered on the target: a path was not found",
    hint:
      'Check that the system drive has the same letter on all nodes and that the configuration ' +
      'of the VM is on a cluster shared volume (Get-VM | Select-Object ConfigurationLocation), ' +
      'then retry.',
    eventIds: [20413],
  },
  DisconnectedSwitch: {
    row: 26,
    class: 'operator',
    title: 'the VM is connected to an internal or private switch, which does not reach other nodes',
    hint:
      'Connect the adapter to an external switch that every node has (Connect-VMNetworkAdapter), ' +
      'run Update-ClusterVirtualMachineConfiguration and retry.',
    seenWith: MOVE_FAILED_EVENT,
  },
  VmVersionTooNew: {
    row: 27,
    class: 'operator',
    title: "the VM's configuration version is newer than the target node supports",
    hint:
      'Compare (Get-VM).Version with Get-VMHostSupportedVersion on the target node and update ' +
      'the target to the same Windows Server version. Update-VMVersion cannot be taken back.',
    eventIds: [10698],
    seenWith: MOVE_FAILED_EVENT,
  },
} as const satisfies Record<string, FailureRow>;

const NETWORK_ROWS = {
  SocketForbidden: {
    row: 4,
    class: 'operator',
    title: 'a firewall or security product forbids the connection between the nodes',
    hint:
      'Open TCP 6600 and 3343 between the nodes (Get-NetFirewallRule), exclude vmms.exe and ' +
      'clussvc.exe in the security product, then retry.',
    hresults: ['0x8007271D'],
    seenWith: MOVE_FAILED_EVENT,
  },
  ConnectionRefused: {
    row: 8,
    class: 'retry-then-operator',
    title: 'the target node refused the migration connection: nothing listens there',
    hint:
      'On the target node check that (Get-VMHost).VirtualMachineMigrationEnabled is True and ' +
      'that TCP 6600 listens (Get-NetTCPConnection -LocalPort 6600); Enable-VMMigration turns it ' +
      'on. Then retry.',
    hresults: ['0x8007274D'],
    seenWith: MOVE_FAILED_EVENT,
  },
  ConnectionReset: {
    row: 9,
    class: 'retry',
    title: 'the connection between the nodes was reset during the transfer',
    hint: 'If it keeps happening, check cables, adapters and drivers of the migration network.',
    hresults: ['0x80072746'],
    seenWith: MOVE_FAILED_EVENT,
  },
  ConnectTimeout: {
    row: 10,
    class: 'retry-then-operator',
    title: 'the target node did not answer the migration connection in time',
    hint:
      'Check the migration network with Test-NetConnection NODE -Port 6600. If the network is ' +
      'fine, look at C:\\Windows\\System32\\GroupPolicy\\Machine\\Registry.pol: a file that does ' +
      'not begin with PReg is corrupt and must be replaced.',
    hresults: ['0x8007274C'],
    seenWith: MOVE_FAILED_EVENT,
  },
  WrongPrincipal: {
    row: 17,
    class: 'operator',
    title:
      'the target node identified itself with an unexpected name; the wrong network was chosen',
    hint:
      'Reorder or exclude networks for live migration (parameter MigrationExcludeNetworks of the ' +
      'resource type "Virtual Machine"), check that node names resolve to the right addresses, ' +
      'then retry.',
    hresults: ['0x80090322'],
  },
  NasFault: {
    row: 18,
    class: 'operator',
    title: 'the SMB storage answered with an unexpected network error',
    hint:
      'Update the firmware of the storage and check its oplock settings with its vendor, then ' +
      'retry.',
    hresults: ['0x80048054', '0x8007003B'],
  },
  ComputerNameCase: {
    row: 19,
    class: 'operator',
    title:
      'a migration over SMB failed because the computer name in the registry is not upper-case',
    hint:
      'Write the upper-case name to ComputerName under ' +
      'HKLM\\SYSTEM\\CurrentControlSet\\Control\\ComputerName\\ComputerName on that node and ' +
      'restart it.',
    // 0x8007000D comes along, and alone only means "invalid data".
    hresults: ['0x80042001'],
  },
  MoveTimeout: {
    row: 20,
    class: 'retry-then-operator',
    title: 'the live migration timed out',
    hint: 'Look at Microsoft-Windows-Hyper-V-VMMS-Admin on both nodes for what was slow, then retry.',
    hresults: ['0x800705B4'],
    seenWith: MOVE_FAILED_EVENT,
  },
  LongBlackout: {
    row: 22,
    class: 'expected',
    title: 'the move succeeded, but the VM stood still for long while it switched over',
    hint: 'Use a faster or dedicated migration network if that matters for this VM.',
    eventIds: [20417],
  },
  GuestNetworkLost: {
    row: 23,
    class: 'operator',
    title: 'the VM moved but lost its network on the new node',
    hint:
      'Check subnet, VLAN and uplink of the switch on the new node. Nothing is moved back by ' +
      "itself: that is the operator's choice.",
    // 21024 is logged for many failures, so it cannot decide.
    seenWith: [21024],
  },
} as const satisfies Record<string, FailureRow>;

const IDENTITY_ROWS = {
  ListenerDisabled: {
    row: 13,
    class: 'operator',
    title: 'the migration listener is off because local policy could not be processed',
    hint:
      'Run gpupdate /force on the node. If it fails, restore C:\\Windows\\System32\\GroupPolicy ' +
      'from a healthy node, then retry.',
    seenWith: [21502, 21024],
  },
  NoDelegatedCredentials: {
    row: 14,
    class: 'operator',
    title: 'the account that started the move has no credentials for the target node',
    hint:
      "Run the node's worker as a service under the identical local administrator account of all " +
      'nodes, not as LocalSystem, and start the move through the cluster. Then retry.',
    hresults: ['0x8009030E'],
    seenWith: MOVE_FAILED_EVENT,
  },
  CredentialsNotRecognised: {
    row: 15,
    class: 'operator',
    title: 'the target node did not recognise the credentials: account or password differ',
    hint:
      'Give the local administrator account the same name and password on every node ' +
      "(Set-LocalUser), update the worker's service, then retry.",
    hresults: ['0x8009030D'],
    seenWith: MOVE_FAILED_EVENT,
  },
  LogonRightMissing: {
    row: 16,
    class: 'operator',
    title: 'the identity "Virtual Machines" may not log on as a service on the node',
    hint:
      'Give NT VIRTUAL MACHINE\\Virtual Machines the right "Log on as a service" in the local ' +
      'security policy of the node; gpupdate /force helps for a while. Then retry.',
    hresults: ['0x80070569'],
    seenWith: MOVE_FAILED_EVENT,
  },
  KeyProtectorLocked: {
    row: 28,
    class: 'operator',
    title: "the VM's virtual TPM is sealed with certificates that the target node does not have",
    hint:
      'Export the shielding certificates (encryption and signing) of the node that created the ' +
      'VM and import them on every node, then retry.',
    seenWith: MOVE_FAILED_EVENT,
  },
  AccountNotMapped: {
    row: 31,
    class: 'operator',
    title: 'the account that created the VM cannot be resolved on the target node',
    hint:
      'Install the latest updates on all nodes. Until then move this VM by quick migration: set ' +
      'DefaultMoveType of its resource to 1 with Set-ClusterParameter, and back to 4294967295 ' +
      'afterwards.',
    hresults: ['0x80070534'],
    seenWith: [21024, 1106],
  },
  ClusterServiceBlocked: {
    row: 33,
    class: 'operator',
    title: 'the cluster service does not start: a hardening policy keeps its security package out',
    hint:
      'Set the policy AllowCustomSSPsAPs to enabled on the node, restart it if asked, then ' +
      'Start-ClusterNode and retry.',
  },
  ClusterAuthenticationFailed: {
    row: 34,
    class: 'operator',
    title: 'the nodes of the cluster could not authenticate each other',
    hint:
      'Check that the policy "Network security: Allow PKU2U authentication requests" is not ' +
      'disabled and that all nodes have the same local administrator account and the same time, ' +
      'then retry.',
    eventIds: [1570, 1571],
  },
  AccessDenied: {
    row: 39,
    class: 'operator',
    title: 'Windows refused access',
    hint:
      'Run the worker as a member of the local Administrators group, with the same account and ' +
      'password on all nodes. A node whose name or account changed must be restarted; one cloned ' +
      'without sysprep must be rebuilt.',
    hresults: ['0x80070005'],
  },
} as const satisfies Record<string, FailureRow>;

const STATE_ROWS = {
  IsoAttached: {
    row: 7,
    class: 'operator',
    title: 'a DVD image is mounted that the target node cannot read',
    hint: 'Eject it: Get-VMDvdDrive -VMName VM | Set-VMDvdDrive -Path $null. Then retry.',
    hresults: ['0xC03A0014'],
    seenWith: MOVE_FAILED_EVENT,
  },
  MigrationLimitReached: {
    row: 24,
    class: 'retry',
    title: 'all migration slots of the cluster or of a node are taken',
    hint: 'It waits for a free slot. (Get-Cluster).MaximumParallelMigrations says how many there are.',
    eventIds: [21501],
  },
  MigrationInProgress: {
    row: 25,
    class: 'retry',
    title: 'another migration of this VM is under way',
    hint: 'It waits for that one to end. Get-ClusterGroup shows the VM and its state.',
    hresults: ['0x800700AA'],
  },
  VmBusy: {
    row: 29,
    class: 'retry-then-operator',
    title: 'the VM is locked by a backup, a checkpoint or a disk merge',
    hint:
      'Wait for the backup or merge to end (Get-VM | Select-Object Name, Status). If it hangs, ' +
      'restart the backup service, then vmms, and retry.',
  },
  SavedStateUnreadable: {
    row: 30,
    class: 'operator',
    title: 'the saved state or a checkpoint of the VM cannot be read',
    hint:
      'Delete the saved state (Remove-VMSavedState) or merge the checkpoint ' +
      '(Remove-VMCheckpoint), start the VM and retry.',
    hresults: ['0xC0370027'],
  },
  MoveHangs: {
    row: 32,
    class: 'operator',
    title: 'the move hangs at one percentage or stays queued, as known of dynamic-memory VMs',
    hint:
      'Cancel it (Move-ClusterVirtualMachineRole -Cancel). On all nodes set ' +
      'SkipSmallLocalAllocations to 0 under ' +
      'HKLM\\SYSTEM\\CurrentControlSet\\Services\\Vid\\Parameters and restart them one by one, ' +
      'then retry.',
  },
  BackupAgentFreeze: {
    row: 35,
    class: 'operator',
    title: 'a backup agent that runs as a cluster role froze the node during the move',
    hint: "Take the agent's cluster role offline before moves (Stop-ClusterGroup), then retry.",
  },
  NodeQuarantined: {
    row: 36,
    class: 'retry-then-operator',
    title: 'the cluster quarantined the node because it dropped out too often',
    hint:
      'Find out why it dropped out, then run Start-ClusterNode -ClearQuarantine on it, or wait ' +
      'for the quarantine to end (two hours), and retry.',
    eventIds: [1672],
  },
  NodeOrQuorumLost: {
    row: 37,
    class: 'retry-then-operator',
    title: 'a node or the quorum was lost',
    hint:
      'Check Get-ClusterNode and the witness (Get-ClusterQuorum). Retry when the cluster is ' +
      'stable; owners are read anew.',
    eventIds: [1135, 1177],
  },
  SharedVolumePaused: {
    row: 38,
    class: 'retry-then-operator',
    title: 'a cluster shared volume is paused: its storage cannot be reached',
    hint:
      'Check the storage paths and Get-ClusterSharedVolumeState. Move nothing until it is ' +
      'Online, then retry.',
    eventIds: [5120],
  },
  NoVirtualization: {
    row: 40,
    class: 'operator',
    title: 'the processor offers no virtualization, so Hyper-V cannot be installed',
    hint:
      'Turn on virtualization and data execution prevention in the firmware. For a nested node ' +
      'run Set-VMProcessor -ExposeVirtualizationExtensions $true on its host while it is off. ' +
      'Then retry.',
  },
  SharedVhdx: {
    row: 41,
    class: 'operator',
    title: 'the VM has a shared VHDX, which a live migration does not support',
    hint: 'Detach the shared disk, move the VM and attach it again, or use a VHD set.',
  },
  FunctionShadowsCmdlet: {
    row: 42,
    class: 'operator',
    title: 'a function with the name of the migration cmdlet was called instead of the cmdlet',
    hint:
      'Get-Command Move-ClusterVirtualMachineRole -All shows it: remove the module that adds the ' +
      'function, or make sure that FailoverClusters is the module that answers. Then retry.',
  },
} as const satisfies Record<string, FailureRow>;

/** Rows 1 to 42 of the platform reference. */
export const PLATFORM_ROWS = { ...TARGET_ROWS, ...NETWORK_ROWS, ...IDENTITY_ROWS, ...STATE_ROWS };
