// One seed from its start to its end in the simulated world, every rule looked at after every step. The same plan gives
// the same trace, byte for byte.
import { Random } from '../rig/random.ts';
import type { Mutant } from './parts.ts';
import type { Plan } from './plan.ts';
import { playPlan, type Patience } from './play.ts';
import type { SeenRun } from './temporal/seen-run.ts';
import type { ServerRun } from './temporal/server-run.ts';
import type { WorkflowHost } from './temporal/workflow-host.ts';
import { watchedCluster } from './watched-cluster.ts';

export interface Outcome<Run extends SeenRun = ServerRun> {
  seed: number;
  violations: string[];
  trace: string[];
  runs: readonly Run[];
  /** Completed workflow tasks. */
  tasks: number;
  effects: number;
  simulatedSeconds: number;
}

/** Budgets and patience of 4 tries fit in a day. */
const PATIENCE: Patience = { endSeconds: 24 * 3600, quietSeconds: 160 };

export async function simulate(plan: Plan, host: WorkflowHost, mutant?: Mutant): Promise<Outcome> {
  const { c, ledger } = watchedCluster({
    scenario: plan.scenario,
    host,
    random: new Random(plan.seed).branch('world'),
    lookEveryMs: plan.lookEveryMs,
    mutant,
  });
  await playPlan(c, ledger, plan, PATIENCE);
  await c.stop();
  return {
    seed: plan.seed,
    violations: c.violations,
    trace: c.trace,
    runs: c.server.runs,
    tasks: c.server.tasks,
    effects: c.lab.effects().length,
    simulatedSeconds: (c.clock.now() - c.clock.start) / 1000,
  };
}
