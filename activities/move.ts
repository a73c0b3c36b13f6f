// The live migration itself, as an activity that any live node can run and any other node can take over: it looks for
// a move of this VM already under way and adopts it, starts one only when there is none, and watches until it ends.
import { activityInfo, cancellationDetails, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { MovePhase, RoleFacts } from '../domain/facts.ts';
import { sameName } from '../domain/names.ts';
import { isMoving, isQueued } from '../domain/slots.ts';
import type { Beat } from '../domain/status.ts';
import { durationText } from '../domain/units.ts';
import { HypervError, type HypervHost } from '../hyperv/host.ts';
import { beating, pause, pauseAnyway, type Beats, stopwatch } from './beats.ts';
import { failed, guarded, type FailureDetails } from './failing.ts';
import type { ClusterActivityDeps } from './cluster.ts';

export interface MoveRequest {
  step: string;
  vm: string;
  vmId: string;
  target: string;
  /** Give up watching when neither phase nor percentage changed for so long. */
  stalledSeconds: number;
  /** Longest stay in the cluster's own queue. */
  queueSeconds: number;
  /** Where it was when its move was planned: found anywhere else, it is left alone. */
  from?: string;
  /** `quick` saves the VM and restores it on the target. Absent: live. */
  how?: 'live' | 'quick';
  /** Why to this node: for whoever reads the history later; decides nothing. Absent where nothing was chosen. */
  why?: string[];
}

export interface MoveResult {
  from: string;
  to: string;
  /** `adopted`: somebody else, or an attempt that died, had started it. */
  how: 'started' | 'adopted' | 'already-there';
  seconds: number;
  cmdlets: string[];
}

/** How a move that was to be cancelled ended, and where its VM is; details of the CancelledFailure too. */
export interface MoveStopped {
  settled: true;
  owner: string;
  phase: MovePhase;
}

/** What the next attempt, perhaps on another node, must know of this one. */
interface MoveMemory extends Beat {
  /** This run has asked the cluster to move. */
  asked: boolean;
  source: string;
  /** The asking node's own clock, for the event logs. */
  since: string;
  /** So far, in all attempts: no two processes share a clock that nobody sets. */
  tookMs: number;
}

/** Details of a move's failure: where to look for the cause. */
export interface MoveFailureDetails extends FailureDetails {
  source: string;
  target: string;
  since: string;
}

/** The cluster may need a moment between accepting a move and showing it. */
const SHOWS_WITHIN_MS = 5000;
/** Per cent between which nothing is handed over, and by how much rarer looks are there. */
const MIDDLE = { from: 15, to: 75, factor: 3 };
/**
 * By how much more often it is looked while it is handed over, for a second or two: the next move waits for the end.
 */
const HANDOVER_FACTOR = 6;
/** Of one attempt, for a move that leaves no trace at all. */
const ASKS_MAX = 3;

export function createMoveActivities(deps: ClusterActivityDeps) {
  return guarded({
    moveVm: (request: MoveRequest): Promise<MoveResult> =>
      beating(deps, (beats) => new MoveWatch(deps, request, beats).run()),

    /** Ends a move that nobody watches any more, as after the death of the worker that was to cancel it. */
    stopMove: (request: MoveRequest): Promise<MoveStopped> =>
      beating(deps, (beats) => new MoveWatch(deps, request, beats).end()),
  });
}

/** One attempt to see one move through. */
class MoveWatch {
  private readonly host: HypervHost;
  private readonly deps: ClusterActivityDeps;
  private readonly request: MoveRequest;
  private readonly beats: Beats;
  private memory: MoveMemory;
  private how: MoveResult['how'] = 'already-there';
  private cmdlets: string[] = [];
  private asks = 0;
  private askedAtMs = 0;
  private readonly nowMs: () => number;
  private readonly tookBeforeMs: number;
  private sawItMove = false;
  private phaseBefore: MovePhase | undefined;
  /**
   * What people have seen of this move. The cluster's percentage is an estimate and goes back when others share the
   * network; shown to a person that would look like a move that lost its work.
   */
  private shown: { phase: string; percent: number };
  /** Fingerprint of the latest look, and since when it is the same. */
  private seen = { print: '', sinceMs: 0 };

  constructor(deps: ClusterActivityDeps, request: MoveRequest, beats: Beats) {
    this.deps = deps;
    this.host = deps.host;
    this.request = request;
    this.beats = beats;
    this.nowMs = stopwatch(deps);
    const before = activityInfo().heartbeatDetails as Partial<MoveMemory> | undefined;
    this.tookBeforeMs = before?.tookMs ?? 0;
    this.memory = {
      step: request.step,
      phase: 'looking',
      percent: null,
      etaSeconds: null,
      waitingFor: null,
      asked: before?.asked ?? false,
      source: before?.source ?? '',
      since: before?.since ?? '',
      tookMs: this.tookBeforeMs,
    };
    if (this.memory.asked) this.how = 'adopted';
    this.shown = { phase: before?.phase ?? '', percent: before?.percent ?? 0 };
  }

  async run(): Promise<MoveResult> {
    for (;;) {
      const role = this.memory.source === '' ? await this.lookFirst() : await this.look();
      if (isMoving(role) || isQueued(role)) {
        await this.watch(role);
      } else if (sameName(role.owner, this.request.target) && role.state === 'Online') {
        return this.result(role);
      } else if (sameName(role.owner, this.request.target) || role.state === 'Pending') {
        // Pending, and nobody says why: it starts, stops or is handed over, and is something else soon.
        this.say({ phase: 'settling', waitingFor: `${role.name} to be online` });
        this.checkStalled(role);
      } else if (!this.memory.asked) {
        this.refuseStrayed(role);
        await this.ask(role);
      } else if (this.isOver(role)) {
        await this.concludeOrAskAgain(role);
      }
      if (cancellationSignal().aborted) await this.stop();
      else await pause(this.deps, this.untilNextLook(role));
    }
  }

  /**
   * Every look is an entry in the script block log of a node that keeps one, so the long middle of a move is looked at
   * less often than its two ends, where a second counts.
   */
  private untilNextLook(role: RoleFacts): number {
    const { lookEveryMs } = this.deps;
    const { percent, phase } = role.move;
    if (isMoving(role) && phase === 'moving-group') return lookEveryMs / HANDOVER_FACTOR;
    const isMiddle = isMoving(role) && percent > MIDDLE.from && percent < MIDDLE.to;
    return isMiddle ? lookEveryMs * MIDDLE.factor : lookEveryMs;
  }

  private get tookMs(): number {
    return this.tookBeforeMs + this.nowMs();
  }

  private async look(): Promise<RoleFacts> {
    const { facts: role } = await this.host.readRole({ vmId: this.request.vmId });
    if (role === null) {
      throw failed(
        'RoleMissing',
        `The cluster has no role for ${this.request.vm} (VM id ${this.request.vmId}), seen from ${this.host.node}`,
      );
    }
    return role;
  }

  /** What it remembers is read beside the look: a slot stands empty until the move is asked for. */
  private async lookFirst(): Promise<RoleFacts> {
    const [role, { facts }] = await Promise.all([this.look(), this.host.readHost({})]);
    this.memory = { ...this.memory, source: role.owner, since: facts.now };
    return role;
  }

  private say(part: Partial<Beat>): void {
    const { memory, tookMs } = this;
    this.memory = { ...memory, percent: null, etaSeconds: null, waitingFor: null, ...part, tookMs };
    this.beats.say(this.memory);
  }

  /** Somebody has moved it meanwhile: taking it from there was nobody's wish. */
  private refuseStrayed(role: RoleFacts): void {
    const { from } = this.request;
    if (from === undefined || sameName(role.owner, from)) return;
    this.memory = { ...this.memory, source: from };
    throw this.failure(role);
  }

  private async ask(role: RoleFacts): Promise<void> {
    this.phaseBefore = role.move.phase;
    // Said before it is done: an attempt that dies between the two must not look like one that never asked.
    this.memory = { ...this.memory, asked: true };
    this.shown = { phase: '', percent: 0 };
    this.say({ phase: 'starting' });
    this.askedAtMs = this.nowMs();
    this.asks += 1;
    try {
      const { facts, cmdlets } = await this.host.startMove({
        vmId: this.request.vmId,
        node: this.request.target,
        ...(this.request.how === undefined ? {} : { how: this.request.how }),
      });
      this.cmdlets.push(...cmdlets);
      this.how = facts.why === 'started' ? 'started' : 'adopted';
    } catch (err) {
      // The answer was lost: whether it moves shows at the next look.
      if (!(err instanceof HypervError) || err.info.outcome !== 'unknown') throw err;
    }
  }

  private async watch(role: RoleFacts): Promise<void> {
    const { target } = role.move;
    if (target !== null && !sameName(target, this.request.target)) {
      this.say({ phase: role.move.phase, waitingFor: `another move of ${role.name} to ${target}` });
    } else if (isQueued(role)) {
      this.memory = { ...this.memory, asked: true };
      this.say({
        phase: 'queued',
        waitingFor: 'a free migration slot, in the queue of the cluster',
      });
    } else {
      if (this.how === 'already-there') this.how = 'adopted';
      this.memory = { ...this.memory, asked: true };
      const { percent, phase } = role.move;
      const least = this.shown.phase === phase ? this.shown.percent : 0;
      this.shown = { phase, percent: Math.max(percent, least) };
      this.say({ ...this.shown, etaSeconds: this.eta(percent) });
    }
    this.sawItMove ||= isMoving(role);
    this.checkStalled(role);
  }

  /** From the average pace so far; unknown while there is too little to go by. */
  private eta(percent: number): number | null {
    if (percent < 5) return null;
    const elapsedSeconds = this.tookMs / 1000;
    return Math.round((elapsedSeconds * (100 - percent)) / percent);
  }

  private checkStalled(role: RoleFacts): void {
    const print = `${role.owner} ${role.state} ${role.move.phase} ${role.move.percent}`;
    if (print !== this.seen.print) {
      this.seen = { print, sinceMs: this.nowMs() };
      return;
    }
    const seconds = (this.nowMs() - this.seen.sinceMs) / 1000;
    if (role.state === 'Pending' && !this.memory.asked && !isMoving(role) && !isQueued(role)) {
      if (seconds < this.request.stalledSeconds) return;
      throw failed(
        'VmNotRunning',
        `The role of ${role.name} has been Pending for ${durationText(seconds * 1000)}, and no move of it is under way`,
      );
    }
    const limit = isQueued(role) ? this.request.queueSeconds : this.request.stalledSeconds;
    if (seconds < limit) return;
    throw this.failed(
      isQueued(role) ? 'SlotsBusy' : 'MoveStalled',
      `The move of ${role.name} to ${this.request.target} stands at ${role.move.phase}, ${role.move.percent} %, unchanged for ${durationText(seconds * 1000)}; it was left running`,
    );
  }

  /** We asked, it does not run, and what shows is not just the end of an older move. */
  private isOver(role: RoleFacts): boolean {
    const hadTimeToShow = this.nowMs() - this.askedAtMs >= SHOWS_WITHIN_MS;
    const { phase } = role.move;
    const ended = phase === 'failed' || phase === 'cancelled';
    return this.sawItMove || hadTimeToShow || (ended && this.phaseBefore === 'none');
  }

  /**
   * Failed and cancelled stick, so they are the end of our move. Neither of them, with the VM where it was: an attempt
   * died between saying that it asks and asking, or the cluster forgot; asking again is harmless.
   */
  private async concludeOrAskAgain(role: RoleFacts): Promise<void> {
    const settled = role.move.phase === 'failed' || role.move.phase === 'cancelled';
    const strayed = !sameName(role.owner, this.memory.source);
    if (settled || strayed || this.asks >= ASKS_MAX) throw this.failure(role);
    await this.ask(role);
  }

  private failure(role: RoleFacts): Error {
    const { source, target } = { source: this.memory.source, target: this.request.target };
    if (!sameName(role.owner, source)) {
      return this.failed(
        'MovedElsewhere',
        `${role.name} was to move from ${source} to ${target} and is on ${role.owner} now`,
      );
    }
    if (role.move.phase === 'cancelled') {
      return this.failed('MoveCancelled', `The move of ${role.name} to ${target} was cancelled`);
    }
    return this.failed(
      'MoveFailed',
      `The move of ${role.name} from ${source} to ${target} ended as ${role.move.phase === 'failed' ? 'failed' : 'if it had never been'}, LastOperationStatusCode ${role.move.failureReason}; ${role.name} stays on ${role.owner}`,
      role.move.failureReason,
    );
  }

  private failed(
    code: 'MovedElsewhere' | 'MoveCancelled' | 'MoveFailed' | 'MoveStalled' | 'SlotsBusy',
    message: string,
    hresult?: string,
  ): Error {
    const details: MoveFailureDetails = {
      op: 'startMove',
      node: this.host.node,
      source: this.memory.source,
      target: this.request.target,
      since: this.memory.since,
      ...(hresult === undefined ? {} : { hresult }),
    };
    return failed(code, message, details);
  }

  /** Cancelled by a person: the move is cancelled and its end awaited. By anything else: the move goes on alone. */
  private async stop(): Promise<void> {
    if (cancellationDetails()?.cancelRequested !== true) {
      throw new CancelledFailure('this attempt ended; the move goes on');
    }
    const stopped = await this.end();
    const details = [stopped];
    throw new CancelledFailure(`the move was cancelled; its VM is on ${stopped.owner}`, details);
  }

  /** Cancels the move, again when it is not known whether that arrived, and waits until it is over. */
  async end(): Promise<MoveStopped> {
    let isCancelled = false;
    for (;;) {
      try {
        const role = await this.look();
        if (!this.isOurs(role)) return { settled: true, owner: role.owner, phase: role.move.phase };
        if (!isCancelled) await this.host.cancelMove({ vmId: this.request.vmId });
        isCancelled = true;
      } catch (err) {
        if (!(err instanceof HypervError) || err.info.outcome !== 'unknown') throw err;
      }
      this.say({ phase: 'cancelling', waitingFor: 'the move to end' });
      // pause() would return at once here, since the activity is cancelled already.
      await pauseAnyway(this.deps, this.deps.lookEveryMs);
    }
  }

  /** Under way, and not to another node: that one is somebody else's. */
  private isOurs(role: RoleFacts): boolean {
    const { target } = role.move;
    if (!isMoving(role) && !isQueued(role)) return false;
    return target === null || sameName(target, this.request.target);
  }

  private result(role: RoleFacts): MoveResult {
    return {
      from: this.memory.source,
      to: role.owner,
      how: this.how,
      seconds: Math.round(this.tookMs / 100) / 10,
      cmdlets: this.cmdlets,
    };
  }
}
