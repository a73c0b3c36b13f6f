// The FailoverClusters module's cmdlets that watari calls. Every member of a cluster with quorum sees all of it.
import { pauseNode, resumeNode } from '../machine/acts.ts';
import { networksNow } from '../machine/networks.ts';
import { coreGroup } from '../machine/groups.ts';
import { HRESULTS } from '../machine/refusal.ts';
import { ACTS, takeOffline } from '../machine/vm-acts.ts';
import { findNode, roleOfId, vmOfId, type LabNode, type LabRole } from '../machine/world.ts';
import { chosenRole, roleByVmId, roles } from './chosen-role.ts';
import {
  CONFIGURATION_TYPE,
  clusterObject,
  groupObject,
  networkObject,
  nodeObject,
  ownersObject,
  ownGroups,
  ownResources,
  parametersOf,
  plainText,
  quorumObject,
  resourcesOf,
  typeObject,
  VM_TYPE,
  volumeObject,
  volumeStates,
} from './cluster-objects.ts';
import { collect, needsCluster, obey, objects, type Call, type Cmdlet } from './cmdlet.ts';
import { clusterError, noClusterObject, notImplemented } from './errors.ts';
import { hasWildcard, wildcard } from './matching.ts';
import { MOVE_CMDLETS } from './move-cmdlets.ts';
import { idOf, type Wire, type WireObject } from './wire.ts';

/** Objects by name, which is a wildcard; a plain name that is nobody's is an error. */
function named(call: Call, all: WireObject[], kind: string, hresult: string) {
  const names = call.bound.texts('Name');
  if (names === undefined) return objects(all);
  const { found, errors } = collect(names, (name) => {
    const matches = wildcard(name);
    const hit = all.filter((object) => matches(plainText(object, 'Name')));
    if (hit.length > 0 || hasWildcard(name)) return hit;
    return noClusterObject(call.cmdlet, kind, name, hresult);
  });
  return { out: found as Wire[], errors };
}

/** A list that can be asked by name. */
const listed = (
  kind: string,
  hresult: string,
  list: (call: Call) => WireObject[],
  takes: string[] = [],
): Cmdlet => ({
  takes: ['Name', ...takes],
  run: (call) => {
    needsCluster(call);
    return named(call, list(call), kind, hresult);
  },
});

const single = (show: (call: Call) => WireObject): Cmdlet => ({
  takes: [],
  run: (call) => {
    needsCluster(call);
    return objects([show(call)]);
  },
});

const getGroup: Cmdlet = {
  takes: ['Name', 'VMId', 'InputObject'],
  run: (call) => {
    needsCluster(call);
    const { world, bound } = call;
    const role = roleByVmId(call);
    if (role !== undefined) return objects([groupObject(world, role)]);
    const [ref] = bound.refs('InputObject');
    const all = [...roles(call).map((one) => groupObject(world, one)), ...ownGroups(world)];
    if (ref === undefined) return named(call, all, 'group', HRESULTS.groupNotFound);
    const owner = idOf('node', ref);
    const vmId = idOf('vm', ref) ?? idOf('resource', ref) ?? idOf('configuration', ref);
    if (owner !== undefined) return objects(all.filter((group) => plainOwner(group) === owner));
    return objects(all.filter((group) => group.id === ref || group.id === `group:${vmId ?? ''}`));
  },
};

const plainOwner = (group: WireObject): string => {
  const owner = group.p['OwnerNode'] as WireObject | null | undefined;
  return owner == null ? '' : plainText(owner, 'Name');
};

const getResource: Cmdlet = {
  takes: ['Name', 'VMId', 'InputObject'],
  run: (call) => {
    needsCluster(call);
    const { world, bound } = call;
    const role = roleByVmId(call);
    if (role !== undefined) return objects(resourcesOf(world, role));
    const [ref] = bound.refs('InputObject');
    if (ref !== undefined) {
      const of = roleOfId(world, idOf('group', ref) ?? '');
      if (of !== undefined) return objects(resourcesOf(world, of));
      if (idOf('own-group', ref) === coreGroup(world).name) return objects(ownResources(world));
      return objects([]);
    }
    const all = [...roles(call).flatMap((one) => resourcesOf(world, one)), ...ownResources(world)];
    return named(call, all, 'resource', HRESULTS.resourceNotFound);
  },
};

