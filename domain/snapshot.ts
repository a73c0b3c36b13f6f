// Look-ups in a snapshot that plans and placements share. Names are compared without case, as
// Windows does.
import type { ClusterNodeFacts, NodeView, RoleFacts, Snapshot, VmFacts } from './facts.ts';
import { includesName, sameName } from './names.ts';
import { isMoving, slotHolders } from './slots.ts';
import { usesDisk } from './storage.ts';

export type NodeAnswer = { view: NodeView } | { noAnswer: { code: string; message: string } };

const NOT_ASKED: NodeAnswer = {
  noAnswer: { code: 'NodeUnreachable', message: 'it was not asked' },
};

/** A node that nobody asked counts as one that did not answer. */
export function answerOf(s: Snapshot, node: string): NodeAnswer {
  const exact = s.nodes[node];
  if (exact !== undefined) return exact;
  return Object.entries(s.nodes).find(([name]) => sameName(name, node))?.[1] ?? NOT_ASKED;
}

export function viewOf(s: Snapshot, node: string): NodeView | null {
  const answer = answerOf(s, node);
  return 'view' in answer ? answer.view : null;
}

export const clusterNode = (s: Snapshot, node: string): ClusterNodeFacts | undefined =>
  s.view.nodes.find((n) => sameName(n.name, node));

const roleNamed = (s: Snapshot, name: string): RoleFacts | undefined =>
  s.view.roles.find((r) => sameName(r.name, name));

/** The role of a VM: by the role's name, the VM's id or, where the role is named differently, the VM's name. */
export function roleOfVm(s: Snapshot, name: string): RoleFacts | undefined {
  const named = roleNamed(s, name) ?? s.view.roles.find((r) => sameName(r.vmId, name));
  if (named !== undefined) return named;
  const ids = allVms(s)
    .filter((p) => sameName(p.vm.name, name))
    .map((p) => p.vm.id);
  return s.view.roles.find((r) => includesName(ids, r.vmId));
}

/** Where a running move goes only the node knows that the VM leaves: what each told of its own moves is put in. */
export function withTargets(s: Snapshot): Snapshot {
  const roles = s.view.roles.map((role) => {
    const own = viewOf(s, role.owner)?.movesAway?.find((job) => sameName(job.vmId, role.vmId));
    return own === undefined || !isMoving(role) || role.move.target !== null
      ? role
      : { ...role, move: { ...role.move, target: own.target } };
  });
  return { ...s, view: { ...s.view, roles } };
}

export interface PlacedVm {
  node: string;
  vm: VmFacts;
}

/** Every VM that an answering node holds. One that is on the move may be listed twice. */
export const allVms = (s: Snapshot): PlacedVm[] =>
  Object.entries(s.nodes).flatMap(([node, answer]) =>
    'view' in answer ? answer.view.vms.map((vm) => ({ node, vm })) : [],
  );

/** The VM as its owner sees it, or any node that lists it. */
export function findVm(s: Snapshot, vmId: string, owner?: string): PlacedVm | undefined {
  const same = allVms(s).filter((p) => sameName(p.vm.id, vmId));
  return same.find((p) => owner !== undefined && sameName(p.node, owner)) ?? same[0];
}

/** Who has the disk, running or not: a second VM on it would ruin both. */
export const diskUser = (s: Snapshot, file: string): PlacedVm | undefined =>
  allVms(s).find((p) => usesDisk(p.vm.disks, file));

/** Slots that other VMs' running moves take at the node. */
export const slotsUsed = (s: Snapshot, node: string, exceptVmId: string | null): number =>
  slotHolders(
    s.view.roles.filter((r) => exceptVmId === null || !sameName(r.vmId, exceptVmId)),
    node,
  ).length;

/** The Hyper-V role works on the node: installed and no restart owed for it. */
export function hasHyperV(view: NodeView): boolean {
  const feature = view.features.find((f) => f.name === 'Hyper-V');
  return feature === undefined ? view.host.vmVersions.length > 0 : feature.state === 'Installed';
}
