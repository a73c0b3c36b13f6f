// How the moves of a plan follow each other, as the executor keeps it.
import { describe, expect, it } from 'vitest';
import { ASSUMED_MODEL } from '../../domain/fleet/problem.ts';
import { pacesOf } from '../../domain/fleet/pace.ts';
import { planMoves } from '../../domain/planner/plan.ts';
import type { PlannedMove, PlanProblem } from '../../domain/planner/problem.ts';

const GB = 1024 ** 3;

const move = (vm: string, from: string, startSeconds: number, endSeconds: number): PlannedMove => ({
  ...{ vm, from, to: 'HV9', startSeconds, endSeconds },
});

describe('the pace of a plan', () => {
  it('lets a copy begin when the one before it ends, though its hand-over goes on', () => {
    // Setup 3, copy 5, hand-over 2, each copy alone on the link.
    const moves = [move('a', 'HV1', 0, 10), move('b', 'HV1', 5, 15), move('c', 'HV1', 10, 20)];
    expect(pacesOf(moves, ASSUMED_MODEL)).toEqual([
      { gapSeconds: 0, beside: 0, most: 2 },
      { gapSeconds: 5, beside: 0, most: 2 },
      { gapSeconds: 5, beside: 0, most: 2 },
    ]);
  });

  it('is of each node by itself', () => {
    const moves = [move('a', 'HV1', 0, 30), move('b', 'HV2', 1, 30), move('c', 'HV1', 4, 30)];
    expect(pacesOf(moves, ASSUMED_MODEL)).toEqual([
      { gapSeconds: 0, beside: 0, most: 2 },
      { gapSeconds: 0, beside: 0, most: 1 },
      { gapSeconds: 4, beside: 1, most: 2 },
    ]);
  });

  it('of one link has no copy beside another where the plan wants them one after the other', () => {
    const node = (name: string) => ({
      ...{ name, usableBytes: 512 * GB, linkBytesPerSecond: 1.25e9, performance: 'Compression' },
      ...{ cpuVendor: '', cpuModel: '', switches: [], open: true },
    });
    const problem = {
      ...{ model: ASSUMED_MODEL, slots: 4, reserveBytes: 0, enforcedAntiAffinity: false },
      nodes: ['HV1', 'HV2', 'HV3'].map(node),
      vms: Array.from({ length: 12 }, (_, i) => ({
        ...{ name: `vm-${i}`, owner: 'HV1', memoryBytes: 16 * GB, dirtyBytesPerSecond: 2e7 },
        ...{ switches: [], compatibility: true, possibleOwners: [], preferredOwners: [] },
        antiAffinityClassNames: [],
      })),
      task: { kind: 'empty', nodes: ['HV1'] },
    } as unknown as PlanProblem;
    const plan = planMoves(problem);
    if (!plan.feasible) throw new Error(plan.why);
    const paces = pacesOf(plan.moves, problem.model);
    expect(new Set(paces.map(({ beside }) => beside))).toEqual(new Set([0]));
    // Fewer than the slots: the link is what they share.
    expect(paces[0]?.most).toBeLessThan(4);
  });
});
