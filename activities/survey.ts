// What plans are made from, told by each node in few words; and the plan itself, which is made here and not in the
// workflow, so that a run keeps the plan that it began with when a newer version would plan otherwise.
import type { LinkFacts, RoleFacts, SharedVolumeFacts, VmFacts } from '../domain/facts.ts';
import type { ClusterSurvey, NodeSurvey, SurveyedVm } from '../domain/fleet/survey.ts';
import { sameName } from '../domain/names.ts';
import { vmFindings } from '../domain/placement.ts';
import { planMoves } from '../domain/planner/plan.ts';
import type { MovePlan, PlanProblem } from '../domain/planner/problem.ts';
import { isMoving, isQueued } from '../domain/slots.ts';
import { HypervError } from '../hyperv/host.ts';
import { beating } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { guarded } from './failing.ts';
import { NO_HYPER_V } from './node.ts';

export interface NodeSurveyRequest {
  /** With possible and preferred owners, which cost a look for each VM. */
  owners?: boolean;
}

export const createSurveyClusterActivities = (deps: ClusterActivityDeps) =>
  guarded({
    surveyCluster: (): Promise<ClusterSurvey> => beating(deps, () => surveyCluster(deps)),
    planMoves: (problem: PlanProblem): Promise<MovePlan> =>
      beating(deps, () => Promise.resolve(planMoves(problem))),
  });

export const createSurveyNodeActivities = (deps: ClusterActivityDeps) =>
  guarded({
    surveyNode: (request: NodeSurveyRequest): Promise<NodeSurvey> =>
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
): Promise<NodeSurvey> {
  const { host } = deps;
  const [machine, services, switches, migration, vms, roles, volumes, links] = await Promise.all([
    host.readHost({}),
    host.readServices({ names: SERVICES }),
    orNone(host.readSwitches({})),
    orNone(host.readMigrationSettings({})),
    orNone(host.readVms({})),
    host.readRoles({}),
    host.readSharedVolumes({}),
    host.readLinks({}),
  ]);
  const own = roles.facts.filter((role) => sameName(role.owner, host.node));
  const full = owners ? await withOwners(deps, own) : own;
  const { facts } = machine;
  return {
    memoryBytes: facts.memoryBytes,
    freeBytes: facts.freeMemoryBytes,
    cpuVendor: facts.cpuVendor,
    cpuName: facts.cpuName,
    vmVersions: facts.vmVersions,
    switches: (switches ?? []).filter(({ type }) => type === 'External').map(({ name }) => name),
    performance: migration?.enabled === true ? migration.performance : null,
    servicesDown: services.facts.filter((s) => s.state !== 'Running').map((s) => s.name),
    pendingRestart: facts.pendingRestart,
    linkBytesPerSecond: fastest(links.facts),
    vms: full.flatMap((role) => {
      const vm = vms?.find(({ id }) => sameName(id, role.vmId));
      return vm === undefined ? [] : [surveyed(role, vm, volumes.facts, owners)];
    }),
  };
}

/** One after the other: each is a look, and nobody waits for a plan as for a move. */
async function withOwners({ host }: ClusterActivityDeps, roles: RoleFacts[]): Promise<RoleFacts[]> {
  const full: RoleFacts[] = [];
  for (const role of roles) {
    const { facts } = await host.readRole({ vmId: role.vmId, owners: true });
    full.push(facts ?? role);
  }
  return full;
}

function surveyed(
  role: RoleFacts,
  vm: VmFacts,
  volumes: readonly SharedVolumeFacts[],
  owners: boolean,
): SurveyedVm {
  const bound = vmFindings(volumes, vm)
    .map(({ reason }) => reason)
    .filter(({ kind }) => kind === 'blocker')
    .map(({ text }) => text);
  const runs = vm.state !== 'Off' && vm.state !== 'Saved';
  return {
    name: role.name,
    vmId: role.vmId,
    state: isMoving(role) || isQueued(role) ? 'moving' : runs ? 'running' : 'off',
    memoryBytes: vm.memoryAssignedBytes,
    priority: role.priority ?? MEDIUM_PRIORITY,
    switches: [...new Set(vm.switches.filter((name) => name !== null))],
    compatibility: vm.compatibilityForMigration,
    version: vm.version,
    antiAffinityClassNames: role.antiAffinityClassNames,
    ...(owners
      ? { possibleOwners: role.possibleOwners, preferredOwners: role.preferredOwners }
      : {}),
    ...(bound.length === 0 ? {} : { bound }),
  };
}

/** What a group has unless somebody says otherwise (MSCS groups-priority). */
const MEDIUM_PRIORITY = 2000;

function fastest(links: readonly LinkFacts[]): number | null {
  const known = links.map(({ bytesPerSecond }) => bytesPerSecond).filter((rate) => rate !== null);
  return known.length === 0 ? null : Math.max(...known);
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
