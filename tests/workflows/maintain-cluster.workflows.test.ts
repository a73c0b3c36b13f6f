// maintainCluster on a real server: node after node is emptied, worked on and brought back, and no VM stops.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster, TEST_BUDGETS, type Handle, type LabCluster } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const host = (name: string, more = ''): string =>
  `  - { name: ${name}, memory: 128GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, migrationNetwork: 10Gbps, liveMigration: { enabled: true }${more} }`;

const vm = (name: string, owner: string, more = ''): string =>
  `  - { name: ${name}, owner: ${owner}, memory: 8GB, dirtyRate: 20MB/s${more} }`;

const THREE = `
autoBalancer: { mode: 2, intervalSeconds: 864000 }
nodes:
${['HV1', 'HV2', 'HV3'].map((name) => host(name)).join('\n')}
virtualMachines:
${vm('web-1', 'HV1')}
${vm('web-2', 'HV2')}
${vm('web-3', 'HV2')}
`;

const cluster = async (scenario: string, speed = 60): Promise<LabCluster> =>
  ends(await labCluster({ temporal: inject('temporal'), scenario, speed }));

const maintain = (c: LabCluster, input: object): Promise<Handle> =>
  c.start('maintainCluster', runId.campaign(c.cluster), input);

const nodeRun = (c: LabCluster, node: string) =>
  c.client.workflow.getHandle(runId.maintain(c.cluster, node));

const statesOf = (c: LabCluster): string[] => c.lab.state().nodes.map((n) => n.state);

