// What the PowerShell module makes of a node that is not as a healthy one is: services that still start, a privilege
// that is off, features that wait for a restart. On the lab's stand-ins of the Windows modules.
import { afterAll, describe, expect, it } from 'vitest';
import { nodeOf } from '../../lab/machine/world.ts';
import { needs, POWERSHELL } from '../support/needs.ts';
import { errorOf } from './expecting.ts';
import { powershellLabs, type PowerShellLabs } from './powershell-worlds.ts';

const scenario = (more = ''): string => `
cluster: nodes
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], bootSeconds: 20, shutdownSeconds: 5, serviceSeconds: 60 }
  - { name: HV2, memory: 64GB }
${more}`;

describe('the PowerShell module on a node', needs(POWERSHELL), () => {
  let labs: PowerShellLabs | null = null;
  const given = () => (labs ??= powershellLabs());
  afterAll(async () => labs?.close());

  it.each(['0x80041062', '0x80070522'])(
    'restarts by shutdown.exe where WMI lacks the privilege (%s)',
    async (hresult) => {
      const error = `{ hresult: '${hresult}', message: 'Privilege not held.' }`;
      await given().with(
        scenario(`faults: [{ on: restartNode, node: HV2, times: always, error: ${error} }]`),
        async ({ lab, host }) => {
          const { boot } = (await host('HV2').readBoot({})).facts;
          const { facts, cmdlets } = await host('HV2').restartNode({ ifBoot: boot, reason: 'why' });
          expect(facts).toEqual({ changed: true, boot });
          expect(cmdlets).toContain(`Restart-Machine -Reason 'why'`);
          const asked = lab.effects().filter((e) => e.kind === 'restart-requested');
          expect(asked).toMatchObject([{ node: 'HV2', detail: 'why' }]);
        },
      );
    },
  );

  it('says that Hyper-V does not answer yet while its service starts, and tells the boot', async () => {
    await given().with(scenario(), async ({ lab, host, pass }) => {
      const before = (await host('HV1').readBoot({})).facts.boot;
      lab.crash('HV1');
      pass(21);
      const states = (await host('HV1').readServices({ names: ['vmms', 'ClusSvc'] })).facts;
      expect(states.map((one) => one.state)).toEqual(['Starting', 'Starting']);
      const info = await errorOf(host('HV1').readVms({}));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'HyperVNotReady' });
      expect((await host('HV1').readBoot({})).facts.boot).not.toBe(before);
      expect((await host('HV1').readHost({})).facts.vmVersions).toEqual([]);
      pass(60);
      expect((await host('HV1').readVms({})).facts).toEqual([]);
    });
  });

  it('sees a running VM by its process while Hyper-V does not answer', async () => {
    const vm = `virtualMachines: [{ name: solo, owner: HV1, memory: 4GB, clustered: false, disks: ['D:\\solo.vhdx'] }]`;
    await given().with(scenario(vm), async ({ lab, host }) => {
      const { boot } = (await host('HV1').readBoot({})).facts;
      nodeOf(lab.world, 'HV1').services = 'Starting';
      const info = await errorOf(host('HV1').restartNode({ ifBoot: boot, reason: '' }));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'NodeNotDrained' });
    });
  });

  it('asks for a restart and installs nothing while a removal waits for one', async () => {
    await given().with(scenario(), async ({ lab, host }) => {
      nodeOf(lab.world, 'HV2').features.set('BitLocker', 'UninstallPending');
      const names = ['BitLocker'];
      expect((await host('HV2').readFeatures({ names })).facts).toEqual([
        { name: 'BitLocker', state: 'UninstallPending' },
      ]);
      const { facts } = await host('HV2').installFeatures({ names });
      expect(facts).toEqual({ changed: false, restartNeeded: true });
    });
  });

  it('keeps the code with which Windows does not let the drives of a node rest', async () => {
    const error = `{ hresult: '0x8007139F', message: 'Not healthy.' }`;
    const faults = `storage: { direct: true }\nfaults: [{ on: setStorageMaintenance, error: ${error} }]`;
    await given().with(scenario(faults), async ({ host }) => {
      const info = await errorOf(host('HV1').setStorageMaintenance({ node: 'HV2', on: true }));
      expect(info).toMatchObject({ errorId: 'StorageNotHealthy', hresult: '0x8007139F' });
    });
  });
});
