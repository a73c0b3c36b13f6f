// What .dockerignore lets through to the engine, read as Docker reads it: the last pattern that fits a file or one of
// its folders decides. For tests of the image's build; patterns with `?` and `[]` are not used and not known here.
import { readProjectFile } from './tree.ts';

interface Pattern {
  takesBack: boolean;
  fits: RegExp;
}

const PATTERNS: Pattern[] = readProjectFile('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => ({ takesBack: line.startsWith('!'), fits: patternOf(line.replace(/^!/, '')) }));

function patternOf(glob: string): RegExp {
  const parts = glob
    .replaceAll('.', '\\.')
    .replaceAll('**/', '(?:.+/)?')
    .replaceAll(/\*/g, '[^/]*');
  return new RegExp(`^${parts}(/|$)`);
}

/** @param file of the checkout, with slashes */
export function isSentToEngine(file: string): boolean {
  const last = PATTERNS.findLast(({ fits }) => fits.test(file));
  return last === undefined || last.takesBack;
}
