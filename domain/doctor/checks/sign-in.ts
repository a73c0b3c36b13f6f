// Checks of whether the worker's account is let in: how nodes sign in, that they share one password, and what keeps an
// account out by policy. In a workgroup nobody vouches for anybody: one sign-in at each node proves it, never two,
// since each wrong one counts towards the lock of that account.
import type { PeerFacts, SetupFacts } from '../../facts.ts';
import { includesName, sameName } from '../../names.ts';
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
import { each } from '../looks.ts';
import {
  inAgreement,
  isTrusted,
  planSignIns,
  signInMode,
  unlessCertificates,
} from '../sign-ins.ts';
import {
  gathered,
  NODE_PORTS,
  nodeNames,
  partOf,
  setups,
  setupsWith,
  ways,
  type DoctorView,
  type Of,
} from '../view.ts';
import { losesRights } from './account.ts';

const WORKGROUP = 'Microsoft: create-workgroup-cluster';

/** A peer that turned out to be away is known from elsewhere. */
const isThere = (v: DoctorView, peer: PeerFacts): boolean =>
  Object.entries(v.nodes).some(([name, exam]) => sameName(name, peer.node) && 'facts' in exam) ||
  peer.ports.some((p) => p.open);

function untrustedNodes(facts: SetupFacts, node: string, v: DoctorView): string[] {
  const peers = partOf(v, 'peers', node) ?? [];
  return nodeNames(v)
    .filter((name) => !sameName(name, node))
    .filter((name) => !isTrusted(facts.trustedHosts, name))
    .filter((name) => peers.find((p) => sameName(p.node, name))?.signIn?.ok !== true);
}

const ACCESS_DENIED = '0x80070005';
/** ERROR_ACCOUNT_LOCKED_OUT */
const LOCKED_OUT = '0x80070775';

/** A cause that its own check names with the right remedy; this one's is about the password. */
function isToldElsewhere(v: DoctorView, asker: SetupFacts | null, peer: PeerFacts): boolean {
  if (asker?.policies.blockNtlm === true || peer.signIn?.hresult === LOCKED_OUT) return true;
  const there = partOf(v, 'setup', peer.node);
  if (there === null || peer.signIn?.hresult !== ACCESS_DENIED) return false;
  return losesRights(there);
}

function isRefused(v: DoctorView, { node, facts: peer }: Of<PeerFacts>): boolean {
  if (peer.signIn?.ok !== false || !isThere(v, peer) || peer.addresses.length === 0) return false;
  // Told by the check of the ports, and by that of TrustedHosts.
  if (peer.ports.some((p) => p.port === NODE_PORTS.winrm && !p.open)) return false;
  const setup = partOf(v, 'setup', node);
  if (setup !== null && !isTrusted(setup.trustedHosts, peer.node)) return false;
  return !isToldElsewhere(v, setup, peer);
}

const whyOf = ({ signIn }: PeerFacts): string =>
  [signIn?.hresult, signIn?.message].filter((s) => s != null).join(': ');

const samePassword = (account: string): string[] => [
  prose('The account must be there and enabled, with the password that it has on the other nodes:'),
  `Set-LocalUser -Name ${quoted(account)} -Password (Read-Host 'Password' -AsSecureString)`,
];

/** Where two do not let each other in, the one that the others do not agree with is to be mended. */
function signInProblems(v: DoctorView): Seen[] {
  const agreed = inAgreement(v);
  const inThere = (node: string): boolean => agreed.length > 1 && includesName(agreed, node);
  const refused = ways(v).filter((way) => isRefused(v, way));
  const odd = refused.filter(({ node, facts }) => inThere(facts.node) && !inThere(node));
  const atPeer = refused.filter((way) => !odd.includes(way));
  const accountOf = (node: string): string => partOf(v, 'setup', node)?.account.name ?? 'ACCOUNT';
  const out = gathered(atPeer, (peer) => peer.node).map(({ facts, from }) =>
    blocker(
      facts.node,
      `it does not let the worker's account of ${listed(from)} in (${whyOf(facts)})`,
      samePassword(accountOf(facts.node)),
    ),
  );
  for (const { node, facts } of odd) {
    if (out.some((one) => sameName(one.subject, node))) continue;
    const seen = `${facts.node} does not let its account in, and does that of other nodes (${whyOf(facts)})`;
    out.push(blocker(node, seen, samePassword(accountOf(node))));
  }
  return out;
}

/** Nobody was asked for a reason that a person can do something about. */
function unlessNoneAsked(v: DoctorView): string | null {
  const certificates = unlessCertificates(v);
  if (certificates !== null) return certificates;
  const { left } = planSignIns(v);
  if (left.length === 0 || ways(v).some(({ facts }) => facts.signIn !== null)) return null;
  return `no sign-in was tried: ${leftText(left)}`;
}

