// Whether the cluster keeps its quorum while one node is away: asked before every restart.
import type { ClusterView } from './facts.ts';
import { sameName } from './names.ts';

export interface QuorumForecast {
  survives: boolean;
  /** Votes that stay while the node is away. */
  remaining: number;
  /** All votes, also of those that are down. */
  total: number;
}

/**
 * Counts assigned votes (NodeWeight) and the witness. Dynamic quorum may keep a smaller rest alive,
 * but not when a second failure comes at the wrong moment, so it is not counted on.
 */
export function quorumWithout(
  view: Pick<ClusterView, 'cluster' | 'nodes'>,
  node: string,
): QuorumForecast {
  const { witness } = view.cluster;
  const witnessVotes = witness.kind === 'None' ? 0 : 1;
  let total = witnessVotes;
  let remaining = witness.online ? witnessVotes : 0;
  for (const n of view.nodes) {
    total += n.nodeWeight;
    const up = n.state === 'Up' || n.state === 'Paused';
    if (up && !sameName(n.name, node)) remaining += n.nodeWeight;
  }
  return { survives: remaining * 2 > total, remaining, total };
}
