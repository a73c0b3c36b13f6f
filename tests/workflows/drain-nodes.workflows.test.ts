// drainNodes and resumeNodes on a real server: a node is emptied of everything by a plan, stays paused, and comes back.
import { describe, expect, it } from 'vitest';
import { unpackNode } from '../../domain/fleet/packed.ts';
import { planDocument } from '../../domain/fleet/plan-document.ts';
import type { Survey } from '../../domain/fleet/survey.ts';
import { clusterQueue, runId, SURVEY_PART } from '../../domain/names.ts';
import type { SurveyFleetResult, SurveyPart } from '../../workflows/survey-fleet.ts';
import type { DrainNodesResult } from '../../workflows/drain-nodes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';
import { fleet, Gatekeeper, scenarioOf, vmLine, webs, type Fleet } from '../support/fleet-world.ts';
import type { LabClusterOptions } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const three = (...more: string[]): string =>
  scenarioOf(
    ['HV1', 'HV2', 'HV3'],
    [...webs(5, 'HV1'), vmLine('off-1', 'HV1', ', state: Off'), vmLine('db-1', 'HV2'), ...more],
  );

const start = async (scenario = three(), o: Partial<LabClusterOptions> = {}): Promise<Fleet> =>
  ends(await fleet(scenario, o));

