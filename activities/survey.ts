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
import { beating } from './beats.ts';
import { unservedAmong, withoutEveryNode, type ClusterActivityDeps } from './cluster.ts';
import { guarded } from './failing.ts';
import { NO_HYPER_V, orNull, SERVICES } from './node.ts';

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

async function surveyCluster(deps: ClusterActivityDeps) {
  const { host, now } = deps;
  const [cluster, nodes, groups, networks, sharedVolumes] = await Promise.all([
    host.readCluster({}),
    host.readNodes({}),
    host.readGroups({}),
    host.readNetworks({}),
    host.readSharedVolumes({}),
  ]);
  const unserved = await unservedAmong(deps, nodes.facts);
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

async function surveyNode(
  deps: ClusterActivityDeps,
  { owners = false }: NodeSurveyRequest,
): Promise<PackedNodeSurvey> {
  const { host } = deps;
  const [machine, services, switches, migration, vms, movesAway] = await Promise.all([
    host.readHost({}),
    host.readServices({ names: SERVICES }),
    orNull(host.readSwitches({}), NO_HYPER_V),
    orNull(host.readMigrationSettings({}), NO_HYPER_V),
    orNull(host.readVms({}), NO_HYPER_V),
    orNull(host.readMovesAway({}), NO_HYPER_V),
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
