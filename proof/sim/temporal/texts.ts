// Small words about failures and differences, for the trace and for violations.
import type { Failure } from './history.ts';

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
