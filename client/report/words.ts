// How reports write moments, names and states: the same in HTML and in Markdown. Moments are in UTC, since nobody knows
// where a report will be read. Nothing from outside leaves here with characters that hide or steer.
import type { IsoTime } from '../../domain/facts.ts';
import type { Act, RecordState } from '../../domain/report/run-record.ts';
import { spelledOut } from '../../domain/steering.ts';
import { durationText } from '../../domain/units.ts';

/** How good the news is; colour, where there is any, says it a second time. */
export type Tone = 'good' | 'bad' | 'warn' | 'quiet';

export const STATE_WORDS: Record<RecordState, string> = {
  running: 'still running',
  'needs-operator': 'waits for a person',
  succeeded: 'succeeded',
  failed: 'failed',
  aborted: 'aborted',
  cancelled: 'cancelled',
  terminated: 'ended from outside',
};

export const STATE_TONES: Record<RecordState, Tone> = {
  running: 'warn',
  'needs-operator': 'warn',
  succeeded: 'good',
  failed: 'bad',
  aborted: 'bad',
  cancelled: 'warn',
  terminated: 'bad',
};

export const ACT_WORDS: Record<Act['state'], string> = {
  open: 'not ended',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const ACT_TONES: Record<Act['state'], Tone> = {
  open: 'warn',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
};

/** One line in which every character can be seen. */
export const shown = (text: string): string => spelledOut(text.replace(/\s*[\r\n]+\s*/g, ' '));

/** `2026-11-24 09:00:03`. */
export const moment = (at: IsoTime): string => at.slice(0, 19).replace('T', ' ');

export const between = (from: IsoTime, to: IsoTime): string =>
  durationText(Date.parse(to) - Date.parse(from));

export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${n} ${n === 1 ? one : many}`;
