// A plan as a thing of its own: what is to be done and why, and the facts that it rests on, so that it can be kept,
// read, run later, and held against what is there then. JSON, schema 1; config/plan-file.ts reads it from a file.
import { includesName, sameName } from '../names.ts';
import { planMoves } from '../planner/plan.ts';
import type { MovePlan, PlanProblem, PlanTask } from '../planner/problem.ts';
import type { DocumentMove, PlanDocument } from './document.ts';
import { askOf, wholeProblem, type Asked, type AskOptions } from './problem.ts';
import { surveyedVms, surveyOf, type Survey } from './survey.ts';
import { obstacleOf, type Obstacle } from './unblock.ts';
import { tellMoves, type Told } from './words.ts';

export type { DocumentMove, PlanDocument } from './document.ts';

export interface DocumentParts {
  survey: Survey;
  asked: Asked;
  plan: MovePlan;
  obstacle: Obstacle;
  told: readonly Told[];
}

/** Everything at once: the plan for a task, in words; and where some of it is impossible, what would open it. */
export function planDocument(survey: Survey, task: PlanTask, o: AskOptions): PlanDocument {
  const asked = askOf(survey, task, o);
  const plan = planMoves(asked.problem);
  const blocked = [...asked.stuck.map(({ vm }) => vm), ...(plan.feasible ? [] : plan.blocked)];
  const obstacle =
    blocked.length === 0
      ? { blocks: plan.feasible ? [] : [plan.why], help: [] }
      : obstacleOf(wholeProblem(survey, task, o), blocked);
  const told = plan.feasible ? tellMoves(asked.problem, plan.moves) : [];
  return makeDocument({ survey, asked, plan, obstacle, told });
}

export function makeDocument({ survey, asked, plan, obstacle, told }: DocumentParts): PlanDocument {
  const { cluster, nodes, takenAt } = survey.cluster;
  const { problem, off } = asked;
  const placed = surveyedVms(survey);
  const byName = new Map(placed.map(({ vm }) => [vm.name, vm]));
  const moves = told.map(({ move, why, waits }): DocumentMove => {
    const vm = byName.get(move.vm);
    return {
      vm: move.vm,
      vmId: vm?.vmId ?? '',
      from: move.from,
      to: move.to,
      bytes: vm?.memoryBytes ?? 0,
      startSeconds: rounded(move.startSeconds),
      seconds: rounded(move.endSeconds - move.startSeconds),
      why,
      ...(waits === undefined ? {} : { waits }),
    };
  });
  const leaving = leavingOf(problem);
  const moved = new Set(moves.map(({ vm }) => vm));
  return {
    schema: 1,
    cluster: cluster.name,
    clusterId: cluster.id ?? null,
    takenAt,
    task: problem.task,
    facts: {
      slots: problem.slots,
      reserveBytes: problem.reserveBytes,
      nodes: nodes.map(({ name, state }) => {
        const node = surveyOf(survey, name);
        return {
          name,
          state,
          freeBytes: node?.freeBytes ?? null,
          linkBytesPerSecond: node?.linkBytesPerSecond ?? null,
        };
      }),
      vms: placed
        .filter(({ vm, node }) => moved.has(vm.name) || includesName(leaving, node))
        .map(({ vm, node }) => ({
          vm: vm.name,
          vmId: vm.vmId,
          node,
          state: vm.state,
          bytes: vm.memoryBytes,
        })),
    },
    moves,
    bytes: moves.reduce((sum, move) => sum + move.bytes, 0),
    seconds: plan.feasible ? rounded(plan.seconds) : 0,
    restarts: plan.feasible ? plan.maintain : [],
    off: off.map(({ vm, node }) => ({ vm: vm.name, node })),
    blockers: obstacle.blocks,
    help: obstacle.help,
  };
}

const leavingOf = ({ task }: Pick<PlanProblem, 'task'>): readonly string[] =>
  task.kind === 'rebalance' ? [] : task.nodes;

/** To the millisecond: what is more exact than that only takes place. */
const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000;

/** Which names a move may use, for whoever reads a document that a person has edited. */
export function documentFaults(
  plan: PlanDocument,
): { path: (string | number)[]; message: string }[] {
  const nodes = plan.facts.nodes.map(({ name }) => name);
  return plan.moves.flatMap((move, i) => {
    const faults = (['from', 'to'] as const)
      .filter((key) => !includesName(nodes, move[key]))
      .map((key) => ({
        path: ['moves', i, key],
        message: `the plan knows no node ${move[key]}`,
      }));
    return sameName(move.from, move.to)
      ? [...faults, { path: ['moves', i, 'to'], message: `${move.vm} is on ${move.to} already` }]
      : faults;
  });
}
