// The cluster that is put under load: many nodes and small VMs, so that the number of runs is the burden and nothing
// else.
export interface Scene {
  nodes: number;
  vms: number;
  /** Migration slots of each node. */
  parallel: number;
}

const digits = (n: number, width: number): string => String(n).padStart(width, '0');

export const nodeName = (i: number): string => `HV${digits(i + 1, 2)}`;
export const vmName = (i: number): string => `vm-${digits(i + 1, 4)}`;
export const diskOf = (vm: string): string => `C:\\ClusterStorage\\Volume1\\${vm}.vhdx`;

export const nodeNames = ({ nodes }: Scene): string[] =>
  Array.from({ length: nodes }, (_, i) => nodeName(i));

const node = (name: string): string =>
  `  - { name: ${name}, memory: 2TB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }`;

/** VMs dealt out to the nodes in turn, all of them running. */
export function scenarioText(scene: Scene): string {
  const names = nodeNames(scene);
  const vms = Array.from({ length: scene.vms }, (_, i) => {
    const owner = names[i % names.length] ?? '';
    return `  - { name: ${vmName(i)}, owner: ${owner}, memory: 512MB, dirtyRate: 1MB/s }`;
  });
  return [
    'nodes:',
    ...names.map(node),
    `maximumParallelMigrations: ${scene.parallel}`,
    'virtualMachines:',
    ...vms,
    '',
  ].join('\n');
}

/** Disks that lie ready, and no VM yet. */
export function emptyScenarioText(scene: Scene): string {
  const disks = Array.from({ length: scene.vms }, (_, i) => `  - '${diskOf(vmName(i))}'`);
  return [
    'nodes:',
    ...nodeNames(scene).map(node),
    `maximumParallelMigrations: ${scene.parallel}`,
    'disks:',
    ...disks,
    '',
  ].join('\n');
}

/** The cluster.yaml that asks for the VMs of the empty scene. */
export function clusterText(cluster: string, scene: Scene): string {
  const vms = Array.from({ length: scene.vms }, (_, i) => {
    const vm = vmName(i);
    return `  - { name: ${vm}, memory: 512MB, vhd: '${diskOf(vm)}', switch: LAN }`;
  });
  return [
    `cluster: ${cluster}`,
    `nodes: [${nodeNames(scene).join(', ')}]`,
    `liveMigration: { simultaneousMigrations: ${scene.parallel} }`,
    'virtualMachines:',
    ...vms,
    `prove: [${vmName(0)}]`,
    '',
  ].join('\n');
}
