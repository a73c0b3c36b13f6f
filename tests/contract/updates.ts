// Contract of the operations about updates of Windows: search, jobs that outlive who asked, commit, packages.
import { describe, expect, it } from 'vitest';
import type { UpdateFacts, UpdateJobFacts } from '../../domain/update-facts.ts';
import type { HypervHost } from '../../hyperv/host.ts';
import { errorOf, freshWorld } from './expecting.ts';
import type { MakeWorld, World } from './world.ts';

const NO_UPDATE = '00000000-0000-4000-8000-00000000dead';

const missing = async (host: HypervHost): Promise<UpdateFacts[]> =>
  (await host.readUpdates({})).facts.updates;

async function idsOf(host: HypervHost, ...kbs: string[]): Promise<string[]> {
  const found = await missing(host);
  return kbs.map((kb) => found.find((one) => one.kbs.includes(kb))?.id ?? `no ${kb}`);
}

const jobOf = async (host: HypervHost): Promise<UpdateJobFacts | null> =>
  (await host.readUpdateJob({})).facts;

async function untilEnded(world: World, host: HypervHost): Promise<UpdateJobFacts> {
  for (let i = 0; i < 60; i += 1) {
    const job = await jobOf(host);
    if (job !== null && job.state !== 'running') return job;
    await world.pass(30);
  }
  throw new Error('the job does not end');
}

async function restart(world: World, node: string): Promise<void> {
  const host = world.host(node);
  const { boot } = (await host.readBoot({})).facts;
  await host.restartNode({ ifBoot: boot, reason: 'Updates' });
  await world.pass(300);
}

