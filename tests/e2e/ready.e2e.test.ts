// scripts/ready.mjs, which every `npm run` starts with: when everything is there it costs no time and says nothing.
import path from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '../support/built-setup.ts';
import { startNode } from '../support/processes.ts';

it('says nothing and changes nothing when everything is installed and built', async () => {
  const took = async (args: string[]): Promise<{ ms: number; said: string }> => {
    const began = performance.now();
    // From another folder, as an editor or a service would.
    const run = startNode(args, { cwd: path.parse(ROOT).root });
    expect(await run.ended, run.stderr()).toBe(0);
    return { ms: performance.now() - began, said: run.stdout() + run.stderr() };
  };
  const ready = [path.join(ROOT, 'scripts', 'ready.mjs'), '--proof'];
  await took(ready);
  // On a busy machine the start of a Node alone takes seconds.
  const nothing = await took(['-e', '0']);
  const { ms, said } = await took(ready);
  expect(said).toBe('');
  expect(ms).toBeLessThan(Math.max(5_000, 5 * nothing.ms));
});
