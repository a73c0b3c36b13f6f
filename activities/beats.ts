// Heartbeats: how the server learns within seconds that a worker died, and how a person sees what is going on.
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Beat } from '../domain/status.ts';

/** Below the shortest sensible heartbeat timeout (3 s) by enough to survive one lost call. */
const BEAT_EVERY_MS = 1000;

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
 */
export async function beating<T>(deed: (beats: Beats) => Promise<T>): Promise<T> {
  let last: Beat | undefined;
  const timer = setInterval(() => {
    heartbeat(last);
  }, BEAT_EVERY_MS);
  try {
    return await deed({
      say: (beat) => {
        last = beat;
        heartbeat(beat);
      },
    });
  } finally {
    clearInterval(timer);
  }
}

/** Sleeps, and wakes early (without throwing) when the activity is cancelled: the caller looks at the signal. */
export async function pause(ms: number): Promise<void> {
  const signal = cancellationSignal();
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
