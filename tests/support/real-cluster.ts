// A cluster of real processes: a Temporal server, the lab as a process of its own, and one worker process per node that
// lives and dies with it. Whatever a test kills here, it kills for real.
import os from 'node:os';
import { Client } from '@temporalio/client';
import type { WorkflowName } from '../../domain/names.ts';
import { RealLab, type LabOptions } from '../../proof/rig/lab.ts';
import type { Program } from '../../proof/rig/processes.ts';
import { connectTo, type Address } from '../../proof/rig/servers.ts';
import { engine } from './engine.ts';
import { removeFolder } from './folders.ts';
import { keepHistories } from './histories.ts';
import { handleOf, starter, type Handle } from './lab-cluster.ts';
import { programs } from './processes.ts';

export interface RealClusterOptions extends Omit<LabOptions, 'cluster' | 'scenario'> {
  temporal: Address;
  /** Scenario without its `cluster` line. */
  scenario: string;
}

export interface RealCluster extends Pick<
  RealLab,
  'cluster' | 'folder' | 'env' | 'state' | 'effects' | 'control' | 'ask'
> {
  labUrl: string;
  /** The lab's process. */
  lab: Program;
  client: Client;
  start(workflow: WorkflowName, id: string, input: object): Promise<Handle>;
  handle(id: string): Handle;
  /** `watari ARGS`, as a user would type it. */
  watari(...args: string[]): Program;
  stop(): Promise<void>;
}

/** Set by the test kind `powershell`: everything goes through it, and calls take the time that they take Windows. */
const EVERYTHING_THROUGH_POWERSHELL = process.env['WATARI_TEST_POWERSHELL'] === 'true';
const COSTS = EVERYTHING_THROUGH_POWERSHELL ? 'costs: {}\n' : '';

let clusters = 0;

export async function realCluster(options: RealClusterOptions): Promise<RealCluster> {
  clusters += 1;
  const cluster = `r${(process.pid % 100_000).toString(36)}-${clusters.toString(36)}`;
  const { address, namespace } = options.temporal;
  const powershell = options.powershell ?? (EVERYTHING_THROUGH_POWERSHELL ? engine() : undefined);
  const temporal = await connectTo({ address, namespace });
  const lab = await RealLab.start(
    { address, namespace, temporal },
    { folder: os.tmpdir(), programs },
    {
      ...options,
      cluster,
      scenario: { yaml: `${COSTS}${options.scenario}` },
      speed: options.speed ?? 50,
      ...(powershell !== undefined && { powershell }),
    },
  ).catch(async (error: unknown) => {
    await temporal.close();
    throw error;
  });
  // Recorded histories carry the name of who started them.
  const client = new Client({ connection: temporal.connection, namespace, identity: 'test' });
  // Runs that a command steered carry this computer's name.
  let steered = false;
  const { folder, env, url, program, state } = lab;
  return {
    ...{ cluster, folder, env, client, state },
    labUrl: url,
    lab: program,
    start: starter(client, cluster, 'test@e2e'),
    handle: (id) => handleOf(client.workflow.getHandle(id)),
    effects: (kind, subject) => lab.effects(kind, subject),
    control: (action) => lab.control(action),
    ask: (route, body) => lab.ask(route, body),
    watari: (...words) => {
      steered = true;
      return lab.watari(...words);
    },
    stop: async () => {
      if (!steered) await keepHistories(client, cluster);
      const killed = program.isOver();
      await lab.stop();
      await temporal.close();
      if (!killed && (await program.ended) !== 0)
        throw new Error(`the lab did not end with its owner: ${program.stderr()}`);
      removeFolder(folder);
    },
  };
}

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
