// Nothing twice: the answer of each acting operation is lost once, and every activity is run twice and twice at once.
// The end state and the lab's log of effects must be those of an undisturbed run.
import { afterAll, describe, expect, inject, it } from 'vitest';
import { runId } from '../../domain/names.ts';
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';
import type { ActOp } from '../../hyperv/host.ts';
import { handleOf, labCluster, TEST_BUDGETS, type LabCluster } from '../support/lab-cluster.ts';
import { waitFor } from '../../proof/rig/waiting.ts';

const VHD = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';

/** One bare node and one that carries a VM, so that one apply needs most of the acting operations. */
const SCENARIO = `
nodes:
  - { name: HV1, memory: 64GB, switches: [LAN], bootSeconds: 30, installSeconds: 10 }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 30, liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV2, memory: 4GB, dirtyRate: 20MB/s }
disks: ['${VHD}']
`;

const spec = (c: LabCluster): ClusterSpec => ({
  cluster: c.cluster,
  nodes: ['HV1', 'HV2'],
  liveMigration: {
    simultaneousMigrations: 2,
    simultaneousStorageMigrations: 3,
    performance: 'SMB',
  },
  virtualMachines: [
    { name: 'new-1', memoryBytes: 2 ** 32, vhd: VHD, switch: 'LAN', generation: 2, node: null },
  ],
  prove: ['new-1'],
  memoryReserveBytes: 2 ** 31,
  budgets: { ...DEFAULT_BUDGETS, ...TEST_BUDGETS },
});

type Story = (c: LabCluster) => Promise<void>;

/** Bare node to proven move. */
const apply: Story = async (c) => {
  const run = await c.start('applyCluster', runId.apply(c.cluster), {
    spec: spec(c),
    restarts: 'allowed',
  });
  await run.result();
};

/** A node with a VM is drained, restarted and resumed. */
const drain: Story = async (c) => {
  const first = await c.start('prepareNode', runId.prepare(c.cluster, 'HV1'), {
    node: 'HV1',
    restarts: 'allowed',
  });
  await first.result();
  c.lab.call('HV1', 'configureMigration', { enabled: true });
  const run = await c.start('prepareNode', runId.prepare(c.cluster, 'HV2'), {
    node: 'HV2',
    features: ['BitLocker'],
    restarts: 'allowed',
  });
  await run.result();
};

/** A VM is made and runs, its proof fails for good, and everything is taken back. */
const takeBack: Story = async (c) => {
  const run = await c.start('applyCluster', runId.apply(c.cluster), {
    spec: spec(c),
    restarts: 'allowed',
  });
  const proof = handleOf(c.client.workflow.getHandle(runId.migrate(c.cluster, 'new-1')));
  await waitFor(
    'the proof to be parked',
    async () => (await proof.status()).state === 'needs-operator',
  );
  await proof.decide({ step: 'vm/new-1/move', action: 'abort' });
  await run.until('the parent to be parked', (s) => s.state === 'needs-operator');
  await run.decide({ step: 'vm/new-1/move', action: 'abort' });
  await expect(run.result()).rejects.toThrow();
};

/** A move is cancelled while it runs. */
const cancel: Story = async (c) => {
  const first = await c.start('prepareNode', runId.prepare(c.cluster, 'HV1'), {
    node: 'HV1',
    restarts: 'allowed',
  });
  await first.result();
  c.lab.call('HV1', 'configureMigration', { enabled: true });
  const run = await c.start('migrateVm', runId.migrate(c.cluster, 'web-1'), { vm: 'web-1' });
  await run.until('the move to run', () => c.count('move-started', 'web-1') === 1);
  await run.raw.cancel();
  await expect(run.result()).rejects.toThrow();
};

/** Refused for good, as when a node is no possible owner. */
const REFUSED = `{ on: startMove, vm: new-1, times: 1, error: { hresult: '0x80071398' } }`;

interface Telling {
  story: Story;
  speed?: number;
  faults?: readonly string[];
}
const APPLY: Telling = { story: apply };
const DRAIN: Telling = { story: drain };
const ABORT: Telling = { story: takeBack, faults: [REFUSED] };
// Slow enough that the move still runs when it is cancelled.
const CANCEL: Telling = { story: cancel, speed: 8 };

/**
 * No workflow installs updates yet, and no story here has Storage Spaces Direct: contract and cuts tell of lost
 * answers.
 */
type NoStory =
  | 'downloadUpdates'
  | 'installUpdates'
  | 'commitUpdates'
  | 'installPackages'
  | 'setStorageMaintenance';

