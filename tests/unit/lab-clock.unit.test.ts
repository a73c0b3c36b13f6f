// The lab's clocks: who owns time, and that waiting is exact.
import { describe, expect, it } from 'vitest';
import { jumpingClock, manualClock, scaledClock } from '../../lab/machine/clock.ts';
import { sleep } from '../../proof/rig/waiting.ts';

describe('the manual clock', () => {
  it('stands still until it is advanced', async () => {
    const clock = manualClock(1000);
    await sleep(5);
    expect(clock.now()).toBe(1000);
    clock.advance(250);
    expect(clock.now()).toBe(1250);
  });

  it('calls back at each time on the way, in order, with that time as now', () => {
    const clock = manualClock(0);
    const seen: [string, number][] = [];
    clock.at(300, () => seen.push(['late', clock.now()]));
    clock.at(100, () => {
      seen.push(['early', clock.now()]);
      clock.at(200, () => seen.push(['added', clock.now()]));
    });
    clock.at(900, () => seen.push(['never', clock.now()]));
    clock.advance(500);
    expect(seen).toEqual([
      ['early', 100],
      ['added', 200],
      ['late', 300],
    ]);
    expect(clock.now()).toBe(500);
  });

  it('forgets what it is told to forget', () => {
    const clock = manualClock(0);
    const seen: number[] = [];
    const forget = clock.at(100, () => seen.push(1));
    forget();
    clock.advance(200);
    expect(seen).toEqual([]);
  });

  it('calls back for a time that has passed, but not before it has returned', async () => {
    const clock = manualClock(100);
    const seen: string[] = [];
    clock.at(50, () => seen.push('called'));
    seen.push('returned');
    await Promise.resolve();
    expect(seen).toEqual(['returned', 'called']);
  });

  it('does not go back', () => {
    expect(() => manualClock().advance(-1)).toThrow(RangeError);
  });
});

describe('the scaled clock', () => {
  it('runs as many times as fast as real time as it was told', () => {
    const real = { now: 5000 };
    const clock = scaledClock(20, () => real.now, 1_000_000);
    expect(clock.now()).toBe(1_000_000);
    real.now += 50;
    expect(clock.now()).toBe(1_001_000);
  });

  it('starts at the real time by default', () => {
    expect(scaledClock(3, () => 777).now()).toBe(777);
  });

  it('never calls back early', async () => {
    const clock = scaledClock(100, Date.now);
    const due = clock.now() + 1000;
    const at = await new Promise<number>((resolve) => {
      clock.at(due, () => resolve(clock.now()));
    });
    expect(at).toBeGreaterThanOrEqual(due);
  });

  it.each([0, -1, Number.NaN, Infinity])('refuses the speed %d', (speed) => {
    expect(() => scaledClock(speed, () => 0)).toThrow(RangeError);
  });
});

describe('the jumping clock', () => {
  it('jumps to the time that somebody waits for', async () => {
    const clock = jumpingClock(0);
    await new Promise<void>((resolve) => {
      clock.at(90_000, resolve);
    });
    expect(clock.now()).toBe(90_000);
  });
});
