// The classes of root/MSCluster that watari reads: the same groups and resources that the cmdlets give, as CIM has
// them. States are numbers here, owners are names, and an association is two references that hold their keys only.
import type { NetworkFacts } from '../../domain/facts.ts';
import type { Asked } from '../machine/refusal.ts';
import { linkSpeed } from '../machine/networks.ts';
import { isMember, labId, type LabNode, type LabRole, type World } from '../machine/world.ts';
import {
  groupId,
  groupObject,
  migrationProperties,
  ownGroups,
  ownResources,
  plainText,
  privateProperties,
  resourcesOf,
} from './cluster-objects.ts';
import { CIM_INSTANCE } from './windows-types.ts';
import { text, texts, uint32, uint64, type Wire, type WireObject } from './wire.ts';

export const MSCLUSTER = 'root/MSCluster';

type Values = Record<string, Wire>;

const instance = (name: string, id: string, p: Values): WireObject => ({
  $t: `${CIM_INSTANCE}#${MSCLUSTER}/${name}`,
  base: CIM_INSTANCE,
  id: `cim:${name}:${id}`,
  p,
});

const rolesOf = (world: World): LabRole[] => [...world.roles.values()];

/** The number of an enumeration's value. */
const numberOf = (value: Wire | undefined): Wire =>
  uint32((value as { $e?: readonly [string, number] } | undefined)?.$e?.[1] ?? 0);

const nameIn = (object: WireObject, property: string): Wire => {
  const inner = object.p[property] as WireObject | null | undefined;
  return inner == null ? null : text(plainText(inner, 'Name'));
};

export const clusterResources = ({ world }: Asked): Values[] => {
  const row = (resource: WireObject, more: Values): Values => ({
    Name: resource.p['Name'] ?? null,
    Id: resource.p['Id'] ?? null,
    Type: nameIn(resource, 'ResourceType'),
    State: numberOf(resource.p['State']),
    OwnerGroup: nameIn(resource, 'OwnerGroup'),
    OwnerNode: nameIn(resource, 'OwnerNode'),
    StatusInformation: uint64(0),
    ResourceSpecificData1: uint64(0),
    LastOperationStatusCode: uint64(0),
    PrivateProperties: null,
    ...more,
  });
  return [
    ...rolesOf(world).flatMap((role) =>
      resourcesOf(world, role).map((resource) => {
        if (resource.id?.startsWith('resource:') !== true)
          return row(resource, {
            PrivateProperties: instance('MSCluster_Property', resource.id ?? '', {
              VmID: text(role.vmId),
            }),
          });
        const own = privateProperties(world, role).map(([name, , value]) => [name, value] as const);
        return row(resource, {
          ...migrationProperties(world, role),
          PrivateProperties: world.scenario.migration.queriesTellVmId
            ? instance('MSCluster_Property', role.vmId, Object.fromEntries(own))
            : null,
        });
      }),
    ),
    ...ownResources(world).map((resource) => row(resource, {})),
  ];
};

export const clusterGroups = ({ world }: Asked): Values[] =>
  [...rolesOf(world).map((role) => groupObject(world, role)), ...ownGroups(world)].map((group) => ({
    Name: group.p['Name'] ?? null,
    Id: group.p['Id'] ?? null,
    State: numberOf(group.p['State']),
    OwnerNode: nameIn(group, 'OwnerNode'),
    GroupType: numberOf(group.p['GroupType']),
    StatusInformation: group.p['StatusInformation'] ?? null,
    Priority: group.p['Priority'] ?? null,
    AntiAffinityClassNames: texts(
      world.roles.get(group.id?.replace('group:', '') ?? '')?.antiAffinityClassNames ?? [],
    ),
  }));

const nodeReference = (name: string): WireObject =>
  instance('MSCluster_Node', name, { Name: text(name) });

/** A row for each pair, in the order of the list. */
export const preferredNodes = ({ world }: Asked): Values[] =>
  rolesOf(world).flatMap((role) =>
    role.preferredOwners.map((node) => ({
      GroupComponent: instance('MSCluster_ResourceGroup', groupId(role), {
        Id: text(groupId(role)),
      }),
      PartComponent: nodeReference(node),
    })),
  );

export const possibleOwners = ({ world }: Asked): Values[] =>
  rolesOf(world).flatMap((role) =>
    resourcesOf(world, role).flatMap((resource) =>
      role.possibleOwners.map((node) => ({
        GroupComponent: instance('MSCluster_Resource', plainText(resource, 'Id'), {
          Id: resource.p['Id'] ?? null,
        }),
        PartComponent: nodeReference(node),
      })),
    ),
  );

/** ClusterNetworkInterfaceState. */
const INTERFACE_STATES = { Up: 3, Unreachable: 2, Failed: 1, Unavailable: 0 } as const;

const adapterId = (node: string, network: string): string => labId(node, 'adapter', network);

/** One of each node on each network. */
export const networkInterfaces = ({ world }: Asked): Values[] =>
  world.nodes.flatMap((node) =>
    world.networks.map(({ name, state }) => ({
      Name: text(`${node.name} - ${name}`),
      Node: text(node.name),
      Network: text(name),
      AdapterId: text(adapterId(node.name, name)),
      State: uint32(interfaceState(world, node, state)),
    })),
  );

function interfaceState(world: World, node: LabNode, network: NetworkFacts['state']): number {
  if (!isMember(node)) return INTERFACE_STATES.Unavailable;
  if (node.networkDownUntil > world.time) return INTERFACE_STATES.Unreachable;
  return network === 'Up' ? INTERFACE_STATES.Up : INTERFACE_STATES.Failed;
}

/** Of this node; one beside those of the cluster that does not know its speed. */
export const netAdapters = ({ world, node }: Asked): Values[] => [
  ...world.networks.map(({ name }) => ({
    Name: text(`Ethernet ${name}`),
    InterfaceGuid: text(`{${adapterId(node.name, name).toUpperCase()}}`),
    Speed: uint64(linkSpeed(world, node, name) * 8),
  })),
  { Name: 'Wi-Fi', InterfaceGuid: text(`{${adapterId(node.name, '')}}`), Speed: uint64(0) },
];

const RULE_TYPES = { SameFaultDomain: 1, SameNode: 2, DifferentFaultDomain: 3, DifferentNode: 4 };

export const affinityRules = ({ world }: Asked): Values[] =>
  world.scenario.affinityRules.map(({ name, type, groups, enabled }) => ({
    Name: text(name),
    RuleType: uint32(RULE_TYPES[type]),
    Enabled: uint32(enabled ? 1 : 0),
    Groups: texts(groups),
  }));
