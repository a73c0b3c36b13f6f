// Where one VM of a problem could go at its first moment: what the planner takes for possible, node by node.
import { sizeText } from '../units.ts';
import { makeField } from './field.ts';
import type { PlanProblem } from './problem.ts';
import { Placement } from './sequence.ts';

export interface Place {
  node: string;
  /** Free beyond the reserve. */
  roomBytes: number;
  /** null: it could go there now. */
  why: string | null;
}

export function placesNow(problem: PlanProblem, vm: string): Place[] {
  const field = makeField(problem);
  const guest = field.guests.find((one) => one.vm.name === vm);
  if (guest === undefined) return [];
  const placement = new Placement(field);
  return field.sites.map((site) => {
    const node = site.node.name;
    const roomBytes = placement.room(site);
    const why = (): string | null => {
      if (site === guest.home) return `it is on ${node}`;
      const never = guest.never[site.index] ?? null;
      if (never !== null) return never;
      if (roomBytes < guest.memory)
        return `${node} has ${sizeText(Math.max(0, roomBytes))} of room for ${sizeText(guest.memory)}`;
      const rivals = field.guests
        .filter((other) => placement.ownerOf(other) === site)
        .filter((other) => guest.classes.some((name) => other.classes.includes(name)))
        .map((other) => other.vm.name);
      return rivals.length > 0
        ? `it must be kept apart from ${rivals.join(', ')} on ${node}`
        : null;
    };
    return { node, roomBytes, why: why() };
  });
}
