// The way of a worker's activities to the order of moves, over the worker's own connection: the wants are delivered to the
// ledger of the cluster, which is started with them where none runs.
import { Client, type DataConverter } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { LedgerDoor } from '../activities/cluster.ts';
import { clusterQueue, LEDGER_WORKFLOW, runId } from '../domain/names.ts';
import { TURN_SIGNALS } from '../domain/turn-messages.ts';

interface LedgerConnection {
  connection: NativeConnection;
  namespace: string;
  dataConverter?: DataConverter | undefined;
}

export function ledgerDoor({ connection, namespace, dataConverter }: LedgerConnection): LedgerDoor {
  const client = new Client({
    connection,
    namespace,
    ...(dataConverter === undefined ? {} : { dataConverter }),
  });
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
