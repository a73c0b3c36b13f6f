// The product's own part of the failure table: what watari itself finds out while it observes,
// waits and decides. Read through failures.ts; nothing else imports this file.
import type { FailureRow } from './row.ts';

const ANSWER_ROWS = {
  OutcomeUnknown: {
    class: 'retry',
    title: 'the answer never came, so it is not known whether it was done',
    hint: 'The next attempt looks first and acts only if it is still necessary.',
  },
  NodeUnreachable: {
    class: 'retry-then-operator',
    title: 'the node did not answer',
    hint: 'Check that the node is on and that its worker runs (watari worker status on it), then retry.',
  },
  NodeNotServed: {
    class: 'operator',
    title: 'no worker of this node took the task in time',
    hint:
      'Look at the worker on the node (watari worker status), start it (watari worker start) and check ' +
      'that it uses the same cluster name, Temporal address and namespace. Then retry.',
  },
  OtherCluster: {
    class: 'retry-then-operator',
    title: 'another cluster of the same name answered',
    hint:
      'Two clusters of one name share this Temporal namespace. Give each a namespace of its own, or ' +
      'stop the workers of the other one, then retry.',
  },
  NodeDidNotReturn: {
    class: 'operator',
    title: 'the node did not come back from its restart in time',
    hint:
      "Look at the node's console. When it is up and its worker runs, retry: a node that has " +
      'restarted is not restarted again.',
  },
  RestartNotTaken: {
    class: 'retry-then-operator',
    title: 'the node answers and it is the same boot: it did not restart',
    hint:
      'Look for something that blocks the restart: a logged-on user with unsaved work, an update ' +
      'in progress, an aborted shutdown (event 1074 and 1075 in the System log). Then retry.',
  },
  NotReady: {
    class: 'retry',
    title: 'the services of the node are not up yet',
    hint: 'It waits. Get-Service vmms, ClusSvc on the node shows them.',
  },
  ClusterUnreachable: {
    class: 'retry-then-operator',
    title: 'the cluster service of the node does not answer',
    hint:
      'Check Get-Service ClusSvc and Get-ClusterNode on the node; Start-ClusterNode starts it. ' +
      'Then retry.',
    // RPC server unavailable, call failed, no endpoint: cluster cmdlets while ClusSvc is down.
    hresults: ['0x800706BA', '0x800706BE', '0x800706BF', '0x800706D9', '0x80070046'],
    errorIds: ['ClusterEndpointNotRegistered', 'ClusterRpcConnection'],
  },
  HyperVMissing: {
    class: 'operator',
    title: 'the Hyper-V role is not installed on the node, or waits for a restart',
    hint:
      'Let watari prepare the node: watari cluster apply. By hand: Install-WindowsFeature ' +
      'Hyper-V, then a restart.',
  },
  HyperVNotReady: {
    class: 'retry',
    title: 'the Hyper-V service of the node does not run yet',
    hint: 'It starts some time after the machine. Get-Service vmms shows it, Start-Service vmms starts it.',
  },
  NotAllowedHere: {
    class: 'operator',
    title: 'the worker of the node was started without the permission for this',
    hint:
      'Start the worker on that node with --allow (watari worker start --help lists the ' +
      'permissions) or without --read-only, then retry. Or skip the step and do it by hand.',
  },
} as const satisfies Record<string, FailureRow>;

