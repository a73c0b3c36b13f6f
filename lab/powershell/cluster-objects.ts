// Objects of the FailoverClusters module, made of the lab's state. Beside the roles of virtual machines there are the
// groups and resources that every cluster has, so that nobody takes all groups for virtual machines.
import { MIGRATION_STATES, type NetworkFacts, type SharedVolumeFacts } from '../../domain/facts.ts';
import { configurationName, enabledWord, ownName, resourceName } from '../machine/japanese.ts';
import { clusterNodeFacts, pausedOn, roleFacts } from '../machine/reads.ts';
import {
  clusterId,
  isMember,
  knowsParallelLimit,
  labId,
  nodeOf,
  type LabNode,
  type LabRole,
  type World,
} from '../machine/world.ts';
import { CLUSTERS, enumOf, flagsOf } from './windows-types.ts';
import { strings, text, uint32, uint64, type Wire, type WireObject } from './wire.ts';

/** Text of a property of an object that goes out. */
export function plainText(object: WireObject, property: string): string {
  const value = object.p[property];
  if (typeof value === 'string') return value;
  const marked = (value as { $s?: string } | undefined)?.$s;
  return marked === undefined ? '' : marked.slice(1);
}

/** Defaults of cluster properties that the lab keeps no state of (Microsoft's pages name them). */
const QUARANTINE = { QuarantineThreshold: uint32(3), QuarantineDuration: uint32(7200) };

export function clusterObject(world: World): WireObject {
  const { cluster, autoBalancer, enforcedAntiAffinity } = world.scenario;
  return {
    $t: `${CLUSTERS}.Cluster`,
    id: 'cluster:',
    text: 'Name',
    p: {
      Name: text(cluster),
      Id: text(clusterId(world)),
      Domain: 'WORKGROUP',
      ...(knowsParallelLimit(world) && {
        MaximumParallelMigrations: uint32(world.cluster.maximumParallelMigrations),
      }),
      // An enumeration whose value is told in the language of Windows all the same.
      EnableSharedVolumes: {
        $t: `${CLUSTERS}.ClusterSharedVolumesSetting`,
        says: enabledWord(world.scenario),
        p: {},
      },
      AutoBalancerMode: uint32(world.cluster.autoBalancerMode),
      AutoBalancerLevel: uint32(autoBalancer.level),
      ClusterEnforcedAntiAffinity: uint32(enforcedAntiAffinity ? 1 : 0),
      S2DEnabled: uint32(world.scenario.storage.direct ? 1 : 0),
      ...QUARANTINE,
      SetSMBBandwidthLimit: uint32(0),
      SMBBandwidthLimitFactor: uint32(2500),
    },
  };
}

export function nodeObject(world: World, node: LabNode): WireObject {
  const { state, status = 0, nodeWeight } = clusterNodeFacts(node);
  return {
    $t: `${CLUSTERS}.ClusterNode`,
    id: `node:${node.name}`,
    text: 'Name',
    p: {
      Name: text(node.name),
      NodeName: text(node.name),
      Id: text(String(world.nodes.indexOf(node) + 1)),
      State: enumOf(`${CLUSTERS}.ClusterNodeState`, state),
      StatusInformation: { $e: [`${CLUSTERS}.ClusterNodeStatusInformation`, status] },
      DrainStatus: enumOf(`${CLUSTERS}.ClusterNodeDrainStatus`, 'NotInitiated'),
      NodeWeight: uint32(nodeWeight),
      DynamicWeight: uint32(nodeWeight),
    },
  };
}

export const groupId = (role: LabRole): string => labId(role.vmId, 'group');

/** VMOperationalStatus MigratingVirtualMachine, and Ok. */
const MIGRATING = 32774;
const OK = 2;

