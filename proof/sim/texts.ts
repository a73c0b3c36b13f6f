// Small words about moments and effects, for the trace.
import type { Effect } from '../../lab/machine/records.ts';

/** A line of a trace: seconds since the start, and what happened. */
export const timed = (clock: { start: number; now(): number }, line: string): string =>
  `${((clock.now() - clock.start) / 1000).toFixed(3).padStart(10)} ${line}`;

export const effectLine = ({ kind, subject, node, detail }: Effect): string =>
  `  lab: ${kind} ${subject}${node === '' ? '' : ` at ${node}`}${detail === '' ? '' : ` (${detail})`}`;