export function describeUpdates(makeWorld: MakeWorld): void {
  describe('updates of Windows', () => {
    const given = freshWorld(makeWorld);

    it('tells what a node lacks, with all that a selection needs', async () => {
      const { facts } = await given.world.host('HV3').readUpdates({});
      expect(facts).toMatchObject({ result: 'succeeded', warnings: [] });
      expect(facts.updates.map((one) => one.kbs)).toEqual([['KB5070001'], ['KB5070002']]);
      expect(facts.updates[0]).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        revision: 200,
        title: '2026-11 Cumulative Update (KB5070001)',
        kbs: ['KB5070001'],
        bytes: 700 * 2 ** 20,
        severity: 'Critical',
        restart: 'always',
        impact: 'normal',
        canRequestInput: false,
        eulaAccepted: true,
        categories: ['Security Updates'],
        downloaded: false,
      });
      expect(facts.updates[1]).toMatchObject({
        restart: 'never',
        severity: null,
        eulaAccepted: false,
      });
    });

    it('searches by criteria, and refuses those that Windows Update does not take', async () => {
      const host = given.world.host('HV3');
      const installed = await host.readUpdates({ criteria: 'IsInstalled=1' });
      expect(installed.facts.updates).toEqual([]);
      const info = await errorOf(host.readUpdates({ criteria: "KB='5070001'" }));
      expect(info).toMatchObject({ outcome: 'refused' });
      expect([info.hresult, ...(info.hresults ?? [])]).toContain('0x80240032');
    });

    it('knows of no job before the first', async () => {
      expect(await jobOf(given.world.host('HV3'))).toBeNull();
    });

    it('downloads while nobody waits, once, and tells how it went', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const ids = await idsOf(host, 'KB5070001');
      expect((await host.downloadUpdates({ ids, acceptEula: false })).facts.changed).toBe(true);
      expect((await host.downloadUpdates({ ids, acceptEula: false })).facts.changed).toBe(false);
      expect(await jobOf(host)).toMatchObject({
        kind: 'download',
        state: 'running',
        ids,
        results: [],
      });
      const done = await untilEnded(world, host);
      expect(done).toMatchObject({
        state: 'ended',
        error: null,
        results: [{ id: ids[0], result: 'succeeded', hresult: '0x00000000', restartNeeded: false }],
      });
      expect((await host.downloadUpdates({ ids, acceptEula: false })).facts.changed).toBe(false);
      expect((await missing(host))[0]?.downloaded).toBe(true);
      expect(await world.count('update-downloaded', 'KB5070001')).toBe(1);
      expect(await world.count('update-installed', 'KB5070001')).toBe(0);
    });

    it('installs, owes a restart, and has the new build after it', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const before = (await host.readServicing({})).facts;
      expect(before).toMatchObject({ restartNeeded: false, installerBusy: false, working: false });
      expect(before.build).toBe('26100.4652');
      const ids = await idsOf(host, 'KB5070001');
      expect((await host.installUpdates({ ids, acceptEula: false })).facts.changed).toBe(true);
      expect((await host.readServicing({})).facts.installerBusy).toBe(true);
      const done = await untilEnded(world, host);
      expect(done.results).toMatchObject([{ result: 'succeeded', restartNeeded: true }]);
      const { restartNeeded, build, boot } = (await host.readServicing({})).facts;
      expect({ restartNeeded, build }).toEqual({ restartNeeded: true, build: '26100.4652' });
      await restart(world, 'HV3');
      const after = (await host.readServicing({})).facts;
      expect(after).toMatchObject({ restartNeeded: false, build: '26100.5335' });
      expect(after.boot).not.toBe(boot);
      expect((await missing(host)).map((one) => one.kbs[0])).toEqual(['KB5070002']);
      expect(await world.count('update-installed', 'KB5070001')).toBe(1);
    });

    it('accepts licence terms only when it may', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const ids = await idsOf(host, 'KB5070002');
      await host.installUpdates({ ids, acceptEula: false });
      expect((await untilEnded(world, host)).results).toMatchObject([
        { result: 'not-started', hresult: '0x80240023' },
      ]);
      await host.installUpdates({ ids, acceptEula: true });
      expect((await untilEnded(world, host)).results).toMatchObject([
        { result: 'succeeded', restartNeeded: false },
      ]);
    });

    it('says of an update that it is not offered any more', async () => {
      const { world } = given;
      const host = world.host('HV3');
      await host.installUpdates({ ids: [NO_UPDATE], acceptEula: false });
      expect((await untilEnded(world, host)).results).toMatchObject([
        { id: NO_UPDATE, result: 'not-started', hresult: '0x80240055' },
      ]);
    });

    it('starts no second job beside one under way', async () => {
      const host = given.world.host('HV3');
      const [first = '', second = ''] = await idsOf(host, 'KB5070001', 'KB5070002');
      await host.downloadUpdates({ ids: [first], acceptEula: false });
      const info = await errorOf(host.installUpdates({ ids: [second], acceptEula: true }));
      expect(info).toMatchObject({
        op: 'installUpdates',
        outcome: 'refused',
        errorId: 'UpdatesBusy',
      });
    });

    it('finds a job again that a restart has cut off', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const ids = await idsOf(host, 'KB5070001');
      await host.installUpdates({ ids, acceptEula: false });
      await restart(world, 'HV3');
      expect(await jobOf(host)).toMatchObject({ state: 'cut-off', ids, results: [] });
      expect((await host.installUpdates({ ids, acceptEula: false })).facts.changed).toBe(true);
      expect((await untilEnded(world, host)).results).toMatchObject([{ result: 'succeeded' }]);
    });

    it('installs once although the answer is lost', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const ids = await idsOf(host, 'KB5070001');
      await world.loseAnswer('installUpdates');
      const info = await errorOf(host.installUpdates({ ids, acceptEula: false }));
      expect(info.outcome).toBe('unknown');
      expect((await host.installUpdates({ ids, acceptEula: false })).facts.changed).toBe(false);
      await untilEnded(world, host);
      expect(await world.count('update-installed', 'KB5070001')).toBe(1);
    });

    it('commits once for each boot', async () => {
      const { world } = given;
      const host = world.host('HV3');
      expect((await host.commitUpdates({})).facts.changed).toBe(true);
      expect((await host.commitUpdates({})).facts.changed).toBe(false);
      expect(await world.count('updates-committed', 'HV3')).toBe(1);
      await restart(world, 'HV3');
      expect((await host.commitUpdates({})).facts.changed).toBe(true);
    });

    it('installs the packages of a folder, and says when there are none', async () => {
      const { world } = given;
      const host = world.host('HV3');
      const folder = 'C:\\Updates\\2026-11';
      const first = await world.until(host.installPackages({ folder }));
      expect(first.facts).toEqual({ changed: true, restartNeeded: true });
      const again = await world.until(host.installPackages({ folder }));
      expect(again.facts).toEqual({ changed: false, restartNeeded: false });
      const info = await errorOf(world.until(host.installPackages({ folder: 'C:\\Nowhere' })));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'PackagesNotInstalled' });
    });
  });
}
