// The order of moves on a real server: moves that start together spread and never are too many, persons go before what
// runs do by themselves, and neither a ledger nor a run that is ended by force leaves anybody waiting.
import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, inject, it } from 'vitest';
import { clusterQueue, LEDGER_WORKFLOW, runId } from '../../domain/names.ts';
import { TURN_SIGNALS, type TurnNews } from '../../domain/turn-messages.ts';
import type { Asked } from '../../domain/turns.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import type { MigrateVmResult } from '../../workflows/migrate-vm.ts';
import { endsWithTest } from '../support/ends.ts';
import { labCluster, type Handle, type LabCluster } from '../support/lab-cluster.ts';

const ends = endsWithTest();

const host = (name: string, more = ''): string =>
  `  - { name: ${name}, memory: 512GB, features: [Hyper-V], switches: [LAN], migrationNetwork: 1Gbps, liveMigration: { enabled: true }${more} }`;
const vms = (owner: string, names: string[]): string =>
  names
    .map((name) => `  - { name: ${name}, owner: ${owner}, memory: 2GB, dirtyRate: 1MB/s }`)
    .join('\n');
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `vm-${i + 1}`);

const cluster = async (scenario: string, speed = 100): Promise<LabCluster> =>
  ends(await labCluster({ temporal: inject('temporal'), scenario, speed }));

const migrate = (c: LabCluster, vm: string, input: object = {}): Promise<Handle> =>
  c.start('migrateVm', runId.migrate(c.cluster, vm), { vm, ...input });

const ledger = (c: LabCluster) => c.client.workflow.getHandle(runId.moves(c.cluster));

/** The most moves that any node took part in at a time, by the lab's own log. */
function mostAtOnce(c: LabCluster): number {
  const running = new Map<string, string[]>();
  let most = 0;
  for (const { kind, subject, detail } of c.lab.effects()) {
    if (kind === 'move-started') {
      running.set(subject, (/^(\S+) -> (\S+)/.exec(detail) ?? []).slice(1));
      const at = [...running.values()].flat();
      for (const node of at) most = Math.max(most, at.filter((one) => one === node).length);
    } else if (kind.startsWith('move-')) running.delete(subject);
  }
  return most;
}

/** One slot, held by a move of somebody else for as long as the test likes. */
const BLOCKED = `
maximumParallelMigrations: 1
nodes:
${['HV1', 'HV2', 'HV3'].map((name) => host(name)).join('\n')}
virtualMachines:
  - { name: blocker, owner: HV1, memory: 200GB, dirtyRate: 1MB/s }
${vms('HV1', ['web-1', 'web-2', 'web-3'])}
`;

const byHand = (
  c: LabCluster,
  op: 'startMove' | 'cancelMove',
  name: string,
  node = 'HV2',
): void => {
  const vmId = c.lab.state().roles.find((role) => role.name === name)?.vmId ?? '';
  if (op === 'startMove') c.lab.call('HV1', op, { vmId, node });
  else c.lab.call('HV1', op, { vmId });
};

const waitsFor = (run: Handle, what: RegExp) =>
  run.until(`a wait for ${what.source}`, (s) => what.test(s.waitingFor ?? ''));

const drainOf = (c: LabCluster, vm: string, run: Asked['run']): Asked => ({
  ...{ ask: `drain-${vm}`, kind: 'drain', run, vm, from: 'HV1', memoryBytes: 1, order: 0 },
  vmId: c.lab.state().roles.find(({ name }) => name === vm)?.vmId ?? '',
  targets: [{ node: 'HV3', roomBytes: 2 ** 40 }],
});

/** Why its wants wait, as the ledger has told the run. */
async function toldTo(run: Handle): Promise<{ ask: string; why: string }[]> {
  const { events } = await run.raw.fetchHistory();
  return (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
    const [payload] = signal?.input?.payloads ?? [];
    if (signal?.signalName !== TURN_SIGNALS.turn || payload == null) return [];
    return defaultPayloadConverter.fromPayload<TurnNews>(payload).waits ?? [];
  });
}

describe('moves that start together', () => {
  it('spread over the nodes, are never too many at one, and none of them waits in the cluster', async () => {
    const names = numbered(30);
    const c = await cluster(`
maximumParallelMigrations: 2
nodes:
${['HV1', 'HV2', 'HV3', 'HV4'].map((name) => host(name)).join('\n')}
virtualMachines:
${vms('HV1', names)}
`);
    const runs = await Promise.all(names.map((name) => migrate(c, name)));
    const results = (await Promise.all(runs.map((run) => run.result()))) as MigrateVmResult[];
    const to = (node: string): number => results.filter((r) => r.to === node).length;
    expect(['HV2', 'HV3', 'HV4'].map(to).every((count) => count >= 8)).toBe(true);
    expect(c.count('move-finished')).toBe(30);
    expect(c.count('move-queued')).toBe(0);
    expect(mostAtOnce(c)).toBe(2);
  });

  it('say who holds what they wait for', async () => {
    const c = await cluster(BLOCKED, 20);
    byHand(c, 'startMove', 'blocker');
    const run = await migrate(c, 'web-1', { to: 'HV3' });
    await waitsFor(run, /a free migration slot at HV1 \(limit 1, in use by blocker\)/);
    expect(c.count('move-started', 'web-1')).toBe(0);
    byHand(c, 'cancelMove', 'blocker');
    expect(await run.result()).toMatchObject({ to: 'HV3' });
    expect(mostAtOnce(c)).toBe(1);
  });
});

