// The reading operations behind `cluster doctor`: how each node was set up by hand, what it finds when it turns to the
// others, and where its VMs' files are.
import type { AccountFacts, PeerFacts, SetupFacts, VmStorageFacts } from '../../domain/facts.ts';
import { sameName } from '../../domain/names.ts';
import type { OpArgs } from '../../hyperv/host.ts';
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
export const PORTS = { cluster: 3343, liveMigration: 6600, winrm: 5985, smb: 445 };

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
  return port === PORTS.winrm || port === PORTS.smb;
}

export function setupFacts(asked: Asked, { ports }: OpArgs<'readSetup'>): SetupFacts {
  const { world, node } = asked;
  const { setup } = node.is;
  return {
    node: node.name,
    workgroup: setup.domain === null ? setup.workgroup : null,
    domain: setup.domain,
    dnsSuffix: setup.dnsSuffix,
    updateRevision: setup.updateRevision,
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
  };
}

const REFUSED_SIGN_IN = '0x8009030E';
const NOT_TRUSTED = '0x803380E4';
export const NO_ACCESS = '0x80070005';
export const UNREACHABLE = '0x80338126';

/** Why WinRM of `peer` does not let the account of `node` in; null when it does. */
export function signInProblem(
  asked: Asked,
  peer: LabNode,
): { hresult: string; message: string } | null {
  const { node } = asked;
  const mine = accountOf(node);
  const { setup } = peer.is;
  if (!reaches(asked, peer, PORTS.winrm))
    return { hresult: UNREACHABLE, message: `WinRM of ${peer.name} does not answer` };
  const trusted = trustedOf(asked);
  if (!trusted.some((host) => host === '*' || sameName(host, peer.name)))
    return { hresult: NOT_TRUSTED, message: `${peer.name} is not in TrustedHosts` };
  const theirs = administratorsOf(peer).find((a) => sameName(a.name, mine.name));
  const samePassword = setup.password === node.is.setup.password;
  if (theirs?.enabled !== true || !samePassword || node.is.setup.blockNtlm === true)
    return { hresult: REFUSED_SIGN_IN, message: `${peer.name} does not let ${mine.name} in` };
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

export function peerFacts(asked: Asked, { nodes, ports }: OpArgs<'readPeers'>): PeerFacts[] {
  const { world, node } = asked;
  return nodes.map((name) => {
    const peer = findNode(world, name);
    if (peer === undefined) {
      const message = `nobody knows ${name}`;
      return {
        node: name,
        addresses: [],
        ports: ports.map((port) => ({ port, open: false })),
        signIn: { ok: false, hresult: UNREACHABLE, message },
        clockAheadSeconds: null,
      };
    }
    const problem = signInProblem(asked, peer);
    return {
      node: peer.name,
      addresses: [addressOf(world, peer)],
      ports: ports.map((port) => ({ port, open: reaches(asked, peer, port) })),
      signIn: {
        ok: problem === null,
        hresult: problem?.hresult ?? null,
        message: problem?.message ?? null,
      },
      clockAheadSeconds: problem === null ? (peer.clockAheadMs - node.clockAheadMs) / 1000 : null,
    };
  });
}

export const vmStorageFacts = (vm: LabVm): VmStorageFacts => ({
  vmId: vm.id,
  name: vm.name,
  configurationPath: vm.configurationPath,
  smartPagingPath: vm.configurationPath,
  disks: vm.disks.map((path, i) => ({
    path,
    parents: i === 0 ? [...vm.parents] : [],
    shared: vm.sharedDisks,
  })),
});

export const vmStorageOn = ({ world, node }: Asked): VmStorageFacts[] =>
  vmsOn(world, node.name).map(vmStorageFacts);
