// Activities that empty a node of what is no running VM: its groups, the volumes that it owns; and the auto-balancer
// that would fill it again. Any live node of the cluster can do them. Running VMs are moved by move.ts, never here.
import { cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { GroupFacts, GroupKind } from '../domain/facts.ts';
import { sameName } from '../domain/names.ts';
import { durationText } from '../domain/units.ts';
import { beating, pause, stopwatch, waits } from './beats.ts';
import type { Applied, ClusterActivityDeps } from './cluster.ts';
import { failed, guarded } from './failing.ts';

export interface MoveGroupRequest {
  step: string;
  group: string;
  from: string;
  node: string;
  /** Absent: two minutes. A group that is handed over stops here and starts there. */
  waitSeconds?: number;
}

export interface MoveVolumeRequest extends Omit<MoveGroupRequest, 'group'> {
  volume: string;
}

export interface Moved {
  changed: boolean;
  /** Where it is now: not the node that was asked for, if somebody was faster. */
  owner: string;
  cmdlets: string[];
}

const WAIT_SECONDS = 120;

interface Moving extends Omit<MoveGroupRequest, 'group'> {
  /** `group X`. */
  what: string;
  ask: () => Promise<{ facts: { changed: boolean }; cmdlets: string[] }>;
  look: () => Promise<{ owner: string; isPending: boolean } | undefined>;
}

/** Asks, and looks until it has left `from` and rests: a group that is handed over may come back. */
function moveAway(deps: ClusterActivityDeps, moving: Moving): Promise<Moved> {
  const { step, what, from, node, waitSeconds = WAIT_SECONDS } = moving;
  return beating(deps, async ({ say }) => {
    const waitedMs = stopwatch(deps);
    const { facts, cmdlets } = await moving.ask();
    for (;;) {
      const seen = await moving.look();
      if (seen === undefined) throw failed('GroupMissing', `the cluster has no ${what} any more`);
      if (!seen.isPending && !sameName(seen.owner, from))
        return { changed: facts.changed, owner: seen.owner, cmdlets };
      const waitingFor = `${what} to move from ${from} to ${node}`;
      if (waitedMs() > waitSeconds * 1000) {
        const waited = durationText(waitSeconds * 1000);
        throw failed('GroupStays', `waited ${waited} in vain for ${waitingFor}`);
      }
      say(waits(step, 'moving-group', waitingFor));
      await pause(deps, deps.lookEveryMs);
      if (cancellationSignal().aborted) throw new CancelledFailure('the wait was cancelled');
    }
  });
}

const moveGroupAway = (deps: ClusterActivityDeps, input: MoveGroupRequest): Promise<Moved> =>
  moveAway(deps, {
    ...input,
    what: `group ${input.group}`,
    ask: () => deps.host.moveGroup({ group: input.group, from: input.from, node: input.node }),
    look: async () => {
      const { facts } = await deps.host.readGroups({});
      const group = facts.find(({ name }) => sameName(name, input.group));
      return group && { owner: group.owner, isPending: group.state === 'Pending' };
    },
  });

/**
 * Moves the core group off this node, where another may take it: Windows Server 2025 can lose its quorum when the node
 * that holds it is shut down. Answers the cmdlets that did.
 */
export async function leaveCoreGroup(deps: ClusterActivityDeps): Promise<string[]> {
  const { host } = deps;
  // Without the service this node is no member, so it holds nothing.
  const [service] = (await host.readServices({ names: ['ClusSvc'] })).facts;
  if (service?.state !== 'Running') return [];
  const { facts } = await host.readGroups({});
  const core = facts.find(({ kind, owner }) => kind === 'core' && sameName(owner, host.node));
  if (core === undefined) return [];
  const nodes = (await host.readNodes({})).facts;
  const other = nodes.find(
    ({ name, state, quarantined }) => state === 'Up' && !quarantined && !sameName(name, host.node),
  );
  if (other === undefined) return [];
  const { cmdlets } = await moveGroupAway(deps, {
    step: 'restart',
    group: core.name,
    from: host.node,
    node: other.name,
    // Less than the call that it is a part of may take, so that its failure is told.
    waitSeconds: 60,
  });
  return cmdlets;
}

export function createGroupActivities(deps: ClusterActivityDeps) {
  const { host } = deps;
  return guarded({
    /** Thousands of groups are more than a history takes: ask for those of a node, or of some kinds. */
    readGroups: (asked: { owner?: string; kinds?: GroupKind[] }): Promise<GroupFacts[]> =>
      beating(deps, async () =>
        (await host.readGroups({})).facts.filter(
          ({ owner, kind }) =>
            (asked.owner === undefined || sameName(owner, asked.owner)) &&
            (asked.kinds?.includes(kind) ?? true),
        ),
      ),

    /** For what is no running VM: the cluster's own groups, VMs that are off or saved, other roles. */
    moveGroup: (input: MoveGroupRequest): Promise<Moved> => moveGroupAway(deps, input),

    moveSharedVolume: (input: MoveVolumeRequest): Promise<Moved> =>
      moveAway(deps, {
        ...input,
        what: `shared volume ${input.volume}`,
        ask: () =>
          host.moveSharedVolume({ volume: input.volume, from: input.from, node: input.node }),
        look: async () => {
          const { facts } = await host.readSharedVolumes({});
          const volume = facts.find(({ name }) => sameName(name, input.volume));
          return volume && { owner: volume.owner, isPending: false };
        },
      }),

    /** Sets (Get-Cluster).AutoBalancerMode and reads it back. */
    async setAutoBalancer(input: { mode: number }): Promise<Applied<number>> {
      return beating(deps, async () => {
        const before = (await host.readCluster({})).facts.autoBalancerMode;
        const { facts, cmdlets } = await host.configureCluster({ autoBalancerMode: input.mode });
        const { name, autoBalancerMode: after } = (await host.readCluster({})).facts;
        if (after !== input.mode) {
          throw failed(
            'SettingsNotKept',
            `AutoBalancerMode of cluster ${name} was set to ${input.mode} and reads back as ${after}`,
          );
        }
        return { changed: facts.changed, before, after, cmdlets };
      });
    },
  });
}

export type GroupActivities = ReturnType<typeof createGroupActivities>;
