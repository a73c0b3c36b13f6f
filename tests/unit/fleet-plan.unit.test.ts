// Plans as things: in words, kept in a file, held against what is there later; and what would open one where there is
// none.
import { describe, expect, it } from 'vitest';
import { fleetPlanLines } from '../../client/render/fleet-plan.ts';
import { parsePlan, planText } from '../../config/plan-file.ts';
import type { Snapshot } from '../../domain/facts.ts';
import { compareFacts } from '../../domain/fleet/drift.ts';
import { planDocument, type PlanDocument } from '../../domain/fleet/plan-document.ts';
import { tellMoves } from '../../domain/fleet/words.ts';
import { planMoves } from '../../domain/planner/plan.ts';
import type { PlanProblem } from '../../domain/planner/problem.ts';
import { noColors } from '../support/client-fakes.ts';
import {
  aNode,
  aNodeView,
  aRole,
  aSnapshot,
  aVm,
  GB,
  viewIn,
} from '../support/snapshot-builder.ts';
import { surveyFrom } from '../support/survey-builder.ts';

const RESERVE = 2 * GB;
const TASK = { kind: 'empty' as const, nodes: ['HV1'] };

interface VmRow {
  name: string;
  node: string;
  gb: number;
  possible?: string[];
  preferred?: string[];
}

/** Three nodes; `free` in GB. */
function cluster(
  rows: VmRow[],
  free: Record<string, number>,
  change: (s: Snapshot) => void = () => undefined,
): Snapshot {
  return aSnapshot((s) => {
    s.view.nodes = Object.keys(free).map((name) => aNode(name));
    s.view.roles = rows.map((row) =>
      aRole({
        vmId: `id-${row.name}`,
        name: row.name,
        owner: row.node,
        possibleOwners: row.possible ?? [],
        preferredOwners: row.preferred ?? [],
      }),
    );
    s.nodes = Object.fromEntries(
      Object.entries(free).map(([name, gb]): [string, Snapshot['nodes'][string]] => {
        const view = aNodeView(name);
        view.host.freeMemoryBytes = gb * GB;
        view.vms = rows
          .filter(({ node }) => node === name)
          .map((row) =>
            aVm({ id: `id-${row.name}`, name: row.name, memoryAssignedBytes: row.gb * GB }),
          );
        return [name, { view }];
      }),
    );
    change(s);
  });
}

const documentOf = (s: Snapshot, reserveBytes = RESERVE): PlanDocument =>
  planDocument(surveyFrom(s), TASK, { reserveBytes });

describe('the reason of a move', () => {
  const whys = (s: Snapshot): Record<string, string> =>
    Object.fromEntries(documentOf(s).moves.map(({ vm, why, to }) => [vm, `${to}: ${why}`]));

  it('is the only node that may take it, with what keeps it from the others', () => {
    const rows = [{ name: 'a', node: 'HV1', gb: 4, possible: ['HV1', 'HV3'] }];
    expect(whys(cluster(rows, { HV1: 10, HV2: 90, HV3: 20 }))['a']).toBe(
      'HV3: the only possible owner that may take it',
    );
    const down = cluster([{ name: 'a', node: 'HV1', gb: 4 }], { HV1: 9, HV2: 9, HV3: 90 }, (s) => {
      s.view.nodes[2]!.state = 'Paused';
    });
    expect(whys(down)['a']).toBe(
      'HV2: the only node that may take it (HV3: the node is paused and takes no VMs)',
    );
  });

  it('is a preferred owner', () => {
    const rows = [{ name: 'a', node: 'HV1', gb: 4, preferred: ['HV2'] }];
    expect(whys(cluster(rows, { HV1: 10, HV2: 20, HV3: 90 }))['a']).toBe('HV2: preferred owner');
  });

  it('is the room that others lack', () => {
    const rows = [{ name: 'a', node: 'HV1', gb: 40 }];
    expect(whys(cluster(rows, { HV1: 10, HV2: 20, HV3: 90 }))['a']).toBe(
      'HV3: the only one that can take it at its turn: HV2 has no room for it then',
    );
  });

  it('is the most memory that is left after all moves', () => {
    const rows = [
      { name: 'a', node: 'HV1', gb: 4 },
      { name: 'b', node: 'HV2', gb: 9 },
    ];
    expect(whys(cluster(rows, { HV1: 10, HV2: 50, HV3: 90 }))['a']).toBe(
      'HV3: most free memory after the moves (86 GB) of those that may take it',
    );
  });

  it('is the room that another VM needs, for one that could have stayed', () => {
    // web-1 fits nowhere until b has left HV2 for HV3.
    const rows = [
      { name: 'web-1', node: 'HV1', gb: 30 },
      { name: 'b', node: 'HV2', gb: 20 },
    ];
    const { moves } = documentOf(cluster(rows, { HV1: 10, HV2: 15, HV3: 25 }));
    expect(moves.map(({ vm, to }) => `${vm} ${to}`)).toEqual(['b HV3', 'web-1 HV2']);
    expect(moves[0]?.why).toMatch(/^makes room on HV2 for web-1; /);
    expect(moves[1]?.waits).toBe('waits for memory that b frees on HV2');
  });

  it('is told for every move of a large plan, and every later one says what it waits for', () => {
    const rows = Array.from({ length: 40 }, (_, i) => ({
      name: `vm-${i}`,
      node: 'HV1',
      gb: 2 + (i % 5),
    }));
    const { moves } = documentOf(cluster(rows, { HV1: 10, HV2: 120, HV3: 120 }));
    expect(moves).toHaveLength(40);
    for (const move of moves) {
      expect(move.why).toMatch(/^\S.*[^.\s]$/);
      if (move.startSeconds > 0.01) expect(move.waits).toMatch(/^waits (for|until) /);
      else expect(move.waits).toBeUndefined();
    }
  });
});

