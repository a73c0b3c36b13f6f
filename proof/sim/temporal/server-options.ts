// What a simulated server is made with, and what those of its parts that have a file of their own know of it.
import type { Random } from '../../rig/random.ts';
import type { ActivityQueue } from './activity-queue.ts';
import type { Attributes, EventKind, Payload } from './history.ts';
import type { StartRequest } from './seen-run.ts';
import type { PendingEvent, ServerRun } from './server-run.ts';
import type { SimClock } from './sim-clock.ts';
import type { WorkflowHost } from './workflow-host.ts';

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

/** What commands are carried out on. */
export interface RunKeeper {
  readonly options: ServerOptions;
  readonly queue: ActivityQueue;
  /** Starts a run; undefined when one with this id is open: the id is the lock. */
  start(request: StartRequest, parent?: ServerRun['parent']): ServerRun | undefined;
  /** The open run of this id. */
  find(id: string): ServerRun | undefined;
  deliver(run: ServerRun, signal: string, args: Payload[], more: Attributes): void;
  requestCancel(id: string, by: string, external?: Attributes): boolean;
  /** Writes an event; while a workflow task is in hand it waits until that is over. `learn` is told its number. */
  add(
    run: ServerRun,
    kind: EventKind,
    a: Attributes | (() => Attributes),
    more?: { learn?: (id: number) => void },
  ): void;
  write(run: ServerRun, event: PendingEvent): number;
  scheduleTask(run: ServerRun): void;
}
