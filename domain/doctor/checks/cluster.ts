// Checks of the cluster: its nodes, its votes, its volumes, and whether the nodes could carry each other's VMs.
import type { ClusterNodeFacts, ClusterView } from '../../facts.ts';
import { includesName, sameName } from '../../names.ts';
import { quorumWithout } from '../../quorum.ts';
import { DEFAULT_MEMORY_RESERVE_BYTES } from '../../spec.ts';
import { notHealedYet } from '../../storage-gate.ts';
import { listed, sizeText } from '../../units.ts';
import {
  blocker,
  namesOf,
  orFine,
  prose,
  quoted,
  warning,
  type Check,
  type Seen,
} from '../check.ts';
import { compareVersions, each, inCluster } from '../looks.ts';
import {
  clusteredVms,
  clusterView,
  events,
  exams,
  partOf,
  roleFinder,
  setupsWith,
  views,
  type ClusteredVm,
  type DoctorView,
} from '../view.ts';

const LIVE_MIGRATION_NODES = 2;

function memberProblems(view: ClusterView, v: DoctorView): Seen[] {
  const out: Seen[] = [];
  const { name } = view.cluster;
  if (!sameName(name, v.cluster)) {
    const seen = `its workers' nodes belong to the cluster ${name}, not to ${v.cluster}`;
    const remedy = prose(
      `Start the workers with --cluster ${name}, or correct cluster in cluster.yaml.`,
    );
    out.push(blocker(v.cluster, seen, remedy, null));
  }
  for (const node of v.wanted?.nodes ?? []) {
    if (view.nodes.some((n) => sameName(n.name, node))) continue;
    const seen = `cluster.yaml names it, but the cluster has only ${listed(view.nodes.map((n) => n.name))}`;
    out.push(blocker(node, seen, `Add-ClusterNode -Name ${quoted(node)}`, view.answeredBy));
  }
  const up = view.nodes.filter((n) => n.state === 'Up').length;
  if (up < LIVE_MIGRATION_NODES) {
    const seen = `a live migration needs two nodes that are Up; here ${up === 1 ? 'one is' : 'none is'}`;
    out.push(blocker(name, seen, 'Get-ClusterNode', null));
  }
  return out;
}

function stateProblem({ name, state, quarantined }: ClusterNodeFacts): Seen | Seen[] {
  if (quarantined) {
    return blocker(name, 'the cluster has quarantined it', [
      prose('It dropped out too often: find out why first (Get-ClusterLog). Then:'),
      'Start-ClusterNode -ClearQuarantine',
    ]);
  }
  if (state === 'Up') return [];
  if (state === 'Paused') {
    const remedy = `Resume-ClusterNode -Name ${quoted(name)} -Failback NoFailback`;
    return warning(name, 'it is paused: no VM moves there', remedy, null);
  }
  return blocker(name, `the cluster says that it is ${state}`, 'Start-ClusterNode');
}

const MEMBERS: readonly Check[] = [
  {
    id: 'cluster-answers',
    group: 'cluster',
    title: 'The cluster answers',
    blocks: 'no node can look at it',
    warns: 'the nodes that were asked first could not look at it, another one could',
    source: 'watari: everything is decided from one look at the cluster',
    look(v) {
      const view = clusterView(v);
      if (view !== null) {
        const problems = exams(v)
          .filter(({ facts }) => facts.cluster !== null && 'noAnswer' in facts.cluster)
          .map(({ node }) =>
            warning(node, 'it cannot look at the cluster, other nodes can', 'Start-ClusterNode'),
          );
        return orFine(v, problems, `told by ${view.answeredBy}`);
      }
      // Without a worker nobody was asked; the check of the workers says so.
      if (exams(v).length === 0 || !('noAnswer' in v.view)) return [];
      const { code, message } = v.view.noAnswer;
      const remedy = ['Get-Service ClusSvc', 'Start-ClusterNode', 'Get-ClusterNode'];
      return [blocker(v.cluster, `${code}: ${message}`, remedy, exams(v)[0]?.node ?? null)];
    },
  },
  {
    id: 'members',
    group: 'cluster',
    title: 'The cluster has the nodes that it should have, and two of them are up',
    blocks:
      'a node of cluster.yaml is missing, fewer than two nodes are Up, or it is another cluster',
    warns: null,
    source: 'watari; Microsoft: live-migration-workgroup-cluster',
    look: inCluster(memberProblems, (view) => listed(view.nodes.map((n) => n.name))),
  },
  {
    id: 'node-state',
    group: 'cluster',
    title: 'Every node is Up',
    blocks: 'a node is down, joining or quarantined',
    warns: 'a node is paused',
    source: 'Microsoft: Get-ClusterNode; event 1672 (quarantine)',
    look: inCluster(
      ({ nodes }) => nodes.flatMap(stateProblem),
      ({ nodes }) => `${nodes.length} nodes`,
    ),
  },
];

