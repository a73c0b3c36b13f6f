// Text of a known width. Only ASCII is drawn by us: box and block characters are two columns wide in a Japanese
// Windows console and would break every table. Names from the outside may be wide; string-width counts them.
import sliceAnsi from 'slice-ansi';
import stringWidth from 'string-width';
import { unsteered } from '../../domain/steering.ts';

export { stringWidth };

/** Cuts to `width` columns; a cut text ends in `..`. */
export function clip(text: string, width: number): string {
  if (width <= 0) return '';
  if (stringWidth(text) <= width) return text;
  return width <= 2 ? cut(text, width) : `${cut(text, width - 2)}..`;
}

/** Cuts out of the middle, where names hold least: `SRV0..hange`. */
export function clipMiddle(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  const ends = Math.max(0, width - 2);
  if (ends < 2) return clip(text, width);
  const end = Math.floor(ends / 2);
  let from = text.length;
  // By whole characters: half of one would be another.
  for (const char of Array.from(text).reverse()) {
    if (stringWidth(text.slice(from - char.length)) > end) break;
    from -= char.length;
  }
  return `${cut(text, ends - end)}..${text.slice(from)}`;
}

/** The two libraries disagree about the width of a few symbols; string-width is right, so it has the last word. */
function cut(text: string, width: number): string {
  for (let n = width; n > 0; n -= 1) {
    const part = sliceAnsi(text, 0, n);
    if (stringWidth(part) <= width) return part;
  }
  return '';
}

/** Clips or fills with blanks to exactly `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const clipped = clip(text, width);
  const blanks = ' '.repeat(Math.max(0, width - stringWidth(clipped)));
  return align === 'left' ? clipped + blanks : blanks + clipped;
}

/** One line, as long as it looks. */
export const oneLine = (text: string): string => unsteered(text.replace(/\s*[\r\n]+\s*/g, ' '));

/** `[######--------------]  30 %`. */
export function bar(percent: number, width: number): string {
  const share = Math.min(100, Math.max(0, percent)) / 100;
  const full = Math.floor(share * width);
  const text = `${String(Math.floor(share * 100)).padStart(3)} %`;
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}] ${text}`;
}

/** Columns as wide as their widest cell, two blanks apart; the last one is cut to the window. */
export function table(rows: readonly (readonly string[])[], columns: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, stringWidth(cell))));
  }
  return rows.map((row) =>
    clip(row.map((cell, i) => pad(cell, widths[i] ?? 0)).join('  '), columns).trimEnd(),
  );
}

/** Breaks at blanks into lines of at most `width` columns, each starting with `indent`. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const room = Math.max(20, width - indent.length);
  const lines: string[] = [];
  let line = '';
  for (const word of oneLine(text).split(' ')) {
    if (line !== '' && stringWidth(line) + 1 + stringWidth(word) > room) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines;
}
