// How long a VM stood still at the end of its live migration, as the event logs of both ends tell it. What none of them
// tells is unknown, which is never 0, and no reason for a run to fail or to ask again.
import type { Blackout } from '../activities/node.ts';
import type { IsoTime, RoleFacts } from '../domain/facts.ts';
import type { Calls } from './calls.ts';

/** The move is over: nobody waits long for a node that may be the one that went down. */
const LOGS_WITHIN_SECONDS = 15;

/** @param clocks what each end's own clock showed before the move began: no two are compared */
export async function blackoutOf(
  calls: Calls,
  { name: vm, vmId }: Pick<RoleFacts, 'name' | 'vmId'>,
  ends: readonly string[],
  clocks: Readonly<Record<string, IsoTime>>,
): Promise<Blackout | null> {
  const logs = await Promise.allSettled(
    ends.flatMap((node) => {
      const since = clocks[node];
      if (since === undefined) return [];
      const call = {
        summary: `How long ${vm} stood still, by the log of ${node}`,
        takeWithinSeconds: LOGS_WITHIN_SECONDS,
        attemptsMax: 1,
      };
      return [calls.onNode(node, call).readBlackout({ since, vm, vmId })];
    }),
  );
  const told = logs.flatMap((log) =>
    log.status === 'fulfilled' && log.value !== null ? [log.value.blackoutSeconds] : [],
  );
  return told.length === 0 ? null : { blackoutSeconds: Math.max(...told) };
}