/** What two votes cannot do: lose one and keep a majority. */
const WITNESS_NEEDED_NODES = 2;

function witnessProblems({ cluster, nodes }: ClusterView): Seen[] {
  const { witness, name } = cluster;
  if (witness.kind === 'None') {
    const level = nodes.length <= WITNESS_NEEDED_NODES ? blocker : warning;
    const remedy = [
      prose(
        'A disk of the cluster, or an account of Azure storage (file shares are not supported in a workgroup):',
      ),
      `Set-ClusterQuorum -DiskWitness 'Cluster Disk 2'`,
      prose('Set-ClusterQuorum -CloudWitness -AccountName NAME -AccessKey KEY'),
    ];
    return [level(name, `${nodes.length} nodes and no witness`, remedy, null)];
  }
  if (witness.online) return [];
  const remedy = [
    'Get-ClusterQuorum | Format-List',
    'Get-ClusterResource | Where-Object State -ne Online',
  ];
  return [warning(name, `the ${witness.kind} witness is not online`, remedy, null)];
}

function quorumProblems(view: ClusterView): Seen[] {
  const votes = view.nodes
    .filter((n) => n.nodeWeight === 0)
    .map(({ name }) => {
      const remedy = `(Get-ClusterNode -Name ${quoted(name)}).NodeWeight = 1`;
      return warning(name, 'it has no vote', remedy, null);
    });
  const risky = view.nodes.filter((n) => n.state === 'Up' && !quorumWithout(view, n.name).survives);
  if (risky.length === 0) return votes;
  const { remaining, total } = quorumWithout(view, risky[0]?.name ?? '');
  const names = listed(risky.map((n) => n.name));
  const seen = `while it is away, ${remaining} of ${total} votes would be left, no majority`;
  const remedy = [
    prose('Bring the other nodes and the witness up first, or add a witness:'),
    'Get-ClusterNode',
    'Get-ClusterQuorum',
  ];
  return [...votes, blocker(names, seen, remedy, null)];
}

const QUORUM: readonly Check[] = [
  {
    id: 'witness',
    group: 'cluster',
    title: 'There is a witness, and it is online',
    blocks: 'two nodes have none',
    warns: 'three nodes or more have none, or it is not online',
    source: 'Microsoft: manage-cluster-quorum, create-workgroup-cluster (disk, cloud or USB)',
    look: inCluster(witnessProblems, ({ cluster }) => `${cluster.witness.kind} witness, online`),
  },
  {
    id: 'quorum',
    group: 'cluster',
    title: 'The cluster outlives the restart of any one node',
    blocks: 'the votes that stay are no majority',
    warns: 'a node has no vote',
    source: 'Microsoft: manage-cluster-quorum (assigned votes; dynamic quorum is not counted on)',
    look: inCluster(quorumProblems, (view) => {
      const worst = view.nodes
        .map((n) => quorumWithout(view, n.name))
        .sort((a, b) => a.remaining - b.remaining)[0];
      return worst === undefined ? '' : `${worst.remaining} of ${worst.total} votes stay`;
    }),
  },
  {
    id: 'core-group',
    group: 'cluster',
    title: 'No node that is paused holds the core group of the cluster',
    blocks: null,
    warns: 'one does, on Windows Server 2025: the cluster can lose its quorum when it goes down',
    source: 'Microsoft: configuring-witness-resource (events 1177, 7024, 7031)',
    look: coreGroupFindings,
  },
];

/** The version of Windows Server 2025; the error was seen there, and no update that cures it is named. */
const LOSES_QUORUM_FROM = '10.0.26100';

