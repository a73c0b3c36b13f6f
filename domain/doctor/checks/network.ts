// Checks of the ways between the nodes: names, ports, cluster networks.
import type { NetworkFacts } from '../../facts.ts';
import { sameName } from '../../names.ts';
import { blocker, orFine, prose, quoted, warning, type Check, type Seen } from '../check.ts';
import { clusterView, NODE_PORTS, parts, partOf, type DoctorView } from '../view.ts';
import { listed } from '../../units.ts';

const USES: Readonly<Record<number, string>> = {
  [NODE_PORTS.liveMigration]: 'live migration',
  [NODE_PORTS.cluster]: 'the cluster service',
  [NODE_PORTS.smb]: 'SMB, which shared volumes use',
  [NODE_PORTS.winrm]: 'WinRM',
};

/** The cluster is set up and checked over WinRM; it lives without. */
const levelOf = (port: number): typeof blocker => (port === NODE_PORTS.winrm ? warning : blocker);

const openPort = (port: number): string =>
  `New-NetFirewallRule -DisplayName ${quoted(`Cluster nodes, TCP ${String(port)}`)} -Direction Inbound -Protocol TCP -LocalPort ${String(port)} -Action Allow`;

const STARTERS: Readonly<Record<number, string>> = {
  [NODE_PORTS.liveMigration]: 'Restart-Service vmms',
  [NODE_PORTS.cluster]: 'Start-ClusterNode',
  [NODE_PORTS.smb]: 'Start-Service LanmanServer',
  [NODE_PORTS.winrm]: 'Set-WSManQuickConfig -SkipNetworkProfileCheck -Force',
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
  parts(v, 'peers').some(({ facts }) =>
    facts.some((p) => sameName(p.node, node) && p.ports.some((o) => o.port === port && o.open)),
  );

function deafPorts(v: DoctorView): Seen[] {
  return parts(v, 'setup').flatMap(({ node, facts }) => {
    const deaf = Object.values(NODE_PORTS).filter(
      (port) => !facts.listening.includes(port) && !isReached(v, node, port),
    );
    // No Windows is deaf on all of them: it did not show what listens.
    if (deaf.length === Object.values(NODE_PORTS).length) {
      const seen = 'Windows does not show what listens, and no other node reaches it';
      return [warning(node, seen, 'Get-NetTCPConnection -State Listen', node)];
    }
    return deaf
      .filter((port) => shouldListen(v, node, port))
      .map((port) => {
        const seen = `nothing listens on TCP ${String(port)} (${USES[port] ?? ''})`;
        return levelOf(port)(node, seen, STARTERS[port] ?? '', node);
      });
  });
}

/** Something listens there and nevertheless others do not reach it: a firewall, or no way at all. */
function closedPorts(v: DoctorView): Seen[] {
  const closed = new Map<string, { node: string; port: number; from: string[] }>();
  for (const { node: from, facts } of parts(v, 'peers')) {
    for (const peer of facts) {
      const listening = partOf(v, 'setup', peer.node)?.listening;
      if (listening === undefined) continue;
      for (const { port, open } of peer.ports) {
        if (open || !listening.includes(port)) continue;
        const key = `${peer.node} ${String(port)}`;
        const known = closed.get(key);
        closed.set(key, { node: peer.node, port, from: [...(known?.from ?? []), from] });
      }
    }
  }
  return [...closed.values()].map(({ node, port, from }) =>
    levelOf(port)(
      node,
      `TCP ${String(port)} (${USES[port] ?? ''}) cannot be reached from ${listed(from)}`,
      openPort(port),
      node,
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
    look(v) {
      const all = parts(v, 'peers');
      const asked = all.flatMap(({ facts }) => facts);
      if (asked.length === 0) return [];
      const unknown = new Map<string, string[]>();
      for (const { node, facts } of all) {
        for (const peer of facts) {
          if (peer.addresses.length > 0) continue;
          unknown.set(peer.node, [...(unknown.get(peer.node) ?? []), node]);
        }
      }
      const problems = [...unknown].map(([name, from]) =>
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
      return orFine(v, problems, `${String(asked.length)} look-ups`);
    },
  },
  {
    id: 'ports',
    group: 'network',
    title: `TCP ${Object.values(NODE_PORTS).map(String).join(', ')} listen, and the other nodes reach them`,
    blocks: 'one of 6600, 3343 and 445 does not',
    warns: '5985 (WinRM) does not, or Windows does not show what listens',
    source: 'Microsoft: troubleshoot-live-migration-issues (0x8007271D, 0x8007274D)',
    look(v) {
      if (parts(v, 'setup').length === 0) return [];
      const looks = parts(v, 'peers').flatMap(({ facts }) => facts.flatMap((p) => p.ports));
      const seen = `${String(looks.filter((p) => p.open).length)} of ${String(looks.length)} connections made`;
      return orFine(v, [...deafPorts(v), ...closedPorts(v)], seen);
    },
  },
];

const forMigration = (n: NetworkFacts): boolean => n.role !== 'None' && !n.excludedFromMigration;

function networkProblems(networks: NetworkFacts[], subject: string): Seen[] {
  const out: Seen[] = [];
  if (!networks.some((n) => forMigration(n) && n.state === 'Up')) {
    const all = listed(
      networks.map(
        (n) => `${n.name} (${n.role}, ${n.state}${n.excludedFromMigration ? ', excluded' : ''})`,
      ),
    );
    out.push(
      blocker(
        subject,
        `no cluster network can carry a live migration: ${all === '' ? 'there is none' : all}`,
        [
          prose('Give one to the cluster (1: cluster alone, 3: clients too), and exclude none:'),
          `(Get-ClusterNetwork -Name ${quoted(networks[0]?.name ?? 'NAME')}).Role = 1`,
          `Get-ClusterResourceType -Name 'Virtual Machine' | Set-ClusterParameter -Name MigrationExcludeNetworks -Value ''`,
        ],
        null,
      ),
    );
  }
  for (const n of networks) {
    if (n.state === 'Up') continue;
    out.push(
      warning(
        n.name,
        `the network is ${n.state}`,
        `Get-ClusterNetworkInterface -Network ${quoted(n.name)} | Format-Table Node, Name, State, Address`,
        null,
      ),
    );
  }
  if (networks.length > 0 && !networks.some((n) => n.role === 'ClusterAndClient')) {
    const first = networks[0]?.name ?? 'NAME';
    const remedy = `(Get-ClusterNetwork -Name ${quoted(first)}).Role = 3`;
    out.push(
      warning(subject, 'no network is for clients: nobody reaches the cluster name', remedy, null),
    );
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
  look(v) {
    const view = clusterView(v);
    if (view === null) return [];
    const usable = view.networks.filter(forMigration).map((n) => n.name);
    return orFine(
      v,
      networkProblems(view.networks, view.cluster.name),
      `${listed(usable)} for live migration`,
    );
  },
};

export const NETWORK_CHECKS: readonly Check[] = [...BETWEEN_NODES, CLUSTER_NETWORKS];
