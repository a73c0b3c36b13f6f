// What is made of a checkout: a build of the product and nothing else, a package without evidence, and the check that a
// git hook may run. In a copy, so that the dist/ of the other tests stays.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectFiles } from '../support/tree.ts';
import { ROOT } from '../support/built-setup.ts';

const EVIDENCE = /proof|mutant|bench|soak|tests?\//;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-checkout-'));
const at = (...parts: string[]): string => path.join(folder, ...parts);

interface Said {
  status: number | null;
  text: string;
}

function run(command: string, args: string[], shell = false): Said {
  const done = spawnSync(command, args, { cwd: folder, encoding: 'utf8', shell });
  return { status: done.status, text: done.stdout + done.stderr };
}

const node = (...args: string[]): Said => run(process.execPath, args);
const git = (...args: string[]): Said =>
  run('git', ['-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args]);

/** On Windows npm is a script, which only a shell starts. */
const packed = (): string[] => {
  const words = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'];
  const done = spawnSync('npm', words, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(done.status, done.stderr).toBe(0);
  const [{ files }] = JSON.parse(done.stdout) as [{ files: { path: string }[] }];
  return files.map((file) => file.path);
};

beforeAll(() => {
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
    expect(git(...words).status).toBe(0);
  }
});

afterAll(() => {
  fs.rmSync(folder, { recursive: true, force: true });
});

describe('npm run build', () => {
  it('makes the product, and takes out what was there beside it', () => {
    fs.mkdirSync(at('dist', 'proof', 'sim'), { recursive: true });
    fs.writeFileSync(at('dist', 'proof', 'sim', 'mutants.js'), '');
    fs.mkdirSync(at('dist', 'client'), { recursive: true });
    fs.writeFileSync(at('dist', 'client', 'moved-away.js'), '');
    const done = node('scripts/ready.mjs', '--anew');
    expect(done.status, done.text).toBe(0);
    const made = fs.readdirSync(at('dist'), { recursive: true, encoding: 'utf8' });
    expect(made.filter((name) => EVIDENCE.test(name.replaceAll('\\', '/')))).toEqual([]);
    expect(made).not.toContain(path.join('client', 'moved-away.js'));
    const version = node('dist/client/main.js', '--version');
    expect(version.text.trim()).toMatch(/^\d+\.\d+\.\d+$/);
  });
});

describe('npm pack', () => {
  it('takes the product and the lab, and no evidence though it was built', () => {
    fs.mkdirSync(at('dist', 'proof'), { recursive: true });
    fs.writeFileSync(at('dist', 'proof', 'left-behind.js'), '');
    const files = packed();
    for (const file of ['client/main.js', 'workers/main.js', 'lab/main.js', 'workflow-bundle.js']) {
      expect(files).toContain(`dist/${file}`);
    }
    expect(files).toContain('lab/scenarios/demo.yaml');
    expect(files.filter((file) => /^(dist\/\.|scripts\/)/.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.js') && EVIDENCE.test(file))).toEqual([]);
  });
});

describe('npm run check', () => {
  it('has nothing to do where nothing has changed', () => {
    const done = node('scripts/check.mjs');
    expect(done.status, done.text).toBe(0);
    expect(done.text).toMatch(/^0 files changed since the last commit: nothing to check/);
  });

  it('finds what is wrong with a file that git does not know yet', () => {
    fs.writeFileSync(at('new.json'), '{ "a":1 }');
    const done = node('scripts/check.mjs');
    fs.rmSync(at('new.json'));
    expect(done.text).toMatch(/^1 file changed/);
    expect(done.text).toMatch(/FAILED format .*: npm run format\n.*new\.json/s);
    expect(done.status).toBe(1);
  });
});

describe('npm run hooks', () => {
  const hooks = (...args: string[]): Said => node('scripts/hooks.mjs', ...args);
  const hooksPath = (): string => git('config', '--get', 'core.hooksPath').text.trim();

  it('lets git run the check, which is there and says what it is, until it is told off', () => {
    expect(hooks().status).toBe(0);
    expect(fs.readFileSync(at(hooksPath(), 'pre-commit'), 'utf8')).toContain('npm run');
    expect(hooks('--off').status).toBe(0);
    expect(hooksPath()).toBe('');
  });

  it('leaves the hooks of somebody else alone', () => {
    git('config', 'core.hooksPath', '.husky');
    const done = hooks();
    expect(done.status).toBe(1);
    expect(done.text).toContain('git takes its hooks from .husky here');
    expect(hooksPath()).toBe('.husky');
  });
});
