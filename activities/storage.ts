// The storage of the cluster around the maintenance of a node: whether it is whole, drives that rest while their node
// is away, and the wait until everything is repaired. Any live node of the cluster can do these.
import { cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { notHealedYet, repairedBytes, type StorageView } from '../domain/storage-gate.ts';
import { durationText } from '../domain/units.ts';
import { beating, pause, stopwatch, waits } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { failed, guarded } from './failing.ts';

/** Repairs take minutes to hours, and each look asks the storage subsystem: so many times rarer than at a move. */
const RARER = 10;

async function readStorageView({ host }: ClusterActivityDeps): Promise<StorageView> {
  const [nodes, sharedVolumes, storage] = await Promise.all([
    host.readNodes({}),
    host.readSharedVolumes({}),
    host.readStorage({}),
  ]);
  return { nodes: nodes.facts, sharedVolumes: sharedVolumes.facts, storage: storage.facts };
}

export function createStorageActivities(deps: ClusterActivityDeps) {
  return guarded({
    viewStorage: (): Promise<StorageView> => beating(deps, () => readStorageView(deps)),

    setStorageMaintenance: (input: {
      node: string;
      on: boolean;
    }): Promise<{ changed: boolean; cmdlets: string[] }> =>
      beating(deps, async () => {
        const { facts, cmdlets } = await deps.host.setStorageMaintenance(input);
        return { changed: facts.changed, cmdlets };
      }),

    /** Until nothing speaks against the next node any more. However long it takes, as long as it gets on. */
    awaitStorage: (input: { step: string; standstillSeconds: number }): Promise<StorageView> =>
      beating(deps, async ({ say }) => {
        let seen = '';
        let stoodMs = stopwatch(deps);
        for (;;) {
          const view = await readStorageView(deps);
          const open = notHealedYet(view);
          if (open.length === 0) return view;
          const what = open.join('; ');
          const print = `${what} ${repairedBytes(view.storage)}`;
          if (print !== seen) stoodMs = stopwatch(deps);
          seen = print;
          if (stoodMs() > input.standstillSeconds * 1000) {
            const stood = durationText(input.standstillSeconds * 1000);
            throw failed('RepairsStandStill', `Nothing has changed for ${stood}: ${what}`);
          }
          say(waits(input.step, 'repairing', what));
          await pause(deps, deps.lookEveryMs * RARER);
          if (cancellationSignal().aborted) throw new CancelledFailure('the wait was cancelled');
        }
      }),
  });
}
