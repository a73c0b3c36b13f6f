// How the client writes moments and words, wherever it writes them: on screens, in errors, in files to paste.

const twoDigits = (n: number): string => String(n).padStart(2, '0');

/** Wall-clock time of the reader's own time zone, `14:03:22`. */
export function timeOfDay(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
}

/** `2026-11-24 14:03:22` in the reader's own time zone. */
export function dateTime(date: Date): string {
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map(twoDigits).join('-');
  return `${day} ${timeOfDay(date)}`;
}

/** Double quotes work in PowerShell, cmd.exe and every Unix shell, and ids hold no quotes or `$`. */
export const shellWord = (text: string): string =>
  /^[\w./:@%+-]+$/.test(text) ? text : `"${text.replaceAll('"', '')}"`;
