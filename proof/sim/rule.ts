// What a rule of the simulation is: a sentence that is promised, and what it looks at.
import type { RunStatus } from '../../domain/status.ts';
import type { Effect } from '../../lab/records.ts';
import type { LabState } from '../../lab/state.ts';
import type { Act, Ledger } from './ledger.ts';
import type { ServerRun } from './server-run.ts';

/** What a rule may look at. */
export interface World {
  now: () => number;
  state: () => LabState;
  ledger: Ledger;
  /** Runs, oldest first. */
  runs: () => readonly ServerRun[];
}

export interface Check {
  rule: string;
  act?: (act: Act) => string | undefined;
  effect?: (effect: Effect) => string | undefined;
  /** After a completed workflow task. */
  task?: (run: ServerRun, status: RunStatus) => string | undefined;
  /** When a run has ended. */
  end?: (run: ServerRun, status: RunStatus) => string | undefined;
  beat?: (run: ServerRun, activityId: string, beat: Beat) => string | undefined;
}

export interface Beat {
  phase: string;
  percent: number | null;
}

export type Make = (world: World) => Check;
