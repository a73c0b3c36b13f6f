// The table of the doctor's checks once more, with a real PowerShell between the lab and the activities: what the
// module reads must trip the same checks. Cases that do not hide each other share a cluster, as shells are slow.
import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS, type DoctorReport } from '../../domain/doctor/diagnose.ts';
import { CASES, TOGETHER } from '../support/doctor-cases.ts';
import { expectTripped, problemsOf } from '../support/doctor-expecting.ts';
import {
  healthy,
  reportOf,
  scenarioText,
  viewOfLab,
  type Sketch,
} from '../support/doctor-world.ts';
import { powershellLabs, type PowerShellLabs } from '../contract/powershell-worlds.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { endsWithAll } from '../support/ends.ts';

describe('the checks of the doctor, through PowerShell', needs(POWERSHELL), () => {
  const ends = endsWithAll();
  let labs: PowerShellLabs;
  beforeAll(() => {
    labs = ends(powershellLabs());
  });

  const examine = (sketch: Sketch): Promise<DoctorReport> =>
    labs.with(scenarioText(sketch), async ({ lab, pass, host }) => {
      sketch.before(lab, pass);
      const before = lab.effects().length;
      const view = await viewOfLab(lab, sketch, host);
      expect(
        lab
          .effects()
          .slice(before)
          .filter((e) => e.kind !== 'fault'),
      ).toEqual([]);
      return reportOf(view);
    });

  it('find nothing in a cluster that lacks nothing', async () => {
    const report = await examine(healthy());
    expect(problemsOf(report)).toEqual([]);
    expect(report.ok).toBe(CHECKS.length - 2);
    expect(report.unchecked.map((u) => u.check)).toEqual(['move-proof', 'file']);
  });

  it.each(TOGETHER)('find everything that is wrong in cluster %s', async (name) => {
    const cases = CASES.filter((c) => c.together === name);
    const sketch = healthy();
    for (const c of cases) c.change(sketch);
    const report = await examine(sketch);
    for (const c of cases) expectTripped(report, c);
  });

  it('are all among those clusters', () => {
    const covered = CASES.filter((c) => c.together !== undefined).map((c) => c.check);
    const finding = CHECKS.filter((check) => check.blocks !== null || check.warns !== null);
    expect([...new Set(covered)].sort()).toEqual(finding.map((check) => check.id).sort());
  });
});
