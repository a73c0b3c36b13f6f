// Drains on a real server while the cluster does not stand still: nodes die, networks drop, limits change, people move,
// stop and add VMs. Whatever happens, the node ends empty, no VM was stopped by the drain, and nothing else was
// changed.
import { describe, expect, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { DrainNodesResult } from '../../workflows/drain-nodes.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';
import { fleet, Gatekeeper, scenarioOf, vmLine, webs, type Fleet } from '../support/fleet-world.ts';
import { TEST_BUDGETS, type Handle } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const NODES = ['HV1', 'HV2', 'HV3'];
const DISK = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';
const world = (more: readonly string[] = [], count = 5): string =>
  scenarioOf(NODES, [...webs(count, 'HV1'), ...more], `disks: ['${DISK}']`);

/** A worker that has died is missed soon. */
const HASTY = { budgets: { ...TEST_BUDGETS, heartbeatSeconds: 2 } };

const start = async (scenario = world(), speed = 20): Promise<Fleet> =>
  ends(await fleet(scenario, { speed }));

/** What must be so after every drain of HV1 that has ended well. */
async function endsWell(c: Fleet, run: Handle): Promise<DrainNodesResult> {
  const result = (await run.result()) as DrainNodesResult;
  expect(Object.values(c.owners())).not.toContain('HV1');
  expect(c.lab.state().groups.map((g) => g.owner)).not.toContain('HV1');
  expect(c.stateOf('HV1')).toBe('Paused');
  expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
  expect(c.lab.state().vms.filter((vm) => vm.state !== 'Running')).toEqual([]);
  return result;
}

const effectsAfter = (c: Fleet, seq: number, kind: string) =>
  c.lab.effects(seq).filter((e) => e.kind === kind);

describe('a drain ends with an empty node', () => {
  it('while a node dies to which VMs are on their way', async () => {
    const c = await start();
    const run = await c.drain(['HV1'], HASTY);
    const { to } = await c.moveUnderWay();
    c.lab.powerOff(to);
    const { moves } = await endsWell(c, run);
    const other = to === 'HV2' ? 'HV3' : 'HV2';
    expect(new Set(Object.values(c.owners()))).toEqual(new Set([other]));
    expect(c.stateOf(to)).toBe('Down');
    expect(moves.length).toBeGreaterThan(0);
  });

  it('while the node dies to which its own groups were to go', async () => {
    const gate = new Gatekeeper();
    const four = scenarioOf([...NODES, 'HV4'], webs(2, 'HV1'));
    const c = ends(await fleet(four, { disturb: gate.disturb }));
    let to = '';
    gate.stop('hold', (op, args) => op === 'moveGroup' && (to = String(args['node'])) !== '');
    const run = await c.drain(['HV1']);
    await gate.isReached();
    c.lab.powerOff(to);
    gate.open();
    await endsWell(c, run);
  });

  it('while the network of a target drops for a while', async () => {
    const c = await start();
    const run = await c.drain(['HV1']);
    const { to } = await c.moveUnderWay();
    c.lab.addFault({ on: 'networkDown', node: to, seconds: 20, times: 1, when: { seconds: 0 } });
    await endsWell(c, run);
    expect(c.count('vm-stopped')).toBe(0);
  });

  it('while the limit is raised and lowered, and never has more moves than it allows', async () => {
    const c = await start(world([], 10), 15);
    c.by('HV2', 'configureCluster', { maximumParallelMigrations: 3 });
    const run = await c.drain(['HV1']);
    // How many the plan lets share a link is its own affair; never more than the limit.
    await waitFor('a move', () => c.lab.state().moves.length > 0, { everyMs: 5 });
    const seq = c.lab.state().lastEffect;
    c.by('HV3', 'configureCluster', { maximumParallelMigrations: 1 });
    await waitFor('four to end', () => effectsAfter(c, seq, 'move-finished').length >= 4);
    const later = c.lab.state().lastEffect;
    c.by('HV3', 'configureCluster', { maximumParallelMigrations: 4 });
    await endsWell(c, run);
    // What had its turn already may have begun; from then on one at a time.
    expect(mostAtOnce(c, 0, seq)).toBeLessThanOrEqual(3);
    expect(c.count('move-queued')).toBe(0);
    expect(mostAtOnce(c, 0, later)).toBeLessThanOrEqual(3);
    expect(mostAtOnce(c, later)).toBeLessThanOrEqual(4);
    expect(c.count('vm-stopped')).toBe(0);
  });

  it('while somebody pauses another node, which from then on receives nothing', async () => {
    const c = await start(world([], 8));
    const run = await c.drain(['HV1']);
    const { to } = await c.moveUnderWay();
    c.by(to, 'pauseNode', { node: to });
    const seq = c.lab.state().lastEffect;
    await endsWell(c, run);
    expect(c.stateOf(to)).toBe('Paused');
    const begun = effectsAfter(c, seq, 'move-started').map((e) => e.detail);
    expect(begun.length).toBeGreaterThan(2);
    expect(begun.filter((detail) => detail.includes(`-> ${to}`))).toEqual([]);
  });

  it('while VMs come to it: one that was on its way, and one that is made there', async () => {
    const c = await start(
      world([vmLine('late-1', 'HV2', ', memory: 16GB').replace('memory: 8GB, ', '')]),
    );
    c.by('HV2', 'startMove', { vmId: c.vmId('late-1'), node: 'HV1' });
    const run = await c.drain(['HV1']);
    await waitFor('HV1 to be paused', () => c.stateOf('HV1') === 'Paused');
    const made = c.lab.call('HV1', 'createVm', {
      ...{ requestId: 'new', name: 'new-1', memoryBytes: 2 ** 32, switch: 'LAN', generation: 2 },
      ...{ vhd: DISK, path: 'C:\\ClusterStorage\\Volume1' },
    });
    c.by('HV1', 'addRole', { vmId: made.facts.vm.id, name: 'new-1' });
    await run.result();
    expect(Object.values(c.owners())).not.toContain('HV1');
    expect(Object.keys(c.owners())).toContain('new-1');
    expect(c.owners()['late-1']).not.toBe('HV1');
    expect(c.count('vm-stopped') + c.count('vm-saved')).toBe(0);
  });

  it('while the node itself crashes', async () => {
    const c = await start();
    const run = await c.drain(['HV1'], HASTY);
    await c.moveUnderWay();
    c.lab.crash('HV1');
    await endsWell(c, run);
    expect(c.lab.state().nodes.find((n) => n.name === 'HV1')?.power).toBe('running');
  });

  it('while the node itself dies for good', async () => {
    const c = await start();
    const run = await c.drain(['HV1'], HASTY);
    await c.moveUnderWay();
    c.lab.powerOff('HV1');
    await run.result();
    expect(Object.values(c.owners())).not.toContain('HV1');
    expect(c.lab.state().cluster.autoBalancerMode).toBe(2);
  });

  it('while a VM is shut down and others are moved by somebody', async () => {
    const c = await start(world([], 8));
    const run = await c.drain(['HV1']);
    const seen = await run.until('moves that wait', (s) => waiting(s.steps).length >= 3);
    const [off, moved] = waiting(seen.steps).slice(-2);
    if (off === undefined || moved === undefined) throw new Error('none waits');
    c.by('HV1', 'stopRole', { vmId: c.vmId(off) });
    c.by('HV1', 'startMove', { vmId: c.vmId(moved), node: 'HV3' });
    const { moves } = (await run.result()) as DrainNodesResult;
    expect(Object.values(c.owners())).not.toContain('HV1');
    expect(c.owners()[moved]).toBe('HV3');
    // It stays as its owner has left it, and nobody started it anew.
    expect(c.lab.state().vms.filter((vm) => vm.state !== 'Running')).toMatchObject([{ name: off }]);
    expect(moves.map((m) => m.vm)).not.toContain(off);
    expect(c.count('vm-started', off)).toBe(0);
  });

  it('beside migrations of one of its VMs and of another one', async () => {
    const c = await start(world([vmLine('db-1', 'HV2')], 8));
    const run = await c.drain(['HV1']);
    await c.moveUnderWay();
    const migrations = await Promise.all(
      ['web-8', 'db-1'].map((vm) =>
        c.start('migrateVm', runId.migrate(c.cluster, vm), { vm, to: 'HV3' }),
      ),
    );
    await Promise.all(migrations.map((m) => m.result()));
    await endsWell(c, run);
    expect(c.owners()).toMatchObject({ 'web-8': 'HV3', 'db-1': 'HV3' });
    expect(c.count('vm-stopped')).toBe(0);
  });

  it('where somebody else moves one of its VMs away just when it is planned', async () => {
    const c = await start(world([], 2), 5);
    c.by('HV1', 'startMove', { vmId: c.vmId('web-1'), node: 'HV3' });
    const run = await c.drain(['HV1']);
    await endsWell(c, run);
    expect(c.owners()['web-1']).toBe('HV3');
    // That one was not asked for again.
    expect(c.count('move-started')).toBe(2);
  });
});

const waiting = (steps: { id: string; state: string; waitingFor: string | null }[]): string[] =>
  steps.flatMap(({ id, state, waitingFor }) =>
    id.endsWith('/move') && (state === 'pending' || waitingFor !== null)
      ? [id.split('/')[1] ?? '']
      : [],
  );

/** Moves under way at the same time, by the lab's own record. */
function mostAtOnce(c: Fleet, after: number, until = Infinity): number {
  let now = 0;
  let most = 0;
  for (const { kind, seq } of c.lab.effects()) {
    if (kind === 'move-started') now += 1;
    if (['move-finished', 'move-failed', 'move-cancelled'].includes(kind)) now -= 1;
    if (seq > after && seq <= until) most = Math.max(most, now);
  }
  return most;
}
