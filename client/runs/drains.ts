// The record of a drain: what it paused and what it moved, from the history of runs that have ended. The server keeps
// it for as long as the namespace says.
import type { Client } from '@temporalio/client';
import type { PastMove } from '../../domain/fleet/learned.ts';
import { runId, sameName } from '../../domain/names.ts';
import type { DrainOnRecord } from '../../domain/spec.ts';
import type { DrainNodesResult } from '../../workflows/drain-nodes.ts';
import type { ResumeNodesResult } from '../../workflows/resume-nodes.ts';
import { within, type Temporal } from '../temporal/connection.ts';

/** Longer ago somebody else will have been there. */
const CAMPAIGNS_MAX = 100;
const CALL_MS = 30_000;

/** The drains of each node since a run of ours has resumed it. */
export function drainsOnRecord(
  temporal: Temporal,
  cluster: string,
  nodes: readonly string[],
): Promise<DrainOnRecord[]> {
  return within(temporal.connection, CALL_MS, async () => {
    const seen: EndedCampaign[] = [];
    for await (const campaign of campaigns(temporal.client, cluster)) {
      seen.push(campaign);
      if (drainsAmong(cluster, nodes, seen).open.size === 0) break;
    }
    return drainsAmong(cluster, nodes, seen).drains;
  });
}

export interface EndedCampaign {
  type: string;
  result: Pick<DrainNodesResult | ResumeNodesResult, 'nodes'>;
}

/**
 * Several drains of a node count as one: a later one finds the pause of the first, and calls it that of others.
 *
 * @returns `open`: the nodes of which an older campaign could tell more.
 */
export function drainsAmong(
  cluster: string,
  nodes: readonly string[],
  newestFirst: readonly EndedCampaign[],
): { drains: DrainOnRecord[]; open: ReadonlySet<string> } {
  const found = new Map<string, DrainOnRecord>();
  const open = new Set(nodes);
  for (const { type, result } of newestFirst) {
    for (const node of open) {
      if (!result.nodes.some((one) => sameName(one, node))) continue;
      if (type !== 'drainNodes') {
        open.delete(node);
        continue;
      }
      const older = recordOf(node, cluster, result as DrainNodesResult);
      found.set(node, merged(older, found.get(node)?.moves ?? []));
      if (older.paused === 'us') open.delete(node);
    }
  }
  return { drains: [...found.values()], open };
}

/** Where a VM was moved off twice, the later move says where it is. */
function merged(older: DrainOnRecord, later: readonly PastMove[]): DrainOnRecord {
  const moves = older.moves.filter(({ vmId }) => !later.some((move) => move.vmId === vmId));
  return { ...older, moves: [...later, ...moves] };
}

function recordOf(node: string, cluster: string, result: DrainNodesResult): DrainOnRecord {
  const paused = Object.entries(result.paused).find(([name]) => sameName(name, node))?.[1];
  const moves = result.moves.filter((move) => sameName(move.from, node));
  return { node, run: runId.campaign(cluster), paused: paused ?? 'others', moves };
}

/** Newest first. */
async function* campaigns(client: Client, cluster: string): AsyncGenerator<EndedCampaign> {
  const id = runId.campaign(cluster).replaceAll("'", "''");
  const query = `WorkflowId = '${id}' AND ExecutionStatus = 'Completed' AND WorkflowType IN ('drainNodes', 'resumeNodes')`;
  let seen = 0;
  for await (const info of client.workflow.list({ query })) {
    seen += 1;
    if (seen > CAMPAIGNS_MAX) return;
    const handle = client.workflow.getHandle(info.workflowId, info.runId);
    yield { type: info.type, result: (await handle.result()) as EndedCampaign['result'] };
  }
}
