// The table of checks: for each of them a cluster that trips it and one that does not, as a lab scenario that the real
// activities look at. A new check without a case fails here by its name.
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../domain/doctor/diagnose.ts';
import { manualClock } from '../../lab/machine/clock.ts';
import { inProcessHost } from '../../lab/host.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { CASES, TOGETHER } from '../support/doctor-cases.ts';
import { expectTripped, problemsOf } from '../support/doctor-expecting.ts';
import {
  healthy,
  reportOf,
  scenarioText,
  viewOfLab,
  type Sketch,
} from '../support/doctor-world.ts';

async function examine(sketch: Sketch) {
  const clock = manualClock();
  const lab = new Lab(parseScenario(scenarioText(sketch), 'doctor.yaml'), clock);
  sketch.before(lab, (seconds) => {
    clock.advance(seconds * 1000);
    lab.advance();
  });
  const before = lab.effects().length;
  const view = await viewOfLab(lab, sketch, (node) => inProcessHost(lab, node));
  return {
    report: reportOf(view),
    effects: lab
      .effects()
      .slice(before)
      .filter((e) => e.kind !== 'fault'),
  };
}

describe('a cluster that lacks nothing', () => {
  const well = examine(healthy());

  it.each(CHECKS.map((check) => check.id))('passes %s', async (id) => {
    const { report } = await well;
    const own = report.findings.filter((f) => f.check === id);
    if (id === 'file' || id === 'move-proof') {
      expect(own).toEqual([]);
      expect(report.unchecked).toEqual([
        {
          check: 'move-proof',
          why: 'to try it: watari vm migrate web-1 -c hv-lab',
        },
        { check: 'file', why: 'no cluster.yaml was given' },
      ]);
    } else {
      expect(own).toEqual([expect.objectContaining({ level: 'ok', remedy: null })]);
    }
  });
});

describe('a check', () => {
  it.each(CASES)('$check: finds $what ($level)', async (c) => {
    const sketch = healthy();
    c.change(sketch);
    const { report, effects } = await examine(sketch);
    expectTripped(report, c);
    // What one change trips beside its check is said, so that a check which trips too easily is seen.
    expect(problemsOf(report)).toEqual([...new Set([c.check, ...(c.also ?? [])])].sort());
    expect(effects).toEqual([]);
  });

  it.each(CHECKS.map((check) => check.id))(
    '%s has a case for every level that it says it has',
    (id) => {
      const check = CHECKS.find((c) => c.id === id);
      const levels = new Set(CASES.filter((c) => c.check === id).map((c) => c.level));
      expect([...levels].sort()).toEqual([
        ...(check?.blocks == null ? [] : ['blocker']),
        ...(check?.warns == null ? [] : ['warning']),
      ]);
    },
  );

  it.each(TOGETHER)(
    'hides no other one in cluster %s, which a PowerShell is asked about',
    async (name) => {
      const cases = CASES.filter((c) => c.together === name);
      const sketch = healthy();
      for (const c of cases) c.change(sketch);
      const { report } = await examine(sketch);
      for (const c of cases) expectTripped(report, c);
    },
  );

  it('has an id of its own', () => {
    const ids = CHECKS.map((check) => check.id);
    expect([...new Set(ids)]).toEqual(ids);
  });
});
