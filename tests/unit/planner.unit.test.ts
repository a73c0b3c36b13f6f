// The planner against small clusters made by chance: every plan is held against the rules at every moment, by a clock
// of its own, and "there is none" against a search that looks at every state.
import { describe, expect, it } from 'vitest';
import { planMoves } from '../../domain/planner/plan.ts';
import type { MovePlan, PlanProblem, PlannedMove } from '../../domain/planner/problem.ts';
import { seeded } from '../../domain/planner/search.ts';

const GIB = 1024 ** 3;
const MODEL: PlanProblem['model'] = {
  setupSeconds: 3,
  handoverSeconds: 2,
  blackoutSeconds: 0.3,
  roundsMax: 10,
  factors: { TCPIP: 1, Compression: 2, SMB: 1.5 },
};

/** Small enough for the search, full enough for VMs that must make room. */
function smallProblem(seed: number, task: (nodes: string[]) => PlanProblem['task']): PlanProblem {
  const random = seeded(seed);
  const whole = (n: number): number => Math.floor(random() * n);
  const names = ['HV1', 'HV2', 'HV3', 'HV4'].slice(0, 3 + whole(2));
  const free = new Map(names.map((name) => [name, 20 + whole(12)]));
  const nodes = names.map((name) => ({
    name,
    usableBytes: (free.get(name) ?? 0) * GIB,
    linkBytesPerSecond: [125e6, 1.25e9, 3.125e9][whole(3)] ?? 1.25e9,
    performance: 'Compression' as const,
    cpuVendor: 'GenuineIntel',
    cpuModel: random() < 0.9 ? 'A' : 'B',
    switches: random() < 0.9 ? ['lan', 'dmz'] : ['lan'],
    open: true,
  }));
  const vms: PlanProblem['vms'] = [];
  for (let i = 0; i < 5 + whole(3); i += 1) {
    const memory = 2 + 2 * whole(6);
    const owner = names[whole(names.length)] ?? 'HV1';
    const node = nodes.find((one) => one.name === owner);
    if ((free.get(owner) ?? 0) < memory || node === undefined) continue;
    free.set(owner, (free.get(owner) ?? 0) - memory);
    vms.push({
      name: `vm-${i}`,
      owner,
      memoryBytes: memory * GIB,
      dirtyBytesPerSecond: whole(5) * 40e6,
      switches: random() < 0.2 && node.switches.includes('dmz') ? ['dmz'] : ['lan'],
      compatibility: random() < 0.7,
      possibleOwners:
        random() < 0.15 ? [...new Set([owner, names[whole(names.length)] ?? owner])] : [],
      preferredOwners: random() < 0.2 ? [names[whole(names.length)] ?? owner] : [],
      antiAffinityClassNames: random() < 0.3 ? ['pair'] : [],
    });
  }
  return {
    model: MODEL,
    slots: 1 + whole(3),
    reserveBytes: GIB,
    enforcedAntiAffinity: random() < 0.5,
    nodes,
    vms,
    task: task(names),
  };
}

/** What forbids this VM on this node for ever. */
function isForbidden(p: PlanProblem, vm: PlanProblem['vms'][number], to: string): boolean {
  const node = p.nodes.find((n) => n.name === to);
  const home = p.nodes.find((n) => n.name === vm.owner);
  if (node === undefined || home === undefined) return true;
  return (
    (vm.possibleOwners.length > 0 && !vm.possibleOwners.includes(to)) ||
    vm.switches.some((name) => !node.switches.includes(name)) ||
    (node.cpuModel !== home.cpuModel && !vm.compatibility)
  );
}

