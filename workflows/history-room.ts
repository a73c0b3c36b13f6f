// How much a run's history may still take. Temporal ends a run whose history is too long, without undo and without
// asking; so a run that comes near to it takes no further attempt and says so.
import { workflowInfo } from '@temporalio/workflow';
import { HISTORY_FULL } from '../domain/bounded.ts';

/** Without `patched()`: no run of a version that did not ask this was ever as long. */
export function isHistoryFull(decisions: number): boolean {
  const { historyLength, historySize } = workflowInfo();
  return (
    historyLength >= HISTORY_FULL.events ||
    historySize >= HISTORY_FULL.bytes ||
    decisions >= HISTORY_FULL.decisions
  );
}

export const noRoomFor = (run: string): string =>
  `${run} has become too long for another attempt (Temporal ends a run at 51,200 events or 50 ` +
  'MB, and takes 2,000 decisions of one). Abort it, then start a new one: what is done already ' +
  'is found done.';

/** What a person may do, in words. */
export function choicesText(skippable: boolean, full: boolean): string {
  const choices = [...(full ? [] : ['retry']), ...(skippable ? ['skip'] : []), 'abort'];
  return choices.length < 3 ? choices.join(' or ') : `${choices.slice(0, -1).join(', ')} or abort`;
}
