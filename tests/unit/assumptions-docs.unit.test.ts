// docs/assumptions.md is the list of assumptions, word for word.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ASSUMPTIONS } from '../../lab/powershell/assumptions.ts';
import { ROOT } from '../support/built-setup.ts';
// @ts-expect-error -- a plain script, written for Node without a build
import { assumptionsPage } from '../../scripts/assumptions-doc.mjs';

it('docs/assumptions.md says what the list says (else run: npm run build && node scripts/assumptions-doc.mjs)', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'assumptions.md'), 'utf8');
  const render = assumptionsPage as (assumptions: typeof ASSUMPTIONS) => string;
  expect(page).toBe(render(ASSUMPTIONS));
});
