// A turn for a live migration: who moves next, and where to.
import type { Calls } from './calls.ts';
import { failureOf } from './failure-of.ts';

export interface Want {
  vm: string;
  vmId: string;
  from: string;
  memoryBytes: number;
  targets: { node: string; roomBytes: number }[];
  apart?: string[];
  order: number;
  seconds?: number;
}

export type Turn = { target: string } | { refused: string };

export class Turns {
  private readonly calls: Calls;
  constructor(calls: Calls, _kind: 'person' | 'drain' | 'balance') {
    this.calls = calls;
  }

  async take(want: Want, waiting: (why: string) => void): Promise<Turn> {
    const [first] = want.targets;
    if (first === undefined) return { refused: 'there is no target' };
    waiting('a free migration slot');
    try {
      const seconds = this.calls.budgets.slotSeconds;
      await this.calls
        .onCluster({
          summary: `Slot for ${want.vm}`,
          seconds: seconds + 60,
          takeWithinSeconds: seconds + 60,
          allWithinSeconds: seconds + 300,
        })
        .awaitSlot({
          step: want.vm,
          vm: want.vm,
          vmId: want.vmId,
          target: first.node,
          waitSeconds: seconds,
        });
    } catch (err) {
      if (failureOf(err) === undefined) throw err;
      throw err;
    }
    return { target: first.node };
  }

  release(_vmId: string): Promise<void> {
    return Promise.resolve();
  }
}
