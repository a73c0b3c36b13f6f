// One simulated world: the lab's cluster, a Temporal server, a worker on every node, all on one clock. The product's own
// code runs in it unchanged. It moves from one appointment of the clock to the next and is the same for the same seed.
import type { NodeActivityDeps } from '../../activities/examine.ts';
import type { Decision } from '../../domain/status.ts';
import { inProcessHost } from '../../lab/host.ts';
import { Lab } from '../../lab/lab.ts';
import type { Effect } from '../../lab/records.ts';
import type { Scenario } from '../../lab/scenario-schema.ts';
import { keepAwake } from '../../lab/waker.ts';
import { SimClock } from './temporal/sim-clock.ts';
import type { Random } from '../rig/random.ts';
import { SimServer } from './temporal/server.ts';
import type { StartRequest, UpdateAnswer } from './temporal/server-options.ts';
import type { ServerRun } from './temporal/server-run.ts';
import { hostOfWorker, productParts, type Deed, type Mutant, type WorkerParts } from './parts.ts';
import { SimWorker } from './sim-worker.ts';
import type { Stage } from './stage.ts';
import { effectLine, timed } from './texts.ts';
import type { WorkflowHost } from './temporal/workflow-host.ts';

/** Cuts hook in here: between the activity and the port. */
export type Around = (
  worker: SimWorker,
  op: string,
  args: object,
  call: () => Promise<unknown>,
) => Promise<unknown>;

export interface SimClusterOptions {
  scenario: Scenario;
  host: WorkflowHost;
  random: Random;
  /** How often waiting activities look again. */
  lookEveryMs: number;
  mutant?: Mutant;
  around?: Around;
  onTask?: (run: ServerRun) => void;
  onBeat?: (run: ServerRun, activityId: string, details: unknown) => void;
  onEffects?: (effects: Effect[]) => void;
  /** Asked when a completed workflow task is about to arrive: is it lost, with the worker that has it? */
  losesTask?: (run: ServerRun) => boolean;
  onActivity?: (worker: SimWorker, type: string, args: unknown[], deed: Deed) => Promise<unknown>;
}

export class SimCluster implements Stage {
  readonly clock = new SimClock();
  readonly lab: Lab;
  readonly server: SimServer;
  readonly workers = new Map<string, SimWorker>();
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  readonly options: SimClusterOptions;
  readonly cluster: string;
  /** Nodes whose calls take so many times as long. */
  readonly slow = new Map<string, number>();
  private readonly incarnations = new Map<string, number>();
  private readonly delays: Random;
  private readonly births: Random;
  private readonly letSleep: () => void;
  private seenEffects = 0;

  constructor(options: SimClusterOptions) {
    this.options = options;
    this.cluster = options.scenario.cluster;
    this.lab = new Lab(options.scenario, this.clock);
    this.letSleep = keepAwake(this.lab, this.clock);
    this.delays = options.random.branch('delays');
    this.births = options.random.branch('births');
    this.server = new SimServer({
      clock: this.clock,
      host: options.host,
      random: options.random.branch('server'),
      tell: (line) => this.tell(line),
      violated: (what) => this.violated(what),
      onTask: (run) => options.onTask?.(run),
      onBeat: (run, activityId, details) => options.onBeat?.(run, activityId, details),
    });
    for (const node of this.lab.nodes()) if (this.lab.isUp(node)) this.bear(node);
    this.lab.onNodeChange(({ node, up }) => {
      if (up) this.clock.after(this.births.int(500, 6000), () => this.bear(node));
      else this.kill(node);
    });
  }

  tell(line: string): void {
    this.trace.push(timed(this.clock, line));
  }

  violated(what: string): void {
    this.tell(`VIOLATION: ${what}`);
    this.violations.push(what);
  }

  /** Does what is next until that moment. False when there is nothing. */
  private async step(until: number): Promise<boolean> {
    if (!this.clock.step(until)) return false;
    await settled();
    await this.server.settle();
    const effects = this.lab.effects(this.seenEffects);
    const last = effects.at(-1);
    if (last !== undefined) {
      this.seenEffects = last.seq;
      for (const e of effects) this.tell(effectLine(e));
      this.options.onEffects?.(effects);
    }
    return true;
  }

