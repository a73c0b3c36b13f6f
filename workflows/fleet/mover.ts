// What the moves of a campaign have in common: their turns, the room that they find, and where a VM could go when it
// has to be looked at again.
import { roomOn, waysOf } from '../../domain/fleet/problem.ts';
import { surveyedVms, type Survey } from '../../domain/fleet/survey.ts';
import { sameName } from '../../domain/names.ts';
import type { TurnKind } from '../../domain/turns.ts';
import { takeSurvey } from '../survey.ts';
import { Turns } from '../turns.ts';
import type { Leaving, MoveByPlan, Whereabouts } from './move-by-plan.ts';
import { mustAnswer, reserveOf, type Campaign } from './plan.ts';
import { Rooms } from './rooms.ts';

export interface Moving {
  kind: TurnKind;
  /** Nodes that are emptied: nothing goes there. */
  closed?: readonly string[];
  /** `return`: where a VM is planned to go is the only place that it is wanted at. */
  deed?: MoveByPlan['deed'];
}

export function moverOf(
  job: Campaign,
  survey: Survey,
  { kind, closed = [], deed = 'move' }: Moving,
): MoveByPlan {
  const { run, calls } = job;
  const reserveBytes = reserveOf(job);
  return {
    run,
    deed,
    calls,
    turns: new Turns(calls, kind),
    rooms: new Rooms(
      survey.cluster.nodes.map(({ name: node }) => ({
        node,
        bytes: roomOn(survey, node) - reserveBytes,
      })),
    ),
    slots: survey.cluster.cluster.maximumParallelMigrations * Math.max(1, closed.length),
    find: async (one, named, avoid) => {
      const now = await takeSurvey(calls, { owners: [one.from] });
      const only = named ?? (deed === 'return' ? (one.to ?? undefined) : undefined);
      const o = { reserveBytes, closed, avoid, ...(only === undefined ? {} : { only }) };
      return whereaboutsOf(now, one, o);
    },
  };
}

function whereaboutsOf(
  now: Survey,
  { vmId, from }: Leaving,
  o: Parameters<typeof waysOf>[2],
): Whereabouts {
  const placed = surveyedVms(now).find(({ vm }) => sameName(vm.vmId, vmId));
  if (placed === undefined) {
    const { state } = now.cluster.nodes.find(({ name }) => sameName(name, from)) ?? {};
    if (state === 'Down') return { is: 'lost' };
    mustAnswer(now, [from]);
    return { is: 'gone', to: null };
  }
  if (!sameName(placed.node, from)) return { is: 'gone', to: placed.node };
  if (placed.vm.state !== 'running') return { is: placed.vm.state };
  const { ways, why } = waysOf(now, placed, o);
  return { is: 'running', targets: ways, why };
}