const OBJECT_ROWS = {
  DiskMissing: {
    class: 'operator',
    title: "the VM's virtual disk is not there",
    hint:
      'Copy the VHDX to that path on the cluster shared volume, or correct vhd in cluster.yaml. ' +
      'Then retry.',
  },
  DiskInUse: {
    class: 'retry-then-operator',
    title: "the VM's virtual disk is used by something else",
    hint:
      'Find the VM or backup that holds it (Get-VM | Get-VMHardDiskDrive on each node) and ' +
      'release it, then retry.',
    // Sharing violation.
    hresults: ['0x80070020'],
  },
  SwitchMissing: {
    class: 'operator',
    title: 'the node has no virtual switch of that name',
    hint:
      'Create it with the same name on every node (New-VMSwitch -Name NAME -NetAdapterName ' +
      'ADAPTER), or correct switch in cluster.yaml. Then retry.',
  },
  AmbiguousVm: {
    class: 'operator',
    title: 'several VMs have that name',
    hint:
      'Names must tell VMs apart. Rename all but one (Rename-VM; Get-VM shows their ids), then ' +
      'retry.',
  },
  VmNotFound: {
    class: 'operator',
    title: 'there is no VM of that name',
    hint: 'List the VMs with watari cluster show. Correct the name, or create the VM, then retry.',
  },
  RoleMissing: {
    class: 'operator',
    title: 'the VM is not a role of the cluster',
    hint:
      'Add it with Add-ClusterVirtualMachineRole, or name it in cluster.yaml and run watari ' +
      'cluster apply.',
  },
  VmNotRunning: {
    class: 'operator',
    title: 'the VM is not running, so there is nothing to migrate live',
    hint: 'Start it with Start-ClusterGroup and see why it was off, then retry.',
  },
} as const satisfies Record<string, FailureRow>;

