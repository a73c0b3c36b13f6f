// What is on record of drains: whose pause a node is in, and what was moved off it since it last took part.
import { describe, expect, it } from 'vitest';
import { drainsAmong, type EndedCampaign } from '../../client/runs/drains.ts';
import type { PastMove } from '../../domain/fleet/learned.ts';
import type { DrainNodesResult } from '../../workflows/drain-nodes.ts';

const move = (vm: string, to = 'HV2', from = 'HV1'): PastMove => ({
  ...{ vm, vmId: vm, from, to },
  ...{ bytes: 1, seconds: 1 },
});

const drain = (
  paused: DrainNodesResult['paused'],
  moves: PastMove[] = [],
): EndedCampaign & { result: DrainNodesResult } => ({
  type: 'drainNodes',
  result: { nodes: Object.keys(paused), paused, moves, left: [] },
});
const resume = (...nodes: string[]): EndedCampaign => ({ type: 'resumeNodes', result: { nodes } });

const onRecord = (nodes: string[], newestFirst: EndedCampaign[]) => {
  const { drains, open } = drainsAmong('hv-lab', nodes, newestFirst);
  const told = drains.map(({ node, paused, moves }) => [node, paused, ...moves.map((m) => m.vm)]);
  return { told, open: [...open] };
};

describe('drainsAmong', () => {
  it('tells the drain that has paused a node, whatever came before', () => {
    const seen = [drain({ hv1: 'us' }, [move('a'), move('b', 'HV1', 'HV3')]), drain({ HV1: 'us' })];
    expect(onRecord(['HV1'], seen)).toEqual({ told: [['HV1', 'us', 'a']], open: [] });
  });

  it('takes the pause that a second drain has found for that of the first', () => {
    const seen = [drain({ HV1: 'others' }, [move('b')]), drain({ HV1: 'us' }, [move('a')])];
    expect(onRecord(['HV1'], seen)).toEqual({ told: [['HV1', 'us', 'b', 'a']], open: [] });
  });

  it('leaves to others a pause that no drain has made, and looks further back', () => {
    const seen = [drain({ HV1: 'others' })];
    expect(onRecord(['HV1'], seen)).toEqual({ told: [['HV1', 'others']], open: ['HV1'] });
  });

  it('knows nothing from before a resumption', () => {
    const seen = [resume('HV1'), drain({ HV1: 'us', HV2: 'us' })];
    expect(onRecord(['HV1', 'HV2'], seen)).toEqual({ told: [['HV2', 'us']], open: [] });
  });

  it('keeps the drain that found a pause where the one before it was resumed', () => {
    const seen = [drain({ HV1: 'others' }), resume('HV1'), drain({ HV1: 'us' })];
    expect(onRecord(['HV1'], seen)).toEqual({ told: [['HV1', 'others']], open: [] });
  });

  it('tells of a VM that was moved off twice where it was moved last', () => {
    const seen = [
      drain({ HV1: 'others' }, [move('a', 'HV3')]),
      drain({ HV1: 'us' }, [move('a', 'HV2')]),
    ];
    expect(drainsAmong('hv-lab', ['HV1'], seen).drains[0]?.moves).toEqual([move('a', 'HV3')]);
  });
});
