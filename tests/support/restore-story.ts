// A backup in the middle of runs, the story that every kind of database must survive: three runs are under way when it
// is taken, all go on, a fourth begins and ends; then the older state is put back, and nothing may happen a second
// time.
import { expect } from 'vitest';
import { runId } from '../../domain/names.ts';
import type { Effect } from '../../lab/machine/records.ts';
import { TEST_BUDGETS, type Handle } from './lab-cluster.ts';
import { realCluster, type RealCluster } from './real-cluster.ts';
import { waitFor } from '../../proof/rig/waiting.ts';

/** A server whose state can be taken and put back; it has the same address all the time. */
export interface Restorable {
  address: string;
  namespace: string;
  backup(cluster: RealCluster): Promise<void>;
  /** Workers are stopped when this is called. The server runs again when it resolves. */
  restore(cluster: RealCluster): Promise<void>;
}

const SCENARIO = `
nodes:
  - { name: HV1, memory: 128GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 128GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV3, memory: 64GB, switches: [LAN], bootSeconds: 6, shutdownSeconds: 3, installSeconds: 3 }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 85GB, dirtyRate: 50MB/s }
  - { name: db-1, owner: HV1, memory: 4GB, dirtyRate: 50MB/s }
  - { name: app-1, owner: HV2, memory: 4GB, dirtyRate: 50MB/s }
maximumParallelMigrations: 2
faults: [{ on: bootFails, node: HV3 }]
`;
/** Refused for good, until the faults are cleared. */
const REFUSED = { on: 'startMove', vm: 'db-1', times: 'always', error: { hresult: '0x80071398' } };
/** The wait for a node's return must outlast the restore: a wait whose time is up asks a person. */
const budgets = { ...TEST_BUDGETS, restartSeconds: 300 };

interface Underway {
  /** Waits for a person. */
  parked: Handle;
  /** Its node is down, until somebody switches it on. */
  restarting: Handle;
  /** Its VM is on the way. */
  moving: Handle;
}

/** @param speed of the lab: the move of 40 simulated seconds must outlast the backup. */
export async function surviveRestore(server: Restorable, speed: number): Promise<void> {
  const { address, namespace } = server;
  const c = await realCluster({ temporal: { address, namespace }, scenario: SCENARIO, speed });
  try {
    const runs = await threeUnderway(c);
    await server.backup(c);
    await c.control({ action: 'power-on', node: 'HV3' });
    await goOn(c, runs);
    const forgotten = await c.start('migrateVm', runId.migrate(c.cluster, 'app-1'), {
      vm: 'app-1',
      budgets,
    });
    await forgotten.result();
    const before = await c.effects();
    expect(kinds(before, 'move-started')).toEqual(['app-1', 'db-1', 'web-1']);
    expect(kinds(before, 'restart-requested')).toEqual(['HV3']);

    await c.control({ action: 'stop-workers' });
    await server.restore(c);
    // All three were in the middle when the backup was taken.
    for (const run of Object.values(runs) as Handle[]) {
      expect((await run.raw.describe()).status.name).toBe('RUNNING');
    }
    await c.control({ action: 'start-workers' });

    await expect(forgotten.raw.describe()).rejects.toThrow(/not found/i);
    await goOn(c, runs);
    expect((await c.effects()).slice(before.length)).toEqual([]);
    expect((await runs.moving.step('vm/web-1/move')).attempt).toBe(1);
  } finally {
    await c.stop();
  }
}

async function threeUnderway(c: RealCluster): Promise<Underway> {
  await c.control({ action: 'add-fault', fault: REFUSED });
  const start = (vm: string) =>
    c.start('migrateVm', runId.migrate(c.cluster, vm), { vm, to: 'HV2', budgets });
  const parked = await start('db-1');
  const id = runId.prepare(c.cluster, 'HV3');
  const restarting = await c.start('prepareNode', id, {
    node: 'HV3',
    restarts: 'allowed',
    budgets,
  });
  await parked.until('the move of db-1 to need a person', (s) => s.state === 'needs-operator');
  await waitFor(
    'HV3 to go down for its restart',
    async () => (await c.effects('node-down', 'HV3')).length === 1,
  );
  const moving = await start('web-1');
  await waitFor(
    'web-1 to be on the way',
    async () => (await c.state()).moves[0]?.phase === 'data-transfer',
  );
  return { parked, restarting, moving };
}

/** From where they are, to their ends. */
async function goOn(c: RealCluster, { parked, restarting, moving }: Underway): Promise<void> {
  await parked.until('the move of db-1 to need a person', (s) => s.state === 'needs-operator');
  await c.control({ action: 'clear-faults' });
  await parked.decide({ step: 'vm/db-1/move', action: 'retry', reason: 'owner set' });
  expect(await parked.result()).toMatchObject({ vm: 'db-1', to: 'HV2' });
  expect(await moving.result()).toMatchObject({ vm: 'web-1', from: 'HV1', to: 'HV2' });
  expect(await restarting.result()).toMatchObject({ node: 'HV3', restarted: true });
}

const kinds = (effects: readonly Effect[], kind: string): string[] =>
  effects
    .filter((effect) => effect.kind === kind)
    .map((effect) => effect.subject)
    .sort();
