// As large as a cluster may be: all 64 nodes are emptied and restarted, one after the other, in the simulator and to
// the end. What is promised holds all the time, and nothing that the server keeps grows beyond what Temporal takes.
import path from 'node:path';
import { expect, it } from 'vitest';
import { clusterQueue, runId } from '../../domain/names.ts';
import type { Effect } from '../../lab/machine/records.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import { Random } from '../../proof/rig/random.ts';
import type { ServerRun } from '../../proof/sim/temporal/server-run.ts';
import { watchedCluster } from '../../proof/sim/watched-cluster.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithTest } from '../support/ends.ts';
import { payloadBytes } from '../support/payloads.ts';

const ends = endsWithTest();

const NODES = Array.from({ length: 64 }, (_, i) => `HV${i + 1}`);
const VMS_PER_NODE = 16;
const LIMIT = 4;
const EVENTS_MAX = 10_000;
const PAYLOAD_BYTES_MAX = 256 * 1000;
const WEEK = 7 * 24 * 3600;

const scenario = scenarioSchema.parse({
  cluster: 'sim',
  maximumParallelMigrations: LIMIT,
  nodes: NODES.map((name) => ({
    ...{ name, memory: '512GB', switches: ['LAN'], features: ['Hyper-V'] },
    ...{ liveMigration: { enabled: true }, migrationNetwork: '10Gbps', bootSeconds: 120 },
  })),
  virtualMachines: NODES.flatMap((owner) =>
    Array.from({ length: VMS_PER_NODE }, (_, i) => ({
      ...{ name: `${owner.toLowerCase()}-${i + 1}`, owner, memory: '4GB' },
    })),
  ),
});

/** Nodes that were paused at a time. */
function mostAway(effects: readonly Effect[]): number {
  const away = new Set<string>();
  return effects.reduce((most, { kind, subject }) => {
    if (kind === 'node-paused') away.add(subject);
    if (kind === 'node-resumed') away.delete(subject);
    return Math.max(most, away.size);
  }, 0);
}

it('a rolling maintenance of 64 nodes comes to its end', async () => {
  const host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
  // Every rule looks on: limits, paused nodes, VMs that must not stop.
  const { c } = watchedCluster({ scenario, host, random: new Random(1), lookEveryMs: 2000 });
  ends(() => c.stop());
  const run = c.server.start({
    type: 'maintainCluster',
    id: runId.campaign('sim'),
    queue: clusterQueue('sim'),
    input: { cluster: 'sim', startedBy: 'test', action: { kind: 'restart' } },
  });
  expect(await c.until(() => run?.state !== 'open', WEEK)).toBe(true);
  expect(run?.result).toMatchObject({ failed: [], skipped: [] });
  expect((run?.result as { maintained: string[] }).maintained.toSorted()).toEqual(NODES.toSorted());
  expect(c.violations).toEqual([]);
  expect(mostAway(c.lab.effects())).toBe(1);
  expect(c.lab.state().nodes.every(({ state }) => state === 'Up')).toBe(true);
  const kept = (one: ServerRun) => ({
    type: one.type,
    events: one.events.length,
    bytes: Math.max(0, ...payloadBytes(one.events)),
  });
  const sizes = c.runs().map(kept);
  expect(Math.max(...sizes.map(({ bytes }) => bytes))).toBeGreaterThan(10_000);
  for (const { type, events, bytes } of sizes) {
    expect(events, type).toBeLessThan(EVENTS_MAX);
    expect(bytes, type).toBeLessThan(PAYLOAD_BYTES_MAX);
  }
});
