// `watari cluster maintain|balance`: one node after the other is emptied, worked on and brought back; and memory in use
// is made about equal.
import { InvalidArgumentError, type Command } from 'commander';
import { readWindows } from '../../domain/fleet/window.ts';
import type { NodeAction } from '../../domain/spec.ts';
import { finish, talk, type Context } from '../context.ts';
import { badInput } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
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
import { addTuneCommand } from './tune.ts';
import { REASON } from './reason.ts';
import { leaf, withTemporal, type ContextSource } from './leaf.ts';

interface MaintainOptions extends CampaignOptions, PlanOptions {
  restart?: boolean;
  script?: string;
  wait?: boolean;
  none?: boolean;
  maxFailed?: number;
  window?: string;
  pauseAfterEach?: boolean;
  bringBack?: boolean;
  yes?: boolean;
}

interface BalanceOptions extends CampaignOptions, PlanOptions {
  within: number;
  yes?: boolean;
}

export function addMaintainCommands(cluster: Command, context: ContextSource): void {
  leaf(
    cluster,
    'maintain [node...]',
    'empty one node after the other, do what is asked, bring it back',
    [
      'watari cluster maintain --restart --window "Sat 22:00-05:00 Asia/Tokyo"',
      'watari cluster maintain HV2 HV3 --wait --pause-after-each',
    ],
  )
    .option('--restart', 'restart each node')
    .option('--script <name>', "run a script of the node's own folder (WATARI_SCRIPTS)")
    .option('--wait', 'wait for a person, who works on the node and then says: watari run retry')
    .option('--none', 'do nothing with it')
    .option('--max-failed <n>', 'go on after so many nodes that fail, and ask nobody', count)
    .option('--window <window>', 'begin no node outside of it: "Sat 22:00-05:00 Asia/Tokyo"')
    .option('--pause-after-each', 'wait for watari run resume after each node')
    .option('--bring-back', 'move back to each node what was moved off it')
    .option('-y, --yes', 'do not ask before nodes restart')
    .option(...DRY_RUN)
    .option(...OUT)
    .option(...CLUSTER)
    .option(...FILE)
    .option(...DETACH)
    .option(...REASON)
    .action((nodes: string[], o: MaintainOptions) => runMaintain(context(), nodes, o));
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

function count(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 0 && n <= 1000) return n;
  throw new InvalidArgumentError('A whole number from 0 to 1000.');
}

function percent(text: string): number {
  const n = Number(text);
  if (n >= 1 && n <= 50) return n;
  throw new InvalidArgumentError('A number from 1 to 50.');
}

/** Exactly one of them: what happens to a node is never a guess. */
function actionOf(o: MaintainOptions): NodeAction {
  const actions: NodeAction[] = [
    ...(o.restart === true ? [{ kind: 'restart' } as const] : []),
    ...(o.script === undefined ? [] : [{ kind: 'script', name: o.script } as const]),
    ...(o.wait === true ? [{ kind: 'wait' } as const] : []),
    ...(o.none === true ? [{ kind: 'none' } as const] : []),
  ];
  const [action] = actions;
  if (action !== undefined && actions.length === 1) return action;
  throw badInput(
    actions.length === 0 ? 'it is not said what to do with a node' : 'more than one deed is given',
    'Give one of --restart, --script NAME, --wait and --none.',
    'BadAction',
  );
}

function checkedWindow(window: string | undefined): string | undefined {
  const read = window === undefined ? [] : readWindows(window);
  if ('wrong' in read) throw badInput(read.wrong, 'Nothing was started.', 'BadWindow');
  return window;
}

async function runMaintain(ctx: Context, names: string[], o: MaintainOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const asked = checkedNodes(ctx, names, o);
  const action = actionOf(o);
  if (action.kind === 'wait' && (o.maxFailed ?? 0) > 0) {
    throw badInput(
      '--wait waits for a person, and with --max-failed nobody is asked',
      'Leave out one of the two.',
      'BadAction',
    );
  }
  const window = checkedWindow(o.window);
  const code = await withTemporal(ctx, async (temporal) => {
    const { cluster, nodes, all } = await findNodes(ctx, temporal, asked, o);
    const which = nodes.length === 0 ? all : nodes;
    if (wantsPlan(o)) return showPlan(ctx, await rolling(ctx, temporal, cluster, which, o), o, out);
    if (action.kind === 'restart' && !(await mayRestart(ctx, which, o))) {
      out.say(['Nothing was started.']);
      return EXIT.failed;
    }
    const input = {
      action,
      ...(nodes.length === 0 ? {} : { nodes }),
      ...(o.maxFailed === undefined ? {} : { maxFailed: o.maxFailed }),
      ...(window === undefined ? {} : { window }),
      ...(o.pauseAfterEach === true ? { pauseAfterEach: true } : {}),
      ...(o.bringBack === true ? { bringBack: true } : {}),
    };
    const summary = `Maintain ${nodes.length === 0 ? cluster : nodes.join(', ')}`;
    const campaign = { workflow: 'maintainCluster', cluster, summary, input } as const;
    return startCampaign(ctx, temporal, campaign, { ...o, talk: out });
  });
  finish(code);
}

/** Of a restart, until this cluster has shown how long its own take. */
const RESTART_SECONDS = 300;

const rolling = (
  ctx: Context,
  temporal: Temporal,
  cluster: string,
  nodes: string[],
  o: MaintainOptions,
) =>
  makePlan(ctx, temporal, cluster, {
    kind: 'rolling',
    nodes,
    restartSeconds: Object.fromEntries(
      nodes.map((node) => [node, o.restart === true ? RESTART_SECONDS : 0]),
    ),
    maxDown: 1,
    final: o.bringBack === true ? 'home' : 'any',
  });

async function runBalance(ctx: Context, o: BalanceOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  checkedNodes(ctx, [], o);
  const code = await withTemporal(ctx, async (temporal) => {
    const { cluster } = await findNodes(ctx, temporal, [], o);
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
