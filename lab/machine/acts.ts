// The acting operations about this machine and the cluster's settings: each looks first and does nothing twice.
import type { ActOp, OpArgs, OpFacts } from '../../hyperv/host.ts';
import type { Instant } from './clock.ts';
import { armBalancer, nodeResumed } from './cluster.ts';
import { pumpQueue } from './moves.ts';
import { beginInstall, beginRestart } from './nodes.ts';
import { clusterFacts, featureName, inCluster, inHyperV } from './reads.ts';
import { effect } from './records.ts';
import { HRESULTS, noNode, quote, refused, type Asked } from './refusal.ts';
import { bootOf, findNode, isMember, knowsParallelLimit, vmsOn, type LabNode } from './world.ts';

/** An answer, at once or once its time has come. */
export interface Done<T> {
  facts: T;
  cmdlets: string[];
  /** Absent: now. Then `facts` are read anew. */
  readyAt?: Instant;
  read?: () => T;
}

export type Act<K extends ActOp> = (asked: Asked, a: OpArgs<K>) => Done<OpFacts<K>>;

const owed = (node: LabNode, names: string[]): boolean =>
  names.some((name) => node.features.get(name)?.endsWith('Pending') === true);

export const installFeatures: Act<'installFeatures'> = (asked, { names }) => {
  const { world, node } = asked;
  const wanted = names.map((name) => featureName(asked, name));
  const list = wanted.map(quote).join(', ');
  const cmdlets = [`Install-WindowsFeature -Name ${list} -IncludeManagementTools`];
  const missing = wanted.filter((name) => node.features.get(name) === 'Available');
  const answer = (changed: boolean) => ({ changed, restartNeeded: owed(node, wanted) });
  if (missing.length === 0) return { facts: answer(false), cmdlets };
  // Servicing does one thing at a time: who comes second waits and then finds it done, or does the rest.
  if (node.installing !== null) {
    const { until, names: under } = node.installing;
    const rest = missing.filter((name) => !under.includes(name));
    if (rest.length > 0)
      throw refused(asked, `Another installation is under way on ${node.name}.`, {
        hresult: HRESULTS.busy,
      });
    return { facts: answer(false), cmdlets, readyAt: until, read: () => answer(false) };
  }
  const readyAt = beginInstall(world, node, missing);
  return { facts: answer(true), cmdlets, readyAt, read: () => answer(true) };
};

export const restartNode: Act<'restartNode'> = (asked, { ifBoot, reason }) => {
  const { world, node } = asked;
  const boot = bootOf(node);
  const due = boot === ifBoot && node.power === 'running';
  if (!due) return { facts: { changed: false, boot }, cmdlets: [] };
  const running = vmsOn(world, node.name).filter(
    (vm) => vm.state !== 'Off' && vm.state !== 'Saved',
  );
  if (running.length > 0) {
    const names = running.map((vm) => vm.name).join(', ');
    throw refused(asked, `${node.name} is not restarted: ${names} runs there.`, {
      errorId: 'NodeNotDrained',
    });
  }
  beginRestart(world, node, reason);
  const plan = `@{ Flags = 6; Timeout = 5; Comment = ${quote(reason)} }`;
  const cmdlets = [
    `Get-CimInstance Win32_OperatingSystem | Invoke-CimMethod -MethodName Win32ShutdownTracker -Arguments ${plan}`,
  ];
  return { facts: { changed: true, boot }, cmdlets };
};

export const configureMigration: Act<'configureMigration'> = (asked, wanted) => {
  inHyperV(asked);
  const { world, node } = asked;
  const before = node.migration;
  const after = { ...before, ...wanted };
  const keys = ['enabled', 'maximumMigrations', 'maximumStorageMigrations', 'performance'] as const;
  const changes = keys.filter((key) => before[key] !== after[key]);
  const cmdlets: string[] = [];
  if (changes.includes('enabled'))
    cmdlets.push(`${after.enabled ? 'Enable' : 'Disable'}-VMMigration`);
  const flags = {
    maximumMigrations: `-MaximumVirtualMachineMigrations ${after.maximumMigrations}`,
    maximumStorageMigrations: `-MaximumStorageMigrations ${after.maximumStorageMigrations}`,
    performance: `-VirtualMachineMigrationPerformanceOption ${after.performance}`,
  };
  const set = changes.flatMap((key) => (key === 'enabled' ? [] : [flags[key]]));
  if (set.length > 0) cmdlets.push(`Set-VMHost ${set.join(' ')}`);
  if (changes.length > 0) {
    node.migration = after;
    const detail = changes.map((key) => `${key} ${String(before[key])} -> ${String(after[key])}`);
    effect(world, node.name, 'host-configured', node.name, detail.join(', '));
  }
  return { facts: { changed: changes.length > 0, settings: { ...after } }, cmdlets };
};

export const configureCluster: Act<'configureCluster'> = (asked, wanted) => {
  inCluster(asked);
  const { world, node } = asked;
  const before = clusterFacts(world);
  const keys = (['maximumParallelMigrations', 'autoBalancerMode'] as const).filter(
    (key) => wanted[key] !== undefined && wanted[key] !== before[key],
  );
  if (keys.includes('maximumParallelMigrations') && !knowsParallelLimit(world))
    throw refused(asked, `The Windows of this cluster has no MaximumParallelMigrations.`, {
      errorId: 'WindowsTooOld',
    });
  const cmdlets = keys.map((key) => {
    const value = wanted[key] ?? before[key];
    world.cluster[key] = value;
    const detail = `${key} ${before[key]} -> ${value}`;
    effect(world, node.name, 'cluster-configured', world.scenario.cluster, detail);
    return `(Get-Cluster).${key[0]?.toUpperCase() ?? ''}${key.slice(1)} = ${value}`;
  });
  pumpQueue(world);
  armBalancer(world);
  return { facts: { changed: keys.length > 0, cluster: clusterFacts(world) }, cmdlets };
};

export function memberNamed(asked: Asked, name: string): LabNode {
  inCluster(asked);
  const node = findNode(asked.world, name);
  if (node === undefined) throw noNode(asked, name);
  if (!isMember(node))
    throw refused(asked, `${node.name} is down.`, { hresult: HRESULTS.nodeDown });
  return node;
}

export const pauseNode: Act<'pauseNode'> = (asked, a) => {
  const node = memberNamed(asked, a.node);
  if (node.paused) return { facts: { changed: false }, cmdlets: [] };
  node.paused = true;
  effect(asked.world, node.name, 'node-paused', node.name);
  return { facts: { changed: true }, cmdlets: [`Suspend-ClusterNode -Name ${quote(node.name)}`] };
};

export const resumeNode: Act<'resumeNode'> = (asked, a) => {
  const node = memberNamed(asked, a.node);
  if (!node.paused) return { facts: { changed: false }, cmdlets: [] };
  node.paused = false;
  effect(asked.world, node.name, 'node-resumed', node.name);
  nodeResumed(asked.world);
  const cmdlets = [`Resume-ClusterNode -Name ${quote(node.name)} -Failback NoFailback`];
  return { facts: { changed: true }, cmdlets };
};