const MOVE_ROWS = {
  NodeNotReady: {
    class: 'operator',
    title: 'the node is back, but its services or its membership in the cluster are not',
    hint:
      'Look at the services with Get-Service vmms, ClusSvc and at Get-ClusterNode on the node, and ' +
      'at its System event log. A ClusSvc that never starts is often kept out by the policy ' +
      'AllowCustomSSPsAPs: watari cluster doctor tells. Retry when the node is Up.',
  },
  NodePaused: {
    class: 'operator',
    title: 'the node is paused in the cluster, and not by this run',
    hint: 'Resume it (Resume-ClusterNode -Name NODE -Failback NoFailback) when it may hold VMs, then retry.',
  },
  FeatureReverted: {
    class: 'operator',
    title: 'Windows took the installation of a feature back while it restarted',
    hint:
      'Look at C:\\Windows\\Logs\\CBS\\CBS.log and the Setup event log on the node and remove the ' +
      'cause. Retry installs the feature again and agrees to one more restart.',
  },
  RestartStillOwed: {
    class: 'operator',
    title: 'the node has restarted, and Windows wants one more restart',
    hint:
      'Windows may be installing updates too: look at its settings of updates and at the Setup event ' +
      'log. Retry agrees to one more restart.',
  },
  TargetNodeDown: {
    class: 'retry-then-operator',
    title: 'the target node is down',
    hint: 'Bring the node up (Get-ClusterNode, Start-ClusterNode), or choose another one, then retry.',
    // ERROR_CLUSTER_NODE_DOWN
    hresults: ['0x800713BA'],
  },
  TargetNodePaused: {
    class: 'operator',
    title: 'the target node is paused and takes no VMs',
    hint: 'Resume it (Resume-ClusterNode -Name NODE -Failback NoFailback), or choose another node.',
    // ERROR_CLUSTER_NODE_PAUSED
    hresults: ['0x800713CE'],
  },
  WindowsTooOld: {
    class: 'operator',
    title: 'the Windows of a node lacks what the step sets',
    hint:
      'MaximumParallelMigrations came with Windows Server 2025, and the cluster has it once all ' +
      'nodes do. Until then let simultaneousMigrations of cluster.yaml be 1, or skip the step.',
  },
  RoleNameTaken: {
    class: 'operator',
    title: 'the cluster already has a role of this name, for another VM',
    hint: 'Look at it with Get-ClusterGroup, rename one of the two, then retry.',
    // ERROR_OBJECT_ALREADY_EXISTS
    hresults: ['0x80071392'],
  },
  VmNotOurs: {
    class: 'operator',
    title: 'the VM was not made by this run, so this run does not remove it',
    hint: 'Remove it by hand if you want it gone: its notes name the run that made it.',
  },
  VmClustered: {
    class: 'operator',
    title: 'the VM is still a cluster role and cannot be removed',
    hint: 'Remove the role first (Remove-ClusterGroup -VMId ID -RemoveResources), then retry.',
  },
  VmNotOff: {
    class: 'operator',
    title: 'the VM is neither off nor saved and cannot be removed',
    hint: 'Shut it down or save it first, then retry.',
  },
  NoEligibleNode: {
    class: 'operator',
    title: 'no node can take the VM',
    hint: 'The reasons are listed for every node. Remove one of them, then retry.',
  },
  TargetNotEligible: {
    class: 'operator',
    title: 'the chosen node cannot take the VM',
    hint: 'The reasons are listed. Remove them or choose another node, then retry.',
  },
  MoveFailed: {
    class: 'retry-then-operator',
    title: 'the live migration failed and the cluster names no cause',
    hint:
      'Look at Microsoft-Windows-Hyper-V-VMMS-Admin and ' +
      'Microsoft-Windows-FailoverClustering/Operational on both nodes (Get-WinEvent); the cause ' +
      'is often logged on the target. Then retry.',
    hresults: ['0x80004005'],
  },
  MoveFailedWithCode: {
    class: 'retry-then-operator',
    title: 'the live migration failed with a code for which watari has no advice of its own',
    hint:
      'The message says what Windows says of the code. Mend that, then retry. The whole entries are ' +
      'in the evidence of the step: watari run show RUN --json.',
  },
  MoveStalled: {
    class: 'operator',
    title: 'the live migration makes no progress',
    hint:
      'The move is still under way. Check the migration network, or cancel it with ' +
      'Move-ClusterVirtualMachineRole -Cancel. Retry goes on with the move if it still runs and ' +
      'starts a new one if not. If VMs with dynamic memory hang again and again, set ' +
      'SkipSmallLocalAllocations to 0 under HKLM\\SYSTEM\\CurrentControlSet\\Services\\Vid\\Parameters ' +
      'on all nodes and restart them one by one.',
  },
  MoveCancelled: {
    class: 'operator',
    title: 'somebody cancelled the live migration',
    hint: 'The VM still runs where it was. Retry starts the move again.',
  },
  MovedElsewhere: {
    class: 'operator',
    title: 'the VM is on another node than the chosen one',
    hint:
      'The cluster or another person moved it meanwhile; AutoBalancerMode of Get-Cluster tells ' +
      'whether the cluster moves VMs by itself. Retry moves it to the chosen node; abort leaves ' +
      'it where it is.',
  },
  VmRestarted: {
    class: 'operator',
    title: 'the VM restarted during the move, so it was not a live migration',
    hint:
      'Its users were interrupted. Look at the System log of the VM and at ' +
      'Microsoft-Windows-Hyper-V-Worker-Admin on both nodes before moving more VMs.',
  },
} as const satisfies Record<string, FailureRow>;

