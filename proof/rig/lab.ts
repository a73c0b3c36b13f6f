// A lab of real processes on one of the servers: the lab itself, a worker process per node, and commands as a user would
// type them. Tells real times of what happened in simulated time.
import fs from 'node:fs';
import path from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { childEnvironment } from '../../config/process-environment.ts';
import { clusterQueue, nodeQueue, type WorkflowName } from '../../domain/names.ts';
import { LAB_PROGRAM, PACKAGE_ROOT } from '../../client/package-root.ts';
import { parseStarted } from '../../client/demo/lab-process.ts';
import type { Effect, EffectKind } from '../../lab/machine/records.ts';
import type { LabState } from '../../lab/machine/state.ts';
import type { Program, Programs } from './processes.ts';
import type { Side } from './servers.ts';
import { waitFor } from './waiting.ts';

export interface LabOptions {
  cluster: string;
  /** A scenario file. */
  scenario: string;
  /** Default: the scenario's. */
  speed?: number;
  /** Nodes that have a worker from the start; default: all. */
  workers?: string[];
  /** How long all workers may take to start; a small machine starts many of them slowly. */
  readyMs?: number;
}

interface Surroundings {
  folder: string;
  programs: Programs;
}

const READY_MS = 20_000;
const CLOCK_LOOKS = 5;
/** A lab answers within milliseconds; on a machine that starts sixteen workers at the same time, within seconds. */
const ANSWER_MS = 20_000;

const program = (...parts: string[]): string => path.join(PACKAGE_ROOT, 'dist', ...parts);

export class BenchLab {
  readonly side: Side;
  readonly cluster: string;
  private readonly url: string;
  private readonly lab: Program;
  private readonly folder: string;
  private readonly env: NodeJS.ProcessEnv;
  private readonly programs: Programs;
  private readonly begun: Program[] = [];
  private clock = { real: 0, simulated: 0, speed: 1 };

  private constructor(
    side: Side,
    lab: Program,
    url: string,
    o: { cluster: string; folder: string; env: NodeJS.ProcessEnv; programs: Programs },
  ) {
    this.side = side;
    this.lab = lab;
    this.url = url;
    this.cluster = o.cluster;
    this.folder = o.folder;
    this.env = o.env;
    this.programs = o.programs;
  }

  static async start(
    side: Side,
    { folder, programs }: Surroundings,
    o: LabOptions,
  ): Promise<BenchLab> {
    const own = fs.mkdtempSync(path.join(folder, `${o.cluster}-${side.name}-`));
    const emptyConfigFile = path.join(own, 'temporal.toml');
    // The SDK's reader does not take a file without any profile.
    fs.writeFileSync(emptyConfigFile, '[profile.default]\n');
    const { address, namespace } = side;
    const env = {
      ...childEnvironment({ address, namespace, emptyConfigFile }),
      WATARI_HOME: path.join(own, 'home'),
      WATARI_CLUSTER: o.cluster,
      NO_COLOR: '1',
    };
    const args = [
      ...[LAB_PROGRAM, 'start', '--scenario', o.scenario, '--port', '0', '--json', '--owned'],
      ...['--log-dir', own, ...(o.speed === undefined ? [] : ['--speed', String(o.speed)])],
      ...['--workers', ...(o.workers ?? [])],
    ];
    const lab = programs.start(args, { cwd: own, env });
    try {
      const { url } = await waitFor('the lab to start', READY_MS, () => {
        if (lab.isOver()) throw new Error(`the lab ended: ${lab.stderr()}`);
        return parseStarted(lab.stdout()) ?? undefined;
      });
      const started = new BenchLab(side, lab, url, {
        cluster: o.cluster,
        folder: own,
        env,
        programs,
      });
      await started.setClock();
      await started.untilServed(o.workers, o.readyMs ?? READY_MS);
      return started;
    } catch (err) {
      await lab.end();
      throw err;
    }
  }

  get pid(): number {
    return this.lab.pid;
  }

  /** Process ids of the workers that the lab runs, by node. */
  async workerPids(): Promise<Record<string, number>> {
    const { pids } = (await this.ask('/workers')) as { pids: Record<string, number> };
    return pids;
  }

  state = async (): Promise<LabState> => (await this.ask('/state')) as LabState;

  async effects(kind?: EffectKind, subject?: string): Promise<Effect[]> {
    const { effects } = (await this.ask('/effects')) as { effects: Effect[] };
    return effects.filter(
      (e) =>
        (kind === undefined || e.kind === kind) && (subject === undefined || e.subject === subject),
    );
  }

  /** When something of this simulated time happened, by this computer's clock. */
  realMs(simulated: string): number {
    const { real, simulated: then, speed } = this.clock;
    return real + (Date.parse(simulated) - then) / speed;
  }

  startRun(workflow: WorkflowName, id: string, input: object): Promise<WorkflowHandle> {
    return this.side.temporal.client.workflow.start(workflow, {
      workflowId: id,
      taskQueue: clusterQueue(this.cluster),
      args: [{ cluster: this.cluster, startedBy: 'bench', ...input }],
    });
  }

  handle(id: string): WorkflowHandle {
    return this.side.temporal.client.workflow.getHandle(id);
  }

  /** A worker process for a node that has none. */
  worker(node: string): Program {
    const which = ['--cluster', this.cluster, '--node', node, '--lab', this.url, '--owned'];
    return this.begin([program('workers', 'main.js'), ...which]);
  }

  watari(...args: string[]): Program {
    return this.begin([program('client', 'main.js'), ...args]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.begun.map((one) => one.kill()));
    await this.lab.end();
  }

  private begin(args: string[]): Program {
    const started = this.programs.start(args, { cwd: this.folder, env: this.env });
    this.begun.push(started);
    return started;
  }

  private async ask(route: string): Promise<unknown> {
    const answer = await fetch(`${this.url}${route}`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return answer.json();
  }

  /** From the quickest of some looks: its middle is nearest to the moment at which the lab read its clock. */
  private async setClock(): Promise<void> {
    let quickest = Infinity;
    for (let i = 0; i < CLOCK_LOOKS; i += 1) {
      const asked = performance.now();
      const askedAt = Date.now();
      const { now, speed } = await this.state();
      const took = performance.now() - asked;
      if (took >= quickest) continue;
      quickest = took;
      this.clock = { real: askedAt + took / 2, simulated: Date.parse(now), speed };
    }
  }

  private async untilServed(workers: string[] | undefined, withinMs: number): Promise<void> {
    const nodes = workers ?? (await this.state()).nodes.map((n) => n.name);
    const { connection } = this.side.temporal;
    const queues = nodes.map((node) => nodeQueue(this.cluster, node));
    await waitFor(
      `workers on ${queues.join(', ')}`,
      withinMs,
      async () => {
        const answers = await Promise.all(
          queues.map((name) =>
            connection.workflowService.describeTaskQueue({
              namespace: this.side.namespace,
              taskQueue: { name },
              taskQueueType: ACTIVITY_QUEUE,
            }),
          ),
        );
        return answers.every(({ pollers }) => pollers.length > 0);
      },
      100,
    );
  }
}

/** TASK_QUEUE_TYPE_ACTIVITY of the API. */
const ACTIVITY_QUEUE = 2;
