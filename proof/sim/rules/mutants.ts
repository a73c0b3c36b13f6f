// The product with one mistake in it, each of a kind that people make: what the rules have to notice within few seeds.
// A rule that no mutant and no made-up log can break would be no rule.
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { NodeActivityDeps } from '../../../activities/examine.ts';
import { failed } from '../../../activities/failing.ts';
import type { MoveRequest } from '../../../activities/move.ts';
import type { ClusterView } from '../../../domain/facts.ts';
import type { StorageView } from '../../../domain/storage-gate.ts';
import type { Standing } from '../../../domain/turns.ts';
import type { HypervHost } from '../../../hyperv/host.ts';
import type { Deed, Mutant, WorkerParts } from '../parts.ts';

export interface NamedMutant {
  name: string;
  mutant: Mutant;
  /** The first of the five seeds in which it has to show. */
  from: number;
  /** The rules of which one has to be broken. */
  breaks: string[];
}

const withDeed = (
  parts: WorkerParts,
  queue: 'cluster' | 'node',
  type: string,
  deed: Deed,
): WorkerParts => ({ ...parts, [queue]: { ...parts[queue], [type]: deed } });

const pauseFor = ({ after, lookEveryMs }: NodeActivityDeps): Promise<void> =>
  new Promise((resolve) => {
    after?.(lookEveryMs, resolve);
  });

/** Asks without looking, and asks again after every look that does not find the VM there. */
const moveWithoutLooking =
  (deps: NodeActivityDeps): Deed =>
  async (...args) => {
    const { vmId, target, step } = args[0] as MoveRequest;
    const { host } = deps;
    for (;;) {
      await host.cancelMove({ vmId });
      await host.startMove({ vmId, node: target });
      for (let looks = 10; looks > 0; looks -= 1) {
        await pauseFor(deps);
        const role = (await host.readRoles({})).facts.find((r) => r.vmId === vmId);
        heartbeat({ step, phase: role?.move.phase ?? '', percent: role?.move.percent ?? null });
        if (role?.owner === target)
          return { from: '', to: target, how: 'started', seconds: 0, cmdlets: [] };
      }
    }
  };

/** The storage of the others, whatever is going on there. */
function storageTakenForWhole(parts: WorkerParts): WorkerParts {
  const real = parts.cluster['viewStorage'] ?? (() => Promise.reject(new Error('no viewStorage')));
  const whole: Deed = async (...args) => {
    const view = (await real(...args)) as StorageView;
    const storage = { direct: false, virtualDisks: [], pools: [], jobs: [], inMaintenance: [] };
    return { ...view, storage };
  };
  return withDeed(
    withDeed(parts, 'cluster', 'viewStorage', whole),
    'cluster',
    'awaitStorage',
    whole,
  );
}

/** A preparation that believes every node to be empty. */
function withoutHeld(parts: WorkerParts): WorkerParts {
  const real = parts.cluster['viewCluster'] ?? (() => Promise.reject(new Error('no viewCluster')));
  return withDeed(parts, 'cluster', 'viewCluster', async (...args) => {
    const view = (await real(...args)) as ClusterView;
    return activityInfo().workflowType === 'prepareNode' ? { ...view, roles: [] } : view;
  });
}

/** Does and undoes on the way. */
const createAgain = (host: HypervHost): HypervHost => ({
  ...host,
  createVm: async (a) => {
    const made = await host.createVm(a);
    await host.addRole({ vmId: made.facts.vm.id, name: a.name });
    await host.removeRole({ vmId: made.facts.vm.id });
    return made;
  },
});

