// Simulated time. The lab reads its clock and never the computer's, so a test that owns the clock owns the lab.
import type { IsoTime } from '../../domain/facts.ts';

/** Milliseconds since 1970 in UTC, as simulated. */
export type Instant = number;

export const iso = (at: Instant): IsoTime => new Date(at).toISOString();

export interface LabClock {
  now(): Instant;
  /** Simulated seconds per real second; 0 for a clock that moves only when it is told to. */
  readonly speed: number;
  /** Calls back once `now()` has reached `at`, never before returning. Answers a function that forgets it. */
  at(at: Instant, call: () => void): () => void;
}

export interface ManualClock extends LabClock {
  /** Moves on, and calls back at each time that was asked for on the way. */
  advance(ms: number): void;
}

// A timer of Node counts in 32 bits: longer waits are made of several.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * A clock that runs `speed` times as fast as `realNow`, from `start` (default: the real time).
 * Real time is an argument, so that nothing below lab/main.ts decides where it comes from.
 */
export function scaledClock(
  speed: number,
  realNow: () => number,
  start: Instant = realNow(),
): LabClock {
  if (!(speed > 0 && Number.isFinite(speed)))
    throw new RangeError(`The clock's speed must be above 0, not ${speed}.`);
  const realStart = realNow();
  const now = (): Instant => Math.floor(start + (realNow() - realStart) * speed);
  const at = (when: Instant, call: () => void): (() => void) => {
    let timer: ReturnType<typeof setTimeout>;
    const arm = (): void => {
      const wait = Math.max(0, Math.ceil((when - now()) / speed));
      timer = setTimeout(
        () => {
          if (now() >= when) call();
          else arm();
        },
        Math.min(wait, LONGEST_TIMER_MS),
      );
    };
    arm();
    return () => {
      clearTimeout(timer);
    };
  };
  return { now, speed, at };
}

interface Alarm {
  at: Instant;
  call: () => void;
}

/** A clock that stands still until `advance`. */
export function manualClock(start: Instant = Date.UTC(2026, 10, 24)): ManualClock {
  let time = start;
  let alarms: Alarm[] = [];
  const fireDue = (): void => {
    const due = alarms.filter((alarm) => alarm.at <= time);
    alarms = alarms.filter((alarm) => alarm.at > time);
    for (const alarm of due.sort((a, b) => a.at - b.at)) alarm.call();
  };
  return {
    speed: 0,
    now: () => time,
    at(at, call) {
      const alarm = { at, call };
      alarms.push(alarm);
      if (at <= time) queueMicrotask(fireDue);
      return () => {
        alarms = alarms.filter((other) => other !== alarm);
      };
    },
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError(`Time does not go back: advance(${ms}).`);
      const end = time + ms;
      for (;;) {
        const next = Math.min(...alarms.map((alarm) => alarm.at));
        if (next > end) break;
        time = Math.max(time, next);
        fireDue();
      }
      time = end;
    },
  };
}

/**
 * A clock that jumps to whatever time somebody waits for, so that waiting takes no real time. For tests of things
 * that only need the answers; `advance` moves it as well.
 */
export function jumpingClock(start?: Instant): ManualClock {
  const clock = manualClock(start);
  return {
    ...clock,
    at(at, call) {
      const forget = clock.at(at, call);
      queueMicrotask(() => {
        clock.advance(Math.max(0, at - clock.now()));
      });
      return forget;
    },
  };
}
