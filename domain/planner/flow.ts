// One copy of a VM's memory as it goes: all of it, then again and again what was written meanwhile, until the rest is
// small enough; at a bandwidth that changes whenever others begin or end on one of its links.
import type { MoveModel } from './problem.ts';

/** Copies that end within this of each other are treated as one moment. */
export const MOMENT = 1e-9;

export class Flow {
  /** When its copying began, or will. */
  begins: number;
  /** When it ends if the bandwidth stays; infinite before it has one. */
  ends = Infinity;
  /** Bytes of memory per second. */
  bandwidth = 0;
  private readonly memory: number;
  private readonly dirty: number;
  private readonly model: MoveModel;
  private left: number;
  private round = 1;
  private last = false;
  private roundSeconds = 0;
  private at: number;

  constructor(memory: number, dirty: number, model: MoveModel, begins: number) {
    this.memory = memory;
    this.dirty = dirty;
    this.model = model;
    this.left = memory;
    this.begins = begins;
    this.at = begins;
  }

  /** From now on at this bandwidth. */
  goOnAt(bandwidth: number, now: number): void {
    this.copyUntil(now);
    this.bandwidth = bandwidth;
    this.ends = now + this.secondsLeft();
  }

  private copyUntil(now: number): void {
    let seconds = now - this.at;
    this.at = now;
    while (this.left > 0 && seconds > 0 && this.bandwidth > 0) {
      const whole = this.left / this.bandwidth;
      if (whole > seconds) {
        this.left -= this.bandwidth * seconds;
        this.roundSeconds += seconds;
        return;
      }
      seconds -= whole;
      this.roundSeconds += whole;
      this.nextRound();
    }
  }

  private nextRound(): void {
    if (this.last) {
      this.left = 0;
      return;
    }
    const again = Math.min(this.memory, this.dirty * this.roundSeconds);
    this.last =
      again / this.bandwidth <= this.model.blackoutSeconds || this.round >= this.model.roundsMax;
    this.round += 1;
    this.left = again;
    this.roundSeconds = 0;
  }

  private secondsLeft(): number {
    let { left, round, last } = this;
    let inRound = this.roundSeconds;
    let seconds = 0;
    while (left > 0) {
      const took = left / this.bandwidth;
      seconds += took;
      if (last) break;
      left = Math.min(this.memory, this.dirty * (inRound + took));
      last = left / this.bandwidth <= this.model.blackoutSeconds || round >= this.model.roundsMax;
      round += 1;
      inRound = 0;
    }
    return seconds;
  }
}
