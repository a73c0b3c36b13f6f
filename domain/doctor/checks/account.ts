// Checks of the account that the workers run under. In a workgroup nobody vouches for anybody: what is proven is one
// local administrator with the same name and password on every node, by a sign-in between each two of them.
import type { AccountFacts, PeerFacts, SetupFacts } from '../../facts.ts';
import { sameName } from '../../names.ts';
import {
  blocker,
  orFine,
  perNode,
  prose,
  quoted,
  usual,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { NODE_PORTS, nodeNames, partOf, parts, type DoctorView, type Of } from '../view.ts';
import { listed } from '../../units.ts';

const WORKGROUP = 'Microsoft: create-workgroup-cluster';
/** Administrators, whatever Windows calls them in its language. */
const ADMINISTRATORS = 'S-1-5-32-544';

const administratorNamed = (s: SetupFacts, name: string): AccountFacts | undefined =>
  s.administrators.find((a) => sameName(a.name, name));

const makeAccount = (name: string): string[] => [
  `$password = Read-Host 'The password that the other nodes have' -AsSecureString`,
  `New-LocalUser -Name ${quoted(name)} -Password $password -PasswordNeverExpires`,
  `Add-LocalGroupMember -SID ${quoted(ADMINISTRATORS)} -Member ${quoted(name)}`,
];

function accountProblems({ node, facts }: Of<SetupFacts>): Seen[] {
  const { account } = facts;
  // Somebody always is: Windows did not show them.
  if (facts.administrators.length === 0) {
    const seen = 'Windows does not show who the local administrators are';
    return [warning(node, seen, `Get-LocalGroupMember -SID ${quoted(ADMINISTRATORS)}`, node)];
  }
  const listedThere = administratorNamed(facts, account.name);
  if (listedThere === undefined) {
    const remedy = `Add-LocalGroupMember -SID ${quoted(ADMINISTRATORS)} -Member ${quoted(account.name)}`;
    return [
      blocker(
        node,
        `${account.name}, the worker's account, is no local administrator`,
        remedy,
        node,
      ),
    ];
  }
  if (account.enabled && listedThere.enabled) return [];
  return [
    blocker(
      node,
      `${account.name}, the worker's account, is disabled`,
      `Enable-LocalUser -Name ${quoted(account.name)}`,
      node,
    ),
  ];
}

const kindOf = (account: AccountFacts): string =>
  account.builtIn ? 'the built-in Administrator' : 'not the built-in Administrator';

/** One name and one kind everywhere: the account of the most workers, against those of the others. */
function sameAccountProblems(all: Of<SetupFacts>[]): Seen[] {
  const name = usual(all.map((n) => n.facts.account.name.toLowerCase()));
  const model = all.find((n) => n.facts.account.name.toLowerCase() === name)?.facts.account;
  if (model === undefined) return [];
  const builtIn = usual(
    all
      .filter((n) => sameName(n.facts.account.name, model.name))
      .map((n) => n.facts.account.builtIn),
  );
  return all.flatMap(({ node, facts }) => {
    const { account } = facts;
    if (!sameName(account.name, model.name)) {
      const there = facts.administrators.some((a) => sameName(a.name, model.name));
      const remedy = [
        ...(there ? [] : makeAccount(model.name)),
        prose(`Then run the worker of ${node} under ${model.name}.`),
      ];
      return [
        blocker(
          node,
          `its worker runs under ${account.name}, others under ${model.name}`,
          remedy,
          node,
        ),
      ];
    }
    if (account.builtIn === builtIn) return [];
    const other = { ...account, builtIn: !account.builtIn };
    const seen = `${account.name} is ${kindOf(account)} there, and ${kindOf(other)} on the others`;
    const remedy = prose('Use one account that is of the same kind on every node.');
    return [blocker(node, seen, remedy, node)];
  });
}

/** `*` alone, a name with `*` in it, or `<local>` for every name without a dot (about_Remote_Requirements). */
function isTrusted(entries: readonly string[], name: string): boolean {
  return entries.some((raw) => {
    const entry = raw.trim().toLowerCase();
    if (entry === '<local>') return !name.includes('.');
    const pattern = entry.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${pattern.join('.*')}$`).test(name.toLowerCase());
  });
}

/** A peer that turned out to be away is known from elsewhere. */
const isThere = (v: DoctorView, peer: PeerFacts): boolean =>
  Object.entries(v.nodes).some(([name, exam]) => sameName(name, peer.node) && 'facts' in exam) ||
  peer.ports.some((p) => p.open);

function untrusted(v: DoctorView, { node, facts }: Of<SetupFacts>): string[] {
  const peers = partOf(v, 'peers', node) ?? [];
  return nodeNames(v)
    .filter((name) => !sameName(name, node))
    .filter((name) => !isTrusted(facts.trustedHosts, name))
    .filter((name) => peers.find((p) => sameName(p.node, name))?.signIn.ok !== true);
}

const ACCESS_DENIED = '0x80070005';

/** A cause that its own check names with the right remedy; this one's is about the password. */
function isToldElsewhere(v: DoctorView, asker: SetupFacts | null, peer: PeerFacts): boolean {
  if (asker?.policies.blockNtlm === true) return true;
  const there = partOf(v, 'setup', peer.node);
  if (there === null || peer.signIn.hresult !== ACCESS_DENIED) return false;
  return losesRights(there);
}

const losesRights = ({ account, policies }: SetupFacts): boolean =>
  !account.builtIn && policies.localAccountTokenFilterPolicy !== 1;

function signInProblems(v: DoctorView): Seen[] {
  const refused = new Map<string, { from: string[]; seen: string }>();
  for (const { node, facts } of parts(v, 'peers')) {
    const setup = partOf(v, 'setup', node);
    for (const peer of facts) {
      if (peer.signIn.ok || !isThere(v, peer) || peer.addresses.length === 0) continue;
      // Told by the check of the ports, and by that of TrustedHosts.
      if (peer.ports.some((p) => p.port === NODE_PORTS.winrm && !p.open)) continue;
      if (setup !== null && !isTrusted(setup.trustedHosts, peer.node)) continue;
      if (isToldElsewhere(v, setup, peer)) continue;
      const seen = [peer.signIn.hresult, peer.signIn.message].filter((s) => s !== null).join(': ');
      const known = refused.get(peer.node);
      refused.set(peer.node, { from: [...(known?.from ?? []), node], seen: known?.seen ?? seen });
    }
  }
  return [...refused].map(([node, { from, seen }]) => {
    const account = partOf(v, 'setup', node)?.account.name ?? 'ACCOUNT';
    return blocker(
      node,
      `it does not let the worker's account of ${listed(from)} in (${seen})`,
      [
        prose(
          'The account must be there and enabled, with the password that it has on the other nodes:',
        ),
        `Set-LocalUser -Name ${quoted(account)} -Password (Read-Host 'Password' -AsSecureString)`,
      ],
      node,
    );
  });
}

