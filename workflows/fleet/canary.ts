// After the first node of a maintenance: it has to run well for a while before the next one is touched. What is wrong
// with an update shows on one node, and the others are still as they were.
import { sleep } from '@temporalio/workflow';
import { sameName, stepId } from '../../domain/names.ts';
import { durationText } from '../../domain/units.ts';
import type { Calls } from '../calls.ts';
import { stepFailure } from '../failure-of.ts';
import { viewLightly } from '../light-view.ts';
import type { Run, StepContext } from '../run.ts';

/** So often the canary is looked at, and not more than once a minute. */
const LOOKS = 24;
const LOOK_AFTER_MS = 60_000;

export const soakStep = (canary: string, seconds: number) => ({
  id: stepId.cluster('soak'),
  title: `See how ${canary} does for ${durationText(seconds * 1000)}`,
  skippable: true,
});

export async function soak(
  { run, calls }: { run: Run; calls: Calls },
  canary: string,
  seconds: number,
): Promise<void> {
  const until = Date.now() + seconds * 1000;
  const step = soakStep(canary, seconds);
  const every = Math.max((seconds * 1000) / LOOKS, LOOK_AFTER_MS);
  let boot: string | undefined;
  await run.step(step, async (c: StepContext) => {
    // Whoever retries has seen why it restarted.
    if (c.byOperator) boot = undefined;
    for (;;) {
      await requireUp(calls, canary);
      const now = await bootOf(calls, canary);
      boot ??= now;
      if (now !== boot)
        throw stepFailure('CanaryNotWell', `${canary} has restarted since its maintenance`);
      const left = until - Date.now();
      if (left <= 0) return;
      const end = new Date(until).toISOString();
      c.waitingFor(`${canary} to do well until ${end}`);
      await sleep(Math.min(left, every), { summary: `${step.title}, until ${end}` });
    }
  });
}

async function bootOf(calls: Calls, node: string): Promise<string> {
  return (await calls.onNode(node, { summary: `Boot of ${node}` }).viewServicing()).boot;
}

async function requireUp(calls: Calls, canary: string): Promise<void> {
  const { nodes } = await viewLightly(calls, `How ${canary} does`);
  const state = nodes.find((node) => sameName(node.name, canary))?.state ?? 'no member';
  if (state !== 'Up') throw stepFailure('CanaryNotWell', `${canary} is ${state} in the cluster`);
}
