// A node that crashes between the first look at it and the installation: the restart that the installation needs is still
// asked for, once. Found by a soak (seed 2026).
import { afterAll, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { labCluster, type LabCluster } from '../support/lab-cluster.ts';

let c: LabCluster | undefined;
afterAll(() => c?.stop());

it('asks for the restart of the boot that owes it, not of the one that was seen first', async () => {
  let crashes = 0;
  c = await labCluster({
    temporal: inject('temporal'),
    scenario: `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30 }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30 }
  - { name: HV3, memory: 64GB, switches: [LAN], bootSeconds: 30, installSeconds: 10 }
`,
    disturb: (host) => ({
      ...host,
      installFeatures: (args) => {
        crashes += 1;
        if (crashes === 1) c?.lab.crash(host.node);
        return host.installFeatures(args);
      },
    }),
  });
  const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV3'), {
    node: 'HV3',
    restarts: 'allowed',
  });
  await run.until('the run to end', (status) => status.endedAt !== null, 30_000);
  expect(await run.result()).toMatchObject({ node: 'HV3', restarted: true });
  expect(c.count('restart-requested', 'HV3')).toBe(1);
  expect(c.count('node-down', 'HV3')).toBe(2);
});
