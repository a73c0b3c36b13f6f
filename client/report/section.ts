// The parts of a report before it is HTML or Markdown: cells, tables, the whole. Texts are as they came; whoever writes
// them makes them harmless.
import { sameName } from '../../domain/names.ts';
import type { Tone } from './words.ts';

export interface Cell {
  text: string;
  tone?: Tone;
  /** Below it, each on a line of its own. */
  more?: string[];
  code?: string[];
}

export interface Section {
  id: string;
  title: string;
  note?: string;
  columns: string[];
  rows: Cell[][];
}

export const cell = (text: string, tone?: Tone): Cell =>
  tone === undefined ? { text } : { text, tone };

export interface Report {
  title: string;
  state: Cell;
  facts: [string, Cell][];
  sections: Section[];
  gaps: string[];
}

/** Every node and VM once, as they were first written. */
export function uniqueNames(names: readonly (string | null)[]): string[] {
  const found: string[] = [];
  for (const name of names) {
    if (name !== null && !found.some((one) => sameName(one, name))) found.push(name);
  }
  return found;
}
