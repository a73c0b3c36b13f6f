// What a maintenance tells before a node is emptied: what others have changed since it was planned, and nothing else.
import { describe, expect, it } from 'vitest';
import { summaryLines } from '../../client/render/summary.ts';
import { differences, outlookOf, outlookOfPlan } from '../../domain/fleet/differences.ts';
import {
  afterMoves,
  outlookFor,
  outlookLines,
  type Outlook,
  type OutlookNode,
} from '../../domain/fleet/outlook.ts';
import { planDocument } from '../../domain/fleet/plan-document.ts';
import { noColors, step, view } from '../support/client-fakes.ts';
import { aSnapshot, aVm, GB, viewIn } from '../support/snapshot-builder.ts';
import { surveyFrom } from '../support/survey-builder.ts';

const GIB = 1024;

const node = (name: string, vms: Record<string, number>, more: Partial<OutlookNode> = {}) => ({
  ...{ name, closed: null, freeMiB: 100 * GIB, linkBytesPerSecond: 1.25e9 },
  vms: Object.entries(vms).map(([vm, gib]): [string, number] => [vm, gib * GIB]),
  ...more,
});

const outlook = (nodes: OutlookNode[], slots = 2): Outlook => ({
  at: '2026-12-01T13:00:00.000Z',
  slots,
  nodes,
});

const FIVE = { a: 8, b: 8, c: 8, d: 8, e: 8 };
const THEN = outlook([node('HV1', FIVE), node('HV2', {}), node('HV3', { x: 4 })]);

/** As it is now: HV1 and what is beside it. */
const now = (
  vms: Record<string, number>,
  hv1: Partial<OutlookNode> = {},
  hv2: Partial<OutlookNode> = {},
): Outlook => outlook([node('HV1', vms, hv1), node('HV2', {}, hv2), node('HV3', { x: 4 })]);

const PLANNED = { stuck: [], promisedSeconds: 300, reserveBytes: 2 * GB };

describe('a difference', () => {
  it.each<[string, Outlook, Partial<typeof PLANNED>, string[]]>([
    ['is nothing where nothing is otherwise', now(FIVE), {}, []],
    [
      'is a VM that came, by name and size',
      now({ ...FIVE, 'new-1': 4 }),
      {},
      ['not planned for: new-1 (4 GB) on HV1'],
    ],
    [
      'is many VMs that came, of which the first are named',
      now({ ...FIVE, ...Object.fromEntries('fghijklmno'.split('').map((vm) => [vm, 1])) }),
      { promisedSeconds: 30 },
      [expect.stringMatching(/^not planned for: f \(1 GB\), .* and 3 more on HV1$/) as string],
    ],
    ['is not one VM that left', now({ a: 8, b: 8, c: 8, d: 8 }), {}, []],
    [
      'is a good part of them that left',
      now({ a: 8, b: 8, c: 8 }),
      {},
      ['2 of 5 VMs that were to leave HV1 are not there any more'],
    ],
    ['is not memory that breathes', now({ ...FIVE, a: 10 }), {}, []],
    [
      'is memory that has grown',
      now({ a: 12, b: 12, c: 8, d: 8, e: 8 }),
      {},
      ['the VMs of HV1 had 40 GB and have 48 GB of memory'],
    ],
    [
      'is a VM that can be moved nowhere any more',
      now(FIVE),
      { stuck: [{ vm: 'a', why: 'HV2 and HV3: a DVD of its own' }] as never },
      ['can be moved nowhere now: a (HV2 and HV3: a DVD of its own)'],
    ],
    [
      'is a node that takes no VMs any more',
      now(FIVE, {}, { closed: 'the node is quarantined' }),
      {},
      ['HV2 takes no VMs now: the node is quarantined'],
    ],
    [
      'is a link that became slow, of the node itself too',
      now(FIVE, { linkBytesPerSecond: 125e6 }, { linkBytesPerSecond: 125e6 }),
      { promisedSeconds: 50 },
      [
        'the link of HV1 was 1.2 GB/s and is 119 MB/s',
        'the link of HV2 was 1.2 GB/s and is 119 MB/s',
      ],
    ],
    [
      'is fewer moves at once',
      outlook(now(FIVE).nodes, 1),
      { promisedSeconds: 30 },
      ['MaximumParallelMigrations was 2 and is 1'],
    ],
    ['is not more of them', outlook(now(FIVE).nodes, 4), {}, []],
    [
      'is memory that is tight now',
      outlook([
        node('HV1', FIVE),
        node('HV2', {}, { freeMiB: 30 * GIB }),
        node('HV3', {}, { freeMiB: 20 * GIB }),
      ]),
      {},
      [
        'memory is tight: the other nodes have room for 46 GB, and 40 GB leave HV1; it was 196 GB for 40 GB',
      ],
    ],
    [
      'is moves that take noticeably longer',
      now({ a: 16, b: 16, c: 16, d: 16, e: 16 }),
      {},
      [
        'the VMs of HV1 had 40 GB and have 80 GB of memory',
        'the moves off HV1 take about 5 min, and would have taken 2 min 30 s',
      ],
    ],
  ])('%s', (_what, is, planned, told) => {
    expect(differences(THEN, is, 'HV1', { ...PLANNED, ...planned })).toEqual(told);
  });

  it.each<[string, Outlook, Outlook, string[]]>([
    [
      'a VM that could be moved nowhere before',
      outlook([node('HV1', FIVE, { bound: ['a'] }), node('HV2', {})]),
      now(FIVE),
      ['a'],
    ],
    [
      'a node that took no VMs before',
      outlook([node('HV1', FIVE), node('HV2', {}, { closed: 'the node is Paused' })]),
      now(FIVE, {}, { closed: 'the node is Down', linkBytesPerSecond: 1 }),
      [],
    ],
    ['the node itself, which may be paused', THEN, now(FIVE, { closed: 'the node is Paused' }), []],
    [
      'VMs of a node of which nobody has told any',
      outlook([{ ...node('HV1', {}), vms: undefined as never }, node('HV2', {})]),
      now(FIVE),
      [],
    ],
  ])('is not %s', (_what, then, is, stuck) => {
    const planned = { ...PLANNED, stuck: stuck.map((vm) => ({ vm, why: 'x' })) };
    expect(differences(then, is, 'HV1', planned)).toEqual([]);
  });
});

