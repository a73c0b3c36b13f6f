// One node's worker process, played inside this one: real Temporal workers on both queues, with the product's workflows
// and activities, over a line of their own. It dies without a word: its line is cut first, so nothing that its remains
// still say arrives, and its code gets no more answers from the host.
import type { LedgerDoor } from '../../../activities/cluster.ts';
import { ledgerDoor } from '../../../workers/ledger.ts';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { clusterQueue, nodeQueue } from '../../../domain/names.ts';
import type { CrewMember } from '../crew.ts';
import { SLOTS, type Deed, type WorkerParts } from '../parts.ts';
import type { RealClock } from './clock.ts';
import { Line } from './line.ts';
import { sleep } from '../../rig/waiting.ts';

export interface RealWorkerOptions {
  node: string;
  cluster: string;
  incarnation: number;
  clock: RealClock;
  address: string;
  namespace: string;
  /** The compiled workflows. */
  bundle: string;
  makeParts: (worker: RealWorker) => WorkerParts;
}

/** As workers/node-worker.ts, where heartbeats go out at most once a second: here two seconds of silence are death. */
const COMMON = {
  maxHeartbeatThrottleInterval: '200ms',
  defaultHeartbeatThrottleInterval: '200ms',
  // Longer than the core tries to deliver what a dead worker has left.
  shutdownForceTime: '30s',
} as const satisfies Partial<WorkerOptions>;

const OF_CLUSTER = {
  maxCachedWorkflows: 300,
  stickyQueueScheduleToStartTimeout: '1s',
  // No thread per worker: nothing here needs the deadlock detector.
  debugMode: true,
} as const satisfies Partial<WorkerOptions>;

/** What a dead worker's activities would tell the server, if its line let them. */
export const DEAD = 'this worker is dead';

export class RealWorker implements CrewMember {
  readonly node: string;
  readonly identity: string;
  alive = true;
  clockOffsetMs = 0;
  private readonly options: RealWorkerOptions;
  private readonly born: Promise<void>;
  private line: Line | undefined;
  private isCutOff = false;
  private readonly connections: NativeConnection[] = [];
  private readonly workers: { worker: Worker; ended: Promise<void> }[] = [];
  private readonly death: Promise<never>;
  private announceDeath: (why: Error) => void = () => undefined;

  constructor(options: RealWorkerOptions) {
    this.options = options;
    this.node = options.node;
    this.identity = `${options.node}/${options.incarnation}`;
    this.death = new Promise<never>((_, reject) => (this.announceDeath = reject));
    this.death.catch(() => undefined);
    this.born = this.start();
    this.born.catch(() => undefined);
  }

  /** Fulfilled when it serves; rejected when it could not be started though it was not killed meanwhile. */
  async serving(): Promise<void> {
    try {
      await this.born;
    } catch (error) {
      if (this.alive) throw error;
    }
  }

  /** Over its own line, which may be cut. */
  readonly ledger: LedgerDoor = {
    want: (cluster, wants) => {
      const [connection] = this.connections;
      if (connection === undefined) return Promise.reject(new Error('it has not connected yet'));
      const { namespace } = this.options;
      return ledgerDoor(new Client({ connection, namespace })).want(cluster, wants);
    },
  };

  now(): Date {
    return new Date(this.options.clock.now() + this.clockOffsetMs);
  }

  after(ms: number, call: () => void): () => void {
    return this.options.clock.after(ms, () => {
      if (this.alive) call();
    });
  }

  cutOff(): void {
    this.isCutOff = true;
    this.line?.cut();
  }

  reconnect(): void {
    this.isCutOff = false;
    if (this.alive) this.line?.mend();
  }

  /** Without a goodbye. Resolves when what is left of it is swept up; nobody has to wait for that. */
  die(): Promise<void> {
    this.alive = false;
    this.line?.cut();
    this.announceDeath(new Error(DEAD));
    return this.sweep();
  }

  /** At the end of everything. */
  stop(): Promise<void> {
    this.announceDeath(new Error('the play is over'));
    return this.sweep();
  }

  private async sweep(): Promise<void> {
    await this.born.catch(() => undefined);
    for (const { worker } of this.workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    await Promise.allSettled(this.workers.map(({ ended }) => ended));
    await Promise.allSettled(this.connections.map((connection) => connection.close()));
    this.line?.close();
  }

  private async start(): Promise<void> {
    const { options } = this;
    const parts = options.makeParts(this);
    this.line = await Line.open(options.address);
    if (this.isCutOff || !this.alive) this.line.cut();
    // First and alone, as the product does it: after a restart a step is waiting for this very node.
    await this.serve('node', {
      taskQueue: nodeQueue(options.cluster, options.node),
      activities: this.mortal(parts.node),
      maxConcurrentActivityTaskExecutions: SLOTS.node,
    });
    await this.serve('cluster', {
      taskQueue: clusterQueue(options.cluster),
      activities: this.mortal(parts.cluster),
      maxConcurrentActivityTaskExecutions: SLOTS.cluster,
      workflowBundle: { codePath: options.bundle },
      ...OF_CLUSTER,
    });
  }

  private async serve(
    role: string,
    own: Omit<WorkerOptions, 'connection' | 'namespace' | 'identity'>,
  ): Promise<void> {
    // Of its own: two workers of one connection show the identity of the first.
    const connection = await this.connect();
    this.connections.push(connection);
    const { namespace } = this.options;
    const identity = `${this.identity}/${role}`;
    const worker = await Worker.create({ ...COMMON, ...own, connection, namespace, identity });
    if (!this.alive) throw new Error('killed while it was starting');
    const ended = worker.run();
    ended.catch(() => undefined);
    this.workers.push({ worker, ended });
  }

  /** Like the product's patient one: a server that cannot be reached now is tried again. */
  private async connect(): Promise<NativeConnection> {
    for (;;) {
      if (!this.alive) throw new Error('killed while it was connecting');
      try {
        return await NativeConnection.connect({ address: this.line?.address ?? '' });
      } catch {
        await sleep(50);
      }
    }
  }

  /** The activity of a dead process is not waited for. */
  private mortal(deeds: Record<string, Deed>): Record<string, Deed> {
    return Object.fromEntries(
      Object.entries(deeds).map(([type, deed]) => [
        type,
        (...args: unknown[]) => Promise.race([deed(...args), this.death]),
      ]),
    );
  }
}
