// The cluster of the soak: four nodes, one of them bare, eight VMs that run and some that are still to be made; and the
// cluster.yaml that asks for them.
import type { Cast, StrikeKind, Wish } from './schedule.ts';

export const NODES = ['HV1', 'HV2', 'HV3', 'HV4'] as const;
const RUNNING = [
  ['web-1', 'HV1', 8, 80],
  ['web-2', 'HV1', 12, 60],
  ['db-1', 'HV1', 16, 120],
  ['mail-1', 'HV2', 8, 40],
  ['app-1', 'HV2', 12, 90],
  ['app-2', 'HV2', 6, 30],
  ['file-1', 'HV3', 16, 50],
  ['dc-1', 'HV3', 4, 20],
] as const;
const VMS = RUNNING.map(([name]) => name) as [string, ...string[]];
const NEW_VMS_MAX = 6;

/** Removed from a node before it is prepared again, so that there is something to install and a restart owed. */
export const RESTART_FEATURE = 'BitLocker';

export const castOf = (strikes: readonly StrikeKind[]): Cast => ({
  nodes: NODES,
  vms: VMS,
  newVmsMax: NEW_VMS_MAX,
  strikes,
});

const newVm = (number: number): string => `new-${number}`;
const diskOf = (vm: string): string => `'C:\\ClusterStorage\\Volume1\\${vm}.vhdx'`;

/**
 * A scenario without its `cluster` line. Moves take long enough to be hit, and every node has room for all VMs of
 * another one.
 */
export function scenarioText(): string {
  const node = (name: string, more: string): string =>
    `  - { name: ${name}, memory: 160GB, switches: [LAN], bootSeconds: 50, serviceSeconds: 5, shutdownSeconds: 8,` +
    ` installSeconds: 20, migrationNetwork: 2Gbps${more} }`;
  const ready = ', features: [Hyper-V], liveMigration: { enabled: true }';
  const vm = ([name, owner, memory, dirty]: (typeof RUNNING)[number]): string =>
    `  - { name: ${name}, owner: ${owner}, memory: ${memory}GB, dirtyRate: ${dirty}MB/s }`;
  const disks = Array.from({ length: NEW_VMS_MAX }, (_, i) => diskOf(newVm(i + 1)));
  return [
    'nodes:',
    ...NODES.map((name) => node(name, name === 'HV4' ? '' : ready)),
    'failoverSeconds: 20',
    `disks: [${disks.join(', ')}]`,
    'virtualMachines:',
    ...RUNNING.map(vm),
    '',
  ].join('\n');
}

/** A cluster.yaml. */
export function clusterText(cluster: string, wish: Wish): string {
  const vms = Array.from({ length: wish.newVms }, (_, i) => newVm(i + 1));
  return [
    `cluster: ${cluster}`,
    `nodes: [${NODES.join(', ')}]`,
    'liveMigration:',
    `  simultaneousMigrations: ${wish.simultaneousMigrations}`,
    `  performance: ${wish.performance}`,
    ...(vms.length === 0 ? [] : ['virtualMachines:']),
    ...vms.map((name) => `  - { name: ${name}, memory: 4GB, vhd: ${diskOf(name)}, switch: LAN }`),
    '',
  ].join('\n');
}
