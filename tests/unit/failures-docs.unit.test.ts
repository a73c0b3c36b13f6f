// docs/failures.md is the table of failures, word for word.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { classify, FAILURES, type FailureRow } from '../../domain/failures.ts';
import { ROOT } from '../support/built-setup.ts';
// @ts-expect-error -- a plain script, written for Node without a build
import { failuresPage, signs, tellersOf } from '../../scripts/failures-doc.mjs';

it('docs/failures.md says what the table says (else run: npm run build && node scripts/failures-doc.mjs)', () => {
  const page = fs.readFileSync(path.join(ROOT, 'docs', 'failures.md'), 'utf8');
  const render = failuresPage as (failures: typeof FAILURES) => string;
  expect(page).toBe(render(FAILURES));
});

describe('every code of the table', () => {
  const tellers = (tellersOf as (codes: string[]) => Record<string, string[]>)(
    Object.keys(FAILURES),
  );
  const seenAs = signs as (row: FailureRow, tellers: string[]) => string;

  it.each(Object.entries<FailureRow>(FAILURES))('%s is made by something', (code, row) => {
    expect(seenAs(row, tellers[code] ?? [])).not.toBe('');
    const sign = { hresults: [], eventIds: [], errorIds: [], outcome: 'refused' } as const;
    const made = [
      ...(row.hresults ?? []).map((one) => ({ ...sign, hresults: [one] })),
      ...[...(row.eventIds ?? []), ...(row.hintEventIds ?? [])].map((one) => ({
        ...sign,
        eventIds: [one],
      })),
      ...(row.errorIds ?? []).map((one) => ({ ...sign, errorIds: [`${one},Some.Command`] })),
    ].map((one) =>
      classify(
        {
          ...one,
          hresults: [...one.hresults],
          eventIds: [...one.eventIds],
          errorIds: [...one.errorIds],
        },
        'startMove',
      ),
    );
    expect(made.filter((other) => other !== code)).toEqual([]);
  });

  it('that is only compared with somewhere is told by nobody', () => {
    expect(tellers['NodeNotServed']).not.toContain('workflows/prepare-node.ts');
  });
});
