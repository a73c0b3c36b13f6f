// Brings back to a node what was moved off it, where nobody has moved it since: what somebody else has put elsewhere
// stays there.
import type { PastMove } from '../../domain/fleet/learned.ts';
import { surveyedVms, type Survey } from '../../domain/fleet/survey.ts';
import { sameName, stepId } from '../../domain/names.ts';
import type { StepContext } from '../run.ts';
import { takeSurvey } from '../survey.ts';
import { moveByPlan, type Leaving, type Moved } from './move-by-plan.ts';
import { moverOf } from './mover.ts';
import { apartOf, type Campaign } from './plan.ts';

export async function bringBack(job: Campaign, drained: readonly PastMove[]): Promise<Moved> {
  const { run, calls } = job;
  const step = { id: stepId.cluster('return'), title: 'See what can be brought back' };
  const { survey, leaving } = await run.step(step, async (c) => {
    const seen = await takeSurvey(calls, { owners: [] });
    return { survey: seen, leaving: stillThere(seen, drained, c) };
  });
  return moveByPlan(moverOf(job, survey, { kind: 'drain', deed: 'return' }), leaving);
}

/** Largest first: what needs the most room comes while there is most of it. */
function stillThere(s: Survey, drained: readonly PastMove[], c: StepContext): Leaving[] {
  const placed = surveyedVms(s);
  const stays: string[] = [];
  const leaving = drained.flatMap((move): Leaving[] => {
    const now = placed.find(({ vm }) => sameName(vm.vmId, move.vmId));
    if (now === undefined || !sameName(now.node, move.to) || now.vm.state !== 'running') {
      stays.push(`${move.vm}: ${now === undefined ? 'gone' : `${now.vm.state} on ${now.node}`}`);
      return [];
    }
    const { name: vm, vmId, memoryBytes } = now.vm;
    const apart = apartOf(s, now);
    const { to: from, from: to, seconds } = move;
    return [{ vm, vmId, from, to, memoryBytes, apart, seconds }];
  });
  c.evidence({ comesBack: leaving.length, stays });
  return leaving.sort((a, b) => b.memoryBytes - a.memoryBytes);
}
