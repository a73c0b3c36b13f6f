// Any JSON as a decision and as the input of every workflow: taken when it is what it must be, else refused in one
// sentence. An error of the code would fail the workflow task again and again, and hold the run's lock for ever.
import fs from 'node:fs';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refuseDecision } from '../../domain/decisions.ts';
import { refuseInput, refuseMeaning } from '../../domain/inputs.ts';
import { WORKFLOWS, type WorkflowName } from '../../domain/names.ts';
import { DECISIONS, type RunStatus } from '../../domain/status.ts';
import * as workflows from '../../workflows/index.ts';
import { ROOT } from '../support/built-setup.ts';
import { mustBeReadable, tryAll } from '../support/fuzz.ts';
import { hostileValue, maybeMutated, mutatedValue } from '../support/hostile.ts';
import { step, view } from '../support/client-fakes.ts';

const status: RunStatus = view([
  step('hv1/restart', { state: 'needs-operator' }),
  step('vm/web-1/move', { state: 'needs-operator', skippable: true }),
  step('vm/web-1/slot', { state: 'running', child: 'watari/x/apply' }),
  step('cluster/report', {
    state: 'succeeded',
    evidence: { decisions: [{ by: 'ito@HV1', action: 'retry', at: '2026-11-24T09:00:00.000Z' }] },
  }),
]);

const DECISION = {
  step: 'hv1/restart',
  action: 'retry',
  reason: 'cable fixed',
  by: 'ito@HV1',
  target: 'HV2',
};
const decisions = fc.oneof(
  hostileValue,
  fc
    .constantFrom(...status.steps.map((s) => s.id))
    .chain((id) =>
      fc
        .constantFrom(...DECISIONS)
        .chain((action) => maybeMutated({ ...DECISION, step: id, action })),
    ),
);

/** The rule again, as the documentation tells it. */
function isGood(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const { step: id, action, by, reason, target } = given as Record<string, unknown>;
  const waiting = status.steps.find((s) => s.id === id && s.state === 'needs-operator');
  return (
    waiting !== undefined &&
    (action === 'retry' || action === 'abort' || (action === 'skip' && waiting.skippable)) &&
    typeof by === 'string' &&
    by.trim() !== '' &&
    typeof reason === 'string' &&
    (target === undefined || typeof target === 'string')
  );
}

describe('a decision', () => {
  it('of any JSON is taken when it is good, else refused in a sentence', async () => {
    let taken = 0;
    await tryAll(
      'decisions',
      decisions,
      (given) => {
        const refusal = refuseDecision(status, given as never, () => undefined);
        if (isGood(given)) {
          taken += 1;
          expect(refusal).toBeUndefined();
        } else {
          expect(typeof refusal).toBe('string');
          expect(refusal!.length).toBeLessThan(500);
        }
      },
      // A signal with null once failed the workflow task for ever.
      { share: 5, examples: [null, [], { ...DECISION, step: 'x'.repeat(10_000) }] },
    );
    expect(taken).toBeGreaterThan(10);
  });
});

interface History {
  workflow: WorkflowName;
  input: unknown;
}

/** What runs that really happened were started with. */
function histories(): History[] {
  const folder = path.join(ROOT, 'tests', 'replay', 'histories');
  const files = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'));
  return files.flatMap((file) => {
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    const { events } = JSON.parse(text) as {
      events: {
        workflowExecutionStartedEventAttributes?: {
          workflowType: { name: WorkflowName };
          input: { payloads: { data: string }[] };
        };
      }[];
    };
    const { workflowType, input } = events[0]!.workflowExecutionStartedEventAttributes!;
    const data = Buffer.from(input.payloads[0]!.data, 'base64').toString('utf8');
    // The workers' own: nobody else starts them.
    if (!WORKFLOWS.includes(workflowType.name)) return [];
    return [{ workflow: workflowType.name, input: JSON.parse(data) as unknown }];
  });
}

const REAL = histories();
const documented = fs
  .readFileSync(path.join(ROOT, 'docs', 'workflows.md'), 'utf8')
  .matchAll(/^### (\w+)\n[\s\S]*?^```json\n([\s\S]*?)^```/gm);

describe('the input of a workflow', () => {
  it('that a run was really started with is taken', () => {
    expect(REAL.length).toBeGreaterThan(30);
    for (const { workflow, input } of REAL) {
      expect(refuseInput(workflow, input)).toBeUndefined();
      // Tests once gave every workflow a cluster and budgets, and one gave a move a field that nobody knows.
      if (workflow === 'applyCluster' || Object.hasOwn(input as object, 'target')) continue;
      expect(refuseMeaning(workflow, input)).toBeUndefined();
    }
  });

  it('that the documentation shows is taken', () => {
    let shown = 0;
    for (const [, name, json] of documented) {
      if (!WORKFLOWS.includes(name as WorkflowName)) continue;
      shown += 1;
      const given: unknown = JSON.parse(json!);
      const workflow = name as WorkflowName;
      const refusal = refuseInput(workflow, given) ?? refuseMeaning(workflow, given);
      expect([name, refusal]).toEqual([name, undefined]);
    }
    expect(shown).toBeGreaterThanOrEqual(5);
  });

  it.each(WORKFLOWS)('%s is refused as BadRequest when it cannot be read', (name) =>
    tryAll(
      `inputs, ${name}`,
      fc.oneof(
        hostileValue,
        ...REAL.filter((one) => one.workflow === name)
          .slice(0, 3)
          .map((one) => mutatedValue(one.input)),
      ),
      async (given) => {
        // As Temporal carries it.
        const input: unknown = given === undefined ? undefined : JSON.parse(JSON.stringify(given));
        const refusal = refuseInput(name, input);
        if (refusal === undefined) {
          const strange = refuseMeaning(name, input);
          if (strange === undefined) return;
          mustBeReadable(strange);
          expect(strange.length).toBeLessThan(700);
          return;
        }
        mustBeReadable(refusal);
        expect(refusal.length).toBeLessThan(500);
        const run = workflows[name] as (given: unknown) => Promise<unknown>;
        const error: unknown = await run(input).then(
          () => 'it ran',
          (err: unknown) => err,
        );
        expect(error).toBeInstanceOf(ApplicationFailure);
        expect(error).toMatchObject({ type: 'BadRequest', nonRetryable: true });
      },
      { examples: [undefined, null, {}, [], 5, 'x'] },
    ),
  );
});
