// Contract of the acting operations about nodes and settings.
import { describe, expect, it } from 'vitest';
import type { HypervHost } from '../../hyperv/host.ts';
import { errorOf, freshWorld } from './expecting.ts';
import type { MakeWorld, World } from './world.ts';

const bootOf = async (host: HypervHost): Promise<string> => (await host.readBoot({})).facts.boot;

/** Until the node has booted, its services run and the cluster has it again. */
async function untilBack(world: World, node: string): Promise<void> {
  for (let i = 0; i < 600; i += 1) {
    await world.pass(1);
    const nodes = await world
      .host(node)
      .readNodes({})
      .catch(() => null);
    if (nodes?.facts.find((n) => n.name === node)?.state === 'Up') return;
  }
  throw new Error(`${node} did not come back within ten minutes`);
}

export function describeActs(makeWorld: MakeWorld): void {
  describe('preparing a node', () => {
    const given = freshWorld(makeWorld);

    it('installs features and says that a restart is owed, also on a repeat', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const names = ['Hyper-V', 'Failover-Clustering'];
      const first = await world.until(host.installFeatures({ names }));
      expect(first.facts).toEqual({ changed: true, restartNeeded: true });
      expect(first.cmdlets.length).toBeGreaterThan(0);
      const again = await world.until(host.installFeatures({ names }));
      expect(again.facts).toEqual({ changed: false, restartNeeded: true });
      expect(await world.count('feature-installed', 'Hyper-V')).toBe(1);
      const { facts } = await host.readFeatures({ names });
      expect(facts.map((f) => f.state)).toEqual(['InstallPending', 'Installed']);
      expect((await host.readHost({})).facts.pendingRestart).toBe(true);
    });

    it('installs once when asked twice at once', async () => {
      const { world } = given;
      const names = ['Hyper-V'];
      const both = await world.until(
        Promise.all([1, 2].map(() => world.host('HV3').installFeatures({ names }))),
      );
      expect(both.map((reply) => reply.facts.changed).sort()).toEqual([false, true]);
      expect(both.every((reply) => reply.facts.restartNeeded)).toBe(true);
      expect(await world.count('feature-installed', 'Hyper-V')).toBe(1);
    });

    it('never restarts by installing', async () => {
      const { world } = given;
      const before = await bootOf(world.host('HV3'));
      await world.until(world.host('HV3').installFeatures({ names: ['Hyper-V'] }));
      await world.pass(600);
      expect(await bootOf(world.host('HV3'))).toBe(before);
    });

    it('has Hyper-V and its switches after the restart', async () => {
      const { world } = given;
      const host = world.host('HV3');
      await world.until(host.installFeatures({ names: ['Hyper-V'] }));
      await host.restartNode({ ifBoot: await bootOf(host), reason: 'test' });
      await world.pass(30);
      await untilBack(world, 'HV3');
      const names = ['Hyper-V'];
      expect((await host.readFeatures({ names })).facts[0]?.state).toBe('Installed');
      expect((await host.installFeatures({ names })).facts).toEqual({
        changed: false,
        restartNeeded: false,
      });
      expect((await host.readSwitches({})).facts).toContainEqual({ name: 'LAN', type: 'External' });
    });

    it('refuses a feature that Windows does not know', async () => {
      const info = await errorOf(given.world.host('HV3').installFeatures({ names: ['Hyper-V*'] }));
      expect(info.outcome).toBe('refused');
      expect(await given.world.count('feature-installed', 'Hyper-V')).toBe(0);
    });

    it('restarts once for one boot, however often it is asked', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const ifBoot = await bootOf(host);
      const both = await Promise.all(
        [1, 2].map(() => host.restartNode({ ifBoot, reason: "it's a 'test'" })),
      );
      expect(both.map((reply) => reply.facts.changed).sort()).toEqual([false, true]);
      expect(both.every((reply) => reply.facts.boot === ifBoot)).toBe(true);
      await world.pass(30);
      await untilBack(world, 'HV3');
      const late = await host.restartNode({ ifBoot, reason: 'test' });
      expect(late.facts.changed).toBe(false);
      expect(late.facts.boot).not.toBe(ifBoot);
      expect(await world.count('restart-requested', 'HV3')).toBe(1);
    });

    it.each([-1, 3600])(
      'takes it for the same boot when the clock was set by %i s, and restarts once',
      async (seconds) => {
        const { world } = given;
        const host = world.host('HV3');
        const before = (await host.readBoot({})).facts;
        await world.shiftClock('HV3', seconds);
        const now = (await host.readBoot({})).facts;
        expect(now.boot).toBe(before.boot);
        expect(Date.parse(now.bootTime) - Date.parse(before.bootTime)).toBe(seconds * 1000);
        const { facts } = await host.readHost({});
        expect(facts).toMatchObject(now);
        const asked = await host.restartNode({ ifBoot: before.boot, reason: 'test' });
        expect(asked.facts).toEqual({ changed: true, boot: before.boot });
        await world.pass(30);
        await untilBack(world, 'HV3');
        expect(await bootOf(host)).not.toBe(before.boot);
        const late = await host.restartNode({ ifBoot: before.boot, reason: 'test' });
        expect(late.facts.changed).toBe(false);
        expect(await world.count('restart-requested', 'HV3')).toBe(1);
      },
    );

    it.each([0, 1])(
      'refuses to restart under a running VM, also when the clock was set by %i s',
      async (seconds) => {
        const { world } = given;
        const host = world.host('HV1');
        const ifBoot = await bootOf(host);
        await world.shiftClock('HV1', seconds);
        const info = await errorOf(host.restartNode({ ifBoot, reason: 'test' }));
        expect(info).toMatchObject({ outcome: 'refused', errorId: 'NodeNotDrained' });
        expect(await world.count('restart-requested', 'HV1')).toBe(0);
        // VMs that are off hold nothing up.
        const off = world.host('HV2');
        await off.restartNode({ ifBoot: await bootOf(off), reason: 'test' });
        expect(await world.count('restart-requested', 'HV2')).toBe(1);
      },
    );

    it('answers a restart before the node goes down, and then not at all', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const { facts } = await host.restartNode({ ifBoot: await bootOf(host), reason: '' });
      expect(facts.changed).toBe(true);
      await world.pass(30);
      expect((await errorOf(host.readHost({}))).outcome).toBe('unknown');
    });
  });

  describe('settings', () => {
    const given = freshWorld(makeWorld);

    it('sets what is given, leaves the rest, and answers what it reads back', async () => {
      const host = given.world.host('HV1');
      const before = (await host.readMigrationSettings({})).facts;
      const first = await host.configureMigration({ maximumMigrations: 4, performance: 'SMB' });
      expect(first.facts.changed).toBe(true);
      expect(first.facts.settings).toEqual({
        ...before,
        maximumMigrations: 4,
        performance: 'SMB',
      });
      expect((await host.readMigrationSettings({})).facts).toEqual(first.facts.settings);
      const again = await host.configureMigration({ maximumMigrations: 4, performance: 'SMB' });
      expect(again.facts).toEqual({ changed: false, settings: first.facts.settings });
      expect(await given.world.count('host-configured', 'HV1')).toBe(1);
    });

    it('disables and enables live migration', async () => {
      const host = given.world.host('HV1');
      expect((await host.configureMigration({ enabled: false })).facts.settings.enabled).toBe(
        false,
      );
      expect((await host.configureMigration({ enabled: true })).facts.settings.enabled).toBe(true);
      expect((await host.configureMigration({})).facts.changed).toBe(false);
    });

    it('cannot configure live migration without Hyper-V', async () => {
      const info = await errorOf(given.world.host('HV3').configureMigration({ enabled: true }));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'HyperVMissing' });
    });

    it('sets the limit of the cluster once, visible from every node', async () => {
      const { world } = given;
      const both = await Promise.all(
        ['HV1', 'HV2'].map((node) =>
          world.host(node).configureCluster({ maximumParallelMigrations: 3 }),
        ),
      );
      expect(both.map((reply) => reply.facts.changed).sort()).toEqual([false, true]);
      expect(both.every((r) => r.facts.cluster.maximumParallelMigrations === 3)).toBe(true);
      const { facts } = await world.host('HV3').readCluster({});
      expect(facts.maximumParallelMigrations).toBe(3);
      expect(await world.count('cluster-configured', 'contract')).toBe(1);
    });

    it.each([0, -1, 1.5])('refuses %d parallel migrations', async (maximumParallelMigrations) => {
      const info = await errorOf(
        given.world.host('HV1').configureCluster({ maximumParallelMigrations }),
      );
      expect(info.outcome).toBe('refused');
      expect((await given.world.host('HV1').readCluster({})).facts.maximumParallelMigrations).toBe(
        1,
      );
    });
  });

  describe('pausing', () => {
    const given = freshWorld(makeWorld);
    const stateOf = async (node: string): Promise<string | undefined> =>
      (await given.world.host('HV3').readNodes({})).facts.find((n) => n.name === node)?.state;

    it('pauses a node without draining it, and resumes it', async () => {
      const { world } = given;
      const host = world.host('HV2');
      expect((await host.pauseNode({ node: 'hv1' })).facts).toEqual({ changed: true });
      expect((await host.pauseNode({ node: 'HV1' })).facts).toEqual({ changed: false });
      expect(await stateOf('HV1')).toBe('Paused');
      await world.pass(120);
      expect((await world.host('HV1').readVms({})).facts.length).toBe(3);
      expect((await host.resumeNode({ node: 'HV1' })).facts).toEqual({ changed: true });
      expect((await host.resumeNode({ node: 'HV1' })).facts).toEqual({ changed: false });
      expect(await stateOf('HV1')).toBe('Up');
      expect(await world.count('node-paused', 'HV1')).toBe(1);
      expect(await world.count('node-resumed', 'HV1')).toBe(1);
    });

    it.each(['HV9', 'HV*', "HV1'", '$(hostname)', '日本'])(
      'refuses to pause %s, which is no node',
      async (node) => {
        expect((await errorOf(given.world.host('HV2').pauseNode({ node }))).outcome).toBe(
          'refused',
        );
        for (const known of ['HV1', 'HV2', 'HV3']) expect(await stateOf(known)).toBe('Up');
      },
    );

    it('cannot pause a node that is down', async () => {
      await given.world.powerOff('HV1');
      const info = await errorOf(given.world.host('HV2').pauseNode({ node: 'HV1' }));
      expect(info).toMatchObject({ outcome: 'refused', hresult: '0x800713BA' });
    });
  });
}
