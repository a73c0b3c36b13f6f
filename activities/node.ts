// Activities about one machine, served only by that machine's worker on watari.<cluster>.<node>: look at it, install
// features, restart it and see it return, set its live-migration settings, read its event logs.
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import { isSameBoot, type Boot } from '../domain/boot.ts';
import type { EventFacts } from '../domain/event-facts.ts';
import type { FeatureFacts, MigrationSettings, NodeView, ServiceFacts } from '../domain/facts.ts';
import { boundedText } from '../domain/bounded.ts';
import { eventIsAbout } from '../domain/event-about.ts';
import { includesName, sameName } from '../domain/names.ts';
import { NODE_FEATURES } from '../domain/spec.ts';
import { durationText } from '../domain/units.ts';
import { usesDisk } from '../domain/storage.ts';
import { HypervError, type HypervHost, type OpArgs } from '../hyperv/host.ts';
import { beating, pause, stopwatch, waits } from './beats.ts';
import type { Applied, ClusterActivityDeps } from './cluster.ts';
import { failed, guarded, notYet } from './failing.ts';
import { leaveCoreGroup } from './group.ts';

/** What the cluster and Hyper-V need to run: the cluster service and the virtual machine management service. */
export const SERVICES = ['ClusSvc', 'vmms'];
/** Windows makes these services with the feature, and for Hyper-V at the restart that finishes it. */
const SERVICE_OF: Readonly<Record<(typeof NODE_FEATURES)[number], string>> = {
  'Hyper-V': 'vmms',
  'Failover-Clustering': 'ClusSvc',
};
/** A node that is going down is asked again at this pace whether it is still the old boot. */
const BOOT_CHECK_MS = 1000;
/** People keep whole stories in the notes of a VM; nothing is decided by what a look tells of them. */
const NOTES_CHARS_MAX = 500;
/** Of one event's message; fifty of them go into a run's evidence. */
const EVENT_CHARS_MAX = 1_000;
/** Live migrations of all VMs that end at a node while one of them is verified. */
const BLACKOUTS_MAX = 1_000;
/** Event logs of two nodes are compared although their clocks differ. */
const CLOCK_SKEW_MS = 60_000;

/** Of both, only the first says that there can be no VMs. */
export const NO_HYPER_V = ['HyperVMissing', 'HyperVNotReady'];

/** null where the Hyper-V role is not there. */
export async function orNull<T>(
  read: Promise<{ facts: T }>,
  missing = ['HyperVMissing'],
): Promise<T | null> {
  try {
    return (await read).facts;
  } catch (err) {
    if (err instanceof HypervError && missing.includes(err.info.errorId ?? '')) return null;
    throw err;
  }
}

export interface NodeRequest {
  /** Disk files to look for. */
  files?: string[];
  /** Only VMs of these names or ids are told; absent: all. A look is kept in a run's history, so it should be small. */
  vms?: string[];
}

/** @param o.mayStart Hyper-V that does not answer yet tells nothing, instead of failing the look. */
export async function readNode(
  { host, now }: ClusterActivityDeps,
  { files = [], vms: wanted }: NodeRequest,
  { mayStart = false } = {},
): Promise<NodeView> {
  const missing = mayStart ? NO_HYPER_V : undefined;
  const [hostFacts, services, switches, migration, vms, movesAway, diskFiles] = await Promise.all([
    host.readHost({}),
    host.readServices({ names: SERVICES }),
    orNull(host.readSwitches({}), missing),
    orNull(host.readMigrationSettings({}), missing),
    orNull(host.readVms({}), missing),
    orNull(host.readMovesAway({}), missing),
    host.readDiskFiles({ paths: files }),
  ]);
  return {
    takenAt: now().toISOString(),
    host: hostFacts.facts,
    features: featuresOf(services.facts),
    services: services.facts,
    switches: switches ?? [],
    migration,
    vms: (vms ?? [])
      .filter(
        (vm) =>
          // Who has a disk that is asked for matters whatever its name.
          files.some((file) => usesDisk(vm.disks, file)) ||
          (wanted?.some((name) => sameName(name, vm.name) || sameName(name, vm.id)) ?? true),
      )
      .map((vm) => ({ ...vm, notes: boundedText(vm.notes, NOTES_CHARS_MAX) })),
    ...(movesAway === null || movesAway.length === 0 ? {} : { movesAway }),
    files: diskFiles.facts,
  };
}

/**
 * The features that a node needs, by their services: Windows takes minutes to list its features once it has restarted,
 * so only a preparation asks it.
 */
