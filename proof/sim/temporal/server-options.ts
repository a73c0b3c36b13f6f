// What a simulated server is made with, and what clients ask of it.
import type { Random } from '../../rig/random.ts';
import type { ServerRun } from './server-run.ts';
import type { SimClock } from './sim-clock.ts';
import type { WorkflowHost } from './workflow-host.ts';

export interface StartRequest {
  type: string;
  id: string;
  queue: string;
  input: object;
}

export type UpdateAnswer = { accepted: unknown } | { refused: string };

export interface ServerOptions {
  clock: SimClock;
  host: WorkflowHost;
  random: Random;
  tell: (line: string) => void;
  /** Something that must never happen has happened. */
  violated: (what: string) => void;
  /** Called after every completed workflow task. */
  onTask: (run: ServerRun) => void;
  /** Called for every heartbeat that arrives with details. */
  onBeat: (run: ServerRun, activityId: string, details: unknown) => void;
}
