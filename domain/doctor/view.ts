// What `cluster doctor` sees: the exam of every node, and the look-ups in it that its checks share. Judges nothing.
import type {
  ClusterView,
  NoAnswer,
  NodeView,
  PeerFacts,
  RoleFacts,
  SetupFacts,
  Snapshot,
  VmFacts,
  VmStorageFacts,
} from '../facts.ts';
import { includesName, sameName } from '../names.ts';
import { hasHyperV } from '../snapshot.ts';
import type { ClusterSpec } from '../spec.ts';
import type { StorageView } from '../storage-gate.ts';
import type { EventTally } from './tally.ts';

/** TCP ports between nodes (Microsoft's troubleshoot-live-migration-issues, create-workgroup-cluster). */
export const NODE_PORTS = {
  liveMigration: 6600,
  cluster: 3343,
  smb: 445,
  winrm: 5985,
  /** WinRM over HTTPS, which a cluster with certificates uses. */
  winrmTls: 5986,
} as const;

/** Something that was asked for, or why it was not told. */
export type Part<T> = { facts: T } | { noAnswer: NoAnswer };

/** The program that serves a node. */
export interface WorkerFacts {
  /** Of watari. */
  version: string;
  /** Of Node.js, `22.11.0`. */
  node: string;
  /** As Node.js calls the operating system: `win32`. */
  platform: string;
  /** File name of the PowerShell that runs the cmdlets; null on a node that the lab plays without one. */
  powershell: string | null;
}

/** Everything that one node told. A part that failed does not take the others with it. */
export interface NodeExam {
  worker: WorkerFacts;
  view: Part<NodeView>;
  setup: Part<SetupFacts>;
  peers: Part<PeerFacts[]>;
  storage: Part<VmStorageFacts[]>;
  events: Part<EventTally>;
  /** The cluster as this node sees it; asked for only when nobody else could tell. */
  cluster: Part<ClusterView> | null;
}

/** What sign-ins found, put beside what the same node found of names and ports. */
export function withSignIns(exam: Part<NodeExam>, found: readonly PeerFacts[]): Part<NodeExam> {
  if ('noAnswer' in exam || 'noAnswer' in exam.facts.peers) return exam;
  const peers = exam.facts.peers.facts.map((peer) => {
    const one = found.find((p) => sameName(p.node, peer.node));
    if (one === undefined) return peer;
    return { ...peer, signIn: one.signIn, clockAheadSeconds: one.clockAheadSeconds };
  });
  return { facts: { ...exam.facts, peers: { facts: peers } } };
}

export interface DoctorView {
  /** As it was asked for. */
  cluster: string;
  view: Part<ClusterView>;
  /** Absent: an older worker was asked, or nobody. */
  clusterStorage?: Part<StorageView>;
  /** By node name. */
  nodes: Record<string, Part<NodeExam>>;
  /** cluster.yaml, when one was given. */
  wanted: ClusterSpec | null;
}

export const clusterView = (v: DoctorView): ClusterView | null =>
  'facts' in v.view ? v.view.facts : null;

/**
 * Who was asked for the cluster may be the one node whose cluster service is down; then any other one's word counts.
 */
export const toldView = (
  view: Part<ClusterView>,
  nodes: Iterable<Part<NodeExam>>,
): Part<ClusterView> =>
  'facts' in view
    ? view
    : ([...nodes]
        .map((exam) => ('facts' in exam ? exam.facts.cluster : null))
        .find((part) => part !== null && 'facts' in part) ?? view);

export const nodeNames = (v: DoctorView): string[] => Object.keys(v.nodes);

export interface Of<T> {
  node: string;
  facts: T;
}

/** Nodes that answered, with their exams. */
export const exams = (v: DoctorView): Of<NodeExam>[] =>
  Object.entries(v.nodes).flatMap(([node, exam]) =>
    'facts' in exam ? [{ node, facts: exam.facts }] : [],
  );

type PartName = 'view' | 'setup' | 'peers' | 'storage' | 'events';
type PartFacts<K extends PartName> = NodeExam[K] extends Part<infer T> ? T : never;

