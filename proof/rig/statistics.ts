// What a list of measured values is summed up to, and how it compares with another list.

export interface Summary {
  n: number;
  p50: number;
  /** null below TAIL_FROM values: there it would only be another name for the largest. */
  p95: number | null;
  max: number;
}

/** Fewer values than this have no tail worth a name. */
const TAIL_FROM = 10;

/** The smallest value that at least this share of all values does not exceed (nearest rank). */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new RangeError('There is no percentile of nothing.');
  return value;
}

export const summaryOf = (values: readonly number[]): Summary | null =>
  values.length === 0
    ? null
    : {
        n: values.length,
        p50: percentile(values, 0.5),
        p95: values.length < TAIL_FROM ? null : percentile(values, 0.95),
        max: Math.max(...values),
      };