const RUN_ROWS = {
  AlreadyRunning: {
    class: 'operator',
    title: 'another run is already doing this',
    hint: 'Watch it with: watari run watch RUN. Retry when it has ended.',
  },
  SlotsBusy: {
    class: 'retry-then-operator',
    title: 'no migration slot became free in time',
    hint:
      'Other moves hold them: watari run list. Wait for them, or raise simultaneousMigrations in ' +
      'cluster.yaml, then retry.',
  },
  QuorumAtRisk: {
    class: 'operator',
    title: 'the cluster would lose its quorum if this node restarted now',
    hint:
      'Bring the other nodes and the witness up first (Get-ClusterNode, Get-ClusterQuorum), then ' +
      'retry.',
  },
  NodeNotDrained: {
    class: 'operator',
    title: 'the node still holds running VMs and is not restarted',
    hint: 'Move or shut down the VMs named in the message, then retry.',
  },
  RestartNeedsConsent: {
    class: 'operator',
    title: 'the node must restart and nobody has agreed to that yet',
    hint: 'Retry agrees to the restart; abort ends the run and leaves the node as it is.',
  },
  SettingsNotKept: {
    class: 'retry-then-operator',
    title: 'a setting was made but reads back differently',
    hint:
      'Something else sets it: the cluster copies MaximumParallelMigrations to its nodes, and ' +
      'management tools may too. Find it, then retry.',
  },
  ChildFailed: {
    class: 'operator',
    title: 'the run that does this step failed',
    hint: 'See what happened there: watari run show RUN. Retry starts it again.',
  },
  Aborted: {
    class: 'operator',
    title: 'a person aborted the run',
    hint:
      'What it had made was undone where that is possible; the steps say what. Start it again ' +
      'when ready.',
  },
  Cancelled: {
    class: 'operator',
    title: 'the run was cancelled',
    hint: 'Nothing more is done. Start it again; what is already done is found and kept.',
  },
  BadRequest: {
    class: 'operator',
    title: 'the request makes no sense as it is',
    // A feature that Windows does not know.
    errorIds: ['NameDoesNotExist'],
    hint: 'Correct what the message names and start it again.',
  },
  Unexpected: {
    class: 'operator',
    title: 'something failed in a way that watari does not know',
    hint:
      'Read the message and the event logs of the node. Retry is safe: every step looks before ' +
      'it acts.',
  },
} as const satisfies Record<string, FailureRow>;

/** What stands between watari and Windows on a node: PowerShell, its modules, and two answers of Windows itself. */
const POWERSHELL_ROWS = {
  PowerShellUnavailable: {
    class: 'retry-then-operator',
    title: 'no PowerShell of the node could be asked, so nothing was done',
    hint:
      'The message says why: none was found, it does not start, a policy forbids the module, or ' +
      'all were busy. docs/powershell.md says what to do about each. Then retry.',
  },
  ModuleMissing: {
    class: 'operator',
    title: 'the PowerShell of the node lacks a module of Windows',
    hint:
      'On the node run Install-WindowsFeature RSAT-Clustering-PowerShell, Hyper-V-PowerShell, see ' +
      'with Get-Module -ListAvailable that both are there, then retry.',
  },
  BadAnswer: {
    class: 'retry-then-operator',
    title: 'the answer of the PowerShell module is not understood',
    hint:
      "The message names what was wrong with it. See that the node's watari is one whole " +
      'installation of the same version as on the other nodes, restart its worker and retry: every ' +
      'step looks before it acts, so one that was done after all is not done twice.',
  },
  FeatureInstallFailed: {
    class: 'retry-then-operator',
    title: 'Windows did not install the features',
    // Of Install-WindowsFeature: another restart is owed, a source is missing, it took too long.
    errorIds: [
      'FeatureMessageDetail',
      'DISMAPI_Error__Failed_To_Enable_Updates',
      'DISMAPI_Error__Cbs_Download_Failure',
      'GetAlterationState__CallCycleTimeout',
    ],
    hint:
      'Look at the exit code in the message, the Setup event log and ' +
      'C:\\Windows\\Logs\\CBS\\CBS.log on the node: often a restart is owed, an update is being ' +
      'installed, or the source of a removed feature is missing (Install-WindowsFeature -Source). ' +
      'Then retry.',
  },
  RestartRefused: {
    class: 'retry-then-operator',
    title: 'Windows refused to restart the node',
    hint:
      'The message has the code of Win32ShutdownTracker: 5 and 1314 mean that the account of the ' +
      'worker lacks the right to shut the system down. Give it that right, or restart the node ' +
      'by hand (Restart-Computer) and retry: a node that has restarted is not restarted again.',
  },
} as const satisfies Record<string, FailureRow>;

export const PRODUCT_FAILURE_ROWS = {
  ...ANSWER_ROWS,
  ...POWERSHELL_ROWS,
  ...OBJECT_ROWS,
  ...MOVE_ROWS,
  ...RUN_ROWS,
};
