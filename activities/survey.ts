// What plans are made from, told by each node in few words; and the plan itself, which is made here and not in the
// workflow, so that a run keeps the plan that it began with when a newer version would plan otherwise.
import type { RoleFacts } from '../domain/facts.ts';
import type { PastMove } from '../domain/fleet/learned.ts';
import {
  packNode,
  unpackProblem,
  type PackedNodeSurvey,
  type PackedProblem,
} from '../domain/fleet/packed.ts';
import { nodeSurveyOf, type ClusterSurvey } from '../domain/fleet/survey.ts';
import { obstacleOf, type Obstacle } from '../domain/fleet/unblock.ts';
import { sameName } from '../domain/names.ts';
import { planMoves } from '../domain/planner/plan.ts';
import type { MovePlan, PlanProblem } from '../domain/planner/problem.ts';
import { HypervError } from '../hyperv/host.ts';
import { beating } from './beats.ts';
import { withoutEveryNode, type ClusterActivityDeps } from './cluster.ts';
import { guarded } from './failing.ts';
import { NO_HYPER_V } from './node.ts';

/** Some 170 bytes each, kept in the history of every run that plans. */
const PAST_MOVES_MAX = 400;

/** Where there is none: what stands in the way, and what would help. */
export type MadePlan = MovePlan & Partial<Obstacle>;

function makePlan(problem: PlanProblem): MadePlan {
  const plan = planMoves(problem);
  return plan.feasible ? plan : { ...plan, ...obstacleOf(problem, plan.blocked) };
}

export interface NodeSurveyRequest {
  /** With possible and preferred owners, which cost a look for each VM. */
  owners?: boolean;
}

export const createSurveyClusterActivities = (deps: ClusterActivityDeps) =>
  guarded({
    surveyCluster: (): Promise<ClusterSurvey> => beating(deps, () => surveyCluster(deps)),
    /** A server that does not tell has told of none: no plan fails for it. */
    readPastMoves: (): Promise<PastMove[]> =>
      beating(deps, async () => {
        try {
          return (await deps.pastMoves?.(PAST_MOVES_MAX)) ?? [];
        } catch {
          return [];
        }
      }),
    /** Packed, where there may be many VMs. */
    planMoves: (problem: PlanProblem | PackedProblem): Promise<MadePlan> =>
      beating(deps, () =>
        Promise.resolve(makePlan('kinds' in problem ? unpackProblem(problem) : problem)),
      ),
  });

export const createSurveyNodeActivities = (deps: ClusterActivityDeps) =>
  guarded({
    surveyNode: (request: NodeSurveyRequest): Promise<PackedNodeSurvey> =>
      beating(deps, () => surveyNode(deps, request)),
  });

async function surveyCluster({ host, now, unserved: readUnserved }: ClusterActivityDeps) {
  const [cluster, nodes, groups, networks, sharedVolumes] = await Promise.all([
    host.readCluster({}),
    host.readNodes({}),
    host.readGroups({}),
    host.readNetworks({}),
    host.readSharedVolumes({}),
  ]);
  const up = nodes.facts.filter((n) => n.state !== 'Down').map((n) => n.name);
  const unserved = (await readUnserved?.(up)) ?? [];
  const survey: ClusterSurvey = {
    takenAt: now().toISOString(),
    answeredBy: host.node,
    cluster: cluster.facts,
    nodes: nodes.facts,
    networks: networks.facts,
    sharedVolumes: sharedVolumes.facts,
    coreOwner: groups.facts.find(({ kind }) => kind === 'core')?.owner ?? null,
    rolesOn: Object.fromEntries(
      nodes.facts.map(({ name }) => [
        name,
        groups.facts.filter(
          ({ owner, kind }) => sameName(owner, name) && (kind === 'vm' || kind === 'other'),
        ).length,
      ]),
    ),
    ...(unserved.length === 0 ? {} : { unserved }),
  };
  return survey;
}

/** Services without which no VM can come. */
const SERVICES = ['ClusSvc', 'vmms'];

async function surveyNode(
  deps: ClusterActivityDeps,
  { owners = false }: NodeSurveyRequest,
): Promise<PackedNodeSurvey> {
  const { host } = deps;
  const [machine, services, switches, migration, vms, movesAway] = await Promise.all([
    host.readHost({}),
    host.readServices({ names: SERVICES }),
    orNone(host.readSwitches({})),
    orNone(host.readMigrationSettings({})),
    orNone(host.readVms({})),
    orNone(host.readMovesAway({})),
  ]);
  const [roles, volumes, links] = await Promise.all([
    host.readRoles({}),
    host.readSharedVolumes({}),
    host.readLinks({}),
  ]);
  const own = roles.facts.filter((role) => sameName(role.owner, host.node));
  return packNode(
    nodeSurveyOf({
      host: machine.facts,
      services: services.facts,
      switches: switches ?? [],
      migration,
      vms: vms ?? [],
      movesAway: movesAway ?? [],
      roles: owners ? await withOwners(deps, own) : own,
      volumes: volumes.facts,
      links: links.facts,
      owners,
    }),
  );
}

/** One after the other: each is a look, and nobody waits for a plan as for a move. */
async function withOwners({ host }: ClusterActivityDeps, roles: RoleFacts[]): Promise<RoleFacts[]> {
  const { facts: nodes } = await host.readNodes({});
  const full: RoleFacts[] = [];
  for (const role of roles) {
    const { facts } = await host.readRole({ vmId: role.vmId, owners: true });
    full.push(withoutEveryNode(facts ?? role, nodes));
  }
  return full;
}

/** null where the Hyper-V role is not there, or not yet. */
async function orNone<T>(read: Promise<{ facts: T }>): Promise<T | null> {
  try {
    return (await read).facts;
  } catch (err) {
    if (err instanceof HypervError && NO_HYPER_V.includes(err.info.errorId ?? '')) return null;
    throw err;
  }
}
