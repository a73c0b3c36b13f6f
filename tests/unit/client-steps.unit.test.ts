// The step table: every line fits the window, whatever is in it.
import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { PlainReporter } from '../../client/render/plain.ts';
import type { StepView } from '../../client/runs/view.ts';
import { activityText, runLines, visibleSteps } from '../../client/render/steps.ts';
import { noColors, step, view } from '../support/client-fakes.ts';

const NOW = new Date('2026-11-24T09:00:00.000Z');
const options = (columns: number, rows = Infinity) => ({
  columns,
  rows,
  now: NOW,
  colors: noColors,
});

const moving = step('vm/web-1/move', {
  title: 'Live-migrate web-1 to HV2',
  state: 'running',
  attempt: 1,
  startedAt: '2026-11-24T08:59:52.000Z',
  progress: { phase: 'data-transfer', percent: 42, etaSeconds: 12 },
});

describe('the step table', () => {
  it('shows state, id, title, bar, remaining time and duration on one line', () => {
    const lines = runLines(view([moving]), options(140));
    expect(lines[0]).toBe('Apply hv-lab  running, 0 of 1 steps, 1 min');
    expect(lines[1]).toContain('> running   vm/web-1/move  Live-migrate web-1 to HV2  [');
    expect(lines[1]).toContain('[########------------]  42 %  data-transfer, ~12 s left');
    expect(lines[1]?.endsWith('8.0 s')).toBe(true);
    expect(lines).toHaveLength(2);
  });

  it('shortens the bar and drops the phase before it cuts the title', () => {
    const [, line = ''] = runLines(view([moving]), options(100));
    expect(line).toContain('Live-migrate web-1 to HV2  [####------]  42 %  ~12 s left');
  });

  it('gives up the title before the progress when the window is narrow', () => {
    const [, line = ''] = runLines(view([moving]), options(64));
    expect(line).toContain('42 %');
    expect(line).not.toContain('Live-migrate web-1 to HV2');
  });

  it.each([20, 30, 39, 60, 79, 120])(
    'tells steps of a long name apart in %i columns, and keeps the percentage',
    (columns) => {
      const name = "業務 サーバー'01 [本番] の後継の後継";
      const deeds = ['choose', 'slot', 'move', 'verify'];
      const lines = runLines(
        view(
          deeds.map((deed) =>
            step(`vm/${name}/${deed}`, {
              state: 'running',
              title: `Live-migrate ${name}`,
              startedAt: '2026-11-24T08:59:52.000Z',
              progress: { phase: 'data-transfer', percent: 42, etaSeconds: 12 },
            }),
          ),
        ),
        options(columns),
      ).slice(1);
      lines.forEach((line, i) => {
        expect(line).toContain(deeds[i]);
        expect(line).toContain('42 %');
        expect(stringWidth(line)).toBeLessThanOrEqual(columns);
        if (columns === 79) expect(line).toContain('data-transfer');
      });
    },
  );

  it('keeps columns straight when names are Japanese', () => {
    const lines = runLines(
      view([
        step('vm/経理サーバー/move', { state: 'succeeded', title: '経理サーバーを移動' }),
        step('vm/web-1/move', { state: 'succeeded', title: 'Move web-1' }),
      ]),
      options(100),
    );
    const column = (line: string, text: string): number =>
      stringWidth(line.slice(0, line.indexOf(text)));
    expect(column(lines[1] ?? '', '経理サーバーを')).toBe(column(lines[2] ?? '', 'Move web-1'));
  });

  it('never draws a line wider than the window or more lines than it has', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 60 });
    const anyStep = fc
      .record({
        id: text,
        title: text,
        state: fc.constantFrom(
          'pending',
          'running',
          'waiting',
          'needs-operator',
          'succeeded',
          'failed',
        ),
        waitingFor: fc.option(text),
        percent: fc.option(fc.double({ min: -5, max: 150, noNaN: true })),
      })
      .map(({ percent, ...s }) =>
        step(s.id, {
          ...(s as Partial<typeof moving>),
          startedAt: '2026-11-20T08:59:52.000Z',
          failure: { code: 'MoveFailed', message: s.title, hint: '' },
          progress: { phase: s.title, percent, etaSeconds: 100 },
        }),
      );
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 30 }),
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 4, max: 40 }),
        fc.array(text, { maxLength: 2 }),
        (steps, columns, rows, notes) => {
          const lines = runLines(view(steps, { notes }), options(columns, rows));
          expect(lines.length).toBeLessThanOrEqual(Math.max(rows, 3 + notes.length));
          for (const line of lines) {
            expect(stringWidth(line)).toBeLessThanOrEqual(columns);
            expect(line).not.toMatch(/[\r\n\t]/);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('uses only ASCII of its own, which is one column wide in every console', () => {
    const all = [
      'pending',
      'running',
      'waiting',
      'needs-operator',
      'succeeded',
      'skipped',
      'failed',
      'undone',
    ] as const;
    const steps = all.map((state) => step(`a/${state}`, { ...moving, id: `a/${state}`, state }));
    // eslint-disable-next-line no-control-regex -- the whole of ASCII is what this is about
    expect(runLines(view(steps), options(120, 6)).join('')).toMatch(/^[\u0000-\u007f]*$/);
  });
});