/** One part of the exams, of the nodes that told it. */
const told =
  <K extends PartName>(name: K) =>
  (v: DoctorView): Of<PartFacts<K>>[] =>
    exams(v).flatMap(({ node, facts }) => {
      const part = facts[name];
      return 'facts' in part ? [{ node, facts: part.facts as PartFacts<K> }] : [];
    });

export const views = told('view');
export const setups = told('setup');
export const peers = told('peers');
export const storages = told('storage');
export const events = told('events');

/** What the setup of a node tells since it was asked for; older workers do not tell it. */
export const setupsWith =
  <K extends 'security' | 'automaticUpdates' | 'cluster'>(name: K) =>
  (v: DoctorView): Of<NonNullable<SetupFacts[K]>>[] =>
    setups(v).flatMap(({ node, facts }) => {
      const part = facts[name] as NonNullable<SetupFacts[K]> | null | undefined;
      return part == null ? [] : [{ node, facts: part }];
    });

export const partOf = <K extends PartName>(
  v: DoctorView,
  name: K,
  node: string,
): PartFacts<K> | null => told(name)(v).find((p) => sameName(p.node, node))?.facts ?? null;

/**
 * Nodes that can run VMs, and whose Hyper-V tells of itself: one whose service does not run is a finding of its own.
 */
export const hosts = (v: DoctorView): Of<NodeView>[] =>
  views(v).filter(({ facts }) => hasHyperV(facts) && runs(facts, 'vmms'));

const runs = ({ services }: NodeView, name: string): boolean =>
  services.some((service) => sameName(service.name, name) && service.state === 'Running');

/** Every look of a node at another one. */
export const ways = (v: DoctorView): Of<PeerFacts>[] =>
  peers(v).flatMap(({ node, facts }) => facts.map((peer) => ({ node, facts: peer })));

/** What several nodes tell of the same, once: in the words of the first, and from whom. */
export function gathered<T>(
  all: readonly Of<T>[],
  keyOf: (facts: T) => string,
): { facts: T; from: string[] }[] {
  const byKey = new Map<string, { facts: T; from: string[] }>();
  for (const { node, facts } of all) {
    const known = byKey.get(keyOf(facts));
    if (known === undefined) byKey.set(keyOf(facts), { facts, from: [node] });
    else known.from.push(node);
  }
  return [...byKey.values()];
}

/** The node is named in cluster.yaml, so that `cluster apply` will do what it can there. */
export const isWanted = (v: DoctorView, node: string): boolean =>
  v.wanted !== null && includesName(v.wanted.nodes, node);

/** What planning and placement take, made of what the doctor saw. */
export const snapshotOf = (v: DoctorView, view: ClusterView): Snapshot => ({
  view,
  nodes: Object.fromEntries(
    Object.entries(v.nodes).map(([node, exam]) => {
      if ('noAnswer' in exam) return [node, exam];
      const part = exam.facts.view;
      return [node, 'facts' in part ? { view: part.facts } : part];
    }),
  ),
});

export interface ClusteredVm {
  /** Its owner. */
  node: string;
  vm: VmFacts;
}

/** Ids are written in either case. */
const key = (vmId: string): string => vmId.toLowerCase();

/** A thousand VMs are looked up a thousand times: in a workflow that must not take a second. */
export function roleFinder(v: DoctorView): (vmId: string) => RoleFacts | undefined {
  const byId = new Map((clusterView(v)?.roles ?? []).map((role) => [key(role.vmId), role]));
  return (vmId) => byId.get(key(vmId));
}

/** VMs that are cluster roles, each once: one on the move may be listed by both ends. */
export function clusteredVms(v: DoctorView): ClusteredVm[] {
  const roleOf = roleFinder(v);
  return views(v).flatMap(({ node, facts }) =>
    facts.vms
      .filter((vm) => {
        const role = roleOf(vm.id);
        return role === undefined ? vm.clustered : sameName(role.owner, node);
      })
      .map((vm) => ({ node, vm })),
  );
}

/** The VM of a role, as its owner sees it. */
export function vmFinder(v: DoctorView): (vmId: string) => VmFacts | undefined {
  const byId = new Map(clusteredVms(v).map(({ vm }) => [key(vm.id), vm]));
  return (vmId) => byId.get(key(vmId));
}
