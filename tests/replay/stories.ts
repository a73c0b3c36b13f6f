// How a run of each workflow comes to be completed, parked, cancelled, aborted or robbed of its worker: what
// `npm run histories` plays to record the histories that must be kept. A new workflow gets its story here.
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';
import { runId, type WorkflowName } from '../../domain/names.ts';
import { TEST_BUDGETS } from '../support/lab-cluster.ts';

export interface Story {
  id: (cluster: string) => string;
  input: (cluster: string) => object;
  /** The step that a fault stops until a person decides; absent where the workflow has no steps. */
  parks?: { step: string; fault: string };
  /** The activity whose worker is killed, and the fault that keeps it busy until then. */
  robbed: { activity: string; fault: string };
  /** The run inside that has this activity; absent: the run itself. */
  inside?: (cluster: string) => string;
}

const WEB_2 = '22222222-2222-4222-8222-222222222222';

/** Both VMs must leave HV1 before that node restarts; one of them is too many there for a balance. */
export const SCENARIO = `
autoBalancer: { mode: 2, intervalSeconds: 864000 }
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, installSeconds: 20, liveMigration: { enabled: true } }
  - { name: HV2, memory: 64GB, features: [Hyper-V], switches: [LAN], bootSeconds: 60, liveMigration: { enabled: true } }
virtualMachines:
  - { name: web-1, owner: HV1, memory: 8GB, dirtyRate: 50MB/s }
  - { name: web-2, id: ${WEB_2}, owner: HV1, memory: 8GB, dirtyRate: 50MB/s }
disks: ['C:\\ClusterStorage\\Volume1\\new-1.vhdx']
`;

/** Access denied: no retry helps. */
const DENIED = "times: always, error: { hresult: '0x80070005' }";
/** Not a possible owner. */
const NO_OWNER = "times: always, error: { hresult: '0x80071398' }";
/** Ten seconds in a real cluster: long enough to find the worker and kill it. Not a second time. */
const HANGS = 'times: 1, hangSeconds: 200';

const NEW_VM = {
  name: 'new-1',
  memoryBytes: 4 * 1024 ** 3,
  vhd: 'C:\\ClusterStorage\\Volume1\\new-1.vhdx',
  switch: 'LAN',
  generation: 2,
  node: null,
} as const;

/** As a drain of HV2 would have it on record. */
const MOVED = {
  vm: 'web-2',
  vmId: WEB_2,
  from: 'HV2',
  to: 'HV1',
  bytes: 8 * 1024 ** 3,
  seconds: 9,
};
const DRAINED = { node: 'HV2', run: 'watari/x/campaign', paused: 'us', moves: [MOVED] };

const clusterSpec = (cluster: string): ClusterSpec => ({
  cluster,
  nodes: ['HV1', 'HV2'],
  liveMigration: {
    simultaneousMigrations: 2,
    simultaneousStorageMigrations: 2,
    performance: 'Compression',
  },
  virtualMachines: [NEW_VM],
  prove: ['new-1'],
  memoryReserveBytes: 2 * 1024 ** 3,
  budgets: { ...DEFAULT_BUDGETS, ...TEST_BUDGETS },
});

