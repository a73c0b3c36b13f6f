// A figure of the bench: values measured with the server settings of the product and with Temporal's own, and the goal
// that one of them has to meet.
import type { SideName } from '../rig/servers.ts';
import { summaryOf, type Summary } from '../rig/statistics.ts';

export interface Goal {
  of: 'p50' | 'p95' | 'max';
  limit: number;
  /** Default: at most the limit. */
  atLeast?: true;
}

export interface Figure {
  /** Stable, for programs. */
  id: string;
  title: string;
  unit: 'ms' | 'ratio' | 'MB' | '/s' | 'calls';
  values: Record<SideName, number[]>;
  goal?: Goal;
}

export const figure = (
  id: string,
  title: string,
  o: { unit?: Figure['unit']; goal?: Goal } = {},
): Figure => ({
  id,
  title,
  unit: o.unit ?? 'ms',
  values: { tuned: [], plain: [] },
  ...(o.goal === undefined ? {} : { goal: o.goal }),
});

export interface FigureResult {
  id: string;
  title: string;
  unit: Figure['unit'];
  tuned: Summary | null;
  plain: Summary | null;
  /** How many times as long it takes with Temporal's own settings, by the medians. */
  plainToTuned: number | null;
  goal: (Goal & { met: boolean | null }) | null;
}

export function resultOf({ id, title, unit, values, goal }: Figure): FigureResult {
  const tuned = summaryOf(values.tuned);
  const plain = summaryOf(values.plain);
  return {
    id,
    title,
    unit,
    tuned,
    plain,
    // Nothing is so many times a difference that is zero or less.
    plainToTuned: tuned === null || plain === null || tuned.p50 <= 0 ? null : plain.p50 / tuned.p50,
    goal: goal === undefined ? null : { ...goal, met: isMet(goal, tuned) },
  };
}

/** null: not measured. Without a tail the largest value has to do. */
function isMet(goal: Goal, measured: Summary | null): boolean | null {
  if (measured === null) return null;
  const value = measured[goal.of] ?? measured.max;
  return goal.atLeast === true ? value >= goal.limit : value <= goal.limit;
}
