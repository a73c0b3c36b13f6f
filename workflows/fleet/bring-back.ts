// Brings back to a node what was moved off it, where nobody has moved it since: what somebody else has put elsewhere stays
// there.
import { DEFAULT_MEMORY_RESERVE_BYTES } from '../../domain/spec.ts';
import type { PastMove } from '../../domain/fleet/learned.ts';
import { waysOf } from '../../domain/fleet/problem.ts';
import { surveyedVms, type Survey } from '../../domain/fleet/survey.ts';
import { sameName, stepId } from '../../domain/names.ts';
import type { StepContext } from '../run.ts';
import { takeSurvey } from '../survey.ts';
import { Turns } from '../turns.ts';
import { moveByPlan, type Leaving, type Moved } from './move-by-plan.ts';
import { roomsIn } from './empty-nodes.ts';
import { apartOf, type Campaign } from './plan.ts';

export async function bringBack(job: Campaign, drained: readonly PastMove[]): Promise<Moved> {
  const { run, calls, input } = job;
  const step = { id: stepId.cluster('return'), title: 'See what can be brought back' };
  const reserveBytes = input.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES;
  const { leaving, slots, rooms } = await run.step(step, async (c) => {
    const survey = await takeSurvey(calls, { owners: [] });
    return {
      leaving: stillThere(survey, drained, c),
      slots: survey.cluster.cluster.maximumParallelMigrations,
      rooms: roomsIn(survey, reserveBytes),
    };
  });
  return moveByPlan(
    {
      run,
      calls,
      turns: new Turns(calls, 'drain'),
      slots,
      rooms,
      find: async (one, only) => {
        const now = await takeSurvey(calls, { owners: [one.from] });
        const placed = surveyedVms(now).find(({ vm }) => sameName(vm.vmId, one.vmId));
        if (placed === undefined) return { is: 'gone', to: null };
        if (!sameName(placed.node, one.from)) return { is: 'gone', to: placed.node };
        if (placed.vm.state !== 'running') return { is: placed.vm.state };
        const home = only ?? one.to ?? undefined;
        const o = { reserveBytes, closed: [], ...(home === undefined ? {} : { only: home }) };
        const { ways, why } = waysOf(now, placed, o);
        return { is: 'running', targets: ways, why };
      },
    },
    leaving,
  );
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
