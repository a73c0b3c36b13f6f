// How the world is made of a scenario, and a role of a VM. Whoever starts a lab calls makeWorld.
import { includesName, sameName } from '../../domain/names.ts';
import { WINDOWS } from '../scenario/builds.ts';
import type { NodeScenario, Scenario, VmScenario } from '../scenario/schema.ts';
import { Agenda } from './agenda.ts';
import type { Instant } from './clock.ts';
import { makeGroups } from './groups.ts';
import { MOVES_BY_PRIORITY } from './quick.ts';
import { emptyRecords, logEvent } from './records.ts';
import { makeUpdates } from './updates.ts';
import {
  fileOn,
  findNode,
  labId,
  type LabNode,
  type LabRole,
  type LabVm,
  type World,
} from './world.ts';

// What Get-WindowsFeature knows of and this job may meet. Failover-Clustering is on every node, being a member.
const FEATURES = [
  'Hyper-V',
  'Hyper-V-PowerShell',
  'Hyper-V-Tools',
  'RSAT-Hyper-V-Tools',
  'Failover-Clustering',
  'RSAT-Clustering',
  'RSAT-Clustering-Mgmt',
  'RSAT-Clustering-PowerShell',
  'FS-SMBBW',
  'Data-Center-Bridging',
  'BitLocker',
];
/** These work after a restart only. */
export const RESTART_FEATURES = ['Hyper-V', 'BitLocker'];
const CLUSTER_FEATURES = ['Failover-Clustering', 'RSAT-Clustering', 'RSAT-Clustering-PowerShell'];
/** Installed together with Hyper-V when management tools are asked for. */
export const HYPERV_TOOLS = ['RSAT-Hyper-V-Tools', 'Hyper-V-Tools', 'Hyper-V-PowerShell'];

// A node that is up when the lab starts has been so for a day; its VMs for as long as the scenario says.
const UP_SINCE_MS = 86_400_000;

function makeNode(s: Scenario, told: NodeScenario, start: Instant): LabNode {
  const build = told.build ?? s.build;
  const { osVersion, vmVersions } = WINDOWS[build];
  const is = {
    ...told,
    build,
    osVersion: told.osVersion ?? osVersion,
    vmVersions: told.vmVersions ?? [...vmVersions],
  };
  const listed = [...is.features, ...CLUSTER_FEATURES];
  if (includesName(is.features, 'Hyper-V')) listed.push(...HYPERV_TOOLS);
  const features: LabNode['features'] = new Map(FEATURES.map((name) => [name, 'Available']));
  for (const name of listed)
    features.set(FEATURES.find((known) => sameName(known, name)) ?? name, 'Installed');
  const on = is.power === 'on';
  const clockAheadMs = is.setup.clockAheadSeconds * 1000;
  return {
    name: is.name,
    is,
    power: on ? 'running' : 'off',
    losses: 0,
    kernelStart: start - UP_SINCE_MS + clockAheadMs,
    bootTime: start - UP_SINCE_MS,
    clockAheadMs,
    featuresReadIn: start - UP_SINCE_MS,
    services: on ? 'Running' : 'Stopped',
    features,
    installing: null,
    pendingRestart: is.pendingRestart,
    migration: { ...is.liveMigration },
    paused: is.paused,
    quarantined: is.quarantined,
    networkDownUntil: 0,
    volumesPausedUntil: 0,
    wrongSignIns: new Map(
      is.setup.locked
        ? [[is.setup.account.toLowerCase(), { count: 0, lastAt: start, lockedUntil: Infinity }]]
        : [],
    ),
    transition: null,
    updates: makeUpdates(s, is.name, is.setup.updateRevision),
  };
}

/** What New-VM makes where it is not told otherwise. */
export const newestVmVersion = (versions: readonly string[]): string => versions.at(-1) ?? '';

