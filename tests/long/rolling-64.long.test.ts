// As large as a cluster may be: all 64 nodes are emptied and restarted, one after the other, in the simulator and to
// the end. What is promised holds all the time, and nothing that the server keeps grows beyond what Temporal takes.
import path from 'node:path';
import { expect, it } from 'vitest';
import { clusterQueue, runId } from '../../domain/names.ts';
import type { Effect } from '../../lab/machine/records.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import { Random } from '../../proof/rig/random.ts';
import { SimCluster } from '../../proof/sim/sim-cluster.ts';
import type { ServerRun } from '../../proof/sim/temporal/server-run.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithTest } from '../support/ends.ts';

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

/** What must not happen, as the lab's log is read. */
class Watch {
  readonly wrong: string[] = [];
  private readonly moves = new Map<string, string[]>();
  private away: string | undefined;

  see({ kind, subject, detail }: Effect): void {
    if (['vm-stopped', 'vm-saved', 'vm-restarted'].includes(kind))
      this.wrong.push(`${kind} ${subject}`);
    if (kind === 'node-paused') {
      if (this.away !== undefined) this.wrong.push(`${subject} paused beside ${this.away}`);
      this.away = subject;
    }
    if (kind === 'node-resumed') this.away = undefined;
    if (kind === 'move-started')
      this.begins(subject, /^(\S+) -> (\S+)/.exec(detail)?.slice(1) ?? []);
    else if (/^move-(finished|failed|cancelled)$/.test(kind)) this.moves.delete(subject);
  }

  private begins(vm: string, at: string[]): void {
    this.moves.set(vm, at);
    for (const node of at) {
      const many = [...this.moves.values()].filter((ends) => ends.includes(node)).length;
      if (many > LIMIT) this.wrong.push(`${many} moves at ${node}`);
    }
    if (this.away !== undefined && at[1] === this.away)
      this.wrong.push(`${vm} to ${this.away}, which is paused`);
  }
}

/** Bytes of the largest value in it. */
function largest(value: unknown): number {
  // Made in a sandbox, whose Uint8Array is another one than ours.
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((most, one) => Math.max(most, largest(one)), 0);
}

it('a rolling maintenance of 64 nodes comes to its end', async () => {
  const host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
  const watch = new Watch();
  const c = new SimCluster({
    ...{ scenario, host, random: new Random(1), lookEveryMs: 2000 },
    onEffects: (effects) => {
      for (const effect of effects) watch.see(effect);
    },
  });
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
  expect(watch.wrong).toEqual([]);
  expect(c.lab.state().nodes.every(({ state }) => state === 'Up')).toBe(true);
  const kept = (one: ServerRun) => ({
    type: one.type,
    events: one.events.length,
    bytes: largest(one.events),
  });
  const sizes = c.runs().map(kept);
  expect(Math.max(...sizes.map(({ bytes }) => bytes))).toBeGreaterThan(10_000);
  for (const { type, events, bytes } of sizes) {
    expect(events, type).toBeLessThan(EVENTS_MAX);
    expect(bytes, type).toBeLessThan(PAYLOAD_BYTES_MAX);
  }
});