describe('a table taller than the window', () => {
  const steps = [
    ...['a', 'b', 'c', 'd'].map((id) => step(id, { state: 'succeeded' })),
    step('e', { state: 'running' }),
    ...['f', 'g', 'h', 'i'].map((id) => step(id)),
  ];

  it('keeps what runs, what comes next and what ended last, and counts the rest', () => {
    const shown = visibleSteps(steps, 5);
    expect(shown.steps.map((s) => s.id)).toEqual(['d', 'e', 'f', 'g']);
    expect(shown.hidden).toBe('3 finished, 2 pending not shown: the window is too small');
  });

  it('hides nothing when everything fits', () => {
    expect(visibleSteps(steps, 9)).toEqual({ steps, hidden: '' });
  });
});

describe('what a step is doing', () => {
  it('is its reason to wait, with the attempt from the second one on', () => {
    const waiting = step('hv1/restart', {
      state: 'waiting',
      attempt: 2,
      waitingFor: 'HV1 to come back (budget 25 min)',
    });
    expect(activityText(waiting)).toBe('waits for HV1 to come back (budget 25 min), attempt 2');
  });

  it('is the failure for a step that needs a person', () => {
    const failure = { code: 'DiskMissing', message: 'no web-1.vhdx on HV2', hint: '' };
    expect(activityText(step('x', { state: 'needs-operator', failure }))).toBe(
      'DiskMissing: no web-1.vhdx on HV2',
    );
  });

  it('does not show the percentage of a step that is over', () => {
    expect(activityText(step('x', { ...moving, state: 'succeeded' }))).toBe('');
  });
});

describe('plain lines', () => {
  const at = (percent: number | null, o: Partial<typeof moving> = {}) =>
    view([
      step('vm/web-1/move', {
        ...moving,
        progress: { phase: 'data-transfer', percent, etaSeconds: null },
        ...o,
      }),
      step('later'),
    ]);

  it('come once per state and once per ten percent', () => {
    const reporter = new PlainReporter();
    const counts = [0, 4, 9, 12, 15, 31, 28, 35, 40].map((p) => reporter.lines(at(p), NOW).length);
    expect(counts).toEqual([1, 0, 0, 1, 0, 1, 0, 0, 1]);
    const ended = reporter.lines(at(null, { state: 'succeeded', endedAt: NOW.toISOString() }), NOW);
    expect(ended).toHaveLength(1);
    expect(ended[0]).toContain('done       vm/web-1/move  Live-migrate web-1 to HV2  (8.0 s)');
  });

  it('tell no failure of an attempt that still runs, and who ended a step and why', () => {
    const reporter = new PlainReporter();
    const failure = { code: 'NotPossibleOwner', message: 'it did not move', hint: 'Then retry.' };
    const at = '2026-11-24T05:03:22.000Z';
    const abort = { step: 's', action: 'abort', by: 'sato@PC', reason: 'gone', at };
    const lines = (state: StepView['state'], evidence = {}): string =>
      reporter.lines(view([step('s', { state, attempt: 2, failure, evidence })]), NOW).join('\n');
    expect(lines('running')).not.toContain('NotPossibleOwner');
    expect(lines('waiting')).toContain('NotPossibleOwner: it did not move');
    const end = lines('failed', { decisions: [{ ...abort, action: 'retry' }, abort] });
    expect(end).toMatch(/NotPossibleOwner: it did not move {2}abort by sato@PC at .+: gone/);
  });

  it('tell once what a step waits for, and again in its next attempt', () => {
    const reporter = new PlainReporter();
    reporter.lines(at(null), NOW);
    const waits = { waitingFor: 'a free slot at HV2' };
    expect(reporter.lines(at(null, waits), NOW)[0]).toContain('waits for a free slot at HV2');
    expect(reporter.lines(at(null, { waitingFor: 'a free slot at HV2 (4 s)' }), NOW)).toEqual([]);
    expect(reporter.lines(at(null, { attempt: 2 }), NOW)[0]).toContain('attempt 2');
    expect(reporter.lines(at(null, { attempt: 2, ...waits }), NOW)).toHaveLength(1);
  });

  it('say a note once as long as it holds', () => {
    const reporter = new PlainReporter();
    const noted = view([], { notes: ['no worker has taken the task x yet'] });
    expect(reporter.lines(noted, NOW)).toHaveLength(1);
    expect(reporter.lines(noted, NOW)).toEqual([]);
    reporter.lines(view([]), NOW);
    expect(reporter.lines(noted, NOW)).toHaveLength(1);
  });
});
