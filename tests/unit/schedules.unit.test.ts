// What is told of schedules: what they do, what they missed, how their runs ended, and one line for each scheduled
// night.
import { describe, expect, it } from 'vitest';
import { scheduleListLines } from '../../client/render/schedule-list.ts';
import { withoutOccurrences, type RunListed } from '../../client/runs/list.ts';
import { matchingRuns } from '../../client/runs/names.ts';
import type { ScheduleListed } from '../../client/schedules/schedules.ts';
import { maintenanceWords, missedWords } from '../../client/schedules/words.ts';
import { runId, scheduleId, scheduleName } from '../../domain/names.ts';
import type { Maintenance } from '../../domain/spec.ts';
import { noColors } from '../support/client-fakes.ts';

const NIGHT = runId.scheduled('hv-lab', 'patch-night', '2026-12-12T13:00:00Z');

describe('what a schedule does', () => {
  it.each<[Maintenance, string]>([
    [{ action: { kind: 'restart' } }, 'restart every node in turn'],
    [
      { action: { kind: 'updates', choice: {} }, canary: 'HV1', soakSeconds: 3600 },
      'install updates on every node in turn; HV1 first, then 1 h of watching',
    ],
    [
      {
        action: { kind: 'updates', choice: { kbs: ['KB1'], notKbs: ['KB2'], acceptEula: true } },
        ...{ nodes: ['HV1', 'HV2'], bringBack: true, maxFailed: 1 },
      },
      'install updates (only KB1, but KB2, licence terms accepted) on HV1 and HV2 in turn; moves back what was moved off; asks nobody, goes on after 1 failed',
    ],
    [
      { action: { kind: 'script', name: 'bios.ps1' }, window: 'Sat 22:00-05:00 Asia/Tokyo' },
      'run the script bios.ps1 on every node in turn; no node begins outside of Sat 22:00-05:00 Asia/Tokyo',
    ],
    [
      { action: { kind: 'wait' }, pauseAfterEach: true },
      'wait for a person on every node in turn; pauses after each node',
    ],
  ])('%j is told as "%s"', (maintenance, words) => {
    expect(maintenanceWords(maintenance)).toBe(words);
  });
});

describe('the list of schedules', () => {
  const LISTED: ScheduleListed = {
    ...{ schedule: 'patch-night', id: scheduleId('hv-lab', 'patch-night'), cluster: 'hv-lab' },
    ...{ on: 'second Saturday 22:00 Asia/Tokyo', zone: 'Asia/Tokyo', lateSeconds: 3600 },
    ...{ does: 'restart every node in turn', state: 'paused', note: 'paused by ito: audit' },
    ...{ addedBy: 'ito', reason: null, next: ['2026-12-12T13:00:00.000Z'] },
    latest: [
      {
        ...{ run: NIGHT, runId: 'r2', dueAt: '2026-11-14T13:00:00.000Z' },
        ...{ state: 'failed', code: 'AlreadyRunning' },
      },
      {
        ...{ run: NIGHT, runId: 'r1', dueAt: '2026-10-10T13:00:00.000Z' },
        ...{ state: 'needs-operator', code: null },
      },
    ],
    ...{ missed: 2, skipped: 1 },
  };

  it('says when, what, who paused it, how its runs ended and what was missed', () => {
    expect(scheduleListLines([LISTED], { columns: 120, colors: noColors })).toEqual([
      'patch-night  hv-lab  paused',
      '  when     second Saturday 22:00 Asia/Tokyo, at most 1 h late',
      '  does     restart every node in turn',
      '  note     paused by ito: audit',
      '  would be Sat 2026-12-12 22:00 (Asia/Tokyo)',
      `  latest   Sat 2026-11-14 22:00  failed (AlreadyRunning)  ${NIGHT}`,
      `           Sat 2026-10-10 22:00  needs you  ${NIGHT}`,
      '  missed   2 runs while the Temporal server was away, 1 run because the one before still went on',
    ]);
  });

  it('says nothing of what was missed when nothing was', () => {
    expect(missedWords({ missed: 0, skipped: 0 })).toBeNull();
    const quiet = { ...LISTED, missed: 0, skipped: 0, latest: [], next: [] };
    const lines = scheduleListLines([quiet], { columns: 120, colors: noColors });
    expect(lines.slice(-2)).toEqual(['  would be never again', '  latest   no run yet']);
    expect(scheduleListLines([], { columns: 120, colors: noColors })).toEqual([
      'No schedules. Add one with:  watari schedule add',
    ]);
  });
});

describe('a scheduled night', () => {
  const run = (name: string, workflow: string, parent: string | null = null): RunListed => ({
    ...{ run: name, runId: name, workflow, state: 'running', startedAt: '', endedAt: null },
    ...{ startedBy: null, reason: null, parent },
  });

  it('is one line in a list of runs: the maintenance, or what could not begin one', () => {
    const night = run(NIGHT, 'scheduledMaintenance');
    const inside = run(runId.campaign('hv-lab'), 'maintainCluster', NIGHT);
    expect(withoutOccurrences([inside, night])).toEqual([inside]);
    expect(withoutOccurrences([night])).toEqual([night]);
  });

  it('is found by its name in any case', () => {
    const end = 'schedule/patch-night-2026-12-12t13:00:00z';
    expect(matchingRuns(end, [NIGHT])).toEqual([NIGHT]);
    expect(matchingRuns(end.toUpperCase(), [NIGHT])).toEqual([NIGHT]);
  });

  it('has the id of its schedule and its time, whatever the case of the name', () => {
    expect(NIGHT).toBe('watari/hv-lab/schedule/patch-night-2026-12-12T13:00:00Z');
    expect(scheduleId('HV-LAB', 'Patch-Night')).toBe('watari/hv-lab/schedule/patch-night');
    expect(scheduleName(scheduleId('hv-lab', 'Patch-Night'))).toBe('patch-night');
  });
});
