// How people name runs and steps, and the links that they are given.
import { describe, expect, it } from 'vitest';
import { stepToDecide } from '../../client/runs/step-to-decide.ts';
import { ClientError } from '../../client/errors.ts';
import { nodesOf } from '../../client/cluster/serving.ts';
import { clusterOfRun, matchingRuns, pickRun } from '../../client/runs/names.ts';
import { listQuery, stateOfStatus } from '../../client/runs/list.ts';
import { uiLinks } from '../../client/temporal/ui-links.ts';
import { step, view } from '../support/client-fakes.ts';

const IDS = [
  'watari/hv-lab/apply',
  'watari/hv-lab/vm/web-1/migrate',
  'watari/hv-lab/vm/web-1/create',
  'watari/hv-lab/vm/db-1/migrate',
];

function errorOf(deed: () => unknown): ClientError {
  try {
    deed();
  } catch (err) {
    if (err instanceof ClientError) return err;
    throw err;
  }
  throw new Error('nothing was thrown');
}

describe('the name of a run', () => {
  it.each([
    ['apply', ['watari/hv-lab/apply']],
    ['vm/web-1/migrate', ['watari/hv-lab/vm/web-1/migrate']],
    ['WEB-1/Migrate', ['watari/hv-lab/vm/web-1/migrate']],
    ['watari/hv-lab/apply', ['watari/hv-lab/apply']],
    ['migrate', ['watari/hv-lab/vm/web-1/migrate', 'watari/hv-lab/vm/db-1/migrate']],
    ['1/migrate', []],
    ['ply', []],
    ['/', []],
  ])('%s fits whole parts of ids only', (given, found) => {
    expect(matchingRuns(given, IDS)).toEqual(found);
  });

  it('counts a run that is listed twice once', () => {
    expect(pickRun('apply', [...IDS, 'watari/hv-lab/apply'], null)).toBe('watari/hv-lab/apply');
  });

  it('is refused with the candidates when it fits several', () => {
    const error = errorOf(() => pickRun('migrate', IDS, null));
    expect(error).toMatchObject({ code: 'RunAmbiguous', exitCode: 2 });
    expect(error.hint).toContain('watari/hv-lab/vm/db-1/migrate');
  });

  it('is refused with what there is when it fits none', () => {
    const error = errorOf(() => pickRun('drain', IDS, 'hv-lab'));
    expect(error).toMatchObject({ code: 'RunNotFound', exitCode: 2 });
    expect(error.message).toBe('there is no run "drain" of cluster hv-lab');
    expect(error.hint).toContain('watari/hv-lab/apply');
  });

  it('tells its cluster', () => {
    expect(clusterOfRun('watari/hv-lab/vm/web-1/migrate')).toBe('hv-lab');
    expect(clusterOfRun('somebody/elses')).toBeNull();
  });
});

describe('the step of a decision', () => {
  const CHILD = 'watari/hv-lab/vm/web-1/migrate';
  const move = step('vm/web-1/move', { state: 'needs-operator', run: CHILD });
  const restart = step('hv1/restart', { state: 'needs-operator' });
  const done = step('cluster/settings', { state: 'succeeded' });

  it('is the one that waits when none is named, and goes to the run that it belongs to', () => {
    expect(stepToDecide(view([done, move]), 'retry', undefined)).toBe(move);
    expect(stepToDecide(view([done, move]), 'retry', undefined).run).toBe(CHILD);
  });

  it('must be named when several wait', () => {
    const error = errorOf(() => stepToDecide(view([move, restart]), 'retry', undefined));
    expect(error).toMatchObject({ code: 'StepAmbiguous', exitCode: 2 });
    expect(error.hint).toContain('hv1/restart');
    expect(stepToDecide(view([move, restart]), 'retry', 'HV1/restart')).toBe(restart);
    expect(stepToDecide(view([move, restart]), 'retry', 'move')).toBe(move);
  });

  it('is passed on although it does not wait, because the run knows best why not', () => {
    expect(stepToDecide(view([done]), 'skip', 'cluster/settings')).toBe(done);
  });

  it('is the waiting one of two that have the same name', () => {
    const before = step('vm/web-1/move', { state: 'failed' });
    expect(stepToDecide(view([before, move]), 'retry', 'vm/web-1/move')).toBe(move);
  });

  it('does not exist when nothing waits', () => {
    const error = errorOf(() => stepToDecide(view([done]), 'abort', undefined));
    expect(error).toMatchObject({ code: 'NothingWaits', exitCode: 1 });
    expect(errorOf(() => stepToDecide(view([done]), 'abort', 'nope')).exitCode).toBe(2);
  });

  it('does not exist in a run that has ended, and that is what is said', () => {
    const ended = { ...view([done]), state: 'succeeded' as const };
    const error = errorOf(() => stepToDecide(ended, 'retry', undefined));
    expect(error).toMatchObject({ code: 'RunOver', exitCode: 1 });
    expect(error.message).toMatch(/ has ended; there is nothing to retry$/);
    expect(error.hint).toContain('watari run show');
  });
});

describe('links into the Temporal UI', () => {
  const at = (address: string, uiBase?: string) =>
    uiLinks({ address, namespace: 'default', uiBase });

  it('lead to the run, a thousand ports above the server', () => {
    expect(at('127.0.0.1:7233').run('watari/hv-lab/apply', '0198')).toBe(
      'http://127.0.0.1:8233/namespaces/default/workflows/watari%2Fhv-lab%2Fapply/0198',
    );
  });

  it('lead to Temporal Cloud for its addresses, and to WATARI_UI when it is set', () => {
    expect(at('ns.acct.tmprl.cloud:7233').needsOperator).toMatch(
      /^https:\/\/cloud\.temporal\.io\//,
    );
    expect(at('10.0.0.5:7233', 'https://ui.example/').needsOperator).toBe(
      'https://ui.example/namespaces/default/workflows?query=WatariNeedsOperator%3Dtrue',
    );
    expect(at('[::1]:7233').needsOperator).toMatch(/^http:\/\/\[::1\]:8233\//);
  });
});

describe('lists', () => {
  it('ask for the runs of one cluster by the part of the id that names it', () => {
    const filter = { cluster: 'HV-Lab', needsOperator: false, all: true };
    expect(listQuery(filter)).toBe("WorkflowId STARTS_WITH 'watari/hv-lab/'");
    expect(listQuery({ cluster: null, needsOperator: true, all: false })).toBe(
      "WorkflowId STARTS_WITH 'watari/' AND WatariNeedsOperator = true AND ExecutionStatus = 'Running'",
    );
  });

  it('name nodes once whatever their case and role', () => {
    expect(nodesOf(['HV2/node/1', 'HV1/cluster/2', 'hv1/node/3', ''])).toEqual(['HV1', 'HV2']);
  });

  it('count terminated and timed-out runs as failed', () => {
    expect(stateOfStatus('TERMINATED', false)).toBe('failed');
    expect(stateOfStatus('TIMED_OUT', true)).toBe('failed');
    expect(stateOfStatus('RUNNING', true)).toBe('needs-operator');
    expect(stateOfStatus('COMPLETED', true)).toBe('succeeded');
  });
});
