// May a person brake this run now: the rule behind the `brake` update.
import { describe, expect, it } from 'vitest';
import { refuseBraking } from '../../domain/braking.ts';
import type { Braking, RunStatus } from '../../domain/status.ts';

const STATUS: RunStatus = {
  run: 'watari/hv-lab/campaign',
  runId: '1',
  workflow: 'maintainCluster',
  state: 'running',
  waitingFor: null,
  startedAt: '2026-12-01T00:00:00.000Z',
  endedAt: null,
  startedBy: 'ito@HV1',
  title: 'Maintain all nodes of hv-lab',
  steps: [],
  children: [],
};
const PAUSED: RunStatus = {
  ...STATUS,
  paused: { action: 'pause', by: 'ito@HV1', reason: 'backup', at: '2026-12-01T01:00:00.000Z' },
};
const ENDED: RunStatus = { ...STATUS, state: 'succeeded', endedAt: '2026-12-01T02:00:00.000Z' };
const pause: Braking = { action: 'pause', by: 'ito@HV1', reason: '' };
const resume: Braking = { action: 'resume', by: 'ito@HV1', reason: '' };

describe('braking a run', () => {
  it.each([
    ['a run that goes on can be paused', STATUS, pause],
    ['a paused run can be resumed', PAUSED, resume],
    ['moves may be let finish while it is paused', PAUSED, { ...pause, action: 'finish-moves' }],
  ] as const)('%s', (_claim, status, braking) => {
    expect(refuseBraking(status, braking, true)).toBeUndefined();
  });

  it.each([
    ['a run that is paused already says by whom', PAUSED, pause, /paused already, by ito@HV1/],
    ['a run that goes on cannot be resumed', STATUS, resume, /is not paused/],
    ['an ended run is over', ENDED, pause, /has already ended \(succeeded\)/],
    ['nobody pauses without a name', STATUS, { ...pause, by: ' ' }, /Say in "by"/],
    ['a reason must be a text', STATUS, { action: 'pause', by: 'ito@HV1' }, /Give a "reason"/],
    ['a reason has its length', STATUS, { ...pause, reason: 'x'.repeat(2001) }, /too long/],
    ['an action that is none is refused', STATUS, { ...pause, action: 'stop' }, /must be one of/],
    ['nothing at all is refused', STATUS, null, /must be one of/],
  ] as const)('%s', (_claim, status, braking, why) => {
    expect(refuseBraking(status, braking as Partial<Braking> | null, true)).toMatch(why);
  });

  it('is refused by a run that does one thing', () => {
    expect(refuseBraking(STATUS, pause, false)).toMatch(/has no point to pause at/);
  });
});
