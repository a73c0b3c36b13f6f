// Maintenances on a real server while things go wrong: a node that does not come back, one that fails among others, a
// person who pauses the run or ends it. What is not under way is never touched, and all that was set is put back.
import { describe, expect, it } from 'vitest';
import { sleep, waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';
import { asks, fleet, Gatekeeper, scenarioOf, vmLine, type Fleet } from '../support/fleet-world.ts';
import { TEST_BUDGETS, type Handle, type LabClusterOptions } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const VMS = [vmLine('web-1', 'HV1'), vmLine('web-2', 'HV2'), vmLine('web-3', 'HV2')];
const THREE = scenarioOf(['HV1', 'HV2', 'HV3'], VMS);
const RESTART = { action: { kind: 'restart' } };
/** A node that does not come back is given up soon. */
const HASTY = { budgets: { ...TEST_BUDGETS, restartSeconds: 2 } };

const start = async (scenario = THREE, o: Partial<LabClusterOptions> = {}): Promise<Fleet> =>
  ends(await fleet(scenario, { speed: 100, ...o }));

const statesOf = (c: Fleet): string[] => c.lab.state().nodes.map((n) => n.state);

/** Of HV3, HV2 and HV1, in this order. */
const statesOfRun = async (run: Handle): Promise<(string | undefined)[]> => {
  const { steps } = await run.status();
  return ['hv3', 'hv2', 'hv1'].map((n) => steps.find((s) => s.id === `${n}/maintain`)?.state);
};

describe('a node that does not come back from its restart', () => {
  it('is asked about, and no other node is touched; an abort leaves them as they are', async () => {
    const c = await start();
    c.lab.addFault({ on: 'bootFails', node: 'HV3', times: 1 });
    const run = await c.campaign('maintainCluster', { ...RESTART, ...HASTY });
    const child = c.nodeRun('HV3');
    const step = await asks(child, 'hv3/restart');
    expect(step.failure?.code).toBe('NodeDidNotReturn');
    expect(c.count('node-paused')).toBe(1);
    await child.decide({ step: 'hv3/restart', action: 'abort' });
    await run.until('the maintenance to ask', (s) => s.state === 'needs-operator');
    await run.decide({ step: 'hv3/maintain', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Down']);
    expect(c.count('node-paused')).toBe(1);
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
    expect(c.count('vm-stopped')).toBe(0);
  });

  it('is gone on with when a person has switched it on and retries', async () => {
    const c = await start();
    c.lab.addFault({ on: 'bootFails', node: 'HV3', times: 1 });
    const run = await c.campaign('maintainCluster', { ...RESTART, ...HASTY });
    const child = c.nodeRun('HV3');
    await asks(child, 'hv3/restart');
    c.lab.powerOn('HV3');
    await waitFor('HV3 to be there', () => c.lab.isUp('HV3'));
    await child.decide({ step: 'hv3/restart', action: 'retry' });
    expect(await run.result()).toMatchObject({ maintained: ['HV3', 'HV2', 'HV1'] });
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    // One restart each: the retry did not ask for another.
    expect(c.count('restart-requested')).toBe(3);
  });

  it('ends a maintenance that asks nobody before the next node goes down', async () => {
    const c = await start();
    c.lab.addFault({ on: 'bootFails', node: 'HV3', times: 1 });
    const run = await c.campaign('maintainCluster', { ...RESTART, ...HASTY, maxFailed: 1 });
    await expect(run.result()).rejects.toThrow();
    const status = await run.status();
    expect(status.state).toBe('failed');
    expect(status.steps.find((s) => s.id === 'hv2/maintain')?.failure).toMatchObject({
      code: 'ChildFailed',
      message: expect.stringMatching(/HV3 is Down/) as string,
    });
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Down']);
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
  });
});

describe('a maintenance', () => {
  it('that is paused ends the node at hand, begins no other, and goes on when it is resumed', async () => {
    const gate = new Gatekeeper();
    const c = await start(THREE, { disturb: gate.disturb });
    gate.stop('hold', (op) => op === 'restartNode');
    const run = await c.campaign('maintainCluster', RESTART);
    await gate.isReached();
    const brake = (action: string) =>
      run.raw.executeUpdate('brake', { args: [{ action, by: 'ito@lab', reason: 'lunch' }] });
    await brake('pause');
    gate.open();
    const paused = await run.until('the next node to wait', (s) =>
      s.steps.some((one) => one.waitingFor?.includes('lunch') === true),
    );
    expect(paused.steps.find((s) => s.id === 'hv3/maintain')?.state).toBe('succeeded');
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    // As long as a person likes: nothing is under way that could run out.
    await sleep(1000);
    expect(c.count('node-paused')).toBe(1);
    await brake('resume');
    expect(await run.result()).toMatchObject({ maintained: ['HV3', 'HV2', 'HV1'] });
  });

  it('fails with the node after as many as may fail, and lets go of everything', async () => {
    const c = await start(scenarioOf(['HV1', 'HV2', 'HV3'], VMS));
    const run = await c.campaign('maintainCluster', {
      ...{ nodes: ['HV3', 'HV2', 'HV1'], action: { kind: 'script', name: 'none' }, maxFailed: 1 },
    });
    await expect(run.result()).rejects.toThrow();
    expect(await statesOfRun(run)).toEqual(['failed', 'failed', 'pending']);
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
    expect(c.count('vm-stopped')).toBe(0);
  });

  it('ends at the first drain that fails, whatever may fail otherwise', async () => {
    const tied = vmLine('tied', 'HV3', ', possibleOwners: [HV3]');
    const c = await start(scenarioOf(['HV1', 'HV2', 'HV3'], [...VMS, tied]));
    const run = await c.campaign('maintainCluster', {
      ...{ nodes: ['HV3', 'HV2', 'HV1'], action: { kind: 'none' }, maxFailed: 2 },
    });
    await expect(run.result()).rejects.toThrow();
    expect(await statesOfRun(run)).toEqual(['failed', 'pending', 'pending']);
    const { failure } = await run.step('hv3/maintain');
    expect(failure).toMatchObject({ code: 'DrainFailed' });
    expect(failure?.message).toMatch(/tied/);
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });

  it('that is cancelled while a node is down waits for it and resumes it', async () => {
    const c = await start(THREE, { speed: 20 });
    const run = await c.campaign('maintainCluster', { nodes: ['HV2', 'HV3'], ...RESTART });
    await waitFor('HV2 to be down', () => c.stateOf('HV2') === 'Down');
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    expect(c.count('node-down')).toBe(1);
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
    expect(c.count('vm-stopped')).toBe(0);
  });

  it('that is skipped for a node goes on with the next', async () => {
    const c = await start(scenarioOf(['HV1', 'HV2', 'HV3'], VMS));
    c.by('HV1', 'pauseNode', { node: 'HV3' });
    const run = await c.campaign('maintainCluster', {
      nodes: ['HV2', 'HV1'],
      action: { kind: 'none' },
    });
    const child = c.nodeRun('HV2');
    await asks(child, 'hv2/gate');
    await child.decide({ step: 'hv2/gate', action: 'abort' });
    await run.until('the maintenance to ask', (s) => s.state === 'needs-operator');
    c.by('HV1', 'resumeNode', { node: 'HV3' });
    await run.decide({ step: 'hv2/maintain', action: 'skip' });
    expect(await run.result()).toMatchObject({ maintained: ['HV1'], skipped: ['HV2'] });
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });
});
