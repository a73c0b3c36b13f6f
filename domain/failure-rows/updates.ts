// Part of the failure table: how updates of Windows fail. Codes of the Windows Update Agent (win32, wua_sdk: success
// and error codes, networking error codes), sorted by what helps. Read through failures.ts only.
import type { FailureRow } from './row.ts';

export const UPDATE_FAILURE_ROWS = {
  UpdatesBusy: {
    class: 'retry',
    title: 'another search, download or installation of updates is under way on the node',
    hint: 'It waits. If it never ends: Get-WindowsUpdateLog, and Get-Service wuauserv, TrustedInstaller.',
    // In progress; not allowed now, or a restart is owed first.
    hresults: ['0x80240009', '0x80240016'],
  },
  UpdateAgentNotReady: {
    class: 'retry',
    title: 'the Windows Update Agent of the node is not ready: it updates itself or is stopping',
    hint: 'It waits. Get-Service wuauserv on the node shows it.',
    hresults: ['0x8024001B', '0x8024001E', '0x8007045B'],
  },
  UpdateServerNotReached: {
    class: 'retry-then-operator',
    title: 'the node did not reach its source of updates, or that did not answer properly',
    hint:
      'Check on the node which source it has (policy WUServer, or Microsoft), that the name resolves, ' +
      'and the proxy of the system: netsh winhttp show proxy. Then retry.',
    // No connection, time-out, download failed, cut off; HTTP 408, 500, 502, 503, 504; name; WinHTTP's time-out.
    hresults: [
      ...['0x8024001F', '0x80240021', '0x80240034', '0x80240063', '0x8024401C', '0x8024401F'],
      ...['0x80244021', '0x80244022', '0x80244023', '0x8024402C', '0x80072EE2'],
    ],
  },
  UpdateDownloadAgain: {
    class: 'retry-then-operator',
    title: 'the downloaded files of an update cannot be used and have to be downloaded again',
    hint: 'The next attempt downloads them again.',
    hresults: ['0x8024200D'],
  },
  UpdateNotApplicable: {
    class: 'retry-then-operator',
    title: 'an update is not applicable to the node any more',
    hint: 'The next attempt searches again and goes by what is offered then.',
    hresults: ['0x80240055', '0x80240017', '0x80240024'],
  },
  UpdateOutcomeOpen: {
    class: 'operator',
    title: 'Windows does not know whether an update is in',
    hint: 'Compare the build of the node with that of the others (winver), then retry: it is searched again.',
    hresults: ['0x80242015', '0x00242015'],
  },
  UpdateSourceRefuses: {
    class: 'operator',
    title: 'the source of updates of the node refuses what it is asked',
    hint:
      'Check the policy WUServer of the node, its certificate and its proxy (netsh winhttp show proxy), ' +
      'and whether the update is approved there. Then retry.',
    // HTTP 400, 401, 403, 404, proxy login; metadata; unknown service; an old server; not approved.
    hresults: [
      ...['0x80244016', '0x80244017', '0x80244018', '0x80244019', '0x8024401B', '0x8024001D'],
      ...['0x8024000F', '0x80240042', '0x8024002B', '0x80240062'],
    ],
  },
  UpdatesForbidden: {
    class: 'operator',
    title: 'a policy or the rights of the account forbid updates on the node',
    hint:
      'Look at HKLM\\SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate, and run the worker as an ' +
      'administrator. Then retry.',
    hresults: ['0x80240025', '0x8024002E', '0x8024002F', '0x80240044'],
  },
  UpdateNeedsPerson: {
    class: 'operator',
    title: 'an update cannot be installed without a person at the node',
    hint: 'Install it at the node by hand, or leave it out with --not-kb. Then retry.',
    hresults: ['0x80240020', '0x80240019', '0x8024004A'],
  },
  UpdateTermsOpen: {
    class: 'operator',
    title: 'the licence terms of an update were not accepted',
    hint: 'Read them, and allow it once for the whole cluster; or leave it out with --not-kb. Then retry.',
    hresults: ['0x80240023'],
  },
  UpdateCriteriaRefused: {
    class: 'operator',
    title: 'Windows Update does not take the criteria of the search',
    hint:
      'Correct --query. What may stand there: IUpdateSearcher.Search, for example ' +
      `"IsInstalled=0 and Type='Software' and IsHidden=0".`,
    hresults: ['0x80240032'],
  },
  UpdatesFailed: {
    class: 'retry-then-operator',
    title: 'updates could not be installed',
    hint:
      'Look at C:\\Windows\\Logs\\CBS\\CBS.log of the node and at the entries of WindowsUpdateClient in its ' +
      'System log. Mend it (dism /Online /Cleanup-Image /RestoreHealth) or leave the update out. Then retry.',
    // All of them; a fatal error of the installer.
    hresults: ['0x80240022', '0x80070643'],
  },
  UpdateJobLost: {
    class: 'retry-then-operator',
    title: 'the process that downloads or installs updates ended before its work did',
    hint: 'The next attempt searches again and starts a new one.',
  },
  UpdatesStandStill: {
    class: 'operator',
    title: 'updates get no further on the node',
    hint:
      'Look at the node: TiWorker and TrustedInstaller in the Task Manager, CBS.log. Then retry, which goes on ' +
      'waiting for what is under way.',
  },
  UpdatesRolledBack: {
    class: 'operator',
    title: 'Windows took updates back at the restart that was to finish them',
    hint:
      'Look at C:\\Windows\\Logs\\CBS\\CBS.log of the node (dism /Online /Cleanup-Image /RestoreHealth). Then retry ' +
      'to install them once more, or skip: the node goes on without them.',
  },
  UpdatesRemain: {
    class: 'operator',
    title: 'the node is offered updates again and again',
    hint: 'Retry for one more round, or skip: the node goes on without what is left, and the record says so.',
  },
  BuildNotExpected: {
    class: 'operator',
    title: 'the node has an older build after its updates than others of its cluster',
    hint:
      'Something kept the cumulative update out: a feature that waits for its removal, or another source of ' +
      'updates. Compare winver and watari node scan, mend it, then retry; or skip, and it is left as it is.',
  },
  StorageNotHealthy: {
    class: 'retry-then-operator',
    title: 'the storage of the cluster is not whole, so no node may go',
    hint:
      'Look at Get-VirtualDisk and Get-StorageJob, and for nodes that are away or whose drives are in maintenance ' +
      'mode. Then retry.',
  },
  RepairsStandStill: {
    class: 'operator',
    title: 'the repairs of the storage do not get on',
    hint:
      'Look at Get-StorageJob. When only suspended ones are left, start Repair-VirtualDisk. Then retry, which goes on ' +
      'waiting.',
  },
  PackagesNotInstalled: {
    class: 'operator',
    title: 'DISM did not install the packages of the folder',
    hint:
      'Look at C:\\Windows\\Logs\\DISM\\dism.log of the node. A cumulative update and the checkpoint ' +
      'updates that it stands on must lie in one folder. Then retry.',
  },
} as const satisfies Record<string, FailureRow>;
