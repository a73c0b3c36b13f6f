// The FailoverClusters module's cmdlets that move something: roles of VMs, any group, owners of shared volumes.
import { moveRoleAsGroup, moveSharedVolume } from '../machine/group-acts.ts';
import { beginGroupMove } from '../machine/groups.ts';
import { HRESULTS } from '../machine/refusal.ts';
import { checkComing } from '../machine/targets.ts';
import { ACTS } from '../machine/vm-acts.ts';
import { findNode, moveOf, type LabNode } from '../machine/world.ts';
import { chosenRole } from './chosen-role.ts';
import { groupObject, ownGroups, volumeObject } from './cluster-objects.ts';
import { needsCluster, obey, objects, type Call, type Cmdlet } from './cmdlet.ts';
import { clusterError, noClusterObject, notImplemented } from './errors.ts';
import { idOf } from './wire.ts';

const moveRole: Cmdlet = {
  takes: ['Name', 'VMId', 'InputObject', 'Node', 'MigrationType', 'Wait', 'Cancel'],
  run: (call) => {
    const { world, bound } = call;
    const role = chosenRole(call);
    const group = () => objects([groupObject(world, role)]);
    if (bound.flag('Cancel')) {
      const { facts } = obey(call, () => ACTS.cancelMove(call, { vmId: role.vmId }));
      if (facts.changed) return group();
      throw clusterError(call.cmdlet, {
        message: `'${role.name}' is not being moved.`,
        hresult: HRESULTS.notMoving,
      });
    }
    const type = bound.text('MigrationType');
    if (type !== 'Live' && type !== 'Quick')
      throw notImplemented(call.cmdlet, 'any move but -MigrationType Live and Quick');
    if (bound.number('Wait') !== 0) throw notImplemented(call.cmdlet, 'a move without -Wait 0');
    const node = bound.text('Node');
    if (node === undefined) throw notImplemented(call.cmdlet, 'the choice of a node: give -Node');
    if (moveOf(world, role.vmId) !== undefined)
      throw clusterError(call.cmdlet, {
        message: `'${role.name}' is being moved.`,
        hresult: HRESULTS.busy,
        terminating: true,
      });
    const how = type === 'Quick' ? 'quick' : 'live';
    obey(call, () => ACTS.startMove(call, { vmId: role.vmId, node, how }));
    return group();
  },
};

/** The node of a move. Without one the cluster chooses, which is not played. */
function targetOf(call: Call): LabNode {
  const node = call.bound.text('Node');
  if (node === undefined) throw notImplemented(call.cmdlet, 'the choice of a node: give -Node');
  if (call.bound.number('Wait') !== 0) throw notImplemented(call.cmdlet, 'a move without -Wait 0');
  const target = findNode(call.world, node);
  if (target === undefined) throw noClusterObject(call.cmdlet, 'node', node, HRESULTS.nodeNotFound);
  return target;
}

/** One group, also that of a VM: one that runs is saved and restored, whoever asks. */
const moveGroupCmdlet: Cmdlet = {
  takes: ['Name', 'InputObject', 'Node', 'Wait'],
  run: (call) => {
    needsCluster(call);
    const { world, bound } = call;
    const target = targetOf(call);
    const [ref] = bound.refs('InputObject');
    const name = idOf('own-group', ref) ?? bound.text('Name');
    const group = world.groups.find((one) => one.name.toLowerCase() === name?.toLowerCase());
    if (group === undefined) {
      const role = chosenRole(call);
      if (world.vms.get(role.vmId)?.owner !== target.name)
        obey(call, () => {
          moveRoleAsGroup(call, role, target);
        });
      return objects([groupObject(world, role)]);
    }
    if (group.owner !== target.name)
      obey(call, () => {
        checkComing(call, target);
        beginGroupMove(world, group, target);
      });
    return objects(ownGroups(world).filter((one) => one.id === `own-group:${group.name}`));
  },
};

const moveVolume: Cmdlet = {
  takes: ['Name', 'InputObject', 'Node', 'Wait'],
  run: (call) => {
    needsCluster(call);
    const { world, bound } = call;
    const target = targetOf(call);
    const name = idOf('volume', bound.refs('InputObject')[0]) ?? bound.text('Name') ?? '';
    const volume = world.sharedVolumes.find((one) => one.name.toLowerCase() === name.toLowerCase());
    if (volume === undefined)
      throw noClusterObject(call.cmdlet, 'volume', name, HRESULTS.resourceNotFound);
    const asked = { volume: volume.name, from: volume.owner, node: target.name };
    obey(call, () => moveSharedVolume(call, asked));
    return objects([volumeObject(world, volume)]);
  },
};

export const MOVE_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Move-ClusterVirtualMachineRole': moveRole,
  'Move-ClusterGroup': moveGroupCmdlet,
  'Move-ClusterSharedVolume': moveVolume,
};
