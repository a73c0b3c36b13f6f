// What a tuning found, at the end of its run and in its report: the tables and the recommendations.
import { stepId } from '../../domain/names.ts';
import { nameOf, type Choice, type Tuning, type TuneRow } from '../../domain/fleet/tune.ts';
import { durationText } from '../../domain/units.ts';
import type { RunView } from '../runs/view.ts';
import { table, wrap } from './format.ts';

/** Of settings, and of numbers of moves at once. */
const COMPARED = ['compare', 'compare-numbers'].map((deed) => stepId.cluster(deed));

/** Nothing of a run that has not come so far. */
export function tuningLines({ steps }: Pick<RunView, 'steps'>, columns: number): string[] {
  const compared = steps.filter(({ id }) => COMPARED.includes(id));
  return compared.flatMap(({ evidence }) => {
    const tuning = evidence['tuning'] as Tuning<Choice> | undefined;
    if (tuning === undefined) return [];
    const rows = [TUNING_COLUMNS, ...tuning.rows.map(tuningCells)];
    const advice = tuning.advice.flatMap((text) => wrap(text, columns));
    return ['', ...table(rows, columns), '', ...advice];
  });
}

export const TUNING_COLUMNS = ['Tried', 'Moves', 'Median', 'Longest', 'Worst blackout'];

export const tuningCells = (row: TuneRow<Choice>): string[] => [
  row.isNow ? `${nameOf(row.choice)} (now)` : nameOf(row.choice),
  String(row.moves),
  timeText(row.medianSeconds, '-'),
  timeText(row.longestSeconds, '-'),
  timeText(row.worstBlackoutSeconds, row.moves === 0 ? '-' : 'not known'),
];

const timeText = (seconds: number | null, none: string): string =>
  seconds === null ? none : durationText(seconds * 1000);
