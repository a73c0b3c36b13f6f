// The reading operations: facts as the node would tell them. They change nothing.
import {
  GROUP_STATUS,
  NODE_STATUS,
  type ClusterFacts,
  type ClusterNodeFacts,
  type GroupFacts,
  type HostFacts,
  type NodeState,
  type RoleFacts,
  type VmFacts,
  type VmNow,
} from '../../domain/facts.ts';
import { sameName } from '../../domain/names.ts';
import type { OpArgs, OpFacts, ReadOp, Reply } from '../../hyperv/host.ts';
import { iso } from './clock.ts';
import { blackouts, events } from './event-reads.ts';
import { moveFacts, movesAway } from './moves.ts';
import { hyperVNotReady, needCluster, needHyperV, quote, refused, type Asked } from './refusal.ts';
import { linkFacts, networksNow } from './networks.ts';
import { peerFacts, setupFacts, vmStorageOn } from './setup-reads.ts';
import { storageFacts } from './storage.ts';
import { jobFacts, searchFacts, servicingFacts } from './update-reads.ts';
import {
  bootOf,
  bootTimeOf,
  clockOf,
  diskFile,
  freeMemory,
  hasHyperV,
  hyperVAnswers,
  isMember,
  isOn,
  isPausedOn,
  knowsParallelLimit,
  moveOf,
  clusterId,
  onSharedVolume,
  roleOfId,
  switchesOf,
  vmOfId,
  vmsOn,
  type LabNode,
  type LabRole,
  type LabVm,
  type World,
} from './world.ts';

export function clusterFacts(world: World): ClusterFacts {
  const { witness, autoBalancer, enforcedAntiAffinity, cluster, affinityRules } = world.scenario;
  return {
    name: cluster,
    id: clusterId(world),
    // What watari's module tells where the property is absent.
    maximumParallelMigrations: knowsParallelLimit(world)
      ? world.cluster.maximumParallelMigrations
      : 1,
    enforcedAntiAffinity,
    autoBalancerMode: world.cluster.autoBalancerMode,
    autoBalancerLevel: autoBalancer.level,
    affinityRules: affinityRules
      .filter((rule) => rule.enabled)
      .map(({ name, type, groups }) => ({ name, type, groups })),
    witness: { kind: witness.kind, online: witness.kind !== 'None' && witness.online },
  };
}

function nodeState(node: LabNode): NodeState {
  if (node.power === 'off' || node.power === 'booting') return 'Down';
  if (node.services === 'Starting') return 'Joining';
  if (node.services === 'Stopped') return 'Down';
  return node.paused ? 'Paused' : 'Up';
}

export const clusterNodeFacts = (node: LabNode): ClusterNodeFacts => ({
  name: node.name,
  state: nodeState(node),
  quarantined: node.quarantined,
  status: (node.quarantined ? NODE_STATUS.quarantined : 0) + node.is.status,
  nodeWeight: node.is.nodeWeight,
});

const isUp = (vm: LabVm): boolean => vm.state === 'Running' || vm.state === 'Paused';

function heartbeat(world: World, vm: LabVm): VmFacts['heartbeat'] {
  if (vm.state !== 'Running') return 'Unknown';
  if (!vm.heartbeat) return 'NoContact';
  const since = world.time - vm.startedAt;
  return since >= world.scenario.heartbeatSeconds * 1000 ? 'Ok' : 'NoContact';
}

export function vmFacts(world: World, vm: LabVm): VmFacts {
  return {
    id: vm.id,
    name: vm.name,
    state: vm.state,
    critical: vm.critical,
    version: vm.version,
    generation: vm.generation,
    memoryStartupBytes: vm.memoryBytes,
    memoryAssignedBytes: isOn(vm) ? vm.memoryBytes : 0,
    uptimeSeconds: isUp(vm) ? Math.floor((world.time - vm.startedAt) / 1000) : 0,
    heartbeat: heartbeat(world, vm),
    switches: [...vm.switches],
    disks: [...vm.disks],
    dvds: [...vm.dvds],
    compatibilityForMigration: vm.compatibilityForMigration,
    passThroughDevices: [...vm.passThroughDevices],
    gpuPartitions: vm.gpuPartitions,
    tpm: vm.tpm,
    busy: vm.busy,
    clustered: world.roles.has(vm.id),
    notes: vm.notes,
  };
}