function coreGroupFindings(v: DoctorView): Seen[] {
  const view = clusterView(v);
  const owner = setupsWith('cluster')(v)[0]?.facts.coreGroupOwner ?? '';
  if (view === null || owner === '') return [];
  const paused = view.nodes.some((n) => sameName(n.name, owner) && n.state === 'Paused');
  const version = partOf(v, 'view', owner)?.host.osVersion ?? '';
  const hasError = compareVersions(version, LOSES_QUORUM_FROM) >= 0;
  const other = view.nodes.find((n) => n.state === 'Up' && !sameName(n.name, owner))?.name;
  if (!paused || !hasError)
    return orFine(v, [], `${owner}; it must be elsewhere before ${owner} restarts`);
  const seen =
    'it is paused and holds the core group: Windows Server 2025 can lose its quorum when such a node goes down';
  const to = other === undefined ? '' : ` -Node ${quoted(other)}`;
  return [
    warning(
      owner,
      seen,
      `Get-ClusterGroup | Where-Object GroupType -eq Cluster | Move-ClusterGroup${to}`,
      null,
    ),
  ];
}

/** Biggest first, each to the node with the most room: what does not fit has nowhere to go. */
function withoutRoom(
  v: DoctorView,
  view: ClusterView,
  leaving: string,
  vms: ClusteredVm[],
): ClusteredVm[] {
  const reserve = v.wanted?.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES;
  const room = view.nodes
    .filter((n) => n.state === 'Up' && !sameName(n.name, leaving))
    .map((n) => ({
      name: n.name,
      free: (partOf(v, 'view', n.name)?.host.freeMemoryBytes ?? 0) - reserve,
    }));
  const roleOf = roleFinder(v);
  const bySize = [...vms].sort((a, b) => b.vm.memoryAssignedBytes - a.vm.memoryAssignedBytes);
  return bySize.filter(({ vm }) => {
    const owners = roleOf(vm.id)?.possibleOwners ?? [];
    const best = room
      .filter((n) => owners.length === 0 || includesName(owners, n.name))
      .sort((a, b) => b.free - a.free)[0];
    if (best === undefined || best.free < vm.memoryAssignedBytes) return true;
    best.free -= vm.memoryAssignedBytes;
    return false;
  });
}

function memoryProblems(view: ClusterView, v: DoctorView): Seen[] {
  const all = clusteredVms(v).filter(({ vm }) => vm.state === 'Running');
  return view.nodes.flatMap(({ name, state }) => {
    if (state !== 'Up') return [];
    const left = withoutRoom(
      v,
      view,
      name,
      all.filter((p) => sameName(p.node, name)),
    );
    if (left.length === 0) return [];
    const names = listed(left.map(({ vm }) => `${vm.name} (${sizeText(vm.memoryAssignedBytes)})`));
    return warning(name, `if it were drained, no other node would have room for ${names}`, [
      prose(
        'Move VMs elsewhere, give them less memory, or shut some down before this node restarts:',
      ),
      'Get-VM | Sort-Object MemoryAssigned -Descending | Format-Table Name, State, MemoryAssigned',
    ]);
  });
}

/** Files that say where the VMs are: those of the cluster, and those that cluster.yaml wants. */
const vmFiles = (v: DoctorView): string[] => [
  ...clusteredVms(v).flatMap(({ vm }) => vm.disks),
  ...(v.wanted?.virtualMachines.map((vm) => vm.vhd) ?? []),
];

/** A share of a server, with either slash; the path of a device is none. */
const SHARE = /^[\\/]{2}[^\\/?.]/;

/**
 * Without a volume, shared storage is SMB: what is on it needs no volume, and where there is nothing none is missed.
 */
function unlessOnShares(v: DoctorView): string | null {
  if (clusterView(v)?.sharedVolumes.length !== 0) return null;
  const files = vmFiles(v);
  if (!files.every((path) => SHARE.test(path))) return null;
  return files.length === 0
    ? 'there is no cluster shared volume and no disk of a VM: VMs on SMB shares need none'
    : 'there is no cluster shared volume, and the VMs are on SMB shares';
}

function volumeProblems({ sharedVolumes, cluster }: ClusterView): Seen[] {
  if (sharedVolumes.length === 0) {
    const remedy = [
      prose(
        'Give a disk of the cluster to all nodes, or move the VMs to an SMB share (Move-VMStorage):',
      ),
      `Add-ClusterSharedVolume -Name 'Cluster Disk 1'`,
    ];
    return [blocker(cluster.name, 'there is no cluster shared volume', remedy, null)];
  }
  return sharedVolumes
    .filter((volume) => volume.state !== 'Online')
    .map(({ name, path, state, owner }) => {
      const remedy = [
        prose('Check the storage and the paths to it. Then:'),
        `Get-ClusterSharedVolumeState -Name ${quoted(name)}`,
        `Start-ClusterResource -Name ${quoted(name)}`,
      ];
      return blocker(path, `it is ${state} (${name}, owner ${owner})`, remedy, owner);
    });
}

