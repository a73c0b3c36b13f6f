// The worker process of one node: it serves the cluster's queue together with all other nodes, and the node's own queue
// alone. Reads nothing but its options; workers/main.ts and `watari worker start` call it.
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import type { NodeActivityDeps } from '../activities/examine.ts';
import type { Scripts } from '../activities/scripts.ts';
import { createClusterQueue, createNodeQueue } from '../activities/index.ts';
import { LookGate } from '../activities/look-gate.ts';
import type { NotifySettings } from '../config/notify-file.ts';
import { packageVersion } from '../config/package-version.ts';
import { servingLine } from '../config/service-files.ts';
import { loadTemporalConnection, type TemporalConnection } from '../config/temporal/connection.ts';
import { clusterQueue, nodeQueue, sameName } from '../domain/names.ts';
import { workerIdentity } from '../domain/pollers.ts';
import { readScriptsFolder } from '../config/process-environment.ts';
import { readPowerShellPlaces } from '../config/powershell-environment.ts';
import type { HypervHost } from '../hyperv/host.ts';
import { EngineProblem, findEngine } from '../hyperv/powershell/engine.ts';
import { powershellHost, type PowerShellHostOptions } from '../hyperv/powershell/host.ts';
import { loopbackHost } from '../lab/host.ts';
import { standInEnvironment, standInsToLoad } from '../lab/powershell/stand-ins.ts';
import {
  describePolicy,
  PolicyRefused,
  policyOf,
  restrictedHost,
  type Policy,
  type PolicyWords,
} from '../hyperv/policy.ts';
import { ledgerDoor } from './ledger.ts';
import { pastMovesOf } from './past-moves.ts';
import { servePeople } from './people.ts';
import { WorkerRefused } from './refused.ts';
import { connectPatiently, installRuntime } from './runtime.ts';
import { Colleagues } from './serving.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import { scriptsIn } from './scripts.ts';
import { heedStopFile } from './stop-file.ts';

export interface NodeWorkerOptions {
  cluster: string;
  /** Name of the cluster node; this machine's unless the lab plays it. */
  node: string;
  /** Address of a lab that plays the node. */
  labUrl?: string;
  /** Folder of the lab's stand-in modules: the node's PowerShell runs for real, on them. Only with `labUrl`. */
  standIns?: string;
  /** What this node lets Temporal do to it; default: everything. */
  policy?: PolicyWords;
  /** Of watari; the doctor tells workers of different versions apart. Default: this package's. */
  version?: string;
  /** By which channels this worker tells people; default: by none. */
  notify?: NotifySettings;
  /** Default: from the TEMPORAL_* variables and the TOML file. */
  connection?: TemporalConnection;
  /** Ends when standard input ends, so that it never outlives the process that started it. */
  owned?: boolean;
  /** Ends in good order when this file is made; does not start while it is new. See config/service-files.ts. */
  stopFile?: string;
  /** Default: standard error. */
  log?: (line: string) => void;
}

/** How often waiting activities look again. A look through PowerShell costs some 100 ms of a host's time. */
const LOOK_EVERY_MS = { lab: 250, powershell: 1000 };

/** The same workflows twice: how a failure is written is built into a bundle, and encrypted ones hide its message. */
const PLAIN_BUNDLE = '../workflow-bundle.js';
const ENCRYPTED_BUNDLE = '../workflow-bundle-encrypted.js';

/**
 * A lab plays many nodes on one computer, and a shell takes some 150 MB. A second one, as an installation takes long.
 */
const SHELLS_IN_LAB = 2;

interface NodeHost {
  host: HypervHost;
  lookEveryMs: number;
  /** Ends the shells. */
  close: () => Promise<void>;
  /** What it is, in words for a person. */
  via: string;
  /** File name of the PowerShell; null without one. */
  powershell: string | null;
}

