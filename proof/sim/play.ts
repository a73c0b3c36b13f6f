// One plan from its start to its end, on whichever stage: the work begins, things go wrong, then nothing does any more
// and everything has to end. The rules look on all the time.
import { cure, strike } from './faults.ts';
import { Operator, requestFor } from './operator.ts';
import type { Plan } from './plan.ts';
import type { Ledger } from './rules/ledger.ts';
import type { Stage } from './stage.ts';
import type { SeenRun } from './temporal/seen-run.ts';

/** How long people wait, in seconds of the stage's clock. */
export interface Patience {
  /** Without faults everything has to be over within this. */
  endSeconds: number;
  /** Longer than any fault lasts, and than any budget that a step may still be waiting for. */
  quietSeconds: number;
}

const PATIENT_EVERY_SECONDS = 5;

export const playPlan = (c: Stage, ledger: Ledger, plan: Plan, patience: Patience): Promise<void> =>
  new Play(c, ledger, plan, patience).play();

class Play {
  private readonly plan: Plan;
  private readonly c: Stage;
  private readonly patience: Patience;
  private readonly operator: Operator;
  private pending: number;
  private cured = false;

  constructor(c: Stage, ledger: Ledger, plan: Plan, patience: Patience) {
    this.c = c;
    this.plan = plan;
    this.patience = patience;
    this.operator = new Operator(c, ledger);
    this.pending = plan.work.length;
  }

  async play(): Promise<void> {
    const { c, plan, operator } = this;
    const began = c.clock.now();
    for (const work of plan.work)
      c.clock.after(work.at * 1000, () => {
        this.pending -= 1;
        operator.start(requestFor(plan, work, c.runs()));
      });
    for (const fault of plan.faults)
      c.clock.after(fault.at * 1000, () => {
        if (!this.cured) strike(c, fault, operator);
      });
    const last = Math.max(0, ...plan.faults.map((fault) => fault.at));
    const lastStart = Math.max(0, ...plan.work.map((work) => work.at));
    await c.until(
      () => this.pending === 0 && (this.isQuiet() || c.clock.now() >= began + last * 1000),
      Math.max(last, lastStart) + 60,
    );
    // What is under way when the last fault strikes is the interesting part: let it show.
    if (plan.faults.length > 0) await c.until(() => this.isQuiet(), this.patience.quietSeconds);
    c.tell('nothing goes wrong any more');
    this.cured = true;
    cure(c);
    await this.patiently();
    if (plan.converges) await this.converge();
  }

  private isQuiet(): boolean {
    return this.pending === 0 && this.c.isQuiet();
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
    const ended = await c.until(() => this.isQuiet(), this.patience.endSeconds);
    more = false;
    if (ended || c.violations.length > 0) return;
    for (const run of c.runs()) {
      if (run.state === 'open')
        c.violated(
          `every run ends: ${run.id} does not, it waits for ${run.status()?.waitingFor ?? 'nothing'}`,
        );
    }
  }

  /** Whatever was left half done: an apply now reaches the wanted state, and one more finds nothing to do. */
  private async converge(): Promise<void> {
    const { c, plan, operator } = this;
    if (c.violations.length > 0 || !plan.work.some((work) => work.does === 'apply')) return;
    const isWhole = (): boolean => {
      const { nodes } = c.lab.state();
      if (nodes.some((node) => node.state !== 'Up')) return false;
      if (!c.lab.state().cluster.quorate) return false;
      const { sharedVolumes, nodes: machines, time } = c.lab.world;
      return (
        sharedVolumes.every((v) => v.state === 'Online') &&
        machines.every((node) => node.volumesPausedUntil <= time)
      );
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
        `an apply that finds everything done changes nothing: ${third?.state ?? ''} ` +
          `${JSON.stringify(result)} ${changes.map((e) => `${e.kind} ${e.subject}`).join(', ')}`,
      );
  }

  private async apply(): Promise<SeenRun | undefined> {
    const request = requestFor(this.plan, { does: 'apply', at: 0, restarts: 'allowed' });
    const run = await new Promise<SeenRun | undefined>((resolve) => {
      this.c.start(request, resolve);
    });
    await this.patiently();
    return run;
  }
}

const whyNot = (run: SeenRun | undefined): string => {
  const steps = run === undefined ? [] : (run.status()?.steps ?? []);
  const failures = steps.flatMap((s) =>
    s.failure === null || s.failure.code === 'Cancelled' ? [] : [`${s.id}: ${s.failure.message}`],
  );
  return failures.length > 0
    ? failures.join('; ')
    : JSON.stringify(steps.map((s) => [s.id, s.state, s.evidence]));
};
