// Where a role may go: what the cluster refuses before anything moves. Live, quick and ordinary moves ask this alike.
import { includesName } from '../../domain/names.ts';
import { HRESULTS, refused, type Asked } from './refusal.ts';
import { hasHyperV, isMember, type LabNode, type LabRole } from './world.ts';

/** No group comes to a node that is down or paused. */
export function checkComing(asked: Asked, target: LabNode): void {
  if (!isMember(target))
    throw refused(asked, `${target.name} is down.`, { hresult: HRESULTS.nodeDown });
  if (target.paused)
    throw refused(asked, `${target.name} is paused.`, { hresult: HRESULTS.nodePaused });
}

/** Why the cluster does not even accept a move to this node. */
export function checkTarget(asked: Asked, role: LabRole, target: LabNode): void {
  checkComing(asked, target);
  const { world } = asked;
  const rival = [...world.roles.values()].find(
    (other) =>
      other !== role &&
      other.antiAffinityClassNames.some((c) => role.antiAffinityClassNames.includes(c)) &&
      world.vms.get(other.vmId)?.owner === target.name,
  );
  if (role.locked)
    throw refused(asked, `'${role.name}' is locked from moving.`, { hresult: HRESULTS.locked });
  const apart = world.scenario.affinityRules.find(
    ({ type, groups, enabled }) =>
      enabled &&
      type === 'DifferentNode' &&
      includesName(groups, role.name) &&
      [...world.roles.values()].some(
        (other) =>
          other !== role &&
          includesName(groups, other.name) &&
          world.vms.get(other.vmId)?.owner === target.name,
      ),
  );
  const barred =
    apart !== undefined
      ? `The affinity rule '${apart.name}' keeps '${role.name}' from ${target.name}.`
      : !includesName(role.possibleOwners, target.name) || !hasHyperV(target)
        ? `${target.name} is not a possible owner of '${role.name}'.`
        : world.scenario.enforcedAntiAffinity && rival !== undefined
          ? `'${role.name}' must not be where '${rival.name}' is (anti-affinity is enforced).`
          : null;
  if (barred !== null) throw refused(asked, barred, { hresult: HRESULTS.notPossibleOwner });
}
