// One plan from its start to its end on a real Temporal server with real workers, judged by the rules of the
// simulation. Times are real there, so no two tellings are the same; what is promised has to hold in each.
import type { Mutant } from '../parts.ts';
import type { Plan } from '../plan.ts';
import { playPlan } from '../play.ts';
import type { Outcome } from '../simulate.ts';
import type { WorkflowHost } from '../temporal/workflow-host.ts';
import { planForReal } from './plan.ts';
import type { RealRun } from './runs.ts';
import { RealStage } from './stage.ts';

export interface RealOptions {
  address: string;
  namespace: string;
  /** The compiled workflows: dist/workflow-bundle.js. */
  bundle: string;
  /** Reads the histories again. */
  host: WorkflowHost;
  /** Seconds of the lab in one of ours. */
  speed?: number;
  mutant?: Mutant;
}

const SPEED = 40;
/** Of ours: the retries of an activity alone may take a minute. */
const END_SECONDS = 240;
const QUIET_SECONDS = { lab: 160, ours: 6 };

let plays = 0;

export async function playForReal(plan: Plan, options: RealOptions): Promise<Outcome<RealRun>> {
  const { speed = SPEED } = options;
  plays += 1;
  const cluster = `sim-${(process.pid % 100_000).toString(36)}-${plays.toString(36)}`;
  const forReal = planForReal(plan, cluster, speed);
  const stage = await RealStage.open({ ...options, speed, plan: forReal });
  try {
    await playPlan(stage, stage.ledger, forReal, {
      endSeconds: END_SECONDS * speed,
      quietSeconds: Math.max(QUIET_SECONDS.lab, QUIET_SECONDS.ours * speed),
    });
  } finally {
    await stage.stop();
  }
  return {
    seed: plan.seed,
    violations: stage.violations,
    trace: stage.trace,
    runs: stage.runs(),
    tasks: stage.runs().reduce((sum, run) => sum + run.tasks, 0),
    effects: stage.lab.effects().length,
    simulatedSeconds: (stage.clock.now() - stage.clock.start) / 1000,
  };
}
