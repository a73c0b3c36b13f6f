// Workflow ids, task queues and search attributes: the only place where they are spelled. A workflow's id is its lock.
import { encoded } from './steering.ts';

/** Windows compares node, cluster and VM names without case, and so do our locks. */
const fold = (name: string): string => name.toLowerCase();

/** Keeps `/` and what cannot be seen in a VM's name from faking another id. Reversible, readable for ordinary names. */
const part = (name: string): string => encoded(fold(name).replace(/[%/]/g, encodeURIComponent));

export const clusterQueue = (cluster: string): string => `watari.${part(cluster)}`;
export const nodeQueue = (cluster: string, node: string): string =>
  `watari.${part(cluster)}.${part(node)}`;

/** Only workers that know how to reach people serve it. */
export const peopleQueue = (cluster: string): string => `watari-people.${part(cluster)}`;
/** The one workflow of a cluster that tells people. No run: nobody decides about it, and no list shows it. */
export const tellPeopleId = (cluster: string): string => `watari-people/${part(cluster)}`;

/** What every run's id starts with. */
export const RUN_PREFIX = 'watari/';
/** What the ids of all runs of a cluster start with. */
export const runsOf = (cluster: string): string => `${RUN_PREFIX}${part(cluster)}/`;

export const runId = {
  apply: (cluster: string): string => `${runsOf(cluster)}apply`,
  prepare: (cluster: string, node: string): string =>
    `${runsOf(cluster)}node/${part(node)}/prepare`,
  create: (cluster: string, vm: string): string => `${runsOf(cluster)}vm/${part(vm)}/create`,
  migrate: (cluster: string, vm: string): string => `${runsOf(cluster)}vm/${part(vm)}/migrate`,
  /** Drain, resume, maintenance, balance, tuning: one of them at a time works on a cluster. */
  campaign: (cluster: string): string => `${runsOf(cluster)}campaign`,
  /** One node of a maintenance, which holds the lock above. */
  maintain: (cluster: string, node: string): string =>
    `${runsOf(cluster)}node/${part(node)}/maintain`,
  /** The server adds the time to the id of the schedule, so this locks nothing: the run that it begins has the lock. */
  scheduled: (cluster: string, schedule: string, time: string): string =>
    `${scheduleId(cluster, schedule)}-${time}`,
  /** The order of moves: no run that a person starts or steers. */
  moves: (cluster: string): string => `${runsOf(cluster)}moves`,
  /** Looks at everything, so one at a time is enough: a second start joins it. */
  doctor: (cluster: string): string => `${runsOf(cluster)}doctor`,
  /** Reading needs no lock, so these two have an id of their own for every look. */
  scan: (cluster: string, nonce: string): string => `${runsOf(cluster)}scan/${nonce}`,
  inspect: (cluster: string, nonce: string): string => `${runsOf(cluster)}inspect/${nonce}`,
} as const;

/** What the ids of all schedules of a cluster start with. */
export const schedulesOf = (cluster: string): string => `${runsOf(cluster)}schedule/`;
/** Of the Temporal Schedule. */
export const scheduleId = (cluster: string, name: string): string =>
  `${schedulesOf(cluster)}${part(name)}`;

/** Of a schedule's id: its name in lower case, as a command takes it. */
export const scheduleName = (id: string): string => id.slice(id.lastIndexOf('/') + 1);

/** Step ids: `hv1/restart`, `vm/web-1/move`, `cluster/settings`. */
export const stepId = {
  node: (node: string, deed: string): string => `${part(node)}/${deed}`,
  vm: (vm: string, deed: string): string => `vm/${part(vm)}/${deed}`,
  cluster: (deed: string): string => `cluster/${deed}`,
} as const;

export const sameName = (a: string, b: string): boolean => fold(a) === fold(b);

export const includesName = (names: readonly string[], name: string): boolean =>
  names.some((one) => sameName(one, name));

/** Names of the search attributes: what a list of runs can be asked for. */
export const ATTRIBUTE = {
  cluster: 'WatariCluster',
  node: 'WatariNode',
  vm: 'WatariVm',
  needsOperator: 'WatariNeedsOperator',
} as const;

/** Registered on the server by whichever process comes first. */
export const SEARCH_ATTRIBUTES = {
  [ATTRIBUTE.cluster]: 'KEYWORD',
  [ATTRIBUTE.node]: 'KEYWORD',
  [ATTRIBUTE.vm]: 'KEYWORD',
  [ATTRIBUTE.needsOperator]: 'BOOL',
} as const;

export const WORKFLOWS = [
  'applyCluster',
  'prepareNode',
  'createVm',
  'migrateVm',
  'inspectCluster',
  'scanUpdates',
  'doctor',
  'drainNodes',
  'resumeNodes',
  'maintainCluster',
  'maintainNode',
  'scheduledMaintenance',
  'balanceCluster',
  'tuneCluster',
  'surveyFleet',
] as const;
export type WorkflowName = (typeof WORKFLOWS)[number];
/** Commands look by them: nobody started them as runs, and nobody steers them. */
export const LOOKS: readonly string[] = ['inspectCluster', 'surveyFleet'] satisfies WorkflowName[];
/** Query of surveyFleet: its answer, node by node. */
export const SURVEY_PART = 'part';

/** Started by the workers themselves, for the runs above. */
export const LEDGER_WORKFLOW = 'scheduleMoves';

/** The mark in a VM's notes that says which run made it. */
export const ownerMark = (requestId: string): string => `watari:${requestId}`;

/**
 * The mark is a word of its own among whatever else the notes hold: others write there too, and an id may begin
 * another.
 */
export function hasOwnerMark(notes: string, requestId: string): boolean {
  const mark = ownerMark(requestId).replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  const goesOn = String.raw`[\p{L}\p{N}_-]|[./:@][\p{L}\p{N}_]`;
  return new RegExp(String.raw`(?<![\p{L}\p{N}_:-])${mark}(?!${goesOn})`, 'u').test(notes);
}
