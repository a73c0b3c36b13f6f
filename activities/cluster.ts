// Activities that any live node of the cluster can do: look at the cluster, set its properties, pause and resume
// nodes, wait for a migration slot. Served on the queue watari.<cluster>. The move itself is in move.ts.
import { cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { ClusterFacts, ClusterView } from '../domain/facts.ts';
import { freeSlots, slotHolders } from '../domain/slots.ts';
import type { HypervHost } from '../hyperv/host.ts';
import { beating, pause, waits, type Waiting } from './beats.ts';
import { failed, guarded } from './failing.ts';

export interface ClusterActivityDeps extends Waiting {
  host: HypervHost;
  now: () => Date;
  /** How often a waiting activity looks again. */
  lookEveryMs: number;
}

/** Looks at everything that the cluster tells, from this node. */
export async function readView({ host, now }: ClusterActivityDeps): Promise<ClusterView> {
  const [cluster, nodes, roles, networks, sharedVolumes] = await Promise.all([
    host.readCluster({}),
    host.readNodes({}),
    host.readRoles({}),
    host.readNetworks({}),
    host.readSharedVolumes({}),
  ]);
  return {
    takenAt: now().toISOString(),
    answeredBy: host.node,
    cluster: cluster.facts,
    nodes: nodes.facts,
    roles: roles.facts,
    networks: networks.facts,
    sharedVolumes: sharedVolumes.facts,
  };
}

export interface SlotRequest {
  step: string;
  vm: string;
  vmId: string;
  target: string;
  waitSeconds: number;
}

export interface Applied<T> {
  changed: boolean;
  before: T;
  after: T;
  cmdlets: string[];
}

export function createClusterActivities(deps: ClusterActivityDeps) {
  const { host } = deps;
  return guarded({
    viewCluster: (): Promise<ClusterView> => beating(deps, () => readView(deps)),

    /** Sets (Get-Cluster).MaximumParallelMigrations and reads it back. */
    async setClusterLimits(input: {
      maximumParallelMigrations: number;
    }): Promise<Applied<ClusterFacts>> {
      return beating(deps, async () => {
        const before = (await host.readCluster({})).facts;
        const { facts, cmdlets } = await host.configureCluster(input);
        const after = (await host.readCluster({})).facts;
        if (after.maximumParallelMigrations !== input.maximumParallelMigrations) {
          throw failed(
            'SettingsNotKept',
            `MaximumParallelMigrations of cluster ${after.name} was set to ${String(input.maximumParallelMigrations)} and reads back as ${String(after.maximumParallelMigrations)}`,
          );
        }
        return { changed: facts.changed, before, after, cmdlets };
      });
    },

    async pauseNode(input: { node: string }): Promise<{ changed: boolean; cmdlets: string[] }> {
      const { facts, cmdlets } = await beating(deps, () => host.pauseNode(input));
      return { changed: facts.changed, cmdlets };
    },

    async resumeNode(input: { node: string }): Promise<{ changed: boolean; cmdlets: string[] }> {
      const { facts, cmdlets } = await beating(deps, () => host.resumeNode(input));
      return { changed: facts.changed, cmdlets };
    },

    /** Undo of ensureRole, for a VM whose role was not there before the run. The VM itself keeps running. */
    async removeRole(input: { vmId: string }): Promise<{ changed: boolean; cmdlets: string[] }> {
      const { facts, cmdlets } = await beating(deps, () => host.removeRole(input));
      return { changed: facts.changed, cmdlets };
    },

    /**
     * Waits until both ends of the move have a free migration slot. A courtesy, not a reservation: the cluster itself
     * queues what comes too early, and so does moveVm's caller. Fails with `SlotsBusy` when the wait is over.
     */
    async awaitSlot(input: SlotRequest): Promise<{ waitedMs: number }> {
      return beating(deps, async ({ say }) => {
        const start = deps.now().getTime();
        for (;;) {
          const [cluster, roles] = await Promise.all([host.readCluster({}), host.readRoles({})]);
          const role = roles.facts.find((r) => r.vmId === input.vmId);
          const limit = cluster.facts.maximumParallelMigrations;
          const others = roles.facts.filter((r) => r.vmId !== input.vmId);
          const busy = [role?.owner, input.target].filter(
            (node) => node !== undefined && freeSlots(others, node, limit) < 1,
          );
          const waitedMs = deps.now().getTime() - start;
          if (busy.length === 0) return { waitedMs };
          const holders = [...new Set(busy.flatMap((n) => slotHolders(others, n ?? '')))];
          const waitingFor = `a free migration slot at ${busy.join(' and ')} (limit ${String(limit)}, in use by ${holders.join(', ')})`;
          if (waitedMs > input.waitSeconds * 1000) {
            throw failed(
              'SlotsBusy',
              `${input.vm} found no free migration slot within ${String(input.waitSeconds)} s: waited for ${waitingFor}`,
            );
          }
          say(waits(input.step, 'slot', waitingFor));
          await pause(deps, deps.lookEveryMs);
          if (cancellationSignal().aborted) throw new CancelledFailure('the wait was cancelled');
        }
      });
    },
  });
}

export type ClusterActivities = ReturnType<typeof createClusterActivities>;
