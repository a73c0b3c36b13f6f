// A node is paused in the cluster, so that nothing comes to it. A pause that somebody else made is used and left alone:
// what is not ours we never take back.
import { patched, sleep } from '@temporalio/workflow';
import { sameName, stepId } from '../../domain/names.ts';
import type { Calls } from '../calls.ts';
import { stepFailure } from '../failure-of.ts';
import type { Run } from '../run.ts';

/** Whoever ends a run waits for its end; what is down for longer does not come back by itself. */
const BACK_SECONDS = 300;

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
    if (state !== 'Up' && state !== 'Paused') {
      throw stepFailure(
        'NodeNotReady',
        `${node} is ${state} in the cluster, not Up; it cannot be emptied`,
      );
    }
    // Once: a later attempt may find what an earlier one has done.
    wasPaused ??= state === 'Paused';
    if (wasPaused) {
      c.evidence({ why: `${node} was paused before, not by this run` });
      return;
    }
    c.hold(`Resume ${node}`, () => resumeWhenBack(calls, node));
    c.evidence({ ...(await calls.onCluster({ summary: step.title }).pauseNode({ node })) });
  });
  return wasPaused === true ? 'others' : 'us';
}

export const resumeNow = (calls: Calls, node: string) =>
  calls.onCluster({ summary: `Resume ${node}` }).resumeNode({ node });

/** A node that is down is resumed by nobody; one that is just restarting is back soon. */
async function resumeWhenBack(calls: Calls, node: string): Promise<unknown> {
  const patience = Math.min(BACK_SECONDS, calls.budgets.restartSeconds);
  const until = Date.now() + patience * 1000;
  for (let seconds = 1; ; seconds *= 2) {
    const isAway = ['Down', 'Joining'].includes(await stateOf(calls, node));
    const left = until - Date.now();
    if (!isAway || left <= 0) return resumeNow(calls, node);
    await sleep(Math.min(seconds * 1000, left), { summary: `${node} is down` });
  }
}

export async function stateOf(calls: Calls, node: string): Promise<string> {
  const call = calls.onCluster({ summary: `State of ${node} in the cluster` });
  // Its thousands of groups are not what is asked for.
  const { nodes } = await (patched('state-of-a-member') ? call.viewMembers() : call.viewCluster());
  return nodes.find((n) => sameName(n.name, node))?.state ?? 'not a member';
}
