// A whole watari cluster inside one test: a lab, and real Temporal workers for its nodes on the shared dev server. A
// node's worker stops and starts with the node, as it would with the machine.
import path from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { temporal as proto } from '@temporalio/proto';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createClusterQueue, createNodeQueue } from '../../activities/index.ts';
import type { WorkerFacts } from '../../domain/doctor/view.ts';
import { clusterQueue, nodeQueue, sameName, type WorkflowName } from '../../domain/names.ts';
import { MESSAGES, type Decision, type RunStatus, type StepStatus } from '../../domain/status.ts';
import type { HypervHost } from '../../hyperv/host.ts';
import { scaledClock } from '../../lab/machine/clock.ts';
import { inProcessHost } from '../../lab/host.ts';
import { Lab } from '../../lab/machine/lab.ts';
import type { EffectKind } from '../../lab/machine/records.ts';
import { keepAwake } from '../../lab/machine/waker.ts';
import { parseScenario } from '../../lab/scenario/read.ts';
import { waitFor, waitUntil } from '../../proof/rig/waiting.ts';
import { ledgerDoor } from '../../workers/ledger.ts';
import { registerSearchAttributes } from '../../workers/search-attributes.ts';
import { ROOT } from './built-setup.ts';
import { keepHistories } from './histories.ts';
import type { TestTemporal } from './temporal.ts';

