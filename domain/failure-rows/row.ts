// The shape of one row of the failure table, see failures.ts.

/**
 * `retry`: with backoff, it passes by itself. `retry-then-operator`: the same within a budget, then
 * a person. `operator`: a person at once, trying again cannot help. `expected`: not a failure,
 * recorded as a warning.
 */
export type RetryClass = 'retry' | 'retry-then-operator' | 'operator' | 'expected';

export interface FailureRow {
  readonly class: RetryClass;
  /** What happened, as a clause that can follow "because": no full stop, no object names. */
  readonly title: string;
  /** What to do next, full sentences. */
  readonly hint: string;
  /** Number in the platform reference, where the row comes from there. */
  readonly row?: number;
  /** Each of these identifies the row. `0x` and eight upper-case digits. */
  readonly hresults?: readonly string[];
  /**
   * HRESULTs of another row that this one may explain as well: both are named, the one that the facts support first.
   */
  readonly alsoHresults?: readonly string[];
  /** Each of these identifies the row when no HRESULT does. */
  readonly eventIds?: readonly number[];
  /** Events of free text, which prove nothing: they count only where no other sign is there. */
  readonly hintEventIds?: readonly number[];
  /** Ids that the port or PowerShell gives beside the code's own name, which always counts. */
  readonly errorIds?: readonly string[];
  /** Events that come along with many rows: they tell where to look and decide nothing. */
  readonly seenWith?: readonly number[];
}

/** Event 21502 "live migration failed" carries the HRESULT and says nothing without it. */
export const MOVE_FAILED_EVENT = [21502] as const;
