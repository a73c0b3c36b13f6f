// When the moves of a plan follow each other: what a node sends beside others, and how long after the one before. A
// plan has its reasons not to fill every slot (copies that share a link copy more, together). Pure;
// workflows/fleet/pacer.ts keeps it.
import type { MoveModel, PlannedMove } from '../planner/problem.ts';

export interface Pace {
  /** After the start of the one before it from the same node. */
  gapSeconds: number;
  /** Moves from its node that are still copying when it has been set up, by the plan. */
  beside: number;
  /** Moves from its node at once, by the plan. */
  most: number;
}

/** Two moments of a plan that are one. */
const MOMENT_SECONDS = 0.01;

/** For moves in the order of their starts. */
export function pacesOf(moves: readonly PlannedMove[], model: MoveModel): Pace[] {
  // A copy that ends while the next one is set up, and its hand-over, share no link with that one.
  const tail = model.setupSeconds + model.handoverSeconds + MOMENT_SECONDS;
  const senders = new Map<string, { latest: number; under: PlannedMove[]; most: number }>();
  const paces = moves.map((move) => {
    const now = move.startSeconds;
    const sender = senders.get(move.from) ?? { latest: now, under: [], most: 0 };
    const under = sender.under.filter(({ endSeconds }) => endSeconds > now + MOMENT_SECONDS);
    const most = Math.max(sender.most, under.length + 1);
    senders.set(move.from, { latest: now, under: [...under, move], most });
    return {
      gapSeconds: now - sender.latest,
      beside: under.filter(({ endSeconds }) => endSeconds > now + tail).length,
    };
  });
  const mostOf = (from: string): number => senders.get(from)?.most ?? 1;
  return paces.map((pace, at) => ({ ...pace, most: mostOf(moves[at]?.from ?? '') }));
}
