// Heartbeats and waits: how the server learns within seconds that a worker died, how a person sees what is going on,
// and the only place where an activity waits for time to pass.
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Beat } from '../domain/status.ts';

/** Below the shortest sensible heartbeat timeout (3 s) by enough to survive one lost call. */
const BEAT_EVERY_MS = 1000;

/**
 * Calls back once after so many milliseconds, in the async context of the caller. Answers a function that forgets it.
 */
export type After = (ms: number, call: () => void) => () => void;

/** Who passes the time: the computer, unless a simulation brings its own clock. */
export interface Waiting {
  after?: After;
  /** Milliseconds on a clock that nobody sets: only differences mean anything, and only in this process. */
  elapsedMs?: () => number;
}

/** How many milliseconds have passed since: whatever is waited for is measured by this and never by the time of day. */
export function stopwatch({ elapsedMs = () => performance.now() }: Waiting): () => number {
  const start = elapsedMs();
  return () => elapsedMs() - start;
}

const realAfter: After = (ms, call) => {
  const timer = setTimeout(call, ms);
  return () => {
    clearTimeout(timer);
  };
};

export interface Beats {
  /** Reports at once and keeps repeating it. */
  say: (beat: Beat) => void;
}

/** A wait without a percentage: what for is all there is to say. */
export const waits = (step: string, phase: string, waitingFor: string): Beat => ({
  step,
  phase,
  percent: null,
  etaSeconds: null,
  waitingFor,
});

/**
 * Runs `deed` with a heartbeat every second, from the first second on: quick activities cost no call at all. The last
 * thing said is what is repeated.
 *
 * @param everyMs for what changes slowly: the server writes every heartbeat to its database.
 */
export async function beating<T>(
  { after = realAfter }: Waiting,
  deed: (beats: Beats) => Promise<T>,
  everyMs = BEAT_EVERY_MS,
): Promise<T> {
  let last: Beat | undefined;
  let forget = (): void => undefined;
  const arm = (): void => {
    forget = after(everyMs, () => {
      heartbeat(last);
      arm();
    });
  };
  arm();
  try {
    return await deed({
      say: (beat) => {
        last = beat;
        heartbeat(beat);
      },
    });
  } finally {
    forget();
  }
}

/** Sleeps, and wakes early (without throwing) when the activity is cancelled: the caller looks at the signal. */
export async function pause({ after = realAfter }: Waiting, ms: number): Promise<void> {
  const signal = cancellationSignal();
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      forget();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const forget = after(ms, done);
    signal.addEventListener('abort', done);
  });
}

/** Sleeps whatever happens: for what must be seen through although the activity is cancelled. */
export async function pauseAnyway({ after = realAfter }: Waiting, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    after(ms, resolve);
  });
}
