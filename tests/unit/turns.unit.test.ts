// Whose move begins next, as a table: what is observed, what is promised, who waits, and what comes of it.
import { describe, expect, it } from 'vitest';
import {
  decideTurns,
  type Ended,
  type Given,
  type MoveUnderWay,
  type Standing,
  type TurnKind,
  type Waiting,
} from '../../domain/turns.ts';

const GB = 2 ** 30;
const NOW = 1_000_000;

interface Row {
  limit?: number;
  /** Node -> why nothing may move there. */
  closed?: Record<string, string>;
  moves?: MoveUnderWay[];
  given?: Given[];
  ended?: Ended[];
  wants: Waiting[];
}

const moving = (vm: string, from: string, target: string | null): MoveUnderWay => ({
  vm,
  vmId: vm,
  from,
  target,
});

const want = (vm: string, from: string, targets: string, more: Partial<Waiting> = {}): Waiting => ({
  ask: `ask-${vm}`,
  run: { workflowId: `run-of-${vm}`, runId: vm },
  kind: 'person',
  vm,
  vmId: vm,
  from,
  memoryBytes: 16 * GB,
  targets: targets.split(' ').map((node) => ({ node, roomBytes: 100 * GB })),
  order: 0,
  came: NOW,
  ...more,
});

const turn = (vm: string, from: string, target: string, more: Partial<Given> = {}): Given => ({
  ...want(vm, from, target),
  target,
  since: NOW,
  ...more,
});

const decide = ({ limit = 2, closed = {}, moves = [], given = [], ended = [], wants }: Row) => {
  const standing: Standing = {
    limit,
    nodes: ['HV1', 'HV2', 'HV3', 'HV4'].map((name) => ({ name, closed: closed[name] ?? null })),
    moves,
    queued: [],
  };
  const decided = decideTurns(NOW, standing, given, ended, wants);
  return [
    ...decided.grants.map(({ want: { vm }, target }) => `${vm} -> ${target}`),
    ...decided.refusals.map(({ want: { vm }, why }) => `${vm} refused: ${why}`),
    ...decided.waits.map(({ want: { vm }, why }) => `${vm} waits: ${why}`),
  ];
};

const narrow = (vm: string, from: string, node: string, gb: number, more: Partial<Waiting> = {}) =>
  want(vm, from, node, { targets: [{ node, roomBytes: gb * GB }], ...more });

