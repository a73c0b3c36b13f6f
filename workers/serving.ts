// What a worker asks the server about its colleagues: does another cluster have this name, and which nodes have no
// worker. Only ever reads.
import type { NativeConnection } from '@temporalio/worker';
import { clusterQueue, nodeQueue } from '../domain/names.ts';
import { clustersServed, liveIdentities } from '../domain/pollers.ts';

/** Activity tasks: a worker without workflows still serves its node. */
const ACTIVITY_QUEUE = 2;
/** Hundreds of runs look at once, and who serves changes slowly. */
const KNOWN_FOR_MS = 5_000;

export class Colleagues {
  private readonly asked = new Map<string, { at: number; identities: Promise<string[]> }>();
  private readonly connection: NativeConnection;
  private readonly namespace: string;
  private readonly cluster: string;

  constructor(connection: NativeConnection, namespace: string, cluster: string) {
    this.connection = connection;
    this.namespace = namespace;
    this.cluster = cluster;
  }

  /** Nodes of other clusters that are served under this cluster's name. */
  async ofOtherClusters(clusterId: string): Promise<string[]> {
    const all = clustersServed(await this.identities(clusterQueue(this.cluster)));
    all.delete(clusterId.toLowerCase());
    return [...all.values()].flat();
  }

  /** Those of the nodes for whose own tasks nobody asks. A server that does not tell has told of none. */
  async unserved(nodes: readonly string[]): Promise<string[]> {
    const asked = await Promise.all(
      nodes.map((node) =>
        this.identities(nodeQueue(this.cluster, node)).then(
          (all) => all.length === 0,
          () => false,
        ),
      ),
    );
    return nodes.filter((_, i) => asked[i]);
  }

  private identities(queue: string): Promise<string[]> {
    const known = this.asked.get(queue);
    if (known !== undefined && Date.now() - known.at < KNOWN_FOR_MS) return known.identities;
    const identities = this.connection.workflowService
      .describeTaskQueue({
        namespace: this.namespace,
        taskQueue: { name: queue },
        taskQueueType: ACTIVITY_QUEUE,
      })
      .then(({ pollers }) => liveIdentities(pollers, new Date()));
    this.asked.set(queue, { at: Date.now(), identities });
    return identities;
  }
}
