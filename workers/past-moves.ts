// What the moves of past runs took, read from the server over the worker's own connection, for plans. Only ever reads.
import type { Client } from '@temporalio/client';
import { movesIn, RUNS_THAT_MOVE, type PastMove } from '../domain/fleet/learned.ts';
import { runsOf } from '../domain/names.ts';
import { listingClient } from './listing-client.ts';

/** Each is a call of its own; more than these take longer than anybody waits for a plan. */
const RUNS_MAX = 100;
const WITHIN_MS = 15_000;

/** Newest first, of runs that ended well. */
export function pastMovesOf(cluster: string, client: Client): (max: number) => Promise<PastMove[]> {
  const lists = listingClient(client);
  const types = RUNS_THAT_MOVE.map((type) => `'${type}'`).join(', ');
  const prefix = runsOf(cluster).replaceAll("'", "''");
  const query = `WorkflowId STARTS_WITH '${prefix}' AND ExecutionStatus = 'Completed' AND WorkflowType IN (${types})`;
  return async (max) => {
    const moves: PastMove[] = [];
    const until = performance.now() + WITHIN_MS;
    let runs = 0;
    for await (const info of lists.workflow.list({ query, pageSize: RUNS_MAX })) {
      runs += 1;
      if (runs > RUNS_MAX || moves.length >= max || performance.now() > until) break;
      const handle = client.workflow.getHandle(info.workflowId, info.runId);
      // One that was encrypted with a key of the past tells nothing.
      moves.push(...movesIn(await handle.result().catch(() => null)));
    }
    return moves.slice(0, max);
  };
}
