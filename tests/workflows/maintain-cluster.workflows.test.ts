// maintainCluster on a real server: node after node is emptied, worked on and brought back, and no VM stops.
import { describe, expect, it } from 'vitest';
import type { MaintainNodeResult } from '../../workflows/maintain-node.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';
import { asks, fleet, scenarioOf, vmLine, type Fleet } from '../support/fleet-world.ts';
import type { Handle } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const VMS = [vmLine('web-1', 'HV1'), vmLine('web-2', 'HV2'), vmLine('web-3', 'HV2')];
const scenario = (more = '', vms: string[] = []): string =>
  scenarioOf(['HV1', 'HV2', 'HV3'], [...VMS, ...vms], more);
/** Storage Spaces Direct. */
const direct = (repairSeconds: number): string =>
  scenario(`storage: { direct: true, virtualDisks: [Volume1], repairSeconds: ${repairSeconds} }`);

const start = async (world = scenario()): Promise<Fleet> => ends(await fleet(world));

const maintain = (c: Fleet, input: object): Promise<Handle> => c.campaign('maintainCluster', input);

const differsOf = async (c: Fleet, node: string): Promise<unknown> =>
  (await c.nodeRun(node).step('cluster/plan')).evidence['differs'];

const statesOf = (c: Fleet): string[] => c.lab.state().nodes.map((n) => n.state);

