// One look at the whole cluster: what the cluster tells, and what each node tells of itself, all nodes at once. A node
// that does not answer is part of the picture, not an error.
import type { NodeView, NoAnswer, Snapshot } from '../domain/facts.ts';
import { sameName } from '../domain/names.ts';
import type { Calls } from './calls.ts';
import { failureOf } from './failure-of.ts';
import { isCancellation } from '@temporalio/workflow';

/** A live worker takes a look within milliseconds; this bridges the restart of one, and no more: others wait for it. */
const LOOK_WITHIN_SECONDS = 15;

export interface SnapshotRequest {
  /** Nodes to ask beside those that the cluster names. */
  nodes?: string[];
  /** Disk files to look for on every node. */
  files?: string[];
}

export async function takeSnapshot(calls: Calls, request: SnapshotRequest = {}): Promise<Snapshot> {
  const view = await calls.onCluster({ summary: `Look at cluster ${calls.cluster}` }).viewCluster();
  const names = view.nodes.map((n) => n.name);
  for (const name of request.nodes ?? []) {
    if (!names.some((known) => sameName(known, name))) names.push(name);
  }
  const answers = await Promise.all(
    names.map(async (name): Promise<[string, { view: NodeView } | { noAnswer: NoAnswer }]> => {
      if (view.nodes.some((n) => sameName(n.name, name) && n.state === 'Down')) {
        return [name, { noAnswer: { code: 'NodeUnreachable', message: `${name} is down` } }];
      }
      try {
        const node = calls.onNode(name, {
          summary: `Look at ${name}`,
          takeWithinSeconds: Math.min(calls.budgets.answerSeconds, LOOK_WITHIN_SECONDS),
        });
        return [name, { view: await node.viewNode({ files: request.files ?? [] }) }];
      } catch (err) {
        const failure = isCancellation(err) ? undefined : failureOf(err);
        if (failure === undefined) throw err;
        return [name, { noAnswer: { code: failure.code, message: failure.message } }];
      }
    }),
  );
  return { view, nodes: Object.fromEntries(answers) };
}
