// What a report says, as titles and tables without any markup: html.ts and markdown.ts write the same sections. Pure.
import { failureRow, isFailureCode } from '../../domain/failures.ts';
import { withInside, type RunRecord } from '../../domain/report/run-record.ts';
import { durationText } from '../../domain/units.ts';
import { cell, type Cell, type Report, type Section } from './section.ts';
import { actRows, differencesIn, nodeRows, tunings, vmRows } from './work.ts';
import { between, counted, moment, STATE_TONES, STATE_WORDS } from './words.ts';

/** Somebody said it, or nobody did. */
const said = (text: string | null): Cell =>
  text === null || text === '' ? cell('not said', 'quiet') : cell(text);

/** @param madeAt when the report is made: how long a run that has not ended has taken so far. */
export function reportOf(record: RunRecord, madeAt: string): Report {
  const all = withInside(record);
  const sections = [
    decisions(all),
    skipped(all),
    failures(all),
    waits(all, madeAt),
    differencesIn(all),
    ...tunings(all),
    vmRows(all),
    nodeRows(all),
    actRows(all, madeAt),
    inside(all),
  ];
  return {
    title: record.title,
    state: cell(STATE_WORDS[record.state], STATE_TONES[record.state]),
    facts: factsOf(record, all, madeAt),
    sections: sections.filter(({ rows }) => rows.length > 0),
    gaps: [...gapsOf(all)],
  };
}

function factsOf(record: RunRecord, all: RunRecord[], madeAt: string): [string, Cell][] {
  const { failure, endedAt, startedAt, parent, cancelRequests } = record;
  const ended =
    endedAt === null
      ? cell(`not yet; ${between(startedAt, madeAt)} so far`, 'warn')
      : cell(`${moment(endedAt)} UTC, after ${between(startedAt, endedAt)}`);
  return [
    ...(failure === null ? [] : [['Outcome', outcome(failure)] satisfies [string, Cell]]),
    ['Run', { text: record.run, more: record.runId === null ? [] : [record.runId] }],
    ['Started', cell(`${moment(startedAt)} UTC`)],
    ['Ended', ended],
    ['Started by', said(record.startedBy)],
    ['Reason', said(record.reason)],
    ['Sent by', said(record.sentBy)],
    ...(parent === null ? [] : [['Part of', cell(parent)] satisfies [string, Cell]]),
    ...cancelRequests.map(({ at, by, reason }): [string, Cell] => {
      const why = reason === '' ? '' : `: ${reason}`;
      return ['Asked to stop', cell(`${moment(at)} UTC by ${by ?? 'somebody'}${why}`, 'warn')];
    }),
    ['In short', cell(inShort(all))],
  ];
}

function outcome({ code, message }: { code: string; message: string }): Cell {
  return { text: `${code}: ${message}`, tone: 'bad', ...hintOf(code) };
}

function inShort(all: RunRecord[]): string {
  const acts = all.flatMap((r) => r.acts);
  const taken = all.flatMap((r) => r.decisions).length;
  const moves = acts.filter((a) => a.kind === 'move' && a.state === 'done').length;
  const failed = acts.filter((a) => a.state === 'failed').length;
  const changed = acts.filter((a) => a.cmdlets.length > 0).length;
  return [
    counted(acts.length, 'task'),
    `${changed} with cmdlets that change something`,
    `${counted(moves, 'live migration')} done`,
    `${failed} failed`,
    counted(taken, 'decision'),
    ...(all.length > 1 ? [`${counted(all.length - 1, 'run')} inside`] : []),
  ].join(', ');
}

const TAKEN = (taken: boolean | null): Cell =>
  taken === true
    ? cell('taken', 'good')
    : taken === false
      ? cell('refused', 'bad')
      : cell('not known', 'quiet');

