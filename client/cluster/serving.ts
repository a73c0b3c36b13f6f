// Which nodes are served: the server remembers who asked for work on a queue, and every worker's identity begins with
// its node's name.
import { clusterQueue, includesName, nodeQueue } from '../../domain/names.ts';
import { clustersServed, liveIdentities } from '../../domain/pollers.ts';
import { badInput } from '../errors.ts';
import { within, type Temporal } from '../temporal/connection.ts';

const CALL_MS = 5_000;

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
  return liveIdentities(answer.pollers, now);
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
  refuseTwoClusters(cluster, clustersServed(shared));
  const missing = nodes.filter((_, i) => (own[i] ?? []).length === 0);
  return { missing, present: nodesOf([...shared, ...own.flat()]) };
}

/** It would be chance which of them does what is asked. */
function refuseTwoClusters(cluster: string, served: ReadonlyMap<string, string[]>): void {
  if (served.size < 2) return;
  const each = [...served].map(([id, nodes]) => `${nodes.sort().join(', ')} (id ${id})`);
  throw badInput(
    `${served.size} clusters that are called ${cluster} are served: ${each.join('; ')}`,
    'Give each a Temporal namespace of its own, or stop the workers of all but one.',
    'TwoClusters',
  );
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