describe('a maintenance', () => {
  it('restarts every node, one at a time, with no VM stopped', async () => {
    const c = await cluster(THREE);
    const run = await maintain(c, { action: { kind: 'restart' } });
    expect(await run.result()).toEqual({
      cluster: c.cluster,
      // HV1 owns the group of the cluster, and HV3 has no role.
      maintained: ['HV3', 'HV2', 'HV1'],
      failed: [],
      skipped: [],
    });
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    expect(c.count('node-down')).toBe(3);
    expect(c.count('vm-stopped')).toBe(0);
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
  });

  it('rests the drives of a node that is away, and lets the next go only when all is repaired', async () => {
    const c = await cluster(`${THREE}
storage: { direct: true, virtualDisks: [Volume1], repairSeconds: 60 }
`);
    const run = await maintain(c, { nodes: ['HV2', 'HV3'], action: { kind: 'restart' } });
    expect(await run.result()).toMatchObject({ maintained: ['HV2', 'HV3'] });
    const kinds = ['storage-resting', 'node-down', 'storage-back', 'node-resumed'];
    const deeds = c.lab.effects().filter((e) => kinds.includes(e.kind));
    expect(deeds.map((e) => `${e.kind} ${e.subject}`)).toEqual(
      ['HV2', 'HV3'].flatMap((node) => [
        `storage-resting ${node}`,
        `node-down ${node}`,
        `node-resumed ${node}`,
        `storage-back ${node}`,
      ]),
    );
    // A minute of repairs lies between the first node's drives and the second one's.
    const at = (kind: string, node: string): number =>
      Date.parse(deeds.find((e) => e.kind === kind && e.subject === node)?.at ?? '');
    expect(at('storage-resting', 'HV3') - at('storage-back', 'HV2')).toBeGreaterThanOrEqual(60_000);
  });

  it('takes the drives back into use when it is cancelled', async () => {
    const c = await cluster(`${THREE}
storage: { direct: true, virtualDisks: [Volume1], repairSeconds: 5 }
`);
    const run = await maintain(c, { nodes: ['HV2'], action: { kind: 'wait' } });
    await waitFor('the drives to rest', () => c.count('storage-resting') === 1);
    await waitFor('HV2 to be handed over', async () => {
      const { steps } = await nodeRun(c, 'HV2').query<{ steps: { id: string; state: string }[] }>(
        'status',
      );
      return steps.some((s) => s.id === 'hv2/work' && s.state === 'needs-operator');
    });
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(c.count('storage-back')).toBe(1);
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });

  it('hands the node to a person, goes on when told, and pauses after each node', async () => {
    const c = await cluster(THREE);
    const run = await maintain(c, {
      nodes: ['HV2', 'HV3'],
      action: { kind: 'wait' },
      pauseAfterEach: true,
    });
    const child = nodeRun(c, 'HV2');
    const work = async () =>
      (await child.query<{ steps: { id: string; state: string }[] }>('status')).steps;
    await waitFor('HV2 to be handed over', async () =>
      (await work().catch(() => [])).some(
        (s) => s.id === 'hv2/work' && s.state === 'needs-operator',
      ),
    );
    expect(c.lab.state().nodes.find((n) => n.name === 'HV2')?.state).toBe('Paused');
    const decision = { step: 'hv2/work', action: 'retry', reason: 'done', by: 'ito@lab' };
    await child.executeUpdate('decide', { args: [decision] });
    const paused = await run.until('the run to be paused', (s) => s.paused !== undefined);
    expect(paused.paused).toMatchObject({ by: '--pause-after-each', reason: 'HV2 is done' });
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    await run.raw.executeUpdate('brake', {
      args: [{ action: 'resume', by: 'ito@lab', reason: '' }],
    });
    await waitFor('HV3 to be handed over', async () => {
      const steps = await nodeRun(c, 'HV3')
        .query<{ steps: { id: string; state: string }[] }>('status')
        .catch(() => ({ steps: [] }));
      return steps.steps.some((s) => s.id === 'hv3/work' && s.state === 'needs-operator');
    });
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });

  it('begins no node outside its window, and says when that opens', async () => {
    const c = await cluster(THREE);
    const now = new Date();
    const later = new Date(now.getTime() + 12 * 3600_000);
    const at = (hours: number): string =>
      `${String((later.getUTCHours() + hours) % 24).padStart(2, '0')}:00`;
    const run = await maintain(c, { action: { kind: 'none' }, window: `${at(0)}-${at(2)} UTC` });
    const waiting = await run.until(
      'the run to wait',
      (s) => s.waitingFor?.includes('window') === true,
    );
    expect(waiting.waitingFor).toMatch(/the maintenance window, which opens at \d{4}-/);
    expect(c.lab.state().nodes.map((n) => n.state)).toEqual(['Up', 'Up', 'Up']);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
  });

  it('stops before a node goes down while another is not Up', async () => {
    const c = await cluster(THREE);
    c.lab.call('HV1', 'pauseNode', { node: 'HV3' });
    const run = await maintain(c, { nodes: ['HV2'], action: { kind: 'restart' } });
    const child = nodeRun(c, 'HV2');
    await waitFor('the gate to ask', async () => {
      const { steps } = await child
        .query<{ steps: { id: string; state: string }[] }>('status')
        .catch(() => ({ steps: [] }));
      return steps.some((s) => s.id === 'hv2/gate' && s.state === 'needs-operator');
    });
    expect(c.count('move-started')).toBe(0);
    const decision = { step: 'hv2/gate', action: 'abort', reason: 'later', by: 'ito@lab' };
    await child.executeUpdate('decide', { args: [decision] });
    await run.until('the maintenance to ask', (s) => s.state === 'needs-operator');
    await run.decide({ step: 'hv2/maintain', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
  });

  it('goes on after a node that fails, as often as it was told, and asks nobody', async () => {
    const c = await cluster(`${THREE}
${vm('tied-1', 'HV3', ', possibleOwners: [HV3]')}
`);
    const run = await maintain(c, {
      action: { kind: 'none' },
      maxFailed: 1,
      budgets: { ...TEST_BUDGETS },
    });
    expect(await run.result()).toMatchObject({ failed: ['HV3'], skipped: [] });
    // What it had paused it has let go of.
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });
});
