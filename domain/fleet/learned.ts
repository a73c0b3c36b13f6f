// What the moves of this cluster have taken: what past runs keep of each, what that teaches about links, overhead and
// VMs that write much, and how a promise compares with what came of it. Medians, and on how many moves each of them
// rests.
import { median } from '../median.ts';
import type { MoveModel } from '../planner/problem.ts';
import { durationText, sizeText } from '../units.ts';

export interface PastMove {
  vm: string;
  vmId: string;
  from: string;
  to: string;
  /** Memory of the VM. */
  bytes: number;
  seconds: number;
}

export interface Figure {
  value: number;
  /** Moves that it rests on. */
  moves: number;
}

export interface Learned {
  model: MoveModel;
  /** Setup and hand-over of a move together; null: too few moves. */
  overheadSeconds: Figure | null;
  /** Bytes of memory per second, by `from -> to`. */
  pairs: Record<string, Figure>;
  /**
   * What the link of each source gives: of its best pair the median of the faster half, as the others shared the link
   * with other moves. Lower-case names.
   */
  rates: Record<string, Figure>;
  /** Bytes of memory that a VM writes per second while it moves, by id; only those that show. */
  dirty: Record<string, Figure>;
}

/** Of these runs' results: a single move tells its own, the others a list of them. */
export const RUNS_THAT_MOVE = [
  'migrateVm',
  'drainNodes',
  'resumeNodes',
  'maintainNode',
  'balanceCluster',
] as const;

/** What a run's result says of its moves. Results of older versions tell less, and none is believed for its shape. */
export function movesIn(result: unknown): PastMove[] {
  if (typeof result !== 'object' || result === null) return [];
  if ('moves' in result && Array.isArray(result.moves)) return result.moves.filter(isPastMove);
  return 'changed' in result && result.changed === true && isPastMove(result) ? [result] : [];
}

function isPastMove(x: unknown): x is PastMove {
  const move = x as Partial<Record<keyof PastMove, unknown>> | null;
  const { vm, vmId, from, to, bytes, seconds } = move ?? {};
  return (
    [vm, vmId, from, to].every((name) => typeof name === 'string') &&
    [bytes, seconds].every((n) => typeof n === 'number' && Number.isFinite(n) && n >= 0)
  );
}

/** From so few moves nothing is learned. */
const MOVES_MIN = 3;
/** Longer than expected by less than this is chance. */
const SLOWER_MIN = 1.2;
/** Of the link's rate: beyond it a copy would never end, and Windows ends it. */
const DIRTY_MOST = 0.9;
/** Of a move's overhead, so much comes before the copy. */
const SETUP_SHARE = 0.6;
/** Less than this a copy does not take: the rest is how exactly a clock is read. */
const COPY_SECONDS_MIN = 0.1;
/** A shorter one tells nothing of the link: the overhead that is taken off is no better known. */
const COPY_SECONDS_TOLD = 1;

export function learn(moves: readonly PastMove[], assumed: MoveModel): Learned {
  const sound = moves.filter(({ bytes, seconds }) => bytes > 0 && seconds > 0);
  const overheadSeconds = overheadOf(sound);
  const overhead = overheadSeconds?.value ?? assumed.setupSeconds + assumed.handoverSeconds;
  const copySeconds = ({ seconds }: PastMove): number =>
    Math.max(COPY_SECONDS_MIN, seconds - overhead);
  const pairs: Record<string, Figure> = {};
  const rates: Record<string, Figure> = {};
  const told = sound.filter((move) => copySeconds(move) >= COPY_SECONDS_TOLD);
  for (const [pair, list] of groupsOf(told, ({ from, to }) => `${from} -> ${to}`)) {
    const seen = list.map((move) => move.bytes / copySeconds(move));
    pairs[pair] = medianOf(seen);
    const from = list[0]?.from.toLowerCase() ?? '';
    const best = rates[from];
    const link = medianOf([...seen].sort((a, b) => b - a).slice(0, Math.ceil(seen.length / 2)));
    if (seen.length >= MOVES_MIN && (best === undefined || link.value > best.value))
      rates[from] = { ...link, moves: seen.length };
  }
  const dirty: Record<string, Figure> = {};
  for (const [vmId, list] of groupsOf(sound, (move) => move.vmId.toLowerCase())) {
    const figure = dirtyOf(list, copySeconds, rates);
    if (figure !== null) dirty[vmId] = figure;
  }
  const model =
    overheadSeconds === null
      ? assumed
      : {
          ...assumed,
          setupSeconds: overhead * SETUP_SHARE,
          handoverSeconds: overhead * (1 - SETUP_SHARE),
        };
  return { model, overheadSeconds, pairs, rates, dirty };
}

