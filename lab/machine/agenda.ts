// What the lab will do and when, in order of time and then of asking. The lab advances from entry to entry, never by
// ticks, so results do not depend on how often somebody looks.
import type { Instant } from './clock.ts';

export interface Entry {
  readonly at: Instant;
  readonly seq: number;
  readonly run: () => void;
}

export class Agenda {
  private entries: Entry[] = [];
  private seq = 0;
  /** Called when another entry has become the first. */
  onFirst: () => void = () => undefined;

  add(at: Instant, run: () => void): Entry {
    this.seq += 1;
    // Whole milliseconds, rounded up: a time that is read back is never before the thing happened.
    const entry: Entry = { at: Math.ceil(at), seq: this.seq, run };
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.entries[middle];
      if (other !== undefined && other.at <= entry.at) low = middle + 1;
      else high = middle;
    }
    this.entries.splice(low, 0, entry);
    if (low === 0) this.onFirst();
    return entry;
  }

  cancel(entry: Entry | null): void {
    if (entry === null) return;
    const index = this.entries.indexOf(entry);
    if (index >= 0) this.entries.splice(index, 1);
  }

  next(): Instant | null {
    return this.entries[0]?.at ?? null;
  }

  /** Takes the first entry that is due at `time`. */
  takeDue(time: Instant): Entry | null {
    const first = this.entries[0];
    if (first === undefined || first.at > time) return null;
    this.entries.shift();
    return first;
  }
}
