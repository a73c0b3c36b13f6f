// What a run takes back. Every acting call of every workflow that has an undo is refused once, before it has done a
// thing or after it has, and the run is aborted there. The calls are counted, not listed: a new act is refused the day
// a story has it.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterQueue, runId } from '../../domain/names.ts';
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';
import type { StepStatus } from '../../domain/status.ts';
import { HypervError, type ActOp } from '../../hyperv/host.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import { isActing } from '../../proof/sim/rules/ledger.ts';
import { Random } from '../../proof/rig/random.ts';
import type { ServerRun } from '../../proof/sim/temporal/server-run.ts';
import { SimCluster } from '../../proof/sim/sim-cluster.ts';
import { WorkflowHost } from '../../proof/sim/temporal/workflow-host.ts';
import { ROOT } from '../support/built-setup.ts';

const CLUSTER = 'back';
const VHD = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';
const VM = {
  name: 'new-1',
  memoryBytes: 2 ** 32,
  vhd: VHD,
  switch: 'LAN',
  generation: 2,
  node: 'HV1',
} as const;
const SPEC: ClusterSpec = {
  cluster: CLUSTER,
  nodes: ['HV1', 'HV2'],
  liveMigration: {
    simultaneousMigrations: 2,
    simultaneousStorageMigrations: 3,
    performance: 'SMB',
  },
  virtualMachines: [VM],
  prove: [VM.name],
  memoryReserveBytes: 2 ** 31,
  budgets: DEFAULT_BUDGETS,
};
const WEB = { name: 'web-1', owner: 'HV2', memory: '4GB' };
const FOUND = { name: VM.name, owner: 'HV1', memory: '4GB', clustered: false, disks: [VHD] };

interface Story {
  type: 'applyCluster' | 'prepareNode' | 'createVm' | 'drainNodes' | 'maintainNode';
  what: string;
  id: string;
  input: object;
  vms?: object[];
  /** Storage Spaces Direct. */
  direct?: boolean;
}

const STORIES: readonly Story[] = [
  {
    type: 'applyCluster',
    what: 'settings, a VM and its proof',
    id: runId.apply(CLUSTER),
    input: { spec: SPEC, restarts: 'allowed' },
  },
  {
    type: 'prepareNode',
    what: 'a node that holds a VM',
    id: runId.prepare(CLUSTER, 'HV2'),
    input: { node: 'HV2', features: ['BitLocker'], restarts: 'allowed' },
  },
  {
    type: 'drainNodes',
    what: 'a node of a cluster that balances by itself',
    id: runId.campaign(CLUSTER),
    input: { nodes: ['HV2'] },
  },
  {
    type: 'maintainNode',
    what: 'a node whose drives rest while it restarts',
    id: runId.maintain(CLUSTER, 'HV2'),
    input: { node: 'HV2', action: { kind: 'restart' } },
    direct: true,
  },
  { type: 'createVm', what: 'a new VM', id: runId.create(CLUSTER, VM.name), input: { vm: VM } },
  {
    type: 'createVm',
    what: 'a VM that lacks its role',
    id: runId.create(CLUSTER, VM.name),
    input: { vm: VM },
    vms: [WEB, FOUND],
  },
];

/** The n-th acting call, from 1. */
interface Refused {
  nth: number;
  when: 'before it acts' | 'after it has acted';
}

interface Told {
  calls: ActOp[];
  /** Did the refused call do anything: one that finds everything done does not. */
  acted: boolean;
  runs: readonly ServerRun[];
  /** Of the run that made the refused call: the step that waited for a person. */
  parked: { run: ServerRun; step: string } | undefined;
  before: object;
  after: object;
}

/** What watari may change and takes back. Features stay, and so does a VM where a move has brought it. */
function worldOf({ lab }: SimCluster): object {
  const { cluster, nodes, vms, roles } = lab.state();
  return {
    limit: cluster.maximumParallelMigrations,
    resting: lab.call('HV1', 'readStorage', {}).facts.inMaintenance,
    nodes: nodes.map(({ name, state }) => ({
      name,
      state,
      migration: lab.call(name, 'readMigrationSettings', {}).facts,
    })),
    vms: vms.map(({ name, clustered, state }) => ({ name, clustered, state })),
    roles: roles.map(({ name, state }) => ({ name, state })),
  };
}

const needy = (run: ServerRun): StepStatus | undefined =>
  run.state === 'open' ? run.status()?.steps.find((s) => s.state === 'needs-operator') : undefined;

