// How an activity fails: always as an ApplicationFailure whose type is a code of domain/failures.ts, so that the
// workflow and every reader of the history see the same closed set of words.
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { boundedText } from '../domain/bounded.ts';
import {
  alsoMeant,
  classify,
  failureRow,
  normalizeHresult,
  type FailureCode,
} from '../domain/failures.ts';
import { wordsOf } from '../domain/windows-words.ts';
import { HypervError } from '../hyperv/host.ts';

/** Details of every ApplicationFailure that an activity throws. */
export interface FailureDetails {
  op?: string;
  node?: string;
  hresult?: string;
  eventId?: number;
  errorId?: string;
  outcome?: 'refused' | 'unknown';
}

/**
 * A failure that Temporal does not retry by itself: the workflow's step engine decides by the code's retry class, so
 * that a person sees every wait with its reason.
 */
export const failed = (
  code: FailureCode,
  message: string,
  details: FailureDetails = {},
): ApplicationFailure =>
  ApplicationFailure.create({
    type: code,
    message: boundedText(message),
    nonRetryable: true,
    details: [details],
  });

/** "Look again in a moment": retried by Temporal until the call's schedule-to-close budget ends, without history. */
export const notYet = (message: string, retryInMs: number): ApplicationFailure =>
  ApplicationFailure.create({
    type: 'NotReady' satisfies FailureCode,
    message: boundedText(message),
    nextRetryDelay: retryInMs,
    category: ApplicationFailureCategory.BENIGN,
  });

/** Gives a HypervError its code; anything that is not one is a programmer's error and passes as it is. */
export function asFailure(err: unknown): unknown {
  if (!(err instanceof HypervError)) return err;
  const { op, node, outcome, hresult, hresults, eventId, errorId } = err.info;
  const code = classify(
    {
      hresults: hresults ?? (hresult === undefined ? [] : [hresult]),
      eventIds: eventId === undefined ? [] : [eventId],
      errorIds: errorId === undefined ? [] : [errorId],
      outcome,
    },
    op,
  );
  const seen = [hresult, eventId === undefined ? undefined : `event ${eventId}`, errorId]
    .filter((sign) => sign !== undefined)
    .join(', ');
  const verb = outcome === 'unknown' ? 'gave no answer' : 'was refused';
  const what = [failureRow(code).title, ...moreOf(code, hresult)].join('; ');
  const message = `${op} ${verb} on ${node}${seen === '' ? '' : ` (${seen})`}: ${sentence(err.message)} ${what}`;
  return failed(code, message, err.info);
}

/** Of a code without advice, what Windows says of it; of one with several causes, the others. */
function moreOf(code: FailureCode, hresult: string | undefined): string[] {
  const seen = hresult === undefined ? null : normalizeHresult(hresult);
  if (seen === null) return [];
  const isUnknown = code === 'MoveFailedWithCode' || code === 'Unexpected';
  const others = alsoMeant([seen]).filter((other) => other !== code);
  return [
    ...(isUnknown ? [`${seen} is ${wordsOf(seen)}`] : []),
    ...others.map((other) => `it may also be that ${failureRow(other).title}`),
  ];
}

/** Windows ends most messages itself, in Japanese with a full stop of its own; our own have none. */
const sentence = (text: string): string => (/[.!?。]\s*$/.test(text) ? text.trimEnd() : `${text}.`);

/** Wraps each activity so that only ApplicationFailures and cancellations cross the border. */
export function guarded<T extends Record<string, (...args: never[]) => Promise<unknown>>>(
  activities: T,
): T {
  const wrap =
    (deed: (...args: never[]) => Promise<unknown>) =>
    async (...args: never[]): Promise<unknown> => {
      try {
        return await deed(...args);
      } catch (err) {
        throw asFailure(err);
      }
    };
  return Object.fromEntries(
    Object.entries(activities).map(([name, deed]) => [name, wrap(deed)]),
  ) as T;
}