/** Faults of a plan, found by going through its starts and ends in order of time. */
function faultsOf(
  p: PlanProblem,
  moves: readonly PlannedMove[],
  closed: readonly string[],
): string[] {
  const faults: string[] = [];
  const owner = new Map(p.vms.map((vm) => [vm.name, vm.owner]));
  const flying = new Map<string, PlannedMove>();
  const events = moves
    .flatMap((move) => [
      { at: move.startSeconds, starts: true, move },
      { at: move.endSeconds, starts: false, move },
    ])
    .sort((a, b) => a.at - b.at || Number(a.starts) - Number(b.starts));
  for (const { at, starts, move } of events) {
    if (!starts) {
      owner.set(move.vm, move.to);
      flying.delete(move.vm);
      continue;
    }
    const vm = p.vms.find((one) => one.name === move.vm);
    const node = p.nodes.find((one) => one.name === move.to);
    if (vm === undefined || node === undefined) throw new Error('a name of no problem');
    const say = (text: string): void => {
      faults.push(`${at.toFixed(3)} s, ${move.vm} to ${move.to}: ${text}`);
    };
    if (owner.get(vm.name) !== move.from || flying.has(vm.name)) say('it is not there');
    if (isForbidden(p, vm, move.to)) say('it may never be there');
    if (closed.includes(move.to)) say('the node is closed');
    for (const end of [move.from, move.to]) {
      const busy = [...flying.values()].filter((m) => m.from === end || m.to === end).length;
      if (busy >= p.slots) say(`no free slot at ${end}`);
    }
    const there = p.vms.filter(
      (other) => owner.get(other.name) === move.to || flying.get(other.name)?.to === move.to,
    );
    const used = there.reduce((sum, other) => sum + other.memoryBytes, 0);
    if (node.usableBytes - used - vm.memoryBytes < p.reserveBytes) say('no memory');
    const rival = there.some((other) =>
      other.antiAffinityClassNames.some((name) => vm.antiAffinityClassNames.includes(name)),
    );
    if (p.enforcedAntiAffinity && rival) say('anti-affinity');
    flying.set(vm.name, move);
  }
  for (const vm of p.vms)
    if (closed.includes(owner.get(vm.name) ?? '')) faults.push(`${vm.name} is still there`);
  return faults;
}

/** Whether any sequence of moves empties the nodes: every state is looked at. */
function canBeEmptied(p: PlanProblem, closed: readonly string[]): boolean {
  const seen = new Set<string>();
  const states = [p.vms.map((vm) => vm.owner)];
  for (let state = states.pop(); state !== undefined; state = states.pop()) {
    if (state.every((at) => !closed.includes(at))) return true;
    for (const [i, vm] of p.vms.entries()) {
      for (const node of p.nodes) {
        if (closed.includes(node.name) || state[i] === node.name) continue;
        if (isForbidden(p, vm, node.name)) continue;
        const there = p.vms.filter((_, j) => state[j] === node.name);
        const used = there.reduce((sum, other) => sum + other.memoryBytes, vm.memoryBytes);
        if (node.usableBytes - used < p.reserveBytes) continue;
        const rival = there.some((other) =>
          other.antiAffinityClassNames.some((name) => vm.antiAffinityClassNames.includes(name)),
        );
        if (p.enforcedAntiAffinity && rival) continue;
        const next = state.with(i, node.name);
        if (seen.has(next.join())) continue;
        seen.add(next.join());
        states.push(next);
      }
    }
  }
  return false;
}

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed + 1);
const EMPTY = (nodes: string[]): PlanProblem['task'] => ({
  kind: 'empty',
  nodes: nodes.slice(0, 1),
});