function vmNow(world: World, vm: LabVm): VmNow {
  const { id, name, state, critical, memoryAssignedBytes, uptimeSeconds, heartbeat } = vmFacts(
    world,
    vm,
  );
  return { id, name, state, critical, memoryAssignedBytes, uptimeSeconds, heartbeat };
}

export const groupFacts = (world: World): GroupFacts[] => [
  ...world.groups.map(({ name, kind, state, owner, priority }) => ({
    name,
    kind,
    state,
    owner,
    priority,
  })),
  ...[...world.roles.values()].map((role) => {
    const { name, state, owner } = roleFacts(world, role);
    return { name, kind: 'vm' as const, state, owner, priority: role.priority };
  }),
];

/** The role as it is. What a node is told of it: {@link toldRole}. */
export function roleFacts(world: World, role: LabRole): RoleFacts {
  const vm = world.vms.get(role.vmId);
  if (vm === undefined) throw new Error(`The lab has a role without a VM: ${role.name}.`);
  const move = moveOf(world, role.vmId);
  const beats = heartbeat(world, vm) === 'Ok';
  return {
    vmId: role.vmId,
    name: role.name,
    // A group is not Online while a live migration of it runs.
    state: move !== undefined && move.phase !== 'queued' ? 'Pending' : role.state,
    owner: vm.owner,
    status:
      (role.locked ? GROUP_STATUS.locked : 0) +
      (move?.phase === 'queued' ? GROUP_STATUS.queuedForMove : 0) +
      (beats ? GROUP_STATUS.osHeartbeat + GROUP_STATUS.applicationReady : 0),
    preferredOwners: [...role.preferredOwners],
    possibleOwners: [...role.possibleOwners],
    antiAffinityClassNames: [...role.antiAffinityClassNames],
    priority: role.priority,
    move: moveFacts(world, role, move),
  };
}

/**
 * Windows tells that a VM migrates and how far; the phase only where the resource has MigrationState, and the target
 * only on the node that it leaves. Without `owners` nobody asked who may own it.
 */
export function toldRole({ world, node }: Asked, role: LabRole, owners = true): RoleFacts {
  const facts = roleFacts(world, role);
  const { phase, target } = facts.move;
  const isUnderWay = phase === 'setup' || phase === 'data-transfer' || phase === 'moving-group';
  return {
    ...facts,
    possibleOwners: owners ? facts.possibleOwners : [],
    move: {
      ...facts.move,
      phase: isUnderWay && !world.scenario.migration.migrationState ? 'migrating' : phase,
      target: isUnderWay && facts.owner === node.name ? target : null,
    },
  };
}

const withoutOwners = (role: RoleFacts, owners: boolean): RoleFacts =>
  owners ? role : { ...role, preferredOwners: [], possibleOwners: [] };

function hostFacts(world: World, node: LabNode): HostFacts {
  const { is } = node;
  return {
    node: node.name,
    now: iso(clockOf(world, node)),
    osVersion: is.osVersion,
    boot: bootOf(node),
    bootTime: iso(bootTimeOf(node)),
    memoryBytes: is.memory,
    freeMemoryBytes: Math.max(0, freeMemory(world, node)),
    cpuVendor: is.cpuVendor,
    cpuName: is.cpuName,
    logicalProcessors: is.logicalProcessors,
    vmVersions: hyperVAnswers(node) ? [...is.vmVersions] : [],
    pendingRestart: node.pendingRestart,
  };
}

