// A crash anywhere loses nothing and repeats nothing: real processes, kill -9, and the lab's log of effects as judge.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import {
  realCluster,
  runnerOf,
  type RealCluster,
  type RealClusterOptions,
} from '../support/real-cluster.ts';
import { killPid, waitForOutput } from '../../proof/rig/processes.ts';
import { serverOnFile } from '../../proof/rig/servers.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { endsWithTest, temporaryFolder } from '../support/ends.ts';

const ends = endsWithTest();

const THREE = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, liveMigration: { enabled: true } }
  - { name: HV3, memory: 64GB, switches: [LAN], bootSeconds: 60, installSeconds: 20 }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 32GB, dirtyRate: 50MB/s }
`;
/** Shorter than the default of 10 s, so that the move outlives the adoption by far. */
const HEARTBEAT_SECONDS = 3;

const cluster = async (options: Partial<RealClusterOptions> = {}): Promise<RealCluster> =>
  ends(await realCluster({ temporal: inject('temporal'), scenario: THREE, ...options }));

/** Past 40 % by the lab's own account. */
const movedTo = (c: RealCluster, percent: number) =>
  waitFor(
    `the move at ${percent} %`,
    async () => {
      const [move] = (await c.state()).moves;
      return move !== undefined && move.percent >= percent ? move : undefined;
    },
    { everyMs: 20 },
  );

/** Until the second worker of the node serves, by its log. */
const servesAgain = (c: RealCluster, node: string): Promise<unknown> =>
  waitFor(`the worker of ${node} to serve again`, () => {
    const log = fs.readFileSync(path.join(c.folder, `worker-${node}.log`), 'utf8');
    return log.split('serves cluster').length === 3;
  });

describe('kill -9', () => {
  it('of the worker that runs a move at 40 %: another node adopts it, one move, no stop', async () => {
    const c = await cluster({ speed: 0.9 });
    const id = runId.migrate(c.cluster, 'web-1');
    const startedAt = Date.now();
    const run = await c.start('migrateVm', id, {
      vm: 'web-1',
      budgets: { heartbeatSeconds: HEARTBEAT_SECONDS },
    });
    await waitFor('a worker to take the move', () => runnerOf(c.client, id, 'moveVm'));
    // What the server and a worker need for something like it; seconds on a busy machine.
    const takenMs = Date.now() - startedAt;
    await movedTo(c, 40);
    const victim = await waitFor('the worker that runs the move', () =>
      runnerOf(c.client, id, 'moveVm'),
    );
    await killPid(victim.pid);
    const killedAt = Date.now();
    const heir = await waitFor(
      'the move to be adopted',
      async () => {
        const now = await runnerOf(c.client, id, 'moveVm');
        return now !== undefined && now.attempt === 2 && now.pid !== victim.pid ? now : undefined;
      },
      { everyMs: 50 },
    );
    const adoptedMs = Date.now() - killedAt;
    expect(adoptedMs).toBeLessThan(HEARTBEAT_SECONDS * 1000 + Math.max(5_000, takenMs));
    expect(heir.pid).not.toBe(victim.pid);
    expect(await run.result()).toMatchObject({ changed: true, to: 'HV2' });
    expect(await c.effects('move-started', 'web-1')).toHaveLength(1);
    expect(await c.effects('vm-stopped')).toHaveLength(0);
    expect(await c.effects('vm-restarted')).toHaveLength(0);
    expect((await run.step('vm/web-1/move')).evidence).toMatchObject({ how: 'adopted' });
  });

  it('of the Temporal server: on the same file the run finishes, no effect twice', async () => {
    const folder = temporaryFolder('watari-own-', ends);
    const { cliPath } = inject('temporal');
    let server = await serverOnFile({ cliPath, folder });
    ends(() => server.stop());
    const c = await cluster({ temporal: server, speed: 50 });
    const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV3'), {
      node: 'HV3',
      restarts: 'allowed',
    });
    await waitFor(
      'the node to restart',
      async () => (await c.effects('restart-requested', 'HV3')).length === 1,
    );
    await killPid(server.pid);
    const port = Number(server.address.split(':')[1]);
    server = await serverOnFile({ cliPath, folder, port });
    expect(await run.result()).toMatchObject({ restarted: true });
    expect(await c.effects('restart-requested', 'HV3')).toHaveLength(1);
    expect(await c.effects('feature-installed', 'Hyper-V')).toHaveLength(1);
  });

  it('of the watching client: the run goes on and run watch picks it up again', async () => {
    const c = await cluster({ speed: 4 });
    const first = c.watari('vm', 'migrate', 'web-1');
    await waitForOutput(first, /vm\/web-1\/move/);
    await first.kill();
    const again = c.watari('run', 'watch', 'vm/web-1/migrate');
    expect(await again.ended, again.stdout() + again.stderr()).toBe(0);
    expect(again.stdout()).toContain('vm/web-1/verify');
    expect(await c.effects('move-started', 'web-1')).toHaveLength(1);
  });
});

describe('kill -9 of the worker that is at work for a campaign', () => {
  const FLEET = `
