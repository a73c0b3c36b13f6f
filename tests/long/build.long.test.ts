// What a node gets: a build of the product, without anything that proves it, and without what an earlier one left.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { copyOfCheckout, EVIDENCE } from '../support/checkout.ts';
import { isSentToEngine } from '../support/docker-context.ts';
import { endsWithAll } from '../support/ends.ts';
import { projectFiles } from '../support/tree.ts';

const { at, node } = copyOfCheckout(endsWithAll());

it('npm run build makes the product, and takes out what was there beside it', () => {
  fs.mkdirSync(at('dist', 'proof', 'sim'), { recursive: true });
  fs.writeFileSync(at('dist', 'proof', 'sim', 'mutants.js'), '');
  fs.mkdirSync(at('dist', 'client'), { recursive: true });
  fs.writeFileSync(at('dist', 'client', 'moved-away.js'), '');
  // What Docker builds the image from has to be enough.
  for (const file of projectFiles()) if (!isSentToEngine(file)) fs.rmSync(at(file));
  const done = node('scripts/ready.mjs', '--anew');
  expect(done.status, done.stderr).toBe(0);
  const made = fs.readdirSync(at('dist'), { recursive: true, encoding: 'utf8' });
  expect(made.filter((name) => EVIDENCE.test(name.replaceAll('\\', '/')))).toEqual([]);
  expect(made).not.toContain(path.join('client', 'moved-away.js'));
  const version = node('dist/client/main.js', '--version');
  expect(version.stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
});
