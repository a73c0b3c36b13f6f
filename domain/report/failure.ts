// The code and the words of a failure as a history keeps it: the innermost one that says more than "it failed". Pure;
// the same reading as that of workflows, which have the SDK's classes and not the JSON.
import { isFailureCode } from '../failures.ts';
import { isPlain, part, textAt, UNREADABLE, type Plain } from './event.ts';
import type { RecordFailure } from './run-record.ts';

/** Failures wrap failures: an activity's, a child's, a child's child's. */
const DEPTH_MAX = 10;

export function readFailure(given: unknown): RecordFailure | null {
  let failure = isPlain(given) ? given : null;
  for (let depth = 0; failure !== null && depth < DEPTH_MAX; depth += 1) {
    const inner = isPlain(failure['cause']) ? failure['cause'] : null;
    const told = ownTelling(failure);
    if (told !== null || inner === null) {
      return told ?? { code: 'Unexpected', message: wordsOf(failure) };
    }
    failure = inner;
  }
  return null;
}

/** null for one that only wraps another. */
function ownTelling(failure: Plain): RecordFailure | null {
  const message = wordsOf(failure);
  if (isPlain(failure['applicationFailureInfo'])) {
    const type = textAt(failure['applicationFailureInfo'], 'type') ?? '';
    return { code: isFailureCode(type) ? type : 'Unexpected', message };
  }
  if (isPlain(failure['timeoutFailureInfo'])) {
    const kind = textAt(failure['timeoutFailureInfo'], 'timeoutType') ?? '';
    const untaken = kind.toUpperCase().replaceAll('_', '').endsWith('SCHEDULETOSTART');
    return { code: untaken ? 'NodeNotServed' : 'NodeUnreachable', message };
  }
  if (isPlain(failure['canceledFailureInfo'])) return { code: 'Cancelled', message };
  return isPlain(failure['terminatedFailureInfo']) ? { code: 'Terminated', message } : null;
}

/** With payload encryption the words are a payload of their own. */
function wordsOf(failure: Plain): string {
  if (failure['encodedAttributes'] === UNREADABLE) return UNREADABLE;
  return textAt(part(failure, 'encodedAttributes'), 'message') ?? textAt(failure, 'message') ?? '';
}
