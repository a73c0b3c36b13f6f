// tuneCluster: one consenting VM, the canary, goes back and forth between two nodes with each setting of live
// migration, and what its moves took is compared. Every node has its own setting back at the end, however it ends;
// nothing is kept.
import type { MigrationPerformance } from '../domain/facts.ts';
import { waysOf } from '../domain/fleet/problem.ts';
import { surveyedVms, type Survey } from '../domain/fleet/survey.ts';
import {
  commonOf,
  DEFAULT_ROUNDS,
  settingsToTry,
  tuningOf,
  type TunedMove,
  type TuneRow,
} from '../domain/fleet/tune.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import { isMoving, isQueued } from '../domain/slots.ts';
import {
  DEFAULT_MEMORY_RESERVE_BYTES,
  type MigrateVmInput,
  type TuneClusterInput,
} from '../domain/spec.ts';
import { all } from './all.ts';
import { runChild } from './child.ts';
import { conduct, type Job } from './conduct.ts';
import { stepFailure } from './failure-of.ts';
import { withoutBalancer } from './fleet/balancer.ts';
import { untilItArrives } from './fleet/move-by-plan.ts';
import type { MigrateVmResult } from './migrate-vm.ts';
import type { StepContext } from './run.ts';
import { takeSurvey } from './survey.ts';

export interface TuneClusterResult {
  cluster: string;
  vm: string;
  /** The two nodes that it went back and forth between. */
  between: [string, string];
  rows: TuneRow[];
  /** null: leave the settings as they are. */
  recommended: MigrationPerformance | null;
  advice: string[];
}

export async function tuneCluster(input: TuneClusterInput): Promise<TuneClusterResult> {
  return conduct('tuneCluster', input, tune, ({ cluster, vm, budgets }) => ({
    lock: runId.campaign(cluster),
    title: `Tune the live migration of ${cluster} with ${vm}`,
    cluster,
    vm,
    budgets,
    brakes: true,
  }));
}

type Tune = Job<TuneClusterInput>;

/** Which VM, between which nodes; and every node, because a move goes by the settings of both its ends. */
interface Canary {
  vm: string;
  home: string;
  away: string;
  nodes: string[];
}

interface Remembered {
  node: string;
  performance: MigrationPerformance;
}

/** One move that is to be made. */
interface Leg {
  step: { id: string; title: string; skippable: true };
  performance: MigrationPerformance;
  from: string;
  to: string;
}

async function tune(job: Tune): Promise<TuneClusterResult> {
  const { run, input } = job;
  const see = { id: stepId.cluster('canary'), title: `See whether ${input.vm} can be the canary` };
  const canary = await run.step(see, (c) => findCanary(job, c));
  return withoutBalancer(job, async () => {
    const before = await all(canary.nodes.map((node) => remember(job, node)));
    const now = commonOf(before.map((one) => one.performance));
    const settings = settingsToTry(now, input.smb === true);
    const moves: TunedMove[] = [];
    const plan = settings.map((performance) => ({
      performance,
      set: settingStep(performance),
      legs: legsOf(canary, performance, input.rounds ?? DEFAULT_ROUNDS),
    }));
    const back = { id: stepId.cluster('settings-back'), title: 'Set every node back' };
    const compare = { id: stepId.cluster('compare'), title: 'Compare what the moves took' };
    run.expect([...plan.flatMap(({ set, legs }) => [set, ...legs.map((l) => l.step)]), back]);
    for (const { performance, set, legs } of plan) {
      await run.step(set, async (c) => {
        await setAll(
          job,
          canary.nodes.map((node) => ({ node, performance })),
          c,
        );
      });
      for (const leg of legs) moves.push(await moveOnce(job, canary, leg));
    }
    await run.step(back, (c) => setAll(job, before, c));
    const tuning = await run.step(compare, async (c) => {
      const found = tuningOf(moves, settings, now);
      c.evidence({ tuning: found, recommended: found.recommended ?? 'no change' });
      return Promise.resolve(found);
    });
    const { cluster } = input;
    return { cluster, vm: canary.vm, between: [canary.home, canary.away], ...tuning };
  });
}

const settingStep = (performance: MigrationPerformance) => ({
  id: stepId.cluster(`set-${performance.toLowerCase()}`),
  title: `Set every node to ${performance}`,
});

