// Two versions of watari at once, as in the middle of an upgrade: real workers of both on one real server. Runs are at
// most delayed, never broken, and the command says what is the matter instead of waiting.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { isTriedAgain } from '../../client/runs/failing-task.ts';
import { clusterQueue, runId } from '../../domain/names.ts';
import { installation, type Installation } from '../support/installation.ts';
import { handleOf, TEST_BUDGETS, type Handle } from '../support/lab-cluster.ts';
import { realCluster, type RealCluster } from '../support/real-cluster.ts';
import { waitFor } from '../../proof/rig/waiting.ts';
import { killAll } from '../support/processes.ts';
import { endsWithTest } from '../support/ends.ts';

const MIGRATE = 'workflows/migrate-vm.ts';
const BEFORE_SLOT = "  const turn = patched('turns') ? new OwnTurn(calls) : undefined;\n";
const PATCH = 'look-once-more';
/** The next version looks once more before it waits for a slot, and knows that older runs did not. */
const LOOKS_ONCE_MORE = [
  {
    file: MIGRATE,
    from: "import type { Calls } from './calls.ts';",
    to: "import * as sdk from '@temporalio/workflow';\nimport type { Calls } from './calls.ts';",
  },
  {
    file: MIGRATE,
    from: BEFORE_SLOT,
    to: `    if (sdk.patched('${PATCH}')) {
      await calls.onCluster({ summary: 'Look once more' }).viewCluster();
    }
${BEFORE_SLOT}`,
  },
];
/** An earlier version, which had neither. */
const LACKS_TWO = ['migrate-vm', 'inspect-cluster'].map((file) => {
  const name = file.replace(/-(\w)/, (_, letter: string) => letter.toUpperCase());
  return {
    file: 'workflows/index.ts',
    from: `export { ${name} } from './${file}.ts';\n`,
    to: '',
  };
});

const SCENARIO = `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB, dirtyRate: 50MB/s }
  - { name: web-2, owner: HV1, memory: 8GB, dirtyRate: 50MB/s }
`;
/** Not a possible owner: the run waits for a person. */
const REFUSED = { on: 'startMove', times: 'always', error: { hresult: '0x80071398' } };
const STEP = 'vm/web-2/move';

const ends = endsWithTest();
const install = async (...args: Parameters<typeof installation>): Promise<Installation> => {
  const made = await installation(...args);
  ends(() => {
    made.remove();
  });
  ends(killAll);
  return made;
};

/** A failed task is tried again when its time is over: two seconds here, ten by default. */
async function migrate(cluster: RealCluster, vm: string): Promise<Handle> {
  const { cluster: name, client } = cluster;
  const handle = await client.workflow.start('migrateVm', {
    workflowId: runId.migrate(name, vm),
    taskQueue: clusterQueue(name),
    workflowTaskTimeout: '2s',
    args: [{ cluster: name, vm, startedBy: 'test@e2e', budgets: TEST_BUDGETS }],
  });
  return handleOf(handle);
}

const parked = (run: Handle): Promise<unknown> =>
  run.until('the move to need a person', (s) => s.state === 'needs-operator');

async function eventsOf(run: Handle) {
  const { events } = await run.raw.fetchHistory();
  return events ?? [];
}
const tookTheNewWay = async (run: Handle): Promise<boolean> =>
  (await eventsOf(run)).some((e) => e.markerRecordedEventAttributes?.markerName === 'core_patch');

