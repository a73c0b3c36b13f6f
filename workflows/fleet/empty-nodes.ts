// Empties nodes of everything: plan, pause, the cluster's own groups, the VMs that run, what does not run, and then the
// proof that nothing is left. What comes meanwhile is moved as well. Done by drains, maintenances and preparations.
import { sleep } from '@temporalio/workflow';
import type { ClusterNodeFacts } from '../../domain/facts.ts';
import { promiseText, type PastMove } from '../../domain/fleet/learned.ts';
import { differences, outlookOf } from '../../domain/fleet/differences.ts';
import type { Outlook } from '../../domain/fleet/outlook.ts';
import { askOf, roomOn, whyClosed } from '../../domain/fleet/problem.ts';
import { surveyedVms, type Survey } from '../../domain/fleet/survey.ts';
import { includesName, sameName, stepId } from '../../domain/names.ts';
import type { PlanTask } from '../../domain/planner/problem.ts';
import type { Calls } from '../calls.ts';
import { stepFailure } from '../failure-of.ts';
import type { StepContext } from '../run.ts';
import { takeSurvey } from '../survey.ts';
import { moveByPlan, type MoveByPlan, type Moved } from './move-by-plan.ts';
import { moverOf } from './mover.ts';
import { leftOn, moveCoreOff, moveRestOff } from './other-groups.ts';
import { pauseNode, type PausedBy } from './pause.ts';
import { mustAnswer, planAsked, planFor, reserveOf, type Campaign, type Plan } from './plan.ts';

export interface Emptied {
  paused: Record<string, PausedBy>;
  moves: PastMove[];
  /** What a person chose to leave there. */
  left: string[];
  /** What was otherwise than `outlook` says. */
  differs: string[];
}

/** Whatever comes to a paused node was on its way before; so often it is looked for. */
const ROUNDS_MAX = 10;
/** Between two looks at what is on its way. */
const SETTLE_SECONDS = 5;
const LOOK_LONGEST_SECONDS = 60;
/** So many of them in a row without anything to move live. */
const SETTLE_LOOKS_MAX = 3;

export interface EmptyOptions {
  /** What does not run may stay: a node that only restarts stops nothing of it. */
  offStays?: boolean;
  /** What was counted on. */
  outlook?: Outlook;
}

export async function emptyNodes(
  job: Campaign,
  nodes: readonly string[],
  { offStays = false, outlook }: EmptyOptions = {},
): Promise<Emptied> {
  const { run } = job;
  const step = { id: stepId.cluster('plan'), title: `Plan how ${nodes.join(', ')} is emptied` };
  const task: PlanTask = { kind: 'empty', nodes: [...nodes] };
  const { plan, differs } = await run.step(step, async (c) => {
    const plan = await planFor(job, task, c);
    if (outlook === undefined) return { plan, differs: [] };
    const differs = nodes.flatMap((node) => otherwise(job, outlook, plan, node));
    c.evidence({ plannedAt: outlook.at, differs });
    return { plan, differs };
  });
  const paused: Record<string, PausedBy> = {};
  for (const node of nodes) paused[node] = await pauseNode(job, node);
  for (const node of nodes) {
    await moveCoreOff(job, node, (now) => quietest(plan.survey, now, nodes));
  }
  const mover = moverOf(job, plan.survey, { kind: 'drain', closed: nodes });
  const since = Date.now();
  const { moves, left } = await moveByPlan(mover, plan.leaving);
  const kept = promiseText(plan.seconds, (Date.now() - since) / 1000);
  if (!offStays) {
    for (const node of nodes) {
      await moveRestOff(job, node, (now, name) => roomiest(plan.survey, now, nodes, name));
    }
  }
  for (const node of nodes) {
    const late = await seeEmpty(job, mover, { node, nodes, offStays, left, kept });
    moves.push(...late.moves);
    left.push(...late.left);
  }
  return { paused, moves, left, differs };
}

/** Shown, and no reason to stop: the plan that is run was made for what is there now. */
function otherwise(job: Campaign, then: Outlook, made: Plan, node: string): string[] {
  const { survey, stuck, seconds: promisedSeconds } = made;
  const planned = { stuck, promisedSeconds, reserveBytes: reserveOf(job) };
  return differences(then, outlookOf(survey, [node]), node, planned);
}

