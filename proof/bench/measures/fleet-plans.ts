// What the planner itself takes: the largest cluster that watari knows, and instances of the evacuation problem from a
// folder, whose plans are judged by the product's own timeline. `npm run bench -- --fleet --instances FOLDER`.
import fs from 'node:fs';
import path from 'node:path';
import { ASSUMED_LINK, ASSUMED_MODEL } from '../../../domain/fleet/problem.ts';
import { planMoves } from '../../../domain/planner/plan.ts';
import { makeField } from '../../../domain/planner/field.ts';
import { Timeline } from '../../../domain/planner/timeline.ts';
import type { MovePlan, PlanProblem, PlanTask } from '../../../domain/planner/problem.ts';
import { problemOf, type Instance } from '../../evacuation/instance.ts';
import type { Bench } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';

export const FIGURES = {
  largest: figure('plan-largest', 'plan of a drain on 64 nodes with 4,000 VMs', {
    goal: { of: 'max', limit: 1000 },
  }),
  rolling: figure('plan-rolling', 'plan of a maintenance of all 64 nodes with 4,000 VMs', {
    goal: { of: 'max', limit: 1000 },
  }),
} satisfies Record<string, Figure>;

const GB = 1024 ** 3;
const NODES = 64;
const VMS = 4000;
const TIMES = 5;

const names = Array.from({ length: NODES }, (_, i) => `HV${i + 1}`);
const ROLLING: PlanTask = {
  ...{ kind: 'rolling', nodes: names, maxDown: 1, final: 'any' },
  restartSeconds: Object.fromEntries(names.map((name) => [name, 300])),
};

function largest(task: PlanTask): PlanProblem {
  return {
    model: ASSUMED_MODEL,
    slots: 4,
    reserveBytes: 2 * GB,
    enforcedAntiAffinity: false,
    nodes: names.map((name) => ({
      ...{ name, usableBytes: 1024 * GB, linkBytesPerSecond: ASSUMED_LINK },
      ...{ performance: 'Compression', cpuVendor: 'GenuineIntel', cpuModel: 'A' },
      ...{ switches: ['LAN'], open: true },
    })),
    vms: Array.from({ length: VMS }, (_, i) => ({
      ...{ name: `vm-${i}`, owner: names[i % NODES] ?? '', memoryBytes: (2 + (i % 7) * 2) * GB },
      ...{ dirtyBytesPerSecond: (i % 5) * 10e6, switches: ['LAN'], compatibility: false },
      ...{ possibleOwners: [], preferredOwners: [] },
      antiAffinityClassNames: i % 20 === 0 ? [`group-${i % 100}`] : [],
    })),
    task,
  };
}

export function measurePlans(bench: Bench): Promise<void> {
  bench.say('Planning on 64 nodes with 4,000 VMs');
  for (let i = 0; i < TIMES; i += 1) {
    FIGURES.largest.values.tuned.push(planned(largest({ kind: 'empty', nodes: ['HV1'] })));
    FIGURES.rolling.values.tuned.push(planned(largest(ROLLING)));
  }
  return Promise.resolve();
}

function planned(problem: PlanProblem): number {
  const { plan, ms } = timed(problem);
  if (!plan.feasible) throw new Error(`the planner finds no way: ${plan.why}`);
  return ms;
}

function timed(problem: PlanProblem): { plan: MovePlan; ms: number } {
  const since = performance.now();
  const plan = planMoves(problem);
  return { plan, ms: performance.now() - since };
}

/** A line for each instance file of the folder. */
export function planInstances(folder: string): string[] {
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.json'));
  if (files.length === 0) throw new Error(`${folder} has no instance (*.json)`);
  const rows = files.sort().map((file) => {
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    const problem = problemOf(JSON.parse(text) as Instance);
    const { plan, ms } = timed(problem);
    const size = `${problem.nodes.length} nodes, ${problem.vms.length} VMs`;
    const told = plan.feasible
      ? `${plan.seconds.toFixed(1).padStart(10)} s  ${String(plan.moves.length).padStart(5)} ` +
        `moves  ${faultOf(problem, plan) ?? 'valid'}`
      : `${plan.proven ? 'impossible' : 'no way found'}: ${plan.why}`;
    return [path.basename(file, '.json'), size, `${ms.toFixed(0)} ms`, told];
  });
  const width = (at: number): number => Math.max(...rows.map((row) => row[at]?.length ?? 0));
  return rows.map(([name = '', size = '', ms = '', told = '']) =>
    [name.padEnd(width(0)), size.padStart(width(1)), ms.padStart(width(2)), told].join('  '),
  );
}

/**
 * What is wrong with a plan that empties nodes or balances, played on a timeline of its own; null: nothing. The other
 * tasks have restarts in between, which their plan does not tell.
 */
function faultOf(problem: PlanProblem, plan: MovePlan & { feasible: true }): string | null {
  if (problem.task.kind === 'rolling') return 'not judged: an outside scorer plays restarts';
  const field = makeField(problem);
  const timeline = new Timeline(field, 'filled');
  const emptied = problem.task.kind === 'empty' ? problem.task.nodes : [];
  for (const name of emptied) timeline.close(field.siteOf(name));
  for (const move of plan.moves) {
    const guest = field.guestOf(move.vm);
    if (guest === undefined) return `${move.vm} is no VM of it`;
    while (timeline.now < move.startSeconds - 1e-3 && timeline.advance());
    const to = field.siteOf(move.to);
    if (guest.never[to.index] !== null) return `${move.vm} may never be on ${move.to}`;
    if (timeline.freeSlots(timeline.ownerOf(guest)) < 1 || timeline.freeSlots(to) < 1)
      return `${move.vm} has no slot at ${move.startSeconds} s`;
    if (timeline.isMoving(guest) || !timeline.hasPlace(guest, to))
      return `${move.vm} has no place on ${move.to} at ${move.startSeconds} s`;
    timeline.start(guest, to);
  }
  while (timeline.advance());
  const left = emptied.filter((name) => !timeline.isEmpty(field.siteOf(name)));
  return left.length === 0 ? null : `${left.join(', ')} is not empty at the end`;
}
