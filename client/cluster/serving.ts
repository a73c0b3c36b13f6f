// Which nodes are served: the server remembers who asked for work on a queue, and every worker's identity begins with
// its node's name.
import { clusterQueue, includesName, nodeQueue } from '../../domain/names.ts';
import { within, type Temporal } from '../temporal/connection.ts';

const CALL_MS = 5_000;

/**
 * A waiting worker asks anew at the latest every 60 s; the server remembers askers for five minutes. Older than this is
 * gone. A worker that died less than this ago still counts: the look at its node then says so.
 */
const ALIVE_MS = 75_000;

/** Identities of the live workers of a queue, `HV1/node/4711`. */
export async function readPollers(temporal: Temporal, queue: string, now: Date): Promise<string[]> {
  const { connection, namespace } = temporal;
  // Activity tasks: a worker without workflows still serves its node.
  const answer = await within(connection, CALL_MS, () =>
    connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      taskQueueType: 2,
    }),
  );
  const oldest = now.getTime() - ALIVE_MS;
  return answer.pollers
    .filter((p) => Number(String(p.lastAccessTime?.seconds ?? 0)) * 1000 >= oldest)
    .map((p) => p.identity ?? '')
    .filter((identity) => identity !== '');
}

export interface Serving {
  /** Nodes asked for that no worker serves. */
  missing: string[];
  /** Nodes that have a worker, whether asked for or not. */
  present: string[];
}

export async function readServing(
  temporal: Temporal,
  cluster: string,
  nodes: readonly string[],
  now: Date,
): Promise<Serving> {
  const [shared, ...own] = await Promise.all([
    readPollers(temporal, clusterQueue(cluster), now),
    ...nodes.map((node) => readPollers(temporal, nodeQueue(cluster, node), now)),
  ]);
  const missing = nodes.filter((_, i) => (own[i] ?? []).length === 0);
  return { missing, present: nodesOf([...shared, ...own.flat()]) };
}

/** Node names of identities, each once whatever its case, in order. */
export function nodesOf(identities: readonly string[]): string[] {
  const names: string[] = [];
  for (const identity of identities) {
    const node = identity.split('/')[0];
    if (node === undefined || node === '' || includesName(names, node)) continue;
    names.push(node);
  }
  return names.sort((a, b) => a.localeCompare(b, 'en'));
}
