// VMs as real hosts have them and the common world has not: the module's bulk look at them, joined by their ids, and
// the look at one. On the lab's stand-ins of the Windows modules, which show templates, checkpoints and arrivals too.
import { afterAll, describe, expect, it } from 'vitest';
import type { VmFacts } from '../../domain/facts.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { request } from './expecting.ts';
import { powershellLabs, type PowerShellLab, type PowerShellLabs } from './powershell-worlds.ts';

const NAMES = ['SRV01 / Exchange', 'web: front', 'dc-2 ', '*', "it's [1]", '仮想'];
const FREE = 'C:\\ClusterStorage\\Volume1\\free.vhdx';
const VOLUME = 'C:\\ClusterStorage\\Volume1';

const scenario = (vms: object[]): string => `
cluster: vms
nodes:
  - { name: HV1, memory: 256GB, features: [Hyper-V], switches: [LAN, WAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 256GB, features: [Hyper-V], switches: [LAN, WAN], liveMigration: { enabled: true } }
disks: ['C:\\ClusterStorage\\Volume1\\free.vhdx']
virtualMachines: ${JSON.stringify(vms.map((vm) => ({ owner: 'HV1', memory: '1GB', ...vm })))}
`;

describe('VMs of a node, looked at by PowerShell', needs(POWERSHELL), () => {
  let labs: PowerShellLabs | null = null;
  afterAll(async () => labs?.close());

  const at = <T>(vms: object[], work: (lab: PowerShellLab) => Promise<T>): Promise<T> =>
    (labs ??= powershellLabs()).with(scenario(vms), work);
  const look = (vms: object[]): Promise<VmFacts[]> =>
    at(vms, async ({ host }) => (await host('HV1').readVms({})).facts);
  const one = async (vm: object): Promise<VmFacts> => (await look([{ name: 'a', ...vm }]))[0]!;

  it('are told as the lab has them, whatever they are and whatever they are called', async () => {
    const odd = [
      { tpm: true, switches: ['WAN', null, 'LAN'], heartbeat: false },
      { state: 'Saved', generation: 1, dvds: [`${VOLUME}\\setup [1].iso`], version: '9.0' },
      { passThroughDevices: ['PCIP\\VEN_10DE&DEV_"1"'], gpuPartitions: 2, switches: [] },
      { disks: [`${VOLUME}\\a.vhdx`, 'PHYSICALDRIVE3'], busy: true, notes: 'two\nlines' },
      { parents: [`${VOLUME}\\base.vhdx`], compatibilityForMigration: true, clustered: false },
      { state: 'Paused', memory: '1536MB' },
    ].map((vm, i) => ({ name: NAMES[i], ...vm }));
    await at(odd, async ({ host, lab }) => {
      const { facts } = await host('HV1').readVms({});
      const real = lab.call('HV1', 'readVms', {}).facts;
      const byId = (a: VmFacts, b: VmFacts) => a.id.localeCompare(b.id);
      expect(facts.map((vm) => vm.name).sort()).toEqual([...NAMES].sort());
      expect(facts.sort(byId)).toEqual([...real].sort(byId));
    });
  });

  it.each(['Running', 'Off', 'Saved', 'Paused'] as const)(
    'that are %s and critical are both, in the look at all and at one',
    async (state) => {
      await at([{ name: 'a', state, critical: true }], async ({ host }) => {
        const [vm] = (await host('HV1').readVms({})).facts;
        expect(vm).toMatchObject({ state, critical: true });
        const { facts } = await host('HV1').readVm({ vmId: vm!.id });
        expect(facts).toMatchObject({ state, critical: true });
      });
    },
  );

  it('keep their own disks and adapters when they have checkpoints', async () => {
    const parents = [`${VOLUME}\\base.vhdx`];
    const vm = await one({ disks: [`${VOLUME}\\a.avhdx`], parents, switches: ['WAN'] });
    expect(vm.disks).toEqual([`${VOLUME}\\a.avhdx`]);
    expect(vm.switches).toEqual(['WAN']);
  });

  it('are not told by a node that they are only on their way to', async () => {
    await at([{ name: 'a', memory: '32GB' }], async ({ host, pass }) => {
      const [vm] = (await host('HV1').readVms({})).facts;
      await host('HV1').startMove({ vmId: vm!.id, node: 'HV2' });
      pass(10);
      expect((await host('HV2').readVms({})).facts).toEqual([]);
      expect((await host('HV2').readVm({ vmId: vm!.id })).facts).toBeNull();
      expect((await host('HV1').readVms({})).facts).toHaveLength(1);
    });
  });

  it('that cannot be marked are taken back at once, and made by the next request', async () => {
    await at([{ name: 'b' }], async ({ host, lab, fail }) => {
      fail('Set-VM');
      const asked = request({ vhd: FREE });
      await expect(host('HV1').createVm(asked)).rejects.toThrow('Set-VM failed');
      expect((await host('HV1').readVms({})).facts.map((vm) => vm.name)).toEqual(['b']);
      const { facts } = await host('HV1').createVm(asked);
      expect(facts).toMatchObject({ changed: true, vm: { notes: 'watari:req-1' } });
      expect(lab.effects().filter((effect) => effect.kind === 'vm-created')).toHaveLength(2);
    });
  });

  it('share a disk when it is a VHDX made for that, not a VHD set', async () => {
    const disks = [`${VOLUME}\\a.vhdx`, `${VOLUME}\\b.vhds`];
    await at([{ name: 'a', disks, sharedDisks: true }], async ({ host }) => {
      const [storage] = (await host('HV1').readVmStorage({})).facts;
      expect(storage?.disks.map((disk) => disk.shared)).toEqual([true, false]);
    });
  });
});
