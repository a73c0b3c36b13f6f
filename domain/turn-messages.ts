// What runs and the ledger of moves say to each other, and whether it can be read: anybody who reaches Temporal can
// send a signal, and one that the ledger cannot read would stop all moves. Pure.
import { TURN_KINDS, type Asked, type Ended, type Given, type Waiting } from './turns.ts';

export const TURN_SIGNALS = {
  /** To the ledger: wants, many at once. The same want again says that it still waits. */
  want: 'want',
  /** To the ledger: a want or a turn that is not needed any more. */
  release: 'release',
  /** To the ledger: the turn is still needed, though its VM is not seen to move. */
  renew: 'renew',
  /** To a run: everything that is new for it. */
  turn: 'turn',
} as const;

/** To the ledger: a want or a turn. */
export interface TurnRef {
  runId: string;
  ask: string;
  /** Given back because the run has seen the end of the move: its slot is free. */
  arrived?: boolean;
}

export interface TurnNews {
  turns?: ({ ask: string } & ({ target: string } | { refused: string }))[];
  /** Why others wait. */
  waits?: { ask: string; why: string }[];
  /** Turns that may have been forgotten: whoever does not answer loses them. */
  needed?: string[];
}

/** A turn, and since when its VM has not been seen to move; `askedAt`: its run was asked whether it still needs it. */
export interface Held extends Given {
  quietSince: number;
  askedAt?: number;
}

/** What the ledger knows, handed on when its history has grown. */
export interface LedgerState {
  wants: Waiting[];
  held: Held[];
  ended: Ended[];
  /** Where moves go that no look tells, by the VM's id. */
  seen: Record<string, string>;
  /** Wants that are over, the newest last: an answer that was lost may send one again. */
  over: string[];
}

export interface ScheduleMovesInput {
  cluster: string;
  state?: LedgerState;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const areTexts = (...values: unknown[]): boolean => values.every((v) => typeof v === 'string');
const areNumbers = (...values: unknown[]): boolean => values.every((v) => Number.isFinite(v));
const isListOf = (value: unknown, is: (one: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(is);

export const isRef = (value: unknown): value is TurnRef =>
  isObject(value) && areTexts(value['runId'], value['ask']);

export function isAsked(value: unknown): value is Asked {
  if (!isObject(value) || !isObject(value['run'])) return false;
  const { vm, vmId, from, ask, kind, memoryBytes, order, targets, apart, seen, run } = value;
  return (
    areTexts(vm, vmId, from, ask, run['workflowId'], run['runId']) &&
    areNumbers(memoryBytes, order) &&
    TURN_KINDS.some((known) => known === kind) &&
    isListOf(
      targets,
      (one) => isObject(one) && areTexts(one['node']) && areNumbers(one['roomBytes']),
    ) &&
    (apart === undefined || isListOf(apart, (one) => areTexts(one))) &&
    (seen === undefined || (isObject(seen) && areTexts(...Object.values(seen))))
  );
}
