// Which role a call of a cluster cmdlet is about.
import { HRESULTS } from '../machine/refusal.ts';
import { roleOfId, type LabRole } from '../machine/world.ts';
import { needsCluster, type Call } from './cmdlet.ts';
import { noClusterObject } from './errors.ts';
import { idOf } from './wire.ts';

export const roles = ({ world }: Call): LabRole[] => [...world.roles.values()];

/** Role of a VM by -VMId, when that was given. */
export function roleByVmId(call: Call): LabRole | undefined {
  const id = call.bound.text('VMId');
  if (id === undefined) return undefined;
  const role = roleOfId(call.world, id);
  if (role === undefined)
    throw noClusterObject(call.cmdlet, 'virtual machine', id, HRESULTS.groupNotFound);
  return role;
}

/** The role that an act is about: by VM, by its name, or as an object. */
export function chosenRole(call: Call): LabRole {
  needsCluster(call);
  const { world, bound } = call;
  const byId = roleByVmId(call);
  if (byId !== undefined) return byId;
  const [ref] = bound.refs('InputObject');
  const name = bound.texts('Name')?.[0];
  const id = idOf('group', ref) ?? idOf('vm', ref) ?? idOf('resource', ref);
  const role =
    id !== undefined
      ? roleOfId(world, id)
      : roles(call).find((one) => one.name.toLowerCase() === name?.toLowerCase());
  if (role === undefined)
    throw noClusterObject(call.cmdlet, 'group', name ?? ref ?? '', HRESULTS.groupNotFound);
  return role;
}