const leftText = (left: readonly { peer: string; why: string }[]): string =>
  gathered(
    left.map(({ peer, why }) => ({ node: peer, facts: why })),
    (why) => why,
  )
    .map(({ facts, from }) => `${listed(from)}: ${facts}`)
    .join('; ');

const BETWEEN_NODES: readonly Check[] = [
  {
    id: 'cluster-sign-in',
    group: 'account',
    title: 'How the nodes sign in with each other is known',
    blocks: null,
    warns: null,
    source:
      'New-WorkgroupCluster -AuthenticationMethod; concluded, since no property tells it: certificates where every node blocks NTLM, or WinRM answers on 5986 alone',
    look: (v) =>
      setups(v).length === 0
        ? []
        : orFine(
            v,
            [],
            signInMode(v) === 'certificates'
              ? 'with certificates, as it seems: an account is not asked for anywhere'
              : 'with one account and its password',
          ),
  },
  {
    id: 'trusted-hosts',
    group: 'account',
    title: 'Every node trusts the names of the others (WinRM)',
    blocks: null,
    warns: 'a name is missing: the cluster works, but it cannot be set up or checked from there',
    source: `${WORKGROUP}; about_WSMan_Provider for -Concatenate`,
    unless: unlessCertificates,
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
    title: 'The account can sign in at every node: same password',
    blocks: 'a node refuses it',
    warns: null,
    source:
      'Microsoft: live-migration-workgroup-cluster, "the only way to successfully authenticate"',
    unless: unlessNoneAsked,
    look(v) {
      const asked = ways(v).filter(({ facts }) => facts.signIn !== null);
      const made = asked.filter(({ facts }) => facts.signIn?.ok).length;
      const problems = signInProblems(v);
      if (made === 0 && problems.length === 0) return [];
      const { left } = planSignIns(v);
      const more = made === asked.length ? '' : '; other checks tell why not more';
      const not = left.length === 0 ? '' : `; not tried: ${leftText(left)}`;
      return orFine(v, problems, `${made} of ${asked.length}, one at each node${more}${not}`);
    },
  },
];

/** Fewer than this leave no room for one check and one slip of the keys. */
const TRIES_MIN = 3;

const lockText = ({ lockout }: NonNullable<SetupFacts['security']>): string => {
  if (lockout === null) return 'not shown';
  const { threshold, minutes } = lockout;
  if (threshold === 0) return 'never';
  return `after ${threshold} wrong sign-ins, ${minutes < 1 ? 'until somebody unlocks it' : `for ${minutes} min`}`;
};

const unlock = (account: string): string[] => [
  prose('First mend the password where it is another one, or the account is locked again. Then:'),
  `$user = [adsi]${quoted(`WinNT://./${account},user`)}; $user.IsAccountLocked = $false; $user.SetInfo()`,
];

function lockProblem(
  v: DoctorView,
  node: string,
  { security, account }: SetupFacts,
): Seen | Seen[] {
  if (security === undefined) return [];
  const refused = ways(v).some(
    ({ facts }) => sameName(facts.node, node) && facts.signIn?.hresult === LOCKED_OUT,
  );
  if (security.locked || refused) {
    const seen = `${account.name}, the worker's account, is locked (0x80070775): no live migration signs in there, and its worker does not start again`;
    return blocker(node, seen, unlock(account.name));
  }
  const threshold = security.lockout?.threshold ?? 0;
  if (threshold === 0 || threshold >= TRIES_MIN) return [];
  const seen = `accounts are locked ${lockText(security)}: no sign-in is tried there`;
  return warning(node, seen, [
    prose(
      'The policy: secpol.msc, Account Policies, Account Lockout Policy. Whether the password is that of the',
    ),
    prose(
      'other nodes only a person can try there, once, and knowing what the next slip of the keys does.',
    ),
  ]);
}

/** What a local administrator's logon carries beside its own SID, whatever its name. */
const CARRIED = [
  // Administrators, Users, Everyone, Authenticated Users.
  'S-1-5-32-544',
  'S-1-5-32-545',
  'S-1-1-0',
  'S-1-5-11',
  // Local account; local account and member of Administrators.
  'S-1-5-113',
  'S-1-5-114',
];
const KINDS = {
  batch: { name: 'Log on as a batch job', carried: 'S-1-5-3' },
  network: { name: 'Access this computer from the network', carried: 'S-1-5-2' },
} as const;

