// A cluster of real processes: a Temporal server, the lab as a process of its own, and one worker process per node that
// lives and dies with it. Whatever a test kills here, it kills for real.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { nodeQueue, type WorkflowName } from '../../domain/names.ts';
import type { LabState } from '../../lab/machine/state.ts';
import type { Effect } from '../../lab/machine/records.ts';
import { ROOT } from './built-setup.ts';
import { engine } from './engine.ts';
import { removeFolder } from './folders.ts';
import { keepHistories } from './histories.ts';
import { handleOf, starter, type Handle } from './lab-cluster.ts';
import { startNode, waitFor, waitForOutput, type Running } from './processes.ts';

export interface RealClusterOptions {
  temporal: { address: string; namespace: string };
  /** Scenario without its `cluster` line. */
  scenario: string;
  speed?: number;
  /** Nodes that have a worker; default: all. */
  workers?: string[];
  /** Executable of a PowerShell: workers run watari's own module, on the lab's stand-ins. */
  powershell?: string;
  /** More variables for lab, workers and commands; the test's own client talks to the server directly. */
  env?: Record<string, string>;
}

export interface RealCluster {
  cluster: string;
  /** Scenario, logs and data of this cluster. */
  folder: string;
  labUrl: string;
  lab: Running;
  client: Client;
  env: Record<string, string>;
  start(workflow: WorkflowName, id: string, input: object): Promise<Handle>;
  handle(id: string): Handle;
  effects(kind?: string, subject?: string): Promise<Effect[]>;
  state(): Promise<LabState>;
  control(action: object): Promise<void>;
  /** `watari ARGS`, as a user would type it. */
  watari(...args: string[]): Running;
  stop(): Promise<void>;
}

/** Set by the test kind `powershell`. */
const EVERYTHING_THROUGH_POWERSHELL = process.env['WATARI_TEST_POWERSHELL'] === 'true';

let clusters = 0;

export async function realCluster(options: RealClusterOptions): Promise<RealCluster> {
  clusters += 1;
  const cluster = `r${(process.pid % 100_000).toString(36)}-${clusters.toString(36)}`;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-e2e-'));
  const file = path.join(folder, 'scenario.yaml');
  fs.writeFileSync(file, `cluster: ${cluster}\n${options.scenario}`);
  const { address, namespace } = options.temporal;
  const powershell = options.powershell ?? (EVERYTHING_THROUGH_POWERSHELL ? engine() : undefined);
  const env = {
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    WATARI_HOME: path.join(folder, 'home'),
    WATARI_CLUSTER: cluster,
    NO_COLOR: '1',
    ...(powershell !== undefined && { WATARI_PWSH: powershell }),
    ...options.env,
  };
  const args = [
    'start',
    '--scenario',
    file,
    '--port',
    '0',
    '--json',
    '--owned',
    '--log-dir',
    folder,
  ];
  const lab = startNode(
    [
      path.join(ROOT, 'dist', 'lab', 'main.js'),
      ...args,
      ...['--speed', String(options.speed ?? 50), '--workers', ...(options.workers ?? [])],
      ...(powershell === undefined ? [] : ['--powershell']),
    ],
    { stdin: 'pipe', env },
  );
  const [, labUrl = ''] = await waitForOutput(lab, /"url":"([^"]+)"/);
  const ask = async (route: string): Promise<unknown> => (await fetch(`${labUrl}${route}`)).json();
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace, identity: 'test' });
  // Runs that a command steered carry this computer's name.
  let steered = false;
  const state = async (): Promise<LabState> => (await ask('/state')) as LabState;
  const nodes = options.workers ?? (await state()).nodes.map((n) => n.name);
  await Promise.all(nodes.map((node) => served(client, namespace, nodeQueue(cluster, node))));
  return {
    cluster,
    folder,
    labUrl,
    lab,
    client,
    env,
    state,
    start: starter(client, cluster, 'test@e2e'),
    handle: (id) => handleOf(client.workflow.getHandle(id)),
    effects: async (kind, subject) => {
      const { effects } = (await ask('/effects')) as { effects: Effect[] };
      return effects.filter(
        (e) =>
          (kind === undefined || e.kind === kind) &&
          (subject === undefined || e.subject === subject),
      );
    },
    control: async (action) => {
      const answer = await fetch(`${labUrl}/control`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(action),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    watari: (...words) => {
      steered = true;
      return startNode([path.join(ROOT, 'dist', 'client', 'main.js'), ...words], {
        env,
        cwd: folder,
      });
    },
    stop: async () => {
      if (!steered) await keepHistories(client, cluster);
      lab.child.stdin?.end();
      await waitFor(() => lab.child.exitCode !== null || lab.child.signalCode !== null, {
        what: 'the lab to end with its owner',
        timeoutMs: 15_000,
      });
      await connection.close();
      removeFolder(folder);
    },
  };
}

/** Until a worker polls the queue. */
const served = (client: Client, namespace: string, queue: string): Promise<unknown> =>
  waitFor(
    async () => {
      const { pollers } = await client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name: queue },
        taskQueueType: 2,
      });
      return pollers.length > 0;
    },
    { what: `a worker on ${queue}`, timeoutMs: 20_000, everyMs: 100 },
  );

/** Who runs the pending activity of this type, as `<node>/<role>/<pid>`. */
export async function runnerOf(
  client: Client,
  workflowId: string,
  activity: string,
): Promise<{ node: string; pid: number; attempt: number } | undefined> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const pending = (raw.pendingActivities ?? []).find((a) => a.activityType?.name === activity);
  const [node, , pid] = (pending?.lastWorkerIdentity ?? '').split('/');
  if (node === undefined || pid === undefined) return undefined;
  return { node, pid: Number(pid), attempt: pending?.attempt ?? 0 };
}
