// balanceCluster: the fewest moves after which every node's memory is used about as much as the others'. Only what it
// moves itself: nodes that are paused or do not answer keep what they have.
import type { PastMove } from '../domain/fleet/learned.ts';
import { runId, stepId } from '../domain/names.ts';
import type { BalanceClusterInput } from '../domain/spec.ts';
import { conduct, type Job } from './conduct.ts';
import { withoutBalancer } from './fleet/balancer.ts';
import { moveByPlan } from './fleet/move-by-plan.ts';
import { moverOf } from './fleet/mover.ts';
import { planFor } from './fleet/plan.ts';

export interface BalanceClusterResult {
  cluster: string;
  moves: PastMove[];
  left: string[];
}

export async function balanceCluster(input: BalanceClusterInput): Promise<BalanceClusterResult> {
  return conduct('balanceCluster', input, balance, ({ cluster, withinPercent, budgets }) => ({
    lock: runId.campaign(cluster),
    title: `Balance ${cluster} to within ${withinPercent} %`,
    cluster,
    budgets,
    brakes: true,
  }));
}

async function balance(job: Job<BalanceClusterInput>): Promise<BalanceClusterResult> {
  const { cluster, withinPercent } = job.input;
  const task = { kind: 'rebalance', withinPercent } as const;
  const step = { id: stepId.cluster('plan'), title: 'Plan the moves' };
  const { moves, left } = await withoutBalancer(job, async () => {
    const plan = await job.run.step(step, (c) => planFor(job, task, c));
    return moveByPlan(moverOf(job, plan.survey, { kind: 'balance' }), plan.leaving);
  });
  return { cluster, moves, left };
}
