// What a call of Windows takes, where the scenario asks for it (`costs:`); without that everything is answered at once.
// For both doors of the lab. Pure but for the note that a node has been asked for its features since it booted.
import type { Op, ReadOp } from '../../hyperv/host.ts';
import type { Costs } from '../scenario/schema.ts';
import { isDirect } from './storage.ts';
import type { LabNode, World } from './world.ts';

/** A call as its cost sees it. */
export type Priced =
  | { kind: 'cluster' | 'cim' | 'processor' | 'features' }
  /** A cmdlet of Hyper-V, about so many VMs. */
  | { kind: 'hyperv'; vms: number };

function secondsOf(costs: Costs, node: LabNode, call: Priced): number {
  switch (call.kind) {
    case 'cluster':
      return costs.clusterCmdletSeconds;
    case 'cim':
      return costs.cimQuerySeconds;
    case 'processor':
      return costs.processorSeconds;
    case 'hyperv':
      return costs.hypervCmdletSeconds * Math.max(1, call.vms);
    case 'features': {
      const isFirst = node.featuresReadIn !== node.bootTime;
      node.featuresReadIn = node.bootTime;
      return isFirst ? costs.firstFeaturesSeconds : costs.featuresSeconds;
    }
  }
}

/** In milliseconds. */
export function costOf({ scenario }: World, node: LabNode, calls: readonly Priced[]): number {
  const { costs } = scenario;
  if (costs === undefined) return 0;
  return calls.reduce((ms, call) => ms + secondsOf(costs, node, call) * 1000, 0);
}

const times = (n: number, kind: 'cluster' | 'cim'): Priced[] =>
  Array.from({ length: n }, () => ({ kind }));

/** What every look at the cluster begins with: does its service run? */
const inCluster = (clusterCmdlets: number, more = 0): Priced[] => [
  ...times(1 + more, 'cim'),
  ...times(clusterCmdlets, 'cluster'),
];
const ofHyperV = (queries: number): Priced[] => [
  ...times(queries, 'cim'),
  { kind: 'hyperv', vms: 1 },
];

/**
 * The calls that the module makes for a reading, for a host that has no module. A contract test holds them against it,
 * on clusters of two sizes: none of them grows.
 */
const CALLS: Readonly<Record<ReadOp, Priced[]>> = {
  readHost: ofHyperV(6),
  readBoot: times(2, 'cim'),
  readSetup: times(26, 'cim'),
  readPeers: times(2, 'cim'),
  readServices: times(1, 'cim'),
  readFeatures: [...times(1, 'cim'), { kind: 'features' }],
  readSwitches: ofHyperV(1),
  readMigrationSettings: ofHyperV(1),
  readVms: times(14, 'cim'),
  readVm: times(1, 'cim'),
  readVmStorage: ofHyperV(5),
  readDiskFiles: times(1, 'cim'),
  readMovesAway: times(2, 'cim'),
  readCluster: inCluster(2, 1),
  readNodes: inCluster(1),
  readNetworks: inCluster(3),
  readSharedVolumes: inCluster(2),
  readGroups: times(2, 'cim'),
  readLinks: inCluster(3, 3),
  readRoles: times(5, 'cim'),
  // The service is looked at when something fails.
  readRole: inCluster(2),
  // Logs are no calls of WMI or the cluster.
  readEvents: [],
  readBlackouts: [],
  // The agent is no part of either.
  readUpdates: [],
  readStorage: inCluster(1),
  readUpdateJob: [],
  readServicing: times(6, 'cim'),
};

interface Looked {
  world: World;
  node: LabNode;
  args: { owners?: unknown };
}

/** Calls beside those, where there is more to ask for. */
const MORE: readonly { when: (at: Looked) => boolean; calls: Partial<Record<Op, Priced[]>> }[] = [
  {
    // Who may own the VMs, too.
    when: ({ args }) => args.owners === true,
    calls: { readRoles: times(2, 'cim'), readRole: times(3, 'cluster') },
  },
  {
    // Virtual disks, pools, jobs and fault domains.
    when: ({ world }) => isDirect(world),
    calls: { readStorage: times(4, 'cim') },
  },
  {
    // Is the job of this boot?
    when: ({ node }) => node.updates.job !== null,
    calls: { readUpdateJob: times(1, 'cim') },
  },
];

/** An act looks before and after. */
const ACT_CALLS: readonly Priced[] = [...times(1, 'cim'), ...times(2, 'cluster')];

export function callsOf(world: World, node: LabNode, op: Op, args: object): Priced[] {
  const calls = op in CALLS ? CALLS[op as ReadOp] : ACT_CALLS;
  const more = MORE.filter(({ when }) => when({ world, node, args }));
  return [...calls, ...more.flatMap((one) => one.calls[op] ?? [])];
}

export const costOfOperation = (world: World, node: LabNode, op: Op, args: object): number =>
  costOf(world, node, callsOf(world, node, op, args));
