// What a plan of many moves looks like in a terminal: how much and how long, then each move with its reason, then what
// stays behind and what stands in the way. Lines only; who prints them knows the terminal.
import type { PlanDocument } from '../../domain/fleet/plan-document.ts';
import { durationText, listed, listText, sizeText } from '../../domain/units.ts';
import type { Colors } from '../terminal.ts';
import { oneLine, pad, stringWidth, table, wrap } from './format.ts';

export interface FleetPlanOptions {
  columns: number;
  colors: Colors;
}

export function fleetPlanLines(plan: PlanDocument, o: FleetPlanOptions): string[] {
  const lines = [...wrap(headline(plan), o.columns).map((line) => o.colors.bold(line))];
  if (plan.moves.length > 0) lines.push('', ...moveLines(plan, o));
  if (plan.restarts.length > 0)
    lines.push('', ...wrap(`Restarts: ${listText(plan.restarts)}, in this order`, o.columns));
  if (plan.off.length > 0) {
    const names = listed(plan.off.map(({ vm, node }) => `${vm} (${node})`));
    lines.push(
      '',
      ...wrap(`Moved without a live migration, as it does not run: ${names}`, o.columns),
    );
  }
  if (plan.blockers.length > 0) {
    lines.push('', o.colors.bold(o.colors.red('In the way')));
    lines.push(...plan.blockers.flatMap((text) => hanging('  x ', text, o.columns)));
  }
  if (plan.help.length > 0) {
    lines.push('', o.colors.bold('Any one of these would do'));
    lines.push(...plan.help.flatMap((text) => hanging('  > ', text, o.columns)));
  }
  return lines;
}

function headline({ task, moves, bytes, seconds, blockers }: PlanDocument): string {
  const what = deedOf(task);
  if (moves.length === 0) return `${what}: ${blockers.length > 0 ? 'no plan' : 'nothing moves'}`;
  const count = moves.length === 1 ? '1 move' : `${moves.length} moves`;
  return `${what}: ${count}, ${sizeText(bytes)}, about ${durationText(seconds * 1000)}`;
}

function deedOf(task: PlanDocument['task']): string {
  if (task.kind === 'empty') return `Empty ${listed(task.nodes)}`;
  if (task.kind === 'rolling') return `Maintain ${listed(task.nodes)}`;
  return `Balance within ${task.withinPercent} percentage points`;
}

/** Narrower than this a reason is not read beside anything. */
const REASON_COLUMNS_MIN = 30;

function moveLines({ moves }: PlanDocument, { columns, colors }: FleetPlanOptions): string[] {
  const rows = moves.map((move, i) => [
    String(i + 1).padStart(String(moves.length).length),
    `+${durationText(move.startSeconds * 1000)}`,
    oneLine(move.vm),
    sizeText(move.bytes),
    `${oneLine(move.from)} -> ${oneLine(move.to)}`,
    durationText(move.seconds * 1000),
  ]);
  const heads = table(rows, columns);
  const width = Math.max(...heads.map((head) => stringWidth(head)));
  const besides = columns - width - 2;
  return moves.flatMap((move, i) => {
    const head = heads[i] ?? '';
    const reasons = [move.why, ...(move.waits === undefined ? [] : [move.waits])];
    if (besides < REASON_COLUMNS_MIN) {
      return [head, ...reasons.flatMap((text) => wrap(text, columns, '    '))];
    }
    return reasons
      .flatMap((text) => wrap(text, besides))
      .map((text, n) => `${n === 0 ? pad(head, width) : ' '.repeat(width)}  ${colors.dim(text)}`);
  });
}

const hanging = (sign: string, text: string, columns: number): string[] =>
  wrap(text, columns, ' '.repeat(sign.length)).map((line, i) =>
    i === 0 ? sign + line.slice(sign.length) : line,
  );
