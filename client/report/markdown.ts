// A report as Markdown, for tickets and wikis: the same sections as the HTML, and no picture.
import type { RunRecord } from '../../domain/report/run-record.ts';
import { escapedMarkdown } from './escape.ts';
import type { Made } from './html.ts';
import type { Cell, Report, Section } from './section.ts';
import { moment } from './words.ts';

export function markdownReport(report: Report, record: RunRecord, made: Made): string {
  const { title, state, facts, sections, gaps } = report;
  const parts = [
    [`# ${escapedMarkdown(title)}: ${escapedMarkdown(state.text)}`],
    facts.map(([name, value]) => `- **${escapedMarkdown(name)}:** ${inline(value)}`),
    gaps.length === 0
      ? []
      : ['**This report is not complete:**', '', ...gaps.map((g) => `- ${escapedMarkdown(g)}`)],
    ...sections.map(sectionLines),
    [
      `Made by watari ${escapedMarkdown(made.version)} at ${moment(made.at)} UTC from ${record.events} events of the run's history. All times are UTC.`,
    ],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function sectionLines({ title, note, columns, rows }: Section): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `## ${escapedMarkdown(title)}`,
    '',
    ...(note === undefined ? [] : [escapedMarkdown(note), '']),
    line(columns.map(escapedMarkdown)),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(row.map(inline))),
  ];
}

/** A cell of a table has no lines, and backticks would end a code that has some. */
const inline = ({ text, more = [], code = [] }: Cell): string =>
  [
    ...(text === '' ? [] : [escapedMarkdown(text)]),
    ...more.map(escapedMarkdown),
    ...code.map((one) => `PS&gt; ${escapedMarkdown(one)}`),
  ].join('<br>');
