// Why a live migration fails although the cluster accepted it: the rows of Microsoft's troubleshooting pages that
// follow from state (docs/lab.md lists them). The HRESULT is in the event logs, as on the real thing.
import { sameName } from '../../domain/names.ts';
import {
  freeMemory,
  isIn,
  isPausedOn,
  isShared,
  nodeOf,
  switchesOf,
  type LabMove,
  type LabVm,
  type World,
} from './world.ts';

export interface Obstacle {
  text: string;
  hresult: string | null;
  /** Event ids on the destination, beside 21502 on both ends. */
  alsoOnTarget: number[];
  /** What MigrationFailureReason shows: busy or "other". */
  reason: '0x80004005' | '0x800700AA';
}

const obstacle = (text: string, hresult: string | null, alsoOnTarget: number[] = []): Obstacle => ({
  text,
  hresult,
  alsoOnTarget,
  reason: '0x80004005',
});

const sockets = (world: World, move: LabMove): Obstacle | null => {
  const usable = world.networks.some(
    (network) =>
      network.state === 'Up' && network.role !== 'None' && !network.excludedFromMigration,
  );
  if (!usable) return obstacle('no cluster network is available to the destination', '0x000013AB');
  for (const end of [move.from, move.to]) {
    const node = nodeOf(world, end);
    if (!node.migration.enabled)
      return obstacle(`live migration is not enabled on ${end}`, '0x8007274D');
    if (node.networkDownUntil > world.time)
      return obstacle(`the connection to ${move.to} timed out`, '0x8007274C');
  }
  return null;
};

function hardware(world: World, vm: LabVm, move: LabMove): Obstacle | null {
  const from = nodeOf(world, move.from).is;
  const to = nodeOf(world, move.to);
  if (from.cpuVendor !== to.is.cpuVendor)
    return obstacle('the VM uses processor features of another manufacturer', null);
  if (from.cpuName !== to.is.cpuName && !vm.compatibilityForMigration)
    return obstacle('the VM uses processor features that the destination lacks', null);
  if (vm.passThroughDevices.length > 0) return obstacle('the VM uses a device of its host', null);
  if (!to.is.vmVersions.includes(vm.version))
    return obstacle(`the destination does not support version ${vm.version}`, null, [10698]);
  const free = freeMemory(world, to) + (move.phase === 'queued' ? 0 : vm.memoryBytes);
  if (vm.memoryBytes > free) return obstacle('the destination lacks memory', '0x800705AA');
  return null;
}

function devices(world: World, vm: LabVm, move: LabMove): Obstacle | null {
  const there = switchesOf(nodeOf(world, move.to));
  for (const name of vm.switches) {
    if (name === null) continue;
    const match = there.find((other) => sameName(other.name, name));
    if (match === undefined)
      return obstacle(`the destination has no virtual switch '${name}'`, null, [21159]);
    if (match.type !== 'External')
      return obstacle(`the destination has disconnected VM switch(s): '${name}'`, null, [21145]);
  }
  const iso = vm.dvds.find((path) => !isShared(world, path));
  if (iso !== undefined) return obstacle(`the destination cannot open '${iso}'`, '0xC03A0014');
  const local = vm.disks.find((path) => !isShared(world, path));
  if (local !== undefined)
    return obstacle(`the destination cannot find '${local}'`, '0x80070003', [20413]);
  const paused = world.sharedVolumes.find(
    ({ name, path, state }) =>
      state !== 'Online' ||
      (isPausedOn(world, nodeOf(world, move.to), name) &&
        vm.disks.some((disk) => isIn(disk, path))),
  );
  if (paused !== undefined) return obstacle(`'${paused.path}' does not answer`, '0x800705B4');
  return null;
}

/** Looked for once at the start of a move, which then fails below 10 %. */
export function obstacleTo(world: World, vm: LabVm, move: LabMove): Obstacle | null {
  if (vm.busy)
    return {
      ...obstacle('the VM is being backed up or merged', '0x800700AA'),
      reason: '0x800700AA',
    };
  return sockets(world, move) ?? hardware(world, vm, move) ?? devices(world, vm, move);
}
