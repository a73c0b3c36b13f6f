// Checks of how each Windows was set up: version, updates, workgroup, policies, clock. Only ever read.
import { blocker, namesOf, perNode, orFine, prose, quoted, warning, type Check } from '../check.ts';
import { alike, each, newest, usual } from '../looks.ts';
import { signInMode, unlessCertificates } from '../sign-ins.ts';
import { peers, setups, setupsWith, views, type DoctorView, type Of } from '../view.ts';

const WORKGROUP = 'Microsoft: create-workgroup-cluster';

/** Drained first: roles of a node that restarts with them are saved, not moved. */
const restart = (node: string): string[] => [
  `Suspend-ClusterNode -Name ${quoted(node)} -Drain -Wait`,
  'Restart-Computer',
  prose('When it is back:'),
  `Resume-ClusterNode -Name ${quoted(node)} -Failback NoFailback`,
];

const VERSIONS: readonly Check[] = [
  {
    id: 'os-version',
    group: 'windows',
    title: 'All nodes run the same version of Windows Server',
    blocks: 'they do not',
    warns: null,
    source: WORKGROUP,
    look: alike(views, {
      pick: ({ host }) => host.osVersion,
      model: newest,
      say: ({ host }, node, latest) =>
        blocker(
          node,
          `Windows ${host.osVersion}; others have ${latest}`,
          prose(
            `Bring ${node} to the version of the others: a newer VM does not run on an older Windows.`,
          ),
        ),
      fine: (latest) => `Windows ${latest}`,
    }),
  },
  {
    id: 'update-level',
    group: 'windows',
    title: 'All nodes have the same monthly update',
    blocks: null,
    warns: 'they do not; while nodes are patched one by one this is so for a while',
    source: 'Microsoft: hyper-v-virtual-machine-live-migration, checklist',
    look: alike(setups, {
      pick: (s) => s.updateRevision,
      model: (revisions) => Math.max(...revisions),
      say: ({ updateRevision }, node, latest) =>
        warning(node, `update revision ${updateRevision}; others have ${latest}`, [
          prose('Install the updates that the others have (sconfig, "Install updates"):'),
          'sconfig',
        ]),
      fine: (latest) => `revision ${latest}`,
    }),
  },
  {
    id: 'pending-restart',
    group: 'windows',
    title: 'No node owes a restart',
    blocks: null,
    warns: 'Windows waits for one: VMs that come to that node will soon move again',
    source: 'Windows: Component Based Servicing, Windows Update',
    look: each(
      views,
      ({ host }, node) =>
        host.pendingRestart ? warning(node, 'Windows owes a restart', restart(node)) : [],
      'none',
    ),
  },
];

const MEMBERSHIP: readonly Check[] = [
  {
    id: 'workgroup',
    group: 'windows',
    title: 'All nodes are in a workgroup, none in a domain',
    blocks: 'a node is in a domain',
    warns: null,
    source: WORKGROUP,
    look: each(
      setups,
      ({ domain }, node) =>
        domain === null
          ? []
          : blocker(node, `it is in the domain ${domain}`, [
              prose(
                'A node that was in a domain must leave it and get a new name, before it joins the cluster:',
              ),
              `Remove-Computer -WorkgroupName 'WORKGROUP'`,
              'Rename-Computer -NewName NEWNAME',
              'Restart-Computer',
            ]),
      (all) => perNode(all, (s) => `workgroup ${s.workgroup ?? ''}`),
    ),
  },
  {
    id: 'dns-suffix',
    group: 'windows',
    title: 'All nodes have the same primary DNS suffix',
    blocks: 'a node has none, or another one',
    warns: null,
    source: WORKGROUP,
    look: alike(setups, {
      pick: (s) => s.dnsSuffix.toLowerCase(),
      model: (suffixes) => usual(suffixes.filter((suffix) => suffix !== '')),
      say({ dnsSuffix }, node, common) {
        const key = `'HKLM:\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters'`;
        const wanted = common === undefined ? 'SUFFIX' : quoted(common);
        return blocker(
          node,
          dnsSuffix === ''
            ? 'it has no primary DNS suffix'
            : `${dnsSuffix}; others have ${common ?? ''}`,
          [
            `Set-ItemProperty ${key} -Name 'NV Domain' -Value ${wanted}`,
            `Set-ItemProperty ${key} -Name 'Domain' -Value ${wanted}`,
            prose('It counts after a restart:'),
            ...restart(node),
          ],
        );
      },
      fine: (common) => common ?? '',
    }),
  },
];

