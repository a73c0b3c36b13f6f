// Who does what: the workers that poll, and the activities that wait for one of them.
import type { Random } from '../../rig/random.ts';
import type { ActivityTask, Poller } from './activity-task.ts';
import type { SimClock } from './sim-clock.ts';

export class ActivityQueue {
  readonly workers: Poller[] = [];
  private readonly queued: ActivityTask[] = [];
  private readonly clock: SimClock;
  private readonly random: Random;
  private readonly onOffer: () => void;

  constructor(clock: SimClock, random: Random, onOffer: () => void) {
    this.clock = clock;
    this.random = random;
    this.onOffer = onOffer;
  }

  join(worker: Poller): void {
    this.workers.push(worker);
    this.offer();
  }

  leave(worker: Poller): void {
    const at = this.workers.indexOf(worker);
    if (at >= 0) this.workers.splice(at, 1);
  }

  /** Somebody has become free, or has come back. */
  offer(): void {
    this.onOffer();
    for (const task of [...this.queued]) this.place(task);
  }

  enqueue(task: ActivityTask): void {
    this.queued.push(task);
    this.place(task);
  }

  dequeue(task: ActivityTask): void {
    const at = this.queued.indexOf(task);
    if (at >= 0) this.queued.splice(at, 1);
  }

  private place(task: ActivityTask): void {
    if (task.reserved) return;
    const candidates = this.workers.filter((w) => w.takes(task.queue));
    if (candidates.length === 0) return;
    const worker = this.random.pick(candidates);
    task.reserved = true;
    this.clock.after(this.random.int(1, 12), () => {
      task.reserved = false;
      if (!this.queued.includes(task)) return;
      if (!worker.takes(task.queue)) {
        this.place(task);
        return;
      }
      this.dequeue(task);
      task.begin(worker);
    });
  }
}
