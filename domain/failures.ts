// The one table of failures: code -> retry class, what happened, what to do next. Signs are
// HRESULTs, event ids and error ids; never a message text, which is in the language of Windows.
import type { FailureRow, RetryClass } from './failure-rows/row.ts';
import { MOVE_FAILURE_ROWS } from './failure-rows/moves.ts';
import { NODE_FAILURE_ROWS } from './failure-rows/nodes.ts';
import { PRODUCT_FAILURE_ROWS } from './failure-rows/product.ts';

export type { FailureRow, RetryClass } from './failure-rows/row.ts';

const ROWS = { ...MOVE_FAILURE_ROWS, ...NODE_FAILURE_ROWS, ...PRODUCT_FAILURE_ROWS };

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

/** The port's own ids are codes; PowerShell appends `,Some.Cmdlet.Class` to the id. */
function codeOfErrorId(errorId: string): FailureCode | undefined {
  const id = errorId.split(',')[0]?.trim() ?? '';
  return isFailureCode(id) ? id : BY_ERROR_ID.get(id.toLowerCase());
}

const found = (code: FailureCode | undefined): code is FailureCode => code !== undefined;

/**
 * What it was, from the most specific sign: an id of the port, then an HRESULT (the innermost known
 * one, as outer ones only wrap it), then an event id. An answer that never came and shows nothing
 * is `OutcomeUnknown`.
 *
 * @param op the operation of the port that failed; generic signs mean more when it is known.
 */
export function classify(signs: Signs, op?: string): FailureCode {
  const byId = signs.errorIds.map(codeOfErrorId).filter(found);
  if (byId[0] !== undefined) return byId[0];

  const hresults = signs.hresults.map(normalizeHresult).filter((h) => h !== null);
  const special = op === undefined ? undefined : BY_OPERATION[op];
  const byHresult = hresults
    .filter((h) => h !== GENERIC_FAILURE)
    .map((h) => special?.[h] ?? BY_HRESULT.get(h))
    .filter(found)
    .at(-1);
  if (byHresult !== undefined) return byHresult;

  const byEvent = signs.eventIds.map((id) => BY_EVENT.get(id)).filter(found);
  // Something did fail, so a warning that fits a success too counts only if nothing else does.
  const event = byEvent.findLast((code) => retryOf(code) !== 'expected') ?? byEvent.at(-1);
  if (event !== undefined) return event;

  if (signs.outcome === 'unknown') return 'OutcomeUnknown';
  if (op === 'startMove') return 'MoveFailed';
  return op === undefined && hresults.includes(GENERIC_FAILURE) ? 'MoveFailed' : 'Unexpected';
}