export const MUTANTS: readonly NamedMutant[] = [
  {
    name: 'moveVm that does not look first',
    from: 1,
    mutant: {
      parts: (parts, deps) => withDeed(parts, 'cluster', 'moveVm', moveWithoutLooking(deps)),
    },
    breaks: [
      'a move is cancelled by us only when its run is cancelled or aborted',
      'a run moves its VM once',
    ],
  },
  {
    name: 'a host whose startMove starts twice',
    from: 1,
    mutant: {
      host: (host) => ({
        ...host,
        startMove: async (a) => {
          const first = await host.startMove(a);
          await host.cancelMove({ vmId: a.vmId });
          await host.startMove(a);
          return first;
        },
      }),
    },
    breaks: ['one call of an operation does one thing'],
  },
  {
    name: 'a ledger to which the turns that are given mean nothing',
    from: 17,
    mutant: {
      parts: (parts) => {
        const real = parts.cluster['lookAtMoves'] ?? (() => Promise.reject(new Error('no look')));
        return withDeed(parts, 'cluster', 'lookAtMoves', async () => ({
          ...((await real()) as Standing),
          limit: 1000,
        }));
      },
    },
    breaks: ['runs of watari never ask for more moves at a node than the cluster allows at a time'],
  },
  {
    name: 'requestRestart that saves what still runs',
    from: 28,
    mutant: {
      parts: (parts, { host }) =>
        withDeed(withoutHeld(parts), 'node', 'requestRestart', async (...args) => {
          const { facts: roles } = await host.readRoles({});
          for (const { owner, vmId } of roles)
            if (owner === host.node) await host.stopRole({ vmId });
          const { boot } = (await host.readBoot({})).facts;
          const { reason } = args[0] as { reason: string };
          const { facts, cmdlets } = await host.restartNode({ ifBoot: boot, reason });
          return { changed: facts.changed, cmdlets };
        }),
    },
    breaks: [
      'a node is restarted by us once, without a running VM on it or on its way to it, and with quorum afterwards',
      'no VM is stopped or saved by us, but one that the run made itself and takes back',
    ],
  },
  {
    name: 'viewStorage that takes a storage at work for a whole one',
    from: 63,
    mutant: { parts: storageTakenForWhole },
    breaks: [
      'a node is restarted by us only when the run has seen the storage of the others whole',
    ],
  },
  {
    name: 'a role that is made, removed and made again',
    from: 1,
    mutant: { host: createAgain },
    breaks: ['one call of an operation does one thing', 'every effect happens once per intent'],
  },
  {
    name: 'resumeNode that does nothing',
    from: 1,
    mutant: {
      host: (host) => ({
        ...host,
        resumeNode: () => Promise.resolve({ facts: { changed: false }, cmdlets: [] }),
      }),
    },
    breaks: [
      'a node that a run paused is resumed at its end, or the report says that it could not be',
      'every run ends',
    ],
  },
  {
    name: 'verifyVm that waits for a VM which runs elsewhere',
    from: 1,
    mutant: {
      parts: (parts) =>
        withDeed(parts, 'node', 'verifyVm', () =>
          Promise.reject(failed('VmNotRunning', 'it does not run here')),
        ),
    },
    breaks: ['a retry cures what was mended'],
  },
  {
    name: 'a doctor that signs in again and again',
    from: 20,
    mutant: {
      host: (host) => ({
        ...host,
        readPeers: async (a) => {
          for (let times = 12; times > 0; times -= 1) await host.readPeers({ ...a, signIn: true });
          return host.readPeers(a);
        },
      }),
    },
    breaks: ['no account is locked by wrong sign-ins of ours'],
  },
  {
    name: 'a move that shows less than before',
    from: 15,
    mutant: {
      parts: (parts, deps) => {
        const real = parts.cluster['moveVm'] ?? (() => Promise.reject(new Error('no moveVm')));
        // For long enough to be seen by who looks now and then.
        const show = async (percent: number): Promise<void> => {
          for (let looks = 20; looks > 0; looks -= 1) {
            heartbeat({ phase: 'data-transfer', percent });
            await pauseFor(deps);
          }
        };
        return withDeed(parts, 'cluster', 'moveVm', async (...args) => {
          await show(90);
          await show(80);
          return real(...args);
        });
      },
    },
    breaks: ['progress never goes backwards within a phase of one move'],
  },
];

/** Caught by the story of a cancelled move, see cuts.ts. */
export const NEVER_CANCELS: Mutant = {
  host: (host) => ({
    ...host,
    cancelMove: () => Promise.resolve({ facts: { changed: false }, cmdlets: [] }),
  }),
  parts: (parts) => {
    const real = parts.cluster['moveVm'] ?? (() => Promise.reject(new Error('no moveVm')));
    const stopped = (): Promise<unknown> =>
      Promise.resolve({ settled: true, owner: '', phase: 'none' });
    const deaf: Deed = async (...args) => {
      const cancelled = new Promise<never>((_resolve, reject) => {
        cancellationSignal().addEventListener('abort', () => {
          reject(new CancelledFailure('gone'));
        });
      });
      return Promise.race([real(...args), cancelled]);
    };
    return withDeed(withDeed(parts, 'cluster', 'stopMove', stopped), 'cluster', 'moveVm', deaf);
  },
};

/**
 * Takes the boot of now instead of the one that the run wants to end: caught when the first request's result is lost.
 */
export const RESTARTS_ANY_BOOT: Mutant = {
  parts: (parts, { host }) => {
    const real = parts.node['requestRestart'] ?? (() => Promise.reject(new Error('no restart')));
    return withDeed(parts, 'node', 'requestRestart', async (...args) => {
      const { boot } = (await host.readBoot({})).facts;
      return real({ ...(args[0] as object), ifBoot: boot });
    });
  },
};