describe('workers of two versions', () => {
  it('leave each other’s runs whole: one goes on with the newer, the other waits for it', async () => {
    const newer = await install('0.2.0', LOOKS_ONCE_MORE);
    // Today's version is the old one here: the lab runs it on HV2, this test on HV1.
    const c = ends(
      await realCluster({ temporal: inject('temporal'), scenario: SCENARIO, workers: ['HV2'] }),
    );
    const { cluster, labUrl, env } = c;
    const start = (node: string) => newer.worker({ cluster, labUrl, env, node });
    const old = c.watari('worker', 'start', '--node', 'HV1', '--lab', labUrl);
    await c.control({ action: 'add-fault', fault: REFUSED });
    const first = await migrate(c, 'web-1');
    await parked(first);

    // The upgrade: both nodes, one after the other.
    await old.kill('SIGTERM');
    const newOnes = [start('HV1')];
    await c.control({ action: 'stop-workers' });
    newOnes.push(start('HV2'));
    const second = await migrate(c, 'web-2');
    await parked(second);
    expect(await tookTheNewWay(second)).toBe(true);
    await c.control({ action: 'clear-faults' });
    await first.decide({ step: 'vm/web-1/move', action: 'retry' });
    expect(await first.result()).toMatchObject({ changed: true, to: 'HV2' });
    expect(await tookTheNewWay(first)).toBe(false);
    expect(await c.effects('move-started', 'web-1')).toHaveLength(1);

    // And back: the newer workers die, one of the old version is what there is.
    await Promise.all(newOnes.map((one) => one.kill()));
    await c.control({ action: 'start-workers' });
    const log = path.join(c.folder, 'worker-HV2.log');
    await waitFor(
      'the old worker to serve again',
      () => fs.readFileSync(log, 'utf8').split('serves cluster').length === 3,
    );
    const show = async (): Promise<string> => {
      const command = c.watari('run', 'show', second.id);
      await command.ended;
      return (command.stdout() + command.stderr()).replace(/\s+/g, ' ');
    };
    expect(await show()).toContain('the worker that was asked is of another version of watari');
    const retry = c.watari('run', 'retry', second.id);
    expect(await retry.ended).toBe(1);
    expect(retry.stderr()).toMatch(
      /does not say which step waits; .* of another version of watari/,
    );
    const decision = { step: STEP, action: 'retry', reason: 'owners set', by: 'ito@HV1' };
    await second.raw.signal('decide', decision);
    await waitFor('the old worker to fail', async () => isTriedAgain(await second.raw.describe()));
    expect(await show()).toMatch(
      /program fails and is tried again and again: the worker of HV2 is of another version/,
    );
    expect(await c.effects('move-started', 'web-2')).toEqual([]);

    // The upgrade again. Nobody decides a second time, and nothing happens twice.
    await c.control({ action: 'stop-workers' });
    for (const node of ['HV1', 'HV2']) start(node);
    expect(await second.result()).toMatchObject({ changed: true, to: 'HV2' });
    expect(await c.effects('move-started', 'web-2')).toHaveLength(1);
    const failures = (await eventsOf(second)).flatMap((e) =>
      e.workflowTaskFailedEventAttributes == null ? [] : [e.workflowTaskFailedEventAttributes],
    );
    expect(failures.map((f) => f.identity?.split('/')[0])).toEqual(['HV2']);
    expect(failures[0]?.failure?.message).toContain('TMPRL1100');
  });
});

describe('a command that is newer than the workers', () => {
  it('says so within seconds, and a script that watches is not kept waiting', async () => {
    const older = await install('0.0.9', LACKS_TWO);
    const c = ends(
      await realCluster({ temporal: inject('temporal'), scenario: SCENARIO, workers: ['HV2'] }),
    );
    await c.control({ action: 'stop-workers' });
    const { cluster, labUrl, env } = c;
    const workers = ['HV1', 'HV2'].map((node) => older.worker({ cluster, labUrl, env, node }));
    await waitFor(
      'the older workers to serve',
      () => workers.every((one) => one.stderr().includes('serves cluster')),
      { saw: () => workers.map((one) => one.stderr()).join('\n') },
    );
    const run = await migrate(c, 'web-1');
    const started = performance.now();
    const seconds = (): number => (performance.now() - started) / 1000;
    const [look, watch] = [c.watari('cluster', 'show'), c.watari('run', 'watch', run.id)];
    await waitFor(
      'the watching command to say why nothing happens',
      () => watch.stdout().includes('has no migrateVm'),
      { saw: () => watch.stdout() + watch.stderr() },
    );
    expect(await look.ended).toBe(1);
    expect(seconds()).toBeLessThan(20);
    expect(look.stderr()).toMatch(
      /cannot look: the worker of HV\d is of a version of watari that has no inspectCluster/,
    );
    expect(await watch.ended).toBe(4);
    expect(seconds()).toBeLessThan(45);
    expect(watch.stderr()).toMatch(/stands still: the worker of HV\d is of a version .* migrateVm/);
    expect(watch.stderr()).toContain('Nothing is lost');
    await run.raw.terminate('the test is over');
  });
});
