// The reading operations behind `cluster doctor`: how each node was set up by hand, what it finds when it turns to the
// others, and where its VMs' files are.
import type {
  AccountFacts,
  ClusterRules,
  PeerFacts,
  SecurityFacts,
  SetupFacts,
  VmStorageFacts,
} from '../../domain/facts.ts';
import { sameName } from '../../domain/names.ts';
import type { OpArgs } from '../../hyperv/host.ts';
import { iso, type Instant } from './clock.ts';
import { coreGroupOwner } from './groups.ts';
import type { Asked } from './refusal.ts';
import {
  answers,
  findNode,
  hasHyperV,
  isMember,
  labId,
  vmsOn,
  type LabNode,
  type LabVm,
  type World,
} from './world.ts';

const BUILT_IN_RID = 500;
const FIRST_RID = 1001;
export const PORTS = { cluster: 3343, liveMigration: 6600, winrm: 5985, smb: 445, winrmTls: 5986 };

/** Two nodes have different SIDs for accounts of one name, as two machines do. */
function sidOf(node: LabNode, index: number, builtIn: boolean): string {
  const machine = labId('sid', node.name)
    .split('-')
    .slice(0, 3)
    .map((part) => String(Number.parseInt(part, 16)));
  return `S-1-5-21-${machine.join('-')}-${builtIn ? BUILT_IN_RID : FIRST_RID + index}`;
}

/** Administrators, in the order of the scenario. */
export function administratorsOf(node: LabNode): AccountFacts[] {
  return node.is.setup.administrators.map(({ name, enabled, builtIn }, i) => ({
    name,
    sid: sidOf(node, i, builtIn),
    enabled,
    builtIn,
  }));
}

/** The account of the node's worker. */
export const accountOf = (node: LabNode): AccountFacts => {
  const { account } = node.is.setup;
  const known = administratorsOf(node).find((a) => sameName(a.name, account));
  return known ?? { name: account, sid: sidOf(node, 900, false), enabled: true, builtIn: false };
};

export const trustedOf = ({ world, node }: Asked): string[] =>
  node.is.setup.trustedHosts ?? world.nodes.map((n) => n.name).filter((name) => name !== node.name);

/** Something listens there; whether a firewall lets anybody in is another question. */
export function listens(world: World, node: LabNode, port: number): boolean {
  if (!answers(node)) return false;
  if (port === PORTS.cluster) return isMember(node) && world.quorate;
  if (port === PORTS.liveMigration) return hasHyperV(node) && node.migration.enabled;
  if (port === PORTS.winrmTls) return withCertificates(world);
  return port === PORTS.winrm || port === PORTS.smb;
}

/** Its nodes sign in with certificates: the way that is left where none of them may use NTLM. */
const withCertificates = ({ scenario }: World): boolean =>
  scenario.certificates ?? scenario.nodes.every((node) => node.setup.blockNtlm === true);

const DAY_MS = 86_400_000;

/** When the password of the worker's account expires. */
export const passwordEnd = ({ world, node }: Asked): Instant | null => {
  const days = node.is.setup.passwordExpiresInDays;
  return days === null ? null : world.startedAt + days * DAY_MS;
};

function securityFacts(asked: Asked): SecurityFacts {
  const { world, node } = asked;
  const { setup } = node.is;
  const { threshold, minutes, windowMinutes } = setup.lockout;
  const { batch, denyBatch, network, denyNetwork } = setup.rights;
  const shown = setup.virtualMachineRights !== null;
  const end = passwordEnd(asked);
  return {
    // Where accounts are never locked, Windows does not tell for how long.
    lockout: !shown
      ? null
      : threshold === 0
        ? { threshold, minutes: 0, windowMinutes: 0 }
        : { threshold, minutes, windowMinutes },
    rights: shown ? { batch, denyBatch, network, denyNetwork } : null,
    locked: isLocked(world, node, setup.account),
    passwordExpires: end === null ? null : iso(end),
    credentialGuard: setup.credentialGuard,
  };
}

function clusterRules({ world, node }: Asked): ClusterRules | null {
  if (!isMember(node) || !world.quorate) return null;
  return {
    coreGroupOwner: coreGroupOwner(world)?.name ?? '',
  };
}

/** What is counted of an account, by any capitals. */
function countOf(node: LabNode, account: string) {
  const key = account.toLowerCase();
  const known = node.wrongSignIns.get(key) ?? { count: 0, lastAt: 0, lockedUntil: 0 };
  node.wrongSignIns.set(key, known);
  return known;
}

export const isLocked = (world: World, node: LabNode, account: string): boolean =>
  countOf(node, account).lockedUntil > world.time;

/** A wrong password counts, and locks the account when it was one too many within the window. */
function countWrong(world: World, node: LabNode, account: string): void {
  const { threshold, minutes, windowMinutes } = node.is.setup.lockout;
  if (threshold === 0) return;
  const known = countOf(node, account);
  if (world.time - known.lastAt > windowMinutes * 60_000) known.count = 0;
  known.count += 1;
  known.lastAt = world.time;
  if (known.count < threshold) return;
  known.count = 0;
  known.lockedUntil = minutes < 1 ? Infinity : world.time + minutes * 60_000;
}

