// Rules about live migrations: one at a time, within limits, looked for before it is asked for, moved once, cancelled
// only when asked, with progress that only grows.
import type { Effect } from '../../../lab/machine/records.ts';
import type { SeenRun } from '../temporal/seen-run.ts';
import { did, moveBegunBy, type Act } from './ledger.ts';
import { unlessExcused, type Beat, type Make } from './rule.ts';

const MOVE_ENDS: readonly Effect['kind'][] = ['move-finished', 'move-failed', 'move-cancelled'];

const oneMove: Make = () => {
  const moving = new Map<string, string>();
  return {
    rule: 'no VM is moved twice at a time',
    effect: ({ kind, subject, detail }) => {
      if (MOVE_ENDS.includes(kind)) moving.delete(subject);
      if (kind === 'move-queued') {
        if (moving.has(subject))
          return `a second move of ${subject} is queued (${detail}) during ${moving.get(subject) ?? ''}`;
        moving.set(subject, `queued ${detail}`);
      }
      if (kind !== 'move-started') return undefined;
      const before = moving.get(subject);
      if (before !== undefined && before !== `queued ${detail}`)
        return `a second move of ${subject} starts (${detail}) during ${before}`;
      moving.set(subject, detail);
      return undefined;
    },
  };
};

const ends = (detail: string): string[] => (/^(\S+) -> (\S+)/.exec(detail) ?? []).slice(1);

const limits: Make = ({ state }) => {
  const at = new Map<string, number>();
  const count = (detail: string, by: number): void => {
    for (const node of ends(detail)) at.set(node, Math.max(0, (at.get(node) ?? 0) + by));
  };
  const running = new Map<string, string>();
  return {
    rule: 'no node takes part in more moves than the cluster allows',
    effect: ({ kind, subject, detail }) => {
      if (MOVE_ENDS.includes(kind)) {
        const started = running.get(subject);
        if (started !== undefined) count(started, -1);
        running.delete(subject);
      }
      if (kind !== 'move-started') return undefined;
      running.set(subject, detail);
      count(detail, 1);
      const over = state().nodes.find(({ name, slots }) => (at.get(name) ?? 0) > slots);
      return over === undefined
        ? undefined
        : `${over.name} takes part in ${String(at.get(over.name))} moves, ${over.slots} are allowed`;
    },
  };
};

const slotStepOf = (run: SeenRun) => run.status()?.steps.find((s) => s.id.endsWith('/slot'));

const waitsForTurn: Make = (world) => ({
  rule: 'a run asks for its move only after it was given its turn, or a person skipped that',
  act: (act) => {
    const effect = moveBegunBy(act);
    if (effect === undefined) return undefined;
    const what = `${act.workflowId} started its move (${effect.detail}) without having a turn`;
    // Of many moves in one run no step tells who has its turn: for those the limits alone speak.
    return unlessExcused(
      world,
      act,
      what,
      (run) =>
        run.type !== 'migrateVm' || ['succeeded', 'skipped'].includes(slotStepOf(run)?.state ?? ''),
    );
  },
});

/** Whoever has its turn by an older, higher limit moves yet. */
const LOWERED_MS = 600_000;

/** The cluster queues what comes too early; of our own runs nothing does. */
const ownLimits: Make = (world) => {
  const own = new Map<string, { act: Act; ends: string[] }>();
  const limits: { at: number; limit: number }[] = [];
  const limit = (): number => {
    const now = world.now();
    const last = limits.at(-1);
    const { maximumParallelMigrations } = world.state().cluster;
    if (last?.limit === maximumParallelMigrations) last.at = now;
    else limits.push({ at: now, limit: maximumParallelMigrations });
    return Math.max(...limits.filter(({ at }) => now - at < LOWERED_MS).map((one) => one.limit));
  };
  /** A person let it go without a turn, or the run ended and said that its move is left as it is. */
  const isExcused = (run: SeenRun): boolean =>
    slotStepOf(run)?.state === 'skipped' ||
    /left running|"(MoveStalled|SlotsBusy)"/.test(JSON.stringify(run.status()));
  return {
    rule: 'runs of watari never ask for more moves at a node than the cluster allows at a time',
    act: (act) => {
      limit();
      const effect = moveBegunBy(act);
      if (effect === undefined) return undefined;
      own.set(effect.subject, { act, ends: ends(effect.detail) });
      const counted = [...own.values()].filter(({ act: { runId } }) => {
        const run = world.runs().find((one) => one.runId === runId);
        return run !== undefined && !isExcused(run);
      });
      const over = ends(effect.detail).find(
        (node) => counted.filter((one) => one.ends.includes(node)).length > limit(),
      );
      if (over === undefined) return undefined;
      const what = `${act.workflowId} asked for a move too many at ${over} (${effect.detail})`;
      return unlessExcused(world, act, what, isExcused);
    },
    effect: ({ kind, subject }) => {
      limit();
      if (MOVE_ENDS.includes(kind)) own.delete(subject);
      return undefined;
    },
  };
};

