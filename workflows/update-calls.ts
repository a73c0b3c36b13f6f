// What several workflows ask of a node's Windows Update, and how long each of it may take.
import { kbText, type UpdateChoice } from '../domain/updates.ts';
import type { UpdateFacts, UpdateJobFacts } from '../domain/update-facts.ts';
import type { NodeScan } from '../domain/update-scan.ts';
import type { Calls } from './calls.ts';

/** The port's own limit of a search, and a little more. */
const SEARCH_SECONDS = 22 * 60;
/** As for any look at a node: a live worker takes it within milliseconds. */
const TAKE_SECONDS = 15;
/** Cumulative updates take up to an hour, and tell nothing before they end. */
const STANDSTILL_SECONDS = 90 * 60;
const JOB_SECONDS = 24 * 3600;
/** The first boot after a cumulative update takes an hour at times. */
const RESTART_SECONDS = 3600;

export const searchNode = (
  calls: Calls,
  node: string,
  query: string | undefined,
): Promise<NodeScan> =>
  calls
    .onNode(node, {
      summary: `Search ${node} for updates`,
      seconds: SEARCH_SECONDS,
      takeWithinSeconds: Math.min(calls.budgets.answerSeconds, TAKE_SECONDS),
    })
    .scanUpdates(query === undefined ? {} : { criteria: query });

/** Windows may restart by itself once updates are in. */
export const updateRestartSeconds = ({ budgets }: Calls): number =>
  Math.max(budgets.restartSeconds, RESTART_SECONDS);

export const named = (updates: readonly UpdateFacts[]): string => updates.map(kbText).join(', ');

/** Starts it, or joins it where it is under way, and waits for its end. */
export function runUpdateJob(
  calls: Calls,
  node: string,
  kind: 'download' | 'install',
  batch: readonly UpdateFacts[],
  { acceptEula = false }: UpdateChoice,
  step: string,
): Promise<UpdateJobFacts> {
  const summary = `${kind === 'download' ? 'Download' : 'Install'} ${named(batch)} on ${node}`;
  const takeWithinSeconds = updateRestartSeconds(calls);
  return calls.onNode(node, { summary, seconds: JOB_SECONDS, takeWithinSeconds }).runUpdateJob({
    kind,
    ids: batch.map(({ id }) => id),
    names: batch.map(kbText),
    acceptEula,
    step,
    standstillSeconds: STANDSTILL_SECONDS,
  });
}
