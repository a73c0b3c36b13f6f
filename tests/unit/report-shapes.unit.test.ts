// Reports of runs that no recorded history shows: hundreds of moves, days of waiting, decisions that come at once, one
// that is ended from outside. What would be caught: a picture that cannot be read, a decision that is told wrongly.
import { describe, expect, it } from 'vitest';
import { axisOf } from '../../client/report/axis.ts';
import { htmlReport } from '../../client/report/html.ts';
import { reportOf } from '../../client/report/sections.ts';
import type { HistoryEvent, Plain } from '../../domain/report/event.ts';
import { readRun } from '../../domain/report/read-run.ts';
import type { RunRecord } from '../../domain/report/run-record.ts';

const MADE = { at: '2026-12-24T00:00:00.000Z', version: '9.9.9' };
const DAY_MS = 86_400_000;

/** Writes a history, event by event. */
class Writer {
  readonly events: HistoryEvent[] = [];
  private now = Date.parse('2026-11-24T09:00:00.000Z');

  constructor(
    name = 'drainNodes',
    input: Plain = { cluster: 'hv-lab', startedBy: 'ito@PC', nodes: ['HV1'] },
  ) {
    this.add('workflowExecutionStarted', {
      workflowType: { name },
      workflowId: 'watari/hv-lab/campaign',
      input: { payloads: [input] },
    });
  }

  add(kind: string, data: Plain, o: { afterMs?: number; summary?: string } = {}): number {
    this.now += o.afterMs ?? 0;
    const id = this.events.length + 1;
    const at = new Date(this.now).toISOString();
    this.events.push({ id, at, kind, data, summary: o.summary ?? null });
    return id;
  }

  move(vm: string, tookMs: number): void {
    const scheduledEventId = this.add(
      'activityTaskScheduled',
      { activityType: { name: 'moveVm' }, input: { payloads: [{ vm, why: ['most memory'] }] } },
      { afterMs: 200, summary: `Live-migrate ${vm}` },
    );
    this.add('activityTaskStarted', { scheduledEventId, identity: 'HV2/cluster/1', attempt: 1 });
    const result = { payloads: [{ from: 'HV1', to: 'HV2', cmdlets: ['Move-X'] }] };
    this.add('activityTaskCompleted', { scheduledEventId, result }, { afterMs: tookMs });
  }

  /** What the log of a node tells of the latest move. */
  blackout(vm: string, seconds: number | null): void {
    const activityType = { name: 'readBlackout' };
    const input = { payloads: [{ vm, vmId: 'x', since: '2026-01-01T00:00:00.000Z' }] };
    const scheduledEventId = this.add('activityTaskScheduled', { activityType, input });
    this.add('activityTaskStarted', { scheduledEventId, identity: 'HV2/node/1', attempt: 1 });
    const result = { payloads: [seconds === null ? null : { blackoutSeconds: seconds }] };
    this.add('activityTaskCompleted', { scheduledEventId, result });
  }

  needs(title: string): number {
    const timer = { startToFireTimeout: '315360000s' };
    return this.add('timerStarted', timer, { summary: `Needs you: ${title} (MoveFailed) - abort` });
  }

  signal(step: string, by: string): void {
    const input = { payloads: [{ step, action: 'retry', by, reason: 'r' }] };
    this.add('workflowExecutionSignaled', { signalName: 'decide', input, identity: 'x' });
  }

  ends(timer: number): void {
    this.add('timerCanceled', { startedEventId: timer });
  }

  goesOn(afterMs = 0): void {
    this.add('workflowTaskCompleted', {}, { afterMs });
  }

  record(): RunRecord {
    return readRun(this.events)!;
  }

  html(): string {
    const record = this.record();
    return htmlReport(reportOf(record, MADE.at), record, MADE);
  }
}

