// What a node lets Temporal do to it. Whoever reaches Temporal commands the workers; this is the node's own word, given
// where its worker is started, and no message can change it. Refuses before anything happens.
import { quoteValue } from '../domain/quoting.ts';
import { askOf, HypervError, hostOf, type ActOp, type HypervHost, type Op } from './host.ts';

export const PERMISSIONS = [
  'moves',
  'settings',
  'features',
  'restarts',
  'vms',
  'nodes',
  'updates',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** A new operation of the port does not compile until somebody has said what it takes. */
export const PERMISSION_OF: Readonly<Record<ActOp, Permission>> = {
  startMove: 'moves',
  cancelMove: 'moves',
  moveGroup: 'moves',
  moveSharedVolume: 'moves',
  configureMigration: 'settings',
  configureCluster: 'settings',
  installFeatures: 'features',
  restartNode: 'restarts',
  createVm: 'vms',
  removeVm: 'vms',
  addRole: 'vms',
  removeRole: 'vms',
  startRole: 'vms',
  stopRole: 'vms',
  pauseNode: 'nodes',
  resumeNode: 'nodes',
  setStorageMaintenance: 'nodes',
  downloadUpdates: 'updates',
  installUpdates: 'updates',
  commitUpdates: 'updates',
  installPackages: 'updates',
};

export type Policy = ReadonlySet<Permission>;

export const EVERYTHING: Policy = new Set(PERMISSIONS);

/** As it is typed. */
export interface PolicyWords {
  /** `--allow moves,restarts`; everything when it is not given. */
  allow?: string;
  readOnly?: boolean;
}

/** Throws an error for a person when the words make no policy. */
export function policyOf({ allow, readOnly }: PolicyWords): Policy {
  if (readOnly === true && allow !== undefined) {
    throw new PolicyRefused('--read-only allows nothing, so --allow cannot be given with it');
  }
  if (readOnly === true) return new Set();
  if (allow === undefined) return EVERYTHING;
  const known = new Map(PERMISSIONS.map((permission) => [permission as string, permission]));
  const allowed = new Set<Permission>();
  for (const word of allow.split(',').map((part) => part.trim().toLowerCase())) {
    const permission = known.get(word);
    if (permission === undefined) {
      throw new PolicyRefused(
        `--allow ${quoteValue(word)} is no permission; there are ${PERMISSIONS.join(', ')}`,
      );
    }
    allowed.add(permission);
  }
  return allowed;
}

export class PolicyRefused extends Error {}

/** For a worker's log: what it may do, and nothing when that is all. */
export function describePolicy(policy: Policy): string {
  if (policy.size === PERMISSIONS.length) return '';
  return policy.size === 0 ? 'read only' : `allowed: ${[...policy].join(', ')}`;
}

export function restrictedHost(host: HypervHost, policy: Policy): HypervHost {
  const ask = askOf(host);
  const forbidden = (op: Op): op is ActOp => isAct(op) && !policy.has(PERMISSION_OF[op]);
  return hostOf(host.node, (op, args) =>
    forbidden(op) ? Promise.reject(refusal(host.node, op, policy)) : ask(op, args),
  );
}

const isAct = (op: Op): op is ActOp => op in PERMISSION_OF;

const refusal = (node: string, op: ActOp, policy: Policy): HypervError =>
  new HypervError(
    `the worker of ${node} was started ${policy.size === 0 ? 'with --read-only' : `with --allow ${[...policy].join(',')}`}, and ${op} needs "${PERMISSION_OF[op]}"`,
    { op, node, outcome: 'refused', errorId: 'NotAllowedHere' },
  );