describe('whose move begins next', () => {
  it.each<[string, Row, (string | RegExp)[]]>([
    ['a free way is given at once', { wants: [want('a', 'HV1', 'HV2')] }, ['a -> HV2']],
    [
      'moves that begin together spread over nodes that are as good',
      { wants: ['a', 'b'].map((vm) => want(vm, 'HV1', 'HV2 HV3 HV4')) },
      ['a -> HV2', 'b -> HV3'],
    ],
    [
      'with as many moves at each, the node with the most room left since the look is next',
      {
        ended: [
          { target: 'HV2', memoryBytes: 16 * GB, at: NOW + 1 },
          { target: 'HV3', memoryBytes: 8 * GB, at: NOW + 1 },
        ],
        wants: [want('a', 'HV1', 'HV2 HV3')],
      },
      ['a -> HV3'],
    ],
    [
      'a turn that is given counts although nothing moves yet',
      { limit: 1, given: [turn('a', 'HV1', 'HV2')], wants: [want('b', 'HV3', 'HV2')] },
      ['b waits: a free migration slot at HV2 (limit 1, promised to a (run run-of-a))'],
    ],
    [
      'it goes elsewhere rather than wait for the best node',
      { limit: 1, given: [turn('a', 'HV1', 'HV2')], wants: [want('b', 'HV3', 'HV2 HV4')] },
      ['b -> HV4'],
    ],
    [
      'a worse node is taken only where the better ones would have to wait',
      {
        limit: 2,
        wants: ['a', 'b', 'c'].map((vm, i) =>
          want(vm, `HV${i === 0 ? 1 : i + 2}`, 'HV2', {
            targets: [
              { node: 'HV1', roomBytes: 100 * GB, worse: true as const },
              { node: 'HV2', roomBytes: 100 * GB },
            ].filter(({ node }) => i > 0 || node === 'HV2'),
          }),
        ),
      },
      ['a -> HV2', 'b -> HV2', 'c -> HV1'],
    ],
    [
      "somebody else's move takes a slot at both of its ends",
      { limit: 1, moves: [moving('x', 'HV1', 'HV2')], wants: [want('a', 'HV3', 'HV2')] },
      ['a waits: a free migration slot at HV2 (limit 1, in use by x)'],
    ],
    [
      'a move whose target nobody knows may go anywhere',
      { limit: 1, moves: [moving('x', 'HV1', null)], wants: [want('a', 'HV3', 'HV2')] },
      ['a waits: a free migration slot at HV3 and HV2 (limit 1, in use by x)'],
    ],
    [
      'a move that has its turn counts once, and where it goes is known',
      {
        limit: 1,
        moves: [moving('a', 'HV1', null)],
        given: [turn('a', 'HV1', 'HV2')],
        wants: [want('b', 'HV3', 'HV4')],
      },
      ['b -> HV4'],
    ],
    [
      'its own move, which is under way, is not in its way',
      { limit: 1, moves: [moving('a', 'HV1', 'HV2')], wants: [want('a', 'HV1', 'HV2')] },
      ['a -> HV2'],
    ],
    [
      "another run's turn for the same VM is waited for",
      {
        given: [turn('a', 'HV1', 'HV2', { run: { workflowId: 'campaign', runId: 'c' } })],
        wants: [want('a', 'HV1', 'HV3')],
      },
      ['a waits: the move of a by campaign, which has its turn'],
    ],
    [
      'persons go before drains and drains before balances, whoever came first',
      {
        limit: 1,
        wants: (['balance', 'drain', 'person'] as TurnKind[]).map((kind, i) =>
          want(kind, 'HV1', 'HV2', { kind, came: NOW - 100 + i }),
        ),
      },
      ['person -> HV2', /^drain waits: .*promised to person/, /^balance waits: /],
    ],
    [
      'inside a kind the order of the run counts, then who came first',
      {
        limit: 1,
        wants: [
          want('late', 'HV1', 'HV2', { order: 1, came: NOW - 9 }),
          want('first', 'HV1', 'HV2', { order: 0, came: NOW - 1 }),
          want('older', 'HV3', 'HV4', { came: NOW - 5 }),
          want('newer', 'HV3', 'HV4', { came: NOW - 4 }),
        ],
      },
      ['older -> HV4', 'first -> HV2', /^newer waits/, /^late waits/],
    ],
    [
      'what a person waits for is kept from a drain',
      {
        limit: 1,
        moves: [moving('x', 'HV2', 'HV3')],
        wants: [want('p', 'HV1', 'HV2'), want('d', 'HV1', 'HV4', { kind: 'drain' })],
      },
      [
        /^p waits: .*HV2/,
        /^d waits: .*HV1 \(limit 1, kept for p \(run run-of-p\), which came first\)/,
      ],
    ],
    [
      'among persons nothing is kept, until one has waited for long',
      {
        limit: 1,
        moves: [moving('x', 'HV2', 'HV3')],
        wants: [want('p', 'HV1', 'HV2'), want('q', 'HV1', 'HV4')],
      },
      ['q -> HV4', /^p waits/],
    ],
    [
      'who has waited for long comes next',
      {
        limit: 1,
        moves: [moving('x', 'HV2', 'HV3')],
        wants: [want('p', 'HV1', 'HV2', { came: 0 }), want('q', 'HV1', 'HV4')],
      },
      [/^p waits/, /^q waits: .*kept for p/],
    ],
    [
      'memory on its way counts from the turn on',
      { given: [turn('a', 'HV1', 'HV2')], wants: [narrow('b', 'HV3', 'HV2', 20)] },
      ['b waits: memory at HV2: room for 4 GB, and b needs 16 GB'],
    ],
    [
      'what two wants of one moment need is not promised twice',
      { wants: ['a', 'b'].map((vm) => narrow(vm, 'HV1', 'HV2', 20)) },
      ['a -> HV2', /^b waits: memory at HV2/],
    ],
    [
      'what has arrived since the look is gone: whoever asked looks again',
      {
        ended: [{ target: 'HV2', memoryBytes: 16 * GB, at: NOW + 1 }],
        wants: [narrow('b', 'HV3', 'HV2', 20)],
      },
      ['b refused: no node can take b any more. HV2: room for 4 GB, and b needs 16 GB'],
    ],
    [
      'what had arrived before is in the look already',
      {
        ended: [{ target: 'HV2', memoryBytes: 16 * GB, at: NOW - 1 }],
        wants: [narrow('b', 'HV3', 'HV2', 20)],
      },
      ['b -> HV2'],
    ],
    [
      'VMs that must be kept apart do not go to the same node',
      {
        given: [turn('a', 'HV1', 'HV2', { apart: ['db'] })],
        wants: [want('b', 'HV3', 'HV2 HV4', { apart: ['DB'] })],
      },
      ['b -> HV4'],
    ],
    [
      'a node that takes no VMs is left out',
      { closed: { HV2: 'the node is paused' }, wants: [want('a', 'HV1', 'HV2 HV3')] },
      ['a -> HV3'],
    ],
    [
      'when none of the targets takes VMs the want is refused, with the reasons',
      { closed: { HV2: 'the node is paused' }, wants: [want('a', 'HV1', 'HV2 HV9')] },
      [
        'a refused: no node can take a any more. HV2: the node is paused; HV9: it is no node of the cluster',
      ],
    ],
    [
      'names are compared without case',
      { limit: 1, moves: [moving('x', 'hv1', 'hv2')], wants: [want('a', 'HV3', 'HV2')] },
      [/in use by x/],
    ],
  ])('%s', (_name, row, expected) => {
    const told = decide(row);
    expect(told).toHaveLength(expected.length);
    expected.forEach((line, i) =>
      typeof line === 'string' ? expect(told[i]).toBe(line) : expect(told[i]).toMatch(line),
    );
  });

  it('takes no time worth mentioning for hundreds of wants', () => {
    const wants = Array.from({ length: 1000 }, (_, i) =>
      want(`vm-${i}`, `HV${(i % 4) + 1}`, 'HV1 HV2 HV3 HV4'),
    );
    const before = performance.now();
    const told = decide({ wants });
    expect(told.filter((line) => line.includes('->'))).toHaveLength(4);
    expect(performance.now() - before).toBeLessThan(1000);
  });
});
