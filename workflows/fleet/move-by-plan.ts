// The live moves of a plan, as steps of one run: many at a time, each with its turn, its move and the proof that the VM
// runs at the other end. One VM that cannot move stops no other: its step waits for a person while the rest goes on.
import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, condition, sleep } from '@temporalio/workflow';
import type { PastMove } from '../../domain/fleet/learned.ts';
import type { Pace } from '../../domain/fleet/pace.ts';
import type { FailureCode } from '../../domain/failures.ts';
import { stepId } from '../../domain/names.ts';
import { sizeText } from '../../domain/units.ts';
import { all } from '../all.ts';
import type { Calls } from '../calls.ts';
import { failureOf, stepFailure } from '../failure-of.ts';
import { whereverItIs } from '../follow.ts';
import { moveWithCause } from '../move-with-cause.ts';
import type { Run, StepContext } from '../run.ts';
import type { Want, WantTarget } from '../../domain/turns.ts';
import type { Turns } from '../turns.ts';
import { Pacer } from './pacer.ts';
import type { Rooms } from './rooms.ts';

/** A VM that is to leave its node by a plan. */
export interface Leaving {
  vm: string;
  vmId: string;
  from: string;
  /** As planned; at a second attempt, whatever is best then. null: the plan knows no way. */
  to: string | null;
  memoryBytes: number;
  apart: string[];
  /** As planned. */
  seconds: number;
  /** Absent: as soon as there is a slot. */
  pace?: Pace;
}

/** Where a VM is now, and where it could go. */
export type Whereabouts =
  | { is: 'running'; targets: WantTarget[]; why: string }
  /** It does not run: moved without a live migration, after the others. */
  | { is: 'off' }
  /** Somebody else's move of it is under way. */
  | { is: 'moving' }
  /** Its node is down, and the cluster has not put it elsewhere yet. */
  | { is: 'lost' }
  /** Somebody has moved or removed it. */
  | { is: 'gone'; to: string | null };

export interface MoveByPlan {
  run: Run;
  /** Of the steps: what a maintenance moves off its node it may bring back later. */
  deed: 'move' | 'return';
  calls: Calls;
  turns: Turns;
  /** Looks at the cluster again. `only`: the node that a person named. */
  find: (leaving: Leaving, only: string | undefined, avoid: string[]) => Promise<Whereabouts>;
  /** Moves that the slots of the nodes which are emptied let run at once. */
  slots: number;
  rooms: Rooms;
}

export interface Moved {
  moves: PastMove[];
  /** VMs that a person chose to leave. */
  left: string[];
}

/** So many more have asked for their turn than can move, so that no slot waits for a run to ask. */
const AHEAD = 4;
/** At somebody else's move. Doubled from the first to the longest: it may stand in a queue for hours. */
const LOOK_AGAIN_SECONDS = { first: 2, longest: 300 } as const;
/** A node that the cluster has only lost sight of keeps its VMs for four minutes (ResiliencyDefaultPeriod). */
const FAILOVER_SECONDS = 300;
/** So often a VM that does not run any more is looked at while it shuts down. */
const STOPS_MAX = 5;
/** Another node is tried so often within one attempt. */
const TARGETS_MAX = 3;

/** Failures that another node would not have. */
const OF_THE_TARGET: readonly FailureCode[] = [
  'TargetNodeDown',
  'TargetNodePaused',
  'TargetOutOfResources',
  'TargetOutOfMemory',
  'NotPossibleOwner',
  'SwitchMissingOnTarget',
];

export async function moveByPlan(m: MoveByPlan, leaving: readonly Leaving[]): Promise<Moved> {
  const moved: Moved = { moves: [], left: [] };
  const places = new Places(m.slots * 2 + AHEAD);
  const pacer = new Pacer();
  const steps = leaving.map((one, order) => ({ one, order, step: stepOf(leaving, order, m.deed) }));
  m.run.expect(steps.map(({ step }) => step));
  const begun: Promise<void>[] = [];
  for (const { one, order, step } of steps) {
    try {
      await condition(() => places.areFree() && m.run.status.paused === undefined);
    } catch (err) {
      // Cancelled: nothing new begins, and what has begun is waited for.
      if (!(err instanceof Error)) throw err;
      begun.push(Promise.reject(err));
      break;
    }
    // A VM that waits for a person, or tries again, keeps none of the others waiting.
    const leave = places.take();
    const earlier = begunOf(steps, order, begun);
    const done = m.run.step(step, async (c) => {
      await earlier;
      return moveOne(m, one, { order, step: step.id, pacer }, c).finally(() => {
        pacer.end(one.from, order);
        leave();
      });
    });
    begun.push(
      done.then((move) => {
        if (move === undefined) moved.left.push(one.vm);
        else if (move !== null) moved.moves.push(move);
      }),
    );
  }
  await all(begun);
  return moved;
}

