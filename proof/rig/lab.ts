// A lab of real processes on a Temporal server: the lab itself, a worker process per node, and commands as a user would
// type them. Asked, struck and watched over its HTTP door; tells real times of what happened in simulated time.
import fs from 'node:fs';
import path from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { readServing } from '../../client/cluster/serving.ts';
import { parseStarted } from '../../client/demo/lab-process.ts';
import { PACKAGE_ROOT } from '../../client/package-root.ts';
import { childEnvironment } from '../../config/process-environment.ts';
import { clusterQueue, type WorkflowName } from '../../domain/names.ts';
import type { Effect, EffectKind } from '../../lab/machine/records.ts';
import type { LabState } from '../../lab/machine/state.ts';
import { saidBy, type Program, type Programs } from './processes.ts';
import type { Server } from './servers.ts';
import { Hopeless, PATIENCE_MS, waitFor, waitUntil } from './waiting.ts';

export interface LabOptions {
  cluster: string;
  /** Without its `cluster` line, or a file of its own. */
  scenario: { yaml: string } | { file: string };
  /** Default: the scenario's. */
  speed?: number;
  /** Nodes that have a worker from the start; default: all. */
  workers?: string[];
  /** Executable of a PowerShell: workers run watari's own module, on the lab's stand-ins. */
  powershell?: string;
  /** More variables for lab, workers and commands. */
  env?: Readonly<Record<string, string>>;
}

interface Surroundings {
  /** The lab's own folder is made in here. */
  folder: string;
  programs: Programs;
}

const CLOCK_LOOKS = 5;

/** A program of ours as it is installed. */
export const compiled = (...parts: string[]): string => path.join(PACKAGE_ROOT, 'dist', ...parts);

/** A profile of the person at the keyboard must not reach any of the processes. */
function environmentOf(server: Server, folder: string, o: LabOptions): Record<string, string> {
  const emptyConfigFile = path.join(folder, 'temporal.toml');
  // The SDK's reader does not take a file without any profile.
  fs.writeFileSync(emptyConfigFile, '[profile.default]\n');
  return {
    ...childEnvironment({ ...server, emptyConfigFile }),
    WATARI_HOME: path.join(folder, 'home'),
    WATARI_CLUSTER: o.cluster,
    NO_COLOR: '1',
    ...(o.powershell !== undefined && { WATARI_PWSH: o.powershell }),
    ...o.env,
  };
}

function scenarioOf({ cluster, scenario }: LabOptions, folder: string): string {
  if ('file' in scenario) return scenario.file;
  const file = path.join(folder, 'scenario.yaml');
  fs.writeFileSync(file, `cluster: ${cluster}\n${scenario.yaml}`);
  return file;
}

export class RealLab<S extends Server = Server> {
  readonly server: S;
  readonly cluster: string;
  /** Scenario, logs and data; where commands are typed. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly url: string;
  /** The lab itself. */
  readonly program: Program;
  private readonly programs: Programs;
  private readonly begun: Program[] = [];
  private clock = { real: 0, simulated: 0, speed: 1 };

  private constructor(
    server: S,
    cluster: string,
    place: { folder: string; env: Record<string, string>; programs: Programs },
    lab: { program: Program; url: string },
  ) {
    this.server = server;
    this.cluster = cluster;
    this.folder = place.folder;
    this.env = place.env;
    this.programs = place.programs;
    this.program = lab.program;
    this.url = lab.url;
  }

  /** Resolves when every node that has a worker is served. */
  static async start<S extends Server>(
    server: S,
    { folder, programs }: Surroundings,
    o: LabOptions,
  ): Promise<RealLab<S>> {
    const own = fs.mkdtempSync(path.join(folder, `watari-${o.cluster}-`));
    const env = environmentOf(server, own, o);
    const program = programs.node(
      [
        ...[compiled('lab', 'main.js'), 'start', '--scenario', scenarioOf(o, own)],
        ...['--port', '0', '--json', '--owned', '--log-dir', own],
        ...(o.speed === undefined ? [] : ['--speed', String(o.speed)]),
        ...['--workers', ...(o.workers ?? [])],
        ...(o.powershell === undefined ? [] : ['--powershell']),
      ],
      { cwd: own, env },
    );
    try {
      const { url } = await waitFor(
        'the lab to start',
        () => {
          if (program.isOver()) throw new Hopeless('it has ended');
          return parseStarted(program.stdout());
        },
        { saw: () => saidBy(program) },
      );
      const place = { folder: own, env, programs };
      const lab = new RealLab(server, o.cluster, place, { program, url });
      await lab.setClock();
      await lab.untilServed(o.workers ?? (await lab.state()).nodes.map((node) => node.name));
      return lab;
    } catch (err) {
      await program.end();
      throw err;
    }
  }

  /** Process ids of the workers that the lab runs, by node. */
  async workerPids(): Promise<Record<string, number>> {
    const { pids } = await this.ask<{ pids: Record<string, number> }>('/workers');
    return pids;
  }

  state = (): Promise<LabState> => this.ask<LabState>('/state');

  async effects(kind?: EffectKind, subject?: string): Promise<Effect[]> {
    const { effects } = await this.ask<{ effects: Effect[] }>('/effects');
    return effects.filter(
      (e) =>
        (kind === undefined || e.kind === kind) && (subject === undefined || e.subject === subject),
    );
  }

  async control(action: object): Promise<void> {
    await this.ask('/control', action);
  }

  /** A question at its door, or an order where there is a body. */
  async ask<T>(route: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.url}${route}`, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    const said: unknown = await answer.json();
    if (!answer.ok) throw new Error(`the lab refused ${route}: ${JSON.stringify(said)}`);
    return said as T;
  }

  /** When something of this simulated time happened, by this computer's clock. */
  realMs(simulated: string): number {
    const { real, simulated: then, speed } = this.clock;
    return real + (Date.parse(simulated) - then) / speed;
  }

  startRun(workflow: WorkflowName, id: string, input: object): Promise<WorkflowHandle> {
    return this.server.temporal.client.workflow.start(workflow, {
      workflowId: id,
      taskQueue: clusterQueue(this.cluster),
      args: [
        { ...('spec' in input ? {} : { cluster: this.cluster }), startedBy: 'bench', ...input },
      ],
    });
  }

  handle(id: string): WorkflowHandle {
    return this.server.temporal.client.workflow.getHandle(id);
  }

  /** A worker process for a node that has none. */
  worker(node: string): Program {
    const which = ['--cluster', this.cluster, '--node', node, '--lab', this.url, '--owned'];
    return this.begin([compiled('workers', 'main.js'), ...which]);
  }

  watari(...words: string[]): Program {
    return this.begin([compiled('client', 'main.js'), ...words]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.begun.map((one) => one.kill()));
    await this.program.end();
  }

  private begin(args: string[]): Program {
    const started = this.programs.node(args, { cwd: this.folder, env: this.env });
    this.begun.push(started);
    return started;
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

  private async untilServed(nodes: string[]): Promise<void> {
    await waitUntil(
      `a worker for each of ${nodes.join(', ')}`,
      () => readServing(this.server.temporal, this.cluster, nodes, new Date()),
      ({ missing }) => missing.length === 0,
      { everyMs: 100, saw: () => saidBy(this.program) },
    );
  }
}