describe('a plan that empties a node', () => {
  it('is found exactly where there is one, and breaks no rule at any moment', () => {
    let without = 0;
    for (const seed of SEEDS) {
      const problem = smallProblem(seed, EMPTY);
      const plan = planMoves(problem);
      expect([seed, plan.feasible]).toEqual([seed, canBeEmptied(problem, ['HV1'])]);
      if (plan.feasible) expect([seed, faultsOf(problem, plan.moves, ['HV1'])]).toEqual([seed, []]);
      else {
        without += 1;
        expect(plan.blocked.length).toBeGreaterThan(0);
        expect(plan.why).toContain(plan.blocked[0]);
      }
    }
    // Both answers are asked for.
    expect(without).toBeGreaterThan(10);
    expect(without).toBeLessThan(SEEDS.length - 30);
  });

  it('is the same for the same problem', () => {
    const problem = smallProblem(4, EMPTY);
    expect(planMoves(problem)).toEqual(planMoves(structuredClone(problem)));
  });

  it('keeps the link of the source busy from the first copy to the last', () => {
    const node = (name: string): PlanProblem['nodes'][number] => ({
      name,
      usableBytes: 256 * GIB,
      linkBytesPerSecond: 1.25e9,
      performance: 'Compression',
      cpuVendor: 'V',
      cpuModel: 'M',
      switches: [],
      open: true,
    });
    const vm = (name: string): PlanProblem['vms'][number] => ({
      name,
      owner: 'HV1',
      memoryBytes: 16 * GIB,
      dirtyBytesPerSecond: 0,
      switches: [],
      compatibility: true,
      possibleOwners: [],
      preferredOwners: [],
      antiAffinityClassNames: [],
    });
    const plan = planMoves({
      model: MODEL,
      slots: 4,
      reserveBytes: GIB,
      enforcedAntiAffinity: false,
      nodes: ['HV1', 'HV2', 'HV3'].map(node),
      vms: ['a', 'b', 'c', 'd', 'e'].map(vm),
      task: { kind: 'empty', nodes: ['HV1'] },
    });
    if (!plan.feasible) throw new Error(plan.why);
    const copies = (5 * 16 * GIB) / 2.5e9;
    expect(plan.seconds).toBeCloseTo(MODEL.setupSeconds + copies + MODEL.handoverSeconds, 2);
  });
});

describe('a plan that maintains all nodes', () => {
  const rolling =
    (final: 'any' | 'home') =>
    (nodes: string[]): PlanProblem['task'] => ({
      kind: 'rolling',
      nodes,
      restartSeconds: Object.fromEntries(nodes.map((name) => [name, 100])),
      maxDown: 1,
      final,
    });

  it.each(['any', 'home'] as const)('breaks no rule and closes every node once (%s)', (final) => {
    let plans = 0;
    for (const seed of SEEDS.slice(0, 60)) {
      const problem = smallProblem(seed, rolling(final));
      const plan = planMoves(problem);
      if (!plan.feasible) continue;
      plans += 1;
      expect([seed, faultsOf(problem, plan.moves, [])]).toEqual([seed, []]);
      expect([...plan.maintain].sort()).toEqual(problem.nodes.map((n) => n.name).sort());
      expect(plan.seconds).toBeGreaterThan(problem.nodes.length * 100);
      if (final === 'home') expect(endOf(problem, plan)).toEqual(problem.vms.map((vm) => vm.owner));
    }
    expect(plans).toBeGreaterThan(10);
  });
});

describe('a plan that balances', () => {
  it('brings every node into the band', () => {
    let moved = 0;
    for (const seed of SEEDS.slice(0, 60)) {
      const problem = smallProblem(seed, () => ({ kind: 'rebalance', withinPercent: 15 }));
      const plan = planMoves(problem);
      if (!plan.feasible) continue;
      moved += plan.moves.length;
      expect([seed, faultsOf(problem, plan.moves, [])]).toEqual([seed, []]);
      const owners = endOf(problem, plan);
      const total = problem.vms.reduce((sum, vm) => sum + vm.memoryBytes, 0);
      const mean = total / problem.nodes.reduce((sum, node) => sum + node.usableBytes, 0);
      for (const node of problem.nodes) {
        const here = problem.vms.filter((_, i) => owners[i] === node.name);
        const load = here.reduce((sum, vm) => sum + vm.memoryBytes, 0) / node.usableBytes;
        expect(Math.abs(load - mean)).toBeLessThanOrEqual(0.15 + 1e-9);
      }
    }
    expect(moved).toBeGreaterThan(20);
  });
});

function endOf(problem: PlanProblem, plan: MovePlan & { feasible: true }): string[] {
  const owner = new Map(problem.vms.map((vm) => [vm.name, vm.owner]));
  for (const move of [...plan.moves].sort((a, b) => a.endSeconds - b.endSeconds))
    owner.set(move.vm, move.to);
  return [...owner.values()];
}
