// What a worker asks the server about its colleagues: does another cluster have this name, and which nodes have no
// worker. Only ever reads.
import type { NativeConnection } from '@temporalio/worker';
import { clusterQueue, nodeQueue } from '../domain/names.ts';
import { clustersServed, latestAccess, liveIdentities, type Poller } from '../domain/pollers.ts';

/** Activity tasks: a worker without workflows still serves its node. */
const ACTIVITY_QUEUE = 2;
/** Hundreds of runs look at once, and who serves changes slowly. */
const KNOWN_FOR_MS = 5_000;

export class Colleagues {
  private readonly asked = new Map<string, { at: number; pollers: Promise<Poller[]> }>();
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

  /**
   * Who asks is told by the server's clock: the one here may be set. A worker that serves asks on the cluster's queue
   * itself, so somebody did within a minute.
   */
  private async identities(queue: string): Promise<string[]> {
    const [all, asked] = await Promise.all([
      this.pollers(clusterQueue(this.cluster)),
      this.pollers(queue),
    ]);
    return liveIdentities(asked, latestAccess([...all, ...asked]));
  }

  private pollers(queue: string): Promise<Poller[]> {
    const known = this.asked.get(queue);
    const at = performance.now();
    if (known !== undefined && at - known.at < KNOWN_FOR_MS) return known.pollers;
    const pollers = this.connection.workflowService
      .describeTaskQueue({
        namespace: this.namespace,
        taskQueue: { name: queue },
        taskQueueType: ACTIVITY_QUEUE,
      })
      .then((answer) => answer.pollers);
    this.asked.set(queue, { at, pollers });
    return pollers;
  }
}