autoBalancer: { mode: 2, intervalSeconds: 864000 }
nodes:
${['HV1', 'HV2', 'HV3']
  .map(
    (name) =>
      `  - { name: ${name}, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, liveMigration: { enabled: true } }`,
  )
  .join('\n')}
virtualMachines:
${[1, 2, 3].map((n) => `  - { name: web-${n}, owner: HV1, memory: 16GB, dirtyRate: 20MB/s }`).join('\n')}
`;
  const budgets = { heartbeatSeconds: HEARTBEAT_SECONDS };
  const modeOf = async (c: RealCluster) => (await c.state()).cluster.autoBalancerMode;

  it('in a drain: others see its moves through, each VM moves once and none stops', async () => {
    const c = await cluster({ scenario: FLEET, speed: 10 });
    const id = runId.campaign(c.cluster);
    const run = await c.start('drainNodes', id, { nodes: ['HV1'], budgets });
    await movedTo(c, 20);
    const victim = await waitFor('the worker that runs a move', () =>
      runnerOf(c.client, id, 'moveVm'),
    );
    await killPid(victim.pid);
    expect(await run.result()).toMatchObject({ paused: { HV1: 'us' }, left: [] });
    for (const n of [1, 2, 3]) expect(await c.effects('move-started', `web-${n}`)).toHaveLength(1);
    expect(await c.effects('vm-stopped')).toHaveLength(0);
    expect(await c.effects('node-paused')).toHaveLength(1);
    expect((await c.state()).vms.map((vm) => vm.owner)).not.toContain('HV1');
    expect(await modeOf(c)).toBe(2);
  });

  it('in a maintenance: the node restarts once, all nodes come back, and no VM stops', async () => {
    const c = await cluster({ scenario: FLEET, speed: 20 });
    const child = runId.maintain(c.cluster, 'HV1');
    const run = await c.start('maintainCluster', runId.campaign(c.cluster), {
      ...{ nodes: ['HV1', 'HV2'], action: { kind: 'restart' }, budgets },
    });
    await movedTo(c, 20);
    const victim = await waitFor('the worker that runs a move', () =>
      runnerOf(c.client, child, 'moveVm'),
    );
    await killPid(victim.pid);
    expect(await run.result()).toMatchObject({ maintained: ['HV1', 'HV2'], failed: [] });
    for (const node of ['HV1', 'HV2'])
      expect(await c.effects('restart-requested', node)).toHaveLength(1);
    expect(await c.effects('vm-stopped')).toHaveLength(0);
    expect((await c.state()).nodes.map((n) => n.state)).toEqual(['Up', 'Up', 'Up']);
    expect(await modeOf(c)).toBe(2);
  });
});

describe('a node', () => {
  it('that runs the very run which restarts it: the run goes on when it is back, one restart', async () => {
    const c = await cluster({ workers: ['HV3'] });
    const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV3'), {
      node: 'HV3',
      restarts: 'allowed',
    });
    expect(await run.result()).toMatchObject({ changed: true, restarted: true });
    expect(await c.effects('restart-requested', 'HV3')).toHaveLength(1);
    expect(await c.effects('node-down', 'HV3')).toHaveLength(1);
  });

  it('that never comes back: the step says so, and run retry finishes the run once it is on', async () => {
    const c = await cluster({ scenario: `${THREE}faults: [{ on: bootFails, node: HV3 }]\n` });
    const id = runId.prepare(c.cluster, 'HV3');
    const run = await c.start('prepareNode', id, {
      node: 'HV3',
      restarts: 'allowed',
      budgets: { restartSeconds: 4, retrySeconds: 0.1, heartbeatSeconds: 3 },
    });
    await run.until('the step to need a person', (s) => s.state === 'needs-operator');
    const show = c.watari('run', 'show', id);
    await show.ended;
    expect(show.stdout()).toContain('NodeDidNotReturn');
    expect(show.stdout()).toContain('run retry');
    const power = c.watari('lab', 'power-on', 'HV3', '--url', c.labUrl);
    expect(await power.ended, power.stderr()).toBe(0);
    // Or its time might be up once more.
    await servesAgain(c, 'HV3');
    const retry = c.watari('run', 'retry', id, '--reason', 'plugged in again');
    expect(await retry.ended, retry.stderr()).toBe(0);
    expect(await run.result()).toMatchObject({ restarted: true });
    expect(await c.effects('restart-requested', 'HV3')).toHaveLength(1);
  });
});
