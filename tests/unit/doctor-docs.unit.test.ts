// docs/doctor.md is the table of checks, word for word.
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { CHECKS } from '../../domain/doctor/diagnose.ts';
import { GROUPS } from '../../domain/doctor/check.ts';
import { ROOT } from '../support/built-setup.ts';
// @ts-expect-error -- a plain script, written for Node without a build
import { doctorPage } from '../../scripts/doctor-doc.mjs';

const render = doctorPage as (checks: typeof CHECKS) => string;

it('docs/doctor.md says what the checks say (else run: npm run build && node scripts/doctor-doc.mjs)', () => {
  expect(fs.readFileSync(path.join(ROOT, 'docs', 'doctor.md'), 'utf8')).toBe(render(CHECKS));
});

it('shows every group of checks', () => {
  for (const group of GROUPS) {
    const [check] = CHECKS.filter((c) => c.group === group);
    expect(render(CHECKS), group).toContain(`| \`${check?.id ?? ''}\` |`);
  }
});