const featuresOf = (services: readonly ServiceFacts[]): FeatureFacts[] =>
  NODE_FEATURES.map((name) => {
    const service = services.find((s) => sameName(s.name, SERVICE_OF[name]));
    const isThere = service !== undefined && service.state !== 'Missing';
    return { name, state: isThere ? 'Installed' : 'Available' };
  });

export interface FeaturesInstalled {
  changed: boolean;
  restartNeeded: boolean;
  /** The boot that owes the restart. Absent in what older workers wrote. */
  boot?: string;
  bootTime?: string;
  before: FeatureFacts[];
  after: FeatureFacts[];
  cmdlets: string[];
}

/** Workflows of older versions name the boot by its time alone. */
export interface BootToEnd {
  ifBoot?: string | undefined;
  ifBootTime: string;
}

export interface Blackout {
  blackoutSeconds: number;
}

export interface NodeReady {
  bootTime: string;
  services: string[];
  state: string;
}

export function createNodeActivities(deps: ClusterActivityDeps) {
  const { host } = deps;
  return guarded({
    viewNode: (request: NodeRequest): Promise<NodeView> => {
      deps.gate?.noteQueue(activityInfo().currentAttemptScheduledTimestampMs);
      return beating(deps, () => readNode(deps, request));
    },

    async installFeatures(input: { names: string[] }): Promise<FeaturesInstalled> {
      return beating(deps, async () => {
        const before = (await host.readFeatures(input)).facts;
        const { facts, cmdlets } = await host.installFeatures(input);
        const after = (await host.readFeatures(input)).facts;
        // The node may have crashed since somebody looked at it first: that boot is over, and owes nothing.
        const { boot, bootTime } = (await host.readBoot({})).facts;
        return { ...facts, boot, bootTime, before, after, cmdlets };
      });
    },

    /**
     * Asks for a restart and returns before the machine goes down. Harmless when repeated: the boot that is to end is
     * named, and a node that has restarted since is left alone. Refuses while a VM runs here, and first moves the core
     * group to another node.
     */
    async requestRestart(
      input: BootToEnd & { reason: string },
    ): Promise<{ changed: boolean; cmdlets: string[] }> {
      // A VM that starts, saves or stops just now would be cut off as well. Where Hyper-V does not answer, the node
      // looks for the processes of VMs itself before it restarts; it looks in any case.
      const running = ((await orNull(host.readVms({}), NO_HYPER_V)) ?? []).filter(
        (vm) => vm.state !== 'Off' && vm.state !== 'Saved',
      );
      const now = (await host.readBoot({})).facts;
      if (!isSameBoot(bootToEnd(input), now)) return { changed: false, cmdlets: [] };
      if (running.length > 0) {
        throw failed(
          'NodeNotDrained',
          `${host.node} was not restarted: ${running.map((vm) => vm.name).join(', ')} still runs there`,
        );
      }
      const moved = await leaveCoreGroup(deps);
      const { facts, cmdlets } = await host.restartNode({
        ifBoot: now.boot,
        reason: input.reason,
      });
      return { changed: facts.changed, cmdlets: [...moved, ...cmdlets] };
    },

    /** Being taken from the queue at all is the news that the node is back; its boot proves it. */
    async confirmRestart(input: BootToEnd): Promise<Boot> {
      const { facts } = await host.readBoot({});
      if (isSameBoot(bootToEnd(input), facts)) {
        throw notYet(
          `${host.node} has not restarted yet (up since ${facts.bootTime})`,
          BOOT_CHECK_MS,
        );
      }
      return facts;
    },

    /** Waits until the services run and the cluster counts the node as Up (or Paused, where it was paused by us). */
    async awaitReady(input: {
      step: string;
      features: string[];
      mayBePaused: boolean;
      waitSeconds: number;
      /** Absent: those of the cluster and of Hyper-V. */
      services?: string[];
    }): Promise<NodeReady> {
      return beating(deps, async ({ say }) => {
        const waitedMs = stopwatch(deps);
        for (;;) {
          const missing = await notReadyYet(host, input);
          if (typeof missing !== 'string') return missing;
          if (waitedMs() > input.waitSeconds * 1000) {
            throw failed(
              'NodeNotReady',
              `${host.node} is back, but after ${durationText(input.waitSeconds * 1000)} still waits for ${missing}`,
            );
          }
          say(waits(input.step, 'settling', missing));
          await pause(deps, deps.lookEveryMs);
          if (cancellationSignal().aborted) throw new CancelledFailure('the wait was cancelled');
        }
      });
    },

    async setMigration(input: OpArgs<'configureMigration'>): Promise<Applied<MigrationSettings>> {
      return beating(deps, async () => {
        const before = (await host.readMigrationSettings({})).facts;
        const { facts, cmdlets } = await host.configureMigration(input);
        const after = (await host.readMigrationSettings({})).facts;
        for (const [key, want] of Object.entries(input)) {
          const have = after[key as keyof typeof input];
          if (have !== want) {
            throw failed(
              'SettingsNotKept',
              `${key} of ${host.node} was set to ${String(want)} and reads back as ${String(have)}`,
            );
          }
        }
        return { changed: facts.changed, before, after, cmdlets };
      });
    },

    /**
     * Errors and warnings of the Hyper-V and cluster logs since a moment of this node's (or nearly its) clock. Those of
     * another VM are left out; `vm` is null in those that may be about any.
     */
    async readMoveEvents(input: {
      since: string;
      vm: string;
      /** Runs of earlier versions do not tell it. */
      vmId?: string;
    }): Promise<EventFacts[]> {
      const since = new Date(Date.parse(input.since) - CLOCK_SKEW_MS).toISOString();
      const { facts } = await host.readEvents({ since, max: 50 });
      return facts.flatMap((e) => {
        const about = eventIsAbout(e, input);
        if (about === 'another') return [];
        const message = boundedText(e.message, EVENT_CHARS_MAX);
        return [{ ...e, vm: about === 'it' ? input.vm : null, message }];
      });
    },

    /** How long the VM stood still at its latest live migration since a moment of this node's clock; null: not told. */
    async readBlackout(input: {
      since: string;
      vm: string;
      vmId: string;
    }): Promise<Blackout | null> {
      const { facts } = await host.readBlackouts({ since: input.since, max: BLACKOUTS_MAX });
      const found = facts.findLast(({ vmId }) => sameName(vmId, input.vmId));
      return found === undefined ? null : { blackoutSeconds: found.seconds };
    },
  });
}

