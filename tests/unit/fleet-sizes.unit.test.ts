// What a run about a whole cluster says of itself stays small, however many VMs it moves.
import { describe, expect, it } from 'vitest';
import type { RunStatus, StepStatus } from '../../domain/status.ts';
import { detailsMarkdown } from '../../workflows/details.ts';

const KB = 1000;

const step = (
  n: number,
  state: StepStatus['state'],
  more: Partial<StepStatus> = {},
): StepStatus => ({
  ...{ id: `vm/vm-${n}/move`, title: `Move vm-${n} (8 GB) from HV1 to HV2`, state, attempt: 1 },
  ...{ startedAt: null, endedAt: null, waitingFor: null, skippable: true, progress: null },
  ...{ failure: null, evidence: {}, child: null, ...more },
});

const statusOf = (steps: StepStatus[]): RunStatus => ({
  ...{ run: 'watari/c/campaign', runId: '1', workflow: 'drainNodes', state: 'running' },
  ...{ waitingFor: null, startedAt: '', endedAt: null, startedBy: 'test', title: 'Drain HV1' },
  ...{ steps, children: [] },
});

describe('the details of a run', () => {
  it('of 4,000 steps show what is not over and how many are left out', () => {
    const done = Array.from({ length: 3990 }, (_, n) => step(n, 'succeeded'));
    const open = Array.from({ length: 10 }, (_, n) =>
      step(4000 + n, 'running', { waitingFor: 'a free migration slot' }),
    );
    const text = detailsMarkdown(statusOf([...done, ...open]));
    expect(Buffer.byteLength(text)).toBeLessThan(20 * KB);
    for (const { id } of open) expect(text).toContain(id);
    expect(text).toContain('3990 of 4000 steps done');
    expect(text).toContain('3850 more steps: `watari run show watari/c/campaign`');
  });

  it('of steps that all need a person stay readable', () => {
    const failure = { code: 'NoEligibleNode', message: 'x'.repeat(500), hint: 'y'.repeat(200) };
    const steps = Array.from({ length: 4000 }, (_, n) =>
      step(n, 'needs-operator', { failure: failure as unknown as StepStatus['failure'] }),
    );
    expect(Buffer.byteLength(detailsMarkdown(statusOf(steps)))).toBeLessThan(60 * KB);
  });

  it('of a short run show every step', () => {
    const text = detailsMarkdown(statusOf([step(1, 'succeeded'), step(2, 'pending')]));
    expect(text).toContain('vm/vm-1/move');
    expect(text).toContain('vm/vm-2/move');
    expect(text).not.toContain('more steps');
  });
});
