// Global setup of the kinds that run compiled code: dist/ is up to date before the first test.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');

export default function setup(): void {
  const ready = path.join(ROOT, 'scripts', 'ready.mjs');
  const done = spawnSync(process.execPath, [ready, '--proof', '--allow-type-errors'], {
    cwd: ROOT,
    encoding: 'utf8',
    windowsHide: true,
  });
  if (done.status !== 0) throw new Error(`dist/ could not be built:\n${done.stdout}${done.stderr}`);
}
