// `watari node drain|resume`: empties nodes of everything that runs on them, and lets them take part again.
import type { Command } from 'commander';
import { finish, talk, type Context } from '../context.ts';
import { drainsOnRecord } from '../runs/drains.ts';
import {
  checkedNodes,
  CLUSTER,
  FILE,
  findNodes,
  startCampaign,
  type CampaignOptions,
} from './campaign.ts';
import { DRY_RUN, makePlan, OUT, showPlan, wantsPlan, type PlanOptions } from './fleet-plan.ts';
import { DETACH } from './launch.ts';
import { addNodeScan } from './node-scan.ts';
import { REASON } from './reason.ts';
import { leaf, withTemporal, type ContextSource } from './leaf.ts';

interface DrainOptions extends CampaignOptions, PlanOptions {}

interface ResumeOptions extends CampaignOptions {
  bringBack?: boolean;
  force?: boolean;
}

export function addNodeCommands(program: Command, context: ContextSource): void {
  const node = program
    .command('node')
    .description('empty nodes, bring them back, see what they lack');
  leaf(node, 'drain <node...>', 'pause nodes and move everything off them', [
    'watari node drain HV1',
    'watari node drain HV1 HV2 --dry-run',
  ])
    .option(...DRY_RUN)
    .option(...OUT)
    .option(...CLUSTER)
    .option(...FILE)
    .option(...DETACH)
    .option(...REASON)
    .action((nodes: string[], o: DrainOptions) => runDrain(context(), nodes, o));
  leaf(node, 'resume <node...>', 'let drained nodes take part again', [
    'watari node resume HV1 --bring-back',
  ])
    .option('--bring-back', 'move back what the drain moved and nobody has moved since')
    .option('--force', 'resume a node although no drain of watari has paused it')
    .option(...CLUSTER)
    .option(...FILE)
    .option(...DETACH)
    .option(...REASON)
    .action((nodes: string[], o: ResumeOptions) => runResume(context(), nodes, o));
  addNodeScan(node, context);
}

async function runDrain(ctx: Context, names: string[], o: DrainOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const asked = checkedNodes(ctx, names, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const { cluster, nodes } = await findNodes(ctx, temporal, asked, o);
    if (wantsPlan(o)) {
      const plan = await makePlan(ctx, temporal, cluster, { kind: 'empty', nodes });
      return showPlan(ctx, plan, o, out);
    }
    const summary = `Drain ${nodes.join(', ')}`;
    const campaign = { workflow: 'drainNodes', cluster, summary, input: { nodes } } as const;
    return startCampaign(ctx, temporal, campaign, { ...o, talk: out });
  });
  finish(code);
}

async function runResume(ctx: Context, names: string[], o: ResumeOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const asked = checkedNodes(ctx, names, o);
  const code = await withTemporal(ctx, async (temporal) => {
    const { cluster, nodes } = await findNodes(ctx, temporal, asked, o);
    const input = {
      nodes,
      drained: await drainsOnRecord(temporal, cluster, nodes),
      ...(o.bringBack === true ? { bringBack: true } : {}),
      ...(o.force === true ? { force: true } : {}),
    };
    const summary = `Resume ${nodes.join(', ')}`;
    const campaign = { workflow: 'resumeNodes', cluster, summary, input } as const;
    return startCampaign(ctx, temporal, campaign, { ...o, talk: out });
  });
  finish(code);
}
