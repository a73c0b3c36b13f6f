// What the order of moves needs of a cluster's node: a light look at what moves now, and the way for a run to reach the
// ledger (workflows/schedule-moves.ts), which is started where none runs. Reserves nothing and starts no move.
import type { Asked, Standing } from '../domain/turns.ts';
import { closedBecause } from '../domain/placement-rules.ts';
import { includesName } from '../domain/names.ts';
import { isMoving, isQueued } from '../domain/slots.ts';
import { beating } from './beats.ts';
import type { ClusterActivityDeps } from './cluster.ts';
import { guarded } from './failing.ts';

export function createTurnActivities(deps: ClusterActivityDeps) {
  const { host, ledger, unserved: readUnserved } = deps;
  return guarded({
    async joinMoves({ cluster, wants }: { cluster: string; wants: Asked[] }): Promise<void> {
      if (ledger === undefined) throw new Error('this worker was made without a way to the ledger');
      await beating(deps, () => ledger.want(cluster, wants));
    },

    lookAtMoves: (): Promise<Standing> =>
      beating(deps, async () => {
        const [cluster, nodes, roles] = await Promise.all([
          host.readCluster({}),
          host.readNodes({}),
          host.readRoles({}),
        ]);
        const up = nodes.facts.filter((node) => node.state === 'Up').map(({ name }) => name);
        const unserved = (await readUnserved?.(up)) ?? [];
        return {
          limit: cluster.facts.maximumParallelMigrations,
          nodes: nodes.facts.map((node) => ({
            name: node.name,
            closed:
              closedBecause(node) ??
              (includesName(unserved, node.name)
                ? `no worker of ${node.name} asks for work`
                : null),
          })),
          moves: roles.facts.filter(isMoving).map(({ vmId, name, owner, move }) => ({
            vmId,
            vm: name,
            from: owner,
            target: move.target,
          })),
          queued: roles.facts.filter(isQueued).map(({ vmId }) => vmId),
        };
      }),
  });
}
