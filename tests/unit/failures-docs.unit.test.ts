// docs/failures.md is the table of failures, word for word.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { FAILURES } from '../../domain/failures.ts';
import { ROOT } from '../support/built-setup.ts';
// @ts-expect-error -- a plain script, written for Node without a build
import { failuresPage } from '../../scripts/failures-doc.mjs';

it('docs/failures.md says what the table says (else run: npm run build && node scripts/failures-doc.mjs)', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'failures.md'), 'utf8');
  const render = failuresPage as (failures: typeof FAILURES) => string;
  expect(page).toBe(render(FAILURES));
});

it('every one of the 42 known failures of the platform has a row', () => {
  const rows = new Set(Object.values(FAILURES).map((row) => row.row));
  for (let row = 1; row <= 42; row += 1) expect(rows).toContain(row);
});
