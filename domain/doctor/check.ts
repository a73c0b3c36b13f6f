// The shape of a check and of its findings, and the words that the checks share.
import { listed } from '../units.ts';
import { clusterView, isWanted, type DoctorView, type Of } from './view.ts';

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
  /** Why it is not looked at, as a clause that says what else to do; null: it is. */
  unless?: (v: DoctorView) => string | null;
  /** Problems, or one finding that all is well. Empty: nobody told what it needs. */
  look: (v: DoctorView) => Seen[];
}

const found =
  (level: Level) =>
  (
    subject: string,
    seen: string,
    remedy: string | string[],
    /** Left out where the subject is a node: that one. */
    on: string | null = subject,
  ): Seen => ({
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
    : blocker(node, seen, remedy);

export const vmCount = (vms: readonly unknown[]): string =>
  `${vms.length} ${vms.length === 1 ? 'VM' : 'VMs'}`;

/** A PowerShell word that nothing inside can end. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A comment, for what no command can do. */
export const prose = (text: string): string => `# ${text}`;

export const same = (values: readonly unknown[]): boolean =>
  values.every((value) => value === values[0]);

/** `HV1, HV2 and HV3`. */
export const namesOf = (nodes: readonly Of<unknown>[]): string => listed(nodes.map((n) => n.node));

/** `HV1 2, HV2 4`: one value per node, or the value alone when all have it. */
export const perNode = <T>(values: readonly Of<T>[], text: (value: T) => string): string => {
  const texts = values.map(({ node, facts }) => ({ node, text: text(facts) }));
  if (same(texts.map((t) => t.text))) return texts[0]?.text ?? '';
  return listed(texts.map((t) => `${t.node} ${t.text}`));
};