/** So many moves of a drain have asked for their turn, and no more. */
class Places {
  private free: number;

  constructor(count: number) {
    this.free = count;
  }

  areFree(): boolean {
    return this.free > 0;
  }

  /** Answers how to give it back, once. */
  take(): () => void {
    this.free -= 1;
    let isTaken = true;
    return () => {
      if (isTaken) this.free += 1;
      isTaken = false;
    };
  }
}

/** A VM that makes room twice moves once, and then again. */
const begunOf = (
  steps: readonly { one: Leaving }[],
  order: number,
  begun: readonly Promise<void>[],
): Promise<unknown> =>
  Promise.allSettled(begun.filter((_, i) => steps[i]?.one.vmId === steps[order]?.one.vmId));

function stepOf(leaving: readonly Leaving[], order: number, deed: MoveByPlan['deed']) {
  const one = leaving[order];
  if (one === undefined) throw new Error(`no move ${order}`);
  const nth = leaving.slice(0, order).filter(({ vmId }) => vmId === one.vmId).length;
  const size = sizeText(one.memoryBytes);
  return {
    id: stepId.vm(one.vm, nth === 0 ? deed : `${deed}-${nth + 1}`),
    title:
      one.to === null
        ? `Move ${one.vm} (${size}) off ${one.from}`
        : `Move ${one.vm} (${size}) from ${one.from} to ${one.to}`,
    skippable: true,
  };
}

/** null: there was nothing to move any more. */
async function moveOne(
  m: MoveByPlan,
  one: Leaving,
  { order, step, pacer }: { order: number; step: string; pacer: Pacer },
  c: StepContext,
): Promise<PastMove | null> {
  const avoid: string[] = [];
  let targets: WantTarget[] = [];
  let stops = 0;
  let looksFirst = c.attempt > 1 || one.to === null;
  for (;;) {
    if (looksFirst) {
      // Whatever it waits for now, the others do not wait for it.
      pacer.end(one.from, order);
      const now = await atRest(() => m.find(one, c.target, avoid), one, c);
      if (now.is !== 'running') return explained(one, now, c);
      if (now.targets.length === 0) {
        throw stepFailure('NoEligibleNode', `No node can take ${one.vm}. ${now.why}`);
      }
      targets = now.targets;
    } else if (one.to !== null) {
      if (m.rooms.of(one.to) < one.memoryBytes)
        c.waitingFor(`memory on ${one.to}, which other moves of this run will free`);
      await m.rooms.enough(one.to, one.memoryBytes);
      if (one.pace !== undefined) {
        c.waitingFor('the moves that the plan has before it');
        await pacer.begin(one.from, order, one.pace);
      }
      targets = [{ node: one.to, roomBytes: m.rooms.of(one.to) }];
    }
    const want: Want = { ...one, targets, order };
    const turn = await m.turns.take(want, (why) => {
      c.waitingFor(why);
    });
    looksFirst = true;
    if ('refused' in turn) {
      c.evidence({ chosenAnew: turn.refused });
      continue;
    }
    const target = turn.target;
    // A turn may come in the moment in which the run is cancelled: nothing new begins then.
    if (CancellationScope.current().consideredCancelled) {
      await CancellationScope.nonCancellable(() => m.turns.release(one.vmId));
      throw new CancelledFailure(`${one.vm} was about to move`);
    }
    try {
      const arrived = (): Promise<void> => {
        pacer.end(one.from, order);
        return m.turns.release(one.vmId, true);
      };
      return await untilItArrives(m.run, () => carry(m, one, { target, step, arrived }, c));
    } catch (err) {
      const code = failureOf(err)?.code;
      // Kept also where the next look finds the VM gone: a move of ours was begun.
      if (code !== undefined) c.evidence({ tried: `${target}: ${code}` });
      if (code === 'MovedElsewhere') continue;
      // Shut down meanwhile: then it is moved with what does not run.
      if (code === 'VmNotRunning' && stops < STOPS_MAX) {
        stops += 1;
        await sleep(LOOK_AGAIN_SECONDS.first * 1000, { summary: `${one.vm} is shut down` });
        continue;
      }
      const isOfTarget = code !== undefined && OF_THE_TARGET.some((known) => known === code);
      avoid.push(target);
      if (!isOfTarget || c.target !== undefined || avoid.length >= TARGETS_MAX) throw err;
      c.evidence({ chosenAnew: `${target} failed with ${code}` });
    } finally {
      await CancellationScope.nonCancellable(() => m.turns.release(one.vmId));
    }
  }
}

