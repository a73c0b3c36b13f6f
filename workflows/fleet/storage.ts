// The storage of the cluster around a node that is taken down: whole before, resting while the node is away, repaired
// before the next one may go. A cluster without Storage Spaces Direct has its shared volumes looked at and nothing
// else.
import { patched } from '@temporalio/workflow';
import { includesName, stepId } from '../../domain/names.ts';
import { isHealing, mayTakeDown } from '../../domain/storage-gate.ts';
import type { Calls } from '../calls.ts';
import { stepFailure } from '../failure-of.ts';
import type { Run, StepContext } from '../run.ts';

interface Maintained {
  run: Run;
  calls: Calls;
}

/** A repair that gets on is waited for without an end; Microsoft names no bound. */
const STANDSTILL_SECONDS = 30 * 60;
const REPAIR_SECONDS = 7 * 24 * 3600;

/**
 * Fails while anything is not whole: a second node that is away may take the last copy of data with it. Only a repair
 * that gets on is waited for. Answers whether it was: what was looked at before may have changed meanwhile.
 */
export async function requireWholeStorage(
  calls: Calls,
  node: string,
  step: string,
): Promise<boolean> {
  const view = await calls.onCluster({ summary: 'Is the storage whole?' }).viewStorage();
  const problems = mayTakeDown(node, view);
  if (problems.length === 0) return false;
  if (!isHealing(node, view) || !patched('gate-waits-for-repairs')) {
    throw stepFailure('StorageNotHealthy', `${node} may not go down: ${problems.join('; ')}`);
  }
  await healed(calls, step, 'Wait for the repairs of the storage');
  await requireWholeStorage(calls, node, step);
  return true;
}

const healed = (calls: Calls, step: string, summary: string) =>
  calls
    .onCluster({ summary, seconds: REPAIR_SECONDS })
    .awaitStorage({ step, standstillSeconds: STANDSTILL_SECONDS });

/**
 * Drives that rest are not taken for failed ones. Whether the pause of the node does it already documents disagree: it
 * is looked at first.
 */
export async function restDrives({ run, calls }: Maintained, node: string): Promise<void> {
  const step = {
    id: stepId.node(node, 'drives-rest'),
    title: `Put the drives of ${node} into maintenance mode`,
  };
  await run.step(step, async (c) => {
    const { storage } = await calls.onCluster({ summary: 'State of the storage' }).viewStorage();
    const rests = includesName(storage.inMaintenance, node);
    if (!storage.direct || rests) {
      c.evidence({ why: rests ? 'they rest already' : 'there is no Storage Spaces Direct' });
      return;
    }
    c.hold(`Take the drives of ${node} out of maintenance mode`, () => wakeDrives(calls, node));
    const summary = step.title;
    c.evidence({
      ...(await calls.onCluster({ summary }).setStorageMaintenance({ node, on: true })),
    });
  });
}

const wakeDrives = (calls: Calls, node: string) =>
  calls
    .onCluster({ summary: `Drives of ${node} out of maintenance mode` })
    .setStorageMaintenance({ node, on: false });

/** Once the node is back and resumed: its drives too, and then everything repaired. */
export function healStorage({ run, calls }: Maintained, node: string): Promise<unknown> {
  const step = { id: stepId.node(node, 'storage'), title: 'Wait until the storage is whole again' };
  return run.step({ ...step, skippable: true }, async (c: StepContext) => {
    const now = await calls.onCluster({ summary: 'State of the storage' }).viewStorage();
    if (includesName(now.storage.inMaintenance, node)) {
      c.evidence({ ...(await wakeDrives(calls, node)) });
    }
    const { storage } = await healed(calls, step.id, step.title);
    c.evidence({ virtualDisks: storage.virtualDisks });
  });
}