describe('a plan that maintains the whole cluster', () => {
  const whole = (rows: VmRow[]): PlanDocument => {
    const nodes = ['HV1', 'HV2', 'HV3'];
    const restartSeconds = Object.fromEntries(nodes.map((node) => [node, 300]));
    const task = { kind: 'rolling', nodes, restartSeconds, maxDown: 1, final: 'any' } as const;
    return planDocument(surveyFrom(cluster(rows, { HV1: 60, HV2: 60, HV3: 60 })), task, {
      reserveBytes: RESERVE,
    });
  };

  it('lets VMs go to nodes that are maintained before or after theirs', () => {
    const plan = whole([
      { name: 'a', node: 'HV1', gb: 4 },
      { name: 'b', node: 'HV2', gb: 4 },
    ]);
    expect(plan.blockers).toEqual([]);
    expect(plan.restarts.toSorted()).toEqual(['HV1', 'HV2', 'HV3']);
    expect(new Set(plan.moves.map(({ vm }) => vm))).toEqual(new Set(['a', 'b']));
  });

  it('names the VM that only one node may hold', () => {
    const plan = whole([{ name: 'tied', node: 'HV1', gb: 4, possible: ['HV1'] }]);
    expect(plan.blockers).toEqual([expect.stringMatching(/^tied /)]);
  });

  it('is there at once when there is nothing to move', () => {
    expect(whole([])).toMatchObject({ moves: [], blockers: [] });
  });
});

describe('a wait for a slot', () => {
  it('names the VM that holds it', () => {
    const s = cluster(
      [
        { name: 'a', node: 'HV1', gb: 8 },
        { name: 'b', node: 'HV1', gb: 8 },
      ],
      { HV1: 10, HV2: 50, HV3: 5 },
      (one) => (one.view.cluster.maximumParallelMigrations = 1),
    );
    const [first, second] = documentOf(s).moves;
    expect(second?.waits).toBe(`waits for a slot at HV2 until ${first?.vm ?? ''} has arrived`);
  });
});