export function setupFacts(asked: Asked, { ports }: OpArgs<'readSetup'>): SetupFacts {
  const { world, node } = asked;
  const { setup } = node.is;
  return {
    node: node.name,
    workgroup: setup.domain === null ? setup.workgroup : null,
    domain: setup.domain,
    dnsSuffix: setup.dnsSuffix,
    updateRevision: node.updates.revision,
    account: { ...accountOf(node), elevated: setup.elevated },
    administrators: administratorsOf(node),
    policies: {
      localAccountTokenFilterPolicy: setup.localAccountTokenFilterPolicy,
      allowPku2u: setup.allowPku2u,
      allowCustomSspsAps: setup.allowCustomSspsAps,
      blockNtlm: setup.blockNtlm,
      virtualMachineRights:
        setup.virtualMachineRights === null || !hasHyperV(node)
          ? null
          : { ...setup.virtualMachineRights },
    },
    trustedHosts: trustedOf(asked),
    bios: setup.bios,
    microcode: setup.microcode,
    listening: ports.filter((port) => listens(world, node, port)),
    shieldingCertificates: [...setup.shieldingCertificates],
    security: securityFacts(asked),
    automaticUpdates: { off: setup.noAutoUpdate, option: setup.autoUpdateOption },
    cluster: clusterRules(asked),
  };
}

const REFUSED_SIGN_IN = '0x8009030E';
/** ERROR_ACCOUNT_LOCKED_OUT; that WinRM tells it in these words is an assumption. */
const LOCKED_OUT = '0x80070775';
const NOT_TRUSTED = '0x803380E4';
export const NO_ACCESS = '0x80070005';
export const UNREACHABLE = '0x80338126';
/** No account was tried. */
const NOTHING_TRIED: readonly string[] = [NOT_TRUSTED, UNREACHABLE];

/**
 * Signs the account of `node` in to WinRM of `peer`: why it is not let in; null when it is. A wrong password counts.
 */
export function signInProblem(
  asked: Asked,
  peer: LabNode,
): { hresult: string; message: string } | null {
  const { world, node } = asked;
  const mine = accountOf(node);
  const { setup } = peer.is;
  if (!reaches(asked, peer, PORTS.winrm))
    return { hresult: UNREACHABLE, message: `WinRM of ${peer.name} does not answer` };
  const trusted = trustedOf(asked);
  if (!trusted.some((host) => host === '*' || sameName(host, peer.name)))
    return { hresult: NOT_TRUSTED, message: `${peer.name} is not in TrustedHosts` };
  const theirs = administratorsOf(peer).find((a) => sameName(a.name, mine.name));
  const refused = {
    hresult: REFUSED_SIGN_IN,
    message: `${peer.name} does not let ${mine.name} in`,
  };
  // Without NTLM nothing is sent, and an account that is not there cannot be locked.
  if (theirs?.enabled !== true || node.is.setup.blockNtlm === true) return refused;
  if (isLocked(world, peer, mine.name))
    return { hresult: LOCKED_OUT, message: `${mine.name} is locked on ${peer.name}` };
  if (setup.password !== node.is.setup.password) {
    countWrong(world, peer, mine.name);
    return refused;
  }
  countOf(peer, mine.name).count = 0;
  if (!theirs.builtIn && setup.localAccountTokenFilterPolicy !== 1)
    return { hresult: NO_ACCESS, message: `${mine.name} has no rights on ${peer.name}` };
  return null;
}

export function reaches({ world, node }: Asked, peer: LabNode, port: number): boolean {
  const cut = Math.max(node.networkDownUntil, peer.networkDownUntil) > world.time;
  return !cut && listens(world, peer, port) && !peer.is.setup.closedPorts.includes(port);
}

export const addressOf = (world: World, peer: LabNode): string =>
  `10.0.0.${world.nodes.indexOf(peer) + 1}`;

export function peerFacts(
  asked: Asked,
  { nodes, ports, signIn = true }: OpArgs<'readPeers'>,
): PeerFacts[] {
  const { world, node } = asked;
  let refused = false;
  return nodes.map((name) => {
    const peer = findNode(world, name);
    if (peer === undefined) {
      const message = `nobody knows ${name}`;
      return {
        node: name,
        addresses: [],
        ports: ports.map((port) => ({ port, open: false })),
        signIn: signIn ? { ok: false, hresult: UNREACHABLE, message } : null,
        clockAheadSeconds: null,
      };
    }
    const silent = !reaches(asked, peer, PORTS.winrm);
    const tried = signIn && (silent || !refused);
    const problem = tried ? signInProblem(asked, peer) : null;
    refused ||= problem !== null && !NOTHING_TRIED.includes(problem.hresult);
    return {
      node: peer.name,
      addresses: [addressOf(world, peer)],
      ports: ports.map((port) => ({ port, open: reaches(asked, peer, port) })),
      signIn: tried
        ? {
            ok: problem === null,
            hresult: problem?.hresult ?? null,
            message: problem?.message ?? null,
          }
        : null,
      clockAheadSeconds:
        tried && problem === null ? (peer.clockAheadMs - node.clockAheadMs) / 1000 : null,
    };
  });
}

export const vmStorageFacts = (vm: LabVm): VmStorageFacts => ({
  vmId: vm.id,
  name: vm.name,
  configurationPath: vm.configurationPath,
  smartPagingPath: vm.configurationPath,
  snapshotPath: vm.snapshotPath,
  disks: vm.disks.map((path, i) => ({
    path,
    parents: i === 0 ? [...vm.parents] : [],
    shared: vm.sharedDisks && !/\.vhds$/i.test(path),
  })),
});

export const vmStorageOn = ({ world, node }: Asked): VmStorageFacts[] =>
  vmsOn(world, node.name).map(vmStorageFacts);
