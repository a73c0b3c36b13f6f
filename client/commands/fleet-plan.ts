// Plans before anything runs: printed, kept in a file, and run from there as they were read.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { loadPlan, planText } from '../../config/plan-file.ts';
import { planDocument, type PlanDocument } from '../../domain/fleet/plan-document.ts';
import type { PlanTask } from '../../domain/planner/problem.ts';
import { DEFAULT_MEMORY_RESERVE_BYTES } from '../../domain/spec.ts';
import { requireWorkers } from '../cluster/inspect.ts';
import { surveyFleet } from '../cluster/survey.ts';
import { finish, talk, type Context, type Talk } from '../context.ts';
import { badInput } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { fleetPlanLines } from '../render/fleet-plan.ts';
import type { Temporal } from '../temporal/connection.ts';
import { shellWord } from '../words.ts';
import { startCampaign, type CampaignOptions } from './campaign.ts';
import { DETACH } from './launch.ts';
import { leaf, withTemporal, type ContextSource } from './leaf.ts';
import { REASON } from './reason.ts';

export interface PlanOptions {
  dryRun?: boolean;
  out?: string;
}

export const DRY_RUN = [
  '--dry-run',
  'print the plan and change nothing (exit code 5: something would move)',
] as const;
export const OUT = ['--out <file>', 'keep the plan in this file, for watari cluster run'] as const;

export const wantsPlan = (o: PlanOptions): boolean => o.dryRun === true || o.out !== undefined;

/** Of all nodes, as VMs of any may have to make room. */
export async function makePlan(
  ctx: Context,
  temporal: Temporal,
  cluster: string,
  task: PlanTask,
): Promise<PlanDocument> {
  const survey = await surveyFleet(ctx, temporal, { cluster });
  return planDocument(survey, task, { reserveBytes: DEFAULT_MEMORY_RESERVE_BYTES });
}

/** @param more for programs, beside the plan */
export function showPlan(
  ctx: Context,
  plan: PlanDocument,
  o: PlanOptions,
  out: Talk,
  more: object = {},
): ExitCode {
  out.result({ ...plan, ...more });
  if (!out.json) out.say(fleetPlanLines(plan, out));
  if (o.out !== undefined) {
    const file = path.resolve(ctx.cwd, o.out);
    if (existsSync(file)) {
      throw badInput(`${o.out} is there already`, 'Name another file, or remove it.', 'PlanExists');
    }
    writeFileSync(file, planText(plan));
    const isRolling = plan.task.kind === 'rolling';
    const command = isRolling ? 'watari cluster maintain --plan' : 'watari cluster run';
    const runs = plan.blockers.length === 0;
    const how = runs
      ? ` ${isRolling ? 'Hold what happens against it' : 'Run it'}:  ${command} ${shellWord(o.out)}`
      : '';
    out.say(['', `Kept in ${o.out}.${how}`]);
  }
  if (plan.blockers.length > 0) return EXIT.failed;
  return plan.moves.length > 0 || plan.restarts.length > 0 ? EXIT.changesPending : EXIT.done;
}

export function addRunPlan(cluster: Command, context: ContextSource): void {
  leaf(cluster, 'run <file>', 'do exactly what a kept plan says, unless its facts have changed', [
    'watari cluster run plan.json',
  ])
    .option(...REASON)
    .option(...DETACH)
    .action((file: string, o: CampaignOptions) => runPlanFile(context(), file, o));
}

async function runPlanFile(ctx: Context, file: string, o: CampaignOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const plan = loadPlan(path.resolve(ctx.cwd, file));
  const { cluster, task } = plan;
  if (task.kind === 'rolling') {
    throw badInput(
      `${file} is the plan of a maintenance, whose moves are planned anew before every node`,
      `Start it with:  watari cluster maintain ${task.nodes.join(' ')} --plan ${shellWord(file)}, with --restart, --updates, --script NAME, --wait or --none`,
      'BadPlan',
    );
  }
  if (plan.blockers.length > 0) {
    throw badInput(
      `${file} has something in the way: ${plan.blockers.join('; ')}`,
      'Make it anew.',
      'BadPlan',
    );
  }
  const code = await withTemporal(ctx, async (temporal) => {
    await requireWorkers(ctx, temporal, cluster, []);
    const { reserveBytes: memoryReserveBytes } = plan.facts;
    const campaign =
      task.kind === 'empty'
        ? ({
            workflow: 'drainNodes',
            input: { nodes: task.nodes, memoryReserveBytes, plan },
          } as const)
        : ({
            workflow: 'balanceCluster',
            input: { withinPercent: task.withinPercent, memoryReserveBytes, plan },
          } as const);
    const summary = `Run the plan of ${plan.takenAt}`;
    return startCampaign(ctx, temporal, { cluster, summary, ...campaign }, { ...o, talk: out });
  });
  finish(code);
}
