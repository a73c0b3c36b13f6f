// maintainCluster with updates of Windows on a real server: what is searched, downloaded, installed and proven, in
// which order, and what a person is asked when Windows does not do what it said.
import { describe, expect, it } from 'vitest';
import { inProcessHost } from '../../lab/host.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { asks, fleet, scenarioOf, vmLine, type Fleet } from '../support/fleet-world.ts';
import { endsWithTest } from '../support/ends.ts';

const ends = endsWithTest();

const VMS = [vmLine('web-1', 'HV1'), vmLine('web-2', 'HV2')];
const QUICK = 'downloadSeconds: 10, installSeconds: 20';
const CUMULATIVE = `{ kb: KB5070001, title: Cumulative Update, revision: 5000, ${QUICK} }`;

const start = async (updates: readonly string[], more = ''): Promise<Fleet> => {
  const lines = ['updates:', ...updates.map((one) => `  - ${one}`), more].join('\n');
  return ends(await fleet(scenarioOf(['HV1', 'HV2', 'HV3'], VMS, lines)));
};

const patch = (c: Fleet, more: object = {}, choice: object = {}) =>
  c.campaign('maintainCluster', { action: { kind: 'updates', choice }, ...more });

const deeds = (c: Fleet, ...kinds: string[]): string[] =>
  c.lab
    .effects()
    .filter((e) => kinds.includes(e.kind))
    .map((e) => `${e.kind} ${e.subject}`);

const build = async (c: Fleet, node: string): Promise<string> =>
  (await inProcessHost(c.lab, node).readServicing({})).facts.build;

describe('updates of a whole cluster', () => {
  it('are searched and downloaded everywhere before a node is drained, and in at the end', async () => {
    const c = await start([
      CUMULATIVE,
      `{ kb: KB5070002, after: KB5070001, restart: maybe, ${QUICK} }`,
      `{ kb: KB2267602, restart: never, comesBack: true, ${QUICK} }`,
      `{ kb: KB5070003, canRequestInput: true, ${QUICK} }`,
    ]);
    const run = await patch(c);
    expect(await run.result()).toMatchObject({ maintained: ['HV3', 'HV2', 'HV1'], failed: [] });
    const order = deeds(c, 'update-downloaded', 'node-paused');
    const firstPause = order.findIndex((deed) => deed.startsWith('node-paused'));
    expect(order.slice(0, firstPause).filter((deed) => deed.includes('KB5070001'))).toHaveLength(3);
    // Two rounds, as the second update is offered only after the first; its restart is the second commit of a boot.
    expect(c.count('node-down')).toBe(6);
    expect(c.count('updates-committed')).toBe(6);
    expect(c.count('vm-stopped')).toBe(0);
    for (const node of ['HV1', 'HV2', 'HV3']) expect(await build(c, node)).toBe('26100.5000');
    expect(deeds(c, 'update-installed').join()).not.toMatch(/KB2267602|KB5070003/);
    const { steps } = await run.status();
    expect(steps.find((s) => s.id === 'cluster/updates')?.evidence).toMatchObject({
      updates: [expect.stringMatching(/^KB5070001: Cumulative Update, .*restart expected$/)],
      nodes: {
        HV1: {
          missing: ['KB5070001'],
          leftOut: [
            expect.stringMatching(/^KB2267602: definitions/),
            expect.stringMatching(/^KB5070003: it may ask somebody/),
          ],
        },
      },
    });
  });

  it('leave nodes alone that lack nothing, and install an exclusive one by itself', async () => {
    const c = await start([
      `{ kb: KB5070001, nodes: [HV2], ${QUICK} }`,
      `{ kb: KB5070002, nodes: [HV2], impact: exclusive, eula: true, ${QUICK} }`,
    ]);
    const run = await patch(c, {}, { acceptEula: true });
    expect(await run.result()).toMatchObject({ maintained: ['HV2'], upToDate: ['HV3', 'HV1'] });
    expect(deeds(c, 'update-installed')).toEqual([
      'update-installed KB5070002',
      'update-installed KB5070001',
    ]);
    expect(deeds(c, 'node-paused')).toEqual(['node-paused HV2']);
  });

  it('come from a folder where there is no source of updates', async () => {
    const c = await start(
      [CUMULATIVE],
      'packages: [{ folder: "C:\\\\Updates", kbs: [KB5070001] }]',
    );
    const run = await c.campaign('maintainCluster', {
      ...{ nodes: ['HV2'], action: { kind: 'packages', folder: 'C:\\Updates' } },
    });
    expect(await run.result()).toMatchObject({ maintained: ['HV2'] });
    expect(await build(c, 'HV2')).toBe('26100.5000');
    expect(c.count('node-down')).toBe(1);
  });
});

