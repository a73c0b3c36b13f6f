// How many calls of Windows an operation makes, whatever the size of the cluster: calls are what takes time there, and
// a test of the time would say how busy this computer is. On the lab's stand-ins of the Windows modules.
import { afterAll, describe, expect, it } from 'vitest';
import { askOf, type OpArgs, type ReadOp } from '../../hyperv/host.ts';
import { callsOf } from '../../lab/machine/costs.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { powershellLabs, type PowerShellLab, type PowerShellLabs } from './powershell-worlds.ts';

const SIZES = [1, 40];
const vmId = '11111111-1111-4111-8111-111111111111';
const NOBODY = '99999999-9999-4999-8999-999999999999';

/** The first VM is the one that is asked about. */
const scenario = (vms: number): string => `
cluster: calls
nodes:
  - { name: HV1, memory: 256GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 256GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
virtualMachines:
  - { name: db-1, id: ${vmId}, owner: HV1, memory: 8GB }
${Array.from({ length: vms - 1 }, (_, i) => `  - { name: vm-${i}, owner: HV1, memory: 1GB }`).join('\n')}
`;

const LOOKS: { [K in ReadOp]?: OpArgs<K>[] } = {
  readHost: [{}],
  readBoot: [{}],
  readServices: [{ names: ['vmms'] }],
  readFeatures: [{ names: ['Hyper-V'] }],
  readSwitches: [{}],
  readMigrationSettings: [{}],
  readVms: [{}],
  readVm: [{ vmId }],
  readVmStorage: [{}],
  readMovesAway: [{}],
  readCluster: [{}],
  readNodes: [{}],
  readNetworks: [{}],
  readSharedVolumes: [{}],
  readRoles: [{}, { owners: true }],
  readRole: [{ vmId }, { vmId, owners: true }],
};

describe('calls of Windows', needs(POWERSHELL), () => {
  let labs: PowerShellLabs | null = null;
  afterAll(async () => labs?.close());
  const at = <T>(vms: number, work: (lab: PowerShellLab) => Promise<T>): Promise<T> =>
    (labs ??= powershellLabs()).with(scenario(vms), work);

  async function callsFor(lab: PowerShellLab, op: ReadOp, args: object): Promise<string[]> {
    const before = lab.cmdlets().length;
    await askOf(lab.host('HV1'))(op, args);
    return lab.cmdlets().slice(before);
  }

  it.each(SIZES)('are as many as the costs of the lab say, with %i VMs', (vms) =>
    at(vms, async (lab) => {
      for (const [op, each] of Object.entries(LOOKS) as [ReadOp, object[]][])
        for (const args of each) {
          const calls = await callsFor(lab, op, args);
          expect(calls, `${op} ${JSON.stringify(args)}`).toHaveLength(callsOf(op, args).length);
        }
    }),
  );

  it.each(SIZES)('are three at most for one VM of %i, idle, moving, or of no role', (vms) =>
    at(vms, async (lab) => {
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
