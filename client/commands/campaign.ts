// What the commands have in common that work on more than one VM: which cluster, which of its nodes, the lock that all
// of them share.
import { includesName, runId, sameName, type WorkflowName } from '../../domain/names.ts';
import { checkedName, clusterName, namedCluster, type ClusterOptions } from '../cluster/name.ts';
import { inspectCluster, requireWorkers } from '../cluster/inspect.ts';
import type { Context } from '../context.ts';
import { badInput } from '../errors.ts';
import type { ExitCode } from '../exit-codes.ts';
import type { Temporal } from '../temporal/connection.ts';
import { whoActs } from '../who.ts';
import { launch, type LaunchOptions } from './launch.ts';
import type { ReasonOption } from './reason.ts';
import type { JsonOption } from './leaf.ts';

export interface CampaignOptions extends ClusterOptions, JsonOption, ReasonOption {
  detach?: boolean;
}

export const CLUSTER = ['-c, --cluster <name>', 'name of the cluster'] as const;
export const FILE = ['-f, --file <file>', 'take the name of the cluster from this file'] as const;

export interface Target {
  cluster: string;
  /** As the cluster writes them. */
  nodes: string[];
  all: string[];
}

/** Names that are slips of the pen are refused before there is a run. */
export async function findNodes(
  ctx: Context,
  temporal: Temporal,
  asked: readonly string[],
  o: CampaignOptions,
): Promise<Target> {
  const cluster = await clusterName(ctx, temporal, o);
  await requireWorkers(ctx, temporal, cluster, []);
  // About nothing: the roles of a large cluster are not what is asked for here.
  const { view } = await inspectCluster(ctx, temporal, { cluster, nodes: [], about: '-' });
  const nodes = asked.map((name) => {
    const node = view.nodes.find((one) => sameName(one.name, name));
    if (node !== undefined) return node.name;
    throw badInput(
      `cluster ${cluster} has no node "${name}"`,
      `Its nodes: ${view.nodes.map((one) => one.name).join(', ')}`,
      'NodeNotFound',
    );
  });
  return { cluster, nodes, all: view.nodes.map((one) => one.name) };
}

/** Checks what needs no server, before one is asked. */
export function checkedNodes(ctx: Context, names: readonly string[], o: CampaignOptions): string[] {
  namedCluster(ctx, o);
  const nodes: string[] = [];
  for (const name of names) {
    const node = checkedName('node', name);
    if (!includesName(nodes, node)) nodes.push(node);
  }
  return nodes;
}

export function startCampaign(
  ctx: Context,
  temporal: Temporal,
  c: { workflow: WorkflowName; cluster: string; summary: string; input: object },
  o: CampaignOptions & LaunchOptions,
): Promise<ExitCode> {
  const { workflow, cluster, summary } = c;
  const startedBy = whoActs(ctx, temporal);
  const input = { ...c.input, cluster, startedBy };
  const id = runId.campaign(cluster);
  return launch(ctx, temporal, { workflow, id, cluster, summary, startedBy, input }, o);
}
