// Contract of the reading operations.
import { describe, expect, it } from 'vitest';
import { READ_OPS, type HypervHost, type ReadOp } from '../../hyperv/host.ts';
import { errorOf, freshWorld, NOBODY, roleNamed, vmNamed } from './expecting.ts';
import { FREE_DISKS, GIGABYTE, VOLUME, type MakeWorld } from './world.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

const readAny = (host: HypervHost, op: ReadOp): Promise<{ cmdlets: string[] }> => {
  switch (op) {
    case 'readServices':
      return host.readServices({ names: ['vmms'] });
    case 'readFeatures':
      return host.readFeatures({ names: ['Hyper-V'] });
    case 'readDiskFiles':
      return host.readDiskFiles({ paths: FREE_DISKS });
    case 'readEvents':
      return host.readEvents({ since: '2020-01-01T00:00:00.000Z', max: 10 });
    case 'readBlackouts':
      return host.readBlackouts({ since: '2020-01-01T00:00:00.000Z', max: 10 });
    case 'readSetup':
      return host.readSetup({ ports: [3343] });
    case 'readPeers':
      return host.readPeers({ nodes: ['HV2'], ports: [3343] });
    case 'readVm':
      return host.readVm({ vmId: NOBODY });
    case 'readRole':
      return host.readRole({ vmId: NOBODY });
    case 'readHost':
    case 'readBoot':
    case 'readSwitches':
    case 'readMigrationSettings':
    case 'readVms':
    case 'readVmStorage':
    case 'readMovesAway':
    case 'readCluster':
    case 'readNodes':
    case 'readNetworks':
    case 'readSharedVolumes':
    case 'readGroups':
    case 'readLinks':
    case 'readRoles':
    case 'readUpdates':
    case 'readUpdateJob':
    case 'readServicing':
    case 'readStorage':
      return host[op]({});
  }
};

