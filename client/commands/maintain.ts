// `watari cluster maintain|balance`: one node after the other is emptied, worked on and brought back; and memory in use
// is made about equal.
import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { loadPlan } from '../../config/plan-file.ts';
import { outlookOfPlan } from '../../domain/fleet/differences.ts';
import type { PlanDocument } from '../../domain/fleet/plan-document.ts';
import { includesName } from '../../domain/names.ts';
import { requireWorkers } from '../cluster/inspect.ts';
import { clusterName } from '../cluster/name.ts';
import { finish, talk, type Context, type Talk } from '../context.ts';
import { badInput } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { scanLines } from '../render/updates.ts';
import {
  checkedNodes,
  CLUSTER,
  FILE,
  findNodes,
  startCampaign,
  type CampaignOptions,
} from './campaign.ts';
import { mayRestart } from './cluster.ts';
import type { Temporal } from '../temporal/connection.ts';
import {
  addRunPlan,
  DRY_RUN,
  makePlan,
  OUT,
  showPlan,
  wantsPlan,
  type PlanOptions,
} from './fleet-plan.ts';
import { DETACH } from './launch.ts';
import {
  addMaintainOptions,
  maintainWishes,
  restarts,
  type MaintainOptions,
  type Wishes,
} from './maintain-options.ts';
import { addTuneCommand } from './tune.ts';
import { REASON } from './reason.ts';
import { scanExitCode, scanNodes, shown } from './node-scan.ts';
import { leaf, withTemporal, type ContextSource } from './leaf.ts';

interface RunOptions extends CampaignOptions, PlanOptions, MaintainOptions {
  yes?: boolean;
  plan?: string;
}

interface BalanceOptions extends CampaignOptions, PlanOptions {
  within: number;
  yes?: boolean;
}

export function addMaintainCommands(cluster: Command, context: ContextSource): void {
  addMaintainOptions(
    leaf(
      cluster,
      'maintain [node...]',
      'empty one node after the other, do what is asked, bring it back',
      [
        'watari cluster maintain --updates --window "Sat 22:00-05:00 Asia/Tokyo"',
        'watari cluster maintain HV2 HV3 --wait --pause-after-each',
      ],
    ),
  )
    .option('-y, --yes', 'do not ask before nodes restart')
    .option('--plan <file>', 'tell before every node what is otherwise than in this kept plan')
    .option(...DRY_RUN)
    .option(...OUT)
    .option(...CLUSTER)
    .option(...FILE)
    .option(...DETACH)
    .option(...REASON)
    .action((nodes: string[], o: RunOptions) => runMaintain(context(), nodes, o));
  leaf(
    cluster,
    'balance',
    'recommend the fewest moves that even out the memory in use, or make them with --yes',
    ['watari cluster balance --within 10', 'watari cluster balance --yes'],
  )
    .option('--within <percent>', 'of the mean, in percentage points', percent, 10)
    .option('-y, --yes', 'make the moves')
    .option(...OUT)
    .option(...CLUSTER)
    .option(...FILE)
    .option(...DETACH)
    .option(...REASON)
    .action((o: BalanceOptions) => runBalance(context(), o));
  addTuneCommand(cluster, context);
  addRunPlan(cluster, context);
}

function percent(text: string): number {
  const n = Number(text);
  if (n >= 1 && n <= 50) return n;
  throw new InvalidArgumentError('A number from 1 to 50.');
}

