// The restart of one node, as the body of a step: the quorum must survive it, and it is proven by the node's boot.
// Survives the restart of the very machine that asked for it. What runs there is for the caller, and the node itself
// refuses while a VM runs on it.
import { sleep } from '@temporalio/workflow';
import type { BootToEnd } from '../activities/node.ts';
import type { Boot } from '../domain/boot.ts';
import type { ClusterView } from '../domain/facts.ts';
import { sameName } from '../domain/names.ts';
import { quorumWithout } from '../domain/quorum.ts';
import { durationText } from '../domain/units.ts';
import type { Calls } from './calls.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { viewLightly } from './light-view.ts';
import type { StepContext } from './run.ts';

/** For Windows to begin its shutdown: asking earlier would only find the old boot. */
const GOING_DOWN_SECONDS = 2;

export interface Restart {
  node: string;
  /** The boot that is to end: a retry cannot end another one. */
  boot: Boot;
  /** Shown by Windows to whoever is signed in there. */
  reason: string;
  /** For the way down and up again; absent: of the budgets. */
  seconds?: number;
  /** Done right before it is asked for. */
  before?: () => Promise<void>;
}

export async function restartNode(
  calls: Calls,
  {
    node,
    boot: { boot, bootTime },
    reason,
    before,
    seconds = calls.budgets.restartSeconds,
  }: Restart,
  c: StepContext,
): Promise<void> {
  const ending: BootToEnd = { ifBoot: boot, ifBootTime: bootTime };
  const { nodes } = await guardQuorum(calls, node);
  // A retry finds the node gone down already: there is nobody to ask, only a return to wait for.
  if (nodes.find((n) => sameName(n.name, node))?.state !== 'Down') {
    await before?.();
    const asked = await calls.onNode(node, { summary: `Restart ${node}` }).requestRestart({
      ...ending,
      reason: `watari: ${reason}`,
    });
    c.evidence({ ...asked, bootTimeBefore: bootTime });
  }
  c.waitingFor(`${node} to come back (budget ${durationText(seconds * 1000)})`);
  await sleep(GOING_DOWN_SECONDS * 1000, { summary: `${node} is going down` });
  c.evidence({ bootTimeAfter: await comeBack(calls, node, ending, seconds) });
}

async function guardQuorum(calls: Calls, node: string): Promise<ClusterView> {
  const view = await viewLightly(calls, `Quorum without ${node}`);
  const isDown = view.nodes.find((n) => sameName(n.name, node))?.state === 'Down';
  if (!isDown) requireQuorum(view, node);
  return view;
}

/** Answers the votes that stay, for the evidence. */
export function requireQuorum(view: Pick<ClusterView, 'cluster' | 'nodes'>, node: string): string {
  const { survives, remaining, total } = quorumWithout(view, node);
  const votes = `${remaining} of ${total} votes`;
  if (survives) return votes;
  throw stepFailure('QuorumAtRisk', `Without ${node} the cluster would have ${votes}`);
}

async function comeBack(
  calls: Calls,
  node: string,
  ending: BootToEnd,
  restartSeconds: number,
): Promise<string> {
  try {
    const { bootTime } = await calls
      .onNode(node, {
        summary: `${node} is back`,
        seconds: 30,
        takeWithinSeconds: restartSeconds,
        allWithinSeconds: restartSeconds,
      })
      .confirmRestart(ending);
    return bootTime;
  } catch (err) {
    const failure = failureOf(err);
    if (failure?.code !== 'NodeNotServed' && failure?.code !== 'NotReady') throw err;
    const budget = durationText(restartSeconds * 1000);
    throw failure.code === 'NotReady'
      ? stepFailure('RestartNotTaken', `${failure.message}, ${budget} after it was asked to`)
      : stepFailure(
          'NodeDidNotReturn',
          `${node} was restarted and its worker has taken no task for ${budget}`,
        );
  }
}
