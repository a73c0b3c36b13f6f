// The one table of failures: code -> retry class, what happened, what to do next. Signs are
// HRESULTs, event ids and error ids; never a message text, which is in the language of Windows.
import type { FailureRow, RetryClass } from './failure-rows/row.ts';
import { FLEET_FAILURE_ROWS } from './failure-rows/fleet.ts';
import { MOVE_FAILURE_ROWS } from './failure-rows/moves.ts';
import { NODE_FAILURE_ROWS } from './failure-rows/nodes.ts';
import { PRODUCT_FAILURE_ROWS } from './failure-rows/product.ts';
import { UPDATE_FAILURE_ROWS } from './failure-rows/updates.ts';

export type { FailureRow, RetryClass } from './failure-rows/row.ts';

const ROWS = {
  ...MOVE_FAILURE_ROWS,
  ...NODE_FAILURE_ROWS,
  ...FLEET_FAILURE_ROWS,
  ...PRODUCT_FAILURE_ROWS,
  ...UPDATE_FAILURE_ROWS,
};

/** Closed: the `type` of every ApplicationFailure and the `code` of every failed step. */
export type FailureCode = keyof typeof ROWS;

export const FAILURES: Readonly<Record<FailureCode, FailureRow>> = ROWS;

/** What an operation showed when it failed, outermost first. */
export interface Signs {
  hresults: string[];
  eventIds: number[];
  errorIds: string[];
  outcome: 'refused' | 'unknown';
}

export const isFailureCode = (s: string): s is FailureCode => Object.hasOwn(FAILURES, s);

export const failureRow = (code: FailureCode): FailureRow => FAILURES[code];

export const retryOf = (code: FailureCode): RetryClass => FAILURES[code].class;

/** E_FAIL: says that a move failed, never why. Counts only when nothing better is there. */
const GENERIC_FAILURE = '0x80004005';

/** HRESULTs that mean one thing in one operation and nothing in others. */
const BY_OPERATION: Readonly<Record<string, Readonly<Record<string, FailureCode>>>> = {
  // File and path not found: the disk is the only file that these name.
  createVm: { '0x80070002': 'DiskMissing', '0x80070003': 'DiskMissing' },
};

function indexBy<K>(keys: (row: FailureRow) => readonly K[]): ReadonlyMap<K, FailureCode> {
  const index = new Map<K, FailureCode>();
  for (const [code, row] of Object.entries(FAILURES)) {
    if (!isFailureCode(code)) continue;
    for (const key of keys(row)) index.set(key, code);
  }
  return index;
}

const BY_HRESULT = indexBy((row) => row.hresults ?? []);
const BY_EVENT = indexBy((row) => row.eventIds ?? []);
const BY_HINT = indexBy((row) => row.hintEventIds ?? []);
const BY_ERROR_ID = indexBy((row) => (row.errorIds ?? []).map((id) => id.toLowerCase()));

/**
 * `0x` and eight upper-case digits from the notations in use: `0x80071398`, `80071398`,
 * `-2147019880` and bare Win32 codes (`0x000013AB`), which become HRESULTs. null when it is none of
 * these or means success.
 */
export function normalizeHresult(text: string): string | null {
  const t = text.trim();
  let value: number;
  if (/^(0x)?[0-9a-f]{8}$/i.test(t) || /^0x[0-9a-f]{1,7}$/i.test(t)) {
    value = Number.parseInt(t.replace(/^0x/i, ''), 16);
  } else if (/^-\d{1,10}$/.test(t)) {
    value = Number(t) + 0x1_0000_0000;
  } else {
    return null;
  }
  if (value <= 0 || value > 0xffff_ffff) return null;
  const win32 = value <= 0xffff;
  return `0x${(win32 ? 0x8007_0000 + value : value).toString(16).toUpperCase().padStart(8, '0')}`;
}

/** What stands in front of `,Some.Cmdlet.Class`, which PowerShell appends; the port's own ids are codes. */
const idOf = (errorId: string): string => errorId.split(',')[0]?.trim() ?? '';

/** Other rows that one of these HRESULTs may mean as well. */
export function alsoMeant(hresults: readonly string[]): FailureCode[] {
  const seen = hresults.map(normalizeHresult);
  return Object.keys(FAILURES)
    .filter(isFailureCode)
    .filter((code) => FAILURES[code].alsoHresults?.some((h) => seen.includes(h)) === true);
}

const found = (code: FailureCode | undefined): code is FailureCode => code !== undefined;

/**
 * What it was, from the most specific sign: an id of the port, then an HRESULT (the innermost known
 * one, as outer ones only wrap it), then an id of Windows, then an event id. An answer that never
 * came and shows nothing is `OutcomeUnknown`.
 *
 * @param op the operation of the port that failed; generic signs mean more when it is known.
 */
export function classify(signs: Signs, op?: string): FailureCode {
  const ids = signs.errorIds.map(idOf);
  const ours = ids.find(isFailureCode);
  if (ours !== undefined) return ours;

  const hresults = signs.hresults.map(normalizeHresult).filter((h) => h !== null);
  const special = op === undefined ? undefined : BY_OPERATION[op];
  const telling = hresults.filter((h) => h !== GENERIC_FAILURE);
  const byHresult = telling.map((h) => special?.[h] ?? BY_HRESULT.get(h)).filter(found);
  if (byHresult.length > 0) return byHresult.at(-1) ?? 'Unexpected';

  const byId = ids.map((id) => BY_ERROR_ID.get(id.toLowerCase())).find(found);
  if (byId !== undefined) return byId;

  const byEvent = signs.eventIds.map((id) => BY_EVENT.get(id)).filter(found);
  // Something did fail, so a warning that fits a success too counts only if nothing else does.
  const event = byEvent.findLast((code) => retryOf(code) !== 'expected') ?? byEvent.at(-1);
  if (event !== undefined) return event;

  if (telling.length === 0) {
    const hints = new Set(signs.eventIds.map((id) => BY_HINT.get(id)));
    const [hint] = hints;
    if (hints.size === 1 && hint !== undefined) return hint;
  }
  if (signs.outcome === 'unknown') return 'OutcomeUnknown';
  if (op === 'startMove') return telling.length > 0 ? 'MoveFailedWithCode' : 'MoveFailed';
  return op === undefined && hresults.includes(GENERIC_FAILURE) ? 'MoveFailed' : 'Unexpected';
}
