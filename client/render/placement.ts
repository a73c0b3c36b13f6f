// Why a VM goes where it goes: the ranking of all nodes, each with its reasons, the losers too.
import type { PlacementVerdict } from '../../domain/placement.ts';
import type { StepView } from '../runs/view.ts';
import type { Colors } from '../terminal.ts';
import { oneLine, pad, stringWidth, wrap } from './format.ts';

const SIGNS = { blocker: 'x', minus: '-', plus: '+', note: ' ' } as const;

/** Evidence came through the server as JSON: believed only as far as it has the shape. */
export function rankingOf(step: StepView): PlacementVerdict[] | null {
  const ranking = step.evidence['ranking'];
  return Array.isArray(ranking) && ranking.length > 0 && ranking.every(isVerdict) ? ranking : null;
}

function isVerdict(x: unknown): x is PlacementVerdict {
  return (
    typeof x === 'object' &&
    x !== null &&
    'node' in x &&
    typeof x.node === 'string' &&
    'eligible' in x &&
    'reasons' in x &&
    Array.isArray(x.reasons)
  );
}

/** The node that the evidence of a choice names; a person may have chosen another than the first. */
export function targetOf(step: StepView): string | null {
  const target = step.evidence['target'];
  return typeof target === 'string' ? target : null;
}

export function rankingLines(
  ranking: readonly PlacementVerdict[],
  o: { columns: number; colors: Colors; target: string | null },
): string[] {
  const nodeWidth = Math.max(...ranking.map((v) => stringWidth(v.node)));
  return ranking.flatMap((verdict, i) => {
    const place = verdict.eligible ? `${i + 1}.` : 'no';
    const chosen = o.target !== null && o.target === verdict.node;
    const head = `${chosen ? '>' : ' '} ${pad(place, 3)} ${pad(oneLine(verdict.node), nodeWidth)}  `;
    const painted = chosen ? o.colors.bold(head) : head;
    const texts = verdict.reasons.map((r) => `${SIGNS[r.kind]} ${oneLine(r.text)}`);
    if (texts.length === 0) return [painted.trimEnd()];
    const indent = ' '.repeat(head.length);
    return texts
      .flatMap((text) => wrap(text, o.columns - stringWidth(head)))
      .map((line, n) => (n === 0 ? painted : indent) + line);
  });
}
