// Activities about updates of Windows on one machine, served only by that machine's worker on watari.<cluster>.<node>.
import { boundedText } from '../domain/bounded.ts';
import type { NodeScan } from '../domain/update-scan.ts';
import { beating } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { guarded } from './failing.ts';

/** A node that lacks more has not been updated for years; what it lacks of them comes with the next round. */
const UPDATES_MAX = 200;
const TITLE_CHARS_MAX = 200;
const CATEGORIES_MAX = 5;
const WARNINGS_MAX = 10;

export function createUpdateActivities(deps: ClusterActivityDeps) {
  const { host } = deps;
  return guarded({
    /** Changes nothing. Bounded, as it is kept in a run's history. */
    scanUpdates: (input: { criteria?: string }): Promise<NodeScan> =>
      beating(deps, async () => {
        const [search, servicing] = await Promise.all([
          host.readUpdates(input),
          host.readServicing({}),
        ]);
        const { result, warnings, updates } = search.facts;
        const { build, restartNeeded } = servicing.facts;
        return {
          build,
          restartNeeded,
          result,
          warnings: warnings.slice(0, WARNINGS_MAX),
          updates: updates.slice(0, UPDATES_MAX).map((update) => ({
            ...update,
            title: boundedText(update.title, TITLE_CHARS_MAX),
            categories: update.categories.slice(0, CATEGORIES_MAX),
          })),
        };
      }),
  });
}