const BACK_BY_POLICY = prose('Correct it in the local group policy too, or it comes back.');

const POLICIES: readonly Check[] = [
  {
    id: 'pku2u',
    group: 'windows',
    title: 'PKU2U authentication is not forbidden',
    blocks: 'the policy is disabled: nodes prove who they are with it',
    warns: null,
    source: 'Microsoft: network-security-allow-pku2u-authentication-requests',
    unless: unlessCertificates,
    look: each(
      setups,
      ({ policies }, node) =>
        policies.allowPku2u === 0
          ? blocker(
              node,
              'the policy "Allow PKU2U authentication requests" is disabled (AllowOnlineID is 0)',
              [
                `Set-ItemProperty 'HKLM:\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\pku2u' -Name 'AllowOnlineID' -Value 1`,
                BACK_BY_POLICY,
              ],
            )
          : [],
      'no node forbids it',
    ),
  },
  {
    id: 'custom-ssps',
    group: 'windows',
    title: 'The security package of the cluster may load',
    blocks: 'AllowCustomSSPsAPs is 0: the cluster service does not start again after a restart',
    warns: null,
    source: 'Microsoft: cluster-service-doesnt-start-after-hardening',
    look: each(
      setups,
      ({ policies }, node) =>
        policies.allowCustomSspsAps === 0
          ? blocker(node, 'the policy AllowCustomSSPsAPs is 0, as the CIS benchmark 1.x sets it', [
              `Set-ItemProperty 'HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\System' -Name 'AllowCustomSSPsAPs' -Value 1`,
              BACK_BY_POLICY,
            ])
          : [],
      'no node forbids it',
    ),
  },
  {
    id: 'ntlm',
    group: 'windows',
    title: 'The SMB client may use NTLM',
    blocks: 'NTLM is blocked: local accounts sign in with it',
    warns: null,
    source: 'Microsoft: whats-new-windows-server-2025, SMB NTLM blocking',
    unless: unlessCertificates,
    look: each(
      setups,
      ({ policies }, node) =>
        policies.blockNtlm === true
          ? blocker(
              node,
              'the SMB client blocks NTLM',
              'Set-SmbClientConfiguration -BlockNTLM $false -Force',
            )
          : [],
      'no node blocks it',
    ),
  },
  {
    id: 'vm-rights',
    group: 'windows',
    title: 'Virtual machines have the user rights that they need',
    blocks:
      '"Log on as a service" or "Create symbolic links" was taken from NT VIRTUAL MACHINE\\Virtual Machines',
    warns: null,
    source: 'Microsoft: starting-or-live-migrating-hyper-v-vms-fails (0x80070569)',
    look: each(
      setups,
      ({ policies: { virtualMachineRights: rights } }, node) => {
        const lacking = [
          ...(rights?.logOnAsService === false ? ['"Log on as a service"'] : []),
          ...(rights?.createSymbolicLinks === false ? ['"Create symbolic links"'] : []),
        ];
        if (lacking.length === 0) return [];
        return blocker(
          node,
          `NT VIRTUAL MACHINE\\Virtual Machines lacks ${lacking.join(' and ')}`,
          [
            prose(
              'secpol.msc, Local Policies, User Rights Assignment: add NT VIRTUAL MACHINE\\Virtual Machines. Then:',
            ),
            'gpupdate /force',
          ],
        );
      },
      (all) => {
        const unknown = all.filter(({ facts }) => facts.policies.virtualMachineRights === null);
        return unknown.length === 0 ? 'they have' : `not told by ${namesOf(unknown)}`;
      },
    ),
  },
  {
    id: 'credential-guard',
    group: 'windows',
    title: 'Credential Guard does not stand between nodes',
    blocks: null,
    warns:
      'it runs: live migration with CredSSP fails from such a node; whether that of a workgroup does is not known',
    source:
      'Microsoft: credential-guard/considerations-known-issues; Win32_DeviceGuard.SecurityServicesRunning',
    look: each(
      (v) => setupsWith('security')(v).filter(({ facts }) => facts.credentialGuard !== null),
      ({ credentialGuard }, node) =>
        credentialGuard === true
          ? warning(node, 'Credential Guard runs: live migrations from it may fail', [
              prose(
                'Leave it on, and move one VM that may wait from this node, to see whether it can:',
              ),
              'watari vm migrate NAME',
            ])
          : [],
      'it does not run',
    ),
  },
  {
    id: 'automatic-updates',
    group: 'windows',
    title: 'No node installs updates and restarts by itself',
    blocks: null,
    warns: 'no policy forbids it: NoAutoUpdate is not 1, and AUOptions is neither 2 nor 3',
    source:
      'Microsoft: cluster-aware-updating-requirements; waas-restart (NoAutoUpdate, AUOptions)',
    look: each(
      setupsWith('automaticUpdates'),
      ({ off, option }, node) => {
        if (off === 1 || option === 2 || option === 3) return [];
        const seen = `nothing keeps Windows from updating and restarting by itself, with its VMs: NoAutoUpdate is ${off ?? 'not set'}, AUOptions ${option ?? 'not set'}`;
        return warning(node, seen, [
          `$au = 'HKLM:\\SOFTWARE\\Policies\\Microsoft\\Windows\\WindowsUpdate\\AU'`,
          'New-Item $au -Force | Out-Null',
          `New-ItemProperty $au -Name 'NoAutoUpdate' -PropertyType DWord -Value 1 -Force`,
        ]);
      },
      'none',
    ),
  },
];

