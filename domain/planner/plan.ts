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

/** By VM: for each node of the problem, in order, why the VM may never be there; null where it may. */
export function staticTargets(
  problem: PlanProblem,
  closed: readonly string[],
): ReadonlyMap<string, (string | null)[]> {
  const { guests, sites } = makeField(problem);
  return new Map(
    guests.map(({ vm, home, never }) => [
      vm.name,
      sites.map((site) => {
        if (site === home) return `it is on ${home.node.name}`;
        if (closed.includes(site.node.name)) return `${site.node.name} is to be emptied`;
        return never[site.index] ?? null;
      }),
    ]),
  );
}
