// What is printed at the end of a run, while it waits for a person, and for a plan.
import { describe, expect, it } from 'vitest';
import { changesBetween, evidenceLines } from '../../client/render/evidence.ts';
import { durationText, sizeText } from '../../domain/units.ts';
import { clip, pad, table } from '../../client/render/format.ts';
import { planLines, restartsOf } from '../../client/render/plan.ts';
import { operatorLines, summaryLines } from '../../client/render/summary.ts';
import { dateTime, shellWord } from '../../client/words.ts';
import type { ClusterPlan, PlannedStep } from '../../domain/plan.ts';
import { noColors, step, view } from '../support/client-fakes.ts';

const options = {
  columns: 90,
  colors: noColors,
  now: new Date('2026-11-24T09:00:00.000Z'),
  link: (run: string, runId: string) => `http://ui/${run}/${runId}`,
  needsOperatorLink: 'http://ui/needs',
};

describe('durations and sizes', () => {
  it.each([
    [0, '0.0 s'],
    [9_949, '9.9 s'],
    [9_951, '10 s'],
    [59_499, '59 s'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [3_780_000, '1 h 3 min'],
    [187_200_000, '2 d 4 h'],
    [-5, '0.0 s'],
  ])('%d ms reads %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [10 * 1024 ** 3, '10 GB'],
    [1536 * 1024 ** 2, '1.5 GB'],
    [512 * 1024 ** 2, '512 MB'],
  ])('%d bytes read %s', (n, text) => {
    expect(sizeText(n)).toBe(text);
  });
});

describe('cutting and filling', () => {
  it('counts columns, not characters', () => {
    expect(pad('経理', 6)).toBe('経理  ');
    expect(clip('経理サーバー', 7)).toBe('経理..');
    expect(pad('1 s', 5, 'right')).toBe('  1 s');
  });

  it('keeps tables straight with wide names', () => {
    expect(
      table(
        [
          ['VM', 'OWNER'],
          ['経理', 'HV1'],
        ],
        80,
      ),
    ).toEqual(['VM    OWNER', '経理  HV1']);
  });
});

describe('evidence', () => {
  it('tells what changed, single facts with their units, and the first cmdlets', () => {
    expect(
      evidenceLines({
        changed: true,
        before: { maximumMigrations: 2, takenAt: 'a' },
        after: { maximumMigrations: 4, takenAt: 'b' },
        memoryBytes: 10 * 1024 ** 3,
        seconds: 3.1,
        owner: 'HV2',
        cmdlets: ['A', 'B', 'C', 'D', 'E'],
      }),
    ).toEqual([
      'maximum migrations 2 -> 4',
      'memory 10 GB, took 3.1 s, owner HV2',
      'PS> A',
      'PS> B',
      'PS> C',
      '... and 2 more cmdlets',
    ]);
  });

  it('shows what acted before what read, of however many operations', () => {
    const registry = 'Invoke-CimMethod -ClassName StdRegProv -MethodName EnumKey';
    const restart = 'Invoke-CimMethod -InputObject x -MethodName Win32ShutdownTracker';
    const move = '(Get-ClusterGroup -Name a) | Move-ClusterGroup -Node b';
    const cmdlets = [move, registry, 'Get-ClusterGroup', restart, 'Get-CimInstance', 'Test-Path'];
    expect(evidenceLines({ cmdlets })).toEqual([
      ...[move, restart, registry].map((one) => `PS> ${one}`),
      '... and 3 more cmdlets',
    ]);
  });

  it('tells who decided what and why, in order and on one line each', () => {
    const at = '2026-11-24T05:03:22.000Z';
    const decisions = [
      {
        step: 'vm/web-1/move',
        action: 'retry',
        by: 'ito@HV1',
        reason: 'owners\nset',
        target: 'HV2',
        at,
      },
      { step: 'vm/web-1/move', action: 'abort', by: 'sato@PC', reason: '', at },
    ];
    const when = dateTime(new Date(at));
    expect(evidenceLines({ decisions })).toEqual([
      `retry to HV2 by ito@HV1 at ${when}: owners set`,
      `abort by sato@PC at ${when}`,
    ]);
  });

  it('finds changes in nested facts', () => {
    expect(changesBetween({ a: { uptimeSeconds: 5 } }, { a: { uptimeSeconds: 65 } })).toEqual([
      'uptime 5.0 s -> 1 min 5 s',
    ]);
    expect(changesBetween({ a: 1 }, { a: 1 })).toEqual([]);
    expect(changesBetween(null, { a: 1 })).toEqual([]);
  });
});

