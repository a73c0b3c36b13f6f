// A run as people and rules see it, on the simulated server and on a real one alike: how it is asked for, what it is,
// what it says, how it ended. What only a server knows of a run stays with the server.
import type { RunStatus } from '../../../domain/status.ts';

export interface StartRequest {
  type: string;
  id: string;
  queue: string;
  input: object;
}

export type UpdateAnswer = { accepted: unknown } | { refused: string };

export interface SeenRun {
  readonly id: string;
  readonly runId: string;
  readonly type: string;
  readonly queue: string;
  readonly input: object;
  readonly state: 'open' | 'completed' | 'failed' | 'canceled';
  readonly cancelRequested: boolean;
  readonly result: unknown;
  /** What it says of itself, or said last. */
  status(): RunStatus | undefined;
  /**
   * Is there anything that will wake it? `unknown` where only its server could tell: a real one does not show timers.
   */
  wakes(): boolean | 'unknown';
}