describe('a person is asked', () => {
  it('when Windows takes an update back at the restart; a skip goes on without it', async () => {
    const c = await start([`{ kb: KB5070001, nodes: [HV2], rollsBack: always, ${QUICK} }`]);
    const run = await patch(c, { nodes: ['HV2'] });
    const hv2 = c.nodeRun('HV2');
    const { failure } = await asks(hv2, 'hv2/install-2');
    expect(failure).toMatchObject({ code: 'UpdatesRolledBack' });
    expect(failure?.message).toMatch(/KB5070001/);
    expect(c.stateOf('HV2')).toBe('Paused');
    await hv2.decide({ step: 'hv2/install-2', action: 'skip' });
    expect(await run.result()).toMatchObject({ maintained: ['HV2'] });
    expect(c.count('node-down')).toBe(1);
    expect(c.stateOf('HV2')).toBe('Up');
  });

  it('when an update cannot be installed, and the others are not held up by it', async () => {
    const c = await start([
      `{ kb: KB5070001, nodes: [HV2], fails: { hresult: "0x80070643", times: always }, ${QUICK} }`,
      `{ kb: KB5070002, nodes: [HV2], ${QUICK} }`,
    ]);
    const run = await patch(c, { nodes: ['HV2'] });
    const hv2 = c.nodeRun('HV2');
    const { failure } = await asks(hv2, 'hv2/install-1');
    expect(failure).toMatchObject({ code: 'UpdatesFailed' });
    expect(failure?.message).toMatch(/did not install KB5070001 \(0x80070643\)/);
    await hv2.decide({ step: 'hv2/install-1', action: 'skip' });
    expect(await run.result()).toMatchObject({ maintained: ['HV2'] });
    // What is in gets the restart that it needs.
    expect(deeds(c, 'update-installed', 'node-down')).toEqual([
      'update-installed KB5070002',
      'node-down HV2',
    ]);
  });

  it('when a node has an older build than those before it', async () => {
    const c = await start([
      `{ kb: KB5070001, nodes: [HV1, HV3], revision: 5000, ${QUICK} }`,
      `{ kb: KB5070002, nodes: [HV2], ${QUICK} }`,
    ]);
    const run = await patch(c, { nodes: ['HV3', 'HV2'] });
    const hv2 = c.nodeRun('HV2');
    const { failure } = await asks(hv2, 'hv2/build');
    expect(failure).toMatchObject({ code: 'BuildNotExpected' });
    expect(failure?.message).toBe(
      'HV2 has build 26100.4652 after its updates, and should have 26100.5000',
    );
    await hv2.decide({ step: 'hv2/build', action: 'skip' });
    expect(await run.result()).toMatchObject({ maintained: ['HV3', 'HV2'] });
  });
});

describe('nobody is asked', () => {
  it('when a download or an installation fails once, or its process dies', async () => {
    const c = await start([
      `{ kb: KB5070001, nodes: [HV2], downloadFails: { hresult: "0x8024402C" }, ${QUICK} }`,
      `{ kb: KB5070002, nodes: [HV2], fails: { hresult: "0x80240016" }, dies: 1, ${QUICK} }`,
    ]);
    const run = await patch(c, { nodes: ['HV2'] });
    expect(await run.result()).toMatchObject({ maintained: ['HV2'] });
    expect(deeds(c, 'update-installed').toSorted()).toEqual([
      'update-installed KB5070001',
      'update-installed KB5070002',
    ]);
    expect(c.count('vm-stopped')).toBe(0);
  });

  it('when Windows restarts by itself between two updates', async () => {
    const c = await start([
      `{ kb: KB5070001, nodes: [HV2], restartsAfterSeconds: 5, ${QUICK} }`,
      `{ kb: KB5070002, nodes: [HV2], downloadSeconds: 10, installSeconds: 60 }`,
    ]);
    const run = await patch(c, { nodes: ['HV2'] });
    expect(await run.result()).toMatchObject({ maintained: ['HV2'] });
    const installed = new Set(deeds(c, 'update-installed'));
    expect(installed).toEqual(
      new Set(['update-installed KB5070001', 'update-installed KB5070002']),
    );
    expect(c.count('vm-stopped')).toBe(0);
  });
});

describe('a maintenance with updates', () => {
  it('that is cancelled lets an installation end before it resumes the node', async () => {
    const c = await start([
      `{ kb: KB5070001, nodes: [HV2], downloadSeconds: 5, installSeconds: 200 }`,
    ]);
    const run = await patch(c, { nodes: ['HV2'] });
    await waitFor('the installation', async () => {
      const { facts } = await inProcessHost(c.lab, 'HV2').readUpdateJob({});
      return facts?.kind === 'install' && facts.state === 'running';
    });
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(deeds(c, 'update-installed', 'node-resumed')).toEqual([
      'update-installed KB5070001',
      'node-resumed HV2',
    ]);
  });

  it('goes on after the canary only when that has run well', async () => {
    const c = await start([CUMULATIVE]);
    const run = await patch(c, { nodes: ['HV2', 'HV3'], canary: 'HV3', soakSeconds: 20 });
    await waitFor('the soak', async () =>
      (await run.status()).steps.some((s) => s.waitingFor?.startsWith('HV3 to do well') === true),
    );
    c.lab.powerOff('HV3');
    const parked = await waitFor('a question about the canary', async () =>
      (await run.status()).steps.find(
        (s) => s.id === 'cluster/soak' && s.state === 'needs-operator',
      ),
    );
    expect(parked.failure).toMatchObject({ code: 'CanaryNotWell' });
    expect(deeds(c, 'node-paused')).toEqual(['node-paused HV3']);
    await run.decide({ step: 'cluster/soak', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
  });
});
