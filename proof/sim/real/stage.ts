// The stage of a plan that is played for real: the lab on a fast clock, a real worker for every node that lives and
// dies with it, a real Temporal server. The same faults strike as in the simulation:
//   worker-crash, node-crash, power-off: the worker's line to the server is cut for good and its code gets no more
//     answers (worker.ts). To the server that is kill -9; the process itself is this one, so proof/soak kills real ones.
//   unreachable: the line is cut and mended.
//   eviction: the server forgets which worker has a run in memory, and hands out its whole history with the next task.
//   clock-step, slow: of the activities' host and clock, as in the simulation.
//   everything else is the lab's, or a person's at the server's own doors.
import { activityInfo } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import type { Decision } from '../../../domain/status.ts';
import { Lab } from '../../../lab/machine/lab.ts';
import { keepAwake } from '../../../lab/machine/waker.ts';
import { Random } from '../../rig/random.ts';
import { Crew } from '../crew.ts';
import type { Mutant } from '../parts.ts';
import type { Plan } from '../plan.ts';
import { Checks } from '../rules/checks.ts';
import { Ledger } from '../rules/ledger.ts';
import type { Stage } from '../stage.ts';
import type { StartRequest, UpdateAnswer } from '../temporal/seen-run.ts';
import type { WorkflowHost } from '../temporal/workflow-host.ts';
import { effectLine, timed } from '../texts.ts';
import { RealClock } from './clock.ts';
import { RealRuns, type RealRun } from './runs.ts';
import { RealWorker } from './worker.ts';
import { sleep } from '../../rig/waiting.ts';

export interface RealStageOptions {
  /** Of plan.ts beside this file. */
  plan: Plan;
  address: string;
  namespace: string;
  /** Seconds of the lab in one of ours. */
  speed: number;
  bundle: string;
  host: WorkflowHost;
  mutant?: Mutant;
}

const LOOK_MS = 20;

export class RealStage implements Stage {
  readonly clock: RealClock;
  readonly lab: Lab;
  readonly ledger: Ledger;
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  private readonly o: RealStageOptions;
  private readonly checks: Checks;
  private readonly runsThere: RealRuns;
  private readonly connection: Connection;
  readonly crew: Crew<RealWorker>;
  private readonly letSleep: () => void;
  private seenEffects = 0;
  private stopped = false;

  static async open(options: RealStageOptions): Promise<RealStage> {
    const connection = await Connection.connect({ address: options.address });
    const stage = new RealStage(options, connection);
    await Promise.all([...stage.crew.workers.values()].map((worker) => worker.serving()));
    stage.runsThere.watch();
    return stage;
  }

  private constructor(options: RealStageOptions, connection: Connection) {
    this.o = options;
    const { plan, namespace, host, speed, mutant } = options;
    const { scenario, seed, lookEveryMs } = plan;
    this.clock = new RealClock(speed);
    this.clock.onCalled = () => this.notice();
    this.lab = new Lab(scenario, this.clock);
    this.connection = connection;
    this.ledger = new Ledger(
      () => this.lab,
      (act) => {
        if (act.op === 'startMove')
          runs.beats.asksForMove(runs.meet(act.workflowId, act.runId), act.activityId);
        this.checks.act(act);
      },
    );
    this.runsThere = new RealRuns({
      client: new Client({ connection, namespace, identity: 'sim' }),
      cluster: scenario.cluster,
      host,
      checks: () => this.checks,
      tell: (line) => this.tell(line),
      violated: (what) => this.violated(what),
    });
    const runs = this.runsThere;
    this.checks = new Checks(
      {
        now: () => this.clock.now(),
        state: () => this.lab.state(),
        ledger: this.ledger,
        runs: () => runs.all,
        ask: (run, then) => runs.ask(run, then),
      },
      (what) => this.violated(what),
    );
    this.letSleep = keepAwake(this.lab, this.clock);
    this.crew = new Crew({
      stage: this,
      random: new Random(seed).branch('world'),
      lookEveryMs,
      mutant,
      around: (worker, op, args, call) => this.through(worker, op, args, call),
      ledger: (worker) => worker.ledger,
      start: (node, incarnation) => this.startWorker(node, incarnation),
    });
    this.crew.begin();
  }

  tell(line: string): void {
    this.trace.push(timed(this.clock, line));
  }

  violated(what: string): void {
    if (this.stopped) return;
    this.tell(`VIOLATION: ${what}`);
    this.violations.push(what);
  }

  async until(holds: () => boolean, seconds: number): Promise<boolean> {
    const end = this.clock.now() + seconds * 1000;
    while (!holds()) {
      if (this.violations.length > 0 || this.clock.now() >= end) return false;
      await sleep(LOOK_MS);
    }
    return true;
  }

  async stop(): Promise<void> {
    await this.runsThere.stop();
    this.stopped = true;
    this.letSleep();
    this.clock.stop();
    // The dead are swept up by themselves, which takes as long as they try to say something.
    await Promise.all([...this.crew.workers.values()].map((worker) => worker.stop()));
    await this.connection.close();
  }

  runs(): readonly RealRun[] {
    return this.runsThere.all;
  }

  isQuiet(): boolean {
    return this.runsThere.isQuiet();
  }

  start(request: StartRequest, then: (run: RealRun | undefined) => void = () => undefined): void {
    // A run that nobody has been introduced to yet cannot be started again.
    if (request.queue !== '') this.runsThere.start(request, then);
  }

  requestCancel(id: string, by: string): void {
    this.tell(`${id} is asked to cancel by ${by}`);
    this.runsThere.cancel(id);
  }

  signal(id: string, decision: Decision): void {
    this.tell(`${id} gets the signal ${decision.action} ${decision.step}`);
    this.runsThere.signal(id, decision);
  }

  update(id: string, decision: Decision, answer: (answer: UpdateAnswer) => void): boolean {
    return this.runsThere.update(id, decision, answer);
  }

  reconnect(): void {
    for (const worker of this.crew.workers.values()) worker.reconnect();
  }

  evict(): void {
    this.runsThere.forgetWorkers();
  }

  private startWorker(node: string, incarnation: number): RealWorker {
    const { address, namespace, bundle, plan } = this.o;
    const worker = new RealWorker({
      node,
      cluster: plan.scenario.cluster,
      incarnation,
      clock: this.clock,
      address,
      namespace,
      bundle,
      makeParts: (made) => this.crew.partsFor(made),
    });
    worker.serving().catch((error: unknown) => {
      this.violated(`a worker starts: ${error instanceof Error ? error.message : String(error)}`);
    });
    return worker;
  }

  /** Every call of an activity goes through here, at one moment of the lab's clock. */
  private through(
    worker: RealWorker,
    op: string,
    args: object,
    call: () => Promise<unknown>,
  ): Promise<unknown> {
    const { workflowId, runId } = activityInfo().workflowExecution ?? { workflowId: '', runId: '' };
    this.runsThere.meet(workflowId, runId);
    return this.clock.still(() => {
      this.notice();
      const answer = this.ledger.through(worker, op, args, call);
      this.notice();
      return answer;
    });
  }

  /** What has happened in the lab is judged. */
  private notice(): void {
    if (this.stopped) return;
    this.clock.still(() => {
      const effects = this.lab.effects(this.seenEffects);
      this.seenEffects = effects.at(-1)?.seq ?? this.seenEffects;
      for (const effect of effects) {
        this.tell(effectLine(effect));
        this.ledger.effect(effect, Date.parse(effect.at));
        this.checks.effect(effect);
      }
    });
  }
}
