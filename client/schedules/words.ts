// What a schedule does, and what became of its runs, in words for lists, for the Temporal UI and for messages. Pure.
import type { Maintenance, NodeAction } from '../../domain/spec.ts';
import { durationText, listed } from '../../domain/units.ts';
import type { UpdateChoice } from '../../domain/updates.ts';

/** `install updates on HV1 and HV2 in turn; HV1 first, then 1 d of watching`. */
export function maintenanceWords(m: Maintenance): string {
  const { nodes, action, canary, soakSeconds, window, maxFailed = 0 } = m;
  const where = nodes === undefined ? 'every node in turn' : `${listed(nodes)} in turn`;
  const soak =
    soakSeconds === undefined ? '' : `, then ${durationText(soakSeconds * 1000)} of watching`;
  return [
    `${deedOf(action)} ${where}`,
    ...(canary === undefined ? [] : [`${canary} first${soak}`]),
    ...(window === undefined ? [] : [`no node begins outside of ${window}`]),
    ...(m.pauseAfterEach === true ? ['pauses after each node'] : []),
    ...(m.bringBack === true ? ['moves back what was moved off'] : []),
    ...(maxFailed > 0 ? [`asks nobody, goes on after ${maxFailed} failed`] : []),
  ].join('; ');
}

function deedOf(action: NodeAction): string {
  switch (action.kind) {
    case 'restart':
      return 'restart';
    case 'updates':
      return `install updates${choiceWords(action.choice)} on`;
    case 'packages':
      return `install the packages of ${action.folder} on`;
    case 'script':
      return `run the script ${action.name} on`;
    case 'wait':
      return 'wait for a person on';
    case 'none':
      return 'empty and bring back';
  }
}

function choiceWords({ query, kbs = [], notKbs = [], acceptEula }: UpdateChoice): string {
  const words = [
    ...(query === undefined ? [] : [`found by ${query}`]),
    ...(kbs.length === 0 ? [] : [`only ${listed(kbs)}`]),
    ...(notKbs.length === 0 ? [] : [`but ${listed(notKbs)}`]),
    ...(acceptEula === true ? ['licence terms accepted'] : []),
  ];
  return words.length === 0 ? '' : ` (${words.join(', ')})`;
}

/** null when nothing was missed. */
export function missedWords(o: { missed: number; skipped: number }): string | null {
  const runs = (count: number): string => (count === 1 ? '1 run' : `${count} runs`);
  const words = [
    ...(o.missed === 0 ? [] : [`${runs(o.missed)} while the Temporal server was away`]),
    ...(o.skipped === 0 ? [] : [`${runs(o.skipped)} because the one before still went on`]),
  ];
  return words.length === 0 ? null : words.join(', ');
}
