// The time axis of a timeline: moments to places. Stretches in which nothing was done, as days of waiting for a person,
// are cut short and marked, or nothing else could be seen. Pure.
import { durationText } from '../../domain/units.ts';

export interface Span {
  from: number;
  to: number;
}

export interface Axis {
  /** Place of a moment, from 0 to `width`. */
  at(ms: number): number;
  ticks: { at: number; label: string }[];
  /** Stretches that are drawn shorter than they were. */
  cuts: { from: number; to: number; label: string }[];
}

/** A stretch is cut when it is longer than this share of all that was done... */
const LONG_SHARE = 0.25;
/** ...and than this; short runs are drawn as they were. */
const LONG_MS = 10_000;
/** What a cut stretch takes of the width. */
const CUT_SHARE = 0.06;
const CUTS_SHARE_MAX = 0.4;
/** A clock time and some room. */
const TICK_WIDTH = 76;

const STEPS_MS = [
  ...[100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000],
  ...[1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200].map(
    (m) => m * 60_000,
  ),
];

/** @param work what was done; between it may be cut. */
export function axisOf(whole: Span, work: readonly Span[], width: number): Axis {
  const pieces = piecesOf(whole, work);
  const cuts = pieces.filter((p) => p.isCut);
  const cutWidth =
    cuts.length === 0 ? 0 : width * Math.min(CUT_SHARE, CUTS_SHARE_MAX / cuts.length);
  const drawnMs = pieces.reduce((sum, p) => sum + (p.isCut ? 0 : p.to - p.from), 0);
  const perMs = drawnMs === 0 ? 0 : (width - cutWidth * cuts.length) / drawnMs;
  let x = 0;
  const placed = pieces.map((p) => {
    const left = x;
    x += p.isCut ? cutWidth : (p.to - p.from) * perMs;
    return { ...p, left, right: x };
  });
  const at = (ms: number): number => {
    const piece = placed.find((p) => ms <= p.to) ?? placed.at(-1);
    if (piece === undefined) return 0;
    const share = piece.to === piece.from ? 0 : (ms - piece.from) / (piece.to - piece.from);
    return piece.left + Math.min(1, Math.max(0, share)) * (piece.right - piece.left);
  };
  const stepMs = STEPS_MS.find((step) => step * perMs >= TICK_WIDTH) ?? STEPS_MS.at(-1) ?? 1;
  return {
    at,
    ticks: placed.filter((p) => !p.isCut).flatMap((p) => ticksOf(p, stepMs, at, isOneDay(whole))),
    cuts: placed
      .filter((p) => p.isCut)
      .map((p) => ({ from: p.left, to: p.right, label: durationText(p.to - p.from) })),
  };
}

interface Piece extends Span {
  isCut: boolean;
}

function piecesOf(whole: Span, work: readonly Span[]): Piece[] {
  const busy = merged(work);
  const busyMs = busy.reduce((sum, s) => sum + s.to - s.from, 0);
  const longMs = Math.max(LONG_MS, busyMs * LONG_SHARE);
  const pieces: Piece[] = [];
  let from = whole.from;
  for (const gap of gapsBetween(whole, busy).filter((g) => g.to - g.from > longMs)) {
    if (gap.from > from) pieces.push({ from, to: gap.from, isCut: false });
    pieces.push({ ...gap, isCut: true });
    from = gap.to;
  }
  if (from < whole.to || pieces.length === 0) pieces.push({ from, to: whole.to, isCut: false });
  // With nothing done there is nothing that a cut would make visible.
  return busy.length === 0 ? [{ ...whole, isCut: false }] : pieces;
}

function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else result.push({ ...span });
  }
  return result;
}

function gapsBetween(whole: Span, busy: readonly Span[]): Span[] {
  const gaps: Span[] = [];
  let from = whole.from;
  for (const span of busy) {
    if (span.from > from) gaps.push({ from, to: span.from });
    from = Math.max(from, span.to);
  }
  if (from < whole.to) gaps.push({ from, to: whole.to });
  return gaps;
}

function ticksOf(
  piece: Span,
  stepMs: number,
  at: (ms: number) => number,
  oneDay: boolean,
): Axis['ticks'] {
  const ticks: Axis['ticks'] = [];
  for (let ms = Math.ceil(piece.from / stepMs) * stepMs; ms <= piece.to; ms += stepMs) {
    // Of several days, the first after every cut says which one.
    const day = oneDay || ticks.length > 0 || stepMs >= DAY_MS ? '' : `${dayOf(ms)} `;
    ticks.push({ at: at(ms), label: `${day}${tickLabel(ms, stepMs)}` });
  }
  return ticks;
}

const DAY_MS = 86_400_000;

const isOneDay = ({ from, to }: Span): boolean => dayOf(from) === dayOf(to);

/** `11-24`. */
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(5, 10);

function tickLabel(ms: number, stepMs: number): string {
  const text = new Date(ms).toISOString();
  if (stepMs < 1_000) return text.slice(14, 21);
  if (stepMs < 60_000) return text.slice(11, 19);
  return stepMs < DAY_MS ? text.slice(11, 16) : dayOf(ms);
}
