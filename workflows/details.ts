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

export function detailsMarkdown(status: RunStatus): string {
  const settled = status.steps.filter((s) => s.state === 'succeeded' || s.state === 'skipped');
  const waiting = status.steps.filter((s) => s.state === 'needs-operator');
  const idWidth = Math.max(...status.steps.map((s) => s.id.length), 4);
  const head = `**${status.title}** - ${status.state}, ${settled.length} of ${status.steps.length} steps done${status.waitingFor === null ? '' : `, waiting for ${status.waitingFor}`}`;
  const table = ['```', ...status.steps.map((step) => line(step, idWidth)), '```'];
  return [head, '', ...table, ...waiting.flatMap((step) => needOf(status.run, step))].join('\n');
}