  /** Goes on until that holds; false when it never did within so many simulated seconds. */
  async until(holds: () => boolean, seconds: number): Promise<boolean> {
    const end = Math.ceil(this.clock.now() + seconds * 1000);
    while (!holds()) {
      if (this.violations.length > 0 || !(await this.step(end))) return false;
    }
    return true;
  }

  /** A worker process starts on this node, if the node runs and has none. */
  bear(node: string): void {
    if (this.workers.has(node) || !this.lab.isUp(node)) return;
    const incarnation = (this.incarnations.get(node) ?? 0) + 1;
    this.incarnations.set(node, incarnation);
    const worker = new SimWorker({
      node,
      cluster: this.cluster,
      incarnation,
      clock: this.clock,
      server: this.server,
      makeParts: (made) => this.partsFor(made),
    });
    const { losesTask } = this.options;
    if (losesTask !== undefined)
      worker.losesTask = (run) => {
        const isLost = losesTask(run);
        if (isLost) this.killProcess(node);
        return isLost;
      };
    this.workers.set(node, worker);
    this.tell(`worker ${worker.identity} starts`);
    this.server.queue.join(worker);
  }

  kill(node: string): void {
    const worker = this.workers.get(node);
    if (worker === undefined) return;
    this.workers.delete(node);
    this.tell(`worker ${worker.identity} is dead`);
    worker.die();
  }

  /** Kills the process alone; its service starts it again. */
  killProcess(node: string): void {
    this.kill(node);
    this.clock.after(this.births.int(3000, 8000), () => this.bear(node));
  }

  runs(): readonly ServerRun[] {
    return this.server.runs;
  }

  isQuiet(): boolean {
    return this.server.runs.every((run) => run.state !== 'open');
  }

  start(request: StartRequest, then: (run: ServerRun | undefined) => void = () => undefined): void {
    then(this.server.start(request));
  }

  requestCancel(id: string, by: string): void {
    this.server.requestCancel(id, by);
  }

  signal(id: string, decision: Decision): void {
    this.server.signal(id, decision);
  }

  update(id: string, decision: Decision, answer: (answer: UpdateAnswer) => void): boolean {
    return this.server.update(id, decision, answer);
  }

  cutOff(node: string, seconds: number): boolean {
    const worker = this.workers.get(node);
    if (worker === undefined) return false;
    worker.connected = false;
    this.clock.after(seconds * 1000, () => {
      worker.connected = true;
      this.server.queue.offer();
    });
    return true;
  }

  reconnect(): void {
    for (const worker of this.workers.values()) worker.connected = true;
    this.server.queue.offer();
  }

  evict(): void {
    for (const run of this.server.runs) this.server.evict(run);
  }

  stepClock(node: string, ms: number): void {
    const worker = this.workers.get(node);
    if (worker !== undefined) worker.clockOffsetMs += ms;
  }

  /** Forgets everything: the sandboxes of the runs are handed back. */
  async stop(): Promise<void> {
    this.letSleep();
    for (const run of this.server.runs) await run.cached?.dispose();
    await this.server.settle();
  }

  private partsFor(worker: SimWorker): WorkerParts {
    const { mutant, around, lookEveryMs, onActivity } = this.options;
    const real = inProcessHost(this.lab, worker.node);
    const delay = (): number =>
      Math.round(this.delays.int(1, 30) * (this.slow.get(worker.node) ?? 1));
    const host = hostOfWorker(mutant?.host?.(real) ?? real, worker, delay, (op, args, call) =>
      around === undefined ? call() : around(worker, op, args, call),
    );
    const deps: NodeActivityDeps = {
      host,
      now: () => worker.now(),
      lookEveryMs,
      after: (ms, call) => worker.after(ms, call),
      worker: { version: 'sim', node: process.versions.node, platform: 'sim', powershell: null },
    };
    const parts = productParts(deps, mutant);
    if (onActivity === undefined) return parts;
    const hooked = (deeds: Record<string, Deed>): Record<string, Deed> =>
      Object.fromEntries(
        Object.entries(deeds).map(([type, deed]) => [
          type,
          (...args: unknown[]) => onActivity(worker, type, args, deed),
        ]),
      );
    return { cluster: hooked(parts.cluster), node: hooked(parts.node) };
  }
}

/** Everything that was waiting for nothing but a turn has had it. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
