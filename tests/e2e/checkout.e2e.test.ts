// What is made of a checkout besides a build, which takes a minute and is a long test: a package without evidence, and
// the check that a git hook may run.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../support/built-setup.ts';
import { copyOfCheckout, EVIDENCE, type Said } from '../support/checkout.ts';
import { endsWithAll } from '../support/ends.ts';

const { at, node, git, npm } = copyOfCheckout(endsWithAll());

describe('npm pack', () => {
  it('takes the product and the lab, and no evidence though it was built', () => {
    fs.cpSync(path.join(ROOT, 'dist'), at('dist'), { recursive: true });
    expect(fs.existsSync(at('dist', 'proof', 'sim', 'rules', 'mutants.js'))).toBe(true);
    const done = npm('pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error');
    expect(done.status, done.stderr).toBe(0);
    const [packed] = JSON.parse(done.stdout) as [{ files: { path: string }[] }];
    const files = packed.files.map((file) => file.path);
    for (const file of [
      ...['client/main.js', 'workers/main.js', 'lab/main.js', 'workflow-bundle.js'],
      ...['lab/powershell/cmdlets.json', 'lab/powershell/LabCore.ps1'],
    ]) {
      expect(files).toContain(`dist/${file}`);
    }
    expect(files).toContain('lab/scenarios/demo.yaml');
    // `cp .env.example .env` is the first thing to do with docker-compose.yml.
    expect(files).toEqual(expect.arrayContaining(['docker-compose.yml', '.env.example']));
    expect(files.filter((file) => /^(dist\/\.|scripts\/)/.test(file))).toEqual([]);
    expect(files.filter((file) => file.endsWith('.js') && EVIDENCE.test(file))).toEqual([]);
  });
});

describe('npm run check', () => {
  it('has nothing to do where nothing has changed', () => {
    const done = node('scripts/check.mjs');
    expect(done.status, done.stdout).toBe(0);
    expect(done.stdout).toMatch(/^0 files changed since the last commit: nothing to check/);
  });

  it('finds what is wrong with a file that git does not know yet', () => {
    fs.writeFileSync(at('new.json'), '{ "a":1 }');
    const done = node('scripts/check.mjs');
    fs.rmSync(at('new.json'));
    expect(done.stdout).toMatch(/^1 file changed/);
    expect(done.stdout).toMatch(/FAILED format .*: npm run format\n.*new\.json/s);
    expect(done.status).toBe(1);
  });
});

describe('npm run hooks', () => {
  const hooks = (...args: string[]): Said => node('scripts/hooks.mjs', ...args);
  const hooksPath = (): string => git('config', '--get', 'core.hooksPath').stdout.trim();

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
    expect(done.stderr).toContain('git takes its hooks from .husky here');
    expect(hooksPath()).toBe('.husky');
  });
});
