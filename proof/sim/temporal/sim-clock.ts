// Simulated time for everything in one simulation: the lab, the server, the workers and what waits in activities. It
// stands still while code runs and jumps from one appointment to the next.
import { Agenda } from '../../../lab/machine/agenda.ts';
import type { Instant, LabClock } from '../../../lab/machine/clock.ts';

/** Every simulation starts at this moment. */
const START: Instant = Date.UTC(2026, 0, 5);

export class SimClock implements LabClock {
  readonly speed = 0;
  readonly start = START;
  private time: Instant = START;
  private readonly agenda = new Agenda();

  now(): Instant {
    return this.time;
  }

  at(at: Instant, call: () => void): () => void {
    const entry = this.agenda.add(Math.max(at, this.time), call);
    return () => {
      this.agenda.cancel(entry);
    };
  }

  after(ms: number, call: () => void): () => void {
    return this.at(this.time + ms, call);
  }

  /** Jumps to the next appointment and keeps it. False when there is none until then: it is that late now. */
  step(until: Instant): boolean {
    const next = this.agenda.next();
    if (next === null || next > until) {
      this.time = Math.max(this.time, until);
      return false;
    }
    const entry = this.agenda.takeDue(next);
    if (entry === null) return false;
    this.time = Math.max(this.time, entry.at);
    entry.run();
    return true;
  }
}