/** The object that a parameter is asked of, and its role. */
function ownerOfParameters(call: Call): { object: WireObject; role: LabRole | undefined } {
  const { world, bound } = call;
  const [ref] = bound.refs('InputObject');
  const id = idOf('resource', ref) ?? idOf('configuration', ref);
  const role = id === undefined ? undefined : roleOfId(world, id);
  const type = idOf('type', ref);
  const object =
    role !== undefined
      ? resourcesOf(world, role).find((resource) => resource.id === ref)
      : type !== undefined
        ? typeObject(type)
        : undefined;
  if (object !== undefined) return { object, role };
  if (id !== undefined)
    throw noClusterObject(call.cmdlet, 'resource', id, HRESULTS.resourceNotFound);
  throw clusterError(call.cmdlet, {
    id: 'ClusterInvalidInput',
    category: 'InvalidArgument',
    message: 'The input is not a cluster object with parameters.',
    terminating: true,
  });
}

const getParameter: Cmdlet = {
  takes: ['Name', 'InputObject'],
  run: (call) => {
    needsCluster(call);
    const { object, role } = ownerOfParameters(call);
    return named(
      call,
      parametersOf(call.world, object, role),
      'parameter',
      HRESULTS.resourceNotFound,
    );
  },
};

const setParameter: Cmdlet = {
  takes: ['InputObject', 'Name', 'Value'],
  run: (call) => {
    needsCluster(call);
    const { role } = ownerOfParameters(call);
    const value = call.bound.number('Value');
    if (role === undefined || call.bound.text('Name') !== 'OfflineAction' || value === undefined)
      throw notImplemented(call.cmdlet, 'any parameter but OfflineAction of a virtual machine');
    role.offlineAction = value;
    return objects([]);
  },
};

const getOwnerNode: Cmdlet = {
  takes: ['Group', 'Resource', 'InputObject'],
  run: (call) => {
    needsCluster(call);
    const { world, bound } = call;
    const [ref] = bound.refs('InputObject');
    const group = bound.text('Group')?.toLowerCase();
    const resource = bound.text('Resource')?.toLowerCase();
    for (const role of roles(call)) {
      const own = groupObject(world, role);
      if (ref === own.id || group === role.name.toLowerCase())
        return objects([ownersObject(world, own, role.preferredOwners)]);
      for (const one of resourcesOf(world, role))
        if (ref === one.id || resource === plainText(one, 'Name').toLowerCase())
          return objects([ownersObject(world, one, role.possibleOwners)]);
    }
    const what = group ?? resource ?? ref ?? '';
    throw noClusterObject(call.cmdlet, 'group or resource', what, HRESULTS.groupNotFound);
  },
};

const addRole: Cmdlet = {
  takes: ['VMId', 'Name'],
  run: (call) => {
    needsCluster(call);
    const { world, node, bound } = call;
    const id = bound.text('VMId') ?? '';
    const vm = vmOfId(world, id);
    if (vm?.owner !== node.name)
      throw noClusterObject(call.cmdlet, 'virtual machine', id, HRESULTS.groupNotFound);
    if (roleOfId(world, id) !== undefined)
      throw clusterError(call.cmdlet, {
        message: `The virtual machine '${vm.name}' is already clustered.`,
        hresult: HRESULTS.objectExists,
        terminating: true,
      });
    const name = bound.text('Name') ?? vm.name;
    obey(call, () => ACTS.addRole(call, { vmId: id, name }));
    const role = roleOfId(world, id);
    return objects(role === undefined ? [] : [groupObject(world, role)]);
  },
};

const removeGroup: Cmdlet = {
  takes: ['VMId', 'Name', 'InputObject', 'RemoveResources', 'Force'],
  run: (call) => {
    const { vmId } = chosenRole(call);
    for (const flag of ['Force', 'RemoveResources'])
      if (!call.bound.flag(flag)) throw notImplemented(call.cmdlet, `a call without -${flag}`);
    obey(call, () => ACTS.removeRole(call, { vmId }));
    return objects([]);
  },
};

