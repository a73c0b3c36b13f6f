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

/** The drains of each node since a run of ours has resumed it. */
export function drainsOnRecord(
  temporal: Temporal,
  cluster: string,
  nodes: readonly string[],
): Promise<DrainOnRecord[]> {
  return within(temporal.connection, CALL_MS, async () => {
    const drains = new Drains(cluster, nodes);
    for await (const campaign of campaigns(temporal.client, cluster)) {
      if (!drains.see(campaign)) break;
    }
    return drains.found;
  });
}

/** Reads campaigns that have ended well, newest first. */
export class Drains {
  readonly found: DrainOnRecord[] = [];
  private readonly cluster: string;
  private readonly open: Set<string>;

  constructor(cluster: string, nodes: readonly string[]) {
    this.cluster = cluster;
    this.open = new Set(nodes);
  }

  /** @returns whether an earlier one can still matter. */
  see({ type, result }: Campaign): boolean {
    for (const node of this.open) {
      if (!result.nodes.some((one) => sameName(one, node))) continue;
      if (type === 'drainNodes') this.add(node, result as DrainNodesResult);
      else this.open.delete(node);
    }
    return this.open.size > 0;
  }

  /** A drain of a node that was drained already finds it paused: whose pause that is the earlier one knows. */
  private add(node: string, { paused, moves }: DrainNodesResult): void {
    const how = Object.entries(paused).find(([name]) => sameName(name, node))?.[1] ?? 'others';
    const left = moves.filter((move) => sameName(move.from, node));
    const later = this.found.find((one) => one.node === node);
    if (later === undefined) {
      this.found.push({ node, run: runId.campaign(this.cluster), paused: how, moves: left });
    } else {
      later.paused = how;
      later.moves.push(...left);
    }
    if (how === 'us') this.open.delete(node);
  }
}

export interface Campaign {
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