export function hostFor(options: NodeWorkerOptions, log: (line: string) => void): NodeHost {
  const { node, labUrl, standIns } = options;
  const throughPowerShell = (
    more: Partial<PowerShellHostOptions>,
  ): Omit<NodeHost, 'lookEveryMs' | 'via'> => {
    const executable = engineFor(node);
    const host = powershellHost({ node, engine: executable, log, ...more });
    return { host, powershell: path.basename(executable), close: () => host.close() };
  };
  if (labUrl !== undefined && standIns !== undefined) {
    return {
      ...throughPowerShell({
        poolSize: SHELLS_IN_LAB,
        env: standInEnvironment({ folder: standIns, url: labUrl, node }),
        loadFirst: standInsToLoad(standIns),
      }),
      lookEveryMs: LOOK_EVERY_MS.lab,
      via: `PowerShell on the lab at ${labUrl}`,
    };
  }
  if (labUrl !== undefined)
    return {
      host: loopbackHost({ url: labUrl, node }),
      powershell: null,
      lookEveryMs: LOOK_EVERY_MS.lab,
      via: `lab at ${labUrl}`,
      close: () => Promise.resolve(),
    };
  if (!sameName(node, hostname())) {
    throw new WorkerRefused(
      `This machine is ${hostname()}, not ${node}: a worker runs every cmdlet locally, so it can only serve the machine it runs on. Start it on ${node}, or add --lab URL for a node of the simulated cluster.`,
    );
  }
  return { ...throughPowerShell({}), lookEveryMs: LOOK_EVERY_MS.powershell, via: 'Windows' };
}

function engineFor(node: string): string {
  try {
    return findEngine(readPowerShellPlaces());
  } catch (error) {
    if (!(error instanceof EngineProblem)) throw error;
    throw new WorkerRefused(`${node} cannot be served. ${error.message}`);
  }
}

function askedPolicy(words: PolicyWords): Policy {
  try {
    return policyOf(words);
  } catch (error) {
    if (!(error instanceof PolicyRefused)) throw error;
    throw new WorkerRefused(error.message);
  }
}

function activityDeps(
  { node, version }: NodeWorkerOptions,
  { host, lookEveryMs, powershell }: NodeHost,
  policy: Policy,
): NodeActivityDeps & { scripts?: Scripts } {
  const folder = readScriptsFolder();
  // What a script does nobody knows, so it is no reading.
  return {
    ...(folder === undefined || policy.size === 0
      ? {}
      : { scripts: scriptsIn(folder, engineFor(node)) }),
    gate: new LookGate(() => performance.now()),
    host: restrictedHost(host, policy),
    now: () => new Date(),
    lookEveryMs,
    worker: {
      version: version ?? packageVersion(),
      node: process.versions.node,
      platform: process.platform,
      powershell,
    },
  };
}