/** A copy that writes D of B anew with every round takes 1 / (1 - D/B) times as long. */
function dirtyOf(
  list: readonly PastMove[],
  copySeconds: (move: PastMove) => number,
  rates: Record<string, Figure>,
): Figure | null {
  const known = list.flatMap((move) => {
    const rate = rates[move.from.toLowerCase()]?.value;
    return rate === undefined ? [] : [{ rate, slower: (copySeconds(move) * rate) / move.bytes }];
  });
  if (known.length < MOVES_MIN) return null;
  const slower = medianOf(known.map((one) => one.slower)).value;
  if (slower < SLOWER_MIN) return null;
  const rate = medianOf(known.map((one) => one.rate)).value;
  return { value: Math.min(DIRTY_MOST, 1 - 1 / slower) * rate, moves: known.length };
}

/**
 * What is left of the seconds when the bytes are taken off: by the slopes between all moves of a source (Theil-Sen).
 */
function overheadOf(moves: readonly PastMove[]): Figure | null {
  const rests: number[] = [];
  for (const [, list] of groupsOf(moves, ({ from }) => from.toLowerCase())) {
    const newest = list.slice(0, PAIRED_MAX);
    const slopes = newest.flatMap((a, i) =>
      newest
        .slice(i + 1)
        .filter((b) => Math.abs(b.bytes - a.bytes) > 0.2 * Math.max(a.bytes, b.bytes))
        .map((b) => (b.seconds - a.seconds) / (b.bytes - a.bytes)),
    );
    if (slopes.length < MOVES_MIN) continue;
    const slope = medianOf(slopes).value;
    if (slope > 0) rests.push(...newest.map(({ seconds, bytes }) => seconds - slope * bytes));
  }
  if (rests.length < MOVES_MIN) return null;
  const rest = medianOf(rests);
  return { ...rest, value: Math.max(0, rest.value) };
}

/** All pairs of so many moves are compared. */
const PAIRED_MAX = 100;

function groupsOf<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

const medianOf = (values: readonly number[]): Figure => ({
  value: median(values) ?? 0,
  moves: values.length,
});

/** `promised 4 min 10 s, took 4 min 32 s (9 % longer)`. */
export function promiseText(promisedSeconds: number, tookSeconds: number): string {
  const share = promisedSeconds > 0 ? tookSeconds / promisedSeconds - 1 : 0;
  const percent = Math.round(Math.abs(share) * 100);
  const how = percent === 0 ? '' : ` (${percent} % ${share > 0 ? 'longer' : 'shorter'})`;
  return `promised ${durationText(promisedSeconds * 1000)}, took ${durationText(tookSeconds * 1000)}${how}`;
}

/** What the figures of a plan rest on, one line each. */
export function learnedLines({ overheadSeconds, pairs, dirty }: Learned): string[] {
  const from = ({ moves }: Figure): string =>
    `median of ${moves} ${moves === 1 ? 'move' : 'moves'}`;
  const lines = Object.entries(pairs).map(
    ([pair, figure]) => `${pair}: ${sizeText(figure.value)}/s (${from(figure)})`,
  );
  if (overheadSeconds !== null) {
    const text = durationText(overheadSeconds.value * 1000);
    lines.unshift(`setup and hand-over: ${text} (${from(overheadSeconds)})`);
  }
  const hot = Object.keys(dirty).length;
  if (hot > 0) lines.push(`${hot} VMs write so much that their moves take longer`);
  return lines;
}
