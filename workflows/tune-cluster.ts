// tuneCluster: consenting VMs, the canaries, go back and forth between two nodes. The first one does so with each
// setting of live migration; all of them together do with two numbers of simultaneous moves. What their moves took is
// compared. Everything is as it was at the end, however it ends; nothing is kept.
import type { MigrationPerformance } from '../domain/facts.ts';
import {
  ALONE,
  commonOf,
  DEFAULT_ROUNDS,
  nameOf,
  numbersToTry,
  settingsToTry,
  tuningOf,
  type Choice,
  type Trip,
  type TuneRow,
  type Tuning,
} from '../domain/fleet/tune.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import type { MigrateVmInput, TuneClusterInput } from '../domain/spec.ts';
import { listed } from '../domain/units.ts';
import { all } from './all.ts';
import { runChild } from './child.ts';
import { conduct, type Job } from './conduct.ts';
import { stepFailure } from './failure-of.ts';
import { findCanaries, othersMoving, type Canaries } from './find-canaries.ts';
import { withoutBalancer } from './fleet/balancer.ts';
import { untilItArrives } from './fleet/move-by-plan.ts';
import type { MigrateVmResult } from './migrate-vm.ts';
import type { StepContext } from './run.ts';

export interface TuneClusterResult {
  cluster: string;
  vm: string;
  others?: string[];
  /** The two nodes that they went back and forth between. */
  between: [string, string];
  rows: TuneRow[];
  /** null: leave the settings as they are. */
  recommended: MigrationPerformance | null;
  /** Of moves at once; absent with one canary. */
  numbers?: Tuning<number>;
  advice: string[];
}

export async function tuneCluster(input: TuneClusterInput): Promise<TuneClusterResult> {
  return conduct('tuneCluster', input, tune, ({ cluster, vm, others = [], budgets }) => ({
    lock: runId.campaign(cluster),
    title: `Tune the live migration of ${cluster} with ${listed([vm, ...others])}`,
    cluster,
    vm,
    budgets,
    brakes: true,
  }));
}

type Tune = Job<TuneClusterInput>;

interface Remembered {
  node: string;
  performance: MigrationPerformance;
}

/** One way that canaries are to go together. */
interface Leg<C extends Choice> {
  vms: readonly string[];
  choice: C;
  from: string;
  to: string;
  step: (vm: string) => { id: string; title: string; skippable: true };
}

async function tune(job: Tune): Promise<TuneClusterResult> {
  const { run, input } = job;
  const see = { id: stepId.cluster('canary'), title: `See whether ${input.vm} can be the canary` };
  const canaries = await run.step(see, (c) => findCanaries(job, c));
  const { cluster } = input;
  const { vm, others, home, away } = canaries;
  return withoutBalancer(job, async () => {
    const before = await all(canaries.nodes.map((node) => remember(job, node)));
    const settings = await compareSettings(job, canaries, before);
    const numbers =
      others.length === 0 ? undefined : await compareNumbers(job, canaries, before, settings);
    await run.step(SETTINGS_BACK, (c) => setAll(job, before, c));
    const told = { cluster, vm, between: [home, away] as [string, string], ...settings };
    return numbers === undefined ? told : { ...told, others, numbers };
  });
}

const SETTINGS_BACK = { id: stepId.cluster('settings-back'), title: 'Set every node back' };

async function compareSettings(
  job: Tune,
  canaries: Canaries,
  before: readonly Remembered[],
): Promise<Tuning> {
  const { run, input } = job;
  const now = commonOf(before.map((one) => one.performance));
  const settings = settingsToTry(now, input.smb === true);
  const plan = settings.map((performance) => ({
    performance,
    set: settingStep(performance),
    legs: legsOf(canaries, [canaries.vm], performance, input.rounds),
  }));
  run.expect([...plan.flatMap(({ set, legs }) => [set, ...legs.flatMap(stepsOf)]), SETTINGS_BACK]);
  const trips: Trip<MigrationPerformance>[] = [];
  for (const { performance, set, legs } of plan) {
    await run.step(set, (c) => setAll(job, everywhere(canaries, performance), c));
    for (const leg of legs) trips.push(await makeTrip(job, canaries, leg));
  }
  const tuning = tuningOf(trips, settings, now);
  if (canaries.others.length === 0) tuning.advice.push(ALONE);
  return compare(job, 'compare', tuning);
}