export const STORIES: Partial<Record<WorkflowName, Story>> = {
  applyCluster: {
    id: (cluster) => runId.apply(cluster),
    input: (cluster) => ({ spec: clusterSpec(cluster), restarts: 'allowed' }),
    parks: { step: 'cluster/settings', fault: `{ on: configureCluster, ${DENIED} }` },
    robbed: { activity: 'viewCluster', fault: `{ on: readCluster, ${HANGS} }` },
  },
  prepareNode: {
    id: (cluster) => runId.prepare(cluster, 'HV1'),
    input: () => ({ node: 'HV1', features: ['BitLocker'], restarts: 'allowed' }),
    parks: { step: 'hv1/restart', fault: `{ on: restartNode, ${DENIED} }` },
    robbed: { activity: 'installFeatures', fault: `{ on: installFeatures, ${HANGS} }` },
  },
  createVm: {
    id: (cluster) => runId.create(cluster, NEW_VM.name),
    input: () => ({ vm: NEW_VM }),
    parks: { step: 'vm/new-1/register', fault: `{ on: addRole, ${DENIED} }` },
    robbed: { activity: 'ensureVm', fault: `{ on: createVm, ${HANGS} }` },
  },
  migrateVm: {
    id: (cluster) => runId.migrate(cluster, 'web-1'),
    input: () => ({ vm: 'web-1' }),
    parks: { step: 'vm/web-1/move', fault: `{ on: startMove, ${NO_OWNER} }` },
    robbed: { activity: 'moveVm', fault: `{ on: startMove, ${HANGS} }` },
  },
  inspectCluster: {
    id: (cluster) => runId.inspect(cluster, 'story'),
    input: () => ({ nodes: ['HV1', 'HV2'], files: [NEW_VM.vhd] }),
    robbed: { activity: 'viewCluster', fault: `{ on: readCluster, ${HANGS} }` },
  },
  drainNodes: {
    id: (cluster) => runId.campaign(cluster),
    input: () => ({ nodes: ['HV1'] }),
    parks: { step: 'hv1/pause', fault: `{ on: pauseNode, ${DENIED} }` },
    robbed: { activity: 'moveVm', fault: `{ on: startMove, ${HANGS} }` },
  },
  resumeNodes: {
    id: (cluster) => runId.campaign(cluster),
    input: () => ({ nodes: ['HV2'], bringBack: true, drained: [DRAINED] }),
    parks: { step: 'cluster/balancer', fault: `{ on: configureCluster, ${DENIED} }` },
    robbed: { activity: 'viewCluster', fault: `{ on: readCluster, ${HANGS} }` },
  },
  maintainCluster: {
    id: (cluster) => runId.campaign(cluster),
    input: () => ({ nodes: ['HV1'], action: { kind: 'none' } }),
    parks: { step: 'cluster/balancer', fault: `{ on: configureCluster, ${DENIED} }` },
    robbed: { activity: 'surveyCluster', fault: `{ on: readGroups, ${HANGS} }` },
  },
  scheduledMaintenance: {
    id: (cluster) => runId.scheduled(cluster, 'nights', 'story'),
    input: () => ({
      schedule: 'nights',
      maintenance: { nodes: ['HV1'], action: { kind: 'none' } },
      startWithinSeconds: 3600,
    }),
    robbed: { activity: 'surveyCluster', fault: `{ on: readGroups, ${HANGS} }` },
    inside: (cluster) => runId.campaign(cluster),
  },
  maintainNode: {
    id: (cluster) => runId.maintain(cluster, 'HV1'),
    input: () => ({ node: 'HV1', action: { kind: 'none' } }),
    parks: { step: 'hv1/pause', fault: `{ on: pauseNode, ${DENIED} }` },
    robbed: { activity: 'moveVm', fault: `{ on: startMove, ${HANGS} }` },
  },
  balanceCluster: {
    id: (cluster) => runId.campaign(cluster),
    input: () => ({ withinPercent: 5 }),
    parks: { step: 'cluster/balancer', fault: `{ on: configureCluster, ${DENIED} }` },
    robbed: { activity: 'surveyCluster', fault: `{ on: readGroups, ${HANGS} }` },
  },
  tuneCluster: {
    id: (cluster) => runId.campaign(cluster),
    input: () => ({ vm: 'web-1', rounds: 1 }),
    // Once: what is held must be given back.
    parks: {
      step: 'cluster/set-compression',
      fault: "{ on: configureMigration, times: 1, error: { hresult: '0x80070005' } }",
    },
    robbed: { activity: 'setMigration', fault: `{ on: configureMigration, ${HANGS} }` },
  },
  surveyFleet: {
    id: (cluster) => runId.inspect(cluster, 'story'),
    input: () => ({}),
    robbed: { activity: 'surveyCluster', fault: `{ on: readGroups, ${HANGS} }` },
  },
  scanUpdates: {
    id: (cluster) => runId.scan(cluster, 'story'),
    input: () => ({ nodes: ['HV1', 'HV2'] }),
    robbed: { activity: 'scanUpdates', fault: `{ on: readUpdates, ${HANGS} }` },
  },
  doctor: {
    id: (cluster) => runId.doctor(cluster),
    input: () => ({ nodes: ['HV1', 'HV2'] }),
    robbed: { activity: 'viewCluster', fault: `{ on: readCluster, ${HANGS} }` },
  },
};
