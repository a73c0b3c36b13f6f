// A seed's plan for a real server: the same cluster, work and faults under a name of its own. The lab runs faster than
// Temporal does, so what is told to Temporal is divided by that; what an activity counts on the lab's clock is not.
import { scenarioSchema } from '../../../lab/scenario/schema.ts';
import type { Plan } from '../plan.ts';

/** Below these a busy computer would be taken for a dead one. Seconds. */
const LEAST = { restart: 10, answer: 3, heartbeat: 2, retry: 0.05 };

export function planForReal(plan: Plan, cluster: string, speed: number): Plan {
  const file = { ...plan.file, cluster };
  const { budgets } = plan.spec;
  const whole = (seconds: number, least: number): number =>
    Math.max(least, Math.ceil(seconds / speed));
  return {
    ...plan,
    file,
    scenario: scenarioSchema.parse(file),
    spec: {
      ...plan.spec,
      cluster,
      budgets: {
        ...budgets,
        restartSeconds: whole(budgets.restartSeconds, LEAST.restart),
        answerSeconds: whole(budgets.answerSeconds, LEAST.answer),
        heartbeatSeconds: whole(budgets.heartbeatSeconds, LEAST.heartbeat),
        retrySeconds: Math.max(LEAST.retry, budgets.retrySeconds / speed),
      },
    },
  };
}
