// Part of the failure table: how accounts, policies and the state of VMs and nodes fail a step.
// `row` counts the known failures of the platform, 1 to 42. Read through failures.ts only.
import { MOVE_FAILED_EVENT, type FailureRow } from './row.ts';

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
    // Of Install-WindowsFeature; why stands in its text only, in the language of Windows.
    errorIds: ['Alteration_PrerequisiteCheck_Failed'],
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

export const NODE_FAILURE_ROWS = { ...IDENTITY_ROWS, ...STATE_ROWS };