/** How the cluster tells of a migration: common properties of the "Virtual Machine" resource, so of every one. */
export function migrationProperties(world: World, role: LabRole) {
  const { phase, percent, failureReason } = roleFacts(world, role).move;
  const isUnderWay = phase === 'setup' || phase === 'data-transfer' || phase === 'moving-group';
  return {
    // Operational status in the upper 32 bits, percentage in the lowest byte.
    ResourceSpecificData1: uint64(
      (isUnderWay ? MIGRATING : OK) * 2 ** 32 + (isUnderWay ? percent : 0),
    ),
    LastOperationStatusCode: uint64(Number.parseInt(failureReason, 16)),
  };
}

/** Private properties of the "Virtual Machine" resource. MigrationState is not known to be on any Windows of today. */
export function privateProperties(world: World, role: LabRole): [string, string, Wire][] {
  const { phase, percent, failureReason } = roleFacts(world, role).move;
  const state = (MIGRATION_STATES as readonly string[]).indexOf(phase);
  return [
    ['VmID', 'String', text(role.vmId)],
    ['OfflineAction', 'UInt32', uint32(role.offlineAction)],
    ['DefaultMoveType', 'UInt32', uint32(role.defaultMoveType)],
    ['MigrationProgress', 'UInt32', uint32(percent)],
    ['MigrationFailureReason', 'UInt32', uint32(Number.parseInt(failureReason, 16))],
    ...(world.scenario.migration.migrationState
      ? [['MigrationState', 'UInt32', uint32(state)] as [string, string, Wire]]
      : []),
  ];
}

export function groupObject(world: World, role: LabRole): WireObject {
  const facts = roleFacts(world, role);
  return {
    $t: `${CLUSTERS}.ClusterGroup`,
    id: `group:${role.vmId}`,
    text: 'Name',
    p: {
      Name: text(facts.name),
      Id: text(groupId(role)),
      OwnerNode: nodeObject(world, nodeOf(world, facts.owner)),
      State: enumOf(`${CLUSTERS}.ClusterGroupState`, facts.state),
      GroupType: enumOf(`${CLUSTERS}.GroupType`, 'VirtualMachine'),
      StatusInformation: flagsOf(`${CLUSTERS}.ClusterApplicationStatusInformation`, facts.status),
      Priority: uint32(2000),
      FailoverThreshold: uint32(0xffffffff),
      AntiAffinityClassNames: strings(facts.antiAffinityClassNames),
      LockedFromMoving: uint32(role.locked ? 1 : 0),
    },
  };
}

const GROUP_TYPES = {
  core: 'Cluster',
  'available-storage': 'AvailableStorage',
  other: 'FileServer',
} as const;

/** Groups that are no roles of VMs: `Cluster Group`, `Available Storage`, and those of the scenario. */
export const ownGroups = (world: World): WireObject[] =>
  world.groups.map(({ name, kind, owner, state, priority }) => ({
    $t: `${CLUSTERS}.ClusterGroup`,
    id: `own-group:${name}`,
    text: 'Name',
    p: {
      Name: text(name),
      Id: text(labId(world.scenario.cluster, 'group', name)),
      OwnerNode: nodeObject(world, nodeOf(world, owner)),
      State: enumOf(`${CLUSTERS}.ClusterGroupState`, state),
      GroupType: enumOf(`${CLUSTERS}.GroupType`, GROUP_TYPES[kind]),
      StatusInformation: flagsOf(`${CLUSTERS}.ClusterApplicationStatusInformation`, 0),
      Priority: uint32(priority),
      FailoverThreshold: uint32(0xffffffff),
      AntiAffinityClassNames: strings([]),
    },
  }));

export const VM_TYPE = 'Virtual Machine';
export const CONFIGURATION_TYPE = 'Virtual Machine Configuration';

export const typeObject = (name: string): WireObject => ({
  $t: `${CLUSTERS}.ClusterResourceType`,
  id: `type:${name}`,
  text: 'Name',
  p: { Name: name, DisplayName: name },
});

