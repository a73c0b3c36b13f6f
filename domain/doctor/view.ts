// What `cluster doctor` sees and says: the exam of every node, the shape of a check and of its findings, and the
// look-ups and words that the checks (doctor-*-checks.ts) share. doctor.ts puts them together.
import type {
  ClusterView,
  EventFacts,
  IsoTime,
  NoAnswer,
  NodeView,
  PeerFacts,
  RoleFacts,
  SetupFacts,
  Snapshot,
  VmFacts,
  VmStorageFacts,
} from '../facts.ts';
import { sameName } from '../names.ts';
import type { ClusterSpec } from '../spec.ts';

/** TCP ports between nodes (Microsoft's troubleshoot-live-migration-issues, create-workgroup-cluster). */
export const NODE_PORTS = { liveMigration: 6600, cluster: 3343, smb: 445, winrm: 5985 } as const;

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

/** Errors of one kind in the event logs of a node. */
export interface EventCount {
  log: string;
  id: number;
  /** The worst: 1 critical, 2 error, 3 warning. */
  level: number;
  count: number;
  lastAt: IsoTime;
  /** Of the latest one, shortened. */
  message: string;
}

export interface EventTally {
  /** The worst and most frequent first. */
  counts: EventCount[];
  /** There were more than could be read: the numbers are too low. */
  cut: boolean;
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

export interface DoctorView {
  /** As it was asked for. */
  cluster: string;
  view: Part<ClusterView>;
  /** By node name. */
  nodes: Record<string, Part<NodeExam>>;
  /** cluster.yaml, when one was given. */
  wanted: ClusterSpec | null;
}

/** `blocker`: a live migration or a restart will fail or is not safe. `warning`: it may, or something else is wrong. */
export type Level = 'ok' | 'warning' | 'blocker';

export interface Finding {
  /** Id of the check. */
  check: string;
  level: Level;
  /** The node, VM or cluster that it is about. */
  subject: string;
  /** What was seen. */
  seen: string;
  /** Lines for PowerShell; what no command can do stands in comments, so that all of it can be pasted. */
  remedy: string | null;
  /** The node to paste them on; null: any node. */
  on: string | null;
}

export type Seen = Omit<Finding, 'check'>;

export const GROUPS = [
  'workers',
  'windows',
  'account',
  'network',
  'cluster',
  'hyper-v',
  'vms',
] as const;
export type Group = (typeof GROUPS)[number];

export interface Check {
  id: string;
  group: Group;
  /** What holds when it is ok. */
  title: string;
  /** When it is a blocker, as a clause; null: never. */
  blocks: string | null;
  warns: string | null;
  /** Where it comes from. */
  source: string;
  /** Problems, or one finding that all is well. Empty: nobody told what it needs. */
  look: (v: DoctorView) => Seen[];
}

const found =
  (level: Level) =>
  (subject: string, seen: string, remedy: string | string[], on: string | null): Seen => ({
    level,
    subject,
    seen,
    remedy: typeof remedy === 'string' ? remedy : remedy.join('\n'),
    on,
  });
export const blocker = found('blocker');
export const warning = found('warning');

/** The problems; without any, that all is well and what was seen. */
export const orFine = (v: DoctorView, problems: Seen[], seen: string): Seen[] =>
  problems.length > 0
    ? problems
    : [
        {
          level: 'ok',
          subject: clusterView(v)?.cluster.name ?? v.cluster,
          seen,
          remedy: null,
          on: null,
        },
      ];

export const clusterView = (v: DoctorView): ClusterView | null =>
  'facts' in v.view ? v.view.facts : null;

/** Who was asked for the cluster may be the one node whose cluster service is down; then any other one's word counts. */
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
export const parts = <K extends PartName>(v: DoctorView, name: K): Of<PartFacts<K>>[] =>
  exams(v).flatMap(({ node, facts }) => {
    const part = facts[name];
    return 'facts' in part ? [{ node, facts: part.facts as PartFacts<K> }] : [];
  });

export const partOf = <K extends PartName>(
  v: DoctorView,
  name: K,
  node: string,
): PartFacts<K> | null => parts(v, name).find((p) => sameName(p.node, node))?.facts ?? null;

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
  return parts(v, 'view').flatMap(({ node, facts }) =>
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

/** The node is named in cluster.yaml, so that `cluster apply` will do what it can there. */
export const isWanted = (v: DoctorView, node: string): boolean =>
  v.wanted?.nodes.some((name) => sameName(name, node)) === true;

export const APPLY = 'watari cluster apply';

/** What `cluster apply` mends stands in the way only where no cluster.yaml asks it to. */
export const mendable = (
  v: DoctorView,
  node: string,
  seen: string,
  remedy: string | string[],
): Seen =>
  isWanted(v, node)
    ? warning(node, `${seen}; cluster apply will mend it`, APPLY, null)
    : blocker(node, seen, remedy, node);

const LISTED_MAX = 8;

/** `A, B and C`; of many the first ones and how many there are. */
export function listed(names: readonly string[], max = LISTED_MAX): string {
  const shown = names.length > max ? names.slice(0, max - 1) : names;
  const rest = names.length - shown.length;
  const all = rest > 0 ? [...shown, `${String(rest)} more`] : [...shown];
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1) ?? ''}`;
}

export const vmCount = (vms: readonly unknown[]): string =>
  `${String(vms.length)} ${vms.length === 1 ? 'VM' : 'VMs'}`;

/** A PowerShell word that nothing inside can end. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A comment, for what no command can do. */
export const prose = (text: string): string => `# ${text}`;

export const same = (values: readonly unknown[]): boolean =>
  values.every((value) => value === values[0]);

/** The value that most have; of several the one that came first. */
export function usual<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** Compares `10.0.26100` and the like part by part. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (let i = 0; i < Math.max(left?.length ?? 0, right?.length ?? 0); i += 1) {
    const difference = (left?.[i] || 0) - (right?.[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const newest = (versions: readonly string[]): string =>
  [...versions].sort(compareVersions).at(-1) ?? '';

/** `HV1 2, HV2 4`: one value per node, or the value alone when all have it. */
export const perNode = <T>(values: readonly Of<T>[], text: (value: T) => string): string => {
  const texts = values.map(({ node, facts }) => ({ node, text: text(facts) }));
  if (same(texts.map((t) => t.text))) return texts[0]?.text ?? '';
  return listed(texts.map((t) => `${t.node} ${t.text}`));
};

/** Log entries are shown, never matched, and long ones would fill a run's history. */
const MESSAGE_MAX = 200;
const COUNTS_MAX = 20;
/** 1 critical, 2 error. */
const ERROR_LEVEL = 2;

/** Counts the errors by log and id. */
export function tallyEvents(events: readonly EventFacts[], max: number): EventTally {
  const counts = new Map<string, EventCount>();
  for (const e of events) {
    if (e.level < 1 || e.level > ERROR_LEVEL) continue;
    const key = `${e.log} ${String(e.id)}`;
    const known = counts.get(key);
    counts.set(key, {
      log: e.log,
      id: e.id,
      level: Math.min(known?.level ?? e.level, e.level),
      count: (known?.count ?? 0) + 1,
      lastAt: e.time,
      message: shorten(e.message),
    });
  }
  const sorted = [...counts.values()].sort((a, b) => a.level - b.level || b.count - a.count);
  return { counts: sorted.slice(0, COUNTS_MAX), cut: events.length >= max };
}

const shorten = (text: string): string =>
  text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX - 2)}..` : text;
