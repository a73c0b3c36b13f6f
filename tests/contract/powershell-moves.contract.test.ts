// How the PowerShell module reads roles and moves on Windows of different ages, and what it reads beside them for the
// choice of a node. On the lab's stand-ins of the Windows modules.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs, POWERSHELL } from '../support/needs.ts';
import { powershellLabs, type PowerShellLabs } from './powershell-worlds.ts';

const DB = '11111111-1111-4111-8111-111111111111';

const scenario = (more = '', vm = '', node = ''): string => `
cluster: moves
${more}
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true }${node} }
virtualMachines:
  - { name: db-1, id: ${DB}, owner: HV1, memory: 8GB${vm} }
  - { name: web-1, owner: HV2, memory: 2GB }
`;

describe('roles and moves by PowerShell', needs(POWERSHELL), () => {
  let labs: PowerShellLabs;
  beforeAll(() => {
    labs = powershellLabs();
  });
  afterAll(() => labs.close());

  it('show each phase where the resource has MigrationState, in the look at all: at one it would be a further call', () =>
    labs.with(scenario('migration: { migrationState: true }'), async ({ host, pass }) => {
      await host('HV1').startMove({ vmId: DB, node: 'HV2' });
      const phase = async () => [
        (await host('HV1').readRole({ vmId: DB })).facts?.move.phase,
        (await host('HV2').readRoles({})).facts.find((r) => r.vmId === DB)?.move.phase,
      ];
      expect(await phase()).toEqual(['migrating', 'setup']);
      pass(4);
      expect(await phase()).toEqual(['migrating', 'data-transfer']);
      pass(600);
      expect(await phase()).toEqual(['none', 'none']);
    }));

  it.each([2019, 2022])(
    'on Windows Server %i one at a time is the limit that nobody can set',
    (build) =>
      labs.with(
        scenario(`build: ${build}\nmaximumParallelMigrations: 4`),
        async ({ lab, host, pass }) => {
          const limit = async () =>
            (await host('HV1').readCluster({})).facts.maximumParallelMigrations;
          expect(await limit()).toBe(1);
          const same = await host('HV1').configureCluster({ maximumParallelMigrations: 1 });
          expect(same.facts.changed).toBe(false);
          await expect(
            host('HV1').configureCluster({ maximumParallelMigrations: 2 }),
          ).rejects.toMatchObject({ info: { outcome: 'refused', errorId: 'WindowsTooOld' } });
          expect(await limit()).toBe(1);
          await host('HV1').startMove({ vmId: DB, node: 'HV2' });
          pass(600);
          expect(lab.state().roles.find((r) => r.vmId === DB)?.owner).toBe('HV2');
        },
      ),
  );

  it('are found by ids, states and codes in Japanese', () =>
    labs.with(
      scenario('culture: ja-JP\nfaults: [{ on: moveFails, vm: db-1 }]'),
      async ({ host, pass }) => {
        await host('HV1').startMove({ vmId: DB, node: 'HV2' });
        pass(600);
        const role = (await host('HV1').readRole({ vmId: DB })).facts;
        expect(role).toMatchObject({ state: 'Online', owner: 'HV1', move: { phase: 'failed' } });
        const nobody = { vmId: '22222222-2222-4222-8222-222222222222' };
        expect((await host('HV1').readRole(nobody)).facts).toBeNull();
        await expect(host('HV1').startRole(nobody)).rejects.toMatchObject({
          info: { errorId: 'RoleMissing' },
        });
        await expect(host('HV1').startMove({ vmId: DB, node: 'HV9' })).rejects.toMatchObject({
          info: { outcome: 'refused' },
        });
        const since = '2000-01-01T00:00:00.000Z';
        const { facts } = await host('HV2').readEvents({ since, max: 10 });
        expect(facts).toContainEqual(expect.objectContaining({ id: 21502, hresult: '0x80072746' }));
      },
    ));

  it.each([
    ['20415', 'source', 'HV1', ''],
    ['20417, of a guest that writes faster than the link', 'target', 'HV2', ', dirtyRate: 8GB/s'],
  ])('tell by event %s in the log of the %s how long a VM stood still', (_id, at, node, busy) =>
    labs.with(
      scenario(`migration: { blackoutAt: ${at} }`, busy, ', migrationNetwork: 1Gbps'),
      async ({ host, pass, lab }) => {
        const since = (await host(node).readHost({})).facts.now;
        await host('HV1').startMove({ vmId: DB, node: 'HV2' });
        pass(6000);
        const { facts } = await host(node).readBlackouts({ since, max: 10 });
        expect(facts).toHaveLength(1);
        expect(facts[0]?.vmId).toBe(DB);
        expect((facts[0]?.seconds ?? 0) > 5).toBe(busy !== '');
        expect(facts).toEqual(lab.call(node, 'readBlackouts', { since, max: 10 }).facts);
      },
    ),
  );

  it('find a VM whose role and resource are named otherwise, with queries that tell no VM id', () =>
    labs.with(
      scenario('migration: { queriesTellVmId: false }', ", role: 'SCVMM [db-1] Resources'"),
      async ({ host }) => {
        const { facts } = await host('HV2').readRoles({});
        expect(facts.map((r) => [r.name, r.vmId === DB])).toEqual([
          ['SCVMM [db-1] Resources', true],
          ['web-1', false],
        ]);
        expect((await host('HV2').stopRole({ vmId: DB })).facts.changed).toBe(true);
        expect((await host('HV2').startRole({ vmId: DB })).facts.changed).toBe(true);
      },
    ));

  it('save a VM whose role would turn it off, and give the role its OfflineAction back', () =>
    labs.with(scenario('', ', offlineAction: 0'), async ({ lab, host }) => {
      const { cmdlets } = await host('HV1').stopRole({ vmId: DB });
      expect(lab.effects().map((e) => e.kind)).toContain('vm-saved');
      const set = cmdlets.filter((line) => line.includes('Set-ClusterParameter'));
      expect(set[0]).toContain('-Name OfflineAction -Value 1');
      expect(lab.state().roles.find((r) => r.vmId === DB)?.state).toBe('Offline');
      await host('HV1').startRole({ vmId: DB });
      const again = await host('HV1').stopRole({ vmId: DB });
      expect(again.cmdlets.some((line) => line.includes('Set-ClusterParameter'))).toBe(true);
    }));

  it('tell preferred owners in their order, flags of nodes, rules, and who cannot use a volume', () =>
    labs.with(
      scenario(
        'affinityRules: [{ name: apart, type: DifferentNode, groups: [db-1, web-1] }]',
        ', preferredOwners: [HV2, HV1], locked: true',
        ', status: 36, pausedVolumes: [Cluster Virtual Disk (Volume1)]',
      ),
      async ({ host }) => {
        const hv1 = host('HV1');
        const cluster = (await hv1.readCluster({})).facts;
        expect(cluster.affinityRules).toEqual([
          { name: 'apart', type: 'DifferentNode', groups: ['db-1', 'web-1'] },
        ]);
        const nodes = (await hv1.readNodes({})).facts;
        expect(nodes.map((n) => [n.status, n.quarantined])).toEqual([
          [0, false],
          [36, false],
        ]);
        const [volume] = (await hv1.readSharedVolumes({})).facts;
        expect(volume).toMatchObject({ state: 'Online', pausedOn: ['HV2'] });
        const role = (await hv1.readRoles({})).facts.find((r) => r.vmId === DB);
        expect(role).toMatchObject({ preferredOwners: ['HV2', 'HV1'] });
        expect((role?.status ?? 0) & 1).toBe(1);
      },
    ));
});
