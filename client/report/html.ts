// A report as one HTML file: no script, nothing fetched, everything from outside escaped. For screens, paper and
// readers who hear it.
import type { RunRecord } from '../../domain/report/run-record.ts';
import { stringWidth } from '../render/format.ts';
import { escaped } from './escape.ts';
import { timelineRows, type BarKind, type Mark } from './rows.ts';
import type { Cell, Report, Section } from './section.ts';
import { STYLE } from './style.ts';
import { timelineSvg } from './timeline.ts';
import { moment } from './words.ts';

/** Says to the browser what is true anyway, in case an escape were ever forgotten. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export interface Made {
  /** ISO. */
  at: string;
  /** Version of watari. */
  version: string;
}

export function htmlReport(report: Report, record: RunRecord, made: Made): string {
  const { title, state, facts, sections, gaps } = report;
  const cluster = record.cluster === null ? '' : ` of cluster ${record.cluster}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)} - ${escaped(state.text)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="kind">Report of a run${escaped(cluster)}</p>
<h1>${escaped(title)}</h1>
<p><span class="badge ${state.tone ?? ''}">${escaped(state.text)}</span></p>
<dl>
${facts.map(([name, value]) => `<dt>${escaped(name)}</dt><dd${toneOf(value)}>${inner(value)}</dd>`).join('\n')}
</dl>
${gapsHtml(gaps)}
</header>
${timelineHtml(record, made.at)}
${sections.map(sectionHtml).join('\n')}
<footer>
<p>Made by watari ${escaped(made.version)} at ${moment(made.at)} UTC from ${record.events} events of the run's history. All times are UTC.</p>
</footer>
</main>
</body>
</html>
`;
}

const toneOf = ({ tone }: Cell): string => (tone === undefined ? '' : ` class="${tone}"`);

function inner({ text, more = [], code = [] }: Cell): string {
  return [
    escaped(text),
    ...more.map((line) => `<div class="more">${escaped(line)}</div>`),
    ...code.map((line) => `<code>${escaped(line)}</code>`),
  ].join('');
}

function gapsHtml(gaps: readonly string[]): string {
  if (gaps.length === 0) return '';
  const items = gaps.map((gap) => `<li>${escaped(gap)}</li>`).join('');
  return `<section class="gaps" aria-label="What this report does not know"><strong>This report is not complete</strong><ul>${items}</ul></section>`;
}

const LEGEND: readonly [BarKind, string][] = [
  ['act', 'something is changed'],
  ['move', 'live migration'],
  ['check', 'verified'],
  ['look', 'look'],
  ['wait', 'Windows or a slot is waited for'],
  ['person', 'a person is waited for'],
  ['pause', 'pause'],
  ['back', 'taken back or let go'],
  ['run', 'a run'],
];

const SIGNS: readonly [Mark['kind'] | 'open', string, string][] = [
  ['failure', '×', 'failed'],
  ['decision', '◇', 'decision'],
  ['cancel', '↓', 'asked to stop'],
  ['open', '▸', 'not ended'],
];

function timelineHtml(record: RunRecord, at: string): string {
  const rows = timelineRows(record, at);
  const pictures = timelineSvg(record, rows, at);
  if (pictures.length === 0) return '';
  const kinds = new Set(rows.flatMap((row) => row.bars).map((bar) => bar.kind));
  const marks = new Set(rows.flatMap((row) => row.marks).map((mark) => mark.kind));
  const isOpen = rows.some((row) => row.bars.some((bar) => bar.state === 'open'));
  const keys = [
    ...LEGEND.filter(([kind]) => kinds.has(kind)).map(
      ([kind, words]) => `<li><span class="key ${kind}"></span>${words}</li>`,
    ),
    ...SIGNS.filter(([kind]) => (kind === 'open' ? isOpen : marks.has(kind))).map(
      ([, sign, words]) => `<li><span class="sign">${sign}</span>${words}</li>`,
    ),
  ];
  return `<section aria-labelledby="h-timeline">
<h2 id="h-timeline">Timeline</h2>
<div class="scroll">
${pictures.join('\n')}
</div>
<ul class="legend" aria-hidden="true">${keys.join('')}</ul>
</section>`;
}

/** Short things that must not be broken in the middle. */
const TIMES = /\(UTC\)$|^(Took|Waited|How long|Blackout)$/;

function sectionHtml({ id, title, note, columns, rows }: Section): string {
  const head = columns.map((name) => `<th scope="col">${escaped(name)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((c, i) => td(c, columns[i] ?? '')).join('')}</tr>`);
  return `<section aria-labelledby="h-${id}">
<h2 id="h-${id}">${escaped(title)}</h2>
${note === undefined ? '' : `<p class="note">${escaped(note)}</p>`}
<div class="scroll"><table>
<thead><tr>${head}</tr></thead>
<tbody>
${body.join('\n')}
</tbody>
</table></div>
</section>`;
}

function td(value: Cell, column: string): string {
  const kind = TIMES.test(column) ? ' class="time"' : '';
  const { tone = '', text, ...rest } = value;
  const isShort = stringWidth(text) <= SHORT_COLUMNS;
  const words = `<span class="${isShort ? 'short ' : ''}${tone}">${escaped(text)}</span>`;
  return `<td${kind}>${text === '' ? '' : words}${inner({ text: '', ...rest })}</td>`;
}

/** Names and codes of this length stay in one piece; longer ones may have to break. */
const SHORT_COLUMNS = 24;