/** Two prepared nodes and a running VM; `extra` is YAML below it. */
export const TWO_NODES = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB, dirtyRate: 50MB/s }
disks: ['C:\\ClusterStorage\\Volume1\\new-1.vhdx']
`;

/** For a machine on which everything takes long. A test whose budget is to run out has a smaller one of its own. */
export const TEST_BUDGETS = {
  restartSeconds: 120,
  answerSeconds: 60,
  heartbeatSeconds: 10,
  retrySeconds: 0.05,
} as const;

export const TEST_WORKER: WorkerFacts = {
  version: '0.1.0',
  node: process.versions.node,
  platform: process.platform,
  powershell: null,
};

export interface LabClusterOptions {
  temporal: TestTemporal;
  /** Scenario without its `cluster` line. */
  scenario: string;
  /** Simulated seconds per second. */
  speed?: number;
  /** Stands between the activities and the lab, to disturb them. */
  disturb?: (host: HypervHost) => HypervHost;
  /** What the workers take for the time of day. */
  now?: () => Date;
  /** Nodes that have a worker; default: all. */
  workers?: string[];
  /** What a node's worker says it is. */
  worker?: (node: string) => WorkerFacts;
  /** Another version of the workflows, from tests/support/variants.ts. */
  workflowCode?: string;
  /** Wraps every activity, to run it twice or to lose its answer. */
  wrap?: <T extends object>(activities: T) => T;
}

export interface LabCluster {
  cluster: string;
  lab: Lab;
  client: Client;
  start(workflow: WorkflowName, id: string, input: object): Promise<Handle>;
  count(kind: EffectKind, subject?: string): number;
  /** Until the node has its worker; starts that of a node that was left out. */
  serve(node: string): Promise<void>;
  stop(): Promise<void>;
}

/** A run with the questions that tests ask it. */
export interface Handle {
  id: string;
  raw: WorkflowHandle;
  status(): Promise<RunStatus>;
  step(id: string): Promise<StepStatus>;
  until(what: string, holds: (status: RunStatus) => boolean): Promise<RunStatus>;
  decide(
    decision: Omit<Decision, 'by' | 'reason'> & Partial<Decision>,
  ): Promise<{ accepted: string }>;
  /** Until the server has an update of this id, whether somebody has answered it or not. */
  arrived(updateId: string): Promise<unknown>;
  result(): Promise<unknown>;
}

// Failures are what these tests make on purpose: only what nobody expects is printed.
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: {
    logging: { filter: makeTelemetryFilterString({ core: 'ERROR' }), forward: {} },
  },
});

const { UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED } =
  proto.api.enums.v1.UpdateWorkflowExecutionLifecycleStage;

let clusters = 0;

export async function labCluster(options: LabClusterOptions): Promise<LabCluster> {
  clusters += 1;
  // Unique per process and cluster: runs of several test files share one server.
  const cluster = `t${(process.pid % 100_000).toString(36)}-${clusters.toString(36)}`;
  const scenario = parseScenario(`cluster: ${cluster}\n${options.scenario}`, 'test.yaml');
  const clock = scaledClock(options.speed ?? 100, Date.now);
  const lab = new Lab(scenario, clock);
  const letSleep = keepAwake(lab, clock);
  const native = await NativeConnection.connect({ address: options.temporal.address });
  await registerSearchAttributes(native, options.temporal.namespace, () => undefined);
  await native.close();
  const nodes = new NodeWorkers(options, cluster, lab);
  await nodes.startAll();
  const connection = await Connection.connect({ address: options.temporal.address });
  const { namespace } = options.temporal;
  const client = new Client({ connection, namespace, identity: 'test' });
  return {
    cluster,
    lab,
    client,
    start: starter(client, cluster, 'test@lab'),
    count: (kind, subject) =>
      lab
        .effects()
        .filter((e) => e.kind === kind && (subject === undefined || e.subject === subject)).length,
    serve: (node) => nodes.serve(node),
    stop: async () => {
      await keepHistories(client, cluster);
      await nodes.stopAll();
      letSleep();
      await connection.close();
    },
  };
}

/** Starts runs of this cluster with the tests' budgets; `input` may say otherwise. */
export const starter =
  (client: Client, cluster: string, startedBy: string) =>
  async (workflow: WorkflowName, id: string, input: object): Promise<Handle> =>
    handleOf(
      await client.workflow.start(workflow, {
        workflowId: id,
        taskQueue: clusterQueue(cluster),
        // What applyCluster is to do stands in its specification alone.
        args: [
          'spec' in input
            ? { startedBy, ...input }
            : { cluster, startedBy, budgets: TEST_BUDGETS, ...input },
        ],
        workflowIdConflictPolicy: 'FAIL',
      }),
    );

export const handleOf = (raw: WorkflowHandle): Handle => {
  const status = (): Promise<RunStatus> => raw.query<RunStatus>(MESSAGES.status);
  return {
    id: raw.workflowId,
    raw,
    status,
    step: async (id) => {
      const found = (await status()).steps.find((s) => s.id === id);
      if (found === undefined) throw new Error(`${raw.workflowId} has no step ${id}`);
      return found;
    },
    until: (what, holds) => waitUntil(what, status, holds, { everyMs: 100 }),
    decide: (decision) =>
      raw.executeUpdate<{ accepted: string }, [Decision]>(MESSAGES.decide, {
        args: [{ by: 'ito@lab', reason: 'test', ...decision }],
      }),
    arrived: (updateId) => {
      const { options, workflowService } = raw.client;
      return waitFor(`update ${updateId} of ${raw.workflowId} to arrive`, () =>
        workflowService.pollWorkflowExecutionUpdate({
          namespace: options.namespace,
          updateRef: { workflowExecution: { workflowId: raw.workflowId }, updateId },
          waitPolicy: { lifecycleStage: UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED },
        }),
      );
    },
    result: () => raw.result(),
  };
};

interface Served {
  workers: Worker[];
  ended: Promise<unknown>;
  connection: NativeConnection;
}

class NodeWorkers {
  private readonly options: LabClusterOptions;
  private readonly cluster: string;
  private readonly lab: Lab;
  private readonly running = new Map<string, Served>();
  private stopped = false;
  private changes = Promise.resolve();

  constructor(options: LabClusterOptions, cluster: string, lab: Lab) {
    this.options = options;
    this.cluster = cluster;
    this.lab = lab;
  }

  async startAll(): Promise<void> {
    const connection = await this.connect();
    const decider = await Worker.create({
      ...this.common(connection),
      identity: `decider/${this.cluster}`,
      taskQueue: clusterQueue(this.cluster),
      workflowBundle:
        this.options.workflowCode === undefined
          ? { codePath: path.join(ROOT, 'dist', 'workflow-bundle.js') }
          : { code: this.options.workflowCode },
      // No thread per worker: nothing here needs the deadlock detector.
      debugMode: true,
    });
    this.running.set('', { workers: [decider], ended: decider.run(), connection });
    await Promise.all(
      this.lab
        .nodes()
        .filter((n) => this.lab.isUp(n) && this.isServed(n))
        .map((n) => this.up(n)),
    );
    this.lab.onNodeChange(({ node, up }) => {
      if (up && !this.isServed(node)) return;
      this.changes = this.changes.then(() => (up ? this.up(node) : this.down(node)));
    });
  }

  async serve(node: string): Promise<void> {
    await waitFor(`${node} to be up`, () => this.lab.isUp(node));
    this.changes = this.changes.then(() => this.up(node));
    await this.changes;
  }

  async stopAll(): Promise<void> {
    this.stopped = true;
    await this.changes;
    await Promise.all([...this.running.keys()].map((node) => this.down(node)));
  }

  private isServed(node: string): boolean {
    return this.options.workers?.some((name) => sameName(name, node)) ?? true;
  }

  private async up(node: string): Promise<void> {
    if (this.running.has(node) || (this.stopped && node !== '')) return;
    const inLab = inProcessHost(this.lab, node);
    const host = this.options.disturb?.(inLab) ?? inLab;
    const wrap = this.options.wrap ?? (<T extends object>(activities: T): T => activities);
    const worker = this.options.worker?.(node) ?? TEST_WORKER;
    const now = this.options.now ?? (() => new Date());
    // Of its own: two workers of one connection must not serve the same queue.
    const connection = await this.connect();
    const { namespace } = this.options.temporal;
    const deps = {
      ...{ host, now, lookEveryMs: 50, worker },
      ledger: ledgerDoor(new Client({ connection, namespace })),
    };
    const workers = await Promise.all([
      Worker.create({
        ...this.common(connection),
        identity: `${node}/cluster/${process.pid}`,
        taskQueue: clusterQueue(this.cluster),
        activities: wrap(createClusterQueue(deps)),
      }),
      Worker.create({
        ...this.common(connection),
        identity: `${node}/node/${process.pid}`,
        taskQueue: nodeQueue(this.cluster, node),
        activities: wrap(createNodeQueue(deps)),
      }),
    ]);
    const ended = Promise.all(workers.map((w) => w.run()));
    this.running.set(node, { workers, ended, connection });
  }

  private async down(node: string): Promise<void> {
    const gone = this.running.get(node);
    if (gone === undefined) return;
    this.running.delete(node);
    for (const worker of gone.workers) worker.shutdown();
    await gone.ended;
    await gone.connection.close();
  }

  private connect(): Promise<NativeConnection> {
    return NativeConnection.connect({ address: this.options.temporal.address });
  }

  private common(connection: NativeConnection) {
    return {
      connection,
      namespace: this.options.temporal.namespace,
      maxHeartbeatThrottleInterval: '200ms',
      defaultHeartbeatThrottleInterval: '200ms',
      shutdownForceTime: '2s',
    } as const;
  }
}
