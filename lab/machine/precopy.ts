// Pre-copy arithmetic of one live migration, pure: copy all memory, then again and again what was written meanwhile,
// until the rest fits into the blackout; then stop, copy it, go. Bandwidth may change at any moment in between.

export interface PrecopyPlan {
  memoryBytes: number;
  /** Memory that the guest writes anew, bytes per second. */
  dirtyRate: number;
  /** The last round starts when what is left takes no longer than this. */
  blackoutSeconds: number;
  /** With this many rounds behind it, Hyper-V stops the VM whatever is left. */
  roundsMax: number;
}

export interface PrecopyState {
  /** 1 is the copy of all memory. */
  readonly round: number;
  /** The VM stands still and the rest is copied. */
  readonly stopCopy: boolean;
  /** Bytes of this round still to be copied. */
  readonly left: number;
  /** Milliseconds that this round has taken. */
  readonly roundMs: number;
  /** Bytes copied in all rounds. */
  readonly copied: number;
  readonly blackoutMs: number;
  readonly done: boolean;
}

export const startPrecopy = (plan: PrecopyPlan): PrecopyState => ({
  round: 1,
  stopCopy: false,
  left: plan.memoryBytes,
  roundMs: 0,
  copied: 0,
  blackoutMs: 0,
  done: plan.memoryBytes === 0,
});

/** The state at the end of the current round, at `bandwidth` bytes per second. */
function endRound(plan: PrecopyPlan, s: PrecopyState, bandwidth: number): PrecopyState {
  const ms = (s.left / bandwidth) * 1000;
  const copied = s.copied + s.left;
  if (s.stopCopy)
    return {
      ...s,
      left: 0,
      roundMs: s.roundMs + ms,
      copied,
      blackoutMs: s.blackoutMs + ms,
      done: true,
    };
  const dirty = Math.min(plan.memoryBytes, (plan.dirtyRate * (s.roundMs + ms)) / 1000);
  if (dirty === 0) return { ...s, left: 0, roundMs: s.roundMs + ms, copied, done: true };
  const converged = dirty / bandwidth <= plan.blackoutSeconds;
  return {
    round: s.round + 1,
    stopCopy: converged || s.round >= plan.roundsMax,
    left: dirty,
    roundMs: 0,
    copied,
    blackoutMs: 0,
    done: false,
  };
}

/** The state `ms` later, at a bandwidth that stays the same. */
export function advancePrecopy(
  plan: PrecopyPlan,
  state: PrecopyState,
  bandwidth: number,
  ms: number,
): PrecopyState {
  let s = state;
  let rest = ms;
  while (!s.done && rest > 0) {
    const need = (s.left / bandwidth) * 1000;
    if (need > rest) {
      const bytes = (bandwidth * rest) / 1000;
      const blackoutMs = s.blackoutMs + (s.stopCopy ? rest : 0);
      return {
        ...s,
        left: s.left - bytes,
        roundMs: s.roundMs + rest,
        copied: s.copied + bytes,
        blackoutMs,
      };
    }
    rest -= need;
    s = endRound(plan, s, bandwidth);
  }
  return s;
}

/** Bytes and milliseconds still to go at a bandwidth that stays the same. */
export function remainingPrecopy(
  plan: PrecopyPlan,
  state: PrecopyState,
  bandwidth: number,
): { bytes: number; ms: number } {
  let s = state;
  let ms = 0;
  while (!s.done) {
    ms += (s.left / bandwidth) * 1000;
    s = endRound(plan, s, bandwidth);
  }
  return { bytes: s.copied - state.copied, ms };
}