/** Serves until a signal, or until the owner's end. Resolves once everything in hand is finished or handed back. */
export async function startWorker(options: NodeWorkerOptions): Promise<void> {
  const { cluster, node } = options;
  const log = options.log ?? ((line: string) => process.stderr.write(`${line}\n`));
  const stop = new AbortController();
  const asked = heedStopFile(options.stopFile, log);
  if (asked.now()) return;
  const temporal = options.connection ?? loadTemporalConnection();
  const { connectionOptions, namespace } = temporal;
  const made = hostFor(options, log);
  const { via, close } = made;
  installRuntime('WARN', log);
  const policy = askedPolicy(options.policy ?? {});
  const deps = activityDeps(options, made, policy);
  // One connection each: two Workers on one connection show the identity of the first.
  const connect = () => connectPatiently(connectionOptions, log, stop.signal);
  const workers: Worker[] = [];
  const shutDown = (): void => {
    stop.abort();
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const heedless = asked.whenAsked(shutDown);
  const connections = await Promise.all([connect(), connect()]).catch((err: unknown) => {
    if (stop.signal.aborted) return null;
    throw err;
  });
  if (connections === null) {
    heedless();
    await close();
    return;
  }
  const [forCluster, forNode] = connections;
  await registerSearchAttributes(forCluster, namespace, log);
  if (options.owned === true) endWithOwner(shutDown);
  try {
    const colleagues = new Colleagues(forCluster, namespace, cluster);
    const { dataConverter } = temporal;
    const client = new Client({ connection: forCluster, namespace, dataConverter });
    deps.ledger = ledgerDoor(client);
    deps.pastMoves = pastMovesOf(cluster, client);
    const clusterId = await meet(colleagues, options, deps);
    // First and alone, because it is ready within milliseconds: after a restart a step is waiting for this very node.
    const ofNode = await Worker.create({
      ...commonOf(temporal),
      connection: forNode,
      identity: workerIdentity(node, 'node', process.pid, clusterId),
      taskQueue: nodeQueue(cluster, node),
      activities: createNodeQueue(deps),
      maxConcurrentActivityTaskExecutions: 4,
    });
    workers.push(ofNode);
    const nodeEnds = ofNode.run();
    const ofCluster = await Worker.create({
      ...commonOf(temporal),
      connection: forCluster,
      identity: workerIdentity(node, 'cluster', process.pid, clusterId),
      taskQueue: clusterQueue(cluster),
      workflowBundle: {
        codePath: fileURLToPath(
          new URL(temporal.encrypted ? ENCRYPTED_BUNDLE : PLAIN_BUNDLE, import.meta.url),
        ),
      },
      activities: createClusterQueue(deps),
      ...OF_CLUSTER,
    });
    workers.push(ofCluster);
    const clusterEnds = ofCluster.run();
    const people = await servePeople({
      ...{ cluster, client, log, settings: options.notify, stop: stop.signal },
      ...{ connection: forCluster, common: commonOf(temporal) },
    });
    if (people !== undefined) workers.push(people.worker);
    // Told to stop while the second one was being made: it never heard of it.
    if (ofNode.getState() !== 'RUNNING') shutDown();
    const limits = describePolicy(policy);
    log(servingLine(node, cluster, limits === '' ? via : `${via}; ${limits}`));
    await Promise.all([nodeEnds, clusterEnds, people?.end]);
  } finally {
    heedless();
    stop.abort();
    await Promise.allSettled([forCluster.close(), forNode.close(), close()]);
  }
}

/** After a boot the cluster's service comes later than this worker, and a step may wait for it already. */
const CLUSTER_ID_WITHIN_MS = 15_000;

/** undefined when the cluster does not answer now. */
async function knownClusterId(host: HypervHost): Promise<string | undefined> {
  const over = new AbortController();
  const late = delay(CLUSTER_ID_WITHIN_MS, undefined, { signal: over.signal }).catch(
    () => undefined,
  );
  const known = host.readCluster({}).then(
    ({ facts }) => facts.id,
    () => undefined,
  );
  try {
    return await Promise.race([known, late]);
  } finally {
    over.abort();
  }
}

/**
 * Answers the cluster's id where it is known. Beside workers of another cluster of the same name nothing is served:
 * orders for one would reach whichever asks first.
 */
async function meet(
  colleagues: Colleagues,
  { cluster, node }: NodeWorkerOptions,
  deps: NodeActivityDeps,
): Promise<string | undefined> {
  deps.unserved = (nodes) => colleagues.unserved(nodes);
  const clusterId = await knownClusterId(deps.host);
  if (clusterId === undefined) return undefined;
  // A server that does not tell has told of none; the runs' own looks remain.
  const others = await colleagues.ofOtherClusters(clusterId).catch(() => []);
  if (others.length === 0) return clusterId;
  throw new WorkerRefused(
    `${node} is not served: ${others.join(', ')} ${others.length === 1 ? 'serves' : 'serve'} another cluster under the name ${cluster}; that of ${node} has the id ${clusterId}. Give each cluster a Temporal namespace of its own. Was the cluster made anew under its old name? Then restart the workers of the other nodes, and wait five minutes: so long the server remembers them.`,
  );
}

const OF_CLUSTER = {
  // Bounds the memory: by default it grows with the computer. A run that is not cached is replayed when it goes on.
  maxCachedWorkflows: 300,
  // A dead node's cached runs go to another one after this; the default of 10 s is waited in vain.
  stickyQueueScheduleToStartTimeout: '1s',
  maxConcurrentActivityTaskExecutions: 32,
} as const satisfies Partial<WorkerOptions>;

const commonOf = ({ namespace, dataConverter }: TemporalConnection) =>
  ({
    namespace,
    dataConverter,
    // How old the last progress of a dead worker may be. The default is 80 % of the heartbeat timeout.
    maxHeartbeatThrottleInterval: '1s',
    defaultHeartbeatThrottleInterval: '1s',
    // Time for running cmdlets to finish when the service stops; then their activities are given back.
    shutdownGraceTime: '5s',
    shutdownForceTime: '15s',
  }) satisfies Partial<WorkerOptions>;

/** Standard input is a pipe from the owner; it ends when the owner does, however that happens. */
function endWithOwner(end: () => void): void {
  process.stdin.on('end', end).on('error', end).resume();
}
