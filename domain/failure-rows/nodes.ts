// Part of the failure table: how accounts, policies and the state of VMs and nodes fail a step.
// `row` counts the known failures of the platform, 1 to 42. Read through failures.ts only.
import { MOVE_FAILED_EVENT, type FailureRow } from './row.ts';

const IDENTITY_ROWS = {
  ListenerDisabled: {
    row: 13,
    class: 'operator',
    title:
      'the migration listener of the target node does not listen on the address that it should',
    hint:
      'On the target check (Get-VMHost).VirtualMachineMigrationEnabled and Get-ClusterNetworkInterface; ' +
      'run gpupdate /force there. If that fails, restore C:\\Windows\\System32\\GroupPolicy from a ' +
      'healthy node. Then retry.',
    eventIds: [21141],
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
  SignInRefused: {
    class: 'operator',
    title: "Windows does not let the worker's account sign in at the other node",
    hint:
      'Do not retry before the account is in order: each try counts towards a lockout. Give the ' +
      'account the same name and password on every node (Set-LocalUser) and the workers the same ' +
      '(watari worker install --new-password); if the code says locked, disabled, expired or ' +
      'restricted, mend that (net user NAME). Then retry.',
    // Logon failure, restriction, hours, workstation, expired, disabled, account expired, must change, locked out; then
    // the same as NTSTATUS and SEC_E_LOGON_DENIED.
    hresults: [
      ...['0x8007052E', '0x8007052F', '0x80070530', '0x80070531', '0x80070532', '0x80070533'],
      ...['0x80070701', '0x80070773', '0x80070775', '0xC000006D', '0xC000006E', '0xC000006F'],
      ...['0xC0000070', '0xC0000071', '0xC0000072', '0xC0000193', '0xC0000224', '0xC0000234'],
      '0x8009030C',
    ],
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
    // Microsoft documents it for the limit alone, but its text is free.
    hintEventIds: [21501],
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
  RoleStateWrong: {
    class: 'retry-then-operator',
    title: 'the role or its VM is in a state in which Windows does not do this',
    hint:
      'Look at the role (Get-ClusterGroup, Get-ClusterResource) and at the VM (Get-VM | ' +
      'Select-Object Name, State, Status). Retry when both are what they should be.',
    // ERROR_INVALID_STATE
    hresults: ['0x8007139F'],
  },
  SeveralVmsInRole: {
    class: 'operator',
    title: 'the role holds several VMs, and such a role is not migrated live',
    hint:
      'See them with Get-ClusterResource, and give each VM a role of its own ' +
      '(Add-ClusterVirtualMachineRole), then retry.',
    eventIds: [21124],
  },
  NotRestoredAtSource: {
    class: 'operator',
    title: 'the move failed and the VM could not be restored on the node where it was',
    hint:
      'See whether the VM still runs and where (Get-ClusterGroup, Get-VM on both nodes) before ' +
      'anything else; Start-ClusterGroup brings it back. Then retry.',
    eventIds: [21131],
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
  VmRunning: {
    class: 'operator',
    title: 'the VM runs, and moving its group would save it: its clients would lose it',
    hint: 'Move it live (watari vm migrate VM), or save it or shut it down first, then retry.',
  },
  GroupMissing: {
    class: 'operator',
    title: 'the cluster has no group or shared volume of that name',
    hint: 'List them with Get-ClusterGroup and Get-ClusterSharedVolume: it was removed or renamed. Then retry.',
  },
  GroupStays: {
    class: 'retry-then-operator',
    title: 'a group or a shared volume did not leave its node in time',
    hint:
      'Look at it with Get-ClusterGroup and at the System event log of both nodes: a resource of it ' +
      'may not stop, or not start on the other node. Move it with Move-ClusterGroup, then retry.',
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
} as const satisfies Record<string, FailureRow>;

export const NODE_FAILURE_ROWS = { ...IDENTITY_ROWS, ...STATE_ROWS };
