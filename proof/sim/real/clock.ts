// The computer's own time, faster: what the lab, the activities and the faults go by when a plan is played on a real
// server. Temporal itself and the waits of workflows keep real time.
import { scaledClock, type Instant, type LabClock } from '../../../lab/machine/clock.ts';

export class RealClock implements LabClock {
  readonly speed: number;
  readonly start: Instant;
  /** Told after everything that the clock has called. */
  onCalled: () => void = () => undefined;
  private readonly scaled: LabClock;
  private heldAt: number | undefined;
  private stopped = false;

  constructor(speed: number) {
    this.speed = speed;
    this.scaled = scaledClock(speed, () => this.heldAt ?? Date.now());
    this.start = this.scaled.now();
  }

  now(): Instant {
    return this.scaled.now();
  }

  at(at: Instant, call: () => void): () => void {
    return this.scaled.at(at, () => {
      if (this.stopped) return;
      call();
      this.onCalled();
    });
  }

  after(ms: number, call: () => void): () => void {
    return this.at(this.now() + ms, call);
  }

  /**
   * No time passes within `deed`: what the lab has done afterwards was done by it, and not by a moment that went by.
   */
  still<T>(deed: () => T): T {
    if (this.heldAt !== undefined) return deed();
    this.heldAt = Date.now();
    try {
      return deed();
    } finally {
      this.heldAt = undefined;
    }
  }

  /** Nothing that was still to come will come. */
  stop(): void {
    this.stopped = true;
  }
}
