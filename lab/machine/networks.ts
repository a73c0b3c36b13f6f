// Networks of the cluster as they are now, and what a node's interfaces on them can do. Only reads.
import type { LinkFacts, NetworkFacts } from '../../domain/facts.ts';
import type { Asked } from './refusal.ts';
import type { LabNode, World } from './world.ts';

/** The network that moves prefer: the last usable one, as cluster-only networks rank before mixed ones. */
const isForMigration = (world: World, name: string): boolean => {
  const usable = world.networks.filter((n) => n.role !== 'None' && !n.excludedFromMigration);
  const own = usable.find((n) => n.role === 'Cluster') ?? usable[0];
  return own?.name === name;
};

/** One node's migration link is gone; the others still see each other. */
export function networksNow(world: World): NetworkFacts[] {
  const broken = world.nodes.some((node) => node.networkDownUntil > world.time);
  return world.networks.map((network) => ({
    ...network,
    state: broken && isForMigration(world, network.name) ? ('Partitioned' as const) : network.state,
  }));
}

// Of the networks that moves do not prefer: an ordinary port.
const PLAIN_LINK = 125_000_000;

/** What an interface of the node on this network can do. */
export const linkSpeed = (world: World, node: LabNode, network: string): number =>
  isForMigration(world, network) ? node.is.migrationNetwork : PLAIN_LINK;

export function linkFacts({ world, node }: Asked): LinkFacts[] {
  if (node.networkDownUntil > world.time) return [];
  return world.networks
    .filter((n) => n.role !== 'None' && !n.excludedFromMigration && n.state === 'Up')
    .map(({ name }) => ({ network: name, bytesPerSecond: linkSpeed(world, node, name) }));
}
