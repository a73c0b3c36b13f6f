// The canaries of a tuning: VMs that may be moved back and forth, and where. Refuses before anything is touched.
import { waysOf } from '../domain/fleet/problem.ts';
import { surveyedVms, type PlacedVm, type Survey } from '../domain/fleet/survey.ts';
import { includesName, sameName } from '../domain/names.ts';
import { isMoving, isQueued } from '../domain/slots.ts';
import { DEFAULT_MEMORY_RESERVE_BYTES, type TuneClusterInput } from '../domain/spec.ts';
import { sizeText } from '../domain/units.ts';
import type { Job } from './conduct.ts';
import { stepFailure } from './failure-of.ts';
import type { StepContext } from './run.ts';
import { takeSurvey } from './survey.ts';

type Tune = Job<TuneClusterInput>;

/** Which VMs, between which nodes; and every node, because a move goes by the settings of both its ends. */
export interface Canaries {
  vm: string;
  others: string[];
  home: string;
  away: string;
  nodes: string[];
  /** MaximumParallelMigrations. */
  simultaneous: number;
}

export async function findCanaries(job: Tune, c: StepContext): Promise<Canaries> {
  const { calls, input } = job;
  const survey = await takeSurvey(calls);
  const placed = [input.vm, ...(input.others ?? [])].map((name) => runningVm(job, survey, name));
  const [first] = placed;
  if (first === undefined) throw new Error('a tuning without a canary');
  const { node: home, vm } = first;
  const apart = placed.find(({ node }) => !sameName(node, home));
  if (apart !== undefined) {
    const together = `${vm.name} is on ${home} and ${apart.vm.name} on ${apart.node}`;
    throw stepFailure(
      'BadRequest',
      `The canaries must be on one node, and ${together}; move one of them and retry`,
    );
  }
  refuseSilence(survey);
  const names = placed.map((one) => one.vm.name);
  const busy = await othersMoving(job, names);
  busy.push(...placed.filter((one) => one.vm.state === 'moving').map((one) => one.vm.name));
  if (busy.length > 0) {
    const list = busy.join(', ');
    throw stepFailure('SlotsBusy', `The canary must be alone, and ${list} moves just now`);
  }
  const away = awayFor(job, survey, placed, c.target);
  const memoryBytes = placed.reduce((sum, one) => sum + one.vm.memoryBytes, 0);
  c.evidence({ home, away, memoryBytes });
  const { nodes, cluster } = survey.cluster;
  const [, ...others] = names;
  return {
    ...{ vm: vm.name, others, home, away, nodes: nodes.map(({ name }) => name) },
    simultaneous: cluster.maximumParallelMigrations,
  };
}

function runningVm({ input }: Tune, survey: Survey, name: string): PlacedVm {
  const placed = surveyedVms(survey).find(
    ({ vm }) => sameName(vm.name, name) || sameName(vm.vmId, name),
  );
  if (placed === undefined) {
    refuseSilence(survey);
    throw stepFailure('RoleMissing', `${name} is no VM of cluster ${input.cluster}`);
  }
  if (placed.vm.state !== 'off') return placed;
  const { name: vm } = placed.vm;
  throw stepFailure('VmNotRunning', `${vm} does not run, so its moves would tell nothing`);
}

/** Where all of them fit at once; best for the first. */
function awayFor(
  { input }: Tune,
  survey: Survey,
  placed: readonly PlacedVm[],
  named: string | undefined,
): string {
  const reserveBytes = input.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES;
  const only = named ?? input.to;
  const o = { reserveBytes, closed: [], ...(only === undefined ? {} : { only }) };
  const each = placed.map((one) => ({ one, ...waysOf(survey, one, o) }));
  const bytes = placed.reduce((sum, { vm }) => sum + vm.memoryBytes, 0);
  const best = each[0]?.ways.find(
    ({ node, roomBytes }) =>
      roomBytes >= bytes && each.every(({ ways }) => ways.some((way) => way.node === node)),
  );
  if (best !== undefined) return best.node;
  const which = only ?? 'any other node';
  const stuck = each.find(({ ways }) => ways.length === 0);
  const who = stuck?.one ?? placed[0];
  const why = stuck?.why ?? `no node has ${sizeText(bytes)} free for all canaries`;
  throw stepFailure(
    'NoEligibleNode',
    `${who?.vm.name ?? ''} cannot go from ${who?.node ?? ''} to ${which}: ${why}`,
  );
}

/** A node that cannot be set now would have another setting than the rest. */
function refuseSilence({ cluster, nodes }: Survey): void {
  const wrong = cluster.nodes.flatMap(({ name, state }) => {
    if (state !== 'Up') return [`${name} is ${state}`];
    const answer = nodes[name];
    return answer !== undefined && 'noAnswer' in answer
      ? [`${name}: ${answer.noAnswer.message}`]
      : [];
  });
  if (wrong.length === 0) return;
  throw stepFailure('OthersNotUp', `Every node is needed for a tuning. ${wrong.join('; ')}`);
}

export async function othersMoving({ calls }: Tune, vms: readonly string[]): Promise<string[]> {
  const [about = ''] = vms;
  const { roles } = await calls.onCluster({ summary: 'See what moves now' }).viewCluster({ about });
  return roles
    .filter((role) => !includesName(vms, role.name) && (isMoving(role) || isQueued(role)))
    .map(({ name }) => name);
}
