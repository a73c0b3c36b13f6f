// Workflow ids, task queues and search attributes: the only place where they are spelled. A workflow's id is its lock.

/** Windows compares node, cluster and VM names without case, and so do our locks. */
const fold = (name: string): string => name.toLowerCase();

/** Keeps `/` and control characters of a VM name from faking another id. Reversible, readable for ordinary names. */
const part = (name: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what this is for
  fold(name).replace(/[%/\u0000-\u001f\u007f]/g, (c) => encodeURIComponent(c));

export const clusterQueue = (cluster: string): string => `watari.${part(cluster)}`;
export const nodeQueue = (cluster: string, node: string): string =>
  `watari.${part(cluster)}.${part(node)}`;

export const runId = {
  apply: (cluster: string): string => `watari/${part(cluster)}/apply`,
  prepare: (cluster: string, node: string): string =>
    `watari/${part(cluster)}/node/${part(node)}/prepare`,
  create: (cluster: string, vm: string): string => `watari/${part(cluster)}/vm/${part(vm)}/create`,
  migrate: (cluster: string, vm: string): string =>
    `watari/${part(cluster)}/vm/${part(vm)}/migrate`,
  /** Looks at everything, so one at a time is enough: a second start joins it. */
  doctor: (cluster: string): string => `watari/${part(cluster)}/doctor`,
  /** Reading needs no lock, so every look has an id of its own. */
  inspect: (cluster: string, nonce: string): string => `watari/${part(cluster)}/inspect/${nonce}`,
} as const;

/** Step ids: `hv1/restart`, `vm/web-1/move`, `cluster/settings`. */
export const stepId = {
  node: (node: string, deed: string): string => `${part(node)}/${deed}`,
  vm: (vm: string, deed: string): string => `vm/${part(vm)}/${deed}`,
  cluster: (deed: string): string => `cluster/${deed}`,
} as const;

export const sameName = (a: string, b: string): boolean => fold(a) === fold(b);

/** Registered on the server by whichever process comes first. */
export const SEARCH_ATTRIBUTES = {
  WatariCluster: 'KEYWORD',
  WatariNode: 'KEYWORD',
  WatariVm: 'KEYWORD',
  WatariNeedsOperator: 'BOOL',
} as const;

export const WORKFLOWS = [
  'applyCluster',
  'prepareNode',
  'createVm',
  'migrateVm',
  'inspectCluster',
  'doctor',
] as const;
export type WorkflowName = (typeof WORKFLOWS)[number];

/** The mark in a VM's notes that says which run made it. */
export const ownerMark = (requestId: string): string => `watari:${requestId}`;
