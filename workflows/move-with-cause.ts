// The move step's body: run the move and, when it fails, ask the event logs of both ends for the cause, because the
// cluster itself only ever says "failed".
import type { EventFacts } from '../domain/event-facts.ts';
import type { RoleFacts } from '../domain/facts.ts';
import { classify, type FailureCode } from '../domain/failures.ts';
import { causeOfMove, codeByFacts, type KnownBefore } from '../domain/move-cause.ts';
import { CancelledFailure } from '@temporalio/common';
import { ActivityFailure, CancellationScope, patched } from '@temporalio/workflow';
import type { MoveRequest, MoveResult, MoveStopped } from '../activities/move.ts';
import type { Calls } from './calls.ts';
import { detailsOf, failureOf, stepFailure } from './failure-of.ts';
import type { StepContext } from './run.ts';

/** Longest move that is believed in: a large, busy VM over a slow link. Progress is watched apart from this. */
const MOVE_SECONDS = 24 * 3600;
/** A cancelled move ends within seconds, but for one that is just being handed over. */
const STOP_SECONDS = 600;
/** The node at the other end may be the reason for the failure: do not wait long for its logs. */
const LOGS_WITHIN_SECONDS = 15;

export async function moveWithCause(
  calls: Calls,
  move: {
    step: string;
    role: Pick<RoleFacts, 'name' | 'vmId' | 'owner'>;
    target: string;
    known: KnownBefore;
    from?: string;
    how?: 'live' | 'quick';
  },
  c: StepContext,
): Promise<MoveResult> {
  const { step, role, target, known, from, how } = move;
  const why = known.reasons.map(({ text }) => text);
  const request: MoveRequest = {
    step,
    vm: role.name,
    vmId: role.vmId,
    target,
    stalledSeconds: calls.budgets.stalledMoveSeconds,
    queueSeconds: calls.budgets.slotSeconds,
    ...(from === undefined ? {} : { from }),
    ...(how === undefined ? {} : { how }),
    ...(why.length === 0 ? {} : { why }),
  };
  try {
    const result = await calls
      .onCluster({
        summary: `Live-migrate ${role.name}, ${role.owner} -> ${target}`,
        seconds: MOVE_SECONDS,
        // Any node of the cluster can watch it; a restart of the one that does must not end it.
        takeWithinSeconds: calls.budgets.restartSeconds,
      })
      .moveVm(request);
    c.evidence({ ...result });
    return result;
  } catch (err) {
    if (CancellationScope.current().consideredCancelled) {
      await makeSureItStopped(calls, request, err, c);
      throw err;
    }
    const failure = failureOf(err);
    if (failure === undefined) throw err;
    const byFacts = codeByFacts(failure.code, known);
    const { since, source, hresult, node } = detailsOf(err);
    if (failure.code !== 'MoveFailed' || typeof since !== 'string' || typeof source !== 'string') {
      if (byFacts === failure.code || !patched('cause-of-its-own')) throw err;
      throw stepFailure(byFacts, failure.message);
    }
    const events = await readEvents(calls, role, [source, target], since);
    c.evidence({ events });
    const reason = typeof hresult === 'string' ? hresult : null;
    if (!patched('cause-of-its-own')) throw causeAsBefore(failure.message, reason, events);
    const askedBy = typeof node === 'string' ? node : source;
    const cause = causeOfMove({ vm: role.name, since, askedBy, hresult: reason, events, known });
    throw stepFailure(cause.code, `${failure.message}. ${cause.text}`);
  }
}

/** Codes that runs of earlier versions knew only as MoveFailed; another retry class would not fit their histories. */
const NEWER: readonly FailureCode[] = [
  ...(['SignInRefused', 'LeftoverOfVm', 'RoleStateWrong', 'MoveFailedWithCode'] as const),
  ...(['SwitchBound', 'SeveralVmsInRole', 'NotRestoredAtSource'] as const),
];

/** For runs that have failed so before: every entry decides, and free text does too. */
function causeAsBefore(message: string, hresult: string | null, events: EventFacts[]): Error {
  const hresults = [hresult, ...events.map((e) => e.hresult)].filter((h) => h !== null);
  const signs = { hresults, errorIds: [], outcome: 'refused' } as const;
  const code = classify({ ...signs, errorIds: [], eventIds: events.map((e) => e.id) }, 'startMove');
  const byHint = events.some((e) => e.id === 21501) ? 'MigrationLimitReached' : 'MoveFailed';
  const before = NEWER.includes(code) || code === 'MoveFailed' ? byHint : code;
  return stepFailure(before, `${message}. ${events.at(-1)?.message ?? ''}`);
}

/**
 * A cancelled moveVm cancels the move on the cluster and tells so. One whose worker died, or that was between two
 * attempts when it was cancelled, does not: the move would go on with nobody to watch it.
 */
async function makeSureItStopped(
  calls: Calls,
  request: MoveRequest,
  err: unknown,
  c: StepContext,
): Promise<void> {
  const told = toldStop(err);
  if (told !== undefined) {
    c.evidence({ stopped: told });
    return;
  }
  if (!patched('stop-what-nobody-watches')) return;
  await CancellationScope.nonCancellable(async () => {
    try {
      const stopped = await calls
        .onCluster({
          summary: `Make sure that ${request.vm} is not left moving`,
          seconds: STOP_SECONDS,
        })
        .stopMove(request);
      c.evidence({ stopped });
    } catch (failed) {
      const failure = failureOf(failed);
      if (failure === undefined) throw failed;
      c.evidence({ stopped: `not known, it may be left running: ${failure.message}` });
    }
  });
}

function toldStop(err: unknown): MoveStopped | undefined {
  const cause = err instanceof ActivityFailure ? err.cause : undefined;
  const [details] = (cause instanceof CancelledFailure ? cause.details : undefined) ?? [];
  return (details as MoveStopped | undefined)?.settled === true
    ? (details as MoveStopped)
    : undefined;
}

/** Both nodes' events, oldest first, each once. A node that does not answer has none. */
async function readEvents(
  calls: Calls,
  role: Pick<RoleFacts, 'name' | 'vmId'>,
  nodes: string[],
  since: string,
): Promise<EventFacts[]> {
  const logs = await Promise.allSettled(
    nodes.map((node) =>
      calls
        .onNode(node, {
          summary: `Event logs of ${node} about ${role.name}`,
          takeWithinSeconds: LOGS_WITHIN_SECONDS,
        })
        .readMoveEvents({ since, vm: role.name, vmId: role.vmId }),
    ),
  );
  const events = logs.flatMap((log) => (log.status === 'fulfilled' ? log.value : []));
  const once = new Map(events.map((e) => [`${e.node} ${e.log} ${e.recordId}`, e]));
  return [...once.values()].sort((a, b) => a.time.localeCompare(b.time));
}
