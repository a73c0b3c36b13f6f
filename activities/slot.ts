// The wait for a migration slot, as an activity that any live node can do. A courtesy, not a reservation: the cluster
// itself queues what comes too early. However many wait, a worker keeps room for everything else.
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { freeSlots, slotHolders } from '../domain/slots.ts';
import { DEFAULT_BUDGETS } from '../domain/spec.ts';
import type { Beat } from '../domain/status.ts';
import { durationText } from '../domain/units.ts';
import { againMs } from './again.ts';
import { beating, pause, stopwatch, waits, type Beats } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { failed, guarded, notYet } from './failing.ts';

export interface SlotRequest {
  step: string;
  vm: string;
  vmId: string;
  target: string;
  waitSeconds: number;
  /** Targets of moves that the run's look at all nodes saw, by the VM's id: a look from one node knows few of them. */
  targets?: Record<string, string>;
}

/** Survives the attempt: the whole wait has one budget. How long so far, as no two processes share a clock. */
interface SlotMemory extends Beat {
  waitedMs: number;
}

/**
 * Waits that one worker watches at a time, each of which looks every second. A worker does 32 things at once; without
 * this limit the moves that the others wait for, and every look at the cluster, would queue behind the waits. The
 * others come back now and then.
 */
const WATCHED_MAX = 8;
const HEARTBEAT_MS = DEFAULT_BUDGETS.heartbeatSeconds * 1000;
/** Of the heartbeat timeout: two lost calls do no harm, and hundreds of waits are no burden for the server. */
const BEATS_PER_TIMEOUT = 3;
export function createSlotActivities(deps: ClusterActivityDeps) {
  let watched = 0;
  return guarded({
    /** Waits until both ends of the move have a free migration slot. Fails with `SlotsBusy` when the wait is over. */
    async awaitSlot(request: SlotRequest): Promise<{ waitedMs: number }> {
      const { heartbeatTimeoutMs } = activityInfo();
      const before = activityInfo().heartbeatDetails as Partial<SlotMemory> | undefined;
      const waitedBefore = before?.waitedMs ?? 0;
      const watch = stopwatch(deps);
      const waitedMs = (): number => waitedBefore + watch();
      const everyMs = (heartbeatTimeoutMs ?? HEARTBEAT_MS) / BEATS_PER_TIMEOUT;
      const wait = async ({ say }: Beats): Promise<{ waitedMs: number }> => {
        let saidMs = -Infinity;
        const remember = (busy: string, ms: number): void => {
          const beat: SlotMemory = { ...waits(request.step, 'slot', busy), waitedMs: ms };
          say(beat);
        };
        for (;;) {
          const busy = await whatIsBusy(deps, request);
          if (busy === null) return { waitedMs: Math.round(waitedMs()) };
          if (waitedMs() > request.waitSeconds * 1000) {
            throw failed(
              'SlotsBusy',
              `${request.vm} found no free migration slot within ${durationText(request.waitSeconds * 1000)}: waited for ${busy}`,
            );
          }
          if (waitedMs() - saidMs >= everyMs) {
            remember(busy, waitedMs());
            saidMs = waitedMs();
          }
          if (watched > WATCHED_MAX) {
            const away = againMs(activityInfo());
            remember(busy, waitedMs() + away);
            throw notYet(`${request.vm} waits for ${busy}`, away);
          }
          await pause(deps, deps.lookEveryMs);
          if (cancellationSignal().aborted) throw new CancelledFailure('the wait was cancelled');
        }
      };
      watched += 1;
      try {
        return await beating(deps, wait, everyMs);
      } finally {
        watched -= 1;
      }
    },
  });
}

/** Names the ends that have no free slot and who holds theirs; null when both have one. */
async function whatIsBusy(
  { host }: ClusterActivityDeps,
  { vmId, target, targets = {} }: SlotRequest,
): Promise<string | null> {
  const [cluster, roles] = await Promise.all([host.readCluster({}), host.readRoles({})]);
  const role = roles.facts.find((r) => r.vmId === vmId);
  const limit = cluster.facts.maximumParallelMigrations;
  const others = roles.facts
    .filter((r) => r.vmId !== vmId)
    .map((r) => ({ ...r, move: { ...r.move, target: r.move.target ?? targets[r.vmId] ?? null } }));
  const busy = [role?.owner, target].filter(
    (node) => node !== undefined && freeSlots(others, node, limit) < 1,
  );
  if (busy.length === 0) return null;
  const holders = [...new Set(busy.flatMap((n) => slotHolders(others, n ?? '')))];
  return `a free migration slot at ${busy.join(' and ')} (limit ${limit}, in use by ${holders.join(', ')})`;
}
