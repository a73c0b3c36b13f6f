// Small words about failures, differences and effects, for the trace and for violations.
import type { Effect } from '../../lab/records.ts';
import type { Failure } from './temporal/history.ts';

export const failureText = (failure: Failure | undefined): string =>
  failure === undefined
    ? ''
    : `${failure.applicationFailureInfo?.type ?? ''} ${failure.message ?? ''}`.trim();

/** Where two texts part. */
export function difference(now: string, before: string): string {
  let at = 0;
  while (at < now.length && now[at] === before[at]) at += 1;
  const around = (text: string): string => text.slice(Math.max(0, at - 60), at + 60);
  return `...${around(now)}... and was ...${around(before)}...`;
}

/** A line of a trace: seconds since the start, and what happened. */
export const timed = (clock: { start: number; now(): number }, line: string): string =>
  `${((clock.now() - clock.start) / 1000).toFixed(3).padStart(10)} ${line}`;

export const effectLine = ({ kind, subject, node, detail }: Effect): string =>
  `  lab: ${kind} ${subject}${node === '' ? '' : ` at ${node}`}${detail === '' ? '' : ` (${detail})`}`;
