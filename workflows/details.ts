// The step table as the Temporal UI shows it under Current Details: one bold line, a code block with padded columns
// (Markdown tables lose their borders there), then the commands to type.
import type { RunStatus, StepStatus } from '../domain/status.ts';

const pad = (text: string, width: number): string => text.padEnd(width);

function line(step: StepStatus, idWidth: number): string {
  const what = [
    step.waitingFor ?? '',
    step.failure === null ? '' : `${step.failure.code}: ${step.failure.message}`,
    step.child === null ? '' : `see ${step.child}`,
  ].filter((part) => part !== '');
  return `${pad(step.state, 14)} ${pad(step.id, idWidth)} ${what.join(' | ')}`.trimEnd();
}

export function detailsMarkdown(status: RunStatus): string {
  const settled = status.steps.filter((s) => s.state === 'succeeded' || s.state === 'skipped');
  const waiting = status.steps.filter((s) => s.state === 'needs-operator');
  const idWidth = Math.max(...status.steps.map((s) => s.id.length), 4);
  const head = `**${status.title}** - ${status.state}, ${String(settled.length)} of ${String(status.steps.length)} steps done${status.waitingFor === null ? '' : `, waiting for ${status.waitingFor}`}`;
  const table = ['```', ...status.steps.map((step) => line(step, idWidth)), '```'];
  const commands = waiting.flatMap((step) => [
    `Step \`${step.id}\` needs you. ${step.failure?.hint ?? ''}`,
    '```',
    `watari run retry ${status.run} --step ${step.id} --reason "..."`,
    ...(step.skippable ? [`watari run skip ${status.run} --step ${step.id} --reason "..."`] : []),
    `watari run abort ${status.run} --step ${step.id} --reason "..."`,
    '```',
  ]);
  return [head, '', ...table, ...commands].join('\n');
}
