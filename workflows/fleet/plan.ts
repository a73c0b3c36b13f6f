// The plan of a campaign, as the body of a step: what the cluster is like now, and which VM goes where. Or one that was
// kept and read by somebody: it is done exactly, or refused with what has changed since.
import { compareFacts } from '../../domain/fleet/drift.ts';
import { learn, learnedLines } from '../../domain/fleet/learned.ts';
import { pacesOf, type Pace } from '../../domain/fleet/pace.ts';
import { packProblem } from '../../domain/fleet/packed.ts';
import type { PlanDocument } from '../../domain/fleet/document.ts';
import { askOf, ASSUMED_MODEL, type Asked, type Stuck } from '../../domain/fleet/problem.ts';
import { surveyedVms, type PlacedVm, type Survey } from '../../domain/fleet/survey.ts';
import { includesName, sameName } from '../../domain/names.ts';
import type { PlannedMove, PlannedVm, PlanTask } from '../../domain/planner/problem.ts';
import { DEFAULT_MEMORY_RESERVE_BYTES } from '../../domain/spec.ts';
import { durationText, sizeText } from '../../domain/units.ts';
import type { MadePlan } from '../../activities/survey.ts';
import type { Calls } from '../calls.ts';
import { stepFailure } from '../failure-of.ts';
import type { Run, StepContext } from '../run.ts';
import { takeSurvey } from '../survey.ts';
import type { Leaving } from './move-by-plan.ts';

export interface Campaign {
  run: Run;
  calls: Calls;
  input: { memoryReserveBytes?: number; plan?: PlanDocument };
}

export interface Plan {
  survey: Survey;
  leaving: Leaving[];
  /** As promised, for the moves alone. */
  seconds: number;
  /** VMs that can be moved nowhere. */
  stuck: Stuck[];
}

export const reserveOf = ({ input }: Campaign): number =>
  input.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES;

export async function planFor(job: Campaign, task: PlanTask, c: StepContext): Promise<Plan> {
  const { plan } = job.input;
  return plan === undefined ? planAnew(job, task, c) : keptPlan(job, plan, c);
}

async function planAnew(job: Campaign, task: PlanTask, c: StepContext): Promise<Plan> {
  const leaves = task.kind === 'empty' ? { owners: task.nodes } : {};
  let survey = await takeSurvey(job.calls, leaves);
  if (task.kind === 'empty') mustAnswer(survey, task.nodes);
  const past = await job.calls.onCluster({ summary: 'What past moves took' }).readPastMoves();
  const learned = learn(past, ASSUMED_MODEL);
  let asked = askOf(survey, task, { reserveBytes: reserveOf(job), learned });
  let made = await plan(job.calls, asked);
  if (!made.feasible && task.kind === 'empty') {
    // VMs of the others may make room; whose owners matter then.
    survey = await takeSurvey(job.calls);
    asked = askOf(survey, task, { reserveBytes: reserveOf(job), learned });
    made = await plan(job.calls, asked);
  }
  const { leaving, seconds } = leavingOf(survey, asked, made, c);
  tell(c, leaving, seconds);
  c.evidence({
    learned: learnedLines(learned),
    stuck: asked.stuck.map(({ vm, why }) => `${vm}: ${why}`),
    off: asked.off.map(({ vm }) => vm.name),
  });
  return { survey, leaving, seconds, stuck: asked.stuck };
}

const tell = (c: StepContext, leaving: readonly Leaving[], seconds: number): void => {
  c.evidence({
    moves: leaving.length,
    bytes: sizeText(leaving.reduce((sum, one) => sum + one.memoryBytes, 0)),
    promised: durationText(seconds * 1000),
  });
};

async function keptPlan(job: Campaign, kept: PlanDocument, c: StepContext): Promise<Plan> {
  const survey = await takeSurvey(job.calls);
  const changed = compareFacts(kept, survey);
  c.evidence({ plannedAt: kept.takenAt, changed });
  if (changed.length > 0) {
    throw stepFailure(
      'FactsChanged',
      `The plan of ${kept.takenAt} rests on what has changed: ${changed.join('; ')}`,
    );
  }
  const placed = surveyedVms(survey);
  const starts = kept.moves.map((move) => ({
    ...move,
    endSeconds: move.startSeconds + move.seconds,
  }));
  const paces = pacesOf(starts, ASSUMED_MODEL);
  const leaving = kept.moves.map(({ vm, vmId, from, to, bytes, seconds }, at): Leaving => {
    const apart = apartOf(
      survey,
      placed.find((one) => one.vm.vmId === vmId),
    );
    return { vm, vmId, from, to, memoryBytes: bytes, apart, seconds, ...paced(paces[at]) };
  });
  tell(c, leaving, kept.seconds);
  return { survey, leaving, seconds: kept.seconds, stuck: [] };
}

