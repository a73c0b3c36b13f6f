// The way of a worker's activities to the order of moves, over the worker's own connection: the wants are delivered to
// the ledger of the cluster, which is started with them where none runs.
import type { Client } from '@temporalio/client';
import type { LedgerDoor } from '../activities/cluster.ts';
import { clusterQueue, LEDGER_WORKFLOW, runId } from '../domain/names.ts';
import { TURN_SIGNALS } from '../domain/turn-messages.ts';

export function ledgerDoor(client: Client): LedgerDoor {
  return {
    async want(cluster, wants) {
      await client.workflow.signalWithStart(LEDGER_WORKFLOW, {
        workflowId: runId.moves(cluster),
        taskQueue: clusterQueue(cluster),
        args: [{ cluster }],
        signal: TURN_SIGNALS.want,
        signalArgs: [wants],
        staticSummary: 'Order of the moves of all runs; ends by itself',
      });
    },
  };
}
