// Activities that any live node of the cluster can do: look at the cluster, set its properties, pause and resume
// nodes. Served on the queue watari.<cluster>. The wait for a migration slot is in slot.ts, the move itself in move.ts.
import { activityInfo } from '@temporalio/activity';
import type {
  AffinityRuleFacts,
  ClusterFacts,
  ClusterNodeFacts,
  ClusterView,
  RoleFacts,
} from '../domain/facts.ts';
import type { PastMove } from '../domain/fleet/learned.ts';
import { includesName, sameName } from '../domain/names.ts';
import { isMoving, isQueued } from '../domain/slots.ts';
import type { Asked } from '../domain/turns.ts';
import type { HypervHost, OpArgs } from '../hyperv/host.ts';
import { againMs } from './again.ts';
import { beating, waits, type Waiting } from './beats.ts';
import { failed, guarded, notYet } from './failing.ts';
import type { LookGate } from './look-gate.ts';

/** How a worker reaches the order of moves: workers/ledger.ts. */
export interface LedgerDoor {
  /** Delivers the wants; starts the ledger of the cluster if none runs. */
  want(cluster: string, wants: Asked[]): Promise<void>;
}

export interface ClusterActivityDeps extends Waiting {
  host: HypervHost;
  now: () => Date;
  /** How often a waiting activity looks again. */
  lookEveryMs: number;
  /** Of this process; absent: every look may begin at once. */
  gate?: LookGate;
  /** Those of the nodes that no worker serves; absent: nobody knows. */
  unserved?: (nodes: readonly string[]) => Promise<string[]>;
  /** The newest moves of past runs, at most so many; absent: nobody knows. */
  pastMoves?: (max: number) => Promise<PastMove[]>;
  /** The way to the order of moves; absent only where no move is asked for. */
  ledger?: LedgerDoor;
}

export interface ViewRequest {
  /**
   * Name of a role, or its VM's id; empty: no role. Of the others only those are told that can matter for it: on the
   * move, or to be kept apart from it.
   */
  about?: string;
  /** The step that will ask every node next: it waits for its turn when many do. */
  turnOf?: string;
}

export interface Members {
  nodes: ClusterNodeFacts[];
  /** Those that no worker serves. */
  unserved: string[];
}

/** The nodes alone: for whoever asks each of them something. */
async function readMembers(deps: ClusterActivityDeps): Promise<Members> {
  const { facts: nodes } = await deps.host.readNodes({});
  return { nodes, unserved: await unservedAmong(deps, nodes) };
}

/** A node that is down needs no worker. */
export async function unservedAmong(
  { unserved }: ClusterActivityDeps,
  nodes: readonly ClusterNodeFacts[],
): Promise<string[]> {
  const up = nodes.filter((n) => n.state !== 'Down').map((n) => n.name);
  return (await unserved?.(up)) ?? [];
}

/** Looks at everything that the cluster tells, from this node. Small, because every look is kept in a run's history. */
export async function readView(
  deps: ClusterActivityDeps,
  { about }: ViewRequest = {},
): Promise<ClusterView> {
  const { host, now } = deps;
  const [cluster, nodes, roles, networks, sharedVolumes] = await Promise.all([
    host.readCluster({}),
    host.readNodes({}),
    host.readRoles(about === undefined ? { owners: true } : {}),
    host.readNetworks({}),
    host.readSharedVolumes({}),
  ]);
  // Who may own a VM is asked only for the one that is about to move.
  const own = roles.facts.find((role) => isAbout(role, about));
  const full = own && (await host.readRole({ vmId: own.vmId, owners: true })).facts;
  const list = roles.facts.map((role) => (role === own && full != null ? full : role));
  const told = rolesAbout(about, list, cluster.facts.affinityRules ?? []).map((role) =>
    withoutEveryNode(role, nodes.facts),
  );
  const unserved = await unservedAmong(deps, nodes.facts);
  const leftOut = roles.facts.length - told.length;
  return {
    takenAt: now().toISOString(),
    answeredBy: host.node,
    cluster: cluster.facts,
    nodes: nodes.facts,
    roles: told,
    ...(leftOut === 0 ? {} : { rolesLeftOut: leftOut }),
    networks: networks.facts,
    sharedVolumes: sharedVolumes.facts,
    ...(unserved.length === 0 ? {} : { unserved }),
  };
}

