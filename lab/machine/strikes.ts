// World events: what a fault does to the cluster when its moment has come.
import { sameName } from '../../domain/names.ts';
import { isWorldEvent, type Fault, type WorldEvent } from '../scenario/schema.ts';
import { reviewQuorum } from './cluster.ts';
import { spend } from './faults.ts';
import { failMove, failMovesOf, setMark } from './moves.ts';
import { crash, powerOff } from './nodes.ts';
import { CLUSTER_LOG, effect, logEvent } from './records.ts';
import { isMember, nodeOf, type LabFault, type World } from './world.ts';

/** Arms a fault: from now on it can strike. */
export function addFault(world: World, fault: Fault): void {
  const left = fault.times === 'always' ? Infinity : fault.times;
  const added: LabFault = { fault, left, since: world.time, struck: new Set() };
  world.faults.push(added);
  if (!isWorldEvent(fault.on)) return;
  if (fault.when !== undefined && 'seconds' in fault.when) {
    world.agenda.add(world.time + fault.when.seconds * 1000, () => {
      if (world.faults.includes(added)) world.strike(added);
    });
    return;
  }
  for (const move of world.moves) if (move.phase !== 'queued') setMark(world, move);
}

export function clearFaults(world: World): number {
  const count = world.faults.length;
  world.faults = [];
  for (const move of world.moves) setMark(world, move);
  return count;
}

export function strike(world: World, armed: LabFault): void {
  const { fault } = armed;
  if (!isWorldEvent(fault.on)) return;
  spend(world, armed);
  effect(world, fault.node ?? '', 'fault', fault.on, fault.vm ?? fault.node ?? '');
  happen(world, fault, fault.on);
}

function happen(world: World, fault: Fault, event: WorldEvent): void {
  const until = world.time + (fault.seconds ?? 0) * 1000;
  switch (event) {
    case 'nodeCrash':
      crash(world, nodeOf(world, fault.node ?? ''));
      return;
    case 'nodePowerOff':
      powerOff(world, nodeOf(world, fault.node ?? ''));
      return;
    case 'networkDown': {
      const node = nodeOf(world, fault.node ?? '');
      node.networkDownUntil = Math.max(node.networkDownUntil, until);
      failMovesOf(world, node.name, 'the connection was reset', '0x80072746');
      return;
    }
    case 'quorumLost':
      world.quorumLostUntil = Math.max(world.quorumLostUntil, until);
      world.agenda.add(until, () => {
        reviewQuorum(world);
      });
      reviewQuorum(world);
      return;
    case 'csvPaused':
      pauseVolumes(world, until);
      return;
    case 'moveFails': {
      const move = world.moves.find((candidate) => {
        const vm = world.vms.get(candidate.vmId);
        return vm !== undefined && sameName(vm.name, fault.vm ?? '');
      });
      if (move === undefined || move.phase === 'queued') return;
      const { message, hresult } = fault.error ?? {};
      failMove(world, move, message ?? 'as the scenario says', hresult ?? '0x80072746');
      return;
    }
    case 'bootFails':
    case 'bootReverts':
    case 'bootOwes':
      // Taken by the boot itself, see takeBootFault.
      return;
  }
}

function pauseVolumes(world: World, until: number): void {
  const paused = world.sharedVolumes.filter((volume) => volume.state === 'Online');
  for (const volume of paused) {
    volume.state = 'Paused';
    const message = `Cluster Shared Volume '${volume.name}' has entered a paused state.`;
    for (const node of world.nodes)
      if (isMember(node))
        logEvent(world, node.name, { log: CLUSTER_LOG, id: 5120, level: 2, message });
  }
  world.agenda.add(until, () => {
    for (const volume of paused) volume.state = 'Online';
  });
}
