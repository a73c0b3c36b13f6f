// Types of layers.mjs for the tests, which are TypeScript; ESLint itself loads plain JavaScript.
import type { Rule } from 'eslint';

export interface Layer {
  folders: string[];
  typesOf?: string[];
  packages?: string[];
}

export const LAYERS: Readonly<Record<string, Layer>>;

/** By folder, by room: the rooms of the same folder that it may import; `.` is the folder's own files. */
export const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** `.` for a file of the folder itself; undefined for one in a room that is not listed. */
export function roomOf(file: string): string | undefined;

/** Relative imports, types and dynamic ones included, by file; paths relative to `root`, with `/`. */
export function readImports(root: string, folders: readonly string[]): Map<string, string[]>;

/** The shortest way from `file` through its import `first` back to itself. */
export function circleThrough(
  imports: ReadonlyMap<string, readonly string[]>,
  file: string,
  first: string,
): string[] | null;

export function whyNot(
  file: string,
  source: string,
  kind: 'value' | 'type' | 'dynamic',
): string | null;

export const layers: Rule.RuleModule;
export const circles: Rule.RuleModule;