describe('a run of hundreds of moves with days of waiting', () => {
  const run = new Writer();
  for (let i = 0; i < 120; i += 1) run.move(`vm-${i}`, 5_000);
  const timer = run.needs('Move vm-x');
  run.goesOn(3 * DAY_MS);
  run.ends(timer);
  for (let i = 120; i < 240; i += 1) run.move(`vm-${i}`, 5_000);
  run.add('workflowExecutionCompleted', {});
  const html = run.html();

  it('has pictures that fit a page each, and a row for every move', () => {
    const pictures = html.match(/<svg[\s\S]*?<\/svg>/g) ?? [];
    const rows = pictures.map((svg) => svg.match(/<g class="(row|head)">/g)?.length ?? 0);
    expect(rows.reduce((a, b) => a + b)).toBe(241);
    expect(Math.max(...rows)).toBeLessThanOrEqual(36);
    expect(html).not.toContain('NaN');
  });

  it('cuts the wait short and says how long it was', () => {
    expect(html).toContain('class="cut"');
    expect(html).toMatch(/3 d in which nothing was done/);
  });

  it('tells the worst blackout that the logs of both ends tell, and why a VM went where it went', () => {
    const told = new Writer();
    told.move('vm-1', 5_000);
    told.blackout('vm-1', null);
    told.blackout('vm-1', 0.6);
    told.blackout('vm-1', 0.2);
    told.move('vm-2', 5_000);
    told.blackout('vm-2', null);
    told.add('workflowExecutionCompleted', {});
    const moves = told.record().acts.filter(({ kind }) => kind === 'move');
    expect(moves.map(({ result }) => result?.['blackoutSeconds'])).toEqual([0.6, undefined]);
    expect(told.html()).toContain('0.6 s</span>');
    expect(told.html()).toContain('not known</span>');
    expect(html).toContain('chosen: most memory');
  });
});

describe('a drain that found something otherwise than planned', () => {
  it('has it in full, under its node', () => {
    const differs = ['not planned for: new-1 (4 GB) on HV2', 'the link of HV3 was 1 and is 2'];
    const run = new Writer('maintainNode');
    const result = { node: 'HV2', moves: [], left: [], differs };
    run.add('workflowExecutionCompleted', { result: { payloads: [result] } });
    const { sections } = reportOf(run.record(), MADE.at);
    expect(sections.map(({ id, rows }) => [id, rows])).toEqual([
      ['differences', [[{ text: 'HV2' }, { text: '', more: differs }]]],
    ]);
  });
});

describe('a tuning', () => {
  const row = (choice: string | number, isNow: boolean) => ({
    ...{ choice, isNow, moves: 6, medianSeconds: 12, longestSeconds: 13 },
    worstBlackoutSeconds: isNow ? null : 0.4,
  });

  it('has its tables with the worst blackout, and what is recommended', () => {
    const run = new Writer('tuneCluster');
    const numbers = { rows: [row(2, true), row(1, false)], recommended: null, advice: ['Keep 2.'] };
    const rows = [row('TCPIP', true), row('Compression', false)];
    const told = { rows, recommended: 'Compression', advice: ['Compression it is.'], numbers };
    run.add('workflowExecutionCompleted', { result: { payloads: [told] } });
    const sections = reportOf(run.record(), MADE.at).sections;
    const texts = sections.map(({ id, note, rows: cells }) => [
      id,
      note,
      ...cells.map((list) => list.map(({ text }) => text).join(' ')),
    ]);
    expect(texts).toEqual([
      [
        'settings',
        'Compression it is.',
        'TCPIP (now) 6 12 s 13 s not known',
        'Compression 6 12 s 13 s 0.4 s',
      ],
      [
        'numbers',
        'Keep 2.',
        '2 at once (now) 6 12 s 13 s not known',
        '1 at once 6 12 s 13 s 0.4 s',
      ],
    ]);
  });
});

