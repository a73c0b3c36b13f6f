// Checks of the ways between the nodes: names, ports, cluster networks.
import type { ClusterView, NetworkFacts, PeerFacts, SetupFacts } from '../../facts.ts';
import { sameName } from '../../names.ts';
import { listed } from '../../units.ts';
import { blocker, prose, quoted, warning, type Check, type Seen } from '../check.ts';
import { inCluster, together } from '../looks.ts';
import { signInMode } from '../sign-ins.ts';
import { gathered, NODE_PORTS, partOf, setups, ways, type DoctorView, type Of } from '../view.ts';

const USES: Readonly<Record<number, string>> = {
  [NODE_PORTS.liveMigration]: 'live migration',
  [NODE_PORTS.cluster]: 'the cluster service',
  [NODE_PORTS.smb]: 'SMB, which shared volumes use',
  [NODE_PORTS.winrm]: 'WinRM',
  [NODE_PORTS.winrmTls]: 'WinRM over HTTPS',
};

/** The cluster is set up and checked over WinRM; it lives without. */
const levelOf = (port: number): typeof blocker =>
  port === NODE_PORTS.winrm || port === NODE_PORTS.winrmTls ? warning : blocker;

/** A cluster with certificates uses WinRM over HTTPS, and only that. */
function wantedPorts(v: DoctorView): number[] {
  const { winrm, winrmTls } = NODE_PORTS;
  const spare = signInMode(v) === 'certificates' ? winrm : winrmTls;
  return Object.values(NODE_PORTS).filter((port) => port !== spare);
}

const openPort = (port: number): string =>
  `New-NetFirewallRule -DisplayName ${quoted(`Cluster nodes, TCP ${port}`)} -Direction Inbound -Protocol TCP -LocalPort ${port} -Action Allow`;

const STARTERS: Readonly<Record<number, string>> = {
  [NODE_PORTS.liveMigration]: 'Restart-Service vmms',
  [NODE_PORTS.cluster]: 'Start-ClusterNode',
  [NODE_PORTS.smb]: 'Start-Service LanmanServer',
  [NODE_PORTS.winrm]: 'Set-WSManQuickConfig -SkipNetworkProfileCheck -Force',
  // -UseSSL takes the certificate for server authentication that the machine has.
  [NODE_PORTS.winrmTls]: 'Set-WSManQuickConfig -UseSSL -Force',
};

/** What listens on the port is there and runs; where it is not, another check says so. */
function shouldListen(v: DoctorView, node: string, port: number): boolean {
  const view = partOf(v, 'view', node);
  if (view === null) return false;
  if (port === NODE_PORTS.liveMigration) return view.migration?.enabled === true;
  if (port !== NODE_PORTS.cluster) return true;
  return view.services.some((s) => sameName(s.name, 'ClusSvc') && s.state === 'Running');
}

/** Whoever was let in knows better than a list. */
const isReached = (v: DoctorView, node: string, port: number): boolean =>
  ways(v).some(
    ({ facts: peer }) =>
      sameName(peer.node, node) && peer.ports.some((p) => p.port === port && p.open),
  );

function deafPorts(v: DoctorView, { node, facts }: Of<SetupFacts>): Seen | Seen[] {
  const wanted = wantedPorts(v);
  const deaf = wanted.filter(
    (port) => !facts.listening.includes(port) && !isReached(v, node, port),
  );
  // No Windows is deaf on all of them: it did not show what listens.
  if (deaf.length === wanted.length) {
    const seen = 'Windows does not show what listens, and no other node reaches it';
    return warning(node, seen, 'Get-NetTCPConnection -State Listen');
  }
  return deaf
    .filter((port) => shouldListen(v, node, port))
    .map((port) => {
      const seen = `nothing listens on TCP ${port} (${USES[port] ?? ''})`;
      return levelOf(port)(node, seen, STARTERS[port] ?? '');
    });
}

/** Something listens there and nevertheless others do not reach it: a firewall, or no way at all. */
function closedPorts(v: DoctorView): Seen[] {
  const closed = ways(v).flatMap(({ node: from, facts: { node, ports } }) =>
    ports
      .filter(({ port }) => wantedPorts(v).includes(port))
      .filter(({ port, open }) => !open && partOf(v, 'setup', node)?.listening.includes(port))
      .map(({ port }) => ({ node: from, facts: { node, port } })),
  );
  return gathered(closed, ({ node, port }) => `${node} ${port}`).map(
    ({ facts: { node, port }, from }) => {
      const seen = `TCP ${port} (${USES[port] ?? ''}) cannot be reached from ${listed(from)}`;
      return levelOf(port)(node, seen, openPort(port));
    },
  );
}

