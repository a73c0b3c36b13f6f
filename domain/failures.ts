// The one table of failures: code -> retry class, what happened, what to do next. Signs are HRESULTs, event ids and
// error ids; never a message text, which is in the language of the operating system.

export type RetryClass = 'retry' | 'retry-then-operator' | 'operator' | 'expected';

export interface FailureRow {
  class: RetryClass;
  title: string;
  hint: string;
}

/** What an operation showed when it failed, outermost first. */
export interface Signs {
  hresults: string[];
  eventIds: number[];
  errorIds: string[];
  outcome: 'refused' | 'unknown';
}
