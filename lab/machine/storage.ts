// Storage Spaces Direct of a cluster, where the scenario says that it has it: a node that is away or rests degrades the
// virtual disks, and when all are back what was written meanwhile is repaired, which takes its time.
import type { Health, StorageFacts } from '../../domain/storage-facts.ts';
import type { Asked } from './refusal.ts';
import { isMember, type World } from './world.ts';

export const isDirect = ({ scenario }: World): boolean => scenario.storage.direct;

/** Nodes whose drives are not there. */
export const awayIn = (world: World): string[] =>
  world.nodes
    .filter((node) => !isMember(node) || world.storage.resting.has(node.name))
    .map((node) => node.name);

export const repairing = ({ storage, time }: World): boolean =>
  storage.repair !== null && storage.repair.until > time;

/** To be called whenever a node comes, goes, or begins or ends to rest. */
export function reviewStorage(world: World): void {
  if (!isDirect(world)) return;
  const { storage, scenario } = world;
  const away = awayIn(world).length > 0;
  if (away) storage.repair = null;
  else if (storage.wasAway) {
    const { repairSeconds } = scenario.storage;
    storage.repair = { since: world.time, until: world.time + repairSeconds * 1000 };
  }
  storage.wasAway = away;
}

const healthNow = (world: World): Health => {
  const away = awayIn(world).length;
  if (away >= 2) return 'Unhealthy';
  return away === 1 || repairing(world) ? 'Warning' : 'Healthy';
};

function jobsNow(world: World): StorageFacts['jobs'] {
  const { repair } = world.storage;
  if (repair === null || repair.until <= world.time) return [];
  const { virtualDisks, repairBytes, suspended } = world.scenario.storage;
  const share = (world.time - repair.since) / (repair.until - repair.since);
  return virtualDisks.map((name) => ({
    name: `${name}-Repair`,
    suspended,
    bytesDone: suspended ? 0 : Math.floor(repairBytes * share),
    bytesTotal: repairBytes,
  }));
}

export function storageFacts({ world }: Pick<Asked, 'world'>): StorageFacts {
  if (!isDirect(world))
    return { direct: false, virtualDisks: [], pools: [], jobs: [], inMaintenance: [] };
  const health = healthNow(world);
  return {
    direct: true,
    virtualDisks: world.scenario.storage.virtualDisks.map((name) => ({ name, health })),
    pools: [{ name: `S2D on ${world.scenario.cluster}`, health }],
    jobs: jobsNow(world),
    inMaintenance: [...world.storage.resting],
  };
}