/** Which story needs which operation. A new operation without a story fails to compile. */
type Told = Exclude<ActOp, NoStory>;
const STORIES: Record<Told, Telling> = {
  installFeatures: APPLY,
  restartNode: APPLY,
  configureMigration: APPLY,
  configureCluster: APPLY,
  createVm: APPLY,
  addRole: APPLY,
  startRole: APPLY,
  startMove: APPLY,
  pauseNode: DRAIN,
  resumeNode: DRAIN,
  stopRole: ABORT,
  removeRole: ABORT,
  removeVm: ABORT,
  cancelMove: CANCEL,
  // Before a restart: the first node owns the core group.
  moveGroup: APPLY,
  moveSharedVolume: DRAIN,
};

// Tests run side by side: they mostly wait for simulated machines.
const open = new Set<LabCluster>();
afterAll(async () => {
  await Promise.all([...open].map((c) => c.stop()));
});

interface Outcome {
  effects: string[];
  state: unknown;
}

/** Effects and end state without what differs from run to run: times, ids, who watched. */
function outcomeOf(c: LabCluster): Outcome {
  const state = c.lab.state();
  const effects = c.lab
    .effects()
    .filter((e) => e.kind !== 'fault')
    .map((e) => `${e.kind} ${e.subject === c.cluster ? 'the cluster' : e.subject}`)
    .sort();
  return {
    effects,
    state: {
      parallel: state.cluster.maximumParallelMigrations,
      nodes: state.nodes.map((n) => [n.name, n.state, n.features]),
      settings: c.lab.nodes().map((node) => c.lab.call(node, 'readMigrationSettings', {}).facts),
      vms: state.vms.map((vm) => [vm.name, vm.owner, vm.state, vm.clustered]).sort(),
      roles: state.roles.map((r) => [r.name, r.owner, r.state]).sort(),
    },
  };
}

async function tell(
  telling: Telling,
  disturbance: { fault?: string; wrap?: <T extends object>(a: T) => T } = {},
): Promise<Outcome> {
  const faults = [
    ...(telling.faults ?? []),
    ...(disturbance.fault === undefined ? [] : [disturbance.fault]),
  ];
  const c = await labCluster({
    temporal: inject('temporal'),
    scenario: `${SCENARIO}faults: [${faults.join(', ')}]\n`,
    speed: telling.speed ?? 200,
    ...(disturbance.wrap === undefined ? {} : { wrap: disturbance.wrap }),
  });
  open.add(c);
  await telling.story(c);
  expect(c.lab.state().faults, 'every fault has struck').toEqual([]);
  const outcome = outcomeOf(c);
  open.delete(c);
  await c.stop();
  return outcome;
}

const undisturbed = new Map<Telling, Promise<Outcome>>();
function baseline(telling: Telling): Promise<Outcome> {
  const known = undisturbed.get(telling) ?? tell(telling);
  undisturbed.set(telling, known);
  return known;
}

describe.concurrent('an answer that is lost after the effect', () => {
  it.each((Object.keys(STORIES) as Told[]).map((op) => [op]))(
    'of %s changes nothing and repeats nothing',
    async (op) => {
      const telling = STORIES[op];
      const expected = await baseline(telling);
      const fault = `{ on: ${op}, at: after-effect, times: 1 }`;
      expect(await tell(telling, { fault })).toEqual(expected);
    },
  );
});

type Deed = (...args: unknown[]) => Promise<unknown>;

const wrapped =
  (wrap: (deed: Deed) => Deed) =>
  <T extends object>(activities: T): T =>
    Object.fromEntries(
      Object.entries(activities).map(([name, deed]) => [name, wrap(deed as Deed)]),
    ) as T;

const twice = wrapped((deed) => async (...args) => {
  await deed(...args);
  return deed(...args);
});

const twiceAtOnce = wrapped((deed) => async (...args) => {
  const [first, second] = await Promise.allSettled([deed(...args), deed(...args)]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return first.value;
});

/** An undisturbed run of the same story. */
const undoubled = ({ story }: Telling): Telling =>
  [APPLY, DRAIN, ABORT].find((telling) => telling.story === story) ?? { story };

describe.concurrent('every activity', () => {
  it.each([
    ['an apply', 'twice', APPLY, twice],
    ['a drain', 'twice', DRAIN, twice],
    ['an apply', 'twice at once', APPLY, twiceAtOnce],
    ['a drain', 'twice at once', DRAIN, twiceAtOnce],
    ['an abort', 'twice', ABORT, twice],
    // Both of the two must be refused, or one of them moves the VM.
    ['an abort', 'twice at once', { ...ABORT, faults: [REFUSED, REFUSED] }, twiceAtOnce],
  ] as const)('of %s can run %s with each effect once', async (_name, _how, telling, wrap) => {
    expect(await tell(telling, { wrap })).toEqual(await baseline(undoubled(telling)));
  });
});
