// What only time brings, by a clock that a test can let run: a maintenance is stopped between two nodes when its window
// closes and goes on by itself when that opens again, and the order of moves ends when nobody wants anything.
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { clusterQueue, runId, type WorkflowName } from '../../domain/names.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import { Random } from '../../proof/rig/random.ts';
import type { SimCluster } from '../../proof/sim/sim-cluster.ts';
import type { ServerRun } from '../../proof/sim/temporal/server-run.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { watchedCluster } from '../../proof/sim/watched-cluster.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll } from '../support/ends.ts';

const ends = endsWithAll();
let host: WorkflowHost;
beforeAll(async () => {
  host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
});

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const node = (name: string) => ({
  ...{ name, memory: '64GB', switches: ['LAN'], features: ['Hyper-V'] },
  ...{ liveMigration: { enabled: true }, bootSeconds: 180 },
});

/** Three nodes and a VM, and every rule looks on. */
function world(updates: readonly object[] = []): SimCluster {
  const scenario = scenarioSchema.parse({
    cluster: 'sim',
    nodes: ['HV1', 'HV2', 'HV3'].map(node),
    virtualMachines: [{ name: 'web-1', owner: 'HV2', memory: '4GB' }],
    updates,
  });
  const { c } = watchedCluster({ scenario, host, random: new Random(1), lookEveryMs: 1000 });
  ends(() => c.stop());
  return c;
}

function start(c: SimCluster, type: WorkflowName, id: string, input: object): ServerRun {
  const common = { cluster: 'sim', startedBy: 'test' };
  const run = c.server.start({
    type,
    id,
    queue: clusterQueue('sim'),
    input: { ...common, ...input },
  });
  if (run === undefined) throw new Error(`${id} did not start`);
  return run;
}

/** The first node is long at work when the window closes: what has begun is brought to its end. */
const ACTIONS = [
  { action: { kind: 'restart' }, updates: [] },
  {
    action: { kind: 'updates', choice: {} },
    updates: [{ kb: 'KB5070001', revision: 5000, downloadSeconds: 30, installSeconds: 300 }],
  },
];

it.each(ACTIONS)(
  'a maintenance begins no node when its window has closed, and goes on the next day when it opens: $action.kind',
  async ({ action, updates }) => {
    const c = world(updates);
    const began = c.clock.now();
    // Long enough for the first node to begin, and too short for it to end.
    const closes = Math.ceil(began / MINUTE) * MINUTE + 2 * MINUTE;
    const opens = closes - 60 * MINUTE;
    const at = (ms: number): string => new Date(ms).toISOString().slice(11, 16);
    const window = `${at(opens)}-${at(closes)} UTC`;
    const run = start(c, 'maintainCluster', runId.campaign('sim'), { action, window });
    const begun = (): { node: string; at: number }[] =>
      c.lab
        .effects()
        .filter((e) => e.kind === 'node-paused')
        .map((e) => ({ node: e.node, at: Date.parse(e.at) }));
    const waits = () => run.status()?.waitingFor ?? '';
    expect(await c.until(() => waits().includes('the maintenance window'), 3600)).toBe(true);
    expect(begun()).toMatchObject([{ node: 'HV3' }]);
    expect(c.lab.state().nodes.map((n) => n.state)).toEqual(['Up', 'Up', 'Up']);
    expect(waits()).toContain(new Date(opens + DAY).toISOString());
    expect(await c.until(() => run.state !== 'open', 2 * 86_400)).toBe(true);
    expect(run.result).toMatchObject({ maintained: ['HV3', 'HV2', 'HV1'], failed: [] });
    const [first, ...others] = begun();
    expect(first?.at).toBeLessThan(closes);
    expect(others).toHaveLength(2);
    for (const other of others) expect(other.at).toBeGreaterThanOrEqual(opens + DAY);
    expect(c.violations).toEqual([]);
  },
);

it('a maintenance that is paused for a week does nothing meanwhile, and goes on when it is resumed', async () => {
  const c = world();
  const run = start(c, 'maintainCluster', runId.campaign('sim'), {
    action: { kind: 'restart' },
    pauseAfterEach: true,
  });
  for (const done of [1, 2]) {
    expect(await c.until(() => run.status()?.paused !== undefined, 3600)).toBe(true);
    const effects = c.lab.effects().length;
    const events = run.events.length;
    expect(await c.until(() => run.state !== 'open', 7 * 86_400)).toBe(false);
    expect(c.lab.effects()).toHaveLength(effects);
    // A wait costs no history, however long it is.
    expect(run.events.length - events).toBeLessThan(5);
    expect(c.lab.effects().filter(({ kind }) => kind === 'restart-requested')).toHaveLength(done);
    c.server.update(run.id, { action: 'resume', by: 'ito', reason: '' }, () => undefined);
    expect(await c.until(() => run.status()?.paused === undefined, 60)).toBe(true);
  }
  expect(await c.until(() => run.state !== 'open', 3600)).toBe(true);
  expect(run.result).toMatchObject({ maintained: ['HV3', 'HV2', 'HV1'] });
  expect(c.violations).toEqual([]);
});

it('the order of moves stays for a minute after the last one, and ends', async () => {
  const c = world();
  const run = start(c, 'migrateVm', runId.migrate('sim', 'web-1'), { vm: 'web-1', to: 'HV1' });
  expect(await c.until(() => run.state === 'completed', 600)).toBe(true);
  const moves = c.server.find(runId.moves('sim'));
  expect(await c.until(() => moves?.state !== 'open', 50)).toBe(false);
  expect(await c.until(() => moves?.state === 'completed', 70)).toBe(true);
});