describe('where there is no plan', () => {
  const help = (s: Snapshot, reserve = RESERVE): string[] => documentOf(s, reserve).help;
  const ROWS: { would: string; when: string; s: Snapshot }[] = [
    {
      when: 'the only node with room is paused',
      would: 'resume HV3',
      s: cluster([{ name: 'a', node: 'HV1', gb: 30 }], { HV1: 9, HV2: 9, HV3: 90 }, (s) => {
        s.view.nodes[2]!.state = 'Paused';
      }),
    },
    {
      when: 'the node with room is no possible owner',
      would: 'add HV3 to the possible owners of a',
      s: cluster([{ name: 'a', node: 'HV1', gb: 30, possible: ['HV1', 'HV2'] }], {
        HV1: 9,
        HV2: 9,
        HV3: 90,
      }),
    },
    {
      when: 'only the reserve is in the way',
      would: 'lower the reserve from 2 GB to 1 GB',
      s: cluster([{ name: 'a', node: 'HV1', gb: 30 }], { HV1: 9, HV2: 31, HV3: 9 }),
    },
    {
      when: 'another VM takes the room',
      would: 'shut down or move b (8 GB on HV2)',
      s: cluster(
        [
          { name: 'a', node: 'HV1', gb: 30 },
          { name: 'b', node: 'HV2', gb: 8 },
        ],
        { HV1: 9, HV2: 25, HV3: 3 },
      ),
    },
    {
      when: 'nothing else helps',
      would: 'shut down a (30 GB on HV1)',
      s: cluster([{ name: 'a', node: 'HV1', gb: 30 }], { HV1: 9, HV2: 9, HV3: 9 }),
    },
    {
      when: 'live migration is off where there is room',
      would: 'enable live migration on HV3',
      s: cluster([{ name: 'a', node: 'HV1', gb: 30 }], { HV1: 9, HV2: 9, HV3: 90 }, (s) => {
        viewIn(s, 'HV3').migration!.enabled = false;
      }),
    },
  ];

  it.each(ROWS)('because $when, it says: $would', ({ s, would }) => {
    const document = documentOf(s);
    expect(document.help[0]).toBe(would);
    expect(document.blockers[0]).toMatch(/^a \(30 GB\) on HV1: HV\d/);
  });

  it('names all that has to go when no single one would do', () => {
    const s = cluster(
      [
        { name: 'a', node: 'HV1', gb: 30 },
        { name: 'b', node: 'HV1', gb: 40 },
      ],
      { HV1: 9, HV2: 9, HV3: 9 },
    );
    expect(help(s)).toEqual(['shut down a and b (70 GB together)']);
  });

  it('groups what many nodes have in common', () => {
    const s = cluster([{ name: 'a', node: 'HV1', gb: 30 }], { HV1: 9, HV2: 9, HV3: 9 }, (one) => {
      one.view.nodes[1]!.state = 'Paused';
      one.view.nodes[2]!.state = 'Paused';
    });
    expect(documentOf(s).blockers).toEqual([
      'a (30 GB) on HV1: HV2 and HV3: the node is paused and takes no VMs',
    ]);
  });
});

const BASE: VmRow[] = [
  { name: 'a', node: 'HV1', gb: 4, possible: ['HV1', 'HV2'] },
  { name: 'b', node: 'HV1', gb: 8, possible: ['HV1', 'HV3'] },
  { name: 'c', node: 'HV3', gb: 8 },
];
const FREE = { HV1: 20, HV2: 40, HV3: 40 };

