// What a history tells about a run, in the words of a report. Shape of `run report --json`; documented in
// docs/reports.md. Additions are fine, changes are not.
import type { IsoTime } from '../facts.ts';

export type RecordState =
  | 'running'
  | 'needs-operator'
  | 'succeeded'
  | 'failed'
  | 'aborted'
  | 'cancelled'
  /** Ended by Temporal or by somebody who passed watari by: nothing was let go of or taken back. */
  | 'terminated';

/**
 * `look`: nothing is changed by it; `back`: takes something back, or lets go of it, after an abort or a cancellation.
 */
export type ActKind = 'look' | 'wait' | 'act' | 'move' | 'check' | 'back';

export interface RecordFailure {
  code: string;
  message: string;
}

/** One task that a worker did, or was to do: an activity of the history. */
export interface Act {
  /** Number of its event. */
  id: number;
  title: string;
  activity: string;
  kind: ActKind;
  state: 'open' | 'done' | 'failed' | 'cancelled';
  /** The node that it is about; null for the cluster as a whole. */
  node: string | null;
  /** The node whose worker did it. */
  doneBy: string | null;
  vm: string | null;
  askedAt: IsoTime;
  startedAt: IsoTime | null;
  endedAt: IsoTime | null;
  /** Dead workers and lost answers make more than one. */
  attempts: number;
  /** Of a move: why to that node, as the run said when it asked for it. */
  why: string[];
  failure: RecordFailure | null;
  cmdlets: string[];
  /** What it answered, without the cmdlets; null for looks, which answer whole clusters. */
  result: Record<string, unknown> | null;
}

export interface Wait {
  id: number;
  kind: 'person' | 'retry' | 'pause';
  /** What is waited about, as the run said it. */
  title: string;
  /** Code of the failure that is waited after. */
  code: string | null;
  startedAt: IsoTime;
  endedAt: IsoTime | null;
}

export interface RecordDecision {
  id: number;
  at: IsoTime;
  step: string | null;
  action: string;
  by: string;
  reason: string;
  target: string | null;
  /** What Temporal noted of the program that sent it. */
  sentBy: string | null;
  /** null: a signal of which the history does not say whether the run took it. */
  taken: boolean | null;
  /** How long the step had waited for somebody. */
  waitedMs: number | null;
}

export interface CancelRequest {
  at: IsoTime;
  by: string | null;
  reason: string;
}

export interface ChildRun {
  run: string;
  runId: string | null;
  workflow: string;
  title: string;
  state: RecordState;
  startedAt: IsoTime;
  endedAt: IsoTime | null;
  failure: RecordFailure | null;
  /** Its own history, where it was given. */
  record: RunRecord | null;
}

/** A node as it was seen first and last. */
export interface NodeSeen {
  node: string;
  first: NodeVersions;
  last: NodeVersions;
}

export interface NodeVersions {
  at: IsoTime;
  osVersion: string | null;
  updateRevision: number | null;
  bootTime: IsoTime | null;
}

export interface RunRecord {
  run: string;
  runId: string | null;
  workflow: string;
  title: string;
  cluster: string | null;
  startedBy: string | null;
  reason: string | null;
  /** What Temporal noted of the program that started it. */
  sentBy: string | null;
  parent: string | null;
  state: RecordState;
  startedAt: IsoTime;
  endedAt: IsoTime | null;
  failure: RecordFailure | null;
  input: unknown;
  result: unknown;
  acts: Act[];
  waits: Wait[];
  decisions: RecordDecision[];
  cancelRequests: CancelRequest[];
  children: ChildRun[];
  nodes: NodeSeen[];
  /** Events that this was read from. */
  events: number;
  /** Payloads that could not be decoded, and other gaps of this record. */
  gaps: string[];
}

export const isOver = (state: RecordState): boolean =>
  state !== 'running' && state !== 'needs-operator';

/** The run and all inside it of which there is a history, parents before children. */
export const withInside = (record: RunRecord): RunRecord[] => [
  record,
  ...record.children.flatMap((c) => (c.record === null ? [] : withInside(c.record))),
];
