// Characters that move a terminal's cursor, change the direction of its text or hide in it: control characters, line
// and paragraph separators, bidirectional marks, whatever has no width. Names are refused for them, screens show
// something in their place. Pure; nobody else may spell this class.

/** Unicode's Cc, Cf, Zl and Zp: U+001B, U+202E, U+200B, U+FEFF and their like. */
const STEERING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** In a refusal: `has control characters or invisible ones`. */
export const STEERING_WORDS = 'control characters or invisible ones';

export const steers = (text: string): boolean => text.search(STEERING) >= 0;

/** What a screen shows: as many characters as there were, and each of them can be seen. */
export const unsteered = (text: string): string => text.replace(STEERING, '?');

/** What a message quotes: `\u202e`, as JSON writes it, so that the reader learns which character it is. */
export const spelledOut = (text: string): string =>
  text.replace(STEERING, (found) =>
    Array.from({ length: found.length }, (_, i) => found.charCodeAt(i))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** For ids: reversible, and no two names become one. */
export const encoded = (text: string): string => text.replace(STEERING, encodeURIComponent);
