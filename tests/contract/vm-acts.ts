// Contract of the acting operations about virtual machines and their roles.
import { describe, expect, it } from 'vitest';
import type { CreateVmRequest } from '../../hyperv/host.ts';
import { errorOf, freshWorld, NOBODY, request, roleNamed, vmNamed } from './expecting.ts';
import { FREE_DISKS, GIGABYTE, VOLUME, type MakeWorld } from './world.ts';

export function describeVmActs(makeWorld: MakeWorld): void {
  describe('creating a VM', () => {
    const given = freshWorld(makeWorld);

    it('creates it switched off, as asked, marked with the request', async () => {
      const { facts } = await given.world.host('HV1').createVm(request());
      expect(facts.changed).toBe(true);
      expect(facts.vm).toMatchObject({
        name: 'new-1',
        state: 'Off',
        memoryStartupBytes: 4 * GIGABYTE,
        generation: 2,
        switches: ['LAN'],
        disks: [FREE_DISKS[0]],
        clustered: false,
        notes: 'watari:req-1',
      });
      expect(await vmNamed(given.world, 'HV1', 'new-1')).toEqual(facts.vm);
    });

    it('finds it by name, without case, instead of creating another', async () => {
      const host = given.world.host('HV1');
      const first = await host.createVm(request());
      const again = await host.createVm(request({ name: 'NEW-1', requestId: 'req-2' }));
      expect(again.facts).toEqual({ changed: false, vm: first.facts.vm });
      expect(await given.world.count('vm-created', 'new-1')).toBe(1);
    });

    it('creates one when asked twice at once', async () => {
      const host = given.world.host('HV1');
      const both = await Promise.all([1, 2].map(() => host.createVm(request())));
      expect(both.map((reply) => reply.facts.changed).sort()).toEqual([false, true]);
      expect(new Set(both.map((reply) => reply.facts.vm.id)).size).toBe(1);
      expect(await given.world.count('vm-created', 'new-1')).toBe(1);
    });

    it('leaves the adapter unconnected when no switch is asked for', async () => {
      const { facts } = await given.world.host('HV1').createVm(request({ switch: null }));
      expect(facts.vm.switches).toEqual([null]);
    });

    const refusals: [string, Partial<CreateVmRequest>, object][] = [
      ['a VHD that is not there', { vhd: `${VOLUME}\\none.vhdx` }, { errorId: 'DiskMissing' }],
      ['a VHD named by a wildcard', { vhd: `${VOLUME}\\new-*.vhdx` }, { errorId: 'BadRequest' }],
      ['the VHD of a VM that runs here', { vhd: `${VOLUME}\\db-1.vhdx` }, { errorId: 'DiskInUse' }],
      ['the VHD of a VM that is off', { vhd: `${VOLUME}\\lone-1.vhdx` }, { errorId: 'DiskInUse' }],
      ['a local VHD', { vhd: 'D:\\VMs\\new-1.vhdx' }, { errorId: 'BadRequest' }],
      ['a VHD set', { vhd: `${VOLUME}\\new-1.vhds` }, { errorId: 'BadRequest' }],
      ['an odd size of memory', { memoryBytes: GIGABYTE + 1 }, { errorId: 'BadRequest' }],
      ...[
        'a/b',
        '..\\..\\x',
        'web: front',
        '*',
        '"quoted"',
        'a; b | c',
        ' a',
        'a ',
        'a.',
        '..',
      ].map((name): [string, Partial<CreateVmRequest>, object] => [
        `the name '${name}', which no folder can have`,
        { name },
        { errorId: 'BadRequest' },
      ]),
      ...['CON', 'nul.txt', 'Com1', 'lpt¹', 'aux .x'].map(
        (name): [string, Partial<CreateVmRequest>, object] => [
          `the name '${name}' of a device`,
          { name },
          { errorId: 'BadRequest' },
        ],
      ),
      ['a switch that is not there', { switch: 'WAN' }, { errorId: 'SwitchMissing' }],
      ['a switch named by a wildcard', { switch: 'L*' }, { errorId: 'SwitchMissing' }],
    ];
    it.each(refusals)('refuses %s and creates nothing', async (_what, changes, signs) => {
      const info = await errorOf(given.world.host('HV1').createVm(request(changes)));
      expect(info).toMatchObject({ op: 'createVm', outcome: 'refused', ...signs });
      expect((await given.world.host('HV1').readVms({})).facts.length).toBe(3);
    });

    it('does not choose between two VMs of one name', async () => {
      const info = await errorOf(given.world.host('HV2').createVm(request({ name: 'TWIN' })));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'AmbiguousVm' });
    });

    it('cannot create a VM without Hyper-V', async () => {
      const info = await errorOf(given.world.host('HV3').createVm(request()));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'HyperVMissing' });
    });

    it.each(["O'Brien", '$(Restart-Computer)', '`$env`', 'a; b & c', '[ab]', '仮想マシン 1'])(
      'takes the name %s as data',
      async (name) => {
        const { world } = given;
        const { facts } = await world.host('HV1').createVm(request({ name }));
        expect(facts).toMatchObject({ changed: true, vm: { name } });
        const again = await world.host('HV1').createVm(request({ name }));
        expect(again.facts).toEqual({ changed: false, vm: facts.vm });
        expect((await world.host('HV1').readVms({})).facts.length).toBe(4);
        const removed = await world.host('HV1').removeVm({ vmId: facts.vm.id, requestId: 'req-1' });
        expect(removed.facts.changed).toBe(true);
        expect((await world.host('HV1').readVms({})).facts.length).toBe(3);
      },
    );

    it('takes a path of quotes, brackets and Japanese as data', async () => {
      const vhd = FREE_DISKS[3] ?? '';
      const { facts } = await given.world.host('HV1').createVm(request({ vhd }));
      expect(facts.vm.disks).toEqual([vhd]);
    });

    it.each(['', 'two\nlines', 'tab\t', 'null\u0000'])('refuses the name %j', async (name) => {
      const info = await errorOf(given.world.host('HV1').createVm(request({ name })));
      expect(info.outcome).toBe('refused');
      expect((await given.world.host('HV1').readVms({})).facts.length).toBe(3);
    });
  });

  describe('removing a VM', () => {
    const given = freshWorld(makeWorld);

    it('removes what the request created, once', async () => {
      const host = given.world.host('HV1');
      const { vm } = (await host.createVm(request())).facts;
      const a = { vmId: vm.id, requestId: 'req-1' };
      expect((await host.removeVm(a)).facts).toEqual({ changed: true });
      expect((await host.removeVm(a)).facts).toEqual({ changed: false });
      expect(await given.world.count('vm-removed', 'new-1')).toBe(1);
    });

    it('leaves the disk where it is', async () => {
      const host = given.world.host('HV1');
      const { vm } = (await host.createVm(request())).facts;
      await host.removeVm({ vmId: vm.id, requestId: 'req-1' });
      const { facts } = await host.readDiskFiles({ paths: vm.disks });
      expect(facts.every((file) => file.exists)).toBe(true);
    });

    it('does not touch a VM of somebody else', async () => {
      const host = given.world.host('HV1');
      const lone = await vmNamed(given.world, 'HV1', 'lone-1');
      const info = await errorOf(host.removeVm({ vmId: lone.id, requestId: 'req-1' }));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'VmNotOurs' });
      const { vm } = (await host.createVm(request())).facts;
      await errorOf(host.removeVm({ vmId: vm.id, requestId: 'req' }));
      expect((await host.readVms({})).facts.length).toBe(4);
    });

    it('does not touch a VM that is a role or runs', async () => {
      const { world } = given;
      const host = world.host('HV1');
      const { vm } = (await host.createVm(request())).facts;
      await host.addRole({ vmId: vm.id, name: 'new-1' });
      const a = { vmId: vm.id, requestId: 'req-1' };
      expect((await errorOf(host.removeVm(a))).errorId).toBe('VmClustered');
      await host.startRole({ vmId: vm.id });
      await world.pass(60);
      await host.removeRole({ vmId: vm.id });
      expect((await errorOf(host.removeVm(a))).errorId).toBe('VmNotOff');
      expect((await vmNamed(world, 'HV1', 'new-1')).state).toBe('Running');
    });
  });

  describe('whose a VM is', () => {
    it.each([
      ['web #CLUSTER-INVARIANT#:{1} watari:req-1', true],
      ['watari:req-1\n#CLUSTER-INVARIANT#:{1}', true],
      ['made by watari:req-1.', true],
      ['watari:req-12', false],
      ['watari:req-1-2', false],
      ['watari:req-1.5', false],
      ['mywatari:req-1', false],
      ['WATARI:REQ-1', false],
    ])('notes of %j are its own: %s', async (notes, changed) => {
      const world = await makeWorld({ vms: { 'lone-1': { notes } } });
      try {
        const { id: vmId } = await vmNamed(world, 'HV1', 'lone-1');
        const removal = world.host('HV1').removeVm({ vmId, requestId: 'req-1' });
        if (changed) expect((await removal).facts).toEqual({ changed });
        else expect((await errorOf(removal)).errorId).toBe('VmNotOurs');
      } finally {
        await world.close();
      }
    });
  });

  describe('roles', () => {
    const given = freshWorld(makeWorld);

    it('registers a VM as a role, once', async () => {
      const { world } = given;
      const host = world.host('HV1');
      const { vm } = (await host.createVm(request())).facts;
      const both = await Promise.all(
        [1, 2].map(() => host.addRole({ vmId: vm.id, name: 'new-1' })),
      );
      expect(both.map((reply) => reply.facts.changed).sort()).toEqual([false, true]);
      expect(await roleNamed(world, 'new-1')).toMatchObject({
        vmId: vm.id,
        owner: 'HV1',
        state: 'Offline',
      });
      expect((await vmNamed(world, 'HV1', 'new-1')).clustered).toBe(true);
      expect(await world.count('role-added', 'new-1')).toBe(1);
    });

    it('registers only a VM of this node', async () => {
      const lone = await vmNamed(given.world, 'HV1', 'lone-1');
      for (const vmId of [lone.id, NOBODY]) {
        const info = await errorOf(given.world.host('HV2').addRole({ vmId, name: 'x' }));
        expect(info).toMatchObject({ outcome: 'refused', errorId: 'VmNotFound' });
      }
    });

    it('refuses a name that another role has', async () => {
      const host = given.world.host('HV1');
      const lone = await vmNamed(given.world, 'HV1', 'lone-1');
      const info = await errorOf(host.addRole({ vmId: lone.id, name: 'DB-1' }));
      expect(info).toMatchObject({ outcome: 'refused', hresult: '0x80071392' });
    });

    it('removes a role and leaves the VM', async () => {
      const { world } = given;
      const { id: vmId } = await vmNamed(world, 'HV1', 'db-1');
      expect((await world.host('HV2').removeRole({ vmId })).facts).toEqual({ changed: true });
      expect((await world.host('HV2').removeRole({ vmId })).facts).toEqual({ changed: false });
      expect(await vmNamed(world, 'HV1', 'db-1')).toMatchObject({
        clustered: false,
        state: 'Running',
      });
    });

    it('starts the VM by bringing its role online, from any node', async () => {
      const { world } = given;
      const { vm } = (await world.host('HV1').createVm(request())).facts;
      await world.host('HV1').addRole({ vmId: vm.id, name: 'new-1' });
      expect((await world.host('HV2').startRole({ vmId: vm.id })).facts).toEqual({ changed: true });
      expect((await world.host('HV2').startRole({ vmId: vm.id })).facts).toEqual({
        changed: false,
      });
      await world.pass(60);
      expect((await roleNamed(world, 'new-1')).state).toBe('Online');
      const running = await vmNamed(world, 'HV1', 'new-1');
      expect(running).toMatchObject({ state: 'Running', heartbeat: 'Ok' });
      expect(running.uptimeSeconds).toBeLessThanOrEqual(60);
      expect((await world.host('HV1').startRole({ vmId: vm.id })).facts).toEqual({
        changed: false,
      });
      expect(await world.count('role-started', 'new-1')).toBe(1);
    });

    it('saves the VM by taking its role offline, never turns it off', async () => {
      const { world } = given;
      const { id: vmId } = await vmNamed(world, 'HV1', 'db-1');
      expect((await world.host('HV2').stopRole({ vmId })).facts).toEqual({ changed: true });
      await world.pass(60);
      expect((await world.host('HV2').stopRole({ vmId })).facts).toEqual({ changed: false });
      expect((await roleNamed(world, 'db-1')).state).toBe('Offline');
      expect((await vmNamed(world, 'HV1', 'db-1')).state).toBe('Saved');
    });

    it.each(['startRole', 'stopRole', 'cancelMove'] as const)(
      '%s of a VM that is no role says so',
      async (op) => {
        const { world } = given;
        const { id: vmId } = await vmNamed(world, 'HV1', 'lone-1');
        const info = await errorOf(world.host('HV1')[op]({ vmId }));
        expect(info).toMatchObject({ op, outcome: 'refused', errorId: 'RoleMissing' });
      },
    );
  });
}
