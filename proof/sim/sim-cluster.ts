// One simulated world: the lab's cluster, a Temporal server, a worker on every node, all on one clock. The product's
// own code runs in it unchanged. It moves from one appointment of the clock to the next and is the same for the same
// seed.
import type { LedgerDoor } from '../../activities/cluster.ts';
import { clusterQueue, LEDGER_WORKFLOW, runId } from '../../domain/names.ts';
import { TURN_SIGNALS } from '../../domain/turn-messages.ts';
import type { Decision } from '../../domain/status.ts';
import { Lab } from '../../lab/machine/lab.ts';
import type { Effect } from '../../lab/machine/records.ts';
import { keepAwake } from '../../lab/machine/waker.ts';
import type { Scenario } from '../../lab/scenario/schema.ts';
import type { Random } from '../rig/random.ts';
import { Crew, type Around } from './crew.ts';
import type { Deed, Mutant, WorkerParts } from './parts.ts';
import { SimWorker } from './sim-worker.ts';
import type { Stage } from './stage.ts';
import type { StartRequest, UpdateAnswer } from './temporal/seen-run.ts';
import type { ServerRun } from './temporal/server-run.ts';
import { SimServer } from './temporal/server.ts';
import { SimClock } from './temporal/sim-clock.ts';
import type { WorkflowHost } from './temporal/workflow-host.ts';
import { effectLine, timed } from './texts.ts';

/** Of a call to the server. */
const CALL_MS = 3;

export interface SimClusterOptions {
  scenario: Scenario;
  host: WorkflowHost;
  random: Random;
  /** How often waiting activities look again. */
  lookEveryMs: number;
  mutant?: Mutant | undefined;
  /** Between an activity and the port. */
  around?: Around<SimWorker>;
  onTask?: (run: ServerRun) => void;
  onBeat?: (run: ServerRun, activityId: string, details: unknown) => void;
  onEffects?: (effects: Effect[]) => void;
  /** Asked when a completed workflow task is about to arrive: is it lost, with the worker that has it? */
  losesTask?: () => boolean;
  onActivity?: (worker: SimWorker, type: string, args: unknown[], deed: Deed) => Promise<unknown>;
}

export class SimCluster implements Stage {
  readonly clock = new SimClock();
  readonly lab: Lab;
  readonly server: SimServer;
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  readonly options: SimClusterOptions;
  readonly cluster: string;
  readonly crew: Crew<SimWorker>;
  private readonly letSleep: () => void;
  private seenEffects = 0;

  constructor(options: SimClusterOptions) {
    this.options = options;
    this.cluster = options.scenario.cluster;
    this.lab = new Lab(options.scenario, this.clock);
    this.letSleep = keepAwake(this.lab, this.clock);
    this.server = new SimServer({
      clock: this.clock,
      host: options.host,
      random: options.random.branch('server'),
      tell: (line) => this.tell(line),
      violated: (what) => this.violated(what),
      onTask: (run) => options.onTask?.(run),
      onBeat: (run, activityId, details) => options.onBeat?.(run, activityId, details),
    });
    const { random, lookEveryMs, mutant, around = (_worker, _op, _args, call) => call() } = options;
    this.crew = new Crew({
      stage: this,
      random,
      lookEveryMs,
      mutant,
      around,
      ledger: (worker) => this.ledgerOf(worker),
      start: (node, incarnation) => this.startWorker(node, incarnation),
    });
    this.crew.begin();
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

  private startWorker(node: string, incarnation: number): SimWorker {
    const { clock, server, cluster, options } = this;
    const worker = new SimWorker({
      node,
      cluster,
      incarnation,
      clock,
      queue: server.queue,
      makeParts: (made) => this.hooked(made, this.crew.partsFor(made)),
      losesTask: () => {
        const isLost = options.losesTask?.() ?? false;
        if (isLost) this.crew.killProcess(node);
        return isLost;
      },
    });
    server.queue.join(worker);
    return worker;
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

  reconnect(): void {
    for (const worker of this.crew.workers.values()) worker.connected = true;
    this.server.queue.offer();
  }

  evict(): void {
    for (const run of this.server.runs) this.server.evict(run);
  }

  /** Forgets everything: the sandboxes of the runs are handed back. */
  async stop(): Promise<void> {
    this.letSleep();
    for (const run of this.server.runs) await run.cached?.dispose();
    await this.server.settle();
  }

  /** As a client of the server would do it in this worker's process. */
  private ledgerOf(worker: SimWorker): LedgerDoor {
    return {
      want: (cluster, wants) =>
        new Promise((resolve, reject) => {
          worker.after(CALL_MS, () => {
            if (!worker.connected) {
              reject(new Error('the server cannot be reached'));
              return;
            }
            const request = {
              ...{ id: runId.moves(cluster), type: LEDGER_WORKFLOW },
              ...{ queue: clusterQueue(cluster), input: { cluster } },
            };
            this.server.signalWithStart(request, TURN_SIGNALS.want, wants);
            resolve();
          });
        }),
    };
  }

  private hooked(worker: SimWorker, parts: WorkerParts): WorkerParts {
    const { onActivity } = this.options;
    if (onActivity === undefined) return parts;
    const hook = (deeds: Record<string, Deed>): Record<string, Deed> =>
      Object.fromEntries(
        Object.entries(deeds).map(([type, deed]) => [
          type,
          (...args: unknown[]) => onActivity(worker, type, args, deed),
        ]),
      );
    return { cluster: hook(parts.cluster), node: hook(parts.node) };
  }
}

/** Everything that was waiting for nothing but a turn has had it. */
const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
