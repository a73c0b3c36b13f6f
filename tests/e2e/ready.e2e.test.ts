// scripts/ready.mjs, which every `npm run` starts with: when everything is there it costs no time and says nothing.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/built-setup.ts';

it('says nothing and changes nothing when everything is installed and built', () => {
  // From another folder, as an editor or a service would.
  const run = (): string => {
    const done = spawnSync(process.execPath, [path.join(ROOT, 'scripts/ready.mjs'), '--proof'], {
      cwd: path.parse(ROOT).root,
      encoding: 'utf8',
    });
    expect(done.status, done.stderr).toBe(0);
    return done.stdout + done.stderr;
  };
  run();
  const started = performance.now();
  expect(run()).toBe('');
  expect(performance.now() - started).toBeLessThan(5_000);
});
