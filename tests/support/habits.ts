// One cluster with every habit of Windows that needs no person, in Japanese, and what is wanted of it: the demo's job,
// for the tests that take it from bare nodes to a proven live migration.
import { DEFAULT_BUDGETS, type ClusterSpec } from '../../domain/spec.ts';

const VHD = 'C:\\ClusterStorage\\Volume1\\new-1.vhdx';

/** Scenario without its `cluster` line. */
export const HABITS = `
culture: ja-JP
marksNotes: true
costs: { firstFeaturesSeconds: 60 }
nodes:
  - name: HV1
    memory: 64GB
    switches: [LAN]
    bootSeconds: 60
    serviceSeconds: 30
    installSeconds: 20
    setup: { clockAheadSeconds: 240, lockout: { threshold: 3 } }
  - name: HV2
    memory: 64GB
    switches: [LAN]
    bootSeconds: 60
    serviceSeconds: 30
    installSeconds: 20
    pendingRestart: true
    setup: { clockAheadSeconds: -240, lockout: { threshold: 3 } }
  - name: HV3
    memory: 64GB
    features: [Hyper-V]
    switches: [LAN]
    liveMigration: { enabled: true }
    setup: { lockout: { threshold: 3 } }
virtualMachines:
  - name: db-1
    role: データベース
    owner: HV3
    memory: 8GB
    dirtyRate: 20MB/s
    disks: ['\\\\files.lab.internal\\vms\\db-1.vhdx']
    gpuPartitions: 1
    notes: 他の人のメモ
disks: ['${VHD}']
affinityRules: [{ name: 別々のノード, type: DifferentNode, groups: [データベース] }]
migration: { eventsAt: target, queriesTellVmId: false }
faults:
  - { on: clockSteps, node: HV1, bySeconds: -300, when: { seconds: 45 } }
  - { on: clockSteps, node: HV2, bySeconds: 500, when: { seconds: 100 } }
  - { on: clockSteps, node: HV3, bySeconds: 30, when: { vm: new-1, percent: 10 } }
  - { on: csvPaused, node: HV3, seconds: 20, when: { seconds: 5 } }
  - { on: moveStands, vm: new-1, seconds: 30 }
`;

export const demoSpec = (cluster: string, budgets: Partial<ClusterSpec['budgets']>) =>
  ({
    cluster,
    nodes: ['HV1', 'HV2', 'HV3'],
    liveMigration: {
      simultaneousMigrations: 2,
      simultaneousStorageMigrations: 4,
      performance: 'SMB',
    },
    virtualMachines: [
      { name: 'new-1', memoryBytes: 2 ** 32, vhd: VHD, switch: 'LAN', generation: 2, node: null },
    ],
    prove: ['new-1'],
    memoryReserveBytes: 2 ** 31,
    budgets: { ...DEFAULT_BUDGETS, ...budgets },
  }) satisfies ClusterSpec;
