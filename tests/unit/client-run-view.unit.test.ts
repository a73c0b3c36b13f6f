// Statuses, children and heartbeats become one picture.
import { describe, expect, it } from 'vitest';
import { mergeRun, stateOf, type PendingTask, type RunPieces } from '../../client/runs/view.ts';
import { step, view } from '../support/client-fakes.ts';
import type { RunStatus, StepStatus } from '../../domain/status.ts';

function plain(id: string, o: Partial<StepStatus> = {}): StepStatus {
  const { run, ...rest } = step(id, o);
  expect(run).toBeDefined();
  return rest;
}

function status(run: string, steps: StepStatus[], o: Partial<RunStatus> = {}): RunStatus {
  const { notes, ...rest } = view([]);
  expect(notes).toEqual([]);
  return { ...rest, run, ...o, steps };
}

const pieces = (s: RunStatus, tasks: PendingTask[] = []): RunPieces => ({ status: s, tasks });

const task = (o: Partial<PendingTask>): PendingTask => ({
  type: 'moveVm',
  queue: 'watari.hv-lab',
  scheduled: false,
  attempt: 1,
  ageMs: 0,
  beat: null,
  ...o,
});

const CHILD = 'watari/hv-lab/vm/web-1/migrate';
const parent = (o: Partial<StepStatus> = {}): RunStatus =>
  status('watari/hv-lab/apply', [
    plain('cluster/settings', { state: 'succeeded' }),
    plain('prove/web-1', { state: 'running', child: CHILD, ...o }),
    plain('report'),
  ]);
const child = status(CHILD, [
  plain('vm/web-1/choose', { state: 'succeeded' }),
  plain('vm/web-1/move', { state: 'running' }),
]);

describe('mergeRun', () => {
  it("puts a child's steps in the place of the step that started it, and remembers whose they are", () => {
    const merged = mergeRun(pieces(parent()), new Map([[CHILD, pieces(child)]]));
    expect(merged.steps.map((s) => [s.id, s.run])).toEqual([
      ['cluster/settings', 'watari/hv-lab/apply'],
      ['vm/web-1/choose', CHILD],
      ['vm/web-1/move', CHILD],
      ['report', 'watari/hv-lab/apply'],
    ]);
  });

  it("keeps the parent's step as long as the child is not known", () => {
    expect(mergeRun(pieces(parent()), new Map()).steps.map((s) => s.id)).toContain('prove/web-1');
  });

  it("keeps the parent's step beside the child's when it needs a person itself", () => {
    const merged = mergeRun(
      pieces(parent({ state: 'needs-operator' })),
      new Map([[CHILD, pieces(child)]]),
    );
    expect(merged.steps.map((s) => s.id)).toContain('prove/web-1');
    expect(merged.steps.map((s) => s.id)).toContain('vm/web-1/move');
  });

  it('does not follow a child that is its own parent', () => {
    const loop = status(CHILD, [plain('again', { child: CHILD })]);
    expect(mergeRun(pieces(loop), new Map([[CHILD, pieces(loop)]])).steps).toHaveLength(1);
  });

  it("gives a running step of a child the child's latest heartbeat", () => {
    const beat = {
      step: 'vm/web-1/move',
      phase: 'data-transfer',
      percent: 42,
      etaSeconds: 12,
      waitingFor: null,
    };
    const merged = mergeRun(pieces(parent()), new Map([[CHILD, pieces(child, [task({ beat })])]]));
    const move = merged.steps.find((s) => s.id === 'vm/web-1/move');
    expect(move?.progress).toEqual({ phase: 'data-transfer', percent: 42, etaSeconds: 12 });
  });

  it('gives a heartbeat that came late to no step that is over', () => {
    const beat = { step: 'a', phase: 'x', percent: 99, etaSeconds: null, waitingFor: 'y' };
    const merged = mergeRun(
      pieces(status('r', [plain('a', { state: 'succeeded' })]), [task({ beat })]),
      new Map(),
    );
    expect(merged.steps[0]?.progress).toBeNull();
    expect(merged.steps[0]?.waitingFor).toBeNull();
  });

  it('notes a task that no worker takes, after five seconds and only before its first try', () => {
    const notes = (o: Partial<PendingTask>): string[] =>
      mergeRun(pieces(parent(), [task({ scheduled: true, ...o })]), new Map()).notes;
    expect(notes({ ageMs: 5_001, type: 'requestRestart', queue: 'watari.hv-lab.hv1' })).toEqual([
      'no worker has taken the task requestRestart yet (queue watari.hv-lab.hv1)',
    ]);
    expect(notes({ ageMs: 4_999 })).toEqual([]);
    expect(notes({ ageMs: 60_000, attempt: 2 })).toEqual([]);
    expect(notes({ ageMs: 60_000, scheduled: false })).toEqual([]);
  });

  it('notes no such task while a step says what it waits for', () => {
    const waits = { waitingFor: 'HV1 to come back (budget 25 min)' };
    const late = task({ scheduled: true, ageMs: 60_000 });
    expect(mergeRun(pieces(parent(waits), [late]), new Map()).notes).toEqual([]);
  });
});

describe('stateOf', () => {
  it('counts a child that needs a person as the run that does', () => {
    expect(stateOf(view([step('a', { state: 'needs-operator' })]))).toBe('needs-operator');
    expect(stateOf(view([step('a', { state: 'needs-operator' })], { state: 'failed' }))).toBe(
      'failed',
    );
    expect(stateOf(view([step('a', { state: 'running' })]))).toBe('running');
  });
});
