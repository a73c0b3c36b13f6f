// An event of a run's history as reports read it, and careful ways to read values that anybody may have written. Pure;
// whoever brings the events has decoded their payloads already.
import type { IsoTime } from '../facts.ts';

export type Plain = Record<string, unknown>;

export interface HistoryEvent {
  id: number;
  at: IsoTime;
  /** `activityTaskScheduled`: the name of its attributes, without their end. */
  kind: string;
  /** Its attributes; where a payload was, its value. */
  data: Plain;
  /** What Temporal's UI writes beside it. */
  summary: string | null;
}

/** Stands where a payload was that could not be decoded. */
export const UNREADABLE = '(not readable here)';

export const isPlain = (x: unknown): x is Plain =>
  typeof x === 'object' && x !== null && !Array.isArray(x);

/** The object behind these keys; an empty one where there is none. */
export function part(from: unknown, ...keys: string[]): Plain {
  let at: unknown = from;
  for (const key of keys) at = isPlain(at) ? at[key] : undefined;
  return isPlain(at) ? at : {};
}

export const textAt = (from: Plain, key: string): string | null => {
  const value = from[key];
  return typeof value === 'string' && value !== '' ? value : null;
};

/** Numbers of 64 bits are texts in the JSON of an API. */
export const numberAt = (from: Plain, key: string): number => Number(from[key] ?? 0);

/** The first of the values that an event carries under this key. */
export function payload(from: Plain, key: string): unknown {
  const { payloads } = part(from, key);
  return Array.isArray(payloads) ? (payloads[0] as unknown) : undefined;
}
