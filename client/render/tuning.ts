// What a tuning found, at the end of its run: the table and the recommendation.
import { stepId } from '../../domain/names.ts';
import type { Tuning, TuneRow } from '../../domain/fleet/tune.ts';
import { durationText } from '../../domain/units.ts';
import type { RunView } from '../runs/view.ts';
import { table, wrap } from './format.ts';

/** Nothing of a run that has not come so far. */
export function tuningLines(view: RunView, columns: number): string[] {
  const compared = view.steps.find(({ id }) => id === stepId.cluster('compare'));
  const tuning = compared?.evidence['tuning'] as Tuning | undefined;
  if (tuning === undefined) return [];
  const rows = [['setting', 'moves', 'median', 'longest'], ...tuning.rows.map(cellsOf)];
  return ['', ...table(rows, columns), '', ...tuning.advice.flatMap((text) => wrap(text, columns))];
}

const cellsOf = (row: TuneRow): string[] => [
  row.isNow ? `${row.performance} (now)` : row.performance,
  String(row.moves),
  timeText(row.medianSeconds),
  timeText(row.longestSeconds),
];

const timeText = (seconds: number | null): string =>
  seconds === null ? '-' : durationText(seconds * 1000);