/** The two resources of a role. */
export function resourcesOf(world: World, role: LabRole): WireObject[] {
  const vm = world.vms.get(role.vmId);
  if (vm === undefined) throw new Error(`The lab has a role without a VM: ${role.name}.`);
  const group = groupObject(world, role);
  const state = {
    Online: 'Online',
    Offline: 'Offline',
    Failed: 'Failed',
    Pending: 'OnlinePending',
  };
  return [VM_TYPE, CONFIGURATION_TYPE].map((type) => ({
    $t: `${CLUSTERS}.ClusterResource`,
    id: `${type === VM_TYPE ? 'resource' : 'configuration'}:${role.vmId}`,
    text: 'Name',
    p: {
      Name: text((type === VM_TYPE ? resourceName : configurationName)(world.scenario, vm.name)),
      Id: text(labId(role.vmId, type)),
      OwnerGroup: group,
      OwnerNode: group.p['OwnerNode'] ?? null,
      ResourceType: typeObject(type),
      State: enumOf(
        `${CLUSTERS}.ClusterResourceState`,
        // The configuration stays online while its node lives.
        (type === VM_TYPE ? state[role.state] : 'Online') as 'Online',
      ),
      StatusInformation: flagsOf(`${CLUSTERS}.ClusterResourceStatusInformation`, 0),
      ...(type === VM_TYPE
        ? migrationProperties(world, role)
        : { ResourceSpecificData1: uint64(0), LastOperationStatusCode: uint64(0) }),
    },
  }));
}

const WITNESS_TYPES = {
  Disk: 'Physical Disk',
  Cloud: 'Cloud Witness',
  // A USB stick in a router is a share to the cluster.
  Usb: 'File Share Witness',
} as const;

/** Resources of the cluster's own group. */
export function ownResources(world: World): WireObject[] {
  const [group] = ownGroups(world);
  const { witness } = world.scenario;
  const rows: [string, string, boolean][] = [['Cluster Name', 'Network Name', true]];
  if (witness.kind !== 'None') {
    const type = WITNESS_TYPES[witness.kind];
    rows.push([witness.kind === 'Disk' ? 'Cluster Disk 1' : type, type, witness.online]);
  }
  return rows.map(([name, type, online]) => ({
    $t: `${CLUSTERS}.ClusterResource`,
    id: `own-resource:${name}`,
    text: 'Name',
    p: {
      Name: ownName(world.scenario, name),
      Id: text(labId(world.scenario.cluster, 'resource', name)),
      OwnerGroup: group ?? null,
      OwnerNode: group?.p['OwnerNode'] ?? null,
      ResourceType: typeObject(type),
      State: enumOf(`${CLUSTERS}.ClusterResourceState`, online ? 'Online' : 'Failed'),
      StatusInformation: flagsOf(`${CLUSTERS}.ClusterResourceStatusInformation`, 0),
    },
  }));
}

export function quorumObject(world: World): WireObject {
  const witness = ownResources(world)[1] ?? null;
  return {
    $t: `${CLUSTERS}.ClusterQuorumSettings`,
    p: {
      Cluster: clusterObject(world),
      QuorumResource: witness,
      QuorumType: enumOf(`${CLUSTERS}.ClusterQuorumType`, 'Majority'),
    },
  };
}

/** Private properties of an object of the cluster, as Get-ClusterParameter lists them. */
export function parametersOf(world: World, owner: WireObject, role: LabRole | undefined) {
  const [name = '', id = ''] = (owner.id ?? '').split(':');
  const rows: [string, string, Wire][] = [];
  if (name === 'resource' && role !== undefined) {
    rows.push(...privateProperties(world, role));
  }
  if (name === 'configuration') rows.push(['VmID', 'String', text(id)]);
  if (name === 'type' && id === VM_TYPE) {
    const excluded = world.networks.filter((network) => network.excludedFromMigration);
    const ids = excluded.map((network) => networkId(world, network.name));
    rows.push(['MigrationExcludeNetworks', 'String', text(ids.join(';'))]);
    rows.push(['MoveTypeThreshold', 'UInt32', uint32(world.scenario.moveTypeThreshold)]);
  }
  return rows.map(([property, type, value]): WireObject => ({
    $t: `${CLUSTERS}.ClusterParameter`,
    id: `parameter:${owner.id ?? ''}:${property}`,
    text: 'Name',
    p: {
      ClusterObject: owner,
      Name: property,
      IsReadOnly: false,
      ParameterType: enumOf(`${CLUSTERS}.ClusterParameterType`, type as 'String'),
      Value: value,
    },
  }));
}

