// Sizes as people read them in reasons and plans. A GB is 1024^3 bytes, as Windows counts.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `10.0 GB`, `512.0 MB`, `17 B`: one decimal, the largest unit that leaves at least 1. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.95 would print as 1024.0; the next unit reads better.
  while (Math.abs(value) >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

/** `A, B and C`; of more than `max` the first ones, and how many there are. */
export function listText(names: readonly string[], max = Infinity): string {
  const shown = names.length > max ? names.slice(0, max - 1) : names;
  const rest = names.length - shown.length;
  const all = rest > 0 ? [...shown, `${String(rest)} more`] : shown;
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1) ?? ''}`;
}

const LISTED_MAX = 8;

/** {@link listText} of what may be many. */
export const listed = (names: readonly string[], max = LISTED_MAX): string => listText(names, max);