function serviceState(node: LabNode, name: string): OpFacts<'readServices'>[number]['state'] {
  if (sameName(name, 'vmms')) return hasHyperV(node) ? node.services : 'Missing';
  if (!sameName(name, 'ClusSvc')) return 'Missing';
  return node.services;
}

/** The service of a cluster that lost its quorum has stopped, although the node is fine. */
export const clusterServiceState = (
  { world, node }: Asked,
  name: string,
): OpFacts<'readServices'>[number]['state'] =>
  sameName(name, 'ClusSvc') && !world.quorate ? 'Stopped' : serviceState(node, name);

export function featureName(asked: Asked, name: string): string {
  const known = [...asked.node.features.keys()].find((feature) => sameName(feature, name));
  if (known !== undefined) return known;
  const message = `Windows on ${asked.node.name} knows no feature called '${name}'.`;
  throw refused(asked, message, { errorId: 'BadRequest' });
}

const reply = <T>(facts: T, ...cmdlets: string[]): Reply<T> => ({ facts, cmdlets });
const list = (names: string[]): string => names.map(quote).join(', ');

export const inHyperV = (asked: Asked): void => {
  if (!hasHyperV(asked.node)) throw needHyperV(asked);
  if (asked.node.services !== 'Running') throw hyperVNotReady(asked);
};
export const inCluster = (asked: Asked): void => {
  if (!isMember(asked.node) || !asked.world.quorate) throw needCluster(asked);
};

/** Members whose own row says that they cannot use the volume. */
export const pausedOn = (world: World, volume: string): string[] =>
  world.nodes
    .filter((node) => isMember(node) && isPausedOn(world, node, volume))
    .map((node) => node.name);

/** C:\\ClusterStorage is empty on a node that is not in the cluster. */
export const seesFile = ({ world, node }: Asked, path: string): boolean =>
  diskFile(world, path, node.name).exists &&
  (!onSharedVolume(world, path) || (isMember(node) && world.quorate));