type AtRest = Exclude<Whereabouts, { is: 'moving' | 'lost' }>;

/** Where it is when neither somebody else nor the cluster moves it: whoever does may well take it off its node. */
async function atRest(
  find: () => Promise<Whereabouts>,
  { vm, from }: Leaving,
  c: StepContext,
): Promise<AtRest> {
  const since = Date.now();
  for (let seconds: number = LOOK_AGAIN_SECONDS.first; ; seconds *= 2) {
    const now = await find();
    if (now.is !== 'moving' && now.is !== 'lost') return now;
    if (now.is === 'lost' && Date.now() - since > FAILOVER_SECONDS * 1000) {
      throw stepFailure('NodeUnreachable', `${from} is down, and ${vm} has not come up elsewhere`);
    }
    const what =
      now.is === 'moving'
        ? `the move of ${vm} that somebody else has begun`
        : `the cluster to start ${vm} elsewhere: ${from} is down`;
    c.waitingFor(what);
    const wait = Math.min(seconds, LOOK_AGAIN_SECONDS.longest);
    await sleep(wait * 1000, { summary: `Waits for ${what}` });
  }
}

function explained(one: Leaving, now: Whereabouts & { is: 'off' | 'gone' }, c: StepContext): null {
  const where = now.is === 'gone' && now.to !== null ? `is on ${now.to} by now` : 'is gone';
  const why = now.is === 'off' ? 'does not run any more' : where;
  c.evidence({ why: `${one.vm} ${why}` });
  return null;
}

async function carry(
  { calls, rooms }: MoveByPlan,
  one: Leaving,
  { target, step, arrived }: { target: string; step: string; arrived: () => Promise<void> },
  c: StepContext,
): Promise<PastMove | null> {
  c.waitingFor(null);
  const { vm, vmId, from, memoryBytes } = one;
  const role = { name: vm, vmId, owner: from };
  const known = { reasons: [], disks: [] };
  const how = c.quick ? ('quick' as const) : ('live' as const);
  const moved = await moveWithCause(calls, { step, role, target, known, from, how }, c);
  rooms.moved(from, moved.to, memoryBytes);
  // Its slot is free from now on: the next one does not wait for the proof.
  await arrived();
  await whereverItIs(calls, { vm, vmId, node: moved.to }, (node) =>
    calls
      .onNode(node, {
        summary: `Verify ${vm} on ${node}`,
        seconds: 180,
        takeWithinSeconds: calls.patientSeconds,
      })
      .verifyVm({
        step,
        vm,
        vmId,
        uptimeAtLeastSeconds: 0,
        heartbeat: false,
        waitSeconds: 60,
      }),
  );
  // Somebody else has moved it there, and it is not for a resumption to bring it back.
  if (moved.how === 'already-there') return null;
  return { vm, vmId, from, to: moved.to, bytes: memoryBytes, seconds: moved.seconds };
}

/** A cancellation ends a move that is under way, unless a person asked to let it arrive. */
export function untilItArrives<T>(run: Run, deed: () => Promise<T>): Promise<T> {
  const outer = CancellationScope.current();
  return CancellationScope.nonCancellable(() => {
    const inner = new CancellationScope();
    outer.cancelRequested.catch(() => {
      if (!run.brakes.finishesMoves) inner.cancel();
    });
    return inner.run(deed);
  });
}
