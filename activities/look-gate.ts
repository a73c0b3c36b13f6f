// Lets runs look at the cluster one after another when hundreds of them want to at once. Each such look asks every
// node; all at the same time they would queue at the nodes for minutes, and with them everything else that the nodes
// have to do. One gate per worker process; no worker knows of the others, so each lets through its share.

/** Questions to nodes that all workers together let through in a second, per node of the cluster. */
const QUESTIONS_PER_SECOND = 12;
/** Seconds' worth that may come at once: a handful of runs never meets the gate. */
const BURST_SECONDS = 3;
/** Closed while the node's own queue is longer than this: the server has more to do than it can. */
const QUEUE_MS_MAX = 2_000;
/** What was seen of the queue says nothing about now any more. */
const SEEN_MS_MAX = 5_000;

export class LookGate {
  private readonly nowMs: () => number;
  private questions: number;
  private filledMs: number;
  /** Nodes of the cluster, as the last look saw them. */
  private nodes = 1;
  private queue = { waitedMs: 0, seenMs: -Infinity };
  /** The shortest wait so far: what is left of it is the difference between the server's clock and ours. */
  private shortestMs = Infinity;

  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
    this.questions = QUESTIONS_PER_SECOND * BURST_SECONDS;
    this.filledMs = nowMs();
  }

  /** Told by every look at this node: since when, by the server's clock, it had been waiting. */
  noteQueue(scheduledMs: number): void {
    const now = this.nowMs();
    const waited = now - scheduledMs;
    this.shortestMs = Math.min(this.shortestMs, waited);
    this.queue = { waitedMs: waited - this.shortestMs, seenMs: now };
  }

  noteNodes(count: number): void {
    this.nodes = Math.max(1, count);
  }

  /** May a look that will ask every node begin now. */
  admits(): boolean {
    const now = this.nowMs();
    const { waitedMs, seenMs } = this.queue;
    if (waitedMs > QUEUE_MS_MAX && now - seenMs < SEEN_MS_MAX) return false;
    const most = Math.max(this.nodes, QUESTIONS_PER_SECOND * BURST_SECONDS);
    const gained = ((now - this.filledMs) / 1000) * QUESTIONS_PER_SECOND;
    this.questions = Math.min(most, this.questions + Math.max(0, gained));
    this.filledMs = now;
    if (this.questions < this.nodes) return false;
    this.questions -= this.nodes;
    return true;
  }
}
