// What is expected of a report of `cluster doctor`.
import { expect } from 'vitest';
import type { DoctorReport } from '../../domain/doctor/diagnose.ts';
import type { DoctorCase } from './doctor-cases.ts';

/** Checks that found something, in alphabetical order. */
export const problemsOf = (report: DoctorReport): string[] =>
  [...new Set(report.findings.filter((f) => f.level !== 'ok').map((f) => f.check))].sort();

export function expectTripped(report: DoctorReport, c: DoctorCase): void {
  const own = report.findings.filter((f) => f.check === c.check);
  const matches = (wanted: string | RegExp, text: string): boolean =>
    typeof wanted === 'string' ? wanted === text : wanted.test(text);
  const hit = own.find(
    (f) =>
      f.level === c.level &&
      matches(c.subject, f.subject) &&
      (c.seen?.test(f.seen) ?? true) &&
      (c.remedy?.test(f.remedy ?? '') ?? true),
  );
  expect(hit, `${c.check}: ${c.what}; it said ${JSON.stringify(own, null, 1)}`).toBeDefined();
  expect(hit?.remedy ?? '').not.toBe('');
  // A check that is about a VM and does not say where to mend it would send people to a node of the VM's name.
  expect([null, ...report.nodes.map((n) => n.node)]).toContain(hit?.on);
}
