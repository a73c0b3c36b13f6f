// Contract of the operations about Storage Spaces Direct: what a node's absence does, repairs, maintenance mode.
import { describe, expect, it } from 'vitest';
import { errorOf, freshWorld } from './expecting.ts';
import type { MakeWorld } from './world.ts';

export function describeStorage(makeWorld: MakeWorld): void {
  describe('Storage Spaces Direct', () => {
    const given = freshWorld(makeWorld);
    const look = async () => (await given.world.host('HV1').readStorage({})).facts;

    it('is whole while all nodes are there', async () => {
      expect(await look()).toEqual({
        direct: true,
        virtualDisks: [{ name: 'Volume1', health: 'Healthy' }],
        pools: [{ name: 'S2D on contract', health: 'Healthy' }],
        jobs: [],
        inMaintenance: [],
      });
    });

    it('degrades when the drives of a node rest, once, and repairs itself when they are back', async () => {
      const { world } = given;
      const host = world.host('HV1');
      const rest = (on: boolean) => host.setStorageMaintenance({ node: 'hv2', on });
      expect((await rest(true)).facts.changed).toBe(true);
      expect((await rest(true)).facts.changed).toBe(false);
      const resting = await look();
      expect(resting).toMatchObject({ inMaintenance: ['HV2'], jobs: [] });
      expect(resting.virtualDisks).toEqual([{ name: 'Volume1', health: 'Warning' }]);
      expect((await rest(false)).facts.changed).toBe(true);
      await world.pass(30);
      const repairing = await look();
      expect(repairing.inMaintenance).toEqual([]);
      const [job] = repairing.jobs;
      expect(job).toMatchObject({ suspended: false, bytesTotal: 20 * 2 ** 30 });
      expect(job?.bytesDone).toBeGreaterThan(0);
      expect(job?.bytesDone).toBeLessThan(20 * 2 ** 30);
      await world.pass(120);
      expect((await look()).jobs).toEqual([]);
      expect((await look()).virtualDisks[0]?.health).toBe('Healthy');
      expect(await world.count('storage-resting', 'HV2')).toBe(1);
    });

    it('refuses a rest that could take the last copy of data, and a node that it does not know', async () => {
      const { world } = given;
      const host = world.host('HV1');
      await host.setStorageMaintenance({ node: 'HV2', on: true });
      const info = await errorOf(host.setStorageMaintenance({ node: 'HV3', on: true }));
      expect(info).toMatchObject({ outcome: 'refused', errorId: 'StorageNotHealthy' });
      const unknown = await errorOf(host.setStorageMaintenance({ node: 'HV9', on: true }));
      expect(unknown).toMatchObject({ outcome: 'refused', errorId: 'BadRequest' });
    });

    it('needs the cluster', async () => {
      const { world } = given;
      await world.powerOff('HV2');
      await world.powerOff('HV3');
      expect(await errorOf(world.host('HV1').readStorage({}))).toMatchObject({
        errorId: 'ClusterUnreachable',
      });
    });
  });
}
