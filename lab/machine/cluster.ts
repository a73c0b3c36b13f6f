// The cluster service: membership, quorum, failover of roles, the auto-balancer.
import { includesName, sameName } from '../../domain/names.ts';
import { quorumLostSeconds } from '../scenario/builds.ts';
import { coreGroup, groupsLost, restoreGroups } from './groups.ts';
import { failMove, failMovesOf, acceptMove, moveFacts } from './moves.ts';
import { beginQuickMove, dropQuickMove, isMovedQuickly } from './quick.ts';
import { CLUSTER_LOG, effect, logEvent } from './records.ts';
import { haltVm, startVm } from './vms.ts';
import {
  freeMemory,
  hasHyperV,
  isMember,
  isOn,
  moveOf,
  nodeOf,
  vmsOn,
  type LabNode,
  type LabRole,
  type LabVm,
  type World,
} from './world.ts';

const logOnMembers = (world: World, id: number, level: number, message: string): void => {
  for (const node of world.nodes)
    if (isMember(node)) logEvent(world, node.name, { log: CLUSTER_LOG, id, level, message });
};

/** A running node went down. */
export function nodeLost(
  world: World,
  node: LabNode,
  how: 'restart' | 'crash' | 'power-off',
): void {
  failMovesOf(world, node.name, `${node.name} went down`, '0x80072746');
  logOnMembers(world, 1135, 1, `Cluster node '${node.name}' was removed from the cluster.`);
  for (const vm of vmsOn(world, node.name)) {
    const role = world.roles.get(vm.id);
    const ran = isOn(vm);
    if (role !== undefined) dropQuickMove(world, role);
    if (ran) {
      const saved = how === 'restart';
      const text = saved
        ? `saved: ${node.name} was restarted while it ran there`
        : `stopped hard: ${node.name} went down while it ran there`;
      haltVm(world, vm, saved ? 'vm-saved' : 'vm-stopped', text);
    }
    if (role === undefined) {
      vm.resumes = ran;
      continue;
    }
    if (role.wanted === 'online') role.state = 'Pending';
    planFailover(world, role);
  }
  const heldCore = coreGroup(world).owner === node.name;
  groupsLost(world, node);
  if (heldCore && how === 'restart') loseQuorumWithCore(world, node);
  reviewQuorum(world);
}

/** Windows Server 2025 may lose its quorum when the node that holds the core group is shut down. */
function loseQuorumWithCore(world: World, { is }: LabNode): void {
  const ms = quorumLostSeconds(world.scenario.coreGroup, is.build) * 1000;
  if (ms === 0) return;
  world.quorumLostUntil = Math.max(world.quorumLostUntil, world.time + ms);
  world.agenda.add(world.quorumLostUntil, () => {
    reviewQuorum(world);
  });
}

function planFailover(world: World, role: LabRole): void {
  world.agenda.cancel(role.failover);
  const at = world.time + world.scenario.failoverSeconds * 1000;
  role.failover = world.agenda.add(at, () => {
    role.failover = null;
    restore(world, role);
  });
}

/** Puts a role where it can be, and online if that is wanted. */
function restore(world: World, role: LabRole): void {
  const vm = world.vms.get(role.vmId);
  if (vm === undefined || !world.quorate || isOn(vm)) return;
  const lost = vm.owner;
  const owner = nodeOf(world, vm.owner);
  if (!isMember(owner) || (owner.paused && role.wanted === 'online')) {
    const target = failoverTarget(world, role, vm);
    if (target === null) {
      if (role.wanted === 'online') role.state = 'Failed';
      effect(world, vm.owner, 'role-failed', role.name, 'no node can take it over');
      return;
    }
    vm.owner = target.name;
    effect(world, target.name, 'role-moved', role.name, `from ${lost} by failover`);
  }
  if (role.wanted === 'offline') return;
  const detail = vm.owner === lost ? `on ${lost} again` : `by failover from ${lost}`;
  startVm(world, vm, 'vm-restarted', detail);
}

/** Possible owners that are up: preferred ones in their order, then by free memory, then by name. */
function failoverTarget(world: World, role: LabRole, vm: LabVm): LabNode | null {
  const rank = (node: LabNode): number => {
    const i = role.preferredOwners.findIndex((name) => sameName(name, node.name));
    return i < 0 ? role.preferredOwners.length : i;
  };
  const free = (node: LabNode): number => freeMemory(world, node);
  return (
    world.nodes
      .filter(
        (node) =>
          isMember(node) &&
          !node.paused &&
          !node.quarantined &&
          hasHyperV(node) &&
          includesName(role.possibleOwners, node.name) &&
          (role.wanted === 'offline' || free(node) >= vm.memoryBytes),
      )
      .sort((a, b) => rank(a) - rank(b) || free(b) - free(a) || (a.name < b.name ? -1 : 1))[0] ??
    null
  );
}

