// The machines: power, boots, services, features. What their coming and going does to roles is in cluster.ts.
import { sameName } from '../../domain/names.ts';
import { iso } from './clock.ts';
import { nodeJoined, nodeLost } from './cluster.ts';
import { takeBootFault } from './faults.ts';
import { effect } from './records.ts';
import { reviewStorage } from './storage.ts';
import { startVm } from './vms.ts';
import { cutOffUpdates, finishUpdates } from './updates.ts';
import { HYPERV_TOOLS, RESTART_FEATURES } from './make-world.ts';
import { bootTimeOf, vmsOn, type LabNode, type World } from './world.ts';

type WayDown = 'restart' | 'crash' | 'power-off';

const tell = (world: World, node: LabNode, up: boolean): void => {
  for (const watcher of world.watchers) watcher({ node: node.name, up, at: world.time });
};

function goDown(world: World, node: LabNode, how: WayDown): void {
  const was = node.power;
  world.agenda.cancel(node.transition);
  node.transition = null;
  node.power = 'off';
  node.services = 'Stopped';
  node.losses += 1;
  if (node.installing !== null) world.agenda.cancel(node.installing.entry);
  node.installing = null;
  cutOffUpdates(world, node);
  const words = { restart: 'restarting', crash: 'crashed', 'power-off': 'switched off' };
  effect(world, node.name, 'node-down', node.name, words[how]);
  // While it booted nobody counted on it.
  if (was === 'running' || was === 'stopping') nodeLost(world, node, how);
  reviewStorage(world);
  tell(world, node, false);
}

function beginBoot(world: World, node: LabNode): void {
  if (takeBootFault(world, node, 'bootFails')) {
    effect(world, node.name, 'fault', 'bootFails', `${node.name} stays off until it is powered on`);
    return;
  }
  bootNow(world, node);
}

function bootNow(world: World, node: LabNode): void {
  node.power = 'booting';
  const bootTime = world.time;
  node.transition = world.agenda.add(world.time + node.is.bootSeconds * 1000, () => {
    node.transition = null;
    finishBoot(world, node, bootTime);
  });
}

function finishBoot(world: World, node: LabNode, bootTime: number): void {
  node.power = 'running';
  // Two boots never share a boot time, even when a scenario makes them take no time at all.
  node.bootTime = Math.max(bootTime, node.bootTime + 1);
  node.kernelStart = bootTimeOf(node);
  finishFeatures(world, node);
  finishUpdates(world, node);
  effect(world, node.name, 'node-up', node.name, `booted at ${iso(node.bootTime)}`);
  node.services = 'Starting';
  node.transition = world.agenda.add(world.time + node.is.serviceSeconds * 1000, () => {
    node.transition = null;
    node.services = 'Running';
    for (const vm of vmsOn(world, node.name)) {
      if (vm.resumes) startVm(world, vm, 'vm-restarted', `by its host ${node.name}`);
      vm.resumes = false;
    }
    nodeJoined(world);
    reviewStorage(world);
  });
  tell(world, node, true);
}

/** What waited for a restart: done, unless Windows takes it back or wants one more. */
function finishFeatures(world: World, node: LabNode): void {
  const pending = [...node.features].flatMap(([name, state]) =>
    state === 'InstallPending' || state === 'UninstallPending' ? [{ name, state }] : [],
  );
  if (pending.length > 0 && takeBootFault(world, node, 'bootOwes')) {
    effect(world, node.name, 'fault', 'bootOwes', `${node.name} still owes a restart`);
    return;
  }
  const reverts = pending.length > 0 && takeBootFault(world, node, 'bootReverts');
  if (reverts) effect(world, node.name, 'fault', 'bootReverts', pending.map((p) => p.name).join());
  node.pendingRestart = false;
  for (const { name, state } of pending) {
    const isThere = (state === 'InstallPending') !== reverts;
    node.features.set(name, isThere ? 'Installed' : 'Available');
  }
}

/** A restart that Windows was asked for: it still answers while it shuts down. */
export function beginRestart(world: World, node: LabNode, reason: string): void {
  node.power = 'stopping';
  effect(world, node.name, 'restart-requested', node.name, reason);
  node.transition = world.agenda.add(world.time + node.is.shutdownSeconds * 1000, () => {
    goDown(world, node, 'restart');
    beginBoot(world, node);
  });
}

/** A blue screen: down at once, boots by itself. */
export function crash(world: World, node: LabNode): boolean {
  if (node.power === 'off') return false;
  goDown(world, node, 'crash');
  beginBoot(world, node);
  return true;
}

/** The plug is pulled: stays off until `powerOn`. */
export function powerOff(world: World, node: LabNode): boolean {
  if (node.power === 'off') return false;
  goDown(world, node, 'power-off');
  return true;
}

export function powerOn(world: World, node: LabNode): boolean {
  if (node.power !== 'off') return false;
  bootNow(world, node);
  return true;
}

/** Adds the features once installing has taken its time; some work after a restart only. */
export function beginInstall(world: World, node: LabNode, names: string[]): number {
  const until = world.time + node.is.installSeconds * 1000;
  const all = [...names, ...(names.includes('Hyper-V') ? HYPERV_TOOLS : [])];
  const entry = world.agenda.add(until, () => {
    node.installing = null;
    for (const name of all) {
      if (node.features.get(name) !== 'Available') continue;
      const pending = RESTART_FEATURES.includes(name);
      node.features.set(name, pending ? 'InstallPending' : 'Installed');
      if (pending) node.pendingRestart = true;
      if (names.includes(name))
        effect(world, node.name, 'feature-installed', name, pending ? 'a restart is owed' : '');
    }
  });
  node.installing = { until: entry.at, names, entry };
  return entry.at;
}

/** As a time server or a person does. Its boot time moves along, its boot does not. */
export function shiftClock(world: World, node: LabNode, seconds: number): boolean {
  if (seconds === 0) return false;
  node.clockAheadMs += seconds * 1000;
  effect(world, node.name, 'fault', 'shift-clock', `${seconds} s`);
  return true;
}

/** As an administrator would at the node itself, with the restart that it takes behind him. */
export function removeFeature(world: World, node: LabNode, name: string): boolean {
  const feature = [...node.features.keys()].find((known) => sameName(known, name));
  if (feature === undefined) throw new RangeError(`Windows has no feature '${name}'.`);
  if (node.features.get(feature) !== 'Installed') return false;
  node.features.set(feature, 'Available');
  effect(world, node.name, 'fault', 'remove-feature', feature);
  return true;
}
