// Lets the moves of a plan begin as the plan has them follow each other, node by node. The plan's clock is no promise
// of the cluster's: where moves take longer fewer begin, and where they are done sooner nothing waits for the clock.
import { condition } from '@temporalio/workflow';
import type { Pace } from '../../domain/fleet/pace.ts';

/** A start that was late by no more than this delays none of those behind it. */
const FORGIVEN_MS = 15_000;
/** More at once than planned: an end is seen late. */
const MORE = 1;

interface Sender {
  /** When the latest move was to begin; null: none has begun. */
  clockMs: number | null;
  /** By their places in the plan. */
  moving: Set<number>;
  waiting: Set<number>;
}

export class Pacer {
  private readonly senders = new Map<string, Sender>();

  /** Waits until it may begin, after those before it in the plan that wait as well. */
  async begin(from: string, place: number, pace: Pace): Promise<void> {
    const sender = this.senderOf(from);
    const { moving, waiting } = sender;
    const leftMs = (): number =>
      sender.clockMs === null ? 0 : sender.clockMs + pace.gapSeconds * 1000 - Date.now();
    const isFirst = (): boolean => Math.min(...waiting) === place;
    const isAlone = (): boolean => isFirst() && moving.size <= pace.beside;
    waiting.add(place);
    try {
      for (;;) {
        await condition(() => isAlone() || (isFirst() && moving.size < pace.most + MORE));
        if (isAlone() || leftMs() <= 0) break;
        const summary = `The moves from ${from}, as planned`;
        await condition(isAlone, Math.ceil(leftMs()), { summary });
      }
      const lateMs = Math.min(FORGIVEN_MS, Math.max(0, -leftMs()));
      sender.clockMs = Date.now() - lateMs;
      moving.add(place);
    } finally {
      waiting.delete(place);
    }
  }

  /** Its move has ended, or never began. */
  end(from: string, place: number): void {
    this.senderOf(from).moving.delete(place);
  }

  private senderOf(node: string): Sender {
    const known = this.senders.get(node);
    if (known !== undefined) return known;
    const sender: Sender = { clockMs: null, moving: new Set(), waiting: new Set() };
    this.senders.set(node, sender);
    return sender;
  }
}