const bootToEnd = ({ ifBoot, ifBootTime }: BootToEnd): Boot => ({
  boot: ifBoot,
  bootTime: ifBootTime,
});

/**
 * What is still missing, or the proof that nothing is. Fails at once where waiting cannot help: a feature that is not
 * installed after all, a node that somebody has paused.
 */
async function notReadyYet(
  host: HypervHost,
  wanted: { features: string[]; mayBePaused: boolean; services?: string[] },
): Promise<string | NodeReady> {
  const services = (await host.readServices({ names: wanted.services ?? SERVICES })).facts;
  const textOf = (list: ServiceFacts[]): string =>
    list.map((s) => `${s.name} (${s.state})`).join(', ');
  // Services come with the boot and start later: one that is not there now will not be.
  const missing = services.filter((s) => s.state === 'Missing');
  if (missing.length > 0) {
    await refuseUnfinished(host, wanted.features);
    return textOf(missing);
  }
  const down = services.filter((s) => s.state !== 'Running');
  if (down.length > 0) return textOf(down);
  let state: string;
  try {
    const { facts } = await host.readNodes({});
    state = facts.find((n) => sameName(n.name, host.node))?.state ?? 'not a member of the cluster';
  } catch (err) {
    if (!(err instanceof HypervError)) throw err;
    state = 'not connected to the cluster';
  }
  if (state === 'Paused' && !wanted.mayBePaused) {
    throw failed(
      'NodePaused',
      `${host.node} is paused in the cluster, which this run has not done`,
    );
  }
  if (state !== 'Up' && state !== 'Paused') {
    return `${host.node} to be Up in the cluster (${state})`;
  }
  // Those that a node needs have shown by their services.
  const others = wanted.features.filter((name) => !includesName(NODE_FEATURES, name));
  if (others.length > 0) await refuseUnfinished(host, others);
  const { facts } = await host.readBoot({});
  return { bootTime: facts.bootTime, services: services.map((s) => s.name), state };
}

/** Asks Windows itself, which may take minutes. */
async function refuseUnfinished(host: HypervHost, names: string[]): Promise<void> {
  const { facts } = await host.readFeatures({ names });
  const unfinished = facts.filter((f) => f.state !== 'Installed');
  if (unfinished.length === 0) return;
  const list = unfinished.map((f) => `${f.name} (${f.state})`).join(', ');
  const isOwed = unfinished.some((f) => f.state === 'InstallPending');
  throw isOwed
    ? failed('RestartStillOwed', `${host.node} has restarted and still owes a restart for ${list}`)
    : failed('FeatureReverted', `${host.node} has restarted without what was installed: ${list}`);
}

export type NodeActivities = ReturnType<typeof createNodeActivities>;
