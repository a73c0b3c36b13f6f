// Drains on a real server that people end: cancelled and aborted in every phase, each time with the pause and the
// balancer put back and nothing still at work; and campaigns that would work on one cluster at the same time.
import { describe, expect, inject, it } from 'vitest';
import { startRun } from '../../client/runs/start.ts';
import { runId } from '../../domain/names.ts';
import type { Op } from '../../hyperv/host.ts';
import { endsWithAll, endsWithTest } from '../support/ends.ts';
import { fleet, Gatekeeper, scenarioOf, vmLine, webs, type Fleet } from '../support/fleet-world.ts';

const WORLD = scenarioOf(
  ['HV1', 'HV2', 'HV3'],
  [...webs(3, 'HV1'), vmLine('off-1', 'HV1', ', state: Off')],
);

interface Phase {
  /** What the run's step in this phase is called. */
  step: string;
  stops: (op: Op, args: Record<string, unknown>) => boolean;
}

const isGroup = (name: string) => (op: Op, args: Record<string, unknown>) =>
  op === 'moveGroup' && args['group'] === name;

/** In this order a later one still finds what it is about: nothing that a phase has done is done again. */
const PHASES: Record<string, Phase> = {
  'the balancer is switched off': {
    step: 'cluster/balancer',
    stops: (op) => op === 'configureCluster',
  },
  'it is planned': { step: 'cluster/plan', stops: (op) => op === 'readLinks' },
  'the node is paused': { step: 'hv1/pause', stops: (op) => op === 'pauseNode' },
  'the own groups of the cluster are moved': {
    step: 'hv1/core-groups',
    stops: isGroup('Cluster Group'),
  },
  'VMs are moved': { step: 'vm/web-1/move', stops: (op) => op === 'startMove' },
  'what does not run is moved': { step: 'hv1/other-groups', stops: isGroup('off-1') },
};

function isAsBefore(c: Fleet): void {
  expect(c.lab.state()).toMatchObject({ cluster: { autoBalancerMode: 2 }, moves: [] });
  expect(c.lab.state().nodes.map((n) => n.state)).toEqual(['Up', 'Up', 'Up']);
  expect(c.count('vm-stopped') + c.count('vm-saved')).toBe(0);
}

describe('a drain that is cancelled', () => {
  const ends = endsWithAll();
  const gate = new Gatekeeper();
  let shared: Promise<Fleet> | undefined;
  const world = (): Promise<Fleet> =>
    (shared ??= fleet(WORLD, { disturb: gate.disturb }).then(ends));

  it.each(Object.keys(PHASES))('while %s lets go of everything', async (name) => {
    const { step, stops } = PHASES[name] ?? { step: '', stops: () => false };
    const c = await world();
    gate.stop('hold', stops);
    const run = await c.drain(['HV1']);
    await gate.isReached();
    expect((await run.step(step)).state).toBe('running');
    await run.raw.cancel();
    // An act that was under way may still happen: it is taken back after it, not before.
    gate.open();
    await expect(run.result()).rejects.toThrow();
    const status = await run.status();
    expect(status).toMatchObject({ state: 'cancelled', waitingFor: null });
    expect(status.steps.filter((s) => s.state === 'running' || s.state === 'waiting')).toEqual([]);
    isAsBefore(c);
  });

  it('while it is seen that nothing is left lets go of everything, and leaves what has moved', async () => {
    const c = await world();
    const left = Object.values(c.owners());
    let asked = 0;
    gate.stop(
      'hold',
      (op) => op === 'readSharedVolumes' && c.stateOf('HV1') === 'Paused' && (asked += 1) > 1,
    );
    const run = await c.drain(['HV1']);
    await run.until('the last step', (s) =>
      s.steps.some((one) => one.id === 'hv1/empty' && one.state === 'running'),
    );
    await run.raw.cancel();
    gate.open();
    await expect(run.result()).rejects.toThrow();
    isAsBefore(c);
    expect(Object.values(c.owners())).toEqual(left);
  });
});

describe('a drain that is aborted', () => {
  const ends = endsWithAll();
  const gate = new Gatekeeper();
  let shared: Promise<Fleet> | undefined;
  const world = (): Promise<Fleet> =>
    (shared ??= fleet(WORLD, { disturb: gate.disturb }).then(ends));

  it.each(Object.keys(PHASES))('where it fails while %s lets go of everything', async (name) => {
    const { step, stops } = PHASES[name] ?? { step: '', stops: () => false };
    const c = await world();
    gate.stop('refuse', stops);
    const run = await c.drain(['HV1']);
    await run.until('the run to ask', (s) =>
      s.steps.some((one) => one.id === step && one.state === 'needs-operator'),
    );
    gate.open();
    await run.decide({ step, action: 'abort' });
    await expect(run.result()).rejects.toThrow();
    expect((await run.status()).state).toBe('failed');
    isAsBefore(c);
  });
});

describe('campaigns on one cluster', () => {
  const ends = endsWithTest();

  it('do not meet: a second drain is refused and told who holds the cluster', async () => {
    const gate = new Gatekeeper();
    const c = ends(await fleet(WORLD, { disturb: gate.disturb }));
    gate.stop('hold', (op) => op === 'pauseNode');
    const { namespace } = inject('temporal');
    const temporal = { client: c.client, connection: c.client.connection, namespace } as never;
    const clock = { elapsedMs: () => performance.now(), sleep: () => Promise.resolve() } as never;
    const drain = (by: string, node: string) =>
      startRun(
        temporal,
        {
          workflow: 'drainNodes',
          id: runId.campaign(c.cluster),
          cluster: c.cluster,
          summary: `Drain ${node}`,
          startedBy: by,
          input: { cluster: c.cluster, startedBy: by, nodes: [node] },
        },
        clock,
      );
    await drain('ito@lab', 'HV1');
    await expect(drain('abe@lab', 'HV2')).rejects.toMatchObject({
      code: 'AlreadyRunning',
      message: expect.stringMatching(
        /campaign is already running since .*, started by ito@lab/,
      ) as string,
    });
    const run = c.client.workflow.getHandle(runId.campaign(c.cluster));
    await run.cancel();
    gate.open();
    await expect(run.result()).rejects.toThrow();
    isAsBefore(c);
  });
});
