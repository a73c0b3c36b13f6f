// A copy of the checkout with a git of its own, for tests that build, pack and commit: the dist/ of the others stays.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { ROOT } from './built-setup.ts';
import { temporaryFolder, type Ends } from './ends.ts';
import { projectFiles } from './tree.ts';

export interface Said {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Checkout {
  at: (...parts: string[]) => string;
  node: (...words: string[]) => Said;
  git: (...words: string[]) => Said;
  npm: (...words: string[]) => Said;
}

export function copyOfCheckout(ends: Ends): Checkout {
  const folder = temporaryFolder('watari-checkout-', ends);
  const at = (...parts: string[]): string => path.join(folder, ...parts);
  const run = (command: string, words: string[], shell = false): Said =>
    spawnSync(command, words, { cwd: folder, encoding: 'utf8', shell, windowsHide: true });
  const copy: Checkout = {
    at,
    node: (...words) => run(process.execPath, words),
    git: (...words) =>
      run('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...words]),
    // On Windows npm is a script, which only a shell starts.
    npm: (...words) => run('npm', words, process.platform === 'win32'),
  };
  for (const file of projectFiles()) {
    fs.mkdirSync(path.dirname(at(file)), { recursive: true });
    fs.copyFileSync(path.join(ROOT, file), at(file));
  }
  fs.symlinkSync(path.join(ROOT, 'node_modules'), at('node_modules'), 'junction');
  for (const words of [
    ['init', '-q'],
    ['add', '-A'],
    ['commit', '-q', '-m', 'a copy'],
  ]) {
    const done = copy.git(...words);
    if (done.status !== 0) throw new Error(`git ${words.join(' ')} failed: ${done.stderr}`);
  }
  return copy;
}

/** Names of what proves the product; no node gets any of it. */
export const EVIDENCE = /proof|mutant|bench|soak|tests?\//;