function makeVm(s: Scenario, is: VmScenario, start: Instant): LabVm {
  const owner = s.nodes.find((node) => sameName(node.name, is.owner));
  const volume = s.sharedVolumes[0]?.path ?? 'C:\\ClusterStorage\\Volume1';
  const firstSwitch = owner?.switches[0]?.name;
  const newest = newestVmVersion(owner?.vmVersions ?? WINDOWS[owner?.build ?? s.build].vmVersions);
  return {
    id: (is.id ?? labId(s.cluster, owner?.name ?? is.owner, is.name)).toLowerCase(),
    name: is.name,
    owner: owner?.name ?? is.owner,
    state: is.state,
    startedAt: start - is.uptimeSeconds * 1000,
    memoryBytes: is.memory,
    dirtyRate: is.dirtyRate,
    heartbeat: is.heartbeat,
    generation: is.generation,
    version: is.version ?? newest,
    switches: is.switches ?? (firstSwitch === undefined ? [] : [firstSwitch]),
    disks: is.disks ?? [`${volume}\\${is.name}.vhdx`],
    configurationPath: is.configurationPath ?? `${volume}\\${is.name}`,
    parents: is.parents,
    sharedDisks: is.sharedDisks,
    dvds: is.dvds,
    compatibilityForMigration: is.compatibilityForMigration,
    passThroughDevices: is.passThroughDevices,
    gpuPartitions: is.gpuPartitions,
    critical: is.critical,
    tpm: is.tpm,
    busy: is.busy,
    snapshotPath: is.snapshotPath ?? is.configurationPath ?? `${volume}\\${is.name}`,
    notes: is.clustered ? markedNotes(s, is.notes, is.name) : is.notes,
    starting: null,
    resumes: false,
  };
}

/** The notes of a VM that is a role: whoever looks for a word of its own must find it among others. */
export const markedNotes = (s: Scenario, notes: string, vm: string): string =>
  s.marksNotes ? `${notes} #CLUSTER-INVARIANT#:{${labId(s.cluster, 'invariant', vm)}}` : notes;

export function makeRole(world: World, vm: LabVm, name: string, from?: VmScenario): LabRole {
  const canonical = (names: string[]): string[] => names.map((n) => findNode(world, n)?.name ?? n);
  const on = vm.state === 'Running' || vm.state === 'Paused';
  return {
    vmId: vm.id,
    name,
    wanted: on ? 'online' : 'offline',
    state: on ? 'Online' : 'Offline',
    preferredOwners: canonical(from?.preferredOwners ?? []),
    possibleOwners: canonical(from?.possibleOwners ?? world.nodes.map((node) => node.name)),
    antiAffinityClassNames: from?.antiAffinity ?? [],
    locked: from?.locked ?? false,
    offlineAction: from?.offlineAction ?? 1,
    priority: from?.priority ?? 2000,
    defaultMoveType: from?.defaultMoveType ?? MOVES_BY_PRIORITY,
    quick: null,
    lastMove: { phase: 'none', percent: 0, failureReason: '0x00000000' },
    failover: null,
  };
}

export function makeWorld(scenario: Scenario, start: Instant): World {
  const nodes = scenario.nodes.map((is) => makeNode(scenario, is, start));
  const firstUp = nodes.find((node) => node.power === 'running')?.name ?? nodes[0]?.name ?? '';
  const world: World = {
    time: start,
    scenario,
    startedAt: start,
    agenda: new Agenda(),
    records: emptyRecords(),
    nodes,
    vms: new Map(),
    roles: new Map(),
    moves: [],
    jobs: [],
    cluster: {
      maximumParallelMigrations: scenario.maximumParallelMigrations,
      autoBalancerMode: scenario.autoBalancer.mode,
    },
    groups: makeGroups(scenario, firstUp),
    balancer: null,
    networks: scenario.networks.map((network) => ({ ...network })),
    sharedVolumes: scenario.sharedVolumes.map(({ name, path, state, owner }) => ({
      name,
      path,
      state,
      owner: nodes.find((n) => owner !== undefined && sameName(n.name, owner))?.name ?? firstUp,
    })),
    disks: scenario.disks.map(({ path, node }) => ({ path, node })),
    faults: [],
    quorate: true,
    quorumLostUntil: 0,
    created: 0,
    storage: { resting: new Set(), repair: null, wasAway: false },
    watchers: [],
    strike: () => undefined,
  };
  for (const is of scenario.virtualMachines) {
    const vm = makeVm(scenario, is, start);
    world.vms.set(vm.id, vm);
    for (const path of [...vm.disks, ...vm.parents])
      if (!fileOn(world, path, vm.owner)) world.disks.push({ path, node: null });
    if (is.clustered) world.roles.set(vm.id, makeRole(world, vm, is.role ?? vm.name, is));
  }
  for (const is of scenario.nodes) {
    for (const { hoursAgo, hresult, vm, ...event } of is.events) {
      const at = start - hoursAgo * 3_600_000;
      const vmId = [...world.vms.values()].find((one) => one.name === vm)?.id;
      const about = { ...(vm && { vm }), ...(vmId && { vmId }) };
      logEvent(world, is.name, { ...event, at, ...(hresult && { hresult }), ...about });
    }
  }
  return world;
}
