// A healthy cluster of three nodes as a snapshot, and small ways to make it less healthy. For tests
// of pure decisions.
import type {
  ClusterNodeFacts,
  NodeView,
  RoleFacts,
  Snapshot,
  VmFacts,
} from '../../domain/facts.ts';
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';

export const GB = 1024 ** 3;
export const VHD = 'C:\\ClusterStorage\\Volume1\\web-1.vhdx';
const NOW = '2026-11-24T09:00:00.000Z';

export const aVm = (over: Partial<VmFacts> = {}): VmFacts => ({
  id: 'id-web-1',
  name: 'web-1',
  state: 'Running',
  critical: false,
  version: '12.0',
  generation: 2,
  memoryStartupBytes: 10 * GB,
  memoryAssignedBytes: 10 * GB,
  uptimeSeconds: 3600,
  heartbeat: 'Ok',
  switches: ['LAN'],
  disks: [VHD],
  dvds: [],
  compatibilityForMigration: false,
  passThroughDevices: [],
  gpuPartitions: 0,
  tpm: false,
  busy: false,
  clustered: true,
  notes: '',
  ...over,
});

export const aRole = (over: Partial<RoleFacts> = {}): RoleFacts => ({
  vmId: 'id-web-1',
  name: 'web-1',
  state: 'Online',
  owner: 'HV1',
  status: 0,
  preferredOwners: [],
  possibleOwners: ['HV1', 'HV2', 'HV3'],
  antiAffinityClassNames: [],
  move: { phase: 'none', percent: 0, failureReason: '0x00000000', target: null },
  ...over,
});

export const aMove = (target: string): RoleFacts['move'] => ({
  phase: 'data-transfer',
  percent: 40,
  failureReason: '0x00000000',
  target,
});

export const aNode = (name: string, over: Partial<ClusterNodeFacts> = {}): ClusterNodeFacts => ({
  name,
  state: 'Up',
  quarantined: false,
  nodeWeight: 1,
  ...over,
});

export const aNodeView = (node: string, over: Partial<NodeView> = {}): NodeView => ({
  takenAt: NOW,
  host: {
    node,
    now: NOW,
    osVersion: '10.0.26100',
    boot: 'kernel-start:2026-11-01T00:00:00.0000000Z',
    bootTime: '2026-11-01T00:00:00.000Z',
    memoryBytes: 128 * GB,
    freeMemoryBytes: 96 * GB,
    cpuVendor: 'GenuineIntel',
    cpuName: 'Xeon 6',
    logicalProcessors: 32,
    vmVersions: ['11.0', '12.0'],
    pendingRestart: false,
  },
  features: [
    { name: 'Hyper-V', state: 'Installed' },
    { name: 'Failover-Clustering', state: 'Installed' },
  ],
  services: [
    { name: 'vmms', state: 'Running' },
    { name: 'ClusSvc', state: 'Running' },
  ],
  switches: [{ name: 'LAN', type: 'External' }],
  migration: {
    enabled: true,
    maximumMigrations: 2,
    maximumStorageMigrations: 2,
    performance: 'Compression',
    authentication: 'CredSSP',
    useAnyNetwork: true,
  },
  vms: [],
  files: [{ path: VHD, exists: true }],
  ...over,
});

/** HV1 runs web-1; HV2 and HV3 are empty; everything is as {@link aSpec} wants it. */
export function aSnapshot(change: (s: Snapshot) => void = () => {}): Snapshot {
  const s: Snapshot = {
    view: {
      takenAt: NOW,
      answeredBy: 'HV1',
      cluster: {
        name: 'hv-lab',
        maximumParallelMigrations: 2,
        enforcedAntiAffinity: false,
        autoBalancerMode: 2,
        autoBalancerLevel: 1,
        witness: { kind: 'None', online: false },
      },
      nodes: [aNode('HV1'), aNode('HV2'), aNode('HV3')],
      roles: [aRole()],
      networks: [
        { name: 'Net1', role: 'ClusterAndClient', state: 'Up', excludedFromMigration: false },
      ],
      sharedVolumes: [
        { name: 'Disk1', path: 'C:\\ClusterStorage\\Volume1', state: 'Online', owner: 'HV1' },
      ],
    },
    nodes: {
      HV1: { view: aNodeView('HV1', { vms: [aVm()] }) },
      HV2: { view: aNodeView('HV2') },
      HV3: { view: aNodeView('HV3') },
    },
  };
  change(s);
  return s;
}

/** The view of a node that is known to have answered. */
export function viewIn(s: Snapshot, node: string): NodeView {
  const answer = s.nodes[node];
  if (answer === undefined || !('view' in answer)) throw new Error(`${node} has no view`);
  return answer.view;
}

/** A node before watari has prepared it. */
export function makeBare(s: Snapshot, node: string): void {
  const view = viewIn(s, node);
  view.features = [
    { name: 'Hyper-V', state: 'Available' },
    { name: 'Failover-Clustering', state: 'Installed' },
  ];
  view.switches = [];
  view.migration = null;
  view.host.vmVersions = [];
}

export const aSpec = (over: Partial<ClusterSpec> = {}): ClusterSpec => ({
  cluster: 'hv-lab',
  nodes: ['HV1', 'HV2', 'HV3'],
  liveMigration: {
    simultaneousMigrations: 2,
    simultaneousStorageMigrations: 2,
    performance: 'Compression',
  },
  virtualMachines: [
    {
      name: 'web-1',
      memoryBytes: 10 * GB,
      vhd: VHD,
      switch: 'LAN',
      generation: 2,
      node: null,
    },
  ],
  prove: ['web-1'],
  memoryReserveBytes: 2 * GB,
  budgets: DEFAULT_BUDGETS,
  ...over,
});