/** The entries that mean the account: its SID, its name with or without a computer's, or a group that it is in. */
function entriesOf(holders: readonly string[], { account }: SetupFacts, carried: string): string[] {
  const sids = [account.sid, ...CARRIED, carried];
  return holders.filter((holder) => {
    const name = holder.split('\\').at(-1) ?? holder;
    return sids.includes(holder.toUpperCase()) || sameName(name, account.name);
  });
}

function rightProblems(v: DoctorView, node: string, setup: SetupFacts): Seen[] {
  const rights = setup.security?.rights;
  if (rights == null) return [];
  const wanted: (keyof typeof KINDS)[] =
    signInMode(v) === 'certificates' ? ['batch'] : ['batch', 'network'];
  return wanted.flatMap((kind) => {
    const { name, carried } = KINDS[kind];
    const denied = entriesOf(
      kind === 'batch' ? rights.denyBatch : rights.denyNetwork,
      setup,
      carried,
    );
    const given = entriesOf(rights[kind], setup, carried);
    if (denied.length === 0 && given.length > 0) return [];
    const seen =
      denied.length > 0
        ? `"${name}" is denied to ${setup.account.name} (by ${listed(denied)})`
        : `${setup.account.name} lacks "${name}"`;
    const effect =
      kind === 'batch'
        ? 'its worker does not start again'
        : 'other nodes are refused, whatever the password (0x80070569)';
    const policy = denied.length > 0 ? `take it out of the policy that denies "${name}"` : 'add it';
    return [
      blocker(node, `${seen}: ${effect}`, [
        prose(`secpol.msc, Local Policies, User Rights Assignment, "${name}": ${policy}. Then:`),
        'gpupdate /force',
      ]),
    ];
  });
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Two weeks: long enough for a maintenance window. */
const EXPIRES_SOON_MS = 14 * DAY_MS;

function expiryProblem(v: DoctorView, node: string, setup: SetupFacts): Seen | Seen[] {
  const at = setup.security?.passwordExpires;
  const now = partOf(v, 'view', node)?.host.now;
  if (at == null || now === undefined) return [];
  const left = Date.parse(at) - Date.parse(now);
  if (left > EXPIRES_SOON_MS) return [];
  const { name } = setup.account;
  const remedy = [
    prose('A new password, the same on every node; then on each of them, as its task has its own:'),
    `Set-LocalUser -Name ${quoted(name)} -Password (Read-Host 'Password' -AsSecureString)`,
    'watari worker install --new-password',
  ];
  if (left <= 0)
    return blocker(node, `the password of ${name} expired on ${at.slice(0, 10)}`, remedy);
  const days = Math.ceil(left / DAY_MS);
  const seen = `the password of ${name} expires on ${at.slice(0, 10)}, in ${days} ${days === 1 ? 'day' : 'days'}: then its worker does not start again, and no node lets it in`;
  return warning(node, seen, remedy);
}

const withSecurity = (v: DoctorView): Of<SetupFacts>[] =>
  setups(v).filter(({ facts }) => facts.security !== undefined);

const POLICIES: readonly Check[] = [
  {
    id: 'lockout',
    group: 'account',
    title: 'The account is not locked, and not locked by a slip of the keys',
    blocks: 'it is locked',
    warns: 'one or two wrong sign-ins lock it',
    source: 'Microsoft: KB5020282, account-lockout-threshold; Win32_UserAccount.Lockout',
    look: each(
      withSecurity,
      (facts, node, v) => lockProblem(v, node, facts),
      (_all, v) => perNode(setupsWith('security')(v), lockText),
    ),
  },
  {
    id: 'logon-rights',
    group: 'account',
    title: 'The account may log on as a batch job, and from the network',
    blocks: 'it lacks one of the rights, or is denied it, be it as S-1-5-113 or S-1-5-114',
    warns: null,
    source: 'Microsoft: user-rights-assignment; Task Scheduler (password logon)',
    look: each(
      (v) => withSecurity(v).filter(({ facts }) => facts.security?.rights !== null),
      (facts, node, v) => rightProblems(v, node, facts),
      'both',
    ),
  },
  {
    id: 'password-expiry',
    group: 'account',
    title: 'The password of the account does not expire within 14 days',
    blocks: 'it has expired',
    warns: 'it expires within 14 days',
    source: 'Microsoft: Get-LocalUser (PasswordExpires); maximum-password-age',
    look: each(
      withSecurity,
      (facts, node, v) => expiryProblem(v, node, facts),
      (_all, v) =>
        perNode(setupsWith('security')(v), ({ passwordExpires }) =>
          passwordExpires === null ? 'it does not' : `on ${passwordExpires.slice(0, 10)}`,
        ),
    ),
  },
];

export const SIGN_IN_CHECKS: readonly Check[] = [...BETWEEN_NODES, ...POLICIES];