/** With the setting that would be kept: with another one another number may be best. */
async function compareNumbers(
  job: Tune,
  canaries: Canaries,
  before: readonly Remembered[],
  { recommended }: Tuning,
): Promise<Tuning<number>> {
  const { run, calls, input } = job;
  const now = canaries.simultaneous;
  const numbers = input.simultaneous ?? numbersToTry(now);
  const vms = [canaries.vm, ...canaries.others];
  const set = async (maximumParallelMigrations: number) => {
    const summary = `MaximumParallelMigrations = ${maximumParallelMigrations}`;
    const call = calls.onCluster({ summary });
    const { changed, cmdlets } = await call.setClusterLimits({ maximumParallelMigrations });
    return { changed, cmdlets };
  };
  const plan = numbers.map((simultaneous) => ({
    simultaneous,
    step: numberStep(`set-${simultaneous}-at-once`, simultaneous),
    legs: legsOf(canaries, vms, simultaneous, input.rounds),
  }));
  const back = { ...numberStep('number-back', now), skippable: false as const };
  run.expect([...plan.flatMap(({ step, legs }) => [step, ...legs.flatMap(stepsOf)]), back]);
  const { title } = recommended === null ? SETTINGS_BACK : settingStep(recommended);
  const kept = recommended === null ? before : everywhere(canaries, recommended);
  await run.step({ id: stepId.cluster('set-what-would-be-kept'), title }, (c) =>
    setAll(job, kept, c),
  );
  const trips: Trip<number>[] = [];
  for (const { simultaneous, step, legs } of plan) {
    const isSet = await run.step(step, async (c) => {
      // Once: what was there before is known.
      if (simultaneous === numbers[0])
        c.hold(`Set MaximumParallelMigrations back to ${now}`, () => set(now));
      c.evidence(await set(simultaneous));
      return true;
    });
    // Who skips it wants no trips with a number that is not set.
    if (isSet === true) for (const leg of legs) trips.push(await makeTrip(job, canaries, leg));
  }
  await run.step(back, async (c) => {
    c.evidence(await set(now));
  });
  return compare(job, 'compare-numbers', tuningOf(trips, numbers, now));
}

const numberStep = (id: string, simultaneous: number) => ({
  id: stepId.cluster(id),
  title: `Set MaximumParallelMigrations to ${simultaneous}`,
  skippable: true,
});

/** Shown by `run show`, and at the end of the command. */
function compare<C extends Choice>({ run }: Tune, id: string, tuning: Tuning<C>) {
  const step = { id: stepId.cluster(id), title: 'Compare what the moves took' };
  return run.step(step, (c) => {
    const { recommended } = tuning;
    c.evidence({ tuning, recommended: recommended === null ? 'no change' : nameOf(recommended) });
    return Promise.resolve(tuning);
  });
}

const settingStep = (performance: MigrationPerformance) => ({
  id: stepId.cluster(`set-${performance.toLowerCase()}`),
  title: `Set every node to ${performance}`,
});

const everywhere = ({ nodes }: Canaries, performance: MigrationPerformance): Remembered[] =>
  nodes.map((node) => ({ node, performance }));

const stepsOf = ({ vms, step }: Leg<Choice>) => vms.map(step);

function legsOf<C extends Choice>(
  { home, away }: Canaries,
  vms: readonly string[],
  choice: C,
  rounds = DEFAULT_ROUNDS,
): Leg<C>[] {
  const ways = [
    { way: 'there', from: home, to: away },
    { way: 'back', from: away, to: home },
  ];
  const deed = nameOf(choice).toLowerCase().replaceAll(' ', '-');
  return Array.from({ length: rounds }, (_, i) =>
    ways.map(({ way, from, to }) => ({
      ...{ vms, choice, from, to },
      step: (vm: string) => ({
        id: stepId.vm(vm, `${deed}-${i + 1}-${way}`),
        title: `Move ${vm} to ${to} with ${nameOf(choice)} (${i + 1} of ${rounds})`,
        skippable: true as const,
      }),
    })),
  ).flat();
}