describe('the summary', () => {
  it('says result, wall time, evidence, ranking with the chosen node, and the link', () => {
    const ranking = [
      {
        node: 'HV2',
        eligible: true,
        rank: 1,
        score: 2,
        reasons: [{ kind: 'plus', code: 'memory', text: 'free memory 124 GB' }],
      },
      { node: 'HV3', eligible: true, rank: 2, score: 1, reasons: [] },
      {
        node: 'HV1',
        eligible: false,
        rank: 3,
        score: 0,
        reasons: [{ kind: 'blocker', code: 'node-paused', text: 'is paused' }],
      },
    ];
    const choose = step('vm/web-1/choose', {
      state: 'succeeded',
      title: 'Choose a node',
      evidence: { ranking, target: 'HV3' },
    });
    const text = summaryLines(
      view([choose], { state: 'succeeded', endedAt: '2026-11-24T08:59:28.000Z' }),
      options,
    );
    expect(text).toEqual([
      '',
      'Apply hv-lab: done in 28 s',
      '  vm/web-1/choose  Choose a node',
      '    target HV3',
      '    1.  HV2  + free memory 124 GB',
      '  > 2.  HV3',
      '    no  HV1  x is paused',
      '',
      'Run   watari/hv-lab/apply',
      'By    ito@HV1',
      'Look  http://ui/watari/hv-lab/apply/0198-run',
    ]);
  });

  it('says code, message and hint of what failed', () => {
    const failure = { code: 'DiskMissing', message: 'no web-1.vhdx', hint: 'Copy it.' };
    const failed = step('vm/web-1/create', { state: 'failed', failure });
    const text = summaryLines(view([failed], { state: 'failed' }), options).join('\n');
    expect(text).toContain('vm/web-1/create failed: DiskMissing\n  no web-1.vhdx\n  Copy it.');
  });

  it('says who gave up, when and why instead of what to do before a retry, and never cuts it', () => {
    const failure = { code: 'NotPossibleOwner', message: 'it did not move', hint: 'Then retry.' };
    const at = '2026-11-24T05:03:22.000Z';
    const reason = `because ${'it is gone '.repeat(12)}for good`;
    const decisions = [{ step: 's', action: 'abort', by: 'sato@PC', reason, at }];
    const failed = step('s', { state: 'failed', failure, evidence: { decisions } });
    const text = summaryLines(view([failed], { state: 'failed' }), options).join(' ');
    const told = text.replace(/\s+/g, ' ').split(`abort by sato@PC at ${dateTime(new Date(at))}`);
    expect(told).toHaveLength(3);
    for (const part of told.slice(1)) expect(part).toContain('for good');
    expect(text).not.toContain('Then retry.');
  });

  it('says why it was started, where somebody said so', () => {
    const text = summaryLines(view([], { reason: 'monthly updates' }), options);
    expect(text).toContain('By    ito@HV1: monthly updates');
  });

  it('does not trust evidence that only looks like a ranking', () => {
    const odd = step('x', { state: 'succeeded', evidence: { ranking: [{ node: 1 }] } });
    expect(summaryLines(view([odd]), options).join('\n')).not.toContain('undefined');
  });
});

