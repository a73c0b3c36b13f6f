// What a rule of the simulation is: a sentence that is promised, and what it looks at.
import type { RunStatus } from '../../../domain/status.ts';
import type { Effect } from '../../../lab/machine/records.ts';
import type { LabState } from '../../../lab/machine/state.ts';
import type { SeenRun } from '../temporal/seen-run.ts';
import type { Act, Ledger } from './ledger.ts';

/** What a rule may look at. */
export interface World {
  now: () => number;
  state: () => LabState;
  ledger: Ledger;
  /** Runs, oldest first. */
  runs: () => readonly SeenRun[];
  /** Calls back when the run has said how it is now: at once where its code is at hand, later on a real server. */
  ask: (run: SeenRun, then: () => void) => void;
}

/** A judgement that needs the run's own word of now; what else it needs of the moment it has kept. */
export interface Question {
  about: SeenRun;
  judge: () => string | undefined;
}

/** Breaks the rule unless the run that acted says something which excuses it. */
export function unlessExcused(
  { runs }: World,
  { runId }: Act,
  what: string,
  isExcused: (run: SeenRun) => boolean,
): string | Question {
  const about = runs().find((run) => run.runId === runId);
  if (about === undefined) return what;
  return { about, judge: () => (isExcused(about) ? undefined : what) };
}

export interface Check {
  rule: string;
  act?: (act: Act) => string | Question | undefined;
  effect?: (effect: Effect) => string | undefined;
  /** After a completed workflow task. */
  task?: (run: SeenRun, status: RunStatus) => string | undefined;
  /** When a run has ended. */
  end?: (run: SeenRun, status: RunStatus) => string | undefined;
  beat?: (run: SeenRun, activityId: string, beat: Beat) => string | undefined;
}

export interface Beat {
  phase: string;
  percent: number | null;
}

export type Make = (world: World) => Check;
