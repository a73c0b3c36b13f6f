// The rows of a timeline: one for each thing that was done, however often, under the run that did it. Looks that follow
// each other share one; waits for a person have rows of their own, with the decision that ended them. Pure.
import {
  withInside,
  type Act,
  type ChildRun,
  type RecordDecision,
  type RunRecord,
  type Wait,
} from '../../domain/report/run-record.ts';
import { counted } from './words.ts';

export type BarKind = Act['kind'] | 'person' | 'pause' | 'run';

export interface Bar {
  /** Milliseconds since 1970. */
  from: number;
  /** From here on a worker had it; before, it waited for one. */
  taken: number;
  to: number;
  kind: BarKind;
  state: Act['state'];
}

export interface Mark {
  at: number;
  kind: 'decision' | 'failure' | 'cancel';
  words: string;
}

export interface TimelineRow {
  label: string;
  /** The name of a run, above what it did. */
  isHead: boolean;
  bars: Bar[];
  marks: Mark[];
}

export function timelineRows(record: RunRecord, madeAt: string): TimelineRow[] {
  const all = withInside(record);
  return all.flatMap((r) => [
    ...(all.length > 1 || r.cancelRequests.length > 0 ? [headRow(r, madeAt)] : []),
    ...rowsOf(r, madeAt),
  ]);
}

const headRow = (r: RunRecord, madeAt: string): TimelineRow => {
  const from = Date.parse(r.startedAt);
  const to = Date.parse(r.endedAt ?? madeAt);
  return {
    label: r.title,
    isHead: true,
    bars: [{ from, taken: from, to, kind: 'run', state: r.endedAt === null ? 'open' : 'done' }],
    marks: r.cancelRequests.map(({ at, by }) => ({
      at: Date.parse(at),
      kind: 'cancel',
      words: `asked to stop by ${by ?? 'somebody'}`,
    })),
  };
};

interface Building extends TimelineRow {
  /** Looks that share this row; 0 where it is about something else. */
  looks: number;
}

/** What takes time in a run, in the order in which it began. */
type Item = { begins: number } & (
  { act: Act } | { wait: Wait } | { child: ChildRun } | { decision: RecordDecision }
);

function rowsOf(r: RunRecord, madeAt: string): TimelineRow[] {
  const items: Item[] = [
    ...r.acts.map((act) => ({ act, begins: Date.parse(act.askedAt) })),
    ...r.waits.map((wait) => ({ wait, begins: Date.parse(wait.startedAt) })),
    // The others have rows of their own.
    ...r.children
      .filter((child) => child.record === null)
      .map((child) => ({ child, begins: Date.parse(child.startedAt) })),
    ...r.decisions.map((decision) => ({ decision, begins: Date.parse(decision.at) })),
  ];
  const rows = new Rows(Date.parse(madeAt));
  for (const item of items.sort((a, b) => a.begins - b.begins)) rows.add(item);
  return rows.made;
}

class Rows {
  readonly made: Building[] = [];
  private readonly now: number;

  constructor(now: number) {
    this.now = now;
  }

  add(item: Item): void {
    if ('act' in item) this.addAct(item.act);
    else if ('wait' in item) this.addWait(item.wait);
    else if ('child' in item) {
      const { title, startedAt, endedAt } = item.child;
      this.row(title).bars.push(this.bar('run', startedAt, endedAt));
    } else this.addDecision(item.decision);
  }

  private row(label: string): Building {
    const known = this.made.find((one) => one.label === label && one.looks === 0);
    return known ?? this.newRow(label);
  }

  private newRow(label: string): Building {
    const row = { label, isHead: false, bars: [], marks: [], looks: 0 };
    this.made.push(row);
    return row;
  }

  private bar(kind: BarKind, startedAt: string, endedAt: string | null): Bar {
    const from = Date.parse(startedAt);
    const to = endedAt === null ? Math.max(from, this.now) : Date.parse(endedAt);
    return { from, taken: from, to, kind, state: endedAt === null ? 'open' : 'done' };
  }

  private addAct(act: Act): void {
    const row = act.kind === 'look' ? this.lookRow(act.title) : this.row(act.title);
    const bar = this.bar(act.kind, act.askedAt, act.endedAt);
    const untaken = act.endedAt === null ? bar.from : bar.to;
    const taken = act.startedAt === null ? untaken : Date.parse(act.startedAt);
    row.bars.push({ ...bar, taken, state: act.state });
    if (act.failure === null) return;
    row.marks.push({ at: bar.to, kind: 'failure', words: act.failure.code });
  }

  /** Dozens of looks, one after the other, say no more than one of them. */
  private lookRow(title: string): Building {
    const last = this.made.at(-1);
    const row = last !== undefined && last.looks > 0 ? last : this.newRow(title);
    row.looks += 1;
    if (row.looks > 1) row.label = `Look, ${counted(row.looks, 'task')}`;
    return row;
  }

  private addWait({ kind, title, startedAt, endedAt }: Wait): void {
    const isPerson = kind === 'person';
    const label = isPerson ? `${NEEDS}${title}` : (title.split(': retry ')[0] ?? title);
    this.row(label).bars.push(this.bar(isPerson ? 'person' : 'pause', startedAt, endedAt));
  }

  private addDecision({ at, step, action, by }: RecordDecision): void {
    const ms = Date.parse(at);
    const isAbout = ({ label, bars }: Building): boolean =>
      label.startsWith(NEEDS) && bars.some((bar) => bar.from <= ms && ms <= bar.to + SLACK_MS);
    const about = step === null ? undefined : this.made.find(isAbout);
    const row = about ?? this.row('Decisions');
    row.marks.push({ at: ms, kind: 'decision', words: `${action} by ${by}` });
  }
}

const NEEDS = 'Needs a person: ';
/** A decision is noted a little before or after the wait that it ends. */
const SLACK_MS = 1_000;
