// What calls take in a lab whose scenario asks for it, through both doors; nothing where it does not.
import { describe, expect, it } from 'vitest';
import { manualClock } from '../../lab/machine/clock.ts';
import { Lab } from '../../lab/machine/lab.ts';
import { PowerShellDoor } from '../../lab/powershell/door.ts';
import { parseScenario } from '../../lab/scenario/read.ts';

const scenario = (costs: string): string => `
cluster: costs
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], bootSeconds: 10, shutdownSeconds: 0, serviceSeconds: 0 }
virtualMachines: [{ name: a, owner: HV1, memory: 1GB }, { name: b, owner: HV1, memory: 1GB }]
${costs}
`;

function labOf(costs: string) {
  const clock = manualClock();
  const lab = new Lab(parseScenario(scenario(costs), 'costs'), clock);
  const door = new PowerShellDoor(lab);
  /** Milliseconds that a promise takes on the lab's clock. */
  async function took(promise: Promise<unknown>): Promise<number> {
    const began = clock.now();
    const state = { done: false };
    const end = promise.then(() => (state.done = true));
    for (let i = 0; i < 400_000; i += 1) {
      await Promise.resolve();
      await new Promise(setImmediate);
      if (state.done) break;
      clock.advance(10);
      lab.advance();
    }
    await end;
    return clock.now() - began;
  }
  const cmdlet = (name: string, bound: Record<string, unknown> = {}): Promise<number> =>
    took(door.cmdlet({ node: 'HV1', cmdlet: name, bound }));
  return { lab, clock, cmdlet, took };
}

describe('a call of Windows', () => {
  it('takes no time in a lab that does not ask for it', async () => {
    const { lab, cmdlet, took } = labOf('');
    expect(await cmdlet('Get-ClusterNode')).toBe(0);
    expect(await cmdlet('Get-WindowsFeature')).toBe(0);
    expect(await took(lab.answer('HV1', 'readVms', {}))).toBe(0);
  });

  it.each([
    ['a cluster cmdlet', 'Get-ClusterNode', {}, 30],
    ['all VMs', 'Get-VM', {}, 200],
    ['parts of two VMs', 'Get-VMProcessor', { VMName: ['a', 'b'] }, 200],
    ['a setting of the host', 'Get-VMHost', {}, 100],
    ['a query', 'Get-CimInstance', { ClassName: 'Win32_Service' }, 200],
    ['the whole processor', 'Get-CimInstance', { ClassName: 'Win32_Processor' }, 1000],
    ['its name', 'Get-CimInstance', { ClassName: 'Win32_Processor', Property: ['Name'] }, 200],
  ])('takes what %s takes', async (_what, name, bound, ms) => {
    expect(await labOf('costs: {}').cmdlet(name, bound)).toBe(ms);
  });

  it('takes longest for the features after a boot, the first time', async () => {
    const { lab, clock, cmdlet } = labOf(
      'costs: { firstFeaturesSeconds: 9, featuresSeconds: 0.5 }',
    );
    expect(await cmdlet('Get-WindowsFeature')).toBe(500);
    lab.crash('HV1');
    clock.advance(60_000);
    lab.advance();
    expect(await cmdlet('Get-WindowsFeature')).toBe(9000);
    expect(await cmdlet('Get-WindowsFeature')).toBe(500);
  });

  it('costs a host without a module the same kind of time', async () => {
    const { lab, took } = labOf('costs: {}');
    const { id: vmId } = lab.state().vms[0]!;
    expect(await took(lab.answer('HV1', 'readVm', { vmId }))).toBe(200);
    expect(await took(lab.answer('HV1', 'readVms', {}))).toBe(2800);
    expect(await took(lab.answer('HV1', 'readRole', { vmId }))).toBe(260);
    expect(await took(lab.answer('HV1', 'readRole', { vmId, owners: true }))).toBe(350);
    expect(await took(lab.answer('HV1', 'readRoles', {}))).toBe(1000);
    expect(await took(lab.answer('HV1', 'readRoles', { owners: true }))).toBe(1400);
  });
});