describe('a step that needs a person', () => {
  const failure = { code: 'MoveFailed', message: 'web-1 did not move', hint: 'Look at HV2.' };
  const waiting = step('vm/web-1/move', { state: 'needs-operator', failure });

  it('is told with its code, what happened, the remedy and the three commands', () => {
    const text = operatorLines(view([{ ...waiting, skippable: true }]), options);
    expect(text).toEqual([
      '',
      '! vm/web-1/move needs you: MoveFailed',
      '  web-1 did not move',
      '  Look at HV2.',
      '',
      '    watari run retry watari/hv-lab/apply',
      '    watari run skip  watari/hv-lab/apply --reason "..."',
      '    watari run abort watari/hv-lab/apply --reason "..."',
      '',
      '  All runs that wait for a person:',
      '  http://ui/needs',
    ]);
  });

  it('offers the other nodes that can hold the VM, by name', () => {
    const verdict = (node: string, eligible: boolean) => ({ node, eligible, reasons: [] });
    const ranking = [verdict('HV3', true), verdict('HV2', false), verdict('HV1', false)];
    const text = operatorLines(view([{ ...waiting, evidence: { ranking } }]), options);
    expect(text.filter((line) => line.includes('--to'))).toEqual([
      '    watari run retry watari/hv-lab/apply --to HV3',
    ]);
  });

  it('does not offer to skip what cannot be skipped, and names the step when several wait', () => {
    const other = step('hv1/restart', { state: 'needs-operator' });
    const text = operatorLines(view([waiting, other]), options).join('\n');
    expect(text).toContain('watari run retry watari/hv-lab/apply --step vm/web-1/move');
    expect(text).toContain('(this step cannot be skipped)');
    expect(text).not.toContain('run skip');
  });

  it('is nothing when no step waits', () => {
    expect(operatorLines(view([step('a')]), options)).toEqual([]);
  });

  it('quotes names that a shell would split', () => {
    expect(shellWord('watari/hv-lab/vm/web-1/migrate')).toBe('watari/hv-lab/vm/web-1/migrate');
    expect(shellWord('watari/hv-lab/vm/経理 1/migrate')).toBe('"watari/hv-lab/vm/経理 1/migrate"');
  });
});

describe('a plan', () => {
  const planned = (id: string, o: Partial<PlannedStep> = {}): PlannedStep => ({
    id,
    kind: 'prepare-node',
    title: `Prepare ${id}`,
    node: id,
    vm: null,
    restarts: false,
    changes: [],
    ...o,
  });
  const plan: ClusterPlan = {
    steps: [
      planned('HV1', {
        restarts: true,
        changes: [{ what: 'feature Hyper-V', from: 'Available', to: 'Installed' }],
      }),
      planned('HV2'),
    ],
    blockers: [
      { subject: 'web-1', code: 'disk-missing', message: 'no disk', hint: 'Copy it.' },
      { subject: 'HV2', code: 'node-down', message: 'is down', hint: '' },
      { subject: 'web-1', code: 'switch-missing', message: 'no switch', hint: '' },
    ],
    unchanged: ['HV3 has Hyper-V'],
  };

  it('is printed in order, with restarts marked and blockers grouped by what they are about', () => {
    expect(planLines('hv-lab', plan, options)).toEqual([
      'Cluster hv-lab: 2 steps to do',
      '',
      '  1. Prepare HV1  [restarts]',
      '       feature Hyper-V: Available -> Installed',
      '  2. Prepare HV2',
      '',
      '3 things stand in the way; mend this first',
      '  web-1',
      '    disk-missing: no disk',
      '      Copy it.',
      '    switch-missing: no switch',
      '  HV2',
      '    node-down: is down',
      '',
      'Already as wanted: 1',
      '  = HV3 has Hyper-V',
      '',
      'Restarts: HV1 (one after the other)',
    ]);
    expect(restartsOf(plan)).toEqual(['HV1']);
  });

  it('says so when there is nothing to do', () => {
    expect(planLines('hv-lab', { steps: [], blockers: [], unchanged: [] }, options)).toEqual([
      'Cluster hv-lab already is as wanted; nothing to do.',
    ]);
  });
});
