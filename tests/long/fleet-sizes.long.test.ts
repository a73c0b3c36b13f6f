// A drain of as many VMs as a node of a large cluster has, on a real server: its history, its largest value and its
// status stay far below what Temporal takes.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster } from '../support/lab-cluster.ts';
import { payloadBytes } from '../support/payloads.ts';

const ends = endsWithTest();
const KB = 1000;
const NODES = ['HV1', 'HV2', 'HV3'];
const VMS = 64;

const SCENARIO = `
autoBalancer: { mode: 0, intervalSeconds: 864000 }
maximumParallelMigrations: 8
nodes:
${NODES.map((name) => `  - { name: ${name}, memory: 1024GB, features: [Hyper-V], switches: [LAN], migrationNetwork: 10Gbps, liveMigration: { enabled: true } }`).join('\n')}
virtualMachines:
${Array.from({ length: VMS }, (_, n) => `  - { name: app-server-${n}, owner: HV1, memory: 4GB, dirtyRate: 10MB/s }`).join('\n')}
`;

describe('a drain of 64 VMs', () => {
  it(
    'takes some dozens of events for each, and nothing in it is large',
    { timeout: 600_000 },
    async () => {
      const c = ends(
        await labCluster({ temporal: inject('temporal'), scenario: SCENARIO, speed: 20 }),
      );
      const run = await c.start('drainNodes', runId.campaign(c.cluster), { nodes: ['HV1'] });
      await run.result();
      for (const id of [runId.campaign(c.cluster), runId.moves(c.cluster)]) {
        const { events } = await c.client.workflow.getHandle(id).fetchHistory();
        const values = (events ?? []).flatMap(payloadBytes);
        expect(events?.length).toBeLessThan(VMS * 60 + 500);
        expect(Math.max(...values)).toBeLessThan(64 * KB);
        expect(values.reduce((sum, size) => sum + size, 0)).toBeLessThan(2000 * KB);
      }
      const status = await run.status();
      expect(status.steps.length).toBeGreaterThan(VMS);
      expect(JSON.stringify(status).length).toBeLessThan(128 * KB);
    },
  );
});