describe('a plan that was kept', () => {
  const plan = documentOf(cluster(BASE, FREE));
  const drift = (change: (s: Snapshot) => void, links: Record<string, number> = {}): string[] =>
    compareFacts(plan, surveyFrom(cluster(BASE, FREE, change), links));

  it('is read back as it was written', () => {
    expect(parsePlan(planText(plan), 'plan.json')).toEqual(plan);
  });

  it('is refused with line and column where somebody has damaged it', () => {
    const wrong = planText({ ...plan, moves: plan.moves.map((m) => ({ ...m, to: 'HV9' })) });
    expect(() => parsePlan(wrong, 'plan.json')).toThrow(/plan\.json:\d+:\d+ .*knows no node HV9/);
    expect(() => parsePlan(planText({ ...plan, schema: 2 as 1 }), 'plan.json')).toThrow(/schema/);
    expect(() => parsePlan('{"schema": 1}', 'plan.json')).toThrow(/cluster: is missing/);
  });

  const MATTERS: [string, RegExp, (s: Snapshot) => void][] = [
    [
      'a VM is elsewhere',
      /^a was on HV1 and is on HV2$/,
      (s) => {
        s.view.roles[0]!.owner = 'HV2';
        viewIn(s, 'HV2').vms.push(viewIn(s, 'HV1').vms.shift()!);
      },
    ],
    ['a VM is gone', /^a is gone: HV1 has no such VM$/, (s) => viewIn(s, 'HV1').vms.shift()],
    [
      'a VM was shut down',
      /^a does not run any more$/,
      (s) => {
        Object.assign(viewIn(s, 'HV1').vms[0]!, { state: 'Off', memoryAssignedBytes: 0 });
      },
    ],
    [
      'a VM is on the move',
      /^a move of a is under way to HV3$/,
      (s) => {
        s.view.roles[0]!.move = { phase: 'setup', percent: 0, failureReason: '', target: 'HV3' };
      },
    ],
    [
      'a VM came',
      /^d \(2 GB\) is on HV1, which the plan does not know$/,
      (s) => {
        s.view.roles.push(aRole({ vmId: 'id-d', name: 'd' }));
        viewIn(s, 'HV1').vms.push(aVm({ id: 'id-d', name: 'd', memoryAssignedBytes: 2 * GB }));
      },
    ],
    [
      'a target is paused',
      /^HV2 was Up and is Paused$/,
      (s) => (s.view.nodes[1]!.state = 'Paused'),
    ],
    [
      'a target is silent',
      /^HV2 does not answer now$/,
      (s) => {
        s.nodes['HV2'] = { noAnswer: { code: 'X', message: 'silent' } };
      },
    ],
    [
      'the node itself is down',
      /^HV1 was Up and is Down$/,
      (s) => {
        s.view.nodes[0]!.state = 'Down';
        s.nodes['HV1'] = { noAnswer: { code: 'X', message: 'down' } };
      },
    ],
    [
      'the limit changed',
      /^MaximumParallelMigrations was 2 and is 1$/,
      (s) => {
        s.view.cluster.maximumParallelMigrations = 1;
      },
    ],
    [
      'its owners changed',
      /^HV2 is not a possible owner of a any more$/,
      (s) => {
        s.view.roles[0]!.possibleOwners = ['HV1', 'HV3'];
      },
    ],
    [
      'there is an ISO in it',
      /^a cannot be moved now: the DVD image/,
      (s) => {
        viewIn(s, 'HV1').vms[0]!.dvds = ['D:\\a.iso'];
      },
    ],
    [
      'a VM has grown beyond the room',
      /^HV2 has 40 GB free, which is too little for 39 GB more/,
      (s) => {
        viewIn(s, 'HV1').vms[0]!.memoryAssignedBytes = 39 * GB;
      },
    ],
    [
      'it is another cluster',
      /^the plan is for another cluster/,
      (s) => (s.view.cluster.id = 'other'),
    ],
  ];

  it.each(MATTERS)('does not fit any more when %s', (_when, words, change) => {
    const own = { ...plan, clusterId: 'own' };
    const now = surveyFrom(cluster(BASE, FREE, change));
    const told = compareFacts(words.source.includes('another') ? own : plan, now);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(words);
  });

  it('does not fit any more when a link is much slower', () => {
    const fast = planDocument(surveyFrom(cluster(BASE, FREE), { HV2: 1.25e9 }), TASK, {
      reserveBytes: RESERVE,
    });
    const now = surveyFrom(cluster(BASE, FREE), { HV2: 125e6 });
    expect(compareFacts(fast, now)).toEqual([
      'the link of HV2 was 1.2 GB/s and is 119 MB/s: the moves take longer',
    ]);
  });

  it('still fits after what does not matter to it', () => {
    expect(drift(() => undefined)).toEqual([]);
    expect(
      drift((s) => {
        s.view.nodes[0]!.state = 'Paused';
        s.view.roles[2]!.possibleOwners = ['HV3'];
        viewIn(s, 'HV3').host.freeMemoryBytes = 30 * GB;
        viewIn(s, 'HV1').vms[0]!.memoryAssignedBytes = 5 * GB;
        viewIn(s, 'HV3').vms[0]!.memoryAssignedBytes = 3 * GB;
      }),
    ).toEqual([]);
  });
});

describe('a plan in a terminal', () => {
  const plan = documentOf(cluster(BASE, FREE));

  it.each([40, 80, 120, 200])('fits %i columns and tells every reason', (columns) => {
    const lines = fleetPlanLines(plan, { columns, colors: noColors });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    const text = lines.join(' ').replace(/\s+/g, ' ');
    expect(text).toContain('Empty HV1: 2 moves, 12 GB, about');
    expect(text.match(/only possible owner/g)).toHaveLength(2);
  });

  it('says what is in the way and what would help', () => {
    const none = documentOf(cluster([{ name: 'a', node: 'HV1', gb: 30 }], { HV1: 9, HV2: 31 }));
    expect(fleetPlanLines(none, { columns: 120, colors: noColors })).toEqual([
      'Empty HV1: no plan',
      '',
      'In the way',
      '  x a (30 GB) on HV1: HV2: HV2 has 29 GB of room for 30 GB',
      '',
      'Any one of these would do',
      '  > lower the reserve from 2 GB to 1 GB',
      '  > shut down a (30 GB on HV1)',
    ]);
  });
});

