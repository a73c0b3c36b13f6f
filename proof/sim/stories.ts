// The stories that are cut: each uses some of the acting operations from start to end, together they use all of them
// and every workflow. A story ends by itself when nothing else goes wrong; who cuts it need not know what it is about.
import { clusterQueue, runId, WORKFLOWS, type WorkflowName } from '../../domain/names.ts';
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';
import type { DecisionAction } from '../../domain/status.ts';
import { scenarioSchema, type Scenario } from '../../lab/scenario/schema.ts';
import type { DrainNodesResult } from '../../workflows/drain-nodes.ts';
import type { SimCluster } from './sim-cluster.ts';
import type { ServerRun } from './temporal/server-run.ts';

export interface Story {
  name: string;
  scenario: Scenario;
  /** Answers false when it did not come to its end. */
  play: (c: SimCluster) => Promise<boolean>;
}

const CLUSTER = 'sim';
const VHD = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';
const HOUR = 3600;
const READY = { features: ['Hyper-V'], liveMigration: { enabled: true } };
const NODE = {
  memory: '64GB',
  switches: ['LAN'],
  bootSeconds: 20,
  shutdownSeconds: 3,
  installSeconds: 5,
};
const WEB = { name: 'web-1', owner: 'HV2', memory: '4GB', dirtyRate: '20MB/s' };

const scenarioOf = (parts: object): Scenario =>
  scenarioSchema.parse({
    cluster: CLUSTER,
    nodes: [
      { name: 'HV1', ...NODE, ...READY },
      { name: 'HV2', ...NODE, ...READY },
    ],
    virtualMachines: [WEB],
    disks: [VHD],
    ...parts,
  });

/** HV1 has nothing yet, so that an apply needs most of the operations. */
const BARE = {
  nodes: [
    { name: 'HV1', ...NODE },
    { name: 'HV2', ...NODE, ...READY },
  ],
};

/** Pinned, so that a node that is slow to answer does not lead to another, equally right place. */
const NEW_VM = {
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
  virtualMachines: [{ ...NEW_VM }],
  prove: ['new-1'],
  memoryReserveBytes: 2 ** 31,
  budgets: DEFAULT_BUDGETS,
};

/** Whatever any workflow may ask for; each takes what it knows. */
const INPUT = {
  cluster: CLUSTER,
  startedBy: 'cut@lab',
  spec: SPEC,
  restarts: 'allowed',
  vm: 'web-1',
  node: 'HV2',
  nodes: ['HV1', 'HV2'],
  files: [VHD],
  action: { kind: 'restart' },
  withinPercent: 5,
  schedule: 'nights',
  maintenance: { action: { kind: 'none' } },
};

const IDS: Readonly<Record<WorkflowName, (cluster: string) => string>> = {
  applyCluster: runId.apply,
  prepareNode: (cluster) => runId.prepare(cluster, 'HV2'),
  createVm: (cluster) => runId.create(cluster, 'new-1'),
  migrateVm: (cluster) => runId.migrate(cluster, 'web-1'),
  inspectCluster: (cluster) => runId.inspect(cluster, 'cut'),
  scanUpdates: (cluster) => runId.scan(cluster, 'cut'),
  doctor: runId.doctor,
  drainNodes: runId.campaign,
  resumeNodes: runId.campaign,
  maintainCluster: runId.campaign,
  maintainNode: (cluster) => runId.maintain(cluster, 'HV2'),
  scheduledMaintenance: (cluster) => runId.scheduled(cluster, 'nights', 'cut'),
  balanceCluster: runId.campaign,
  tuneCluster: runId.campaign,
  surveyFleet: (cluster) => runId.inspect(cluster, 'survey'),
};

const start = (c: SimCluster, type: WorkflowName, more: object = {}): ServerRun => {
  const run = c.server.start({
    type,
    id: IDS[type](CLUSTER),
    queue: clusterQueue(CLUSTER),
    input: { ...INPUT, ...more, mayIgnore: Object.keys(INPUT) },
  });
  if (run === undefined) throw new Error(`${IDS[type](CLUSTER)} is running already`);
  return run;
};