describe('a drain', () => {
  it('empties the node of everything, leaves it paused and puts the balancer back', async () => {
    const c = await start();
    const run = await c.drain(['HV1']);
    const result = (await run.result()) as DrainNodesResult;
    expect(result).toMatchObject({ nodes: ['HV1'], paused: { HV1: 'us' }, left: [] });
    expect(result.moves.map((m) => m.vm).sort()).toEqual([
      'web-1',
      'web-2',
      'web-3',
      'web-4',
      'web-5',
    ]);
    expect(Object.values(c.owners())).not.toContain('HV1');
    expect(c.stateOf('HV1')).toBe('Paused');
    const status = await run.status();
    expect(status.state).toBe('succeeded');
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
    // Live all of them: none was started anew.
    expect(c.count('move-started')).toBe(5);
  });

  it('resumes the node and says where everything is when it is cancelled', async () => {
    const c = await start(three(), { speed: 5 });
    const run = await c.drain(['HV1']);
    await waitFor('a move', () => c.count('move-started') > 0);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    const status = await run.status();
    expect(status.state).toBe('cancelled');
    expect(c.stateOf('HV1')).toBe('Up');
    expect(c.lab.state().moves).toEqual([]);
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
  });

  it('lets running moves arrive when a person asks for that, and begins no other', async () => {
    const gate = new Gatekeeper();
    const c = await start(three(), { disturb: gate.disturb });
    // One at a time: the first has its turn, and no other gets one before it has arrived.
    gate.stop('hold', (op) => op === 'startMove');
    const run = await c.drain(['HV1']);
    await gate.isReached();
    await run.raw.executeUpdate('brake', {
      args: [{ action: 'finish-moves', by: 'ito@lab', reason: '' }],
    });
    await run.raw.cancel();
    gate.open();
    await expect(run.result()).rejects.toThrow();
    expect(c.count('move-started')).toBe(1);
    expect(c.count('move-finished')).toBe(1);
    expect(c.stateOf('HV1')).toBe('Up');
  });

  it('refuses before it touches anything where there is no room', async () => {
    const c = await start(
      scenarioOf(['HV1', 'HV2'], [...webs(3, 'HV1'), ...webs(14, 'HV2', 'db')]),
    );
    const run = await c.drain(['HV1']);
    const status = await run.until('the run to ask', (s) => s.state === 'needs-operator');
    const [step] = status.steps.filter((s) => s.state === 'needs-operator');
    expect(step).toMatchObject({ id: 'cluster/plan', failure: { code: 'NoPlan' } });
    expect(c.stateOf('HV1')).toBe('Up');
    await run.decide({ step: 'cluster/plan', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
  });

  it('is not stopped by a VM that cannot move: its step tells why and a person decides', async () => {
    const c = await start(three(vmLine('tied-1', 'HV1', ', possibleOwners: [HV1]')));
    const run = await c.drain(['HV1']);
    const status = await run.until('all others to have left', (s) => {
      const waiting = s.steps.filter((one) => one.state === 'needs-operator');
      const moved = s.steps.filter((one) => /^vm\/web/.test(one.id) && one.state === 'succeeded');
      return waiting.length === 1 && moved.length === 5;
    });
    const step = status.steps.find((s) => s.state === 'needs-operator');
    expect(step).toMatchObject({ id: 'vm/tied-1/move', failure: { code: 'NoEligibleNode' } });
    expect(step?.failure?.message).toMatch(/the possible owners of the VM are only HV1/);
    await run.decide({ step: 'vm/tied-1/move', action: 'skip' });
    expect(await run.result()).toMatchObject({ left: ['tied-1'] });
    expect(c.owners()['tied-1']).toBe('HV1');
  });

  it('uses a pause that somebody else has made, and leaves it when it is aborted', async () => {
    const c = await start(three(), { speed: 10 });
    c.by('HV2', 'pauseNode', { node: 'HV1' });
    const run = await c.drain(['HV1']);
    await waitFor('a move', () => c.count('move-started') > 0);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(c.stateOf('HV1')).toBe('Paused');
  });
});

const surveyOf = async (c: Fleet): Promise<Survey> => {
  const handle = await c.client.workflow.start('surveyFleet', {
    workflowId: runId.inspect(c.cluster, 'test'),
    taskQueue: clusterQueue(c.cluster),
    args: [{ cluster: c.cluster, startedBy: 'test@lab' }],
  });
  const { cluster: told, parts } = (await handle.result()) as SurveyFleetResult;
  const nodes: Survey['nodes'] = {};
  for (let i = 0; i < parts; i += 1) {
    const part = await handle.query<SurveyPart | null, [number]>(SURVEY_PART, i);
    if (part === null || !('survey' in part.answer)) throw new Error(`no part ${i}`);
    nodes[part.node] = { survey: unpackNode(part.answer.survey) };
  }
  return { cluster: told, nodes };
};

describe('a kept plan', () => {
  it('is done move by move, or refused with what has changed since', async () => {
    const c = await start();
    const survey = await surveyOf(c);
    const plan = planDocument(survey, { kind: 'empty', nodes: ['HV1'] }, { reserveBytes: 2 ** 31 });
    expect(plan.moves.map((m) => m.vm).sort()).toEqual([
      'web-1',
      'web-2',
      'web-3',
      'web-4',
      'web-5',
    ]);
    c.by('HV1', 'pauseNode', { node: 'HV3' });
    const refused = await c.drain(['HV1'], { plan });
    const asking = await refused.until('the run to ask', (s) => s.state === 'needs-operator');
    expect(asking.steps.find((s) => s.id === 'cluster/plan')?.failure).toMatchObject({
      code: 'FactsChanged',
      message: expect.stringContaining('HV3 was Up and is Paused') as string,
    });
    expect(c.count('move-started')).toBe(0);
    c.by('HV1', 'resumeNode', { node: 'HV3' });
    await refused.decide({ step: 'cluster/plan', action: 'retry' });
    const { moves } = (await refused.result()) as DrainNodesResult;
    const ways = (list: readonly { vm: string; to: string }[]) =>
      Object.fromEntries(list.map(({ vm, to }) => [vm, to]));
    expect(ways(moves)).toEqual(ways(plan.moves));
  });
});

describe('a resume', () => {
  it('brings back what the drain moved and nobody has moved since', async () => {
    const c = await start();
    const drained = (await (await c.drain(['HV1'])).result()) as DrainNodesResult;
    const first = drained.moves[0];
    if (first === undefined) throw new Error('nothing was moved');
    const other = first.to === 'HV2' ? 'HV3' : 'HV2';
    c.by(first.to, 'startMove', { vmId: first.vmId, node: other });
    await waitFor('the move of somebody else', () => c.owners()[first.vm] === other);
    const run = await c.campaign('resumeNodes', {
      nodes: ['HV1'],
      bringBack: true,
      drained: [{ node: 'HV1', run: 'watari/x/campaign', paused: 'us', moves: drained.moves }],
    });
    await run.result();
    expect(c.stateOf('HV1')).toBe('Up');
    const owners = c.owners();
    expect(owners[first.vm]).toBe(other);
    const back = drained.moves.filter((m) => m.vm !== first.vm).map((m) => m.vm);
    expect(new Set(back.map((vm) => owners[vm]))).toEqual(new Set(['HV1']));
    const { steps } = await run.status();
    const deeds = steps.map(({ id }) => id).filter((id) => id.startsWith('vm/'));
    expect(deeds.sort()).toEqual(back.map((vm) => `vm/${vm}/return`).sort());
  });

  it('refuses to take back a pause that is not ours', async () => {
    const c = await start();
    c.by('HV2', 'pauseNode', { node: 'HV1' });
    const run = await c.campaign('resumeNodes', { nodes: ['HV1'] });
    const status = await run.until('the run to ask', (s) => s.state === 'needs-operator');
    expect(status.steps.find((s) => s.state === 'needs-operator')?.failure?.code).toBe(
      'PauseOfOthers',
    );
    await run.decide({ step: 'hv1/resume', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
    expect(c.stateOf('HV1')).toBe('Paused');
  });
});
