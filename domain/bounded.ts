// What a run keeps is bounded, whatever Windows or a person says: a history that grows without end is ended by
// Temporal, and a status that is too large cannot be asked for. What was left out is said.

/** Of one message: more than anybody reads, and Temporal cuts the failure of a waiting task at 4 KB itself. */
export const MESSAGE_CHARS_MAX = 4_000;
/** Of one entry of a step's evidence, as JSON: a snapshot's worth of reasons fits, hundreds of objects do not. */
export const EVIDENCE_CHARS_MAX = 32_000;
/** Of what a person gives as the reason of a decision. */
export const REASON_CHARS_MAX = 2_000;
/** Of why a run was started: a list of runs has it of each, and has to fit into one answer. */
export const START_REASON_CHARS_MAX = 1_000;
/** Decisions of a step that its evidence lists; the history has all of them. */
export const DECISIONS_KEPT = 20;

/**
 * A run that has grown so long takes no further attempt. Temporal ends runs at 51,200 events or 50 MB without asking
 * anybody, and takes no decision after the 2,000th, not even to abort; what is left up to there is for taking things
 * back, and for the steps that wait already.
 */
export const HISTORY_FULL = { events: 40_000, bytes: 40_000_000, decisions: 1_000 } as const;

export function boundedText(text: string, max: number = MESSAGE_CHARS_MAX): string {
  if (text.length <= max) return text;
  // Never half of a pair: Temporal takes only whole characters.
  const end = /[\uD800-\uDBFF]/.test(text.charAt(max - 1)) ? max - 1 : max;
  return `${text.slice(0, end)} ... (${text.length - end} more characters left out)`;
}

/** Long lists lose their end, long texts theirs, and anything else that is too long is replaced by its size. */
export function boundedEvidence(value: unknown, max: number = EVIDENCE_CHARS_MAX): unknown {
  const size = jsonLength(value);
  if (size <= max) return value;
  if (typeof value === 'string') return boundedText(value, max);
  if (!Array.isArray(value)) return `left out: ${size} characters of JSON`;
  const kept: unknown[] = [];
  let used = 0;
  for (const item of value as unknown[]) {
    used += jsonLength(item) + 1;
    if (used > max) break;
    kept.push(item);
  }
  return [...kept, `and ${value.length - kept.length} more, left out`];
}

const jsonLength = (value: unknown): number =>
  ((JSON.stringify(value) as string | undefined) ?? '').length;
