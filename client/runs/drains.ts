// The record of a drain: what it paused and what it moved, from the history of runs that have ended. The server keeps it
// for as long as the namespace says.
import type { Client } from '@temporalio/client';
import { runId, sameName } from '../../domain/names.ts';
import type { DrainOnRecord } from '../../domain/spec.ts';
import type { DrainNodesResult } from '../../workflows/drain-nodes.ts';
import type { ResumeNodesResult } from '../../workflows/resume-nodes.ts';
import { within, type Temporal } from '../temporal/connection.ts';

/** Longer ago somebody else will have been there. */
const CAMPAIGNS_MAX = 100;
const CALL_MS = 30_000;

/** The latest drain of each node that no later run of ours has resumed. */
export function drainsOnRecord(
  temporal: Temporal,
  cluster: string,
  nodes: readonly string[],
): Promise<DrainOnRecord[]> {
  return within(temporal.connection, CALL_MS, async () => {
    const found: DrainOnRecord[] = [];
    const open = new Set(nodes);
    for await (const { type, result } of campaigns(temporal.client, cluster)) {
      for (const node of open) {
        if (!result.nodes.some((one) => sameName(one, node))) continue;
        open.delete(node);
        if (type === 'drainNodes') found.push(recordOf(node, cluster, result as DrainNodesResult));
      }
      if (open.size === 0) break;
    }
    return found;
  });
}

function recordOf(node: string, cluster: string, result: DrainNodesResult): DrainOnRecord {
  const paused = Object.entries(result.paused).find(([name]) => sameName(name, node))?.[1];
  const moves = result.moves.filter((move) => sameName(move.from, node));
  return { node, run: runId.campaign(cluster), paused: paused ?? 'others', moves };
}

interface Campaign {
  type: string;
  result: Pick<DrainNodesResult | ResumeNodesResult, 'nodes'>;
}

/** Newest first. */
async function* campaigns(client: Client, cluster: string): AsyncGenerator<Campaign> {
  const id = runId.campaign(cluster).replaceAll("'", "''");
  const query = `WorkflowId = '${id}' AND ExecutionStatus = 'Completed' AND WorkflowType IN ('drainNodes', 'resumeNodes')`;
  let seen = 0;
  for await (const info of client.workflow.list({ query })) {
    seen += 1;
    if (seen > CAMPAIGNS_MAX) return;
    const handle = client.workflow.getHandle(info.workflowId, info.runId);
    yield { type: info.type, result: (await handle.result()) as Campaign['result'] };
  }
}
