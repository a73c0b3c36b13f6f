// The move step's body: run the move and, when it fails, ask the event logs of both ends for the cause, because the
// cluster itself only ever says "failed".
import type { EventFacts } from '../domain/facts.ts';
import type { RoleFacts } from '../domain/facts.ts';
import { classify } from '../domain/failures.ts';
import type { MoveResult } from '../activities/move.ts';
import type { Calls } from './calls.ts';
import { detailsOf, failureOf, stepFailure } from './failure-of.ts';
import type { StepContext } from './run.ts';

/** Longest move that is believed in: a large, busy VM over a slow link. Progress is watched apart from this. */
const MOVE_SECONDS = 24 * 3600;
/** The node at the other end may be the reason for the failure: do not wait long for its logs. */
const LOGS_WITHIN_SECONDS = 15;

export async function moveWithCause(
  calls: Calls,
  move: { step: string; role: RoleFacts; target: string },
  c: StepContext,
): Promise<MoveResult> {
  const { step, role, target } = move;
  try {
    const result = await calls
      .onCluster({
        summary: `Live-migrate ${role.name}, ${role.owner} -> ${target}`,
        seconds: MOVE_SECONDS,
        // Any node of the cluster can watch it; a restart of the one that does must not end it.
        takeWithinSeconds: calls.budgets.restartSeconds,
      })
      .moveVm({
        step,
        vm: role.name,
        vmId: role.vmId,
        target,
        stalledSeconds: calls.budgets.stalledMoveSeconds,
        queueSeconds: calls.budgets.slotSeconds,
      });
    c.evidence({ ...result });
    return result;
  } catch (err) {
    const failure = failureOf(err);
    if (failure?.code !== 'MoveFailed') throw err;
    const { since, source, hresult } = detailsOf(err);
    if (typeof since !== 'string' || typeof source !== 'string') throw err;
    const events = await readEvents(calls, role.name, [source, target], since);
    c.evidence({ events });
    const code = classify(
      {
        hresults: [
          ...(typeof hresult === 'string' ? [hresult] : []),
          ...events.flatMap((e) => (e.hresult === null ? [] : [e.hresult])),
        ],
        eventIds: events.map((e) => e.id),
        errorIds: [],
        outcome: 'refused',
      },
      'startMove',
    );
    const latest = events.at(-1);
    const seen =
      latest === undefined
        ? 'The event logs of both nodes show nothing since'
        : `Event ${String(latest.id)} on ${latest.node}${latest.hresult === null ? '' : ` (${latest.hresult})`}: ${latest.message}`;
    throw stepFailure(code, `${failure.message}. ${seen}`);
  }
}

/** Both nodes' events, oldest first, each once. A node that does not answer has none. */
async function readEvents(
  calls: Calls,
  vm: string,
  nodes: string[],
  since: string,
): Promise<EventFacts[]> {
  const logs = await Promise.allSettled(
    nodes.map((node) =>
      calls
        .onNode(node, {
          summary: `Event logs of ${node} about ${vm}`,
          takeWithinSeconds: LOGS_WITHIN_SECONDS,
        })
        .readMoveEvents({ since, vm }),
    ),
  );
  const events = logs.flatMap((log) => (log.status === 'fulfilled' ? log.value : []));
  const once = new Map(events.map((e) => [`${e.node} ${e.log} ${String(e.recordId)}`, e]));
  return [...once.values()].sort((a, b) => a.time.localeCompare(b.time));
}
