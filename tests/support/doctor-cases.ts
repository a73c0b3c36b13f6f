// For every check of `cluster doctor` what makes it say something: a change to a cluster that lacks nothing. A check
// without a case fails the test of the table by its name.
import type { Level } from '../../domain/doctor/check.ts';
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';
import type { NodeSketch, Sketch, VmSketch } from './doctor-world.ts';

export const TOGETHER = ['a', 'b', 'c'] as const;

export interface DoctorCase {
  check: string;
  what: string;
  level: Exclude<Level, 'ok'>;
  /** Subject of the finding. */
  subject: string | RegExp;
  seen?: RegExp;
  remedy?: RegExp;
  change: (sketch: Sketch) => void;
  /** Checks that the same change trips too. */
  also?: string[];
  /**
   * Cases of one group are put into one cluster where a real PowerShell answers, so that shells are asked a few times
   * instead of a hundred; a case without one would hide what others need, and has a cluster of its own there too.
   */
  together?: (typeof TOGETHER)[number];
}

const node = (s: Sketch, name: string): NodeSketch => {
  const found = s.nodes.find((n) => n.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const vm = (s: Sketch, name: string): VmSketch => {
  const found = s.virtualMachines.find((v) => v.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};
const setup =
  (name: string, change: NonNullable<NodeSketch['setup']>) =>
  (s: Sketch): void => {
    const found = node(s, name);
    found.setup = { ...found.setup, ...change };
  };
const change =
  (name: string, more: Partial<NodeSketch>) =>
  (s: Sketch): void => {
    Object.assign(node(s, name), more);
  };
const addVm =
  (more: VmSketch) =>
  (s: Sketch): void => {
    s.virtualMachines.push(more);
  };

const loseQuorum = (s: Sketch): void => {
  s.before = (lab, pass) => {
    lab.addFault({ on: 'quorumLost', times: 1, seconds: 3600, when: { seconds: 0 } });
    pass(1);
  };
};

const VOLUME = 'C:\\ClusterStorage\\Volume1';

export const wanted = (more: Partial<ClusterSpec> = {}): ClusterSpec => ({
  cluster: 'hv-lab',
  nodes: ['HV1', 'HV2', 'HV3'],
  liveMigration: {
    simultaneousMigrations: 2,
    simultaneousStorageMigrations: 2,
    performance: 'Compression',
  },
  virtualMachines: [],
  prove: [],
  memoryReserveBytes: 2 * 1024 ** 3,
  budgets: DEFAULT_BUDGETS,
  ...more,
});

const WORKERS: DoctorCase[] = [
  {
    check: 'workers',
    what: 'a node without a worker',
    level: 'blocker',
    subject: 'HV3',
    seen: /no worker of HV3 is running/,
    remedy: /^watari worker start --cluster hv-lab$/,
    change: (s) => {
      s.workers['HV3'] = 'none';
    },
  },
  {
    check: 'workers',
    what: 'a node of cluster.yaml that nobody serves',
    level: 'blocker',
    subject: 'HV9',
    change: (s) => {
      s.wanted = wanted({ nodes: ['HV1', 'HV2', 'HV3', 'HV9'] });
    },
    also: ['members', 'names', 'trusted-hosts'],
    together: 'b',
  },
  {
    check: 'readable',
    what: 'event logs that cannot be read',
    level: 'warning',
    subject: 'HV2',
    seen: /its event logs could not be read: AccessDenied/,
    change: (s) => {
      s.faults = [
        { on: 'readEvents', node: 'HV2', times: 'always', error: { hresult: '0x80070005' } },
      ];
    },
    together: 'c',
  },
  {
    check: 'readable',
    what: 'virtual machines that cannot be read',
    level: 'blocker',
    subject: 'HV3',
    seen: /its roles, services and virtual machines could not be read/,
    change: (s) => {
      s.faults = [
        { on: 'readVms', node: 'HV3', times: 'always', error: { hresult: '0x80070005' } },
      ];
    },
  },
  {
    check: 'worker-version',
    what: 'an older worker',
    level: 'warning',
    subject: 'HV2',
    seen: /watari 0\.0\.9, others are 0\.1\.0/,
    change: (s) => {
      s.workers['HV2'] = { version: '0.0.9' };
    },
    together: 'a',
  },
  {
    check: 'worker-runtime',
    what: 'a worker on an old Node.js',
    level: 'warning',
    subject: 'HV3',
    seen: /Node\.js 18\.20\.4/,
    remedy: /winget/,
    change: (s) => {
      s.workers['HV3'] = { node: '18.20.4' };
    },
    together: 'a',
  },
  {
    check: 'worker-runtime',
    what: 'cmdlets in PowerShell 7 on Windows',
    level: 'warning',
    subject: 'HV1',
    seen: /pwsh\.exe/,
    change: (s) => {
      s.workers['HV1'] = { powershell: 'pwsh.exe' };
    },
  },
];

const WINDOWS: DoctorCase[] = [
  {
    check: 'os-version',
    what: 'an older Windows',
    level: 'blocker',
    subject: 'HV3',
    seen: /10\.0\.20348; others have 10\.0\.26100/,
    change: change('HV3', { osVersion: '10.0.20348' }),
    together: 'a',
  },
  {
    check: 'update-level',
    what: 'a node without the latest update',
    level: 'warning',
    subject: 'HV2',
    seen: /1742; others have 4652/,
    change: setup('HV2', { updateRevision: 1742 }),
    together: 'a',
  },
  {
    check: 'pending-restart',
    what: 'a restart that is owed',
    level: 'warning',
    subject: 'HV2',
    remedy: /^Suspend-ClusterNode -Name 'HV2' -Drain -Wait$/m,
    change: change('HV2', { pendingRestart: true }),
    together: 'a',
  },
  {
    check: 'workgroup',
    what: 'a node in a domain',
    level: 'blocker',
    subject: 'HV3',
    seen: /corp\.example/,
    change: setup('HV3', { domain: 'corp.example', workgroup: null }),
    together: 'a',
  },
  {
    check: 'dns-suffix',
    what: 'no DNS suffix',
    level: 'blocker',
    subject: 'HV2',
    seen: /has no primary DNS suffix/,
    remedy: /-Name 'NV Domain' -Value 'lab\.internal'/,
    change: setup('HV2', { dnsSuffix: '' }),
    together: 'a',
  },
  {
    check: 'dns-suffix',
    what: 'another DNS suffix',
    level: 'blocker',
    subject: 'HV3',
    seen: /other\.internal; others have lab\.internal/,
    change: setup('HV3', { dnsSuffix: 'other.internal' }),
  },
  {
    check: 'pku2u',
    what: 'PKU2U forbidden by a policy',
    level: 'blocker',
    subject: 'HV1',
    remedy: /AllowOnlineID/,
    change: setup('HV1', { allowPku2u: 0 }),
    together: 'a',
  },
  {
    check: 'custom-ssps',
    what: 'AllowCustomSSPsAPs 0, as hardening sets it',
    level: 'blocker',
    subject: 'HV1',
    change: setup('HV1', { allowCustomSspsAps: 0 }),
    together: 'a',
  },
  {
    check: 'ntlm',
    what: 'NTLM blocked',
    level: 'blocker',
    subject: 'HV3',
    remedy: /^Set-SmbClientConfiguration -BlockNTLM \$false -Force$/,
    change: setup('HV3', { blockNtlm: true }),
    together: 'a',
  },
  {
    check: 'vm-rights',
    what: 'a user right taken from the VMs',
    level: 'blocker',
    subject: 'HV2',
    seen: /lacks "Log on as a service"$/,
    change: setup('HV2', { virtualMachineRights: { logOnAsService: false } }),
    together: 'a',
  },
  {
    check: 'credential-guard',
    what: 'Credential Guard',
    level: 'warning',
    subject: 'HV2',
    remedy: /^# Leave it on/,
    change: setup('HV2', { credentialGuard: true }),
    together: 'a',
  },
  {
    check: 'automatic-updates',
    what: 'a node that nothing keeps from updating itself',
    level: 'warning',
    subject: 'HV1',
    seen: /NoAutoUpdate is not set, AUOptions not set/,
    remedy: /-Name 'NoAutoUpdate' -PropertyType DWord -Value 1 -Force$/,
    change: setup('HV1', { noAutoUpdate: null }),
    together: 'a',
  },
  {
    check: 'automatic-updates',
    what: 'a node that installs by a schedule',
    level: 'warning',
    subject: 'HV3',
    seen: /NoAutoUpdate is 0, AUOptions 4/,
    change: setup('HV3', { noAutoUpdate: 0, autoUpdateOption: 4 }),
  },
  {
    check: 'clock',
    what: 'a clock seconds off',
    level: 'warning',
    subject: 'HV3',
    seen: /20 s ahead of the others/,
    remedy: /w32tm \/resync/,
    change: setup('HV3', { clockAheadSeconds: 20 }),
    together: 'b',
  },
  {
    check: 'clock',
    what: 'a clock minutes off',
    level: 'blocker',
    subject: 'HV1',
    seen: /400 s behind the others/,
    change: setup('HV1', { clockAheadSeconds: -400 }),
  },
];

const ACCOUNT: DoctorCase[] = [
  {
    check: 'administrator',
    what: 'an account that is no administrator',
    level: 'blocker',
    subject: 'HV3',
    seen: /operator, the worker's account, is no local administrator/,
    remedy: /^Add-LocalGroupMember -SID 'S-1-5-32-544' -Member 'operator'$/,
    change: setup('HV3', { account: 'operator' }),
    also: ['same-account'],
    together: 'b',
  },
  {
    check: 'administrator',
    what: 'a disabled account',
    level: 'blocker',
    subject: 'HV2',
    seen: /is disabled/,
    remedy: /Enable-LocalUser -Name 'watari'/,
    change: setup('HV2', { administrators: [{ name: 'watari', enabled: false }] }),
    also: ['sign-in'],
  },
  {
    check: 'administrator',
    what: 'administrators that Windows does not show',
    level: 'warning',
    subject: 'HV1',
    seen: /does not show/,
    change: setup('HV1', { administrators: [] }),
    // What it does not show the lab does not have.
    also: ['sign-in'],
  },
  {
    check: 'elevated',
    what: 'a worker without full rights',
    level: 'blocker',
    subject: 'HV2',
    change: setup('HV2', { elevated: false }),
    together: 'b',
  },
  {
    check: 'same-account',
    what: 'another account',
    level: 'blocker',
    subject: 'HV3',
    seen: /runs under operator, others under watari/,
    change: setup('HV3', {
      account: 'operator',
      administrators: [{ name: 'operator' }, { name: 'watari' }],
    }),
  },
  {
    check: 'same-account',
    what: 'the built-in account of the same name',
    level: 'blocker',
    subject: 'HV3',
    seen: /watari is the built-in Administrator there, and not the built-in Administrator on the others/,
    change: setup('HV3', { administrators: [{ name: 'watari', builtIn: true }] }),
    together: 'a',
  },
  {
    check: 'token-filter',
    what: 'rights that are lost on the way over the network',
    level: 'blocker',
    subject: 'HV2',
    seen: /is not set, and watari is not the built-in/,
    remedy: /-PropertyType DWord -Value 1 -Force$/,
    change: setup('HV2', { localAccountTokenFilterPolicy: null }),
    together: 'a',
  },
  {
    check: 'trusted-hosts',
    what: 'a name that TrustedHosts lacks',
    level: 'warning',
    subject: 'HV1',
    seen: /lacks HV3$/,
    remedy: /-Value 'HV3' -Concatenate -Force$/,
    change: setup('HV1', { trustedHosts: ['hv2'] }),
    together: 'a',
  },
  {
    check: 'sign-in',
    what: 'another password',
    level: 'blocker',
    subject: 'HV3',
    seen: /account of .*HV2 in \(0x/,
    remedy: /Set-LocalUser -Name 'watari'/,
    change: setup('HV3', { password: 'other' }),
    together: 'a',
  },
  {
    check: 'lockout',
    what: 'a locked account',
    level: 'blocker',
    subject: 'HV2',
    seen: /watari, the worker's account, is locked \(0x80070775\)/,
    remedy: /IsAccountLocked = \$false/,
    change: setup('HV2', { locked: true }),
    together: 'b',
  },
  {
    check: 'lockout',
    what: 'a policy that locks after two slips',
    level: 'warning',
    subject: 'HV3',
    seen: /after 2 wrong sign-ins, for 15 min: no sign-in is tried there/,
    change: setup('HV3', { lockout: { threshold: 2, minutes: 15, windowMinutes: 15 } }),
  },
  {
    check: 'logon-rights',
    what: 'local administrators kept from the network, as hardening does',
    level: 'blocker',
    subject: 'HV1',
    seen: /"Access this computer from the network" is denied to watari \(by S-1-5-114\)/,
    change: setup('HV1', { rights: { denyNetwork: ['S-1-5-114', 'S-1-5-32-546'] } }),
    together: 'a',
  },
  {
    check: 'logon-rights',
    what: 'an account that may not log on as a batch job',
    level: 'blocker',
    subject: 'HV2',
    seen: /watari lacks "Log on as a batch job": its worker does not start again/,
    change: setup('HV2', { rights: { batch: ['S-1-5-32-551'] } }),
    together: 'b',
  },
  {
    check: 'logon-rights',
    what: 'an account that is denied by its name',
    level: 'blocker',
    subject: 'HV2',
    seen: /"Log on as a batch job" is denied to watari \(by HV2\\Watari\)/,
    change: setup('HV2', { rights: { denyBatch: ['HV2\\Watari'] } }),
  },
  {
    check: 'password-expiry',
    what: 'a password that expires soon',
    level: 'warning',
    subject: 'HV3',
    seen: /in 10 days: then its worker does not start again/,
    remedy: /^watari worker install --new-password$/m,
    change: setup('HV3', { passwordExpiresInDays: 10 }),
    together: 'a',
  },
  {
    check: 'password-expiry',
    what: 'a password that has expired',
    level: 'blocker',
    subject: 'HV1',
    seen: /expired on \d{4}-\d\d-\d\d$/,
    change: setup('HV1', { passwordExpiresInDays: -1 }),
    together: 'b',
  },
];

const NETWORK: DoctorCase[] = [
  {
    check: 'names',
    what: 'a name that nobody resolves',
    level: 'blocker',
    subject: 'HV9',
    seen: /does not resolve on HV1, HV2 and HV3/,
    change: (s) => {
      s.wanted = wanted({ nodes: ['HV1', 'HV2', 'HV3', 'HV9'] });
    },
    also: ['workers', 'members', 'trusted-hosts'],
    together: 'b',
  },
  {
    check: 'ports',
    what: 'a firewall before live migration',
    level: 'blocker',
    subject: 'HV3',
    seen: /TCP 6600 \(live migration\) cannot be reached from HV1 and HV2/,
    remedy: /-LocalPort 6600 -Action Allow$/,
    change: setup('HV3', { closedPorts: [6600] }),
    together: 'a',
  },
  {
    check: 'ports',
    what: 'a firewall before WinRM',
    level: 'warning',
    subject: 'HV2',
    seen: /TCP 5985/,
    change: setup('HV2', { closedPorts: [5985] }),
  },
  {
    check: 'networks',
    what: 'no network for live migration',
    level: 'blocker',
    subject: 'hv-lab',
    seen: /^no cluster network can carry a live migration: Management \(ClusterAndClient, Up, excluded\)/,
    change: (s) => {
      s.networks = [{ name: 'Management', excludedFromMigration: true }];
    },
    together: 'b',
  },
  {
    check: 'networks',
    what: 'a network that is down',
    level: 'warning',
    subject: 'Migration',
    seen: /is Down/,
    change: (s) => {
      s.networks = [{ name: 'Management' }, { name: 'Migration', role: 'Cluster', state: 'Down' }];
    },
    together: 'a',
  },
];

const CLUSTER: DoctorCase[] = [
  {
    check: 'cluster-answers',
    what: 'a cluster that lost its quorum',
    level: 'blocker',
    subject: 'hv-lab',
    seen: /ClusterUnreachable/,
    remedy: /Start-ClusterNode/,
    change: loseQuorum,
    also: ['services', 'events'],
    together: 'c',
  },
  {
    check: 'cluster-answers',
    what: 'one node that cannot look at it',
    level: 'warning',
    subject: 'HV1',
    seen: /other nodes can/,
    change: (s) => {
      const error = { errorId: 'ClusterUnreachable' };
      s.faults = [{ on: 'readRoles', node: 'HV1', times: 'always', error }];
    },
  },
  {
    check: 'members',
    what: 'a node that is not in the cluster',
    level: 'blocker',
    subject: 'HV9',
    seen: /the cluster has only HV1, HV2 and HV3/,
    remedy: /Add-ClusterNode -Name 'HV9'/,
    change: (s) => {
      s.wanted = wanted({ nodes: ['HV1', 'HV2', 'HV3', 'HV9'] });
    },
    also: ['workers', 'names', 'trusted-hosts'],
    together: 'b',
  },
  {
    check: 'members',
    what: 'another cluster',
    level: 'blocker',
    subject: 'hv-other',
    seen: /belong to the cluster hv-lab, not to hv-other/,
    change: (s) => {
      s.askedFor = 'hv-other';
    },
  },
  {
    check: 'node-state',
    what: 'a paused node',
    level: 'warning',
    subject: 'HV3',
    remedy: /Resume-ClusterNode -Name 'HV3' -Failback NoFailback/,
    change: change('HV3', { paused: true }),
    together: 'a',
  },
  {
    check: 'node-state',
    what: 'a quarantined node',
    level: 'blocker',
    subject: 'HV3',
    seen: /quarantined/,
    change: change('HV3', { quarantined: true }),
    together: 'b',
  },
  {
    check: 'node-state',
    what: 'a node that is switched off',
    level: 'blocker',
    subject: 'HV3',
    seen: /is Down/,
    change: change('HV3', { power: 'off' }),
    also: ['workers', 'quorum'],
  },
  {
    check: 'witness',
    what: 'a witness that is offline',
    level: 'warning',
    subject: 'hv-lab',
    seen: /Disk witness is not online/,
    change: (s) => {
      s.witness = { kind: 'Disk', online: false };
    },
    also: ['quorum'],
    together: 'a',
  },
  {
    check: 'witness',
    what: 'two nodes without a witness',
    level: 'blocker',
    subject: 'hv-lab',
    seen: /2 nodes and no witness/,
    change: (s) => {
      s.witness = { kind: 'None' };
      s.nodes.pop();
    },
    also: ['quorum'],
  },
  {
    check: 'quorum',
    what: 'a node that the cluster cannot lose',
    level: 'blocker',
    subject: /HV1 and HV2/,
    seen: /1 of 2 votes would be left/,
    change: (s) => {
      s.witness = { kind: 'None' };
      s.nodes.pop();
    },
    also: ['witness'],
  },
  {
    check: 'quorum',
    what: 'a node without a vote',
    level: 'warning',
    subject: 'HV3',
    seen: /no vote/,
    change: change('HV3', { nodeWeight: 0 }),
    together: 'b',
  },
  {
    check: 'core-group',
    what: 'a paused node that holds the core group',
    level: 'warning',
    subject: 'HV1',
    seen: /is paused and holds the core group/,
    remedy: /Move-ClusterGroup -Node 'HV2'$/,
    change: change('HV1', { paused: true }),
    also: ['node-state'],
    together: 'b',
  },
  {
    check: 'memory',
    what: 'a VM that fits nowhere else',
    level: 'warning',
    subject: 'HV1',
    seen: /no other node would have room for big-1 \(100 GB\)/,
    change: (s) => {
      change('HV1', { memory: '128GB' })(s);
      addVm({ name: 'big-1', owner: 'HV1', memory: '100GB' })(s);
    },
    together: 'a',
  },
  {
    check: 'storage',
    what: 'drives that were left in maintenance mode',
    level: 'warning',
    subject: 'hv-lab',
    seen: /drives of HV2 are in maintenance mode/,
    remedy: /Repair-ClusterStorageSpacesDirect -DisableStorageMaintenanceMode/,
    change: (s) => {
      s.storage = { direct: true };
      s.before = (lab) => {
        lab.ask('HV1', 'setStorageMaintenance', { node: 'HV2', on: true });
      };
    },
    together: 'b',
  },
  {
    check: 'volumes',
    what: 'a paused volume',
    level: 'blocker',
    subject: VOLUME,
    seen: /is Paused/,
    change: (s) => {
      s.sharedVolumes = [{ name: 'Cluster Virtual Disk (Volume1)', path: VOLUME, state: 'Paused' }];
    },
    together: 'a',
  },
  {
    check: 'events',
    what: 'errors in the event logs',
    level: 'warning',
    subject: 'HV1',
    seen: /^3 errors: .*21502 \(2x\).*System 1135 \(1x\)/,
    remedy: /Get-WinEvent -FilterHashtable @\{ LogName = /,
    change: change('HV1', {
      events: [
        { log: 'System', id: 1135, level: 2, hoursAgo: 5 },
        ...[3, 2].map((hoursAgo) => ({
          log: 'Microsoft-Windows-Hyper-V-VMMS-Admin' as const,
          id: 21502,
          hoursAgo,
          message: 'Live migration of web-1 failed.',
        })),
        // A warning, and an error of the day before yesterday.
        { log: 'System', id: 1, level: 3, hoursAgo: 1 },
        { log: 'System', id: 5120, level: 2, hoursAgo: 40 },
      ],
    }),
    together: 'a',
  },
];

const HYPERV: DoctorCase[] = [
  {
    check: 'features',
    what: 'a node without Hyper-V',
    level: 'blocker',
    subject: 'HV3',
    seen: /^Hyper-V is not installed$/,
    remedy: /Install-WindowsFeature -Name 'Hyper-V' -IncludeManagementTools/,
    change: change('HV3', { features: [] }),
    together: 'c',
  },
  {
    check: 'features',
    what: 'a node without Hyper-V that cluster.yaml names',
    level: 'warning',
    subject: 'HV3',
    seen: /cluster apply will mend it/,
    remedy: /^watari cluster apply$/,
    change: (s) => {
      change('HV3', { features: [] })(s);
      s.wanted = wanted();
    },
  },
  {
    check: 'services',
    what: 'cluster services that stopped with the quorum',
    level: 'blocker',
    subject: 'HV2',
    seen: /ClusSvc is Stopped/,
    remedy: /^Start-ClusterNode$/,
    change: loseQuorum,
    also: ['cluster-answers', 'events'],
    together: 'c',
  },
  {
    check: 'services',
    what: 'services that do not run yet',
    level: 'blocker',
    subject: 'HV3',
    seen: /vmms is Starting/,
    change: (s) => {
      change('HV3', { power: 'off', bootSeconds: 10, serviceSeconds: 600 })(s);
      s.before = (lab, pass) => {
        lab.powerOn('HV3');
        pass(20);
      };
    },
    // It is Joining, so its restart is nobody's question, but that of the others is.
    also: ['node-state', 'quorum'],
  },
  {
    check: 'migration-enabled',
    what: 'live migration not enabled',
    level: 'blocker',
    subject: 'HV2',
    remedy: /^Enable-VMMigration$/,
    change: change('HV2', { liveMigration: { enabled: false } }),
    together: 'a',
  },
  {
    check: 'migration-enabled',
    what: 'live migration not enabled on a node that cluster.yaml names',
    level: 'warning',
    subject: 'HV2',
    seen: /cluster apply will mend it/,
    change: (s) => {
      change('HV2', { liveMigration: { enabled: false } })(s);
      s.wanted = wanted();
    },
  },
  {
    check: 'parallel-migrations',
    what: 'another number than cluster.yaml wants',
    level: 'warning',
    subject: 'hv-lab',
    seen: /is 2, cluster\.yaml wants 4/,
    remedy: /^watari cluster apply$/,
    change: (s) => {
      const { liveMigration } = wanted();
      s.wanted = wanted({ liveMigration: { ...liveMigration, simultaneousMigrations: 4 } });
    },
  },
  {
    check: 'parallel-migrations',
    what: 'a host that allows another number than the cluster',
    level: 'warning',
    subject: 'HV3',
    seen: /is 10; the cluster's number is 2, and that one counts/,
    remedy: /^Set-VMHost -MaximumVirtualMachineMigrations 2$/,
    change: change('HV3', { liveMigration: { enabled: true, maximumMigrations: 10 } }),
    together: 'a',
  },
  {
    check: 'performance-option',
    what: 'another performance option',
    level: 'warning',
    subject: 'HV1',
    seen: /is SMB, not Compression/,
    change: change('HV1', { liveMigration: { enabled: true, performance: 'SMB' } }),
    together: 'a',
  },
  {
    check: 'authentication',
    what: 'Kerberos in a workgroup',
    level: 'warning',
    subject: 'HV2',
    change: change('HV2', { liveMigration: { enabled: true, authentication: 'Kerberos' } }),
    together: 'b',
  },
  {
    check: 'switches',
    what: 'a switch that a VM needs and a node lacks',
    level: 'blocker',
    subject: 'HV3',
    seen: /no virtual switch LAN \(needed by db-1/,
    remedy: /New-VMSwitch -Name 'LAN'/,
    change: change('HV3', { switches: [] }),
    together: 'b',
  },
  {
    check: 'switches',
    what: 'an internal switch of that name',
    level: 'blocker',
    subject: 'HV3',
    seen: /is Internal, not External/,
    change: change('HV3', { switches: [{ name: 'LAN', type: 'Internal' }] }),
  },
  {
    check: 'switches',
    what: 'a switch that nobody needs yet',
    level: 'warning',
    subject: 'HV2',
    seen: /no virtual switch DMZ, others have/,
    change: (s) => {
      change('HV1', { switches: ['LAN', 'DMZ'] })(s);
      change('HV3', { switches: ['LAN', 'DMZ'] })(s);
    },
    together: 'a',
  },
  {
    check: 'cpu-vendor',
    what: 'a processor of another manufacturer',
    level: 'blocker',
    subject: 'HV3',
    seen: /AuthenticAMD/,
    change: change('HV3', { cpuVendor: 'AuthenticAMD' }),
    together: 'b',
  },
  {
    check: 'cpu-compatibility',
    what: 'another microcode, and a VM without compatibility mode',
    level: 'warning',
    subject: 'db-1',
    remedy: /^Set-VMProcessor -VMName 'db-1' -CompatibilityForMigrationEnabled \$true$/m,
    change: (s) => {
      setup('HV3', { microcode: '2B000590' })(s);
      vm(s, 'web-1').compatibilityForMigration = true;
    },
    also: ['cpu-mitigations'],
    together: 'b',
  },
  {
    check: 'cpu-mitigations',
    what: 'another BIOS, although all VMs use compatibility mode',
    level: 'warning',
    subject: 'hv-lab',
    seen: /BIOS 2\.1\.0.*in compatibility mode too/,
    change: (s) => {
      setup('HV3', { bios: '2.1.0' })(s);
      for (const one of s.virtualMachines) one.compatibilityForMigration = true;
    },
  },
  {
    check: 'cpu-mitigations',
    what: 'another microcode',
    level: 'warning',
    subject: 'hv-lab',
    seen: /microcode 2B000590/,
    change: setup('HV3', { microcode: '2B000590' }),
    also: ['cpu-compatibility'],
    together: 'b',
  },
];

const VMS: DoctorCase[] = [
  {
    check: 'vm-version',
    what: 'a VM that is too new for a node',
    level: 'blocker',
    subject: 'web-1',
    seen: /version 12\.0 is not supported by HV3/,
    change: change('HV3', { vmVersions: ['10.0', '11.0'] }),
    together: 'b',
  },
  {
    check: 'iso',
    what: 'an ISO on a disk of the node',
    level: 'blocker',
    subject: 'iso-1',
    seen: /C:\\ISO\\setup\.iso/,
    remedy: /^Get-VMDvdDrive -VMName 'iso-1' \| Set-VMDvdDrive -Path \$null$/,
    change: addVm({ name: 'iso-1', owner: 'HV1', memory: '1GB', dvds: ['C:\\ISO\\setup.iso'] }),
    together: 'a',
  },
  {
    check: 'pass-through',
    what: 'a device of the node',
    level: 'blocker',
    subject: 'gpu-1',
    seen: /PCIROOT\(0\)#PCI\(0300\)/,
    change: addVm({
      name: 'gpu-1',
      owner: 'HV1',
      memory: '1GB',
      passThroughDevices: ['PCIROOT(0)#PCI(0300)'],
    }),
    together: 'a',
  },
  {
    check: 'critical',
    what: 'a VM that has lost its storage',
    level: 'blocker',
    subject: 'lost-1',
    seen: /it is Running and critical/,
    remedy: /Get-VM -Id/,
    change: addVm({ name: 'lost-1', owner: 'HV1', memory: '1GB', critical: true }),
    together: 'a',
  },
  {
    check: 'vtpm',
    what: 'a virtual TPM whose certificates one node lacks',
    level: 'blocker',
    subject: 'HV3',
    seen: /lacks 2 of 2 certificates; tpm-1 may need them/,
    remedy: /Import-PfxCertificate/,
    change: (s) => {
      addVm({ name: 'tpm-1', owner: 'HV1', memory: '1GB', tpm: true })(s);
      for (const name of ['HV1', 'HV2'])
        setup(name, { shieldingCertificates: ['A1B2', 'C3D4'] })(s);
    },
    together: 'a',
  },
  {
    check: 'vtpm',
    what: 'a virtual TPM, and no certificate anywhere',
    level: 'warning',
    subject: 'tpm-1',
    change: addVm({ name: 'tpm-1', owner: 'HV1', memory: '1GB', tpm: true }),
  },
  {
    check: 'vm-files',
    what: 'a disk on a node',
    level: 'blocker',
    subject: 'local-1',
    seen: /only HV1 can open D:\\VMs\\local-1\.vhdx/,
    remedy:
      /Move-VMStorage -VMName 'local-1' -DestinationStoragePath 'C:\\ClusterStorage\\Volume1\\local-1'/,
    change: addVm({
      name: 'local-1',
      owner: 'HV1',
      memory: '1GB',
      disks: ['D:\\VMs\\local-1.vhdx'],
    }),
    together: 'a',
  },
  {
    check: 'vm-files',
    what: 'a parent disk on a node',
    level: 'blocker',
    subject: 'child-1',
    seen: /D:\\VMs\\parent\.vhdx/,
    change: addVm({
      name: 'child-1',
      owner: 'HV2',
      memory: '1GB',
      disks: [`${VOLUME}\\child-1.avhdx`],
      parents: ['D:\\VMs\\parent.vhdx'],
    }),
    together: 'a',
  },
  {
    check: 'vm-files',
    what: 'a configuration on a node',
    level: 'blocker',
    subject: 'conf-1',
    seen: /C:\\ProgramData\\Hyper-V/,
    change: addVm({
      name: 'conf-1',
      owner: 'HV2',
      memory: '1GB',
      configurationPath: 'C:\\ProgramData\\Hyper-V',
    }),
    together: 'a',
  },
  {
    check: 'vm-files',
    what: 'checkpoints that would be made on a node',
    level: 'warning',
    subject: 'points-1',
    seen: /its checkpoints would be made in D:\\Checkpoints, which only HV2 can open/,
    remedy: /-SnapshotFileLocation 'C:\\ClusterStorage\\Volume1\\points-1'$/,
    change: addVm({
      name: 'points-1',
      owner: 'HV2',
      memory: '1GB',
      snapshotPath: 'D:\\Checkpoints',
    }),
    together: 'a',
  },
  {
    check: 'gpu-partition',
    what: 'a part of a graphics processor',
    level: 'warning',
    subject: 'cad-1',
    remedy: /Get-VMGpuPartitionAdapter -VMName 'cad-1'$/,
    change: addVm({ name: 'cad-1', owner: 'HV2', memory: '1GB', gpuPartitions: 1 }),
    together: 'a',
  },
  {
    check: 'shared-vhdx',
    what: 'a shared disk',
    level: 'blocker',
    subject: 'sql-1',
    change: addVm({ name: 'sql-1', owner: 'HV2', memory: '1GB', sharedDisks: true }),
    together: 'a',
  },
  {
    check: 'busy',
    what: 'a backup under way',
    level: 'warning',
    subject: 'busy-1',
    change: addVm({ name: 'busy-1', owner: 'HV2', memory: '1GB', busy: true }),
    together: 'a',
  },
  {
    check: 'heartbeat',
    what: 'a guest that does not answer',
    level: 'warning',
    subject: 'mute-1',
    change: addVm({ name: 'mute-1', owner: 'HV2', memory: '1GB', heartbeat: false }),
    together: 'a',
  },
];

const ROLES: DoctorCase[] = [
  {
    check: 'affinity-rules',
    what: 'a rule that keeps VMs together',
    level: 'warning',
    subject: 'db-1 and web-1',
    seen: /the rule pair keeps them on one node/,
    change: (s) => {
      s.affinityRules = [{ name: 'pair', type: 'SameNode', groups: ['db-1', 'web-1'] }];
    },
    together: 'a',
  },
  {
    check: 'affinity-rules',
    what: 'a rule that keeps as many apart as there are nodes',
    level: 'warning',
    subject: 'db-1, web-1 and web-2',
    seen: /only 3 nodes are Up/,
    change: (s) => {
      addVm({ name: 'web-2', owner: 'HV3', memory: '1GB' })(s);
      const groups = ['db-1', 'web-1', 'web-2'];
      s.affinityRules = [
        { name: 'apart', type: 'DifferentNode', groups },
        { name: 'off', type: 'SameNode', groups, enabled: false },
      ];
    },
  },
  {
    check: 'role-state',
    what: 'a paused VM',
    level: 'warning',
    subject: 'still-1',
    seen: /Online, but the VM is Paused/,
    remedy: /^Resume-VM -Name 'still-1'$/,
    change: addVm({ name: 'still-1', owner: 'HV2', memory: '1GB', state: 'Paused' }),
    together: 'a',
  },
  {
    check: 'role-state',
    what: 'a failed role',
    level: 'blocker',
    subject: 'bound-1',
    seen: /has failed/,
    change: (s) => {
      addVm({ name: 'bound-1', owner: 'HV3', memory: '1GB', possibleOwners: ['HV3'] })(s);
      s.before = (lab, pass) => {
        lab.powerOff('HV3');
        pass(120);
      };
    },
    also: ['workers', 'node-state', 'quorum', 'possible-owners', 'events'],
  },
  {
    check: 'possible-owners',
    what: 'a VM that may be on one node only',
    level: 'blocker',
    subject: 'bound-1',
    seen: /possible owners are only HV1$/,
    remedy: /Set-ClusterOwnerNode -Resource \$_\.Name -Owners HV1,HV2,HV3/,
    change: addVm({ name: 'bound-1', owner: 'HV1', memory: '1GB', possibleOwners: ['HV1'] }),
    also: ['memory'],
    together: 'a',
  },
  {
    check: 'possible-owners',
    what: 'a VM that may not be on one of the nodes',
    level: 'warning',
    subject: 'half-1',
    seen: /only HV1 and HV2$/,
    change: addVm({
      name: 'half-1',
      owner: 'HV1',
      memory: '1GB',
      possibleOwners: ['HV1', 'HV2'],
    }),
    together: 'a',
  },
  {
    check: 'anti-affinity',
    what: 'as many VMs to keep apart as nodes',
    level: 'blocker',
    subject: /^dc-1, dc-2 and dc-3$/,
    change: (s) => {
      s.enforcedAntiAffinity = true;
      for (const i of [1, 2, 3])
        addVm({
          name: `dc-${i}`,
          owner: `HV${i}`,
          memory: '1GB',
          antiAffinity: ['dc'],
        })(s);
    },
    together: 'b',
  },
  {
    check: 'clustered',
    what: 'a VM that runs outside the cluster',
    level: 'warning',
    subject: 'lone-1',
    seen: /runs on HV2 outside/,
    remedy: /Add-ClusterVirtualMachineRole -VMId '/,
    change: addVm({ name: 'lone-1', owner: 'HV2', memory: '1GB', clustered: false }),
    together: 'a',
  },
  {
    check: 'file',
    what: 'a wanted VM whose disk is not there',
    level: 'blocker',
    subject: 'new-1',
    seen: /vhd-missing/,
    change: (s) => {
      s.wanted = wanted({
        nodes: s.wanted?.nodes ?? ['HV1', 'HV2', 'HV3'],
        virtualMachines: [
          {
            name: 'new-1',
            memoryBytes: 2 ** 30,
            vhd: `${VOLUME}\\new-1.vhdx`,
            switch: null,
            generation: 2,
            node: null,
          },
        ],
      });
    },
    together: 'b',
  },
];

export const CASES: readonly DoctorCase[] = [
  ...WORKERS,
  ...WINDOWS,
  ...ACCOUNT,
  ...NETWORK,
  ...CLUSTER,
  ...HYPERV,
  ...VMS,
  ...ROLES,
];
