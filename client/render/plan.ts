// What `cluster plan` prints: ordered steps with restarts marked, what stands in the way grouped by its subject, and
// how much is already as wanted.
import type { ClusterPlan, PlannedStep } from '../../domain/plan.ts';
import type { Blocker } from '../../domain/plan-blockers.ts';
import type { Colors } from '../terminal.ts';
import { clip, oneLine, wrap } from './format.ts';

export interface PlanOptions {
  columns: number;
  colors: Colors;
}

export function planLines(cluster: string, plan: ClusterPlan, o: PlanOptions): string[] {
  const lines: string[] = [];
  const n = plan.steps.length;
  if (n === 0) {
    lines.push(o.colors.bold(`Cluster ${cluster} already is as wanted; nothing to do.`));
  } else {
    lines.push(o.colors.bold(`Cluster ${cluster}: ${n} ${n === 1 ? 'step' : 'steps'} to do`), '');
    plan.steps.forEach((step, i) => lines.push(...stepLines(step, i, o)));
  }
  if (plan.blockers.length > 0) lines.push('', ...blockerLines(plan.blockers, o));
  if (plan.unchanged.length > 0) {
    lines.push('', o.colors.dim(`Already as wanted: ${plan.unchanged.length}`));
    lines.push(...plan.unchanged.map((u) => o.colors.dim(clip(`  = ${oneLine(u)}`, o.columns))));
  }
  const restarting = restartsOf(plan);
  if (restarting.length > 0) {
    lines.push('', o.colors.yellow(`Restarts: ${restarting.join(', ')} (one after the other)`));
  }
  return lines;
}

function stepLines(step: PlannedStep, i: number, o: PlanOptions): string[] {
  const mark = step.restarts ? o.colors.bold(o.colors.yellow('  [restarts]')) : '';
  const head = clip(`${String(i + 1).padStart(3)}. ${oneLine(step.title)}`, o.columns - 12);
  return [
    head + mark,
    ...step.changes.map((c) =>
      clip(`       ${oneLine(c.what)}: ${oneLine(c.from)} -> ${oneLine(c.to)}`, o.columns),
    ),
  ];
}

/** Nodes that a plan restarts, each once, in order. */
export const restartsOf = (plan: ClusterPlan): string[] => [
  ...new Set(plan.steps.filter((s) => s.restarts).map((s) => s.node ?? s.id)),
];

export function blockerLines(blockers: readonly Blocker[], o: PlanOptions): string[] {
  const subjects = [...new Set(blockers.map((b) => b.subject))];
  const count = `${blockers.length} ${blockers.length === 1 ? 'thing stands' : 'things stand'}`;
  const lines = [o.colors.bold(o.colors.red(`${count} in the way; mend this first`))];
  for (const subject of subjects) {
    lines.push(`  ${o.colors.bold(oneLine(subject))}`);
    for (const b of blockers.filter((x) => x.subject === subject)) {
      lines.push(...wrap(`${b.code}: ${b.message}`, o.columns, '    '));
      if (b.hint !== '') lines.push(...wrap(b.hint, o.columns, '      '));
    }
  }
  return lines;
}
