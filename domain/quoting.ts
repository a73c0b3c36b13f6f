// How a message shows a value that somebody wrote: as JSON, so that nothing in it can change the screen. Pure.
import { spelledOut } from './steering.ts';

/** Every path and name that Windows takes is shown whole: what is wrong may be anywhere in it. */
const SHOWN_MAX = 300;
/** Of what is longer, so much of each end, in characters. */
const END_CHARS = 20;
/** Of a value that is no text: who reads it knows what it is by then. */
const JSON_MAX = 40;

/** `"web-1"`, `{"a":1}`, `nothing`. */
export function quoteValue(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined;
  const shown = spelledOut(json ?? 'nothing');
  if (typeof value !== 'string') {
    return shown.length > JSON_MAX ? `${shown.slice(0, JSON_MAX)}…` : shown;
  }
  if (shown.length <= SHOWN_MAX) return shown;
  const chars = Array.from(value);
  const ends = `${chars.slice(0, END_CHARS).join('')}…${chars.slice(-END_CHARS).join('')}`;
  return `${spelledOut(JSON.stringify(ends))} (${chars.length} characters)`;
}
