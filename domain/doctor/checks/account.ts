// Checks of the account that the workers run under. In a workgroup nobody vouches for anybody: what is proven is one
// local administrator with the same name and password on every node, by a sign-in between each two of them.
import type { AccountFacts, PeerFacts, SetupFacts } from '../../facts.ts';
import { sameName } from '../../names.ts';
import { listed } from '../../units.ts';
import {
  blocker,
  orFine,
  perNode,
  prose,
  quoted,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { each, together, usual } from '../looks.ts';
import {
  gathered,
  NODE_PORTS,
  nodeNames,
  partOf,
  setups,
  ways,
  type DoctorView,
  type Of,
} from '../view.ts';

const WORKGROUP = 'Microsoft: create-workgroup-cluster';
/** Administrators, whatever Windows calls them in its language. */
const ADMINISTRATORS = 'S-1-5-32-544';

const administratorNamed = (s: SetupFacts, name: string): AccountFacts | undefined =>
  s.administrators.find((a) => sameName(a.name, name));

const makeAdministrator = (name: string): string =>
  `Add-LocalGroupMember -SID ${quoted(ADMINISTRATORS)} -Member ${quoted(name)}`;

const makeAccount = (name: string): string[] => [
  `$password = Read-Host 'The password that the other nodes have' -AsSecureString`,
  `New-LocalUser -Name ${quoted(name)} -Password $password -PasswordNeverExpires`,
  makeAdministrator(name),
];

function accountProblem(facts: SetupFacts, node: string): Seen | Seen[] {
  // Somebody always is: Windows did not show them.
  if (facts.administrators.length === 0) {
    const seen = 'Windows does not show who the local administrators are';
    return warning(node, seen, `Get-LocalGroupMember -SID ${quoted(ADMINISTRATORS)}`);
  }
  const { name, enabled } = facts.account;
  const listedThere = administratorNamed(facts, name);
  if (listedThere === undefined) {
    const seen = `${name}, the worker's account, is no local administrator`;
    return blocker(node, seen, makeAdministrator(name));
  }
  if (enabled && listedThere.enabled) return [];
  const seen = `${name}, the worker's account, is disabled`;
  return blocker(node, seen, `Enable-LocalUser -Name ${quoted(name)}`);
}

const kindOf = (builtIn: boolean): string =>
  builtIn ? 'the built-in Administrator' : 'not the built-in Administrator';

/** One name and one kind everywhere: the account of the most workers, against those of the others. */
function sameAccountProblems(all: Of<SetupFacts>[]): Seen[] {
  const accounts = all.map(({ facts }) => facts.account);
  const most = usual(accounts.map((a) => a.name.toLowerCase()));
  const name = accounts.find((a) => a.name.toLowerCase() === most)?.name ?? '';
  const builtIn = usual(accounts.filter((a) => sameName(a.name, name)).map((a) => a.builtIn));
  return all.flatMap(({ node, facts }) => {
    const { account } = facts;
    if (!sameName(account.name, name)) {
      const remedy = [
        ...(administratorNamed(facts, name) === undefined ? makeAccount(name) : []),
        prose(`Then run the worker of ${node} under ${name}.`),
      ];
      return blocker(node, `its worker runs under ${account.name}, others under ${name}`, remedy);
    }
    if (account.builtIn === builtIn) return [];
    const seen = `${account.name} is ${kindOf(account.builtIn)} there, and ${kindOf(!account.builtIn)} on the others`;
    return blocker(node, seen, prose('Use one account that is of the same kind on every node.'));
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

function untrustedNodes(facts: SetupFacts, node: string, v: DoctorView): string[] {
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

function isRefused(v: DoctorView, { node, facts: peer }: Of<PeerFacts>): boolean {
  if (peer.signIn.ok || !isThere(v, peer) || peer.addresses.length === 0) return false;
  // Told by the check of the ports, and by that of TrustedHosts.
  if (peer.ports.some((p) => p.port === NODE_PORTS.winrm && !p.open)) return false;
  const setup = partOf(v, 'setup', node);
  if (setup !== null && !isTrusted(setup.trustedHosts, peer.node)) return false;
  return !isToldElsewhere(v, setup, peer);
}

function signInProblems(v: DoctorView): Seen[] {
  const refused = ways(v).filter((way) => isRefused(v, way));
  return gathered(refused, (peer) => peer.node).map(({ facts: { node, signIn }, from }) => {
    const account = partOf(v, 'setup', node)?.account.name ?? 'ACCOUNT';
    const why = [signIn.hresult, signIn.message].filter((s) => s !== null).join(': ');
    return blocker(node, `it does not let the worker's account of ${listed(from)} in (${why})`, [
      prose(
        'The account must be there and enabled, with the password that it has on the other nodes:',
      ),
      `Set-LocalUser -Name ${quoted(account)} -Password (Read-Host 'Password' -AsSecureString)`,
    ]);
  });
}

const ACCOUNT: readonly Check[] = [
  {
    id: 'administrator',
    group: 'account',
    title: "The worker's account is an enabled local administrator",
    blocks: 'it is not',
    warns: 'Windows does not show who the local administrators are',
    source: WORKGROUP,
    look: each(setups, accountProblem, (all) => perNode(all, (s) => s.account.name)),
  },
  {
    id: 'elevated',
    group: 'account',
    title: 'Workers run with full administrator rights',
    blocks: 'a worker does not: it can look at hardly anything and change nothing',
    warns: null,
    source: 'Windows: User Account Control',
    look: each(
      setups,
      ({ account }, node, v) => {
        if (account.elevated) return [];
        const command = quoted(`watari worker start --cluster ${v.cluster}`);
        return blocker(node, 'its worker is not elevated', [
          prose('Run it as a service, or from an elevated PowerShell:'),
          `Start-Process powershell -Verb RunAs -ArgumentList '-NoExit', '-Command', ${command}`,
        ]);
      },
      'elevated everywhere',
    ),
  },
  {
    id: 'same-account',
    group: 'account',
    title: 'All workers run under the same account: name and kind',
    blocks: 'they do not',
    warns: null,
    source: 'Microsoft: live-migration-workgroup-cluster, create-workgroup-cluster',
    look: together(setups, sameAccountProblems, ([first]) =>
      first === undefined
        ? ''
        : `${first.facts.account.name}, ${kindOf(first.facts.account.builtIn)}`,
    ),
  },
  {
    id: 'token-filter',
    group: 'account',
    title: 'The account keeps its rights when it comes over the network',
    blocks: 'it is not the built-in Administrator, and LocalAccountTokenFilterPolicy is not 1',
    warns: null,
    source: WORKGROUP,
    look: each(
      setups,
      (facts, node) => {
        if (!losesRights(facts)) return [];
        const { account, policies } = facts;
        const value = policies.localAccountTokenFilterPolicy ?? 'not set';
        const key = `'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Policies\\System'`;
        return blocker(
          node,
          `LocalAccountTokenFilterPolicy is ${value}, and ${account.name} is not the built-in Administrator`,
          `New-ItemProperty ${key} -Name 'LocalAccountTokenFilterPolicy' -PropertyType DWord -Value 1 -Force`,
        );
      },
      '1, or the built-in Administrator',
    ),
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
    look: each(
      // A node that is alone has nobody to trust.
      (v) => (nodeNames(v).length < 2 ? [] : setups(v)),
      (facts, node, v) => {
        const missing = untrustedNodes(facts, node, v);
        if (missing.length === 0) return [];
        const remedy = `Set-Item WSMan:\\localhost\\Client\\TrustedHosts -Value ${quoted(missing.join(','))} -Concatenate -Force`;
        return warning(node, `TrustedHosts lacks ${listed(missing)}`, remedy);
      },
      'each has all others',
    ),
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
      const all = ways(v);
      const made = all.filter(({ facts }) => facts.signIn.ok).length;
      const problems = signInProblems(v);
      if (made === 0 && problems.length === 0) return [];
      const more = made === all.length ? '' : '; other checks tell why not more';
      return orFine(v, problems, `${made} of ${all.length}${more}`);
    },
  },
];

export const ACCOUNT_CHECKS: readonly Check[] = [...ACCOUNT, ...BETWEEN_NODES];
