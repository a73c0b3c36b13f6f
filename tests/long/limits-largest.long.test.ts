// The largest cluster that watari takes, with the longest names and paths of the widest script, on the simulated
// server: everything that its runs say is far from Temporal's limits, which tests/long/temporal-limits.long.test.ts
// provokes.
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CLUSTER_FILE_LIMITS } from '../../config/cluster-file.ts';
import { HISTORY_FULL } from '../../domain/bounded.ts';
import { clusterQueue, runId, type WorkflowName } from '../../domain/names.ts';
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import {
  isCommandEvent,
  type EventKind,
  type HistoryEvent,
} from '../../proof/sim/temporal/history.ts';
import { Random } from '../../proof/rig/random.ts';
import type { ServerRun } from '../../proof/sim/temporal/server-run.ts';
import { SimCluster } from '../../proof/sim/sim-cluster.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll } from '../support/ends.ts';

const MB = 1024 ** 2;
const VALUE_MAX = 2 * MB;
const MESSAGE_MAX = 4 * MB;
const WIDE = '\u3042';
const NODES = CLUSTER_FILE_LIMITS.nodes.max;
const VMS = CLUSTER_FILE_LIMITS.virtualMachines.max;

/** A cluster may hold more than its file names. */
const LAB_VMS = 900;

/** Ends with its number and is as long as it may be. */
const long = (begin: string, chars: number, i: number, fill = WIDE): string =>
  begin + String(i).padStart(chars - begin.length, fill);
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const node = (i: number): string => long('NODE', 15, i, '0');
const vm = (i: number): string => long('vm', 100, i);
const disk = (i: number): string => `${long('C:\\ClusterStorage\\Volume1\\', 254, i)}.vhdx`;

const SPEC: ClusterSpec = {
  cluster: 'c'.repeat(15),
  nodes: numbers(NODES).map(node),
  liveMigration: {
    simultaneousMigrations: 2,
    simultaneousStorageMigrations: 2,
    performance: 'SMB',
  },
  virtualMachines: numbers(VMS).map((i) => ({
    name: vm(i),
    memoryBytes: 2 ** 29,
    vhd: disk(i),
    switch: 'LAN',
    generation: 2 as const,
    node: null,
  })),
  prove: [],
  memoryReserveBytes: 0,
  budgets: DEFAULT_BUDGETS,
};

const scenario = scenarioSchema.parse({
  cluster: SPEC.cluster,
  nodes: SPEC.nodes.map((name) => ({
    name,
    memory: '2TB',
    features: ['Hyper-V'],
    switches: ['LAN'],
    liveMigration: { enabled: true },
  })),
  virtualMachines: numbers(LAB_VMS).map((i) => ({
    name: vm(i),
    owner: node((i % NODES) + 1),
    memory: '512MB',
    notes: WIDE.repeat(5000),
  })),
  disks: numbers(VMS).map(disk),
});

const ends = endsWithAll();
let host: WorkflowHost;
let c: SimCluster;
beforeAll(async () => {
  host = ends(await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js')));
  c = ends(new SimCluster({ scenario, host, random: new Random(1), lookEveryMs: 1000 }));
});

async function runOf(type: WorkflowName, id: string, input: object): Promise<ServerRun> {
  const queue = clusterQueue(SPEC.cluster);
  const run = c.server.start({ type, id, queue, input: { startedBy: 'test', ...input } });
  if (run === undefined) throw new Error(`${id} is under way`);
  expect(await c.until(() => run.state !== 'open', 3600)).toBe(true);
  return run;
}

const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Every payload below a value, in bytes. */
function payloads(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return [];
  // Those that the workflow made are of another realm, so that instanceof does not know them.
  if ('data' in value && ArrayBuffer.isView(value.data)) return [value.data.byteLength];
  return Object.values(value).flatMap(payloads);
}
const total = (sizes: number[]): number => sizes.reduce((sum, size) => sum + size, 0);

/** What each task of the run asked for, all together: one message to the server. */
function messages(events: readonly HistoryEvent[]): number[] {
  const sizes: number[] = [];
  for (const event of events) {
    if (event.kind === 'workflowTaskCompleted') sizes.push(0);
    else if (isCommandEvent(event))
      sizes[sizes.length - 1] = (sizes.at(-1) ?? 0) + total(payloads(event.a));
  }
  return sizes;
}

function sizesOf(run: ServerRun) {
  const values = run.events.flatMap((event) => payloads(event.a));
  return {
    value: Math.max(...values),
    message: Math.max(...messages(run.events)),
    history: total(values),
    events: run.events.length,
    status: bytes(run.cached?.status() ?? run.lastStatus),
  };
}

/** How many of these had begun and not ended at the same moment. */
function atOnce(run: ServerRun, begun: EventKind, ended: RegExp): number {
  let now = 0;
  let most = 0;
  for (const { kind } of run.events) {
    if (kind === begun) now += 1;
    else if (ended.test(kind)) now -= 1;
    most = Math.max(most, now);
  }
  return most;
}

/** Far from the end of a run, with room for all that may come. */
function expectClear(run: ServerRun): void {
  const sizes = sizesOf(run);
  expect(sizes.value).toBeLessThan(VALUE_MAX);
  expect(sizes.status).toBeLessThan(VALUE_MAX / 4);
  expect(sizes.message).toBeLessThan(MESSAGE_MAX * 0.8);
  expect(sizes.history).toBeLessThan(HISTORY_FULL.bytes * 0.8);
  expect(sizes.events).toBeLessThan(HISTORY_FULL.events / 10);
  const ended = /^activityTask(Completed|Failed|TimedOut|Canceled)$/;
  expect(atOnce(run, 'activityTaskScheduled', ended)).toBeLessThanOrEqual(NODES);
}

describe('in a cluster of 64 nodes and 900 VMs, 500 of them in the file, with the longest names', () => {
  const { cluster, nodes } = SPEC;

  it('doctor stays clear of every limit', async () => {
    const run = await runOf('doctor', runId.doctor(cluster), { cluster, nodes, wanted: SPEC });
    expect(run.result).toMatchObject({ blockers: 0 });
    expectClear(run);
  });

  it('a look that is too large for one result is refused in words, whatever the script', async () => {
    const look = { cluster, nodes };
    const files = SPEC.virtualMachines.map(({ vhd }) => vhd);
    for (const input of [look, { ...look, files }]) {
      const id = runId.inspect(cluster, 'files' in input ? 'plan' : 'show');
      const run = await runOf('inspectCluster', id, input);
      expect(run.failure?.message).toMatch(/is too large to be looked at in one piece: \d{4} KB/);
      expectClear(run);
    }
  });

  it('apply stays clear of every limit', async () => {
    const input = { spec: SPEC, restarts: 'allowed' };
    const run = await runOf('applyCluster', runId.apply(cluster), input);
    expect(run.result).toMatchObject({ changed: true });
    expectClear(run);
  });

  it('a move stays as small as in any cluster', async () => {
    const run = await runOf('migrateVm', runId.migrate(cluster, vm(1)), { cluster, vm: vm(1) });
    expect(run.result).toMatchObject({ changed: true });
    expectClear(run);
    expect(sizesOf(run).history).toBeLessThan(200_000);
  });
});
