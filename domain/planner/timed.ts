// A sequence of moves, run as many at a time as slots, links and memory allow. What overtakes must not take the room
// that an earlier move of the sequence still needs: the rest of the sequence must stay possible, one by one.
import type { Field, Site } from './field.ts';
import { unwished } from './drain.ts';
import { Placement, type Step } from './sequence.ts';
import { Timeline, type Sharing } from './timeline.ts';

export interface Running {
  sharing: Sharing;
  /** It is given up when a move of a closed node would end later. */
  deadline: number;
}

/**
 * Null when it is late or gets stuck, which a sequence that is possible one by one never does. The steps are looked at
 * in their order at each moment; `scarce`: what overtakes is held against what the others need.
 */
export function runSequence(
  field: Field,
  closed: ReadonlySet<Site>,
  steps: readonly Step[],
  { sharing, deadline }: Running,
): Timeline | null {
  const timeline = new Timeline(field, sharing);
  for (const site of closed) timeline.close(site);
  const scarce = isScarce(field, steps);
  let waiting = steps;
  for (;;) {
    const rest: Step[] = [];
    for (const [at, step] of waiting.entries()) {
      const may =
        timeline.maySend(timeline.ownerOf(step.guest)) &&
        timeline.canStart(step.guest, step.to) &&
        (!scarce || mayOvertake(timeline, [...rest, ...waiting.slice(at)], rest.length));
      if (may) timeline.start(step.guest, step.to);
      else rest.push(step);
    }
    waiting = rest;
    if (waiting.length > 0 && timeline.now > deadline) return null;
    if (!timeline.advance()) return waiting.length === 0 ? timeline : null;
  }
}

/** Whether some step has to wait for room that another one makes, or a VM moves twice. */
function isScarce(field: Field, steps: readonly Step[]): boolean {
  if (new Set(steps.map(({ guest }) => guest)).size < steps.length) return true;
  const placement = new Placement(field);
  const free = new Map<Site, number>();
  for (const { guest, to } of steps) {
    const room = (free.get(to) ?? placement.room(to)) - guest.memory;
    if (room < 0 || placement.rivals(guest, to) > 0) return true;
    free.set(to, room);
  }
  return field.guests.some((guest) => guest.classes.length > 0);
}

function mayOvertake(timeline: Timeline, waiting: readonly Step[], at: number): boolean {
  const step = waiting[at];
  if (step === undefined) return false;
  const earlier = waiting.slice(0, at);
  if (earlier.some((other) => other.guest === step.guest)) return false;
  if (!earlier.some((other) => other.to === step.to)) return true;
  const placement = new Placement(timeline.field, settled(timeline));
  placement.move(step);
  return [...earlier, ...waiting.slice(at + 1)].every((other) => {
    const possible = placement.has(other.guest, other.to);
    placement.move(other);
    return possible;
  });
}

/** Where everything is when the moves under way have ended. */
function settled(timeline: Timeline): Site[] {
  const owners = timeline.owners();
  for (const [guest, to] of timeline.underWay()) owners[guest.index] = to;
  return owners;
}

/** VMs that end where they should not though they moved, rivals on one node and groups that are split. */
export function unmetWishes(field: Field, timeline: Timeline): number {
  const moved = new Set(timeline.moves.map((move) => move.vm));
  const rivals = new Map<string, number>();
  const groups = new Map<string, Set<Site>>();
  let unmet = 0;
  for (const guest of field.guests) {
    const at = timeline.ownerOf(guest);
    if (moved.has(guest.vm.name)) unmet += unwished(guest, at);
    for (const name of guest.rivalry) {
      if (guest.classes.includes(name)) continue;
      const key = `${at.node.name}\n${name}`;
      rivals.set(key, (rivals.get(key) ?? 0) + 1);
    }
    for (const name of guest.together)
      groups.set(name, (groups.get(name) ?? new Set<Site>()).add(at));
  }
  const tooMany = [...rivals.values(), ...[...groups.values()].map((sites) => sites.size)];
  return tooMany.reduce((sum, n) => sum + n - 1, unmet);
}