/** Nothing is left but what a person chose to leave. Answers what became of VMs that had come meanwhile. */
async function seeEmpty(
  job: Campaign,
  mover: MoveByPlan,
  {
    node,
    nodes,
    offStays,
    left,
    kept,
  }: {
    node: string;
    nodes: readonly string[];
    offStays: boolean;
    left: readonly string[];
    kept: string;
  },
): Promise<Moved> {
  const late: Moved = { moves: [], left: [] };
  const step = { id: stepId.node(node, 'empty'), title: `See that nothing is left on ${node}` };
  await job.run.step({ ...step, skippable: true }, async (c) => {
    c.evidence({ moves: kept });
    let looks = 0;
    for (let round = 1; ; round += 1) {
      await untilNothingComes(job.calls, node, c);
      const found = await leftOn(job.calls, node, offStays);
      const stays = [...left, ...late.left];
      const unwanted = found.filter((name) => !includesName(stays, name));
      c.evidence({ left: found });
      if (unwanted.length === 0) return;
      if (round > ROUNDS_MAX) throw notEmpty(node, unwanted);
      c.evidence({ cameMeanwhile: unwanted });
      const survey = await takeSurvey(job.calls, { owners: [node] });
      mustAnswer(survey, [node]);
      const task: PlanTask = { kind: 'empty', nodes: [node] };
      const asked = askOf(survey, task, { reserveBytes: reserveOf(job) });
      const { leaving } = await planAsked(job, survey, asked, c);
      const fresh = leaving.filter(({ vm }) => includesName(unwanted, vm));
      if (fresh.length > 0) {
        const { moves, left: more } = await moveByPlan(mover, fresh);
        late.moves.push(...moves);
        late.left.push(...more);
        continue;
      }
      looks += 1;
      if (looks > SETTLE_LOOKS_MAX) throw notEmpty(node, unwanted);
      await moveCoreOff(job, node, (now) => quietest(survey, now, nodes));
      if (!offStays)
        await moveRestOff(job, node, (now, name) => roomiest(survey, now, nodes, name));
      // What was asked for takes its time, and shows only then.
      c.waitingFor(`${unwanted.join(', ')} to leave ${node}`);
      await sleep(SETTLE_SECONDS * 1000, { summary: `What is left on ${node} is leaving it` });
    }
  });
  return late;
}

/** What was on its way when the node was paused arrives all the same, and would be cut off by a restart. */
async function untilNothingComes(calls: Calls, node: string, c: StepContext): Promise<void> {
  const until = Date.now() + calls.budgets.slotSeconds * 1000;
  for (let seconds = SETTLE_SECONDS; ; seconds = Math.min(seconds * 2, LOOK_LONGEST_SECONDS)) {
    const coming = comingTo(await takeSurvey(calls, { owners: [] }), node);
    if (coming.length === 0) return;
    const what = `${coming.join(', ')}, on the way to ${node} since before it was paused`;
    if (Date.now() > until) {
      throw stepFailure('MigrationInProgress', `${node} is not empty while there is ${what}`);
    }
    c.waitingFor(what);
    await sleep(seconds * 1000, { summary: `Waits for ${what}` });
  }
}

/** A move whose target nobody knows may go there. */
const comingTo = (s: Survey, node: string): string[] =>
  surveyedVms(s)
    .filter(({ node: owner, vm }) => vm.state === 'moving' && !sameName(owner, node))
    .filter(({ vm }) => vm.target === undefined || sameName(vm.target, node))
    .map(({ vm }) => vm.name);

const notEmpty = (node: string, names: readonly string[]): Error =>
  stepFailure('NodeNotEmpty', `${names.join(', ')} is still on ${node}`);

type Nodes = readonly ClusterNodeFacts[];

/** For the cluster's own groups: the open node with the fewest roles. */
function quietest({ cluster }: Survey, now: Nodes, closed: readonly string[]): string | undefined {
  const { rolesOn } = cluster;
  return openNodes(now, closed).sort((a, b) => (rolesOn[a] ?? 0) - (rolesOn[b] ?? 0))[0];
}

/** For what does not run: the open node with the most memory, among its possible owners. */
function roomiest(
  s: Survey,
  now: Nodes,
  closed: readonly string[],
  name: string,
): string | undefined {
  const vm = surveyedVms(s).find((placed) => sameName(placed.vm.name, name))?.vm;
  const owners = vm?.possibleOwners ?? [];
  const open = now.filter((node) => whyClosed(s, node) === null);
  return openNodes(open, closed)
    .filter((node) => owners.length === 0 || includesName(owners, node))
    .sort((a, b) => roomOn(s, b) - roomOn(s, a))[0];
}

const openNodes = (now: Nodes, closed: readonly string[]): string[] =>
  now
    .filter(({ name, state }) => state === 'Up' && !includesName(closed, name))
    .map(({ name }) => name);
