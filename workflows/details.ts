// The step table as the Temporal UI shows it under Current Details: one bold line, a code block with padded columns
// (Markdown tables lose their borders there), then what needs a person, with the commands to type.
import type { RunStatus, StepStatus } from '../domain/status.ts';

const pad = (text: string, width: number): string => text.padEnd(width);

function line(step: StepStatus, idWidth: number): string {
  const what = [
    step.waitingFor ?? '',
    // Of the attempt before, as long as this one runs.
    step.state === 'running' ? '' : (step.failure?.code ?? ''),
    step.child === null ? '' : `see ${step.child}`,
  ].filter((part) => part !== '');
  return `${pad(step.state, 14)} ${pad(step.id, idWidth)} ${what.join(' | ')}`.trimEnd();
}

/** As text, which wraps; a code block would be cut off at the panel's edge. */
function needOf(run: string, step: StepStatus): string[] {
  const actions = step.skippable ? ['retry', 'skip', 'abort'] : ['retry', 'abort'];
  const { code, message, hint } = step.failure ?? { code: '', message: '', hint: '' };
  return [
    '',
    `**${step.id} needs you: ${code}.** ${message}`,
    '',
    hint,
    '',
    ...actions.map(
      (action) => `- \`watari run ${action} ${run} --step ${step.id} --reason "..."\``,
    ),
  ];
}

/**
 * Lines of the table, and words about steps that wait for a person: nobody reads more, and each change writes all anew.
 */
const LINES_MAX = 150;
const NEEDS_MAX = 20;

/** All of a run that is not long; of a long one what is not over, and of what is over the latest. */
function shown(steps: readonly StepStatus[]): StepStatus[] {
  const isOver = ({ state }: StepStatus): boolean => state === 'succeeded' || state === 'skipped';
  const over = steps.filter(isOver);
  const open = steps.filter((step) => !isOver(step)).slice(0, LINES_MAX);
  const kept = new Set([...over.slice(-Math.max(1, LINES_MAX - open.length)), ...open]);
  return steps.filter((step) => kept.has(step));
}

export function detailsMarkdown(status: RunStatus): string {
  const settled = status.steps.filter((s) => s.state === 'succeeded' || s.state === 'skipped');
  const waiting = status.steps.filter((s) => s.state === 'needs-operator');
  const idWidth = Math.max(...status.steps.map((s) => s.id.length), 4);
  const head =
    `**${status.title}** - ${status.state}, ${settled.length} of ${status.steps.length} steps ` +
    `done${status.waitingFor === null ? '' : `, waiting for ${status.waitingFor}`}`;
  const steps = shown(status.steps);
  const more = status.steps.length - steps.length;
  const rest = more === 0 ? [] : ['', `${more} more steps: \`watari run show ${status.run}\``];
  const table = ['```', ...steps.map((step) => line(step, idWidth)), '```', ...rest];
  const needs = waiting.slice(0, NEEDS_MAX).flatMap((step) => needOf(status.run, step));
  return [head, '', ...table, ...needs].join('\n');
}