async function runMaintain(ctx: Context, names: string[], o: RunOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const asked = checkedNodes(ctx, names, o);
  const wishes = maintainWishes(asked, o);
  const plan = o.plan === undefined ? undefined : loadPlan(path.resolve(ctx.cwd, o.plan));
  const code = await withTemporal(ctx, async (temporal) => {
    const { cluster, nodes, all } = await findNodes(ctx, temporal, asked, o);
    const which = nodes.length === 0 ? all : nodes;
    if (plan !== undefined) mustBeAbout(plan, cluster, which);
    if (wantsPlan(o)) return preview(ctx, temporal, { cluster, nodes: which, wishes, o, out });
    if (wishes.action.kind === 'updates' && o.yes !== true && ctx.terminal.canAsk && !out.json) {
      // The plan before the question. The run searches again, as its first step.
      out.say(
        scanLines((await scanNodes(ctx, temporal, { ...o, cluster, nodes, talk: out })).findings),
      );
    }
    if (restarts(wishes.action) && !(await mayRestart(ctx, which, o))) {
      out.say(['Nothing was started.']);
      return EXIT.failed;
    }
    const input = {
      ...wishes,
      ...(nodes.length === 0 ? {} : { nodes }),
      ...(plan === undefined ? {} : { outlook: outlookOfPlan(plan) }),
    };
    const summary = `Maintain ${nodes.length === 0 ? cluster : nodes.join(', ')}`;
    const campaign = { workflow: 'maintainCluster', cluster, summary, input } as const;
    return startCampaign(ctx, temporal, campaign, { ...o, talk: out });
  });
  finish(code);
}

/** What somebody has read is of these nodes, or it says nothing of them. */
function mustBeAbout({ cluster, task }: PlanDocument, wanted: string, nodes: string[]): void {
  const planned = task.kind === 'rolling' ? task.nodes : [];
  const missing = nodes.filter((node) => !includesName(planned, node));
  if (cluster === wanted && missing.length === 0) return;
  throw badInput(
    cluster === wanted
      ? `the plan is of no maintenance of ${missing.join(', ')}`
      : `the plan is about cluster ${cluster}, not ${wanted}`,
    'Keep one with:  watari cluster maintain NODE... --out FILE',
    'BadPlan',
  );
}

/** A night of updates touches only nodes that lack some: both are the plan. */
async function preview(
  ctx: Context,
  temporal: Temporal,
  p: { cluster: string; nodes: string[]; wishes: Wishes; o: RunOptions; out: Talk },
): Promise<ExitCode> {
  const { cluster, nodes, wishes, o, out } = p;
  if (wishes.action.kind !== 'updates') {
    return showPlan(ctx, await rolling(ctx, temporal, cluster, nodes, wishes), o, out);
  }
  const { findings } = await scanNodes(ctx, temporal, { ...o, cluster, nodes, talk: out });
  out.say([...scanLines(findings), '']);
  const lacking = findings.filter(
    (one) => 'chosen' in one && (one.chosen.length > 0 || one.restartNeeded),
  );
  const which = lacking.map(({ node }) => node);
  const updates = { updates: findings.map(shown) };
  if (which.length === 0) {
    out.result(updates);
    return scanExitCode(findings);
  }
  const plan = await rolling(ctx, temporal, cluster, which, wishes);
  const code = showPlan(ctx, plan, o, out, updates);
  return scanExitCode(findings) === EXIT.failed ? EXIT.failed : code;
}

/** Of a restart, until this cluster has shown how long its own take. */
const RESTART_SECONDS = 300;

const rolling = (
  ctx: Context,
  temporal: Temporal,
  cluster: string,
  nodes: string[],
  { action, bringBack }: Wishes,
) =>
  makePlan(ctx, temporal, cluster, {
    kind: 'rolling',
    nodes,
    restartSeconds: Object.fromEntries(
      nodes.map((node) => [node, restarts(action) ? RESTART_SECONDS : 0]),
    ),
    maxDown: 1,
    final: bringBack === true ? 'home' : 'any',
  });

async function runBalance(ctx: Context, o: BalanceOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  checkedNodes(ctx, [], o);
  const code = await withTemporal(ctx, async (temporal) => {
    const cluster = await clusterName(ctx, temporal, o);
    await requireWorkers(ctx, temporal, cluster, []);
    if (o.yes !== true || o.out !== undefined) {
      const task = { kind: 'rebalance', withinPercent: o.within } as const;
      return showPlan(ctx, await makePlan(ctx, temporal, cluster, task), o, out);
    }
    const input = { withinPercent: o.within };
    const summary = `Balance ${cluster}`;
    const campaign = { workflow: 'balanceCluster', cluster, summary, input } as const;
    return startCampaign(ctx, temporal, campaign, { ...o, talk: out });
  });
  finish(code);
}
