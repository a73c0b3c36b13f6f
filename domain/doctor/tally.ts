// Event logs, counted: what a node's exam keeps of them, called where it is made. Never matches a message, which is in
// the language of its Windows.
import type { EventFacts } from '../event-facts.ts';
import type { IsoTime } from '../facts.ts';

/** Errors of one kind in the event logs of a node. */
export interface EventCount {
  log: string;
  id: number;
  /** The worst: 1 critical, 2 error, 3 warning. */
  level: number;
  count: number;
  lastAt: IsoTime;
  /** Of the latest one, shortened. */
  message: string;
}

export interface EventTally {
  /** The worst and most frequent first. */
  counts: EventCount[];
  /** There were more than could be read: the numbers are too low. */
  cut: boolean;
}

/** Long ones would fill a run's history. */
const MESSAGE_MAX = 200;
const COUNTS_MAX = 20;
/** 1 critical, 2 error. */
const ERROR_LEVEL = 2;

/** Counts the errors by log and id. */
export function tallyEvents(events: readonly EventFacts[], max: number): EventTally {
  const counts = new Map<string, EventCount>();
  for (const e of events) {
    if (e.level < 1 || e.level > ERROR_LEVEL) continue;
    const key = `${e.log} ${e.id}`;
    const known = counts.get(key);
    counts.set(key, {
      log: e.log,
      id: e.id,
      level: Math.min(known?.level ?? e.level, e.level),
      count: (known?.count ?? 0) + 1,
      lastAt: e.time,
      message: shorten(e.message),
    });
  }
  const sorted = [...counts.values()].sort((a, b) => a.level - b.level || b.count - a.count);
  return { counts: sorted.slice(0, COUNTS_MAX), cut: events.length >= max };
}

const shorten = (text: string): string =>
  text.length > MESSAGE_MAX ? `${text.slice(0, MESSAGE_MAX - 2)}..` : text;
