// What a tuning tries with its canaries, and what their moves teach: tables, and recommendations in words. A choice is
// another setting of live migration, or another number of moves at once; both are judged alike.
import type { MigrationPerformance } from '../facts.ts';
import { median } from '../median.ts';
import { durationText } from '../units.ts';

/** Moves each way with each setting, unless the input says otherwise. */
export const DEFAULT_ROUNDS = 3;
export const ROUNDS_MAX = 20;

/** What is compared: a setting of live migration, or how many moves a node takes part in at once. */
export type Choice = MigrationPerformance | number;

/** One move of the canary, or of all canaries together. */
export interface Trip<C extends Choice> {
  choice: C;
  from: string;
  to: string;
  /** Until the last one has arrived; null: it tells nothing, as a person skipped it or somebody else had begun it. */
  seconds: number | null;
  /** The worst of them; null: no event log tells it of each. */
  blackoutSeconds: number | null;
  /** No other move was seen before and after it. */
  alone: boolean;
}

export interface TuneRow<C extends Choice = MigrationPerformance> {
  choice: C;
  /** So it was before the tuning. */
  isNow: boolean;
  /** Those that count: the canaries' own, with no other move beside them. */
  moves: number;
  medianSeconds: number | null;
  longestSeconds: number | null;
  /** The longest that a VM stood still; null: not told of every move that counts. */
  worstBlackoutSeconds: number | null;
}

export interface Tuning<C extends Choice = MigrationPerformance> {
  rows: TuneRow<C>[];
  /** null: leave it as it is. */
  recommended: C | null;
  /** Why, a sentence each. */
  advice: string[];
}

/** Why one canary alone says nothing of how many at once are best. */
export const ALONE =
  'How many moves at once are best is not compared: one canary alone stays below every limit. Name two or more.';

/** From so few moves nothing is recommended. */
const MOVES_MIN = 3;
/** Less of a gain than this is chance. */
const GAIN_SHARE_MIN = 0.1;
/** The end of a move is seen at the next look. */
const GAIN_SECONDS_MIN = 1;

/**
 * What is there now comes first. SMB only on request: without RDMA it has nothing over the others.
 * @param now null where the nodes differ
 */
export function settingsToTry(
  now: MigrationPerformance | null,
  smb: boolean,
): MigrationPerformance[] {
  const known: MigrationPerformance[] = ['TCPIP', 'Compression', ...(smb ? ['SMB' as const] : [])];
  return now === null ? known : [now, ...known.filter((one) => one !== now)];
}

/** null where they differ. */
export function commonOf(settings: readonly MigrationPerformance[]): MigrationPerformance | null {
  const [first] = settings;
  return first !== undefined && settings.every((one) => one === first) ? first : null;
}

/** The number that is there, and one other. */
export const numbersToTry = (now: number): [number, number] => [now, now === 1 ? 2 : 1];

export const nameOf = (choice: Choice): string =>
  typeof choice === 'number' ? `${choice} at once` : choice;

/** @param now null where the nodes differ */
export function tuningOf<C extends Choice>(
  trips: readonly Trip<C>[],
  choices: readonly C[],
  now: C | null,
): Tuning<C> {
  const rows = choices.map((choice) => rowOf(trips, choice, now));
  return { rows, ...adviceOf(rows) };
}

function rowOf<C extends Choice>(trips: readonly Trip<C>[], choice: C, now: C | null): TuneRow<C> {
  const told = trips.flatMap((trip) =>
    trip.choice === choice && trip.alone && trip.seconds !== null
      ? [{ seconds: trip.seconds, blackout: trip.blackoutSeconds }]
      : [],
  );
  const seconds = told.map((one) => one.seconds);
  const blackouts = told.flatMap(({ blackout }) => blackout ?? []);
  const isTold = told.length > 0 && blackouts.length === told.length;
  return {
    choice,
    isNow: choice === now,
    moves: told.length,
    medianSeconds: median(seconds),
    longestSeconds: seconds.length === 0 ? null : Math.max(...seconds),
    worstBlackoutSeconds: isTold ? Math.max(...blackouts) : null,
  };
}

type Judged<C extends Choice> = TuneRow<C> & { medianSeconds: number; longestSeconds: number };

const isJudged = <C extends Choice>(row: TuneRow<C>): row is Judged<C> =>
  row.moves >= MOVES_MIN && row.medianSeconds !== null;

function adviceOf<C extends Choice>(rows: readonly TuneRow<C>[]): Omit<Tuning<C>, 'rows'> {
  const few = rows.filter((row) => !isJudged(row)).map(({ choice }) => nameOf(choice));
  const rest =
    few.length === 0
      ? []
      : [`Fewer than ${MOVES_MIN} moves count for ${few.join(', ')}, which tells nothing of it.`];
  const none = (...why: string[]) => ({ recommended: null, advice: [...why, ...rest] });
  const told = rows.filter((row) => isJudged(row));
  const fastest = told.toSorted((a, b) => a.medianSeconds - b.medianSeconds);
  const [best] = fastest;
  if (best === undefined) return none('Nothing is recommended.');
  const now = told.find((row) => row.isNow);
  if (now === undefined) {
    return none(
      rows.some((row) => row.isNow)
        ? 'Nothing is recommended: there is nothing to compare with.'
        : `None of these is set everywhere now, so nothing is recommended; ${nameOf(best.choice)} was the fastest.`,
    );
  }
  const faster = fastest.slice(0, fastest.indexOf(now));
  const against = faster.map((row) => whyNot(row, now));
  const chosen = faster[against.indexOf(null)];
  const refused = faster.flatMap((row, i) =>
    against[i] == null ? [] : [`${tookText(row, now)}, ${against[i]}.`],
  );
  const keep = `Keep ${nameOf(now.choice)}`;
  if (faster.length === 0) return none(`${keep}: nothing was faster.`);
  if (chosen === undefined) return none(`${keep}.`, ...refused);
  const stood = `up to ${text(chosen.worstBlackoutSeconds)}, before ${text(now.worstBlackoutSeconds)}`;
  const why = `${tookText(chosen, now)}, and no VM stood still for longer: ${stood}.`;
  return { recommended: chosen.choice, advice: [why, ...refused, ...rest] };
}

const tookText = (row: Judged<Choice>, now: Judged<Choice>): string =>
  `${nameOf(row.choice)} took ${text(row.medianSeconds)} where ${nameOf(now.choice)} took ${text(now.medianSeconds)} (medians)`;

/** null: it is faster for sure, at its slowest no slower, and no VM stood still for longer. */
function whyNot(row: Judged<Choice>, now: Judged<Choice>): string | null {
  const gain = now.medianSeconds - row.medianSeconds;
  if (gain < GAIN_SECONDS_MIN || gain < GAIN_SHARE_MIN * now.medianSeconds)
    return 'which may be chance';
  const before = nameOf(now.choice);
  if (row.longestSeconds > now.longestSeconds)
    return `but at its slowest ${text(row.longestSeconds)}, and ${before} ${text(now.longestSeconds)}`;
  const [worst, was] = [row.worstBlackoutSeconds, now.worstBlackoutSeconds];
  if (worst === null || was === null) {
    const untold = [row, now].filter((one) => one.worstBlackoutSeconds === null);
    return `but no event log tells of every move with ${untold.map((one) => nameOf(one.choice)).join(' and ')} how long the VM stood still`;
  }
  return worst > was
    ? `but a VM stood still for up to ${text(worst)}, and with ${before} for up to ${text(was)}`
    : null;
}

const text = (seconds: number | null): string =>
  seconds === null ? 'not known' : durationText(seconds * 1000);