describe('what the maintenance moves itself', () => {
  const MOVED = [
    { vm: 'a', vmId: 'a', from: 'HV1', to: 'HV3', bytes: 8 * GB, seconds: 9 },
    { vm: 'b', vmId: 'b', from: 'HV1', to: 'HV2', bytes: 8 * GB, seconds: 9 },
  ];

  it('is no difference for the node that it went to, nor for the one that it came from', () => {
    const expected = afterMoves(THEN, MOVED);
    const is = outlook([
      node('HV1', { c: 8, d: 8, e: 8 }, { freeMiB: 116 * GIB }),
      node('HV2', { b: 8 }, { freeMiB: 92 * GIB }),
      node('HV3', { x: 4, a: 8 }, { freeMiB: 92 * GIB }),
    ]);
    expect(expected.nodes).toEqual(is.nodes);
    for (const name of ['HV1', 'HV2', 'HV3']) {
      expect(differences(expected, is, name, PLANNED)).toEqual([]);
    }
    // And without what it has moved there would be some.
    expect(differences(THEN, is, 'HV3', PLANNED)).toContain('not planned for: a (8 GB) on HV3');
  });

  it('comes back as if it had not been, where it is brought back', () => {
    const back = MOVED.map(({ from, to, ...rest }) => ({ ...rest, from: to, to: from }));
    const { nodes } = afterMoves(THEN, [...MOVED, ...back]);
    expect(nodes.map(({ name, vms, freeMiB }) => [name, vms?.length, freeMiB])).toEqual(
      THEN.nodes.map(({ name, vms, freeMiB }) => [name, vms?.length, freeMiB]),
    );
  });
});

describe('an outlook', () => {
  const snapshot = aSnapshot((s) => {
    s.view.roles[0]!.possibleOwners = ['HV1'];
    viewIn(s, 'HV1').vms = [
      aVm(),
      aVm({ id: 'id-off', name: 'off-1', state: 'Off', memoryAssignedBytes: 0 }),
    ];
  });
  const survey = surveyFrom(snapshot, { HV1: 1e9 });

  it('counts what runs on the nodes that are maintained, and what can leave them nowhere', () => {
    const { nodes, slots } = outlookOf(survey, ['HV1']);
    expect(slots).toBe(snapshot.view.cluster.maximumParallelMigrations);
    expect(nodes[0]).toEqual({
      ...{ name: 'HV1', closed: null, freeMiB: 96 * GIB, linkBytesPerSecond: 1e9 },
      ...{ vms: [['web-1', 10 * GIB]], bound: ['web-1'] },
    });
    expect(nodes.slice(1).map((one) => one.vms)).toEqual([undefined, undefined]);
    expect(outlookLines(outlookOf(survey, ['HV1', 'HV2']))).toEqual([
      'HV1: 1 VM, 10 GB',
      'HV2: 0 VMs',
    ]);
  });

  it('of a kept plan is that of what the plan rests on', () => {
    const task = {
      ...{ kind: 'rolling' as const, nodes: ['HV1', 'HV2'], restartSeconds: {} },
      ...{ maxDown: 1, final: 'any' as const },
    };
    const seen = surveyFrom(aSnapshot(), { HV1: 1e9 });
    const plan = planDocument(seen, task, { reserveBytes: 2 * GB });
    expect(outlookOfPlan(plan)).toEqual(outlookOf(seen, ['HV1', 'HV2']));
  });

  it('for the run of one node knows no other VMs', () => {
    const { nodes } = outlookFor(THEN, 'hv1');
    expect(nodes.map(({ name, vms }) => [name, vms?.length])).toEqual([
      ['HV1', 5],
      ['HV2', undefined],
      ['HV3', undefined],
    ]);
  });
});

describe('what is shown of differences', () => {
  const long = `not planned for: ${'application-server-0001 (4 GB), '.repeat(6)}on HV2`;
  const plan = step('cluster/plan', {
    state: 'succeeded',
    evidence: { moves: 3, plannedAt: '2026-12-01T13:00:00.000Z', differs: [long, 'b'] },
  });
  const options = {
    ...{ columns: 60, now: new Date(), colors: noColors },
    ...{ link: () => '', needsOperatorLink: '' },
  };

  it('is every word, each on lines of its own', () => {
    const lines = summaryLines(view([plan]), options);
    const text = lines.map((line) => line.trim()).join(' ');
    expect(text).toMatch(/Otherwise than planned at .*: - not planned for: application/);
    expect(text).toContain(long);
    expect(lines).toContain('    - b');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(60);
  });

  it('is nothing where there are none', () => {
    const none = step('cluster/plan', {
      state: 'succeeded',
      evidence: { moves: 3, plannedAt: 'x', differs: [] },
    });
    expect(summaryLines(view([none]), options).join(' ')).not.toContain('therwise');
  });
});