function legsOf({ vm, home, away }: Canary, performance: MigrationPerformance, rounds: number) {
  return Array.from({ length: rounds }, (_, i): Leg[] =>
    (
      [
        ['there', home, away],
        ['back', away, home],
      ] as const
    ).map(([way, from, to]) => ({
      step: {
        id: stepId.vm(vm, `${performance.toLowerCase()}-${i + 1}-${way}`),
        title: `Move ${vm} to ${to} with ${performance} (${i + 1} of ${rounds})`,
        skippable: true,
      },
      performance,
      from,
      to,
    })),
  ).flat();
}

/** Refused before anything is touched. */
async function findCanary(job: Tune, c: StepContext): Promise<Canary> {
  const { calls, input } = job;
  const survey = await takeSurvey(calls);
  const placed = surveyedVms(survey).find(
    ({ vm }) => sameName(vm.name, input.vm) || sameName(vm.vmId, input.vm),
  );
  if (placed === undefined) {
    refuseSilence(survey);
    throw stepFailure('RoleMissing', `${input.vm} is no VM of cluster ${input.cluster}`);
  }
  const { node: home, vm } = placed;
  if (vm.state === 'off') {
    throw stepFailure('VmNotRunning', `${vm.name} does not run, so its moves would tell nothing`);
  }
  refuseSilence(survey);
  const others = await othersMoving(job, vm.name);
  if (vm.state === 'moving') others.push(vm.name);
  if (others.length > 0) {
    const list = others.join(', ');
    throw stepFailure('SlotsBusy', `The canary must be alone, and ${list} moves just now`);
  }
  const reserveBytes = input.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES;
  const only = c.target ?? input.to;
  const o = { reserveBytes, closed: [], ...(only === undefined ? {} : { only }) };
  const { ways, why } = waysOf(survey, placed, o);
  const [best] = ways;
  if (best === undefined) {
    const which = only === undefined ? 'any other node' : only;
    throw stepFailure('NoEligibleNode', `${vm.name} cannot go from ${home} to ${which}: ${why}`);
  }
  const nodes = survey.cluster.nodes.map(({ name }) => name);
  c.evidence({ home, away: best.node, memoryBytes: vm.memoryBytes });
  return { vm: vm.name, home, away: best.node, nodes };
}

/** A node that cannot be set now would have another setting than the rest. */
function refuseSilence({ cluster, nodes }: Survey): void {
  const wrong = cluster.nodes.flatMap(({ name, state }) => {
    if (state !== 'Up') return [`${name} is ${state}`];
    const answer = nodes[name];
    return answer !== undefined && 'noAnswer' in answer
      ? [`${name}: ${answer.noAnswer.message}`]
      : [];
  });
  if (wrong.length === 0) return;
  throw stepFailure('OthersNotUp', `Every node is needed for a tuning. ${wrong.join('; ')}`);
}

async function othersMoving({ calls }: Tune, vm: string): Promise<string[]> {
  const { roles } = await calls
    .onCluster({ summary: 'See what moves now' })
    .viewCluster({ about: vm });
  return roles
    .filter((role) => !sameName(role.name, vm) && (isMoving(role) || isQueued(role)))
    .map(({ name }) => name);
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

async function moveOnce(job: Tune, canary: Canary, leg: Leg): Promise<TunedMove> {
  const { run, input } = job;
  const { performance, from, to, step } = leg;
  const none: TunedMove = { performance, from, to, seconds: null, alone: false };
  const moved = await run.step(step, async (c): Promise<TunedMove> => {
    await run.brakes.pass((what) => {
      c.waitingFor(what);
    });
    const child: MigrateVmInput = {
      cluster: input.cluster,
      vm: canary.vm,
      to,
      startedBy: `${input.startedBy} (tuneCluster)`,
      ...(input.budgets === undefined ? {} : { budgets: input.budgets }),
      ...(input.memoryReserveBytes === undefined
        ? {}
        : { memoryReserveBytes: input.memoryReserveBytes }),
    };
    const before = await othersMoving(job, canary.vm);
    const lock = runId.migrate(input.cluster, canary.vm);
    const done = (await untilItArrives(run, () =>
      runChild(c, 'migrateVm', lock, child, step.title),
    )) as MigrateVmResult;
    const beside = [...before, ...(await othersMoving(job, canary.vm))];
    // Where somebody else took it, or where it was already, the time says nothing of this way.
    const isThisWay = sameName(done.from, from) && sameName(done.to, to);
    const seconds = isThisWay ? (done.seconds ?? null) : null;
    const alone = beside.length === 0;
    c.evidence({ seconds, ...(alone ? {} : { beside: [...new Set(beside)] }) });
    return { performance, from, to, seconds, alone };
  });
  return moved ?? none;
}
