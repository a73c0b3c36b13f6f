// Lets a lab's events happen on time although nobody asks: one alarm on the clock for the next event, no polling.
import type { Instant, LabClock } from './clock.ts';
import type { Lab } from './lab.ts';

/** Answers a function that stops it. */
export function keepAwake(lab: Lab, clock: LabClock): () => void {
  let forget: () => void = () => undefined;
  let armedFor: Instant | null = null;
  let stopped = false;
  const arm = (): void => {
    const next = lab.nextEventAt();
    if (stopped || next === armedFor) return;
    forget();
    armedFor = next;
    if (next === null) return;
    forget = clock.at(next, () => {
      armedFor = null;
      lab.advance();
      arm();
    });
  };
  const ignore = lab.onSchedule(arm);
  arm();
  return () => {
    stopped = true;
    ignore();
    forget();
  };
}