/** Kerberos and certificates give up at five minutes; below a few seconds nothing notices. */
const SKEW_SECONDS = { warning: 5, blocker: 300 } as const;

/** Clock of each node against the first one's, as far as nodes could ask each other. */
function clocks(v: DoctorView): Of<number>[] {
  const askers = peers(v);
  const reference = askers[0];
  if (reference === undefined) return [];
  const ahead = new Map([[reference.node.toLowerCase(), { node: reference.node, facts: 0 }]]);
  // From node to node: one that the first cannot ask may be asked by another.
  for (let grown = true; grown;) {
    grown = false;
    for (const { node, facts } of askers) {
      const from = ahead.get(node.toLowerCase());
      for (const peer of facts) {
        const to = ahead.get(peer.node.toLowerCase());
        if (peer.clockAheadSeconds === null) continue;
        if (from !== undefined && to === undefined) {
          const seconds = from.facts + peer.clockAheadSeconds;
          ahead.set(peer.node.toLowerCase(), { node: peer.node, facts: seconds });
          grown = true;
        } else if (from === undefined && to !== undefined) {
          ahead.set(node.toLowerCase(), { node, facts: to.facts - peer.clockAheadSeconds });
          grown = true;
          break;
        }
      }
    }
  }
  return [...ahead.values()];
}

const CLOCK: Check = {
  id: 'clock',
  group: 'windows',
  title: 'The clocks of the nodes agree',
  blocks: `a clock is more than ${SKEW_SECONDS.blocker} s off`,
  warns: `a clock is more than ${SKEW_SECONDS.warning} s off`,
  source: 'Microsoft: nodes prove who they are with certificates, which have times',
  unless: (v) =>
    signInMode(v) === 'certificates'
      ? 'a clock is told by a sign-in with an account; w32tm /stripchart /computer:NODE /samples:1 shows it'
      : null,
  look(v) {
    const all = clocks(v);
    if (all.length < 2) return [];
    const sorted = all.map((n) => n.facts).sort((a, b) => a - b);
    const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
    const problems = all.flatMap(({ node, facts }) => {
      const off = facts - middle;
      if (Math.abs(off) <= SKEW_SECONDS.warning) return [];
      const level = Math.abs(off) > SKEW_SECONDS.blocker ? blocker : warning;
      const seen = `its clock is ${Math.abs(off).toFixed(0)} s ${off > 0 ? 'ahead of' : 'behind'} the others`;
      return level(node, seen, ['Start-Service W32Time', 'w32tm /resync /rediscover']);
    });
    const widest = (sorted.at(-1) ?? 0) - (sorted[0] ?? 0);
    return orFine(v, problems, `within ${widest.toFixed(1)} s`);
  },
};

export const WINDOWS_CHECKS: readonly Check[] = [...VERSIONS, ...MEMBERSHIP, ...POLICIES, CLOCK];