function signIns(v: DoctorView): { made: number; known: number } {
  const all = parts(v, 'peers').flatMap(({ facts }) => facts);
  return { made: all.filter((p) => p.signIn.ok).length, known: all.length };
}

const ACCOUNT: readonly Check[] = [
  {
    id: 'administrator',
    group: 'account',
    title: "The worker's account is an enabled local administrator",
    blocks: 'it is not',
    warns: 'Windows does not show who the local administrators are',
    source: WORKGROUP,
    look(v) {
      const all = parts(v, 'setup');
      if (all.length === 0) return [];
      const seen = perNode(all, (s) => s.account.name);
      return orFine(v, all.flatMap(accountProblems), seen);
    },
  },
  {
    id: 'elevated',
    group: 'account',
    title: 'Workers run with full administrator rights',
    blocks: 'a worker does not: it can look at hardly anything and change nothing',
    warns: null,
    source: 'Windows: User Account Control',
    look(v) {
      const all = parts(v, 'setup');
      if (all.length === 0) return [];
      const command = `watari worker start --cluster ${v.cluster}`;
      const problems = all
        .filter(({ facts }) => !facts.account.elevated)
        .map(({ node }) =>
          blocker(
            node,
            'its worker is not elevated',
            [
              prose('Run it as a service, or from an elevated PowerShell:'),
              `Start-Process powershell -Verb RunAs -ArgumentList '-NoExit', '-Command', ${quoted(command)}`,
            ],
            node,
          ),
        );
      return orFine(v, problems, 'elevated everywhere');
    },
  },
  {
    id: 'same-account',
    group: 'account',
    title: 'All workers run under the same account: name and kind',
    blocks: 'they do not',
    warns: null,
    source: 'Microsoft: live-migration-workgroup-cluster, create-workgroup-cluster',
    look(v) {
      const all = parts(v, 'setup');
      if (all.length === 0) return [];
      const model = all[0]?.facts.account;
      const seen = model === undefined ? '' : `${model.name}, ${kindOf(model)}`;
      return orFine(v, sameAccountProblems(all), seen);
    },
  },
  {
    id: 'token-filter',
    group: 'account',
    title: 'The account keeps its rights when it comes over the network',
    blocks: 'it is not the built-in Administrator, and LocalAccountTokenFilterPolicy is not 1',
    warns: null,
    source: WORKGROUP,
    look(v) {
      const all = parts(v, 'setup');
      if (all.length === 0) return [];
      const key = `'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System'`;
      const problems = all
        .filter(({ facts }) => losesRights(facts))
        .map(({ node, facts }) => {
          const value = facts.policies.localAccountTokenFilterPolicy;
          return blocker(
            node,
            `LocalAccountTokenFilterPolicy is ${value === null ? 'not set' : String(value)}, and ${facts.account.name} is not the built-in Administrator`,
            `New-ItemProperty ${key} -Name 'LocalAccountTokenFilterPolicy' -PropertyType DWord -Value 1 -Force`,
            node,
          );
        });
      return orFine(v, problems, '1, or the built-in Administrator');
    },
  },
];

