// What a call of Windows takes, where the scenario asks for it (`costs:`); without that everything is answered at once.
// For both doors of the lab. Pure but for the note that a node has been asked for its features since it booted.
import type { Op } from '../../hyperv/host.ts';
import type { Costs } from '../scenario/schema.ts';
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

/** The calls that the module makes for an operation, for a host that has no module; an act looks before and after. */
const CALLS: Readonly<Partial<Record<Op, Priced[]>>> = {
  readHost: [...times(2, 'cim'), { kind: 'processor' }, { kind: 'hyperv', vms: 1 }],
  readFeatures: [{ kind: 'features' }],
  readSwitches: [...times(1, 'cim'), { kind: 'hyperv', vms: 1 }],
  readMigrationSettings: [...times(1, 'cim'), { kind: 'hyperv', vms: 1 }],
  readVms: times(15, 'cim'),
  readVm: times(1, 'cim'),
  readVmStorage: times(5, 'cim'),
};

const USUAL = [...times(1, 'cim'), ...times(2, 'cluster')];

export const costOfOperation = (world: World, node: LabNode, op: Op): number =>
  costOf(world, node, CALLS[op] ?? USUAL);
