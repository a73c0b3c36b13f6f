// How often and after which pauses a failed step is tried again before a person is asked.
import type { RetryClass } from './failures.ts';
import { DEFAULT_BUDGETS } from './spec.ts';

/** Per step and per decision of a person. Doubling from 2 s, 4 tries take half a minute and 12 about a quarter hour. */
export const RETRIES: Readonly<Record<RetryClass, number>> = {
  retry: 12,
  'retry-then-operator': 4,
  operator: 0,
  expected: 0,
};

const PAUSE_MAX_SECONDS = 120;

/** @param failures how often the step has failed, from 1. */
export const retryPauseSeconds = (firstSeconds: number | undefined, failures: number): number =>
  Math.min((firstSeconds ?? DEFAULT_BUDGETS.retrySeconds) * 2 ** (failures - 1), PAUSE_MAX_SECONDS);
