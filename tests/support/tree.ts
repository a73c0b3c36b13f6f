// The files of the project as a reader sees them: what git ignores is left out. For the house tests.
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './built-setup.ts';

const IGNORED = new Set(['.git', 'node_modules', 'dist', '.watari', 'coverage']);

/** Paths relative to the root, with `/`, in order. */
export function projectFiles(folder = ''): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => !IGNORED.has(entry.name))
    .flatMap((entry) => {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? projectFiles(name) : [name];
    })
    .sort();
}

export const readProjectFile = (file: string): string =>
  fs.readFileSync(path.join(ROOT, file), 'utf8');

export const isThere = (file: string): boolean => fs.existsSync(path.join(ROOT, file));
