// A node is paused in the cluster, so that nothing comes to it. A pause that somebody else made is used and left alone:
// what is not ours we never take back.
import { sameName, stepId } from '../../domain/names.ts';
import type { Calls } from '../calls.ts';
import { stepFailure } from '../failure-of.ts';
import type { Run } from '../run.ts';

export type PausedBy = 'us' | 'others';

/** Held until the run ends well: on every other way out the node is resumed. */
export async function pauseNode(
  { run, calls }: { run: Run; calls: Calls },
  node: string,
): Promise<PausedBy> {
  const step = { id: stepId.node(node, 'pause'), title: `Pause ${node} in the cluster` };
  let wasPaused: boolean | undefined;
  await run.step(step, async (c) => {
    const state = await stateOf(calls, node);
    // Once: a later attempt may find what an earlier one has done.
    wasPaused ??= state === 'Paused';
    if (wasPaused) {
      c.evidence({ why: `${node} was paused before, not by this run` });
      return;
    }
    if (state !== 'Up' && state !== 'Paused') {
      throw stepFailure(
        'NodeNotReady',
        `${node} is ${state} in the cluster, not Up; it cannot be emptied`,
      );
    }
    c.hold(`Resume ${node}`, () => resumeNow(calls, node));
    c.evidence({ ...(await calls.onCluster({ summary: step.title }).pauseNode({ node })) });
  });
  return wasPaused === true ? 'others' : 'us';
}

export const resumeNow = (calls: Calls, node: string) =>
  calls.onCluster({ summary: `Resume ${node}` }).resumeNode({ node });

export async function stateOf(calls: Calls, node: string): Promise<string> {
  const { nodes } = await calls
    .onCluster({ summary: `State of ${node} in the cluster` })
    .viewCluster({ about: '' });
  return nodes.find((n) => sameName(n.name, node))?.state ?? 'not a member';
}
