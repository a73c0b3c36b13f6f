// The timeline of a report as SVG, in pictures that fit a page each. Everything that it shows stands in the tables too:
// it is for the eye, and has a description for those who do not see it. Colours are of style.ts.
import type { RunRecord } from '../../domain/report/run-record.ts';
import { durationText } from '../../domain/units.ts';
import { clip } from '../render/format.ts';
import { axisOf, type Axis, type Span } from './axis.ts';
import { escaped } from './escape.ts';
import type { Bar, Mark, TimelineRow } from './rows.ts';
import { counted, shown } from './words.ts';

const WIDTH = 1000;
const LABELS = 330;
const RIGHT = 32;
const ROW = 20;
const HEAD = 34;
/** At most so many rows fit a sheet of A4 on its long side. */
const ROWS_MAX = 36;
/** Columns of a label; a wide character takes two. */
const LABEL_COLUMNS = 52;
/** What took no time was done all the same. */
const BAR_MIN = 2.5;

const n = (value: number): string => value.toFixed(1).replace(/\.0$/, '');

export function timelineSvg(
  record: RunRecord,
  rows: readonly TimelineRow[],
  madeAt: string,
): string[] {
  const pictures = Math.ceil(rows.length / ROWS_MAX);
  const each = Math.ceil(rows.length / pictures);
  return Array.from({ length: pictures }, (_, i) => {
    const some = rows.slice(i * each, (i + 1) * each);
    const bars = some.filter((row) => !row.isHead).flatMap((row) => row.bars);
    const whole = pictures === 1 || bars.length === 0 ? wholeOf(record, madeAt) : spanOf(bars);
    const work = bars.filter((bar) => bar.kind !== 'person');
    const axis = axisOf(whole, work, WIDTH - LABELS - RIGHT);
    return picture(some, axis, i + 1, rows.length);
  });
}

const wholeOf = ({ startedAt, endedAt }: RunRecord, madeAt: string): Span => {
  const from = Date.parse(startedAt);
  return { from, to: Math.max(from + 1, Date.parse(endedAt ?? madeAt)) };
};

/** Of many rows each picture has an axis of its own, or all of them would be dots. */
const spanOf = (bars: readonly Bar[]): Span => {
  const from = Math.min(...bars.map((bar) => bar.from));
  return { from, to: Math.max(from + 1, ...bars.map((bar) => bar.to)) };
};

function picture(rows: readonly TimelineRow[], axis: Axis, number: number, of: number): string {
  const height = HEAD + rows.length * ROW + 6;
  const id = `timeline-${number}`;
  return [
    `<svg class="timeline" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-t ${id}-d">`,
    `<title id="${id}-t">Timeline${number === 1 ? '' : `, picture ${number}`}</title>`,
    `<desc id="${id}-d">${counted(rows.length, 'row')} of ${of}, each with bars for the time that it took. The tables below say the same in words.</desc>`,
    ...axisSvg(axis, height),
    ...rows.map((row, i) => rowSvg(row, HEAD + i * ROW, axis)),
    '</svg>',
  ].join('\n');
}

function axisSvg({ ticks, cuts }: Axis, height: number): string[] {
  const bottom = height - 4;
  return [
    ...ticks.map(
      ({ at, label }) =>
        `<path class="grid" d="M${n(LABELS + at)} ${HEAD - 6}V${bottom}"/><text class="tick" x="${n(LABELS + at)}" y="${HEAD - 12}">${label}</text>`,
    ),
    ...cuts.map(
      ({ from, to, label }) =>
        `<rect class="cut" x="${n(LABELS + from)}" y="${HEAD - 6}" width="${n(to - from)}" height="${bottom - HEAD + 6}"><title>${label} in which nothing was done</title></rect>` +
        `<text class="tick cut-label" x="${n(LABELS + (from + to) / 2)}" y="10">${label}</text>`,
    ),
  ];
}

function rowSvg(row: TimelineRow, y: number, axis: Axis): string {
  const label = shown(row.label);
  return [
    `<g class="${row.isHead ? 'head' : 'row'}">`,
    `<text class="label" x="${row.isHead ? 0 : 12}" y="${y + 14}">${escaped(clip(label, LABEL_COLUMNS))}<title>${escaped(label)}</title></text>`,
    ...row.bars.map((bar) => barSvg(bar, y, axis)),
    ...row.marks.map((mark) => markSvg(mark, y, axis)),
    '</g>',
  ].join('');
}

function barSvg(bar: Bar, y: number, axis: Axis): string {
  const [left, middle, right] = [bar.from, bar.taken, bar.to].map((ms) => LABELS + axis.at(ms));
  const x = middle ?? 0;
  const width = Math.max(BAR_MIN, (right ?? 0) - x);
  const height = bar.kind === 'run' ? 4 : 12;
  const top = y + (bar.kind === 'run' ? 8 : 4);
  const took = durationText(bar.to - bar.taken);
  const waited = x - (left ?? 0);
  return [
    // What waits for a worker is thin.
    waited > 1
      ? `<rect class="queued" x="${n(left ?? 0)}" y="${y + 9}" width="${n(waited)}" height="2"/>`
      : '',
    `<rect class="bar ${bar.kind} ${bar.state}" x="${n(x)}" y="${top}" width="${n(width)}" height="${height}" rx="1.5"><title>${took}</title></rect>`,
    bar.state === 'open' ? `<path class="open-end" d="M${n(x + width)} ${y + 5}l5 5l-5 5z"/>` : '',
  ].join('');
}

/** Shapes of their own, so that no colour is needed to tell them apart. */
function markSvg({ at, kind, words }: Mark, y: number, axis: Axis): string {
  const x = LABELS + axis.at(at);
  const shape =
    kind === 'failure'
      ? `M${n(x - 4)} ${y + 6}l8 8m0 -8l-8 8`
      : kind === 'decision'
        ? `M${n(x)} ${y + 3}l6 7l-6 7l-6 -7z`
        : `M${n(x)} ${y + 2}v16m-4 -4l4 4l4 -4`;
  return `<path class="mark ${kind}" d="${shape}"><title>${escaped(shown(words))}</title></path>`;
}
