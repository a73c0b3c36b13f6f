// Contract of live migrations, and of answers that get lost.
import { describe, expect, it } from 'vitest';
import { GROUP_STATUS } from '../../domain/facts.ts';
import type { ActOp, HypervHost } from '../../hyperv/host.ts';
import { errorOf, freshWorld, NOBODY, request, roleNamed, vmNamed } from './expecting.ts';
import type { Deed, MakeWorld, World } from './world.ts';

async function untilMoved(world: World, name: string): Promise<void> {
  for (let i = 0; i < 600; i += 1) {
    await world.pass(1);
    const role = await roleNamed(world, name);
    const queued = (role.status & GROUP_STATUS.queuedForMove) !== 0;
    if (!queued && ['none', 'failed', 'cancelled'].includes(role.move.phase)) return;
  }
  throw new Error(`${name} still moves after ten minutes`);
}

export function describeMoves(makeWorld: MakeWorld): void {
  describe('live migration', () => {
    const given = freshWorld(makeWorld);
    const idOf = async (name: string): Promise<string> =>
      (await vmNamed(given.world, 'HV1', name)).id;

    it('moves a running VM without interrupting it', async () => {
      const { world } = given;
      const before = await vmNamed(world, 'HV1', 'db-1');
      const { facts, cmdlets } = await world
        .host('HV1')
        .startMove({ vmId: before.id, node: 'hv2' });
      expect(facts).toEqual({ changed: true, why: 'started' });
      expect(cmdlets.length).toBeGreaterThan(0);
      await untilMoved(world, 'db-1');
      expect(await roleNamed(world, 'db-1')).toMatchObject({
        owner: 'HV2',
        state: 'Online',
        move: { phase: 'none', failureReason: '0x00000000', target: null },
      });
      const after = await vmNamed(world, 'HV2', 'db-1');
      expect(after).toMatchObject({ id: before.id, state: 'Running', heartbeat: 'Ok' });
      expect(after.uptimeSeconds).toBeGreaterThan(before.uptimeSeconds);
      expect((await world.host('HV1').readVms({})).facts.map((vm) => vm.name)).not.toContain(
        'db-1',
      );
      expect(await world.count('move-started', 'db-1')).toBe(1);
    });

    it('shows that it runs and how far to every node, its target to the one that the VM leaves', async () => {
      const { world } = given;
      const vmId = await idOf('db-1');
      await world.host('HV1').startMove({ vmId, node: 'HV2' });
      const seen: number[] = [];
      for (let i = 0; i < 600; i += 1) {
        const { owner, state, move } = await roleNamed(world, 'db-1');
        if (move.phase === 'none') break;
        expect({ owner, state, phase: move.phase }).toEqual({
          owner: 'HV1',
          state: 'Pending',
          phase: 'migrating',
        });
        expect(move.target).toBeNull();
        if (seen.length === 3) {
          const near = await world.host('HV1').readRole({ vmId });
          expect(near.facts?.move).toMatchObject({ phase: 'migrating', target: 'HV2' });
          const away = await world.host('HV1').readMovesAway({});
          expect(away.facts).toEqual([
            { vmId, target: 'HV2', percent: expect.any(Number) as number },
          ]);
          expect((await world.host('HV2').readMovesAway({})).facts).toEqual([]);
        }
        seen.push(move.percent);
        await world.pass(0.5);
      }
      expect(seen.length).toBeGreaterThan(4);
      expect(seen.every((percent) => percent >= 0 && percent <= 100)).toBe(true);
      expect(seen.at(-1)).toBeGreaterThan(seen[0] ?? 100);
      expect((await world.host('HV1').readMovesAway({})).facts).toEqual([]);
    });

    it('tells how long the VM stood still, since a moment of the clock of the node that knows', async () => {
      const { world } = given;
      const vmId = await idOf('db-1');
      const since = (await world.host('HV2').readHost({})).facts.now;
      await world.host('HV1').startMove({ vmId, node: 'HV2' });
      await untilMoved(world, 'db-1');
      const { facts } = await world.host('HV2').readBlackouts({ since, max: 10 });
      expect(facts).toHaveLength(1);
      expect(facts[0]?.vmId).toBe(vmId);
      expect(facts[0]?.seconds).toBeGreaterThanOrEqual(0);
      expect(facts[0]?.seconds).toBeLessThan(5);
      expect(Date.parse(facts[0]?.time ?? '')).toBeGreaterThanOrEqual(Date.parse(since));
      // No failure, so the logs' own reading does not tell it.
      expect((await world.host('HV2').readEvents({ since, max: 10 })).facts).toEqual([]);
      expect((await world.host('HV1').readBlackouts({ since, max: 10 })).facts).toEqual([]);
      await world.pass(10);
      const later = (await world.host('HV2').readHost({})).facts.now;
      expect((await world.host('HV2').readBlackouts({ since: later, max: 10 })).facts).toEqual([]);
    });

    it('starts one move when asked twice at once, from two nodes', async () => {
      const { world } = given;
      const vmId = await idOf('db-1');
      const both = await Promise.all(
        ['HV1', 'HV3'].map((node) => world.host(node).startMove({ vmId, node: 'HV2' })),
      );
      expect(both.map((reply) => reply.facts.why).sort()).toEqual(['already-moving', 'started']);
      await untilMoved(world, 'db-1');
      const late = await world.host('HV1').startMove({ vmId, node: 'HV2' });
      expect(late.facts).toEqual({ changed: false, why: 'already-there' });
      expect(await world.count('move-started', 'db-1')).toBe(1);
    });

    it('does not disturb a move under way by asking for another target', async () => {
      const { world } = given;
      const vmId = await idOf('db-1');
      await world.host('HV1').startMove({ vmId, node: 'HV2' });
      const other = await world.host('HV1').startMove({ vmId, node: 'HV1' });
      expect(other.facts).toEqual({ changed: false, why: 'already-moving' });
      await untilMoved(world, 'db-1');
      expect((await roleNamed(world, 'db-1')).owner).toBe('HV2');
    });

    it('queues what is above the limit of either end and shows that in the status', async () => {
      const { world } = given;
      await world.host('HV1').startMove({ vmId: await idOf('db-1'), node: 'HV2' });
      await world.host('HV1').startMove({ vmId: await idOf('files-1'), node: 'HV2' });
      const queued = await roleNamed(world, 'files-1');
      expect(queued.status & GROUP_STATUS.queuedForMove).toBe(GROUP_STATUS.queuedForMove);
      expect(queued.move.phase).toBe('none');
      await untilMoved(world, 'db-1');
      await untilMoved(world, 'files-1');
      expect((await roleNamed(world, 'files-1')).owner).toBe('HV2');
      expect(await world.count('move-started', 'files-1')).toBe(1);
    });

    it('cancels a move, which leaves the VM running where it was', async () => {
      const { world } = given;
      const before = await vmNamed(world, 'HV1', 'db-1');
      await world.host('HV1').startMove({ vmId: before.id, node: 'HV2' });
      await world.pass(2);
      expect((await world.host('HV2').cancelMove({ vmId: before.id })).facts.changed).toBe(true);
      await world.pass(5);
      expect((await world.host('HV2').cancelMove({ vmId: before.id })).facts.changed).toBe(false);
      expect((await roleNamed(world, 'db-1')).move.phase).toBe('cancelled');
      const after = await vmNamed(world, 'HV1', 'db-1');
      expect(after.state).toBe('Running');
      expect(after.uptimeSeconds).toBeGreaterThanOrEqual(before.uptimeSeconds);
      await world.host('HV1').startMove({ vmId: before.id, node: 'HV2' });
      expect((await roleNamed(world, 'db-1')).move.phase).not.toBe('cancelled');
    });

    it.each(['HV9', 'HV*', "HV2'; Stop-Computer #", '日本'])(
      'refuses the target %s, which is no node',
      async (node) => {
        const vmId = await idOf('db-1');
        const info = await errorOf(given.world.host('HV1').startMove({ vmId, node }));
        expect(info).toMatchObject({ op: 'startMove', outcome: 'refused' });
        expect(await given.world.count('move-started', 'db-1')).toBe(0);
      },
    );

    it('refuses a target that is down, paused or cannot run VMs, and a VM that is no role', async () => {
      const { world } = given;
      const host = world.host('HV1');
      const vmId = await idOf('db-1');
      const refusal = (node: string): Promise<object> => errorOf(host.startMove({ vmId, node }));
      expect(await refusal('HV3')).toMatchObject({ hresult: '0x80071398', outcome: 'refused' });
      await host.pauseNode({ node: 'HV2' });
      expect(await refusal('HV2')).toMatchObject({ hresult: '0x800713CE', outcome: 'refused' });
      await world.powerOff('HV2');
      expect(await refusal('HV2')).toMatchObject({ hresult: '0x800713BA', outcome: 'refused' });
      const nobody = await errorOf(host.startMove({ vmId: NOBODY, node: 'HV3' }));
      expect(nobody).toMatchObject({ errorId: 'RoleMissing', outcome: 'refused' });
      expect(await world.count('move-started', 'db-1')).toBe(0);
    });

    it('refuses to migrate a VM that is not running', async () => {
      const { world } = given;
      const vmId = await idOf('db-1');
      await world.host('HV1').stopRole({ vmId });
      await world.pass(60);
      const info = await errorOf(world.host('HV1').startMove({ vmId, node: 'HV2' }));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'VmNotRunning' });
    });

    it('keeps a failure until the next start; the cause is in the event logs', async () => {
      const { world } = given;
      const vmId = await idOf('db-1');
      const { now } = (await world.host('HV1').readHost({})).facts;
      await world.host('HV2').configureMigration({ enabled: false });
      await world.host('HV1').startMove({ vmId, node: 'HV2' });
      await untilMoved(world, 'db-1');
      await world.pass(300);
      const { owner, state, move } = await roleNamed(world, 'db-1');
      expect({ owner, state }).toEqual({ owner: 'HV1', state: 'Online' });
      expect(move).toMatchObject({ phase: 'failed', failureReason: '0x80004005' });
      for (const node of ['HV1', 'HV2']) {
        const { facts } = await world.host(node).readEvents({ since: now, max: 50 });
        expect(facts).toContainEqual(
          expect.objectContaining({ id: 21502, hresult: '0x8007274D', vm: 'db-1', node }),
        );
      }
      await world.host('HV2').configureMigration({ enabled: true });
      await world.host('HV1').startMove({ vmId, node: 'HV2' });
      expect((await roleNamed(world, 'db-1')).move.phase).not.toBe('failed');
      await untilMoved(world, 'db-1');
      expect((await roleNamed(world, 'db-1')).owner).toBe('HV2');
    });
  });

  describe('a lost answer', () => {
    const given = freshWorld(makeWorld);

    interface Case {
      op: ActOp;
      deed: Deed;
      subject: string;
      before?: (world: World, ids: Ids) => Promise<unknown>;
      act: (host: HypervHost, ids: Ids) => Promise<{ facts: { changed: boolean } }>;
      node?: string;
    }
    interface Ids {
      db: string;
      fresh: string;
      boot: string;
    }

    const create = request({ name: 'lost-1', vhd: request().vhd.replace('new-1', 'new-2') });
    const cases: Case[] = [
      {
        op: 'installFeatures',
        deed: 'feature-installed',
        subject: 'Hyper-V',
        node: 'HV3',
        act: (h) => h.installFeatures({ names: ['Hyper-V'] }),
      },
      {
        op: 'restartNode',
        deed: 'restart-requested',
        subject: 'HV3',
        node: 'HV3',
        act: (h, { boot }) => h.restartNode({ ifBoot: boot, reason: 'test' }),
      },
      {
        op: 'configureMigration',
        deed: 'host-configured',
        subject: 'HV1',
        act: (h) => h.configureMigration({ maximumMigrations: 7 }),
      },
      {
        op: 'configureCluster',
        deed: 'cluster-configured',
        subject: 'contract',
        act: (h) => h.configureCluster({ maximumParallelMigrations: 7 }),
      },
      { op: 'createVm', deed: 'vm-created', subject: 'lost-1', act: (h) => h.createVm(create) },
      {
        op: 'removeVm',
        deed: 'vm-removed',
        subject: 'new-1',
        act: (h, { fresh }) => h.removeVm({ vmId: fresh, requestId: 'req-1' }),
      },
      {
        op: 'addRole',
        deed: 'role-added',
        subject: 'new-1',
        act: (h, { fresh }) => h.addRole({ vmId: fresh, name: 'new-1' }),
      },
      {
        op: 'removeRole',
        deed: 'role-removed',
        subject: 'db-1',
        act: (h, { db }) => h.removeRole({ vmId: db }),
      },
      {
        op: 'startRole',
        deed: 'role-started',
        subject: 'db-1',
        before: async (w, { db }) => w.host('HV1').stopRole({ vmId: db }),
        act: (h, { db }) => h.startRole({ vmId: db }),
      },
      {
        op: 'stopRole',
        deed: 'role-stopped',
        subject: 'db-1',
        act: (h, { db }) => h.stopRole({ vmId: db }),
      },
      {
        op: 'pauseNode',
        deed: 'node-paused',
        subject: 'HV2',
        act: (h) => h.pauseNode({ node: 'HV2' }),
      },
      {
        op: 'resumeNode',
        deed: 'node-resumed',
        subject: 'HV2',
        before: async (w) => w.host('HV1').pauseNode({ node: 'HV2' }),
        act: (h) => h.resumeNode({ node: 'HV2' }),
      },
      {
        op: 'startMove',
        deed: 'move-started',
        subject: 'db-1',
        act: (h, { db }) => h.startMove({ vmId: db, node: 'HV2' }),
      },
      {
        op: 'cancelMove',
        deed: 'move-cancelled',
        subject: 'db-1',
        before: async (w, { db }) => w.host('HV1').startMove({ vmId: db, node: 'HV2' }),
        act: (h, { db }) => h.cancelMove({ vmId: db }),
      },
      {
        op: 'moveGroup',
        deed: 'group-moved',
        subject: 'Available Storage',
        act: (h) => h.moveGroup({ group: 'Available Storage', from: 'HV1', node: 'HV2' }),
      },
      {
        op: 'moveSharedVolume',
        deed: 'volume-moved',
        subject: 'Cluster Virtual Disk (Volume1)',
        act: (h) =>
          h.moveSharedVolume({
            volume: 'Cluster Virtual Disk (Volume1)',
            from: 'HV1',
            node: 'HV2',
          }),
      },
    ];

    it.each(cases)('of $op leaves one effect, and a repeat changes nothing', async (c) => {
      const { world } = given;
      const host = world.host(c.node ?? 'HV1');
      const ids: Ids = {
        db: (await vmNamed(world, 'HV1', 'db-1')).id,
        fresh: (await world.host('HV1').createVm(request())).facts.vm.id,
        boot: (await host.readBoot({})).facts.boot,
      };
      await c.before?.(world, ids);
      await world.loseAnswer(c.op);
      const info = await errorOf(world.until(c.act(host, ids)));
      expect(info).toMatchObject({ op: c.op, outcome: 'unknown' });
      const again = await world.until(c.act(host, ids));
      expect(again.facts.changed).toBe(false);
      expect(await world.count(c.deed, c.subject)).toBe(1);
    });
  });
}
