// What migrateVm makes of a cluster that changes between the choice of a node and the move: moves of others, nodes that
// leave or run full, VMs that restart, and roles that are named otherwise than their VM.
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster, type Handle, type LabCluster } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const host = (name: string, memory: string): string =>
  `  - { name: ${name}, memory: ${memory}, features: [Hyper-V], switches: [LAN], migrationNetwork: 1Gbps, liveMigration: { enabled: true } }`;

const cluster = async (scenario: string, speed = 20): Promise<LabCluster> =>
  ends(await labCluster({ temporal: inject('temporal'), scenario, speed }));

const migrate = (c: LabCluster, vm: string, input: object = {}): Promise<Handle> =>
  c.start('migrateVm', runId.migrate(c.cluster, vm), { vm, ...input });

const ask = (c: LabCluster, op: 'startMove' | 'cancelMove', name: string, node = 'HV3'): void => {
  const role = c.lab.state().roles.find((r) => r.name === name);
  if (role === undefined) throw new Error(`no role ${name}`);
  const { vmId } = role;
  if (op === 'startMove') c.lab.call('HV1', op, { vmId, node });
  else c.lab.call('HV1', op, { vmId });
};

/** One slot, which a move of `blocker` holds; HV2 is the choice for db-1. */
const BLOCKED = `
maximumParallelMigrations: 1
nodes:
${host('HV1', '128GB')}
${host('HV2', '64GB')}
${host('HV3', '128GB')}
virtualMachines:
  - { name: db-1, owner: HV1, memory: 16GB, dirtyRate: 20MB/s, preferredOwners: [HV2] }
  - { name: blocker, owner: HV1, memory: 8GB, dirtyRate: 300MB/s }
  - { name: eater, owner: HV3, memory: 48GB, dirtyRate: 1MB/s }
`;

const waitingForSlot = (run: Handle) =>
  run.until('the run to wait for a slot', (s) =>
    s.steps.some((step) => step.id.endsWith('/slot') && step.state === 'running'),
  );

describe('a move that is under way', () => {
  it('is adopted: its target is the choice, and the ranking says why', async () => {
    const c = await cluster(`
nodes:
${host('HV1', '64GB')}
${host('HV2', '32GB')}
${host('HV3', '256GB')}
virtualMachines:
  - { name: db-1, owner: HV1, memory: 16GB, dirtyRate: 20MB/s }
`);
    ask(c, 'startMove', 'db-1', 'HV2');
    const run = await migrate(c, 'db-1');
    expect(await run.result()).toMatchObject({ from: 'HV1', to: 'HV2' });
    expect(c.count('move-started')).toBe(1);
    const choose = await run.step('vm/db-1/choose');
    expect(choose.evidence).toMatchObject({ target: 'HV2' });
    const [best] = choose.evidence['ranking'] as { node: string; reasons: { code: string }[] }[];
    expect(best?.node).toBe('HV2');
    expect(best?.reasons.map((r) => r.code)).toContain('under-way');
  });
});

describe('what watari chose itself', () => {
  it.each(['paused', 'full', 'gone'])(
    'is chosen anew when the node is %s by the time of the move',
    async (how) => {
      const c = await cluster(BLOCKED);
      ask(c, 'startMove', 'blocker');
      const run = await migrate(c, 'db-1');
      await waitingForSlot(run);
      if (how === 'paused') c.lab.call('HV1', 'pauseNode', { node: 'HV2' });
      if (how === 'gone') c.lab.crash('HV2');
      // What holds more than the slot: the memory that is left on HV2 is not enough for db-1 any more.
      if (how === 'full') {
        c.lab.call('HV2', 'configureCluster', { maximumParallelMigrations: 2 });
        ask(c, 'startMove', 'eater', 'HV2');
      } else ask(c, 'cancelMove', 'blocker');
      expect(await run.result()).toMatchObject({ to: 'HV3' });
      expect(c.count('move-failed', 'db-1')).toBeLessThanOrEqual(1);
      // While it waited for its turn, or by what the look at the move's begin has found.
      const [slot, move] = [await run.step('vm/db-1/slot'), await run.step('vm/db-1/move')];
      expect(
        `${String(slot.evidence['chosenAnew'])} ${String(move.evidence['chosenAnew'])}`,
      ).toMatch(how === 'full' ? /HV3, since HV2/ : /HV2: /);
    },
  );

  it('spreads VMs that choose at once over the nodes that can hold them, and asks nobody', async () => {
    const names = ['vm-1', 'vm-2', 'vm-3', 'vm-4', 'vm-5', 'vm-6'];
    const c = await cluster(
      `
maximumParallelMigrations: 2
nodes:
${host('HV1', '128GB')}
${host('HV2', '64GB')}
${host('HV3', '60GB')}
virtualMachines:
${names.map((name) => `  - { name: ${name}, owner: HV1, memory: 16GB }`).join('\n')}
`,
      60,
    );
    const runs = await Promise.all(names.map((name) => migrate(c, name)));
    const results = (await Promise.all(runs.map((run) => run.result()))) as { to: string }[];
    expect(results.map((r) => r.to).sort()).toEqual(['HV2', 'HV2', 'HV2', 'HV3', 'HV3', 'HV3']);
    expect(c.count('move-finished')).toBe(6);
  });
});

describe('a VM that restarted before its move', () => {
  it('is told as that, and the move is compared with what was when it began', async () => {
    const c = await cluster(BLOCKED);
    ask(c, 'startMove', 'blocker');
    const run = await migrate(c, 'db-1');
    await waitingForSlot(run);
    const { vmId } = c.lab.state().roles.find((r) => r.name === 'db-1')!;
    c.lab.call('HV1', 'stopRole', { vmId });
    c.lab.call('HV1', 'startRole', { vmId });
    await waitFor('db-1 to run', () =>
      c.lab.state().vms.some((vm) => vm.id === vmId && vm.state === 'Running'),
    );
    ask(c, 'cancelMove', 'blocker');
    expect(await run.result()).toMatchObject({ to: 'HV2' });
    const step = await run.step('vm/db-1/move');
    expect(step.evidence['restartedBefore']).toContain('restarted before this move began');
  });
});

describe('a role that is named otherwise than its VM', () => {
  it.each(['web-1', 'SCVMM web-1 Resources', '11111111-1111-4111-8111-111111111111'])(
    'is found by %s',
    async (word) => {
      const c = await cluster(`
nodes:
${host('HV1', '64GB')}
${host('HV2', '64GB')}
virtualMachines:
  - { name: web-1, id: 11111111-1111-4111-8111-111111111111, role: SCVMM web-1 Resources, owner: HV1, memory: 4GB }
  - { name: other, owner: HV1, memory: 4GB }
`);
      const run = await migrate(c, word);
      expect(await run.result()).toMatchObject({ from: 'HV1', to: 'HV2' });
      expect(c.count('move-finished')).toBe(1);
    },
  );
});
