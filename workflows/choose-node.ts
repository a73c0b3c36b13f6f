// The choice of a node for a VM that is to be moved: by migrateVm before it waits for a slot, and again where its move
// begins (aim.ts).
import type { RoleFacts, Snapshot, VmFacts } from '../domain/facts.ts';
import { sameName, stepId } from '../domain/names.ts';
import {
  explainBlockers,
  placeMove,
  type Placement,
  type PlacementVerdict,
} from '../domain/placement.ts';
import { isMoving } from '../domain/slots.ts';
import { findVm, roleOfVm, viewOf } from '../domain/snapshot.ts';
import { DEFAULT_MEMORY_RESERVE_BYTES, type MigrateVmInput } from '../domain/spec.ts';
import { patched } from '@temporalio/workflow';
import type { Calls } from './calls.ts';
import { stepFailure } from './failure-of.ts';
import type { StepContext } from './run.ts';
import { takeSnapshot } from './snapshot.ts';
import type { Want } from './turns.ts';
import { unanswered } from './unanswered.ts';

export interface Chosen {
  role: RoleFacts;
  vm: VmFacts;
  target: string;
  /** Why this node and not another; empty where nothing was chosen. */
  ranking: PlacementVerdict[];
  /** Where other VMs are on their way to; only what the look could tell. */
  targets: { targets?: Record<string, string> };
  /** Where its turn may take it. */
  room: Want['targets'];
  apart: string[];
}

/** Looks anew at every attempt: what stood in the way may be gone. */
export async function choose(calls: Calls, input: MigrateVmInput, c: StepContext): Promise<Chosen> {
  const snapshot = await takeSnapshot(calls, {
    about: { role: input.vm },
    step: stepId.vm(input.vm, 'choose'),
    attempt: c.attempt,
  });
  const { role, vm } = findRunning(snapshot, input.vm);
  const only = c.target ?? input.to;
  const placement = placeMove(snapshot, role.vmId, {
    memoryReserveBytes: reserveOf(input),
    ...(only === undefined ? {} : { only }),
    adopt: isMoving(role) && patched('adopt-the-target'),
  });
  c.evidence({ owner: role.owner, target: placement.target, ranking: placement.ranking });
  const found = { role, vm, targets: targetsOf(snapshot), apart: apartOf(snapshot, role) };
  if (only !== undefined && sameName(only, role.owner)) {
    return { ...found, target: role.owner, ranking: [], room: [] };
  }
  if (placement.target === null) {
    throw unanswered(snapshot, only) ?? noNode(role.name, only, placement);
  }
  const room = roomAt(snapshot, placement, input);
  return { ...found, target: placement.target, ranking: placement.ranking, room };
}

/** More are waited for by nobody: one of them has room. */
const TARGETS_MAX = 16;

/** The nodes that its turn may choose among, with the memory that this look saw free there. */
export const roomAt = (s: Snapshot, { alike }: Placement, input: MigrateVmInput): Want['targets'] =>
  alike.slice(0, TARGETS_MAX).map(({ node, worse }) => ({
    node,
    roomBytes: (viewOf(s, node)?.host.freeMemoryBytes ?? 0) - reserveOf(input),
    ...(worse ? { worse } : {}),
  }));

export const apartOf = ({ view }: Snapshot, role: RoleFacts): string[] =>
  view.cluster.enforcedAntiAffinity ? role.antiAffinityClassNames : [];

export const reserveOf = (input: MigrateVmInput): number =>
  input.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES;

export function targetsOf(s: Snapshot): Chosen['targets'] {
  const known = s.view.roles.flatMap(({ vmId, move }): [string, string][] =>
    move.target === null ? [] : [[vmId, move.target]],
  );
  return known.length === 0 ? {} : { targets: Object.fromEntries(known) };
}

export function findRunning(snapshot: Snapshot, name: string): { role: RoleFacts; vm: VmFacts } {
  const role = roleOfVm(snapshot, name);
  if (role === undefined) {
    const others = snapshot.view.roles.length + (snapshot.view.rolesLeftOut ?? 0);
    throw stepFailure(
      'RoleMissing',
      `Cluster ${snapshot.view.cluster.name} has no VM role ${name}; it has ` +
        (others === 0 ? 'none' : `${others} others`),
    );
  }
  const owner = viewOf(snapshot, role.owner);
  if (owner === null) {
    throw stepFailure(
      'NodeUnreachable',
      `${role.name} is on ${role.owner}, which does not answer; its state before the move must be known`,
    );
  }
  // While it is handed over it may be at the other end already.
  const vm = findVm(snapshot, role.vmId, role.owner)?.vm;
  // Pending is how a role looks while it moves: such a move is adopted.
  const isUp = role.state === 'Online' || role.state === 'Pending';
  if (vm?.state !== 'Running' || !isUp) {
    throw stepFailure(
      'VmNotRunning',
      `${role.name} on ${role.owner} cannot be live-migrated: its role is ${role.state}, the ` +
        `VM ${vm?.state ?? 'not found there'}`,
    );
  }
  return { role, vm };
}

function noNode(vm: string, only: string | undefined, placement: Placement): Error {
  const why = explainBlockers(placement, only);
  return only === undefined
    ? stepFailure('NoEligibleNode', `No node can take ${vm}. ${why}`)
    : stepFailure(
        'TargetNotEligible',
        `${only} cannot take ${vm}. ${why === '' ? 'The cluster has no such node' : why}`,
      );
}

/** Until both ends of the move have a free slot: in runs of earlier versions. */
export const waitForSlot = (
  calls: Calls,
  step: string,
  { role, target, targets }: Pick<Chosen, 'role' | 'target' | 'targets'>,
): Promise<{ waitedMs: number }> =>
  calls
    .onCluster({
      summary: `Slot for ${role.name}, ${role.owner} -> ${target}`,
      seconds: calls.budgets.slotSeconds + 60,
      // Its budget is the wait itself; where many wait, most of them only come by now and then.
      takeWithinSeconds: calls.budgets.slotSeconds + 60,
      allWithinSeconds: calls.budgets.slotSeconds + 300,
    })
    .awaitSlot({
      step,
      vm: role.name,
      vmId: role.vmId,
      target,
      ...targets,
      waitSeconds: calls.budgets.slotSeconds,
    });
