// Activities about one machine, served only by that machine's worker on watari.<cluster>.<node>: look at it, install
// features, restart it and see it return, set its live-migration settings, read its event logs.
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { CancelledFailure } from '@temporalio/common';
import type { EventFacts, FeatureFacts, MigrationSettings, NodeView } from '../domain/facts.ts';
import { boundedText } from '../domain/bounded.ts';
import { sameName } from '../domain/names.ts';
import { NODE_FEATURES } from '../domain/spec.ts';
import { durationText } from '../domain/units.ts';
import { HypervError, type HypervHost, type OpArgs } from '../hyperv/host.ts';
import { beating, pause, waits } from './beats.ts';
import type { Applied, ClusterActivityDeps } from './cluster.ts';
import { failed, guarded, notYet } from './failing.ts';

/** What the cluster and Hyper-V need to run: the cluster service and the virtual machine management service. */
const SERVICES = ['ClusSvc', 'vmms'];
/** A node that is going down is asked again at this pace whether it is still the old boot. */
const BOOT_CHECK_MS = 1000;
/** People keep whole stories in the notes of a VM; nothing is decided by what a look tells of them. */
const NOTES_CHARS_MAX = 500;
/** Of one event's message; fifty of them go into a run's evidence. */
const EVENT_CHARS_MAX = 1_000;
/** Event logs of two nodes are compared although their clocks differ. */
const CLOCK_SKEW_MS = 60_000;

/** null where the Hyper-V role, or the service behind it, is not there. */
async function orNull<T>(read: Promise<{ facts: T }>): Promise<T | null> {
  try {
    return (await read).facts;
  } catch (err) {
    if (err instanceof HypervError && err.info.errorId === 'HyperVMissing') return null;
    throw err;
  }
}

export interface NodeRequest {
  /** Disk files to look for. */
  files?: string[];
  /** Beside NODE_FEATURES. */
  features?: string[];
  /** Only VMs of these names or ids are told; absent: all. A look is kept in a run's history, so it should be small. */
  vms?: string[];
}

export async function readNode(
  { host, now }: ClusterActivityDeps,
  { files = [], features = [], vms: wanted }: NodeRequest,
): Promise<NodeView> {
  const [hostFacts, featureFacts, services, switches, migration, vms, movesAway, diskFiles] =
    await Promise.all([
      host.readHost({}),
      host.readFeatures({ names: [...NODE_FEATURES, ...features] }),
      host.readServices({ names: SERVICES }),
      orNull(host.readSwitches({})),
      orNull(host.readMigrationSettings({})),
      orNull(host.readVms({})),
      orNull(host.readMovesAway({})),
      host.readDiskFiles({ paths: files }),
    ]);
  return {
    takenAt: now().toISOString(),
    host: hostFacts.facts,
    features: featureFacts.facts,
    services: services.facts,
    switches: switches ?? [],
    migration,
    vms: (vms ?? [])
      .filter(
        (vm) => wanted?.some((name) => sameName(name, vm.name) || sameName(name, vm.id)) ?? true,
      )
      .map((vm) => ({ ...vm, notes: boundedText(vm.notes, NOTES_CHARS_MAX) })),
    ...(movesAway === null || movesAway.length === 0 ? {} : { movesAway }),
    files: diskFiles.facts,
  };
}

export interface FeaturesInstalled {
  changed: boolean;
  restartNeeded: boolean;
  /** Of the boot that owes the restart. Absent in what workers of 0.1.0 wrote. */
  bootTime?: string;
  before: FeatureFacts[];
  after: FeatureFacts[];
  cmdlets: string[];
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
        const { bootTime } = (await host.readHost({})).facts;
        return { ...facts, bootTime, before, after, cmdlets };
      });
    },

    /**
     * Asks for a restart and returns before the machine goes down. Harmless when repeated: the boot that is to end is
     * named, and a node that has restarted since is left alone. Refuses while a VM runs here.
     */
    async requestRestart(
      input: OpArgs<'restartNode'>,
    ): Promise<{ changed: boolean; cmdlets: string[] }> {
      // A VM that starts, saves or stops just now would be cut off as well.
      const running = ((await orNull(host.readVms({}))) ?? []).filter(
        (vm) => vm.state !== 'Off' && vm.state !== 'Saved',
      );
      const { bootTime } = (await host.readHost({})).facts;
      if (running.length > 0 && bootTime === input.ifBootTime) {
        throw failed(
          'NodeNotDrained',
          `${host.node} was not restarted: ${running.map((vm) => vm.name).join(', ')} still runs there`,
        );
      }
      const { facts, cmdlets } = await host.restartNode(input);
      return { changed: facts.changed, cmdlets };
    },

    /** Being taken from the queue at all is the news that the node is back; the boot time proves it. */
    async confirmRestart(input: { ifBootTime: string }): Promise<{ bootTime: string }> {
      const { facts } = await host.readHost({});
      if (facts.bootTime === input.ifBootTime) {
        throw notYet(`${host.node} has not restarted yet (boot ${facts.bootTime})`, BOOT_CHECK_MS);
      }
      return { bootTime: facts.bootTime };
    },

    /** Waits until the services run and the cluster counts the node as Up (or Paused, where it was paused by us). */
    async awaitReady(input: {
      step: string;
      features: string[];
      mayBePaused: boolean;
      waitSeconds: number;
    }): Promise<NodeReady> {
      return beating(deps, async ({ say }) => {
        const until = deps.now().getTime() + input.waitSeconds * 1000;
        for (;;) {
          const missing = await notReadyYet(host, input);
          if (typeof missing !== 'string') return missing;
          if (deps.now().getTime() > until) {
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

    /** Errors and warnings of the Hyper-V and cluster logs since a moment of this node's (or nearly its) clock. */
    async readMoveEvents(input: { since: string; vm: string }): Promise<EventFacts[]> {
      const since = new Date(Date.parse(input.since) - CLOCK_SKEW_MS).toISOString();
      const { facts } = await host.readEvents({ since, max: 50 });
      return facts
        .filter((e) => e.vm === null || sameName(e.vm, input.vm))
        .map((e) => ({ ...e, message: boundedText(e.message, EVENT_CHARS_MAX) }));
    },
  });
}

/** What is still missing, or the proof that nothing is. */
async function notReadyYet(
  host: HypervHost,
  wanted: { features: string[]; mayBePaused: boolean },
): Promise<string | NodeReady> {
  const services = (await host.readServices({ names: SERVICES })).facts;
  const down = services.filter((s) => s.state !== 'Running');
  if (down.length > 0) return down.map((s) => `${s.name} (${s.state})`).join(', ');
  const features = (await host.readFeatures({ names: wanted.features })).facts;
  const pending = features.filter((f) => f.state !== 'Installed');
  if (pending.length > 0) {
    return pending.map((f) => `${f.name} (${f.state})`).join(', ');
  }
  let state: string;
  try {
    const { facts } = await host.readNodes({});
    state = facts.find((n) => sameName(n.name, host.node))?.state ?? 'not a member of the cluster';
  } catch (err) {
    if (!(err instanceof HypervError)) throw err;
    state = 'not connected to the cluster';
  }
  const { facts } = await host.readHost({});
  if (state === 'Up' || (wanted.mayBePaused && state === 'Paused')) {
    return { bootTime: facts.bootTime, services: services.map((s) => s.name), state };
  }
  return `${host.node} to be Up in the cluster (${state})`;
}

export type NodeActivities = ReturnType<typeof createNodeActivities>;