function nameProblems(all: Of<PeerFacts>[]): Seen[] {
  const unknown = all.filter(({ facts }) => facts.addresses.length === 0);
  return gathered(unknown, (peer) => peer.node).map(({ facts: { node: name }, from }) =>
    blocker(
      name,
      `its name does not resolve on ${listed(from)}`,
      [
        prose(
          `Add a record for ${name} to the DNS zone of the nodes. Without a DNS server, on ${listed(from)}:`,
        ),
        `Add-Content -Path "$env:SystemRoot\\System32\\drivers\\etc\\hosts" -Value 'ADDRESS ${name}'`,
      ],
      from[0] ?? null,
    ),
  );
}

const BETWEEN_NODES: readonly Check[] = [
  {
    id: 'names',
    group: 'network',
    title: 'Every node finds the others by name',
    blocks: 'a name does not resolve',
    warns: null,
    source: 'Microsoft: create-workgroup-cluster (DNS is still required)',
    look: together(ways, nameProblems, (all) => `${all.length} look-ups`),
  },
  {
    id: 'ports',
    group: 'network',
    title: 'TCP 6600, 3343, 445 and WinRM listen, and the other nodes reach them',
    blocks: 'one of 6600, 3343 and 445 does not',
    warns:
      '5985 (WinRM) does not, or 5986 where nodes sign in with certificates; or Windows does not show what listens',
    source: 'Microsoft: troubleshoot-live-migration-issues (0x8007271D, 0x8007274D)',
    look: together(
      setups,
      (all, v) => [...all.flatMap((setup) => deafPorts(v, setup)), ...closedPorts(v)],
      (_all, v) => {
        const wanted = wantedPorts(v);
        const looks = ways(v)
          .flatMap(({ facts }) => facts.ports)
          .filter(({ port }) => wanted.includes(port));
        return `${looks.filter((p) => p.open).length} of ${looks.length} connections made`;
      },
    ),
  },
];

const forMigration = (n: NetworkFacts): boolean => n.role !== 'None' && !n.excludedFromMigration;

function networkProblems({ networks, cluster }: ClusterView): Seen[] {
  const out: Seen[] = [];
  const first = quoted(networks[0]?.name ?? 'NAME');
  if (!networks.some((n) => forMigration(n) && n.state === 'Up')) {
    const all = networks.map(
      (n) => `${n.name} (${n.role}, ${n.state}${n.excludedFromMigration ? ', excluded' : ''})`,
    );
    const seen = `no cluster network can carry a live migration: ${listed(all) || 'there is none'}`;
    const remedy = [
      prose('Give one to the cluster (1: cluster alone, 3: clients too), and exclude none:'),
      `(Get-ClusterNetwork -Name ${first}).Role = 1`,
      `Get-ClusterResourceType -Name 'Virtual Machine' | Set-ClusterParameter -Name MigrationExcludeNetworks -Value ''`,
    ];
    out.push(blocker(cluster.name, seen, remedy, null));
  }
  for (const { name, state } of networks) {
    if (state === 'Up') continue;
    const remedy = `Get-ClusterNetworkInterface -Network ${quoted(name)} | Format-Table Node, Name, State, Address`;
    out.push(warning(name, `the network is ${state}`, remedy, null));
  }
  if (networks.length > 0 && !networks.some((n) => n.role === 'ClusterAndClient')) {
    const seen = 'no network is for clients: nobody reaches the cluster name';
    out.push(warning(cluster.name, seen, `(Get-ClusterNetwork -Name ${first}).Role = 3`, null));
  }
  return out;
}

const CLUSTER_NETWORKS: Check = {
  id: 'networks',
  group: 'network',
  title: 'Cluster networks are up, and one of them may carry live migrations',
  blocks: 'none that is up and not excluded has a role in the cluster (0x000013AB)',
  warns: 'one is not up, or none is for clients',
  source: 'Microsoft: failover-cluster-network-recommendations, troubleshoot-live-migration-issues',
  look: inCluster(networkProblems, ({ networks }) => {
    const usable = networks.filter(forMigration).map((n) => n.name);
    return `${listed(usable)} for live migration`;
  }),
};

export const NETWORK_CHECKS: readonly Check[] = [...BETWEEN_NODES, CLUSTER_NETWORKS];