export const networkId = (world: World, name: string): string =>
  labId(world.scenario.cluster, 'network', name);

export const networkObject = (world: World, network: NetworkFacts): WireObject => ({
  $t: `${CLUSTERS}.ClusterNetwork`,
  id: `network:${network.name}`,
  text: 'Name',
  p: {
    Name: text(network.name),
    Id: text(networkId(world, network.name)),
    Role: enumOf(`${CLUSTERS}.ClusterNetworkRole`, network.role),
    State: enumOf(`${CLUSTERS}.ClusterNetworkState`, network.state),
    Address: text(`192.168.${world.networks.findIndex((n) => n.name === network.name)}.0`),
    AddressMask: text('255.255.255.0'),
  },
});

export function volumeObject(world: World, volume: SharedVolumeFacts): WireObject {
  // A paused volume is still online: what pauses is its input and output.
  const state = volume.state === 'Paused' ? 'Online' : volume.state;
  return {
    $t: `${CLUSTERS}.ClusterSharedVolume`,
    id: `volume:${volume.name}`,
    text: 'Name',
    p: {
      Name: text(volume.name),
      Id: text(labId(world.scenario.cluster, 'volume', volume.name)),
      State: enumOf(`${CLUSTERS}.ClusterResourceState`, state),
      OwnerNode: nodeObject(world, nodeOf(world, volume.owner)),
      SharedVolumeInfo: [
        {
          $t: `${CLUSTERS}.ClusterSharedVolumeInfo`,
          p: {
            FriendlyVolumeName: text(volume.path),
            FaultState: enumOf(
              `${CLUSTERS}.ClusterSharedVolumeFaultState`,
              volume.state === 'Online' ? 'NoFaults' : 'NoAccess',
            ),
            MaintenanceMode: false,
            RedirectedAccess: false,
          },
        },
      ],
    },
  };
}

export function volumeStates(world: World, volume: SharedVolumeFacts): WireObject[] {
  const seen = { Online: 'Direct', Paused: 'Paused' } as const;
  const state = volume.state === 'Online' || volume.state === 'Paused' ? seen[volume.state] : null;
  const paused = pausedOn(world, volume.name);
  return world.nodes.filter(isMember).map((node) => ({
    $t: `${CLUSTERS}.ClusterSharedVolumeStateInfo`,
    text: 'Name',
    p: {
      Name: text(volume.name),
      VolumeName: text(`\\\\?\\Volume{${labId(world.scenario.cluster, 'volume', volume.name)}}\\`),
      VolumeFriendlyName: text(volume.path.split('\\').at(-1) ?? volume.name),
      Node: text(node.name),
      StateInfo: enumOf(
        `${CLUSTERS}.ClusterSharedVolumeState`,
        paused.includes(node.name) ? 'Unavailable' : (state ?? 'Unavailable'),
      ),
      FileSystemRedirectedIOReason: enumOf(
        `${CLUSTERS}.ClusterSharedVolumeFileSystemRedirectedIOReasons`,
        'NotFileSystemRedirected',
      ),
      BlockRedirectedIOReason: enumOf(
        `${CLUSTERS}.ClusterSharedVolumeBlockRedirectedIOReason`,
        'NotBlockRedirected',
      ),
    },
  }));
}

export const ownersObject = (
  world: World,
  of: WireObject,
  owners: readonly string[],
): WireObject => ({
  $t: `${CLUSTERS}.ClusterOwnerNodeList`,
  p: {
    ClusterObject: of,
    OwnerNodes: owners.map((name) => nodeObject(world, nodeOf(world, name))),
  },
});