const isAbout = (role: RoleFacts, about: string | undefined): boolean =>
  about !== undefined && (sameName(role.name, about) || sameName(role.vmId, about));

/** Placement counts running moves and keeps anti-affinity; no other role says anything about this one. */
function rolesAbout(
  about: string | undefined,
  roles: RoleFacts[],
  rules: readonly AffinityRuleFacts[],
): RoleFacts[] {
  if (about === undefined) return roles;
  const one = roles.find((role) => isAbout(role, about));
  const own = one?.antiAffinityClassNames ?? [];
  const named = one?.name ?? about;
  const tied = rules.filter((rule) => includesName(rule.groups, named)).flatMap((r) => r.groups);
  const isTiedTo = (role: RoleFacts): boolean => includesName(tied, role.name);
  return roles.filter(
    (role) =>
      isAbout(role, about) ||
      isTiedTo(role) ||
      isMoving(role) ||
      isQueued(role) ||
      role.antiAffinityClassNames.some((c) => includesName(own, c)),
  );
}

/** A list of all 64 nodes with each of 500 roles would be most of what is kept; an empty one says the same. */
export function withoutEveryNode(role: RoleFacts, nodes: readonly ClusterNodeFacts[]): RoleFacts {
  const every = nodes.every((n) => includesName(role.possibleOwners, n.name));
  return every ? { ...role, possibleOwners: [] } : role;
}

const MANY_LOOK = 'its turn to look at the cluster, as many runs do at once';

export interface Applied<T> {
  changed: boolean;
  before: T;
  after: T;
  cmdlets: string[];
}

/** Sets properties of (Get-Cluster) and reads them back. */
export async function setOfCluster(
  { host }: ClusterActivityDeps,
  wanted: OpArgs<'configureCluster'>,
): Promise<Applied<ClusterFacts>> {
  const before = (await host.readCluster({})).facts;
  const { facts, cmdlets } = await host.configureCluster(wanted);
  const after = (await host.readCluster({})).facts;
  for (const [key, want] of Object.entries(wanted)) {
    const have = after[key as keyof typeof wanted];
    if (have !== want) {
      const property = key.charAt(0).toUpperCase() + key.slice(1);
      throw failed(
        'SettingsNotKept',
        `${property} of cluster ${after.name} was set to ${want} and reads back as ${have}`,
      );
    }
  }
  return { changed: facts.changed, before, after, cmdlets };
}

export function createClusterActivities(deps: ClusterActivityDeps) {
  const { host } = deps;
  return guarded({
    viewMembers: (): Promise<Members> => beating(deps, () => readMembers(deps)),

    viewCluster: (request?: ViewRequest): Promise<ClusterView> =>
      beating(deps, async ({ say }) => {
        if (request?.turnOf !== undefined && deps.gate?.admits() === false) {
          say(waits(request.turnOf, 'looking', MANY_LOOK));
          throw notYet(`it waits for ${MANY_LOOK}`, againMs(activityInfo()));
        }
        const view = await readView(deps, request);
        deps.gate?.noteNodes(view.nodes.length);
        return view;
      }),

    /** Sets (Get-Cluster).MaximumParallelMigrations and reads it back. */
    setClusterLimits: (input: {
      maximumParallelMigrations: number;
    }): Promise<Applied<ClusterFacts>> => beating(deps, () => setOfCluster(deps, input)),

    async pauseNode(input: { node: string }): Promise<{ changed: boolean; cmdlets: string[] }> {
      const { facts, cmdlets } = await beating(deps, () => host.pauseNode(input));
      return { changed: facts.changed, cmdlets };
    },

    async resumeNode(input: { node: string }): Promise<{ changed: boolean; cmdlets: string[] }> {
      const { facts, cmdlets } = await beating(deps, () => host.resumeNode(input));
      return { changed: facts.changed, cmdlets };
    },

    /** Undo of ensureRole, for a VM whose role was not there before the run. The VM itself keeps running. */
    async removeRole(input: { vmId: string }): Promise<{ changed: boolean; cmdlets: string[] }> {
      const { facts, cmdlets } = await beating(deps, () => host.removeRole(input));
      return { changed: facts.changed, cmdlets };
    },
  });
}

export type ClusterActivities = ReturnType<typeof createClusterActivities>;