const ends = (c: SimCluster, run: ServerRun): Promise<boolean> =>
  c.until(() => run.state !== 'open', 6 * HOUR);

const parkedStep = (c: SimCluster, id: string): string | undefined => {
  const run = c.server.find(id);
  return run === undefined
    ? undefined
    : run.status()?.steps.find((s) => s.state === 'needs-operator')?.id;
};

/** Decides, and again if the answer is lost or comes too early. */
async function decide(c: SimCluster, id: string, action: DecisionAction): Promise<boolean> {
  for (let tries = 20; tries > 0; tries -= 1) {
    if (
      !(await c.until(
        () => parkedStep(c, id) !== undefined || c.server.find(id) === undefined,
        HOUR,
      ))
    )
      return false;
    const step = parkedStep(c, id);
    if (step === undefined) return true;
    c.server.update(id, { step, action, reason: 'story', by: 'story' }, () => undefined);
    if (await c.until(() => parkedStep(c, id) !== step, 60)) return true;
  }
  return false;
}

const completes = async (c: SimCluster, run: ServerRun): Promise<boolean> =>
  (await ends(c, run)) && run.state === 'completed';

const told: Story[] = [
  {
    name: 'apply: from a bare node to a proven move',
    scenario: scenarioOf(BARE),
    play: (c) => completes(c, start(c, 'applyCluster')),
  },
  {
    name: 'prepare: a node that holds a VM is drained, restarted and resumed',
    scenario: scenarioOf({}),
    play: (c) => completes(c, start(c, 'prepareNode', { features: ['BitLocker'] })),
  },
  {
    name: 'create: a VM and its role',
    scenario: scenarioOf({}),
    play: (c) => completes(c, start(c, 'createVm', { vm: NEW_VM })),
  },
  {
    name: 'migrate: one move',
    scenario: scenarioOf({}),
    play: (c) => completes(c, start(c, 'migrateVm')),
  },
  {
    name: 'tune: a canary goes once each way with each setting, and two with one and two at once',
    scenario: scenarioOf({ virtualMachines: [WEB, { ...WEB, name: 'web-2' }] }),
    play: (c) => completes(c, start(c, 'tuneCluster', { rounds: 1, others: ['web-2'] })),
  },
  {
    name: 'abort: a proof that fails for good, and everything is taken back',
    scenario: scenarioOf({
      faults: [{ on: 'startMove', vm: 'new-1', times: 'always', error: { hresult: '0x80071398' } }],
    }),
    play: async (c) => {
      const run = start(c, 'applyCluster');
      const child = runId.migrate(CLUSTER, 'new-1');
      if (!(await c.until(() => parkedStep(c, child) !== undefined, 2 * HOUR))) return false;
      if (!(await decide(c, child, 'abort')) || !(await decide(c, run.id, 'abort'))) return false;
      return (await ends(c, run)) && run.state === 'failed';
    },
  },
  {
    name: 'cancel: a move that is cancelled under way',
    // Slow enough that it still runs when a dead worker has been replaced.
    scenario: scenarioOf({
      nodes: [1, 2].map((i) => ({
        name: `HV${i}`,
        ...NODE,
        ...READY,
        migrationNetwork: '100Mbps',
      })),
    }),
    play: async (c) => {
      const run = start(c, 'migrateVm');
      if (!(await c.until(() => c.lab.state().moves.length > 0, HOUR))) return false;
      c.server.requestCancel(run.id, 'story');
      // Until the cluster is at rest: what a run leaves behind must not go on by itself.
      return (
        (await ends(c, run)) && (await c.until(() => c.lab.state().moves.length === 0, 2 * HOUR))
      );
    },
  },
];

