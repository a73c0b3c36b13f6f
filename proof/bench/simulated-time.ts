// How long a run must take at least because the simulated cluster needs its time: the part of the lab's time line in
// which something is under way that the run waits for. Pure.
import type { Effect } from '../../lab/machine/records.ts';
import type { Scenario } from '../../lab/scenario/schema.ts';

interface Interval {
  from: number;
  to: number;
}

/**
 * Milliseconds of simulated time covered by installations, restarts until the services run, starts of VMs, and moves.
 * What runs at the same time counts once, so this is the critical path of a run whose phases follow each other, as
 * those of applyCluster do. The lab notes ends of installations and starts of VMs only; their durations are the
 * scenario's.
 */
export function simulatedMs(effects: readonly Effect[], scenario: Scenario): number {
  const nodes = new Map(scenario.nodes.map((node) => [node.name, node]));
  const intervals = effects.flatMap((effect): Interval[] => {
    const at = Date.parse(effect.at);
    const node = nodes.get(effect.node);
    switch (effect.kind) {
      case 'feature-installed':
        return [{ from: at - (node?.installSeconds ?? 0) * 1000, to: at }];
      case 'node-up':
        return since(effects, effect, ['restart-requested'], (node?.serviceSeconds ?? 0) * 1000);
      case 'vm-started':
        return [{ from: at, to: at + scenario.vmStartSeconds * 1000 }];
      case 'move-finished':
        return since(effects, effect, ['move-queued', 'move-started'], 0);
      default:
        return [];
    }
  });
  return lengthOf(intervals);
}

/** From the first beginning that no earlier end of the same kind has used up, to `end` and a little more. */
function since(
  effects: readonly Effect[],
  end: Effect,
  beginnings: readonly Effect['kind'][],
  moreMs: number,
): Interval[] {
  const about = (e: Effect): boolean =>
    end.kind === 'node-up' ? e.node === end.node : e.subject === end.subject;
  const before = effects.filter((e) => e.seq < end.seq && about(e));
  const last = before.findLast((e) => e.kind === end.kind)?.seq ?? 0;
  const begun = before.find((e) => e.seq > last && beginnings.includes(e.kind));
  if (begun === undefined) return [];
  return [{ from: Date.parse(begun.at), to: Date.parse(end.at) + moreMs }];
}

function lengthOf(intervals: readonly Interval[]): number {
  let total = 0;
  let covered = -Infinity;
  for (const { from, to } of [...intervals].sort((a, b) => a.from - b.from)) {
    total += Math.max(0, to - Math.max(from, covered));
    covered = Math.max(covered, to);
  }
  return total;
}
