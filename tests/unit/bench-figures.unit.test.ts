// The arithmetic of the bench: percentiles, goals, and the simulated time that the demo's wall time is held against.
import { describe, expect, it } from 'vitest';
import { figure, resultOf } from '../../proof/bench/figures.ts';
import { simulatedMs } from '../../proof/bench/simulated-time.ts';
import { percentile, summaryOf } from '../../proof/rig/statistics.ts';
import type { Effect, EffectKind } from '../../lab/machine/records.ts';
import { parseScenario } from '../../lab/scenario/read.ts';

describe('a summary', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

  it('takes percentiles by nearest rank, whatever the order of the values', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.95)).toBe(95);
    expect(percentile([7], 0.95)).toBe(7);
  });

  it('has no tail where a few values have none', () => {
    expect(summaryOf([3, 1, 2])).toEqual({ n: 3, p50: 2, p95: null, max: 3 });
    expect(summaryOf(hundred)?.p95).toBe(95);
    expect(summaryOf([])).toBeNull();
  });
});

describe('a goal', () => {
  const withValues = (values: number[]) => {
    const measured = figure('x', 'x', { goal: { of: 'p95', limit: 10 } });
    measured.values.tuned.push(...values);
    return resultOf(measured).goal?.met;
  };

  it('is met up to its limit, missed above it, and open without values', () => {
    expect(withValues([10])).toBe(true);
    expect(withValues([1, 11])).toBe(false);
    expect(withValues([])).toBeNull();
  });

  it('can be a least value', () => {
    const ratio = figure('x', 'x', {
      unit: 'ratio',
      goal: { of: 'p50', limit: 20, atLeast: true },
    });
    ratio.values.tuned.push(19.9);
    expect(resultOf(ratio).goal?.met).toBe(false);
    ratio.values.tuned[0] = 20;
    expect(resultOf(ratio).goal?.met).toBe(true);
  });
});

describe('the simulated time of a run', () => {
  const scenario = parseScenario(
    `
cluster: c
nodes:
  - { name: A, memory: 64GB, installSeconds: 40, serviceSeconds: 5 }
  - { name: B, memory: 64GB, installSeconds: 40, serviceSeconds: 5 }
vmStartSeconds: 3
`,
    'test.yaml',
  );
  let seq = 0;
  const effect = (second: number, node: string, kind: EffectKind, subject = node): Effect => ({
    seq: (seq += 1),
    at: new Date(second * 1000).toISOString(),
    node,
    kind,
    subject,
    detail: '',
  });
  const secondsOf = (...effects: Effect[]): number => simulatedMs(effects, scenario) / 1000;

  it('counts installing, the restart until the services run, the start of a VM and the move', () => {
    expect(
      secondsOf(
        effect(40, 'A', 'feature-installed', 'Hyper-V'),
        effect(50, 'A', 'restart-requested'),
        effect(60, 'A', 'node-down'),
        effect(150, 'A', 'node-up'),
        effect(200, 'A', 'vm-started', 'vm'),
        effect(210, 'A', 'move-started', 'vm'),
        effect(260, 'B', 'move-finished', 'vm'),
      ),
    ).toBe(40 + 105 + 3 + 50);
  });

  it('counts once what happens at the same time', () => {
    expect(
      secondsOf(
        effect(40, 'A', 'feature-installed', 'Hyper-V'),
        effect(40, 'A', 'feature-installed', 'Failover-Clustering'),
        effect(50, 'B', 'feature-installed', 'Hyper-V'),
      ),
    ).toBe(50);
  });

  it('pairs a move with its own beginning, its time in the queue included', () => {
    expect(
      secondsOf(
        effect(0, 'A', 'move-started', 'one'),
        effect(5, 'A', 'move-queued', 'two'),
        effect(10, 'B', 'move-finished', 'one'),
        effect(10, 'A', 'move-started', 'two'),
        effect(30, 'B', 'move-finished', 'two'),
        effect(100, 'B', 'move-started', 'one'),
        effect(110, 'A', 'move-finished', 'one'),
      ),
    ).toBe(40);
  });

  it('is nothing for a run that changed nothing', () => {
    expect(secondsOf(effect(0, 'A', 'cluster-configured', 'c'))).toBe(0);
  });
});