/** One node of two, with one of everything that leaves it in a way of its own. */
const FULL = {
  virtualMachines: [WEB, { name: 'off-1', owner: 'HV2', memory: '2GB', state: 'Off' }],
  coreGroup: { owner: 'HV2' },
  // As Windows is installed; it would balance when a story is long over.
  autoBalancer: { mode: 2, intervalSeconds: 864_000 },
};
const PACKAGES = { kind: 'packages', folder: 'C:\\Updates' };
const DRAIN = { nodes: ['HV2'] };

const fleet: Story[] = [
  {
    name: 'drain: a node is emptied of all that it has',
    scenario: scenarioOf(FULL),
    play: (c) => completes(c, start(c, 'drainNodes', DRAIN)),
  },
  {
    name: 'resume: what a drain has moved comes back',
    scenario: scenarioOf({}),
    play: async (c) => {
      const drain = start(c, 'drainNodes', DRAIN);
      if (!(await completes(c, drain))) return false;
      const { moves } = drain.result as DrainNodesResult;
      const drained = [{ node: 'HV2', run: drain.id, paused: 'us', moves }];
      return completes(c, start(c, 'resumeNodes', { ...DRAIN, bringBack: true, drained }));
    },
  },
  {
    name: 'cancel: a drain that is cancelled while a VM is on its way',
    scenario: scenarioOf({
      nodes: [1, 2].map((i) => ({
        name: `HV${i}`,
        ...NODE,
        ...READY,
        migrationNetwork: '100Mbps',
      })),
    }),
    play: async (c) => {
      const run = start(c, 'drainNodes', DRAIN);
      if (!(await c.until(() => c.lab.state().moves.length > 0, HOUR))) return false;
      c.server.requestCancel(run.id, 'story');
      return (
        (await ends(c, run)) && (await c.until(() => c.lab.state().moves.length === 0, 2 * HOUR))
      );
    },
  },
  {
    name: 'maintain: a node is emptied, its drives rest, it restarts and gets back what it had',
    scenario: scenarioOf({ storage: { direct: true, repairSeconds: 30 } }),
    play: (c) => completes(c, start(c, 'maintainNode', { bringBack: true })),
  },
  {
    name: 'maintain: both nodes of a cluster, one after the other',
    scenario: scenarioOf({}),
    play: (c) => completes(c, start(c, 'maintainCluster')),
  },
  {
    name: 'updates: a node is emptied, patched, restarted and searched again',
    scenario: scenarioOf({ updates: [{ kb: 'KB5070001', nodes: ['HV2'], revision: 5000 }] }),
    play: (c) =>
      completes(c, start(c, 'maintainCluster', { action: { kind: 'updates', choice: {} } })),
  },
  {
    name: 'packages: a node is patched from a folder',
    scenario: scenarioOf({
      updates: [{ kb: 'KB5070001' }],
      packages: [{ folder: PACKAGES.folder, kbs: ['KB5070001'] }],
    }),
    play: (c) => completes(c, start(c, 'maintainNode', { action: PACKAGES })),
  },
  {
    name: 'balance: one of two VMs goes where there is none',
    scenario: scenarioOf({
      virtualMachines: [1, 2].map((n) => ({ ...WEB, name: `web-${n}` })),
    }),
    play: (c) => completes(c, start(c, 'balanceCluster')),
  },
];

/** A workflow that nobody wrote a story for: it is started and has to end by itself. */
const plain = (type: WorkflowName): Story => ({
  name: `${type}: alone`,
  scenario: scenarioOf({}),
  play: (c) => completes(c, start(c, type)),
});

const COVERED: readonly WorkflowName[] = [
  ...(['applyCluster', 'prepareNode', 'createVm', 'migrateVm'] as const),
  ...(['drainNodes', 'resumeNodes', 'maintainNode', 'maintainCluster', 'balanceCluster'] as const),
  'tuneCluster',
];

export const STORIES: readonly Story[] = [
  ...told,
  ...fleet,
  ...WORKFLOWS.filter((type) => !COVERED.includes(type)).map(plain),
];
