// Part of the failure table: how a move fails because of the target node or of the network between.
// `row` counts the known failures of the platform, 1 to 42. Read through failures.ts only.
import { MOVE_FAILED_EVENT, type FailureRow } from './row.ts';

const TARGET_ROWS = {
  SwitchMissingOnTarget: {
    row: 1,
    class: 'operator',
    title: 'the target node has no virtual switch of the name that the VM is connected to',
    hint:
      'Create or rename the switch on the target node (Get-VMSwitch, New-VMSwitch), then run ' +
      'Update-ClusterVirtualMachineConfiguration for the VM and retry.',
    eventIds: [21159],
    // "The configuration could not be set up at the destination": a switch is the usual reason, not the only one.
    hintEventIds: [21125],
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
    eventIds: [21126],
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
    title:
      "the VM uses processor features or mitigations that the target node's processor does not offer",
    hint:
      'Bring BIOS, microcode and speculation control settings of both nodes to the same level: a ' +
      'difference counts in compatibility mode too. Where the processors themselves differ, shut ' +
      'the VM down, run Set-VMProcessor -CompatibilityForMigrationEnabled $true and start it again.',
    alsoHresults: ['0x80048054'],
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
    title:
      'the switch of the VM is internal, private or disconnected there and reaches no other node',
    hint:
      'Connect the adapter to an external switch that every node has (Connect-VMNetworkAdapter), ' +
      'run Update-ClusterVirtualMachineConfiguration and retry.',
    eventIds: [21145],
    seenWith: MOVE_FAILED_EVENT,
  },
  SwitchBound: {
    class: 'operator',
    title: 'the VM depends on a virtual switch of its node and cannot leave it',
    hint:
      'See with Get-VMNetworkAdapter which switch each adapter is connected to, connect it to one ' +
      'that every node has (Connect-VMNetworkAdapter), then retry.',
    eventIds: [21158],
  },
  LeftoverOfVm: {
    class: 'operator',
    title: 'something of this VM is on the node already, often left over from an earlier move',
    hint:
      'On that node look with Get-VM for a VM of the same name or id that Get-ClusterGroup does not ' +
      'show there, and at its folders on the shared volume. Take away what is left over, never ' +
      'what runs, then retry.',
    // ERROR_ALREADY_EXISTS
    hresults: ['0x800700B7'],
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
} as const satisfies Record<string, FailureRow>;

export const MOVE_FAILURE_ROWS = { ...TARGET_ROWS, ...NETWORK_ROWS };
