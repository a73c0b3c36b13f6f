// World events: what a fault does to the cluster when its moment has come.
import { sameName } from '../../domain/names.ts';
import { isWorldEvent, type Fault, type WorldEvent } from '../scenario/fault-schema.ts';
import { reviewQuorum } from './cluster.ts';
import { spend } from './faults.ts';
import { failMove, failMovesOf, goOn, setMark, standStill } from './moves.ts';
import { crash, powerOff, shiftClock } from './nodes.ts';
import { CLUSTER_LOG, effect, logEvent } from './records.ts';
import {
  isMember,
  nodeOf,
  type LabFault,
  type LabMove,
  type LabNode,
  type World,
} from './world.ts';

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
  for (const move of world.moves) {
    goOn(world, move);
    setMark(world, move);
  }
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
    case 'clockSteps':
      shiftClock(world, nodeOf(world, fault.node ?? ''), fault.bySeconds ?? 0);
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
      if (fault.node === undefined) pauseVolumes(world, until);
      else pauseVolumesOn(world, nodeOf(world, fault.node), until);
      return;
    case 'moveStands': {
      const move = movingNow(world, fault.vm ?? '');
      if (move !== undefined) standStill(world, move, until);
      return;
    }
    case 'moveFails': {
      const move = movingNow(world, fault.vm ?? '');
      if (move === undefined) return;
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

const movingNow = (world: World, name: string): LabMove | undefined =>
  world.moves.find((move) => {
    const vm = world.vms.get(move.vmId);
    return move.phase !== 'queued' && vm !== undefined && sameName(vm.name, name);
  });

const tellPaused = (world: World, node: LabNode, volume: string): void => {
  const message = `Cluster Shared Volume '${volume}' has entered a paused state.`;
  logEvent(world, node.name, { log: CLUSTER_LOG, id: 5120, level: 2, message });
};

/** Only the row of this node says so; for the others they are as they were. */
function pauseVolumesOn(world: World, node: LabNode, until: number): void {
  node.volumesPausedUntil = Math.max(node.volumesPausedUntil, until);
  if (isMember(node)) for (const { name } of world.sharedVolumes) tellPaused(world, node, name);
}

function pauseVolumes(world: World, until: number): void {
  const paused = world.sharedVolumes.filter((volume) => volume.state === 'Online');
  for (const volume of paused) {
    volume.state = 'Paused';
    for (const node of world.nodes) if (isMember(node)) tellPaused(world, node, volume.name);
  }
  world.agenda.add(until, () => {
    for (const volume of paused) volume.state = 'Online';
  });
}