/** A run that has moved its VM does not move it again, unless a person asked for that step once more. */
const movesOnce: Make = () => {
  const started = new Map<string, { vm: string; target: string }>();
  const finished = new Set<string>();
  return {
    rule: 'a run moves its VM once',
    act: (act) => {
      const effect = moveBegunBy(act);
      if (effect === undefined) return undefined;
      const intent = `${act.runId} ${act.activityId}`;
      if (finished.has(intent))
        return `${act.workflowId} moved ${effect.subject} again after it had arrived`;
      started.set(intent, { vm: effect.subject, target: String(act.args['node']) });
      return undefined;
    },
    effect: ({ kind, subject, detail }) => {
      if (!MOVE_ENDS.includes(kind)) return undefined;
      for (const [intent, { vm, target }] of started) {
        if (vm !== subject) continue;
        started.delete(intent);
        if (kind === 'move-finished' && ends(detail)[1] === target) finished.add(intent);
      }
      return undefined;
    },
  };
};

/** What only an operation can do. */
const DEEDS: readonly Effect['kind'][] = [
  'restart-requested',
  'host-configured',
  'cluster-configured',
  'vm-created',
  'vm-removed',
  'role-added',
  'role-removed',
  'role-stopped',
  'node-paused',
  'node-resumed',
  'move-queued',
  'move-started',
];

const nothingUnasked: Make = ({ ledger }) => {
  const queued = new Set<string>();
  return {
    rule: 'one call of an operation does one thing',
    effect: ({ kind, subject, detail, seq }) => {
      const fromQueue = kind === 'move-started' && queued.delete(subject);
      if (kind === 'move-queued') queued.add(subject);
      if (MOVE_ENDS.includes(kind)) queued.delete(subject);
      if (!DEEDS.includes(kind) || fromQueue || /balancer/.test(detail)) return undefined;
      return ledger.wasAskedFor(seq)
        ? undefined
        : `${kind} of ${subject} (${detail}) was no call's own effect`;
    },
    act: (act) => {
      const deeds = act.effects.filter((e) => DEEDS.includes(e.kind));
      return deeds.length > 1 && act.op !== 'configureCluster' && act.op !== 'cancelMove'
        ? `one ${act.op} made ${deeds.map((e) => e.kind).join(' and ')}`
        : undefined;
    },
  };
};

const cancelsOnlyWhenAsked: Make = (world) => ({
  rule: 'a move is cancelled by us only when its run is cancelled or aborted',
  act: (act) => {
    if (act.op !== 'cancelMove' || !did(act, 'move-cancelled')) return undefined;
    const what = `${act.workflowId} cancelled its move although nobody asked for that`;
    return unlessExcused(world, act, what, (run) => {
      const aborted = JSON.stringify(run.status()).includes('"action":"abort"');
      return run.cancelRequested || aborted;
    });
  },
});

const progress: Make = () => {
  const shown = new Map<string, Beat>();
  return {
    rule: 'progress never goes backwards within a phase of one move',
    beat: (run, activityId, { phase, percent }) => {
      const key = `${run.runId} ${activityId}`;
      // Asked for anew: another move.
      if (phase === 'starting') shown.delete(key);
      if (percent === null) return undefined;
      const before = shown.get(key);
      shown.set(key, { phase, percent });
      return before?.phase === phase && before.percent !== null && percent < before.percent
        ? `${run.id} showed ${before.percent} % of ${phase} and then ${percent} %`
        : undefined;
    },
  };
};

export const MOVE_RULES: readonly Make[] = [
  oneMove,
  limits,
  waitsForTurn,
  ownLimits,
  movesOnce,
  nothingUnasked,
  cancelsOnlyWhenAsked,
  progress,
];