export const READS: { [K in ReadOp]: (asked: Asked, a: OpArgs<K>) => Reply<OpFacts<K>> } = {
  readHost: ({ world, node }) =>
    reply(
      hostFacts(world, node),
      'Get-CimInstance Win32_OperatingSystem',
      'Get-VMHostSupportedVersion',
    ),
  readBoot: ({ node }) =>
    reply(
      { boot: bootOf(node), bootTime: iso(bootTimeOf(node)) },
      'Get-CimInstance Win32_Process',
      'Get-CimInstance Win32_OperatingSystem',
    ),
  readSetup: (asked, a) =>
    reply(
      setupFacts(asked, a),
      'Get-CimInstance Win32_ComputerSystem',
      `Get-CimInstance Win32_Group -Filter "SID='S-1-5-32-544'"`,
    ),
  readPeers: (asked, a) =>
    reply(
      peerFacts(asked, a),
      `Get-CimInstance Win32_OperatingSystem -ComputerName ${list(a.nodes)}`,
    ),
  readServices: (asked, { names }) =>
    reply(
      names.map((name) => ({ name, state: clusterServiceState(asked, name) })),
      `Get-Service -Name ${list(names)}`,
    ),
  readFeatures: (asked, { names }) =>
    reply(
      names.map((name) => {
        const known = featureName(asked, name);
        return { name: known, state: asked.node.features.get(known) ?? 'Available' };
      }),
      `Get-WindowsFeature -Name ${list(names)}`,
    ),
  readSwitches: (asked) => {
    inHyperV(asked);
    return reply(switchesOf(asked.node), 'Get-VMSwitch');
  },
  readMigrationSettings: (asked) => {
    inHyperV(asked);
    return reply({ ...asked.node.migration }, 'Get-VMHost');
  },
  readVms: (asked) => {
    inHyperV(asked);
    const { world, node } = asked;
    const vms = vmsOn(world, node.name).map((vm) => vmFacts(world, vm));
    return reply(vms.sort(byName), 'Get-VM');
  },
  readVm: (asked, { vmId }) => {
    inHyperV(asked);
    const vm = vmOfId(asked.world, vmId);
    const here = vm !== undefined && vm.owner === asked.node.name;
    return reply(here ? vmNow(asked.world, vm) : null, `Get-VM -Id ${quote(vmId)}`);
  },
  readVmStorage: (asked) => {
    inHyperV(asked);
    return reply(vmStorageOn(asked).sort(byName), 'Get-VM', 'Get-VHD');
  },
  readDiskFiles: (asked, { paths }) =>
    reply(
      paths.map((path) => ({ path, exists: seesFile(asked, path) })),
      ...paths.map((path) => `Test-Path -LiteralPath ${quote(path)} -PathType Leaf`),
    ),
  readMovesAway: (asked) => {
    inHyperV(asked);
    return reply(
      movesAway(asked.world, asked.node),
      'Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_MigrationJob',
    );
  },
  readCluster: (asked) => {
    inCluster(asked);
    return reply(clusterFacts(asked.world), 'Get-Cluster');
  },
  readNodes: (asked) => {
    inCluster(asked);
    return reply(asked.world.nodes.map(clusterNodeFacts), 'Get-ClusterNode');
  },
  readNetworks: (asked) => {
    inCluster(asked);
    return reply(networksNow(asked.world), 'Get-ClusterNetwork');
  },
  readSharedVolumes: (asked) => {
    inCluster(asked);
    const members = asked.world.nodes.filter(isMember).map((node) => node.name);
    const volumes = asked.world.sharedVolumes.map((volume) => ({
      ...volume,
      pausedOn: volume.state === 'Online' ? pausedOn(asked.world, volume.name) : members,
    }));
    return reply(volumes, 'Get-ClusterSharedVolume');
  },
  readGroups: (asked) => {
    inCluster(asked);
    return reply(
      groupFacts(asked.world).sort(byName),
      'Get-CimInstance -Namespace root/MSCluster -ClassName MSCluster_ResourceGroup',
    );
  },
  readLinks: (asked) => {
    inCluster(asked);
    return reply(linkFacts(asked), `Get-ClusterNetworkInterface -Node ${quote(asked.node.name)}`);
  },
  readRoles: (asked, { owners = false }) => {
    inCluster(asked);
    const roles = [...asked.world.roles.values()].map((role) => toldRole(asked, role, owners));
    return reply(
      roles.sort(byName),
      `Get-CimInstance -Namespace root/MSCluster -ClassName MSCluster_Resource`,
      'Get-CimInstance -Namespace root/MSCluster -ClassName MSCluster_ResourceGroup',
    );
  },
  readRole: (asked, { vmId, owners = false }) => {
    inCluster(asked);
    const role = roleOfId(asked.world, vmId);
    return reply(
      role === undefined ? null : withoutOwners(toldRole(asked, role), owners),
      `Get-ClusterResource -VMId ${quote(vmId)}`,
      `Get-ClusterGroup -VMId ${quote(vmId)}`,
    );
  },
  readEvents: (asked, { since, max }) =>
    reply(events(asked, since, max), `Get-WinEvent -MaxEvents ${max}`),
  readBlackouts: (asked, { since, max }) =>
    reply(blackouts(asked, since, max), `Get-WinEvent -MaxEvents ${max}`),
  readUpdates: (asked, { criteria }) =>
    reply(searchFacts(asked, criteria), 'IUpdateSearcher.Search'),
  readUpdateJob: (asked) => reply(jobFacts(asked), 'Read-Note -Name UpdateJob'),
  readStorage: (asked) => {
    inCluster(asked);
    return reply(storageFacts(asked), 'Get-VirtualDisk', 'Get-StorageJob');
  },
  readServicing: (asked) => reply(servicingFacts(asked), 'ISystemInformation.RebootRequired'),
};

const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
