// Which pause is ours, and which moves belong to it, from the campaigns that have ended well.
import { expect, it } from 'vitest';
import { Drains, type Campaign } from '../../client/runs/drains.ts';
import type { DrainNodesResult } from '../../workflows/drain-nodes.ts';

const drain = (paused: 'us' | 'others', ...vms: string[]): Campaign => {
  const moves = vms.map((vm) => ({
    ...{ vm, vmId: vm, from: 'HV1', to: 'HV2', bytes: 1, seconds: 1 },
  }));
  const result: Partial<DrainNodesResult> = { nodes: ['HV1'], paused: { HV1: paused }, moves };
  return { type: 'drainNodes', result: result as DrainNodesResult };
};
const RESUME: Campaign = { type: 'resumeNodes', result: { nodes: ['hv1'] } };

const found = (...newestFirst: Campaign[]) => {
  const drains = new Drains('hv', ['HV1']);
  newestFirst.every((one) => drains.see(one));
  return drains.found.map(({ paused, moves }) => [paused, ...moves.map(({ vm }) => vm)]);
};

it('keeps its pause when a node that it has drained is drained once more', () => {
  expect(found(drain('others', 'late'), drain('us', 'web', 'db'))).toEqual([
    ['us', 'late', 'web', 'db'],
  ]);
});

it('is not ours where somebody else had paused the node before', () => {
  expect(found(drain('others', 'web'))).toEqual([['others', 'web']]);
});

it('ends with the resumption of the node', () => {
  expect(found(RESUME, drain('us', 'web'))).toEqual([]);
  expect(found(drain('others'), RESUME, drain('us', 'web'))).toEqual([['others']]);
});
