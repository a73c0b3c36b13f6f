// One seed from its start to its end: the work begins, things go wrong, then nothing does any more and everything has to
// end. Every rule is looked at after every step. The same plan gives the same trace, byte for byte.
import { cure, strike } from './faults.ts';
import { Operator, requestFor } from './operator.ts';
import type { Plan } from './plan.ts';
import { Random } from './random.ts';
import { statusOf, type ServerRun } from './server-run.ts';
import type { Mutant, SimCluster } from './sim-cluster.ts';
import { watchedCluster } from './watched-cluster.ts';
import type { WorkflowHost } from './workflow-host.ts';

export interface Outcome {
  seed: number;
  violations: string[];
  trace: string[];
  runs: readonly ServerRun[];
  /** Completed workflow tasks. */
  tasks: number;
  effects: number;
  simulatedSeconds: number;
}

/** Without faults everything has to be over within this; budgets and patience of 4 tries fit in. */
const END_SECONDS = 24 * 3600;
const PATIENT_EVERY_SECONDS = 5;
/** Longer than any fault lasts, and than any budget that a step may still be waiting for. */
const QUIET_SECONDS = 160;

export interface SimulateOptions {
  mutant?: Mutant;
}

export async function simulate(
  plan: Plan,
  host: WorkflowHost,
  options: SimulateOptions = {},
): Promise<Outcome> {
  const story = new Story(plan, host, options);
  await story.tell();
  return story.outcome();
}

class Story {
  private readonly plan: Plan;
  private readonly c: SimCluster;
  private readonly operator: Operator;
  private pending: number;
  private cured = false;

  constructor(plan: Plan, host: WorkflowHost, options: SimulateOptions) {
    this.plan = plan;
    const { c, ledger } = watchedCluster({
      scenario: plan.scenario,
      host,
      random: new Random(plan.seed).branch('world'),
      lookEveryMs: plan.lookEveryMs,
      ...(options.mutant === undefined ? {} : { mutant: options.mutant }),
    });
    this.c = c;
    this.operator = new Operator(c, ledger);
    this.pending = plan.work.length;
  }

  outcome(): Outcome {
    const { c } = this;
    return {
      seed: this.plan.seed,
      violations: c.violations,
      trace: c.trace,
      runs: c.server.runs,
      tasks: c.server.tasks,
      effects: c.lab.effects().length,
      simulatedSeconds: (c.clock.now() - c.clock.start) / 1000,
    };
  }

  async tell(): Promise<void> {
    const { c, plan, operator } = this;
    for (const work of plan.work)
      c.clock.after(work.at * 1000, () => {
        this.pending -= 1;
        operator.start(requestFor(plan, work));
      });
    for (const fault of plan.faults)
      c.clock.after(fault.at * 1000, () => {
        if (!this.cured) strike(c, fault, operator);
      });
    const last = Math.max(0, ...plan.faults.map((fault) => fault.at));
    const lastStart = Math.max(0, ...plan.work.map((work) => work.at));
    await c.until(
      () => this.pending === 0 && (this.isQuiet() || c.clock.now() >= c.clock.start + last * 1000),
      Math.max(last, lastStart) + 60,
    );
    // What is under way when the last fault strikes is the interesting part: let it show.
    if (plan.faults.length > 0) await c.until(() => this.isQuiet(), QUIET_SECONDS);
    c.tell('nothing goes wrong any more');
    this.cured = true;
    cure(c);
    await this.patiently();
    if (plan.converges) await this.converge();
    await c.stop();
  }

  private isQuiet(): boolean {
    return this.pending === 0 && this.c.server.runs.every((run) => run.state !== 'open');
  }

  private async patiently(): Promise<void> {
    const { c, operator } = this;
    let more = true;
    const tick = (): void => {
      if (!more) return;
      operator.mend();
      operator.bePatient();
      c.clock.after(PATIENT_EVERY_SECONDS * 1000, tick);
    };
    tick();
    const ended = await c.until(() => this.isQuiet(), END_SECONDS);
    more = false;
    if (ended || c.violations.length > 0) return;
    for (const run of c.server.runs) {
      if (run.state === 'open')
        c.violated(
          `every run ends: ${run.id} does not, it waits for ${statusOf(run)?.waitingFor ?? 'nothing'}`,
        );
    }
  }

  /** Whatever was left half done: an apply now reaches the wanted state, and one more finds nothing to do. */
  private async converge(): Promise<void> {
    const { c, plan, operator } = this;
    if (c.violations.length > 0 || !plan.work.some((work) => work.does === 'apply')) return;
    const isWhole = (): boolean => {
      const { nodes } = c.lab.state();
      const [first] = nodes;
      if (first === undefined || nodes.some((node) => node.state !== 'Up')) return false;
      if (!c.lab.state().cluster.quorate) return false;
      const volumes = c.lab.call(first.name, 'readSharedVolumes', {}).facts;
      return volumes.every((v) => v.state === 'Online');
    };
    // Services come up, failovers end, machines start: a person waits for that before trying again.
    for (let tries = 30; tries > 0; tries -= 1) {
      await c.until(() => false, 20);
      operator.mend();
      if (isWhole() && tries < 28) break;
    }
    const again = await this.apply();
    if (again?.state !== 'completed') {
      if (c.violations.length === 0)
        c.violated(
          `an apply reaches the wanted state in the end: it ${again?.state ?? 'could not start'}: ${whyNot(again)}`,
        );
      return;
    }
    const before = c.lab.effects().at(-1)?.seq ?? 0;
    const third = await this.apply();
    const changes = c.lab
      .effects(before)
      .filter(
        (e) => !/balancer/.test(e.detail) && e.kind !== 'fault' && !e.kind.startsWith('move-'),
      );
    const result = third?.result as { changed?: boolean } | undefined;
    if (c.violations.length === 0 && (result?.changed !== false || changes.length > 0))
      c.violated(
        `an apply that finds everything done changes nothing: ${third?.state ?? ''} ${JSON.stringify(result)} ${changes.map((e) => `${e.kind} ${e.subject}`).join(', ')}`,
      );
  }

  private async apply(): Promise<ServerRun | undefined> {
    const request = requestFor(this.plan, { does: 'apply', at: 0, restarts: 'allowed' });
    const run = this.c.server.start(request);
    await this.patiently();
    return run;
  }
}

const whyNot = (run: ServerRun | undefined): string => {
  const steps = run === undefined ? [] : (statusOf(run)?.steps ?? []);
  const failures = steps.flatMap((s) =>
    s.failure === null || s.failure.code === 'Cancelled' ? [] : [`${s.id}: ${s.failure.message}`],
  );
  return failures.length > 0
    ? failures.join('; ')
    : JSON.stringify(steps.map((s) => [s.id, s.state, s.evidence]));
};