function decisions(all: RunRecord[]): Section {
  return {
    id: 'decisions',
    title: 'Decisions',
    note: 'Who it was is what their program said of itself; "sent by" is what Temporal noted of that program.',
    columns: ['When (UTC)', 'Who', 'What', 'Why', 'Waited', 'Taken'],
    rows: all.flatMap((r) =>
      r.decisions.map((d) => [
        cell(moment(d.at)),
        { ...said(d.by), more: d.sentBy === null ? [] : [`sent by ${d.sentBy}`] },
        {
          text: `${d.action}${d.target === null ? '' : ` to ${d.target}`}`,
          more: [d.step ?? '', all.length > 1 ? r.run : ''].filter((text) => text !== ''),
        },
        said(d.reason),
        cell(d.waitedMs === null ? '' : durationText(d.waitedMs)),
        TAKEN(d.taken),
      ]),
    ),
  };
}

function skipped(all: RunRecord[]): Section {
  const skips = all.flatMap((r) =>
    r.decisions.filter((d) => d.action === 'skip' && d.taken !== false).map((d) => ({ r, d })),
  );
  return {
    id: 'skipped',
    title: 'Skipped',
    columns: ['Step', 'Run', 'By', 'Why'],
    rows: skips.map(({ r, d }) => [cell(d.step ?? ''), cell(r.run), said(d.by), said(d.reason)]),
  };
}

function failures(all: RunRecord[]): Section {
  const acts = all.flatMap((r) =>
    r.acts.flatMap((act) =>
      act.failure === null ? [] : [{ at: act.endedAt ?? act.askedAt, act, ...act.failure }],
    ),
  );
  return {
    id: 'failures',
    title: 'Failures',
    note: 'Each as a worker told it. What a run found out about a cause afterwards is the code of its wait.',
    columns: ['When (UTC)', 'Code', 'At', 'What happened'],
    rows: acts.map(({ at, act, code, message }) => [
      cell(moment(at)),
      cell(code, 'bad'),
      { text: act.title, more: act.doneBy === null ? [] : [`worker of ${act.doneBy}`] },
      cell(message),
    ]),
  };
}

function waits(all: RunRecord[], madeAt: string): Section {
  const waited = all.flatMap((r) => r.waits.filter((w) => w.kind === 'person'));
  return {
    id: 'waits',
    title: 'Waits for a person',
    columns: ['Since (UTC)', 'What waited', 'Code', 'How long'],
    rows: waited.map(({ startedAt, endedAt, title, code }) => [
      cell(moment(startedAt)),
      cell(title),
      code === null ? cell('') : { text: code, ...hintOf(code) },
      endedAt === null
        ? cell(`${between(startedAt, madeAt)} so far`, 'warn')
        : cell(between(startedAt, endedAt)),
    ]),
  };
}

function hintOf(code: string): Pick<Cell, 'more'> {
  const hint = isFailureCode(code) ? failureRow(code).hint : '';
  return hint === '' ? {} : { more: [hint] };
}

function inside(all: RunRecord[]): Section {
  return {
    id: 'inside',
    title: 'Runs inside',
    columns: ['Run', 'What', 'State', 'Started (UTC)', 'Took', 'History'],
    rows: all.flatMap((r) =>
      r.children.map((c) => [
        { text: c.run, more: all.length > 1 ? [`started by ${r.run}`] : [] },
        cell(c.title),
        {
          text: STATE_WORDS[c.state],
          tone: STATE_TONES[c.state],
          more: c.failure === null ? [] : [`${c.failure.code}: ${c.failure.message}`],
        },
        cell(moment(c.startedAt)),
        cell(c.endedAt === null ? '' : between(c.startedAt, c.endedAt)),
        c.record === null ? cell('not given', 'warn') : cell('in this report'),
      ]),
    ),
  };
}

function gapsOf(all: RunRecord[]): Set<string> {
  const lost = all.flatMap((r) => r.gaps.map((gap) => (all.length > 1 ? `${r.run}: ${gap}` : gap)));
  const absent = all.flatMap((r) => r.children).filter((c) => c.record === null);
  const names = absent.map((c) => c.run).filter((run, i, runs) => runs.indexOf(run) === i);
  return new Set([
    ...lost,
    ...(names.length === 0
      ? []
      : [`What was done inside ${names.join(', ')}: no history of it was given or kept`]),
  ]);
}