export function describeReads(makeWorld: MakeWorld): void {
  describe('reading', () => {
    const given = freshWorld(makeWorld);

    it.each(READ_OPS)('%s names the cmdlets that gave the answer', async (op) => {
      const { cmdlets } = await readAny(given.world.host('HV1'), op);
      expect(cmdlets.length).toBeGreaterThan(0);
    });

    it.each(READ_OPS)('%s of a node without power has an unknown outcome', async (op) => {
      await given.world.powerOff('HV1');
      const info = await errorOf(readAny(given.world.host('HV1'), op));
      expect(info).toMatchObject({ op, node: 'HV1', outcome: 'unknown' });
    });

    it('speaks for one node and knows its name as the cluster writes it', async () => {
      const host = given.world.host('HV1');
      expect(host.node).toBe('HV1');
      expect((await host.readHost({})).facts.node).toBe('HV1');
    });

    it('tells the machine: memory, processors, versions, boot time', async () => {
      const { facts } = await given.world.host('HV1').readHost({});
      expect(facts.bootTime).toMatch(ISO);
      expect(facts.now).toMatch(ISO);
      expect(Date.parse(facts.bootTime)).toBeLessThan(Date.parse(facts.now));
      expect(facts.osVersion).toMatch(/^10\.0\.\d+$/);
      expect(facts.memoryBytes).toBe(64 * GIGABYTE);
      expect(facts.freeMemoryBytes).toBeGreaterThan(0);
      expect(facts.freeMemoryBytes).toBeLessThanOrEqual(facts.memoryBytes - 10 * GIGABYTE);
      expect(facts.logicalProcessors).toBeGreaterThan(0);
      expect(facts.vmVersions).toContain('12.0');
      expect(facts.pendingRestart).toBe(false);
    });

    it('tells no VM versions without Hyper-V', async () => {
      const { facts } = await given.world.host('HV3').readHost({});
      expect(facts.vmVersions).toEqual([]);
    });

    it('answers for a service that is not installed', async () => {
      const names = ['vmms', 'ClusSvc', 'no-such-service'];
      const { facts } = await given.world.host('HV3').readServices({ names });
      expect(facts).toEqual([
        { name: 'vmms', state: 'Missing' },
        { name: 'ClusSvc', state: 'Running' },
        { name: 'no-such-service', state: 'Missing' },
      ]);
    });

    it('tells the state of features', async () => {
      const names = ['Hyper-V', 'Failover-Clustering'];
      const bare = await given.world.host('HV3').readFeatures({ names });
      expect(bare.facts.map((f) => f.state)).toEqual(['Available', 'Installed']);
      const prepared = await given.world.host('HV1').readFeatures({ names });
      expect(prepared.facts.map((f) => f.state)).toEqual(['Installed', 'Installed']);
    });

    it.each(['readSwitches', 'readMigrationSettings', 'readVms', 'readVmStorage'] as const)(
      '%s says that Hyper-V is missing',
      async (op) => {
        const info = await errorOf(given.world.host('HV3')[op]({}));
        expect(info).toMatchObject({ op, outcome: 'refused', errorId: 'HyperVMissing' });
      },
    );

    it('readVm says that Hyper-V is missing', async () => {
      const info = await errorOf(given.world.host('HV3').readVm({ vmId: NOBODY }));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'HyperVMissing' });
    });

    it('tells virtual switches with their kind', async () => {
      const { facts } = await given.world.host('HV1').readSwitches({});
      expect(facts).toContainEqual({ name: 'LAN', type: 'External' });
      expect(facts).toContainEqual({ name: 'Mixed', type: 'Internal' });
    });

    it('tells the live migration settings of the host', async () => {
      const { facts } = await given.world.host('HV1').readMigrationSettings({});
      expect(facts.enabled).toBe(true);
      expect(['TCPIP', 'Compression', 'SMB']).toContain(facts.performance);
      expect(['CredSSP', 'Kerberos']).toContain(facts.authentication);
      expect(facts.maximumMigrations).toBeGreaterThan(0);
    });

    it('shows a node its own VMs only', async () => {
      const names = async (node: string): Promise<string[]> =>
        (await given.world.host(node).readVms({})).facts.map((vm) => vm.name).sort();
      expect(await names('HV1')).toEqual(['db-1', 'files-1', 'lone-1']);
      expect((await names('HV2')).map((name) => name.toLowerCase())).toEqual(['twin', 'twin']);
    });

    it('tells a running VM apart from one that is off', async () => {
      const running = await vmNamed(given.world, 'HV1', 'db-1');
      expect(running).toMatchObject({
        state: 'Running',
        memoryStartupBytes: 8 * GIGABYTE,
        memoryAssignedBytes: 8 * GIGABYTE,
        clustered: true,
        switches: ['LAN'],
        generation: 2,
      });
      expect(running.uptimeSeconds).toBeGreaterThan(0);
      const off = await vmNamed(given.world, 'HV1', 'lone-1');
      expect(off).toMatchObject({
        state: 'Off',
        memoryAssignedBytes: 0,
        uptimeSeconds: 0,
        clustered: false,
      });
    });

    it('tells what changes of one VM, whatever the case of its id, and nothing of one that is elsewhere', async () => {
      const { switches, disks, ...db } = await vmNamed(given.world, 'HV1', 'db-1');
      const host = given.world.host('HV1');
      const { facts } = await host.readVm({ vmId: db.id });
      expect(db).toMatchObject(facts ?? { missing: true });
      expect((await host.readVm({ vmId: db.id.toUpperCase() })).facts).toEqual(facts);
      expect((await given.world.host('HV2').readVm({ vmId: db.id })).facts).toBeNull();
      expect([switches, disks]).toEqual([['LAN'], [`${VOLUME}\\db-1.vhdx`]]);
    });

    it('counts the uptime of a VM while time passes', async () => {
      const before = await vmNamed(given.world, 'HV1', 'db-1');
      await given.world.pass(60);
      const after = await vmNamed(given.world, 'HV1', 'db-1');
      expect(after.uptimeSeconds - before.uptimeSeconds).toBeGreaterThanOrEqual(59);
    });

    it('looks for disk files by their literal path, without case', async () => {
      const exists = async (path: string): Promise<boolean | undefined> =>
        (await given.world.host('HV1').readDiskFiles({ paths: [path] })).facts[0]?.exists;
      for (const path of FREE_DISKS) expect(await exists(path)).toBe(true);
      expect(await exists((FREE_DISKS[0] ?? '').toUpperCase())).toBe(true);
      expect(await exists(`${VOLUME}\\new-*.vhdx`)).toBe(false);
      expect(await exists(`${VOLUME}\\new-[12].vhdx`)).toBe(false);
      expect(await exists(`${VOLUME}\\$(hostname).vhdx`)).toBe(false);
      expect(await exists(VOLUME)).toBe(false);
    });

    it('answers disk files in the order of asking, under the names that were asked', async () => {
      const paths = [...FREE_DISKS].reverse();
      const { facts } = await given.world.host('HV2').readDiskFiles({ paths });
      expect(facts.map((file) => file.path)).toEqual(paths);
    });

    it('tells the cluster the same from every node', async () => {
      const [one, two, three] = await Promise.all(
        ['HV1', 'HV2', 'HV3'].map(
          async (node) => (await given.world.host(node).readCluster({})).facts,
        ),
      );
      expect(one).toEqual(two);
      expect(two).toEqual(three);
      expect(one).toMatchObject({ name: 'contract', maximumParallelMigrations: 1 });
    });

    it('tells every node of the cluster, the ones without power too', async () => {
      await given.world.powerOff('HV2');
      await given.world.pass(60);
      const { facts } = await given.world.host('HV1').readNodes({});
      const states = Object.fromEntries(facts.map((node) => [node.name, node.state]));
      expect(states).toEqual({ HV1: 'Up', HV2: 'Down', HV3: 'Up' });
      expect(facts.every((node) => node.nodeWeight === 1 && !node.quarantined)).toBe(true);
    });

    it('tells networks and shared volumes', async () => {
      const host = given.world.host('HV1');
      const networks = (await host.readNetworks({})).facts;
      expect(networks.some((n) => n.state === 'Up' && n.role !== 'None')).toBe(true);
      const volumes = (await host.readSharedVolumes({})).facts;
      expect(volumes).toContainEqual(expect.objectContaining({ path: VOLUME, state: 'Online' }));
    });

    it('tells every clustered VM as a role, and only those', async () => {
      const { facts } = await given.world.host('HV3').readRoles({});
      expect(facts.map((role) => role.name).sort()).toEqual(['db-1', 'files-1']);
      const role = await roleNamed(given.world, 'db-1');
      expect(role).toMatchObject({ owner: 'HV1', state: 'Online' });
      expect(role.move).toEqual({
        phase: 'none',
        percent: 0,
        failureReason: '0x00000000',
        target: null,
      });
      expect(role.possibleOwners).toEqual([]);
      const asked = (await given.world.host('HV3').readRoles({ owners: true })).facts;
      const owners = asked.find(({ vmId }) => vmId === role.vmId)?.possibleOwners;
      expect([...(owners ?? [])].sort()).toEqual(['HV1', 'HV2', 'HV3']);
      expect(role.vmId).toBe((await vmNamed(given.world, 'HV1', 'db-1')).id);
    });

    it('tells one role by the id of its VM as it tells all of them, and null where there is none', async () => {
      const host = given.world.host('HV3');
      const [all, { id: vmId }] = [
        (await host.readRoles({ owners: true })).facts,
        await vmNamed(given.world, 'HV1', 'db-1'),
      ];
      const one = (await host.readRole({ vmId, owners: true })).facts;
      expect(one).toEqual(all.find((role) => role.vmId === vmId));
      expect((await host.readRole({ vmId })).facts).toEqual({
        ...one,
        preferredOwners: [],
        possibleOwners: [],
      });
      expect((await host.readRole({ vmId: NOBODY })).facts).toBeNull();
    });

    it('tells warnings and errors of this node since a moment, oldest first, at most so many', async () => {
      const host = given.world.host('HV1');
      const { now } = (await host.readHost({})).facts;
      await given.world.powerOff('HV3');
      await given.world.powerOn('HV3');
      await given.world.pass(300);
      await given.world.powerOff('HV3');
      await given.world.pass(60);
      const all = (await host.readEvents({ since: now, max: 100 })).facts;
      expect(all.filter((event) => event.id === 1135).length).toBeGreaterThanOrEqual(2);
      expect(all.every((event) => event.node === 'HV1' && event.level <= 3)).toBe(true);
      const times = all.map((event) => Date.parse(event.time));
      expect(times).toEqual([...times].sort((a, b) => a - b));
      const last = (await host.readEvents({ since: now, max: 1 })).facts;
      expect(last).toEqual(all.slice(-1));
      await given.world.pass(10);
      const later = (await host.readHost({})).facts.now;
      expect((await host.readEvents({ since: later, max: 100 })).facts).toEqual([]);
    });

    it.each([
      'readCluster',
      'readNodes',
      'readNetworks',
      'readSharedVolumes',
      'readRoles',
    ] as const)('%s says that the cluster service is not running yet after a boot', async (op) => {
      await given.world.powerOff('HV2');
      await given.world.powerOn('HV2');
      let first = '';
      for (let i = 0; i < 600 && first === ''; i += 1) {
        await given.world.pass(1);
        const read = await given.world
          .host('HV2')
          .readHost({})
          .catch(() => null);
        if (read === null) continue;
        first = read.facts.bootTime;
      }
      expect(first).toMatch(ISO);
      const info = await errorOf(given.world.host('HV2')[op]({}));
      expect(info).toMatchObject({ op, outcome: 'refused', errorId: 'ClusterUnreachable' });
    });
  });
}
