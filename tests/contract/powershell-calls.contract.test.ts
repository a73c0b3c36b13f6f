// How many calls of Windows an operation makes, whatever the size of the cluster: calls are what takes time there, and
// a test of the time would say how busy this computer is. On the lab's stand-ins of the Windows modules.
import { afterAll, describe, expect, it } from 'vitest';
import { askOf, type OpArgs, type ReadOp } from '../../hyperv/host.ts';
import { callsOf } from '../../lab/machine/costs.ts';
import { nodeOf } from '../../lab/machine/world.ts';
import { documentedCmdlets } from '../../lab/powershell/catalogue.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { powershellLabs, type PowerShellLab, type PowerShellLabs } from './powershell-worlds.ts';

const SIZES = [1, 40];
const vmId = '11111111-1111-4111-8111-111111111111';
const NOBODY = '99999999-9999-4999-8999-999999999999';

/** The first VM is the one that is asked about. */
const scenario = (vms: number, more = ''): string => `
cluster: calls
${more}
nodes:
  - { name: HV1, memory: 256GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 256GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
virtualMachines:
  - { name: db-1, id: ${vmId}, owner: HV1, memory: 8GB }
${Array.from({ length: vms - 1 }, (_, i) => `  - { name: vm-${i}, owner: HV1, memory: 1GB }`).join('\n')}
`;

const LOOKS: { [K in ReadOp]: OpArgs<K>[] } = {
  readHost: [{}],
  readBoot: [{}],
  readSetup: [{ ports: [445] }],
  readPeers: [{ nodes: ['HV2'], ports: [445] }],
  readServices: [{ names: ['vmms'] }],
  readFeatures: [{ names: ['Hyper-V'] }],
  readSwitches: [{}],
  readMigrationSettings: [{}],
  readVms: [{}],
  readVm: [{ vmId }],
  readVmStorage: [{}],
  readDiskFiles: [{ paths: ['C:\\ClusterStorage\\Volume1\\db-1.vhdx'] }],
  readMovesAway: [{}],
  readCluster: [{}],
  readNodes: [{}],
  readNetworks: [{}],
  readSharedVolumes: [{}],
  readGroups: [{}],
  readLinks: [{}],
  readRoles: [{}, { owners: true }],
  readRole: [{ vmId }, { vmId, owners: true }],
  readEvents: [{ since: '2024-01-01T00:00:00.000Z', max: 10 }],
  readBlackouts: [{ since: '2024-01-01T00:00:00.000Z', max: 10 }],
  readUpdates: [{}],
  readUpdateJob: [{}],
  readStorage: [{}],
  readServicing: [{}],
};

/** Module -> what its cmdlets cost; others are no calls of WMI or the cluster. */
const KINDS: Readonly<Record<string, string>> = {
  FailoverClusters: 'cluster',
  'Hyper-V': 'hyperv',
  CimCmdlets: 'cim',
  Storage: 'cim',
};
const kindOf = (cmdlet: string): string[] =>
  cmdlet === 'Get-WindowsFeature'
    ? ['features']
    : [KINDS[documentedCmdlets()[cmdlet]?.module ?? ''] ?? []].flat();

/** `cim 3, cluster 1` */
const countOf = (kinds: readonly string[]): string =>
  [...new Set(kinds)]
    .sort()
    .map((kind) => `${kind} ${kinds.filter((one) => one === kind).length}`)
    .join(', ');

describe('calls of Windows', needs(POWERSHELL), () => {
  let labs: PowerShellLabs | null = null;
  afterAll(async () => labs?.close());
  const at = <T>(yaml: string, work: (lab: PowerShellLab) => Promise<T>): Promise<T> =>
    (labs ??= powershellLabs()).with(yaml, work);

  async function callsFor(lab: PowerShellLab, op: ReadOp, args: object): Promise<string[]> {
    const before = lab.cmdlets().length;
    await askOf(lab.host('HV1'))(op, args);
    return lab.cmdlets().slice(before).flatMap(kindOf);
  }

  it.each([
    ['1 VM', scenario(1)],
    ['40 VMs', scenario(40)],
    ['Storage Spaces Direct', scenario(1, 'storage: { direct: true }')],
    ['a job for updates', scenario(1, 'updates: [{ kb: KB5000001 }]')],
  ])('are those that the costs of the lab say, with %s', (_, yaml) =>
    at(yaml, async (lab) => {
      const node = nodeOf(lab.lab.world, 'HV1');
      const offered = (await lab.host('HV1').readUpdates({})).facts.updates;
      if (offered.length > 0)
        await lab
          .host('HV1')
          .downloadUpdates({ ids: offered.map(({ id }) => id), acceptEula: true });
      const other: string[] = [];
      for (const [op, each] of Object.entries(LOOKS) as [ReadOp, object[]][])
        for (const args of each) {
          const told = countOf(callsOf(lab.lab.world, node, op, args).map(({ kind }) => kind));
          const made = countOf(await callsFor(lab, op, args));
          if (made !== told) other.push(`${op} ${JSON.stringify(args)}: ${made}, not ${told}`);
        }
      expect(other).toEqual([]);
    }),
  );

  it.each(SIZES)('are three at most for one VM of %i, idle, moving, or of no role', (vms) =>
    at(scenario(vms), async (lab) => {
      const most = async (op: ReadOp, id: string): Promise<void> => {
        expect((await callsFor(lab, op, { vmId: id })).length, op).toBeLessThanOrEqual(3);
      };
      await most('readVm', vmId);
      await most('readRole', vmId);
      await most('readRole', NOBODY);
      await lab.host('HV1').startMove({ vmId, node: 'HV2' });
      lab.pass(4);
      const { facts } = await lab.host('HV1').readRole({ vmId });
      expect(facts?.move).toMatchObject({ phase: 'migrating', target: 'HV2' });
      await most('readRole', vmId);
    }),
  );
});