/** The cluster service of a node has come up. */
export function nodeJoined(world: World): void {
  const was = world.quorate;
  reviewQuorum(world);
  if (was && world.quorate) restoreAll(world);
  if (world.quorate && world.cluster.autoBalancerMode !== 0) balance(world);
}

/** What could not come online on a paused node does now. */
export function nodeResumed(world: World): void {
  if (world.quorate) restoreAll(world);
}

function restoreAll(world: World): void {
  restoreGroups(world);
  for (const role of world.roles.values()) {
    const vm = world.vms.get(role.vmId);
    if (vm === undefined || role.failover !== null) continue;
    const lost = !isMember(nodeOf(world, vm.owner));
    if (lost || (role.wanted === 'online' && !isOn(vm))) restore(world, role);
  }
}

/** Votes of the members and of the witness against all votes; dynamic quorum is not modelled. */
export function reviewQuorum(world: World): void {
  const { witness } = world.scenario;
  const witnessVotes = witness.kind === 'None' ? 0 : 1;
  const all = world.nodes.reduce((sum, node) => sum + node.is.nodeWeight, witnessVotes);
  const here = world.nodes
    .filter(isMember)
    .reduce((sum, node) => sum + node.is.nodeWeight, witness.online ? witnessVotes : 0);
  const quorate = here * 2 > all && world.time >= world.quorumLostUntil;
  if (quorate === world.quorate) return;
  world.quorate = quorate;
  if (quorate) {
    effect(world, '', 'quorum-regained', world.scenario.cluster, `${here} of ${all} votes`);
    restoreAll(world);
    return;
  }
  effect(world, '', 'quorum-lost', world.scenario.cluster, `${here} of ${all} votes`);
  logOnMembers(world, 1177, 1, 'The Cluster service is shutting down because quorum was lost.');
  for (const move of [...world.moves]) failMove(world, move, 'quorum was lost', '0x80072746');
  for (const role of world.roles.values()) {
    const vm = world.vms.get(role.vmId);
    if (vm === undefined) continue;
    world.agenda.cancel(role.failover);
    role.failover = null;
    dropQuickMove(world, role);
    if (isOn(vm)) haltVm(world, vm, 'vm-stopped', 'the cluster lost its quorum');
    role.state = 'Offline';
  }
}

// Memory in use above which Windows counts a node as loaded, per AutoBalancerLevel.
const BALANCER_THRESHOLD = { 1: 0.8, 2: 0.7, 3: 0.6 } as const;

/** Moves at most one VM off the fullest node, where that makes the cluster more even. */
export function balance(world: World): void {
  if (!world.quorate) return;
  const load = (node: LabNode): number => 1 - freeMemory(world, node) / node.is.memory;
  const hosts = world.nodes.filter(
    (n) => isMember(n) && !n.paused && !n.quarantined && hasHyperV(n),
  );
  const fullest = [...hosts].sort((a, b) => load(b) - load(a) || (a.name < b.name ? -1 : 1))[0];
  if (fullest === undefined) return;
  if (load(fullest) <= BALANCER_THRESHOLD[world.scenario.autoBalancer.level]) return;
  const movable = vmsOn(world, fullest.name)
    .filter((vm) => vm.state === 'Running' && moveOf(world, vm.id) === undefined)
    .sort((a, b) => a.memoryBytes - b.memoryBytes || (a.name < b.name ? -1 : 1));
  for (const vm of movable) {
    const role = world.roles.get(vm.id);
    if (role === undefined || moveFacts(world, role, undefined).phase === 'failed') continue;
    const target = hosts
      .filter(
        (node) =>
          node !== fullest &&
          includesName(role.possibleOwners, node.name) &&
          freeMemory(world, node) >= vm.memoryBytes &&
          load(node) + vm.memoryBytes / node.is.memory < load(fullest),
      )
      .sort((a, b) => load(a) - load(b) || (a.name < b.name ? -1 : 1))[0];
    if (target === undefined) continue;
    if (isMovedQuickly(world, role)) beginQuickMove(world, role, vm, target.name);
    else acceptMove(world, vm, target.name, 'balancer');
    return;
  }
}

/**
 * Every `intervalSeconds`, as `(Get-Cluster).AutoBalancerMode` 2 does every 30 minutes. To be called when it changed.
 */
export function armBalancer(world: World): void {
  if (world.cluster.autoBalancerMode !== 2) {
    world.agenda.cancel(world.balancer);
    world.balancer = null;
    return;
  }
  if (world.balancer !== null) return;
  const ms = world.scenario.autoBalancer.intervalSeconds * 1000;
  world.balancer = world.agenda.add(world.time + ms, () => {
    world.balancer = null;
    balance(world);
    armBalancer(world);
  });
}
