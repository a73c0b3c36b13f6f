// Which fault strikes where. Faults of operations are taken here by the operation that they hit; world events are
// struck by strikes.ts.
import { includesName, sameName } from '../../domain/names.ts';
import type { Op } from '../../hyperv/host.ts';
import { isMoveEvent, isWorldEvent, type BootEvent } from '../scenario/fault-schema.ts';
import { effect } from './records.ts';
import type { LabFault, LabMove, LabNode, World } from './world.ts';

/** Counts one strike; a fault that has struck often enough is forgotten. */
export function spend(world: World, fault: LabFault): void {
  fault.left -= 1;
  if (fault.left <= 0) world.faults = world.faults.filter((other) => other !== fault);
}

const isDue = (world: World, { fault, since }: LabFault): boolean =>
  fault.when === undefined ||
  ('seconds' in fault.when && world.time >= since + fault.when.seconds * 1000);

/** The fault that this call runs into, if any; it counts as struck. `vms`: names that the call is about. */
export function takeOpFault(world: World, node: string, op: Op, vms: string[]): LabFault | null {
  if (world.faults.length === 0) return null;
  const hit = world.faults.find((candidate) => {
    const { on, node: at, vm } = candidate.fault;
    if (on !== op || !isDue(world, candidate)) return false;
    if (at !== undefined && !sameName(at, node)) return false;
    return vm === undefined || includesName(vms, vm);
  });
  if (hit === undefined) return null;
  spend(world, hit);
  const { at, error, hangSeconds } = hit.fault;
  const detail = [
    at === 'after-effect' ? 'done, but the answer is lost' : null,
    error === undefined ? null : (error.hresult ?? error.errorId ?? 'an error'),
    hangSeconds === undefined ? null : `answers after ${hangSeconds} s`,
  ];
  effect(world, node, 'fault', op, detail.filter((part) => part !== null).join(', '));
  return hit;
}

/** Does this befall the node at this boot. */
export function takeBootFault(world: World, node: LabNode, event: BootEvent): boolean {
  const hit = world.faults.find(
    ({ fault }) =>
      fault.on === event && fault.node !== undefined && sameName(fault.node, node.name),
  );
  if (hit === undefined) return false;
  spend(world, hit);
  return true;
}

/** World events that wait for a percentage of this move, lowest first. */
export function marksOf(
  world: World,
  move: LabMove,
  vm: string,
): { percent: number; fault: LabFault }[] {
  return world.faults
    .flatMap((fault) => {
      const { on, when, vm: about } = fault.fault;
      if (!isWorldEvent(on) || fault.struck.has(move)) return [];
      const moment = when ?? (isMoveEvent(on) ? { vm: about ?? '', percent: 20 } : null);
      if (moment === null || !('vm' in moment) || !sameName(moment.vm, vm)) return [];
      return [{ percent: moment.percent, fault }];
    })
    .sort((a, b) => a.percent - b.percent);
}