/** Aborts whatever waits for a person, the innermost run first. */
async function tell(story: Story, refused?: Refused): Promise<Told> {
  const { type, id, input, vms = [WEB], direct = false } = story;
  const calls: ActOp[] = [];
  let acted = false;
  const node = { memory: '64GB', features: ['Hyper-V'], switches: ['LAN'], bootSeconds: 20 };
  const c = new SimCluster({
    scenario: scenarioSchema.parse({
      cluster: CLUSTER,
      nodes: ['HV1', 'HV2'].map((name) => ({ name, ...node, liveMigration: { enabled: true } })),
      virtualMachines: vms,
      disks: [VHD],
      storage: { direct },
      // As Windows is installed; it would balance when a run is long over.
      autoBalancer: { mode: 2, intervalSeconds: 864_000 },
    }),
    host,
    random: new Random(7),
    lookEveryMs: 1000,
    around: async (worker, op, _args, call) => {
      if (!isActing(op) || calls.push(op) !== refused?.nth) return call();
      const effects = c.lab.effects().length;
      if (refused.when === 'after it has acted') await call();
      acted = c.lab.effects().length > effects;
      const info = { op, node: worker.node, outcome: 'refused', hresult: '0x80070005' } as const;
      throw new HypervError(`${op} was refused (by the test)`, info);
    },
  });
  const before = worldOf(c);
  const common = { startedBy: 'test', ...('spec' in input ? {} : { cluster: CLUSTER }) };
  const queue = clusterQueue(CLUSTER);
  const run = c.server.start({ type, id, queue, input: { ...common, ...input } })!;
  let parked: Told['parked'];
  const isOver = (): boolean => run.state !== 'open';
  while (!isOver()) {
    expect(await c.until(() => isOver() || c.server.runs.some(needy), 7200)).toBe(true);
    const waiting = c.server.runs.findLast(needy);
    if (waiting === undefined) continue;
    const step = needy(waiting)!.id;
    parked ??= { run: waiting, step };
    const decision = { step, action: 'abort', reason: 'test', by: 'ito' } as const;
    c.server.update(waiting.id, decision, () => undefined);
    await c.until(() => needy(waiting)?.id !== step, 60);
  }
  // Moves arrive and machines start.
  await c.until(() => false, 300);
  const after = worldOf(c);
  await c.stop();
  return { calls, acted, runs: c.server.runs, parked, before, after };
}

const undoSteps = (run: ServerRun): StepStatus[] =>
  run.status()?.steps.filter(({ id }) => id.startsWith('undo/')) ?? [];
const hasChanged = ({ evidence }: StepStatus): unknown =>
  (evidence['result'] as { changed?: boolean } | null)?.changed;

let host: WorkflowHost;
const tellings: (Told & { story: Story; when: Refused['when']; at: string })[] = [];
beforeAll(async () => {
  host = await WorkflowHost.load(path.join(ROOT, 'dist', 'workflow-bundle.js'));
  for (const story of STORIES) {
    const { calls, runs } = await tell(story);
    expect(runs.map((run) => run.state)).toEqual(runs.map(() => 'completed'));
    for (const when of ['before it acts', 'after it has acted'] as const)
      for (const [i, op] of calls.entries()) {
        const told = await tell(story, { nth: i + 1, when });
        tellings.push({ ...told, story, when, at: `${op} of ${story.what}, refused ${when}` });
      }
  }
});
afterAll(() => host.close());

describe.each(STORIES)('an abort of $type: $what', (story) => {
  it.each<[string, Refused['when']]>([
    [
      'takes back what was done, by an undo that was registered before the act',
      'after it has acted',
    ],
    ['leaves alone what was not done', 'before it acts'],
  ])('%s', (_what, when) => {
    const those = tellings.filter((told) => told.story === story && told.when === when);
    expect(those).not.toHaveLength(0);
    for (const { parked, before, after, acted, at } of those) {
      expect(parked, `${at}: nothing waited for a person`).toBeDefined();
      expect(after, at).toEqual(before);
      const undo = undoSteps(parked!.run).find(({ id }) => id === `undo/${parked!.step}`);
      if (undo !== undefined) expect(hasChanged(undo), at).toBe(acted);
    }
  });
});

it('every undo of the workflows has had something to take back, and nothing', () => {
  const seen = new Map<string, Set<unknown>>();
  for (const { runs, at } of tellings)
    for (const run of runs)
      for (const undo of undoSteps(run)) {
        expect(undo.state, `${at}: ${undo.id}`).toBe('succeeded');
        const step = undo.id.replace(/hv\d/, '<node>');
        // A maintenance empties its node as a drain does: it is the same pause.
        const isDrain = run.type === 'maintainNode' && step === 'undo/<node>/pause';
        const kind = `${isDrain ? 'drainNodes' : run.type} ${step}`;
        seen.set(kind, (seen.get(kind) ?? new Set()).add(hasChanged(undo)));
      }
  const folder = path.join(ROOT, 'workflows');
  const written = fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    // A tuning takes back on a real server: tests/workflows/tune-cluster.workflows.test.ts.
    .filter((file) => file.endsWith('.ts') && file !== 'tune-cluster.ts')
    .flatMap((file) => [
      ...fs.readFileSync(path.join(folder, file), 'utf8').matchAll(/\bc\.(undo|hold)\(/g),
    ]);
  expect([...seen.keys()], 'write a story for the others').toHaveLength(written.length);
  for (const [kind, changes] of seen) expect([...changes].sort(), kind).toEqual([false, true]);
});