/** But for what somebody moves to nobody knows where: whether it leaves is seen when its turn comes. */
function plan(calls: Calls, { problem, moving }: Asked): Promise<MadePlan> {
  const isOnItsWay = ({ name, owner }: PlannedVm): boolean =>
    moving.some(({ node, vm }) => vm.name === name && sameName(node, owner));
  const vms = problem.vms.filter((vm) => !isOnItsWay(vm));
  return calls.onCluster({ summary: 'Plan the moves' }).planMoves(packProblem({ ...problem, vms }));
}

export async function planAsked(
  { calls }: Campaign,
  survey: Survey,
  asked: Asked,
  c: StepContext,
): Promise<{ leaving: Leaving[]; seconds: number }> {
  return leavingOf(survey, asked, await plan(calls, asked), c);
}

/** Fails where there is no room for all: it is better to know that before the first move than in the middle. */
function leavingOf(
  survey: Survey,
  { problem, stuck, moving }: Asked,
  made: MadePlan,
  c: StepContext,
): { leaving: Leaving[]; seconds: number } {
  if (!made.feasible) {
    const { blocked, blocks = [made.why], help = [] } = made;
    c.evidence({ blocked, blocks, help });
    // There may be room where nobody has answered: looked at again before a person is asked.
    const up = survey.cluster.nodes.filter(({ state }) => state === 'Up');
    mustAnswer(
      survey,
      up.map(({ name }) => name),
    );
    const advice = help.length === 0 ? '' : `. Any one of these would do: ${help.join('; ')}`;
    throw stepFailure('NoPlan', `There is no room for everything: ${blocks.join('. ')}${advice}`);
  }
  const byName = new Map(surveyedVms(survey).map((placed) => [placed.vm.name, placed]));
  const paces = pacesOf(made.moves, problem.model);
  const leaving = made.moves.flatMap((move, at) =>
    leavingBy(survey, move, byName.get(move.vm), paces[at]),
  );
  const others = [...moving.map(({ node, vm }) => ({ ...vm, vm: vm.name, node })), ...stuck];
  return { leaving: [...leaving, ...others.map(leavingAnyway)], seconds: made.seconds };
}

/** A node that says nothing of its VMs looks like one that has none. */
export function mustAnswer(s: Survey, nodes: readonly string[]): void {
  for (const [node, answer] of Object.entries(s.nodes)) {
    if (!includesName(nodes, node) || !('noAnswer' in answer)) continue;
    throw stepFailure('NodeUnreachable', `${node} did not answer: ${answer.noAnswer.message}`);
  }
}

/** Classes that must not meet; where the cluster does not enforce it they only should not. */
export const apartOf = (s: Survey, placed: PlacedVm | undefined): string[] =>
  s.cluster.cluster.enforcedAntiAffinity ? (placed?.vm.antiAffinityClassNames ?? []) : [];

const paced = (pace: Pace | undefined): { pace?: Pace } => (pace === undefined ? {} : { pace });

function leavingBy(
  s: Survey,
  move: PlannedMove,
  placed: PlacedVm | undefined,
  pace: Pace | undefined,
): Leaving[] {
  if (placed === undefined) return [];
  const { name: vm, vmId, memoryBytes } = placed.vm;
  const apart = apartOf(s, placed);
  const { from, to, startSeconds, endSeconds } = move;
  const seconds = endSeconds - startSeconds;
  return [{ vm, vmId, from, to, memoryBytes, apart, seconds, ...paced(pace) }];
}

/** Its step looks, and where nothing can move it tells why and waits for a person, while the others go. */
const leavingAnyway = ({ vm, vmId, node, memoryBytes }: Omit<Stuck, 'why'>): Leaving => ({
  vm,
  vmId,
  from: node,
  to: null,
  memoryBytes,
  apart: [],
  seconds: 0,
});
