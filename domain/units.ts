// Sizes, durations and lists as people read them, on every screen and in every reason. A GB is 1024^3 bytes, as Windows
// counts. How they are written in a file is config/sizes.ts.

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `10 GB`, `1.5 GB`, `17 B`: at most one decimal, the largest unit that leaves at least 1. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.5 would print as 1024; the next unit reads better.
  while (Math.abs(value) >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(Math.abs(value) >= 100 ? 0 : 1).replace(/\.0$/, '')} ${UNITS[unit] ?? ''}`;
}

/** `0.4 s`, `12 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(Math.floor(s / 60), 'min', s % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 24 * 60) return two(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(seconds / 3600);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  const head = `${big} ${bigUnit}`;
  return small === 0 ? head : `${head} ${small} ${smallUnit}`;
}

/** `A, B and C`; of more than `max` the first ones, and how many there are. */
export function listText(names: readonly string[], max = Infinity): string {
  const shown = names.length > max ? names.slice(0, max - 1) : names;
  const rest = names.length - shown.length;
  const all = rest > 0 ? [...shown, `${rest} more`] : shown;
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1) ?? ''}`;
}

const LISTED_MAX = 8;

/** {@link listText} of what may be many. */
export const listed = (names: readonly string[], max = LISTED_MAX): string => listText(names, max);
