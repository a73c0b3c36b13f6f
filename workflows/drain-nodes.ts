// drainNodes: nodes are paused and emptied, and stay paused. Ends when nothing is left on them but what a person chose
// to leave; ended early, it resumes what it has paused.
import type { PastMove } from '../domain/fleet/learned.ts';
import { runId } from '../domain/names.ts';
import type { DrainNodesInput } from '../domain/spec.ts';
import { conduct, type Job } from './conduct.ts';
import { withoutBalancer } from './fleet/balancer.ts';
import { emptyNodes } from './fleet/empty-nodes.ts';
import type { PausedBy } from './fleet/pause.ts';

export interface DrainNodesResult {
  nodes: string[];
  /** By node: a pause that others made is nobody's to take back but theirs. */
  paused: Record<string, PausedBy>;
  moves: PastMove[];
  left: string[];
}

export async function drainNodes(input: DrainNodesInput): Promise<DrainNodesResult> {
  return conduct('drainNodes', input, drain, ({ cluster, nodes, budgets }) => ({
    lock: runId.campaign(cluster),
    title: `Drain ${nodes.join(', ')}`,
    cluster,
    budgets,
    brakes: true,
  }));
}

async function drain(job: Job<DrainNodesInput>): Promise<DrainNodesResult> {
  const { nodes } = job.input;
  const { paused, moves, left } = await withoutBalancer(job, () => emptyNodes(job, nodes));
  return { nodes, paused, moves, left };
}
