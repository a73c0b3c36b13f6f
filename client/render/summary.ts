// What is printed when a run is over, and what is printed while it waits for a person.
import { durationText } from '../../domain/units.ts';
import type { RunState } from '../../domain/status.ts';
import { needingOperator, stateOf, type RunView, type StepView } from '../runs/view.ts';
import type { Colors } from '../terminal.ts';
import { decisionLines, differenceLines, endedBy, evidenceLines } from './evidence.ts';
import { clip, oneLine, wrap } from './format.ts';
import { shellWord } from '../words.ts';
import { rankingLines, rankingOf, targetOf } from './placement.ts';
import { elapsedMs } from './steps.ts';
import { tuningLines } from './tuning.ts';

export interface SummaryOptions {
  columns: number;
  now: Date;
  colors: Colors;
  /** Page of a run in the Temporal UI. */
  link: (run: string, runId: string) => string;
  /** Page of all runs that wait for a person. */
  needsOperatorLink: string;
}

const RESULT: Record<RunState, string> = {
  running: 'still running',
  'needs-operator': 'waits for a person',
  succeeded: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
};

export function paintRunState(state: RunState, text: string, c: Colors): string {
  if (state === 'succeeded') return c.green(text);
  if (state === 'failed') return c.bold(c.red(text));
  return c.yellow(text);
}

export function summaryLines(view: RunView, o: SummaryOptions): string[] {
  const state = stateOf(view);
  const wall = durationText(elapsedMs(view, o.now) ?? 0);
  const result = paintRunState(state, RESULT[state], o.colors);
  const lines = ['', o.colors.bold(`${oneLine(view.title)}: `) + `${result} in ${wall}`];
  lines.push(...view.steps.filter(hasEvidence).flatMap((step) => stepEvidence(step, o)));
  lines.push(...view.steps.filter((s) => s.state === 'failed').flatMap((s) => failureLines(s, o)));
  lines.push(...tuningLines(view, o.columns));
  lines.push('', `Run   ${view.run}`, ...wrap(`By    ${whoAndWhy(view)}`, o.columns));
  lines.push(`Look  ${o.link(view.run, view.runId)}`);
  return lines;
}

const whoAndWhy = ({ startedBy, reason }: RunView): string =>
  reason === undefined ? startedBy : `${startedBy}: ${reason}`;

const hasEvidence = (step: StepView): boolean =>
  step.state !== 'pending' && (rankingOf(step) !== null || evidenceLines(step.evidence).length > 0);

function stepEvidence(step: StepView, o: SummaryOptions): string[] {
  const ranking = rankingOf(step);
  // Why somebody decided something is never cut, nor is what a person should know of a drain.
  const whole = [...differenceLines(step.evidence), ...decisionLines(step.evidence)];
  return [
    `  ${o.colors.bold(step.id)}  ${o.colors.dim(oneLine(step.title))}`,
    ...evidenceLines(step.evidence)
      .filter((line) => !whole.includes(line))
      .map((line) => clip(`    ${line}`, o.columns)),
    ...whole.flatMap((line) => wrap(line, o.columns, '    ')),
    ...(ranking === null
      ? []
      : rankingLines(ranking, { ...o, columns: o.columns - 2, target: targetOf(step) }).map(
          (l) => `  ${l}`,
        )),
  ];
}

function failureLines(step: StepView, o: SummaryOptions): string[] {
  if (step.failure === null) return [];
  const { code, message, hint } = step.failure;
  // Where somebody has given up, what to do before a retry is no news any more.
  const then = endedBy(step.evidence) ?? hint;
  return [
    '',
    o.colors.bold(o.colors.red(`${step.id} failed: ${code}`)),
    ...wrap(message, o.columns, '  '),
    ...(then === '' ? [] : wrap(then, o.columns, '  ')),
  ];
}

/** The code, what happened, what to do, and the commands to type. */
export function operatorLines(view: RunView, o: SummaryOptions): string[] {
  const steps = needingOperator(view);
  if (steps.length === 0) return [];
  const several = steps.length > 1;
  return [
    ...steps.flatMap((step) => operatorStep(step, view, several, o)),
    '',
    o.colors.dim('  All runs that wait for a person:'),
    o.colors.dim(`  ${o.needsOperatorLink}`),
  ];
}

function operatorStep(
  step: StepView,
  view: RunView,
  several: boolean,
  o: SummaryOptions,
): string[] {
  const failure = step.failure;
  const head = `! ${step.id} needs you${failure === null ? '' : `: ${failure.code}`}`;
  const which = several || step.run !== view.run ? ` --step ${step.id}` : '';
  return [
    '',
    o.colors.bold(o.colors.yellow(clip(head, o.columns))),
    ...(failure === null
      ? wrap(step.waitingFor ?? step.title, o.columns, '  ')
      : [
          ...wrap(failure.message, o.columns, '  '),
          ...(failure.hint === '' ? [] : wrap(failure.hint, o.columns, '  ')),
        ]),
    '',
    ...decisionCommands(step, view.run, which).map((line) => `    ${line}`),
  ];
}

/** Enough to choose from; all of them are in the evidence. */
const OTHERS_SHOWN = 3;

/** Nodes that could hold the VM of this step, best first, when the one that it was to go to cannot. */
const otherNodes = (step: StepView): string[] =>
  (rankingOf(step) ?? [])
    .filter(({ node, eligible }) => eligible && node !== targetOf(step))
    .map(({ node }) => node)
    .slice(0, OTHERS_SHOWN);

/** The three commands, as they would be typed; a step that must not be skipped says so instead. */
export function decisionCommands(step: StepView, run: string, which: string): string[] {
  const skip = step.skippable
    ? `watari run skip  ${shellWord(run)}${which} --reason "..."`
    : '(this step cannot be skipped)';
  return [
    `watari run retry ${shellWord(run)}${which}`,
    ...otherNodes(step).map(
      (node) => `watari run retry ${shellWord(run)}${which} --to ${shellWord(node)}`,
    ),
    skip,
    `watari run abort ${shellWord(run)}${which} --reason "..."`,
  ];
}