describe('a maintenance', () => {
  it('restarts every node, one at a time, with no VM stopped', async () => {
    const c = await start();
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
    // What it has moved itself is otherwise than at its beginning, and no news.
    for (const node of ['HV3', 'HV2', 'HV1']) expect(await differsOf(c, node)).toEqual([]);
  });

  it('rests the drives of a node that is away, and lets the next go only when all is repaired', async () => {
    const c = await start(direct(60));
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

  it('waits at the gate for repairs that get on, and asks nobody', async () => {
    const c = await start(direct(120));
    c.lab.crash('HV3');
    await waitFor('HV3 to be back', () => c.stateOf('HV3') === 'Up');
    const run = await maintain(c, { nodes: ['HV2'], action: { kind: 'restart' } });
    expect(await run.result()).toMatchObject({ maintained: ['HV2'] });
    const gate = await c.nodeRun('HV2').step('hv2/gate');
    expect(gate.attempt).toBe(1);
    const at = (kind: string, node: string): number =>
      Date.parse(c.lab.effects().find((e) => e.kind === kind && e.subject === node)?.at ?? '');
    expect(at('node-paused', 'HV2') - at('node-up', 'HV3')).toBeGreaterThanOrEqual(120_000);
  });

  it('takes the drives back into use when it is cancelled', async () => {
    const c = await start(direct(5));
    const run = await maintain(c, { nodes: ['HV2'], action: { kind: 'wait' } });
    await asks(c.nodeRun('HV2'), 'hv2/work');
    expect(c.count('storage-resting')).toBe(1);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(c.count('storage-back')).toBe(1);
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });

  it('hands the node to a person, goes on when told, and pauses after each node', async () => {
    const c = await start();
    const run = await maintain(c, {
      nodes: ['HV2', 'HV3'],
      action: { kind: 'wait' },
      pauseAfterEach: true,
    });
    const child = c.nodeRun('HV2');
    await asks(child, 'hv2/work');
    expect(c.stateOf('HV2')).toBe('Paused');
    await child.decide({ step: 'hv2/work', action: 'retry' });
    const paused = await run.until('the run to be paused', (s) => s.paused !== undefined);
    expect(paused.paused).toMatchObject({ by: '--pause-after-each', reason: 'HV2 is done' });
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    await run.raw.executeUpdate('brake', {
      args: [{ action: 'resume', by: 'ito@lab', reason: '' }],
    });
    await asks(c.nodeRun('HV3'), 'hv3/work');
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });

  it('tells before a node what others have changed since it began, and nothing of what it did', async () => {
    const disk = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';
    const c = await start(scenario(`disks: ['${disk}']`, [vmLine('web-4', 'HV3')]));
    const run = await maintain(c, {
      nodes: ['HV2', 'HV3'],
      action: { kind: 'none' },
      pauseAfterEach: true,
    });
    await run.until('the run to be paused', (s) => s.paused !== undefined);
    const begun = await run.step('cluster/foresight');
    expect(begun.evidence['planned']).toEqual(['HV2: 2 VMs, 16 GB', 'HV3: 1 VM, 8 GB']);
    const world = c.lab.world;
    const made = c.lab.call('HV3', 'createVm', {
      ...{ requestId: 'new', name: 'new-1', memoryBytes: 2 ** 32, switch: 'LAN', generation: 2 },
      ...{ vhd: disk, path: 'C:\\ClusterStorage\\Volume1' },
    });
    c.by('HV3', 'addRole', { vmId: made.facts.vm.id, name: 'new-1' });
    c.by('HV3', 'startRole', { vmId: made.facts.vm.id });
    await waitFor('new-1 to run', () => world.vms.get(made.facts.vm.id)?.state === 'Running');
    for (const vm of world.vms.values()) {
      if (vm.name === 'web-4') Object.assign(vm, { memoryBytes: 2 * vm.memoryBytes });
    }
    await run.raw.executeUpdate('brake', {
      args: [{ action: 'resume', by: 'ito@lab', reason: '' }],
    });
    expect(await run.result()).toMatchObject({ maintained: ['HV2', 'HV3'] });
    const { evidence: first } = await c.nodeRun('HV2').step('cluster/plan');
    expect(first).toMatchObject({ plannedAt: begun.evidence['plannedAt'], differs: [] });
    const told = (await c.nodeRun('HV3').result()) as MaintainNodeResult;
    expect(told.differs).toEqual([
      'not planned for: new-1 (4 GB) on HV3',
      expect.stringMatching(/^the VMs of HV3 had (8|16|24) GB and have \d+ GB of memory$/),
    ]);
    expect(await differsOf(c, 'HV3')).toEqual(told.differs);
  });

  it('holds what is there against the plan that a person has read', async () => {
    const c = await start();
    const vms = (...names: string[]) => names.map((name) => [name, 8192]);
    const node = { closed: null, freeMiB: 120_000, linkBytesPerSecond: 1.25e9 };
    const run = await maintain(c, {
      nodes: ['HV2'],
      action: { kind: 'none' },
      outlook: {
        at: '2026-12-01T09:00:00.000Z',
        slots: 1,
        nodes: [
          { ...node, name: 'HV1' },
          { ...node, name: 'HV2', vms: vms('web-3') },
          { ...node, name: 'HV3' },
        ],
      },
    });
    await run.result();
    const { evidence } = await c.nodeRun('HV2').step('cluster/plan');
    expect(evidence).toMatchObject({
      plannedAt: '2026-12-01T09:00:00.000Z',
      differs: ['not planned for: web-2 (8 GB) on HV2'],
    });
  });

  it('begins no node outside its window, and says when that opens', async () => {
    const c = await start();
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
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
    await run.raw.cancel();
    await expect(run.result()).rejects.toThrow();
  });

  it('stops before a node goes down while another is not Up', async () => {
    const c = await start();
    c.by('HV1', 'pauseNode', { node: 'HV3' });
    const run = await maintain(c, { nodes: ['HV2'], action: { kind: 'restart' } });
    const child = c.nodeRun('HV2');
    await asks(child, 'hv2/gate');
    expect(c.count('move-started')).toBe(0);
    await child.decide({ step: 'hv2/gate', action: 'abort' });
    await run.until('the maintenance to ask', (s) => s.state === 'needs-operator');
    await run.decide({ step: 'hv2/maintain', action: 'abort' });
    await expect(run.result()).rejects.toThrow();
  });

  it('goes on after a node that fails, as often as it was told, and asks nobody', async () => {
    const failing = `{ kb: KB5070001, nodes: [HV2], fails: { hresult: "0x800F0922", times: always } }`;
    const folder = 'C:\\Updates';
    const packages = `[{ folder: '${folder}', kbs: [KB5070001] }]`;
    const c = await start(scenario(`updates: [${failing}]\npackages: ${packages}`));
    const run = await maintain(c, { action: { kind: 'packages', folder }, maxFailed: 1 });
    expect(await run.result()).toMatchObject({ failed: ['HV2'], maintained: ['HV3', 'HV1'] });
    // What the failed run had moved is none of HV1's news: it has been looked at anew.
    expect(await differsOf(c, 'HV1')).toEqual([]);
    // What it had paused it has let go of.
    expect(statesOf(c)).toEqual(['Up', 'Up', 'Up']);
  });
});