const RESOURCES: readonly Check[] = [
  {
    id: 'memory',
    group: 'cluster',
    title: 'The VMs of any one node fit on the others',
    blocks: null,
    warns: 'they do not: that node cannot be drained, and its failure would leave VMs off',
    source: 'Microsoft: troubleshoot-live-migration-issues (0x800705AA); watari: n-1',
    look(v) {
      const view = clusterView(v);
      const all = views(v);
      if (view === null || all.length === 0) return [];
      const free = all.map((n) => `${n.node} ${sizeText(n.facts.host.freeMemoryBytes)}`);
      return orFine(v, memoryProblems(view, v), `free: ${listed(free)}`);
    },
  },
  {
    id: 'storage',
    group: 'cluster',
    title: 'Virtual disks and pools are whole, nothing is being repaired, and no drives rest',
    blocks: null,
    warns: 'they are not: no node may go down before that, and the gate of a maintenance waits',
    source: 'Microsoft: maintain-servers (Storage Spaces Direct)',
    look(v) {
      if (v.clusterStorage === undefined || 'noAnswer' in v.clusterStorage) return [];
      const { storage } = v.clusterStorage.facts;
      if (!storage.direct) return orFine(v, [], 'there is no Storage Spaces Direct');
      // Nodes and volumes have checks of their own.
      const open = notHealedYet({ nodes: [], sharedVolumes: [], storage });
      const problems = open.map((seen) => warning(v.cluster, seen, STORAGE_REMEDY, null));
      const whole = [...storage.virtualDisks, ...storage.pools].map(({ name }) => name);
      return orFine(v, problems, `healthy: ${listed(whole)}`);
    },
  },
  {
    id: 'volumes',
    group: 'cluster',
    title: 'Every cluster shared volume is online',
    blocks: 'one is not, or there is none and a VM is on no SMB share',
    warns: null,
    source: 'Microsoft: high-availability-virtual-machine-troubleshooting-guidance; event 5120',
    unless: unlessOnShares,
    look: inCluster(volumeProblems, ({ sharedVolumes }) =>
      listed(sharedVolumes.map((volume) => volume.path)),
    ),
  },
];

const STORAGE_REMEDY = [
  'Get-VirtualDisk',
  'Get-StorageSubSystem Clus* | Get-StorageJob',
  prose('Drives that were left in maintenance mode, once their node is back:'),
  'Repair-ClusterStorageSpacesDirect -DisableStorageMaintenanceMode',
];

/** Windows writes these every day; what counts is told by their number and their log. */
const EVENTS_NAMED = 3;

const EVENTS: Check = {
  id: 'events',
  group: 'cluster',
  title: 'No errors of Hyper-V and the cluster in the event logs of the last day',
  blocks: null,
  warns: 'there are some',
  source: 'Microsoft: hyper-v-virtual-machine-live-migration, checklist',
  look: each(
    events,
    ({ counts, cut }, node) => {
      const worst = counts[0];
      if (worst === undefined) return [];
      const total = counts.reduce((sum, c) => sum + c.count, 0);
      const named = counts.map((c) => `${c.log} ${c.id} (${c.count}x)`);
      const seen = `${cut ? 'at least ' : ''}${total} ${total === 1 ? 'error' : 'errors'}: ${listed(named, EVENTS_NAMED + 1)}; the last ${worst.id} at ${worst.lastAt}: ${worst.message}`;
      const filter = `@{ LogName = ${quoted(worst.log)}; Id = ${worst.id}; StartTime = (Get-Date).AddDays(-1) }`;
      const remedy = `Get-WinEvent -FilterHashtable ${filter} | Format-List TimeCreated, Message`;
      return warning(node, seen, remedy);
    },
    (all) => `none on ${namesOf(all)}`,
  ),
};

export const CLUSTER_CHECKS: readonly Check[] = [...MEMBERS, ...QUORUM, ...RESOURCES, EVENTS];
