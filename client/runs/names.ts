// How a person names a run: in full (`watari/hv-lab/apply`) or by its end, as long as only one run fits (`apply`,
// `vm/web-1/migrate`, `web-1/migrate`). Pure.
import { RUN_PREFIX } from '../../domain/names.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { shellWord } from '../words.ts';

export const isFullName = (given: string): boolean => given.toLowerCase().startsWith(RUN_PREFIX);

/** Ids whose last parts are `given`; Windows names do not care about case and neither do ids. */
export function matchingRuns(given: string, ids: readonly string[]): string[] {
  const wanted = given.toLowerCase().replace(/^\/+|\/+$/g, '');
  if (wanted === '') return [];
  return [...new Set(ids)].filter((one) => {
    // The server writes the time of a scheduled run in capitals.
    const id = one.toLowerCase();
    return id === wanted || id.endsWith(`/${wanted}`);
  });
}

/** The one run that `given` names, or an error that lists what could have been meant. */
export function pickRun(given: string, ids: readonly string[], cluster: string | null): string {
  const found = matchingRuns(given, ids);
  const only = found[0];
  if (only !== undefined && found.length === 1) return only;
  if (found.length > 1) {
    throw badInput(
      `"${given}" fits ${found.length} runs`,
      `Give more of the name:\n${found.slice(0, 8).join('\n')}`,
      'RunAmbiguous',
    );
  }
  throw runNotFound(given, ids, cluster);
}

export function runNotFound(
  given: string,
  ids: readonly string[],
  cluster: string | null,
): ClientError {
  const where = cluster === null ? '' : ` of cluster ${cluster}`;
  const known = [...new Set(ids)].slice(0, 8);
  return badInput(
    `there is no run "${given}"${where}`,
    known.length === 0
      ? 'There are no runs yet; start one with:  watari cluster apply'
      : `Known runs (watari run list --all):\n${known.join('\n')}`,
    'RunNotFound',
  );
}

/** `hv-lab` of `watari/hv-lab/apply`; null when it is not ours. */
export function clusterOfRun(id: string): string | null {
  const cluster = id.startsWith(RUN_PREFIX) ? id.split('/')[1] : undefined;
  return cluster === undefined || cluster === '' ? null : cluster;
}

/** For whoever comes too late with a decision or a cancellation. */
export const runOver = (run: string, deed: string, cause?: unknown): ClientError =>
  new ClientError({
    code: 'RunOver',
    message: `${run} has ended; there is nothing to ${deed}`,
    hint: `See how it ended:  watari run show ${shellWord(run)}`,
    exitCode: EXIT.failed,
    cause,
  });