const BETWEEN_NODES: readonly Check[] = [
  {
    id: 'trusted-hosts',
    group: 'account',
    title: 'Every node trusts the names of the others (WinRM)',
    blocks: null,
    warns: 'a name is missing: the cluster works, but it cannot be set up or checked from there',
    source: `${WORKGROUP}; about_WSMan_Provider for -Concatenate`,
    look(v) {
      const all = parts(v, 'setup');
      if (nodeNames(v).length < 2 || all.length === 0) return [];
      const problems = all.flatMap((setup) => {
        const missing = untrusted(v, setup);
        if (missing.length === 0) return [];
        const remedy = `Set-Item WSMan:\\localhost\\Client\\TrustedHosts -Value ${quoted(missing.join(','))} -Concatenate -Force`;
        return [warning(setup.node, `TrustedHosts lacks ${listed(missing)}`, remedy, setup.node)];
      });
      return orFine(v, problems, 'each has all others');
    },
  },
  {
    id: 'sign-in',
    group: 'account',
    title: 'The account can sign in from every node to every other: same password',
    blocks: 'a node refuses it',
    warns: null,
    source:
      'Microsoft: live-migration-workgroup-cluster, "the only way to successfully authenticate"',
    look(v) {
      const { made, known } = signIns(v);
      const problems = signInProblems(v);
      if (made === 0 && problems.length === 0) return [];
      const all = `${String(made)} of ${String(known)}`;
      return orFine(v, problems, made === known ? all : `${all}; other checks tell why not more`);
    },
  },
];

export const ACCOUNT_CHECKS: readonly Check[] = [...ACCOUNT, ...BETWEEN_NODES];