describe('affinity and priority in a plan', () => {
  const node = (name: string): PlanProblem['nodes'][number] => ({
    name,
    usableBytes: 100 * GB,
    linkBytesPerSecond: 1.25e9,
    performance: 'Compression',
    cpuVendor: 'V',
    cpuModel: 'M',
    switches: [],
    open: true,
  });
  const vm = (
    name: string,
    more: Partial<PlanProblem['vms'][number]> = {},
  ): PlanProblem['vms'][number] => ({
    name,
    owner: 'HV1',
    memoryBytes: 4 * GB,
    dirtyBytesPerSecond: 0,
    switches: [],
    compatibility: true,
    possibleOwners: [],
    preferredOwners: [],
    antiAffinityClassNames: [],
    ...more,
  });
  const problem = (vms: PlanProblem['vms'], names = ['HV1', 'HV2', 'HV3']): PlanProblem => ({
    model: {
      setupSeconds: 3,
      handoverSeconds: 2,
      blackoutSeconds: 0.3,
      roundsMax: 10,
      factors: { TCPIP: 1, Compression: 2, SMB: 1.5 },
    },
    slots: 2,
    reserveBytes: GB,
    enforcedAntiAffinity: false,
    nodes: names.map(node),
    vms,
    task: TASK,
  });
  const targets = (p: PlanProblem): Record<string, string> => {
    const plan = planMoves(p);
    if (!plan.feasible) throw new Error(plan.why);
    return Object.fromEntries(plan.moves.map(({ vm: name, to }) => [name, to]));
  };

  it('never puts two VMs that a rule keeps apart on one node', () => {
    const rule = { apart: ['rule r'] };
    const to = targets(problem([vm('a', rule), vm('b', rule)]));
    expect(to['a']).not.toBe(to['b']);
    expect(planMoves(problem([vm('a', rule), vm('b', rule)], ['HV1', 'HV2']))).toMatchObject({
      feasible: false,
    });
  });

  it('keeps apart and together what should be, where that is possible', () => {
    const apart = { ratherApart: ['r'] };
    const to = targets(problem([vm('a', apart), vm('b', apart)]));
    expect(to['a']).not.toBe(to['b']);
    expect(targets(problem([vm('a', apart), vm('b', apart)], ['HV1', 'HV2']))).toEqual({
      a: 'HV2',
      b: 'HV2',
    });
    const together = { together: ['r'] };
    const both = targets(problem([vm('a', together), vm('b', together), vm('c'), vm('d')]));
    expect(both['a']).toBe(both['b']);
  });

  it('goes to a node that should be avoided only for lack of another', () => {
    expect(targets(problem([vm('a', { avoid: ['HV2'] })]))).toEqual({ a: 'HV3' });
    expect(targets(problem([vm('a', { avoid: ['HV2'] })], ['HV1', 'HV2']))).toEqual({ a: 'HV2' });
  });

  it('moves the higher priority first when that takes no longer', () => {
    // So many slots that the link decides.
    const wide = (vms: PlanProblem['vms']): PlanProblem => ({ ...problem(vms), slots: 4 });
    const mixed = Array.from({ length: 12 }, (_, i) =>
      vm(`vm-${i}`, { priority: [1000, 2000, 3000][i % 3]!, memoryBytes: (12 + (i % 4)) * GB }),
    );
    const plain = planMoves(wide(mixed.map(({ priority: _, ...one }) => one)));
    const plan = planMoves(wide(mixed));
    if (!plan.feasible || !plain.feasible) throw new Error('no plan');
    expect(plan.seconds).toBeLessThanOrEqual(plain.seconds * 1.01);
    const order = plan.moves.map(
      (move) => mixed.find(({ name }) => name === move.vm)?.priority ?? 0,
    );
    const swaps = order.flatMap((p, i) => order.slice(i + 1).filter((later) => later > p)).length;
    expect(swaps).toBeLessThanOrEqual(4);
  });

  it('tells of a move that waits for its own VM to arrive and one that waits for a rival', () => {
    const told = tellMoves(
      problem([vm('a', { apart: ['r'] }), vm('b', { owner: 'HV2', apart: ['r'] })]),
      [
        { vm: 'b', from: 'HV2', to: 'HV3', startSeconds: 0, endSeconds: 10 },
        { vm: 'a', from: 'HV1', to: 'HV2', startSeconds: 10, endSeconds: 20 },
      ],
    );
    expect(told[1]?.waits).toBe('waits until b, from which it is kept apart, has left HV2');
  });
});
