// From a problem to a plan: which VM moves where, in which order and when. Pure, without chance: the same problem gives
// the same plan.
import { planEmpty } from './empty.ts';
import { planRebalance } from './rebalance.ts';
import { planRolling } from './rolling.ts';
import { makeField } from './field.ts';
import type { MovePlan, PlanProblem } from './problem.ts';

export function planMoves(problem: PlanProblem): MovePlan {
  const field = makeField(problem);
  const { task } = problem;
  if (task.kind === 'empty') return planEmpty(field, task.nodes);
  if (task.kind === 'rolling') return planRolling(field, task);
  return planRebalance(field, task.withinPercent);
}
