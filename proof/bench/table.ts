// The figures as one table for a terminal.
import type { FigureResult } from './figures.ts';

/** What the two sides of the figures are called. */
export interface SideWords {
  tuned: string;
  plain: string;
}

const headOf = ({ tuned, plain }: SideWords): string[] => [
  ...['', 'n', 'p50', 'p95', 'max'],
  ...[`${plain} n`, `${plain} p50`, `${plain}/${tuned}`, 'goal'],
];

function amount(value: number | null | undefined, unit: FigureResult['unit']): string {
  if (value === null || value === undefined) return '-';
  if (unit === 'ratio') return value.toFixed(2);
  if (unit !== 'ms') return `${value.toFixed(0)} ${unit}`;
  return value >= 1000
    ? `${(value / 1000).toFixed(2)} s`
    : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

function goalText({ goal, unit }: FigureResult): string {
  if (goal === null) return '';
  const verdict = goal.met === null ? 'not measured' : goal.met ? 'met' : 'MISSED';
  return `${goal.of} ${goal.atLeast === true ? '>=' : '<='} ${amount(goal.limit, unit)}: ${verdict}`;
}

const row = (f: FigureResult): string[] => [
  f.title,
  String(f.tuned?.n ?? 0),
  amount(f.tuned?.p50, f.unit),
  amount(f.tuned?.p95, f.unit),
  amount(f.tuned?.max, f.unit),
  String(f.plain?.n ?? 0),
  amount(f.plain?.p50, f.unit),
  f.plainToTuned === null ? '-' : `${f.plainToTuned.toFixed(1)}x`,
  goalText(f),
];

export function tableOf(
  figures: readonly FigureResult[],
  words: SideWords = { tuned: 'tuned', plain: 'plain' },
): string[] {
  const head = headOf(words);
  const rows = [head, ...figures.map(row)];
  const widths = head.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)));
  const isText = (i: number): boolean => i === 0 || i === head.length - 1;
  return rows.map((cells) =>
    cells
      .map((cell, i) => (isText(i) ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
