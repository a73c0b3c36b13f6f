// Small worlds in which a promise was once broken, each with the reason beside it. They are written out, because a seed
// means something else as soon as more can be drawn. Added, never removed.
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';
import { scenarioSchema } from '../../lab/scenario/schema.ts';
import type { Plan, PlannedFault, Work } from './plan.ts';

interface Regression {
  reason: string;
  plan: Plan;
}

const NODE = {
  memory: '128GB',
  switches: ['LAN'],
  features: ['Hyper-V'],
  liveMigration: { enabled: true },
  bootSeconds: 20,
  shutdownSeconds: 10,
  installSeconds: 5,
};
const VHD = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';

const SPEC: ClusterSpec = {
  cluster: 'sim',
  nodes: ['HV1', 'HV2'],
  liveMigration: {
    simultaneousMigrations: 2,
    simultaneousStorageMigrations: 2,
    performance: 'Compression',
  },
  virtualMachines: [
    { name: 'new-1', memoryBytes: 2 ** 31, vhd: VHD, switch: 'LAN', generation: 2, node: null },
  ],
  prove: [],
  memoryReserveBytes: 2 ** 31,
  budgets: DEFAULT_BUDGETS,
};

const FAULT: PlannedFault = {
  kind: 'eviction',
  at: 0,
  node: 'HV1',
  vm: 'vm-1',
  op: 'readHost',
  seconds: 1,
  percent: 0,
  hresult: '0x80072746',
  pick: 0,
};

function planFor(
  seed: number,
  parts: { file?: object; work: Work[]; faults?: Partial<PlannedFault>[] },
): Plan {
  const file = {
    cluster: 'sim',
    nodes: ['HV1', 'HV2'].map((name) => ({ name, ...NODE })),
    maximumParallelMigrations: 2,
    disks: [VHD],
    ...parts.file,
  };
  const faults = (parts.faults ?? []).map((fault) => ({ ...FAULT, ...fault }));
  return {
    seed,
    file,
    scenario: scenarioSchema.parse(file),
    spec: SPEC,
    work: parts.work,
    faults,
    lookEveryMs: 1000,
    converges: false,
  };
}

const vms = (owner: string, ...names: string[]): object[] =>
  names.map((name) => ({ name, owner, memory: '4GB', dirtyRate: '100MB/s' }));

export const REGRESSIONS: readonly Regression[] = [
  // An empty node was not paused before its restart. Between the look that found it empty and the end of its shutdown a
  // VM was created on it by another run, and saved by the restart.
  ...[6, 7, 8, 9, 10, 12].map((at) => ({
    reason: `a VM is created ${at} s into the preparation of the node that it is pinned to`,
    plan: {
      ...planFor(96, {
        work: [
          { does: 'prepare', at: 0, node: 'HV1', feature: 'BitLocker' },
          { does: 'create', at, vm: 'new-1' },
        ],
      }),
      spec: {
        ...SPEC,
        virtualMachines: SPEC.virtualMachines.map((vm) => ({ ...vm, node: 'HV1' })),
      },
    },
  })),
  // The percentage of a move went back when a second one began to share the network: an estimate was shown as it was.
  {
    reason: 'a second move begins while the first one is well on its way',
    plan: planFor(135, {
      file: {
        nodes: ['HV1', 'HV2'].map((name) => ({ name, ...NODE, migrationNetwork: '1Gbps' })),
        virtualMachines: vms('HV1', 'vm-1', 'vm-2'),
      },
      work: [
        { does: 'migrate', at: 0, vm: 'vm-1', to: 'HV2' },
        { does: 'migrate', at: 15, vm: 'vm-2', to: 'HV2' },
      ],
    }),
  },
  // Cancelled while nobody watched it, a move went on after its run had ended as cancelled.
  ...[4, 5, 6, 8].map((at) => ({
    reason: `a move is cancelled ${at} s in, just after the workers died`,
    plan: planFor(628, {
      file: {
        nodes: ['HV1', 'HV2'].map((name) => ({ name, ...NODE, migrationNetwork: '100Mbps' })),
        virtualMachines: vms('HV1', 'vm-1'),
      },
      work: [{ does: 'migrate', at: 0, vm: 'vm-1', to: 'HV2' }],
      faults: [
        { kind: 'worker-crash', at: 3, node: 'HV1' },
        { kind: 'worker-crash', at: 3.2, node: 'HV2' },
        { kind: 'cancel', at },
      ],
    }),
  })),
];