/** Starts or stops a group. The lab answers at once whatever -Wait says. */
const startOrStop = (op: 'startRole' | 'stopRole'): Cmdlet => ({
  takes: ['Name', 'InputObject', 'Wait'],
  run: (call) => {
    const role = chosenRole(call);
    const { vmId } = role;
    obey(call, () =>
      op === 'startRole'
        ? ACTS.startRole(call, { vmId })
        : takeOffline(call, vmId, role.offlineAction),
    );
    return objects([groupObject(call.world, role)]);
  },
});

function chosenNode(call: Call): LabNode {
  needsCluster(call);
  const { world, bound } = call;
  const [ref] = bound.refs('InputObject');
  const name = bound.texts('Name')?.[0] ?? idOf('node', ref) ?? call.node.name;
  const node = findNode(world, name);
  if (node === undefined) throw noClusterObject(call.cmdlet, 'node', name, HRESULTS.nodeNotFound);
  return node;
}

const suspendNode: Cmdlet = {
  takes: ['Name', 'InputObject'],
  run: (call) => {
    const node = chosenNode(call);
    obey(call, () => pauseNode(call, { node: node.name }));
    return objects([nodeObject(call.world, node)]);
  },
};

const resumeNodeCmdlet: Cmdlet = {
  takes: ['Name', 'InputObject', 'Failback'],
  run: (call) => {
    const node = chosenNode(call);
    // The lab never drained anything, so there is nothing to bring back.
    if (call.bound.text('Failback') !== 'NoFailback')
      throw notImplemented(call.cmdlet, 'failback: give -Failback NoFailback');
    obey(call, () => resumeNode(call, { node: node.name }));
    return objects([nodeObject(call.world, node)]);
  },
};

export const CLUSTER_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Get-Cluster': single(({ world }) => clusterObject(world)),
  'Get-ClusterQuorum': single(({ world }) => quorumObject(world)),
  'Get-ClusterNode': listed('node', HRESULTS.nodeNotFound, ({ world }) =>
    world.nodes.map((node) => nodeObject(world, node)),
  ),
  'Get-ClusterNetwork': listed('network', HRESULTS.resourceNotFound, ({ world }) =>
    networksNow(world).map((network) => networkObject(world, network)),
  ),
  'Get-ClusterSharedVolume': listed('volume', HRESULTS.resourceNotFound, ({ world }) =>
    world.sharedVolumes.map((volume) => volumeObject(world, volume)),
  ),
  'Get-ClusterSharedVolumeState': listed(
    'volume',
    HRESULTS.resourceNotFound,
    ({ world, bound }) => {
      const wanted = bound.texts('Node')?.map((name) => name.toLowerCase());
      const ofRefs = bound.refs('InputObject').map((ref) => idOf('volume', ref));
      return world.sharedVolumes
        .filter((volume) => ofRefs.length === 0 || ofRefs.includes(volume.name))
        .flatMap((volume) => volumeStates(world, volume))
        .filter((state) => wanted?.includes(plainText(state, 'Node').toLowerCase()) ?? true);
    },
    ['Node', 'InputObject'],
  ),
  'Get-ClusterResourceType': listed('resource type', HRESULTS.resourceNotFound, () =>
    [VM_TYPE, CONFIGURATION_TYPE, 'Network Name', 'Physical Disk'].map(typeObject),
  ),
  'Get-ClusterGroup': getGroup,
  'Get-ClusterResource': getResource,
  'Get-ClusterParameter': getParameter,
  'Get-ClusterOwnerNode': getOwnerNode,
  'Set-ClusterParameter': setParameter,
  'Add-ClusterVirtualMachineRole': addRole,
  'Remove-ClusterGroup': removeGroup,
  'Start-ClusterGroup': startOrStop('startRole'),
  'Stop-ClusterGroup': startOrStop('stopRole'),
  'Suspend-ClusterNode': suspendNode,
  'Resume-ClusterNode': resumeNodeCmdlet,
  ...MOVE_CMDLETS,
};
