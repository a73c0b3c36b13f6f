// Where the package lies, from source and from dist/ alike: its scenarios are not compiled.
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export { packageVersion } from '../config/package-version.ts';

const COMPILED = !import.meta.url.endsWith('.ts');

export const PACKAGE_ROOT = fileURLToPath(new URL(COMPILED ? '../../' : '../', import.meta.url));

/** The lab's program beside ours, compiled like us. */
export const LAB_PROGRAM = path.join(
  PACKAGE_ROOT,
  ...(COMPILED ? ['dist', 'lab', 'main.js'] : ['lab', 'main.ts']),
);
