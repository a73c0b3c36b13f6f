// Where the package lies, from source and from dist/ alike: its scenarios and its version are not compiled.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const COMPILED = !import.meta.url.endsWith('.ts');

export const PACKAGE_ROOT = fileURLToPath(new URL(COMPILED ? '../../' : '../', import.meta.url));

/** The lab's program beside ours, compiled like us. */
export const LAB_PROGRAM = path.join(
  PACKAGE_ROOT,
  ...(COMPILED ? ['dist', 'lab', 'main.js'] : ['lab', 'main.ts']),
);

export function packageVersion(): string {
  const text = fs.readFileSync(path.join(PACKAGE_ROOT, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
