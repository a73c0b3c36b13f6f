// Where a seed's plan is played: the simulated cluster with its simulated server, or the lab with real workers and a
// real server. The people and the faults of a plan know only this, so that they are the same in both.
import type { Decision } from '../../domain/status.ts';
import type { Lab } from '../../lab/machine/lab.ts';
import type { Crew, CrewMember } from './crew.ts';
import type { SeenRun, StartRequest, UpdateAnswer } from './temporal/seen-run.ts';

export interface Stage {
  readonly lab: Lab;
  readonly clock: {
    now(): number;
    after(ms: number, call: () => void): unknown;
  };
  readonly violations: readonly string[];
  readonly crew: Pick<Crew<CrewMember>, 'slow' | 'killProcess' | 'cutOff' | 'stepClock'>;
  tell(line: string): void;
  violated(what: string): void;
  /**
   * Waits until that holds; false when it did not within so many seconds of the stage's clock, or a rule was broken.
   */
  until(holds: () => boolean, seconds: number): Promise<boolean>;
  stop(): Promise<void>;

  /** Every run that there was, oldest first. */
  runs(): readonly SeenRun[];
  /** Nothing is open, and nothing is on its way to be. */
  isQuiet(): boolean;
  /** Calls back with the run; with undefined when one with this id is open. */
  start(request: StartRequest, then?: (run: SeenRun | undefined) => void): void;
  requestCancel(id: string, by: string): void;
  signal(id: string, decision: Decision): void;
  /** false: there is no such run to ask. */
  update(id: string, decision: Decision, answer: (answer: UpdateAnswer) => void): boolean;

  /** Whoever was cut off is back. */
  reconnect(): void;
  /** Every run is thrown out of its worker's memory. */
  evict(): void;
}
