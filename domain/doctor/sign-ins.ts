// Who signs in where, so that `cluster doctor` learns whether the nodes share one password and locks no account: one
// try at each node at the most. Called by the workflow, which asks, and by the checks, which tell what was left out.
import type { PeerFacts, SetupFacts } from '../facts.ts';
import { sameName } from '../names.ts';
import { NODE_PORTS, partOf, setups, ways, type DoctorView, type Of } from './view.ts';

/** How the nodes prove to each other who they are. Windows tells it nowhere, so it is concluded. */
export type SignInMode = 'account' | 'certificates';

/**
 * `certificates` where nothing else is left: every node blocks NTLM (and there is no Kerberos in a workgroup), or WinRM
 * is reached over HTTPS alone. A wrong guess makes checks say "not checked"; it never makes a setting weaker.
 */
export function signInMode(v: DoctorView): SignInMode {
  const all = setups(v);
  if (all.length > 0 && all.every(({ facts }) => facts.policies.blockNtlm === true))
    return 'certificates';
  const open = (facts: PeerFacts, port: number): boolean =>
    facts.ports.some((p) => p.port === port && p.open);
  const reached = ways(v).filter(({ facts }) => facts.ports.some((p) => p.open));
  const overTls = reached.filter(
    ({ facts }) => open(facts, NODE_PORTS.winrmTls) && !open(facts, NODE_PORTS.winrm),
  );
  return reached.length > 0 && overTls.length === reached.length ? 'certificates' : 'account';
}

/** Why what rests on an account and its password is not looked at. */
export const unlessCertificates = (v: DoctorView): string | null =>
  signInMode(v) === 'certificates'
    ? 'the cluster seems to sign in with certificates, which Windows does not tell'
    : null;

export interface SignIn {
  asker: string;
  peer: string;
  /** A peer that refused is not asked again for so long. 0: wrong sign-ins lock nothing there. */
  windowMinutes: number;
}

export interface SignInPlan {
  asks: SignIn[];
  left: { peer: string; why: string }[];
}

/** One try may count twice where WinRM tries two ways to sign in, and people mistype as well. */
const SPARE_TRIES = 3;

/** `*` alone, a name with `*` in it, or `<local>` for every name without a dot (about_Remote_Requirements). */
export function isTrusted(entries: readonly string[], name: string): boolean {
  return entries.some((raw) => {
    const entry = raw.trim().toLowerCase();
    if (entry === '<local>') return !name.includes('.');
    const pattern = entry.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${pattern.join('.*')}$`).test(name.toLowerCase());
  });
}

/** Why a sign-in at a node could lock its account, or could not be counted; null: it may be tried. */
function dangerOf({ account, security }: SetupFacts): string | null {
  if (security === undefined) return 'its worker is too old to tell when accounts are locked';
  if (security.locked) return `${account.name} is locked`;
  if (security.lockout === null) return 'it does not show when wrong sign-ins lock an account';
  const { threshold } = security.lockout;
  if (threshold === 0 || threshold >= SPARE_TRIES) return null;
  return `${threshold === 1 ? 'one wrong sign-in locks' : `${threshold} wrong sign-ins lock`} an account`;
}

/** It would get as far as the account of the peer: WinRM is open, trusted, and the account may use NTLM. */
function reaches(v: DoctorView, asker: Of<SetupFacts>, peer: string): boolean {
  const way = partOf(v, 'peers', asker.node)?.find((p) => sameName(p.node, peer));
  const open = way?.ports.some((p) => p.port === NODE_PORTS.winrm && p.open) === true;
  return (
    open &&
    asker.facts.policies.blockNtlm !== true &&
    isTrusted(asker.facts.trustedHosts, peer) &&
    // An older worker asks more than it is told to.
    asker.facts.security !== undefined
  );
}

/** Each node is asked by the one before it; by another where that one cannot, or has an account of another name. */
export function planSignIns(v: DoctorView): SignInPlan {
  const plan: SignInPlan = { asks: [], left: [] };
  const all = setups(v);
  if (signInMode(v) === 'certificates' || all.length < 2) return plan;
  for (const [i, { node: peer, facts }] of all.entries()) {
    const why = dangerOf(facts);
    if (why !== null) {
      plan.left.push({ peer, why });
      continue;
    }
    const before = [...all.slice(0, i).reverse(), ...all.slice(i + 1).reverse()];
    const able = before.filter((asker) => reaches(v, asker, peer));
    const asker =
      able.find((one) => sameName(one.facts.account.name, facts.account.name)) ?? able[0];
    if (asker === undefined) plan.left.push({ peer, why: 'no other node can turn to it' });
    else {
      // A policy that never locks tells no window.
      const windowMinutes = facts.security?.lockout?.windowMinutes ?? 0;
      plan.asks.push({ asker: asker.node, peer, windowMinutes });
    }
  }
  return plan;
}

/** The nodes that were found to share their password with each other: the most of them, by who let whom in. */
export function inAgreement(v: DoctorView): string[] {
  const groups: string[][] = setups(v).map(({ node }) => [node]);
  const groupOf = (node: string) => groups.find((g) => g.some((one) => sameName(one, node)));
  for (const { node, facts } of ways(v)) {
    if (facts.signIn?.ok !== true) continue;
    const [from, to] = [groupOf(node), groupOf(facts.node)];
    if (from === undefined || to === undefined || from === to) continue;
    from.push(...to.splice(0));
  }
  return groups.sort((a, b) => b.length - a.length)[0] ?? [];
}
