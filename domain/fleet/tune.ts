// What a tuning tries with its canary, and what the moves of it teach: a table, and a recommendation in words.
// Durations only: how long the VM stood still is told by no move, so nothing here claims it.
import type { MigrationPerformance } from '../facts.ts';
import { durationText } from '../units.ts';

/** Moves each way with each setting, unless the input says otherwise. */
export const DEFAULT_ROUNDS = 3;
export const ROUNDS_MAX = 20;

/** One move of the canary. */
export interface TunedMove {
  performance: MigrationPerformance;
  from: string;
  to: string;
  /** null: it tells nothing, as a person skipped it or somebody else had begun it. */
  seconds: number | null;
  /** No other move was seen before and after it. */
  alone: boolean;
}

export interface TuneRow {
  performance: MigrationPerformance;
  /** On every node before the tuning. */
  isNow: boolean;
  /** Moves that count: the canary's own, with no other beside them. */
  moves: number;
  medianSeconds: number | null;
  longestSeconds: number | null;
}

export interface Tuning {
  rows: TuneRow[];
  /** null: leave the settings as they are. */
  recommended: MigrationPerformance | null;
  /** Why, a sentence each. */
  advice: string[];
}

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

export function tuningOf(
  moves: readonly TunedMove[],
  settings: readonly MigrationPerformance[],
  now: MigrationPerformance | null,
): Tuning {
  const rows = settings.map((performance) => rowOf(moves, performance, now));
  return { rows, ...adviceOf(rows) };
}

function rowOf(
  moves: readonly TunedMove[],
  performance: MigrationPerformance,
  now: MigrationPerformance | null,
): TuneRow {
  const seconds = moves
    .filter((move) => move.performance === performance && move.alone)
    .flatMap((move) => (move.seconds === null ? [] : [move.seconds]))
    .sort((a, b) => a - b);
  return {
    performance,
    isNow: performance === now,
    moves: seconds.length,
    medianSeconds: medianOf(seconds),
    longestSeconds: seconds.at(-1) ?? null,
  };
}

function medianOf(sorted: readonly number[]): number | null {
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}

type Judged = TuneRow & { medianSeconds: number; longestSeconds: number };

const isJudged = (row: TuneRow): row is Judged =>
  row.moves >= MOVES_MIN && row.medianSeconds !== null;

function adviceOf(rows: readonly TuneRow[]): Omit<Tuning, 'rows'> {
  const few = rows.filter((row) => !isJudged(row)).map((row) => row.performance);
  const rest =
    few.length === 0
      ? []
      : [`Fewer than ${MOVES_MIN} moves count for ${few.join(', ')}, which tells nothing of it.`];
  const judged = rows.filter(isJudged);
  const best = [...judged].sort((a, b) => a.medianSeconds - b.medianSeconds)[0];
  const now = judged.find((row) => row.isNow);
  const none = (why: string) => ({ recommended: null, advice: [why, ...rest] });
  if (best === undefined) return none('Nothing is recommended.');
  if (now === undefined) {
    return none(
      rows.some((row) => row.isNow)
        ? 'Nothing is recommended: there is nothing to compare with.'
        : `The nodes differ now, so nothing is recommended; ${best.performance} was the fastest.`,
    );
  }
  if (best === now) return none(`Keep ${now.performance}: nothing was faster.`);
  const how = `${best.performance} moved the canary in ${text(best.medianSeconds)} where ${now.performance} took ${text(now.medianSeconds)} (medians)`;
  const gain = now.medianSeconds - best.medianSeconds;
  if (gain < GAIN_SECONDS_MIN || gain < GAIN_SHARE_MIN * now.medianSeconds) {
    return none(`Keep ${now.performance}: ${how}, which may be chance.`);
  }
  if (best.longestSeconds > now.longestSeconds) {
    return none(
      `Keep ${now.performance}: ${how}, but its longest move took ${text(best.longestSeconds)}, and that of ${now.performance} ${text(now.longestSeconds)}.`,
    );
  }
  return { recommended: best.performance, advice: [`${how}.`, BLACKOUT, ...rest] };
}

const BLACKOUT =
  'How long the VM stood still is not measured: before you keep it, compare the blackout in events ' +
  '20415 and 20417 of Microsoft-Windows-Hyper-V-VMMS-Admin on both nodes; keep it only if the worst is no worse.';

const text = (seconds: number): string => durationText(seconds * 1000);
