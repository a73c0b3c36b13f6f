// Which known word was probably meant by one that nobody knows. For files, inputs and decisions alike. Pure.
import { closest, distance } from 'fastest-levenshtein';

/** Words for one thing that differ in every letter. */
const SYNONYMS: readonly (readonly string[])[] = [
  ['to', 'target', 'node', 'destination', 'host'],
  ['by', 'who', 'startedBy', 'user'],
  ['reason', 'why', 'comment'],
  ['action', 'decision', 'decide'],
];

/** Shorter words begin too many others. */
const PREFIX_MIN = 3;

/** undefined when no known word is near enough to be what was meant. */
export function nearest(wrong: string, known: readonly string[]): string | undefined {
  if (known.length === 0 || wrong === '') return undefined;
  const folded = new Map(known.map((k) => [k.toLowerCase(), k]));
  const word = wrong.slice(0, 100).toLowerCase();
  const near = closest(word, [...folded.keys()]);
  // A third of the letters may be wrong; further away it is another word.
  const letters = distance(word, near);
  const slip =
    letters < Math.max(near.length, word.length) &&
    letters <= Math.max(2, Math.floor(near.length / 3));
  if (slip) return folded.get(near);
  const synonyms = SYNONYMS.find((words) => words.includes(word)) ?? [];
  const longer = [...folded.keys()].find((k) => word.length >= PREFIX_MIN && k.startsWith(word));
  return (
    synonyms.map((s) => folded.get(s.toLowerCase())).find((s) => s !== undefined) ??
    (longer === undefined ? undefined : folded.get(longer))
  );
}

/** `did you mean memory?` when a word is near enough, else the list of words. */
export function suggest(wrong: string, known: readonly string[]): string | undefined {
  const near = nearest(wrong, known);
  if (near !== undefined) return `did you mean ${near}?`;
  return known.length === 0 ? undefined : `known here: ${known.join(', ')}`;
}
