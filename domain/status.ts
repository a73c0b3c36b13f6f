// The shape of a run as people and programs see it: the `status` query, the client's `--json`, the step table in the
// Temporal UI. One shape everywhere; documented in docs/workflows.md. Additions are fine, changes are not.
import type { IsoTime } from './facts.ts';
import type { WorkflowName } from './names.ts';

export type StepState =
  | 'pending'
  | 'running'
  /** An automatic retry or another holder's lock is being waited for. */
  | 'waiting'
  | 'needs-operator'
  | 'succeeded'
  | 'skipped'
  | 'failed'
  /** Its undo step ran after `abort`. */
  | 'undone';

export type RunState = 'running' | 'needs-operator' | 'succeeded' | 'failed' | 'cancelled';

/** What a running activity last reported. */
export interface Progress {
  phase: string;
  /** 0 … 100; null where the phase has no percentage. */
  percent: number | null;
  etaSeconds: number | null;
}

export interface StepFailure {
  /** A code of domain/failures.ts. */
  code: string;
  /** What happened to which object and how it was seen. */
  message: string;
  /** What to do next. */
  hint: string;
}

export interface StepStatus {
  id: string;
  title: string;
  state: StepState;
  /** 0 before the first; counts retries by a person too. */
  attempt: number;
  startedAt: IsoTime | null;
  endedAt: IsoTime | null;
  waitingFor: string | null;
  /** May a person skip it. */
  skippable: boolean;
  progress: Progress | null;
  failure: StepFailure | null;
  /** Facts before and after, the cmdlets that ran, the reasons for a choice: plain JSON, small. */
  evidence: Record<string, unknown>;
  /** The run that does this step, when it is a run of its own. */
  child: string | null;
}

export interface RunStatus {
  /** Workflow id. */
  run: string;
  runId: string;
  workflow: WorkflowName;
  state: RunState;
  waitingFor: string | null;
  startedAt: IsoTime;
  endedAt: IsoTime | null;
  startedBy: string;
  /** Why it was started, where that was said. */
  reason?: string;
  /** One line: what this run is for. */
  title: string;
  steps: StepStatus[];
  /** Workflow ids of the runs that this run started, in order. */
  children: string[];
  /** Who has paused the run: nothing new begins until it is resumed. Absent: nobody. */
  paused?: Braking & { at: IsoTime };
}

export const DECISIONS = ['retry', 'skip', 'abort'] as const;
export type DecisionAction = (typeof DECISIONS)[number];

/** Argument of the `decide` update and signal. */
export interface Decision {
  step: string;
  action: DecisionAction;
  reason: string;
  /** Who decides: `ito@HV1`. */
  by: string;
  /** Retry a move to this node instead. */
  target?: string;
  /**
   * Retry a move as a quick migration: the VM is saved, carried over and started, and its clients lose it meanwhile.
   */
  quick?: true;
}

export const BRAKES = ['pause', 'resume', 'finish-moves'] as const;

/** Argument of the `brake` update: `finish-moves` before a cancellation lets the moves that are under way arrive. */
export interface Braking {
  action: (typeof BRAKES)[number];
  reason: string;
  by: string;
}

/** Heartbeat details of every heartbeating activity. */
export interface Beat extends Progress {
  step: string;
  waitingFor: string | null;
}

export const MESSAGES = { brake: 'brake', decide: 'decide', status: 'status' } as const;

/** States in which a step will not change any more by itself. */
export const isSettled = (state: StepState): boolean =>
  state === 'succeeded' || state === 'skipped' || state === 'failed' || state === 'undone';