describe('who comes first', () => {
  it('is a person, also before a drain that has asked earlier', async () => {
    const c = await cluster(BLOCKED, 20);
    byHand(c, 'startMove', 'blocker');
    const run = await migrate(c, 'web-2', { to: 'HV3' });
    await waitsFor(run, /in use by blocker/);
    const { runId: id } = await run.raw.describe();
    // As a drain would ask; this run is told of it.
    const asked = drainOf(c, 'web-1', { workflowId: run.id, runId: id });
    await ledger(c).signal(TURN_SIGNALS.want, [asked]);
    const person = await migrate(c, 'web-3', { to: 'HV3' });
    await waitFor('the drain to hear of the person', async () =>
      (await toldTo(run)).some(
        ({ ask, why }) => ask === asked.ask && /kept for .*web-3 .*which came first/.test(why),
      ),
    );
    byHand(c, 'cancelMove', 'blocker');
    await Promise.all([run.result(), person.result()]);
    expect(mostAtOnce(c)).toBe(1);
  });
});

describe('nobody waits for ever', () => {
  it('when the ledger is ended by force: it is made anew by those that wait', async () => {
    const c = await cluster(BLOCKED, 20);
    byHand(c, 'startMove', 'blocker');
    const run = await migrate(c, 'web-1', { to: 'HV3' });
    await waitsFor(run, /in use by blocker/);
    await ledger(c).terminate('test');
    byHand(c, 'cancelMove', 'blocker');
    expect(await run.result()).toMatchObject({ to: 'HV3' });
    expect(mostAtOnce(c)).toBe(1);
  });

  it('when a run is ended by force while it holds its turn', async () => {
    const c = await cluster(BLOCKED, 20);
    const first = await migrate(c, 'blocker', { to: 'HV2' });
    await waitFor('the first move', () => c.count('move-started', 'blocker') === 1);
    const run = await migrate(c, 'web-1', { to: 'HV3' });
    await waitsFor(run, /in use by blocker/);
    await first.raw.terminate('test');
    byHand(c, 'cancelMove', 'blocker');
    expect(await run.result()).toMatchObject({ to: 'HV3' });
  });

  it('when what it was promised is paused meanwhile: a paused node receives nothing', async () => {
    const c = await cluster(BLOCKED, 20);
    byHand(c, 'startMove', 'blocker');
    const run = await migrate(c, 'web-1');
    await waitsFor(run, /in use by blocker/);
    c.lab.call('HV1', 'pauseNode', { node: 'HV3' });
    byHand(c, 'cancelMove', 'blocker');
    expect(await run.result()).toMatchObject({ to: 'HV2' });
  });

  it('when a wait is cancelled: nobody keeps its place', async () => {
    const c = await cluster(BLOCKED, 20);
    byHand(c, 'startMove', 'blocker');
    const gone = await migrate(c, 'web-1', { to: 'HV3' });
    await waitsFor(gone, /in use by blocker/);
    await gone.raw.cancel();
    await expect(gone.result()).rejects.toThrow();
    const run = await migrate(c, 'web-2', { to: 'HV3' });
    await waitsFor(run, /in use by blocker/);
    byHand(c, 'cancelMove', 'blocker');
    expect(await run.result()).toMatchObject({ to: 'HV3' });
    expect(c.count('move-started', 'web-1')).toBe(0);
  });
});

describe('the ledger', () => {
  it('takes no harm from what it cannot read, and refuses to be started as anything else', async () => {
    const c = await cluster(BLOCKED, 20);
    byHand(c, 'startMove', 'blocker');
    const run = await migrate(c, 'web-1', { to: 'HV3' });
    await waitsFor(run, /in use by blocker/);
    await ledger(c).signal(TURN_SIGNALS.want, 'nonsense');
    await ledger(c).signal(TURN_SIGNALS.want, [{ vm: 'web-1' }]);
    await ledger(c).signal(TURN_SIGNALS.release, null);
    byHand(c, 'cancelMove', 'blocker');
    expect(await run.result()).toMatchObject({ to: 'HV3' });
    const other = await c.client.workflow.start(LEDGER_WORKFLOW, {
      workflowId: `${runId.moves(c.cluster)}/other`,
      taskQueue: clusterQueue(c.cluster),
      args: [{ cluster: c.cluster }],
    });
    await expect(other.result()).rejects.toThrow();
  });
});