/** Holds the node's setting: whatever ends the run early gives it back. */
async function remember({ run, calls }: Tune, node: string): Promise<Remembered> {
  const step = {
    id: stepId.node(node, 'setting'),
    title: `Remember the setting of ${node}`,
  };
  return run.step(step, async (c) => {
    const { migration } = await calls
      .onNode(node, { summary: `Settings of ${node}` })
      .viewNode({ vms: [] });
    if (migration?.enabled !== true) {
      throw stepFailure('HyperVMissing', `${node} does no live migration, so it has no setting`);
    }
    const { performance } = migration;
    c.hold(`Set ${node} back to ${performance}`, () =>
      calls
        .onNode(node, { summary: `Set ${node} back to ${performance}` })
        .setMigration({ performance }),
    );
    c.evidence({ performance });
    return { node, performance };
  });
}

async function setAll({ calls }: Tune, list: readonly Remembered[], c: StepContext): Promise<void> {
  const set = await all(
    list.map(async ({ node, performance }) => {
      const { changed } = await calls
        .onNode(node, { summary: `Set ${node} to ${performance}` })
        .setMigration({ performance });
      return { node, changed, performance };
    }),
  );
  c.evidence({
    changed: set.some((one) => one.changed),
    nodes: set.map(({ node, performance }) => `${node}: ${performance}`),
  });
}

async function makeTrip<C extends Choice>(
  job: Tune,
  canaries: Canaries,
  leg: Leg<C>,
): Promise<Trip<C>> {
  const { choice, from, to, vms } = leg;
  const moves = await all(vms.map((vm) => moveOnce(job, canaries, leg, vm)));
  const told = moves.flatMap((move) => move ?? []);
  const own = told.filter((move) => move.seconds !== null);
  const isWhole = own.length === vms.length;
  const blackouts = own.flatMap(({ blackoutSeconds }) => blackoutSeconds ?? []);
  return {
    ...{ choice, from, to },
    seconds: isWhole ? wholeSeconds(own) : null,
    blackoutSeconds: blackouts.length === vms.length ? Math.max(...blackouts) : null,
    alone: told.length === vms.length && told.every((move) => move.alone),
  };
}

/** One VM's own move is told more exactly than by this run's clock, which shows how long they waited for each other. */
function wholeSeconds(moves: readonly OneMove[]): number | null {
  const [first] = moves;
  if (moves.length === 1 && first !== undefined) return first.seconds;
  const begun = Math.min(...moves.map((move) => move.begun));
  const ended = Math.max(...moves.map((move) => move.ended));
  return Math.round((ended - begun) / 100) / 10;
}

type OneMove = Pick<Trip<Choice>, 'seconds' | 'blackoutSeconds' | 'alone'> & {
  begun: number;
  ended: number;
};

/** undefined: a person skipped it. */
async function moveOnce(
  job: Tune,
  canaries: Canaries,
  { step, from, to }: Leg<Choice>,
  vm: string,
): Promise<OneMove | undefined> {
  const { run, input } = job;
  const own = [canaries.vm, ...canaries.others];
  return run.step(step(vm), async (c) => {
    await run.brakes.pass((what) => {
      c.waitingFor(what);
    });
    const child: MigrateVmInput = {
      cluster: input.cluster,
      vm,
      to,
      startedBy: `${input.startedBy} (tuneCluster)`,
      ...(input.budgets === undefined ? {} : { budgets: input.budgets }),
      ...(input.memoryReserveBytes === undefined
        ? {}
        : { memoryReserveBytes: input.memoryReserveBytes }),
    };
    const before = await othersMoving(job, own);
    const begun = Date.now();
    const lock = runId.migrate(input.cluster, vm);
    const done = (await untilItArrives(run, () =>
      runChild(c, 'migrateVm', lock, child, step(vm).title),
    )) as MigrateVmResult;
    const ended = Date.now();
    const beside = [...before, ...(await othersMoving(job, own))];
    // Where somebody else took it, or where it was already, the time says nothing of this way.
    const isThisWay = sameName(done.from, from) && sameName(done.to, to);
    // Nor does that of one who waited for a person.
    const seconds = isThisWay && c.attempt === 1 ? (done.seconds ?? null) : null;
    const blackoutSeconds = done.blackoutSeconds ?? null;
    const alone = beside.length === 0;
    c.evidence({ seconds, blackoutSeconds, ...(alone ? {} : { beside: [...new Set(beside)] }) });
    return { seconds, blackoutSeconds, alone, begun, ended };
  });
}