describe('an axis', () => {
  it('is a straight line where nothing was long', () => {
    const axis = axisOf({ from: 0, to: 1000 }, [{ from: 0, to: 1000 }], 500);
    expect(axis.cuts).toEqual([]);
    expect([0, 500, 1000].map((ms) => axis.at(ms))).toEqual([0, 250, 500]);
  });

  it('never goes back, whatever was cut', () => {
    const hour = 3_600_000;
    const work = [0, 9, 30, 31, 200].map((h) => ({ from: h * hour, to: (h + 0.5) * hour }));
    const axis = axisOf({ from: 0, to: 400 * hour }, work, 600);
    const places = Array.from({ length: 400 }, (_, h) => axis.at(h * hour));
    expect(places.every((x, i) => i === 0 || x >= places[i - 1]!)).toBe(true);
    expect(Math.max(...places)).toBeLessThanOrEqual(600);
    expect(axis.cuts.map((cut) => cut.label)).toContain('8 d 8 h');
    // A stretch without work is shorter than one with it.
    expect(axis.at(9.5 * hour) - axis.at(9 * hour)).toBeGreaterThan(
      axis.at(29 * hour) - axis.at(10 * hour),
    );
  });

  it('of a moment without length has places all the same', () => {
    const axis = axisOf({ from: 5, to: 5 }, [], 600);
    expect(axis.at(5)).toBe(0);
  });
});

describe('signals', () => {
  it('that came together were all taken where as many waits ended', () => {
    const run = new Writer();
    const [a, b] = [run.needs('A'), run.needs('B')];
    run.signal('a', 'ito@PC');
    run.signal('b', 'sato@PC');
    run.goesOn();
    run.ends(a);
    run.ends(b);
    expect(run.record().decisions.map((d) => d.taken)).toEqual([true, true]);
  });

  it('are not known to be taken where fewer waits ended, nor where the run has not gone on', () => {
    const run = new Writer();
    const a = run.needs('A');
    run.signal('a', 'ito@PC');
    run.signal('a', 'sato@PC');
    run.goesOn();
    run.ends(a);
    expect(run.record().decisions.map((d) => d.taken)).toEqual([null, null]);
    run.goesOn();
    run.signal('a', 'kato@PC');
    expect(run.record().decisions.at(-1)?.taken).toBeNull();
  });

  it('that pause a whole run end no wait of a step', () => {
    const run = new Writer();
    const timer = run.needs('A');
    const args = { payloads: [{ action: 'pause', by: 'ito@PC', reason: 'lunch' }] };
    run.add('workflowExecutionUpdateAccepted', { acceptedRequest: { input: { args } } });
    run.signal('a', 'sato@PC');
    run.goesOn(60_000);
    run.ends(timer);
    expect(run.record().decisions.map((d) => [d.action, d.taken, d.waitedMs])).toEqual([
      ['pause', true, null],
      ['retry', true, 0],
    ]);
  });
});

describe('a run that did not end by itself', () => {
  it('was ended from outside by whoever did it', () => {
    const run = new Writer();
    run.add('workflowExecutionTerminated', { identity: 'ito@PC/1', reason: 'wrong cluster' });
    const record = run.record();
    expect(record.state).toBe('terminated');
    expect(record.failure?.message).toBe('Ended from outside by ito@PC/1: wrong cluster');
    expect(run.html()).toContain('ended from outside');
  });

  it('says who asked it to stop and why, and that what follows lets go', () => {
    const run = new Writer();
    run.add('workflowExecutionCancelRequested', { identity: 'ito@PC/1', reason: 'too late' });
    run.add(
      'activityTaskScheduled',
      { activityType: { name: 'resumeNode' } },
      { summary: 'Resume' },
    );
    const record = run.record();
    expect(record.cancelRequests).toMatchObject([{ by: 'ito@PC/1', reason: 'too late' }]);
    expect(record.acts).toMatchObject([{ kind: 'back', state: 'open' }]);
    expect(record.state).toBe('running');
    expect(run.html()).toContain('by ito@PC/1: too late');
  });

  it('of a cluster with other workflows is told by what its server says of it', () => {
    const events: HistoryEvent[] = [
      {
        ...{ id: 1, at: MADE.at, kind: 'workflowExecutionStarted', summary: 'Polish HV1' },
        data: { workflowType: { name: 'polishCluster' }, workflowId: 'watari/x/polish' },
      },
    ];
    expect(readRun(events)).toMatchObject({ title: 'Polish HV1', startedBy: null, acts: [] });
  });
});
