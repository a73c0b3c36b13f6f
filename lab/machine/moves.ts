// Live migrations: slots at both ends, the queue, phases, shared bandwidth, and how a move ends.
import type { MoveAwayFacts, MoveFacts } from '../../domain/facts.ts';
import { marksOf } from './faults.ts';
import { obstacleTo, type Obstacle } from './move-obstacles.ts';
import { advancePrecopy, remainingPrecopy, startPrecopy } from './precopy.ts';
import { BLACKOUT, effect, logEvent, RESOURCE_LOG, VMMS_LOG } from './records.ts';
import {
  isMember,
  nodeOf,
  slotsOf,
  type LabJob,
  type LabMove,
  type LabNode,
  type LabRole,
  type LabVm,
  type World,
} from './world.ts';

// The share of each phase in MigrationProgress. Failures of a missing switch or memory are reported below 10 %.
const SETUP_PERCENT = 10;
const DATA_PERCENT = 90;
// A blackout that guests notice; Hyper-V warns and calls the move a success.
const LONG_BLACKOUT_MS = 5000;

/** CIM_ConcreteJob.TimeBeforeRemoval, five minutes by default. */
const JOB_STAYS_MS = 300_000;
/** VM_E_TASK_CANCELED: what a cancelled move leaves in LastOperationStatusCode. */
const CANCELLED = '0x80048001';

const vmOfMove = (world: World, move: LabMove): LabVm => {
  const vm = world.vms.get(move.vmId);
  if (vm === undefined) throw new Error(`The lab moves a VM that it does not have: ${move.vmId}.`);
  return vm;
};

const roleOfMove = (world: World, move: LabMove): LabRole => {
  const role = world.roles.get(move.vmId);
  if (role === undefined) throw new Error(`The lab moves a VM without a role: ${move.vmId}.`);
  return role;
};

const touches = (move: LabMove, node: string): boolean => move.from === node || move.to === node;

const atWork = (world: World, node: string): number =>
  world.moves.filter((move) => move.phase !== 'queued' && touches(move, node)).length;

export const hasFreeSlot = (world: World, node: string): boolean =>
  atWork(world, node) < slotsOf(world, nodeOf(world, node));

/** Accepts a move; it starts at once or waits in the queue for a slot at both ends. */
export function acceptMove(world: World, vm: LabVm, to: string, by: LabMove['by']): LabMove {
  const { blackoutSeconds, roundsMax } = world.scenario.migration;
  const plan = { memoryBytes: vm.memoryBytes, dirtyRate: vm.dirtyRate, blackoutSeconds, roundsMax };
  const move: LabMove = {
    vmId: vm.id,
    from: vm.owner,
    to,
    by,
    phase: 'queued',
    since: world.time,
    plan,
    copy: startPrecopy(plan),
    copyAt: world.time,
    bandwidth: 0,
    totalBytes: 0,
    end: null,
    mark: null,
    stand: null,
  };
  world.moves.push(move);
  roleOfMove(world, move).lastMove = { phase: 'none', percent: 0, failureReason: '0x00000000' };
  if (hasFreeSlot(world, move.from) && hasFreeSlot(world, move.to)) {
    begin(world, move);
    return move;
  }
  if (world.scenario.migration.whenFull === 'refuse') {
    const limit = String(slotsOf(world, nodeOf(world, move.from)));
    const text = `the migration limit of ${limit} was reached`;
    // Free text without a code, and no 21502 beside it.
    logEvents(world, move, 21501, 2, text, null);
    end(world, move, { text, hresult: null, alsoOnTarget: [], reason: '0x80004005' }, []);
    return move;
  }
  effect(world, move.from, 'move-queued', vm.name, describe(move));
  return move;
}

const describe = (move: LabMove): string =>
  `${move.from} -> ${move.to}${move.by === 'balancer' ? ' by the auto-balancer' : ''}`;

/** Starts what the free slots allow, first come first served; a move never holds up another one's nodes. */
export function pumpQueue(world: World): void {
  for (const move of [...world.moves]) {
    if (move.phase !== 'queued') continue;
    if (hasFreeSlot(world, move.from) && hasFreeSlot(world, move.to)) begin(world, move);
  }
}

function begin(world: World, move: LabMove): void {
  const vm = vmOfMove(world, move);
  const target = nodeOf(world, move.to);
  const text = !isMember(target)
    ? `${move.to} is not up any more`
    : target.paused
      ? `${move.to} is paused now`
      : null;
  const refused: Obstacle | null =
    text === null ? null : { text, hresult: '0x80071398', alsoOnTarget: [], reason: '0x80004005' };
  const obstacle = refused ?? obstacleTo(world, vm, move);
  effect(world, move.from, 'move-started', vm.name, describe(move));
  move.phase = 'setup';
  move.since = world.time;
  const setupMs = world.scenario.migration.setupSeconds * 1000;
  if (obstacle !== null) {
    // Half-way through the setup, so that the percentage shows "below 10".
    move.end = world.agenda.add(world.time + setupMs / 2, () => {
      end(world, move, obstacle);
    });
  } else
    move.end = world.agenda.add(world.time + setupMs, () => {
      move.phase = 'data-transfer';
      move.since = world.time;
      move.copyAt = world.time;
      share(world);
    });
  setMark(world, move);
}

/** Effective bytes of memory per second: the narrower end's link, divided among the moves that use it now. */
function bandwidthOf(world: World, move: LabMove): number {
  const { compressionFactor, smbFactor } = world.scenario.migration;
  const factor = { TCPIP: 1, Compression: compressionFactor, SMB: smbFactor };
  const perEnd = [move.from, move.to].map((end) => {
    const users = world.moves.filter((m) => m.phase === 'data-transfer' && touches(m, end)).length;
    return nodeOf(world, end).is.migrationNetwork / users;
  });
  return Math.min(...perEnd) * factor[nodeOf(world, move.from).migration.performance];
}

/** Divides the links anew; to be called after each change of who copies. */
function share(world: World): void {
  for (const move of world.moves) {
    if (move.phase !== 'data-transfer' || move.stand !== null) continue;
    const bandwidth = bandwidthOf(world, move);
    if (bandwidth === move.bandwidth) continue;
    if (move.bandwidth > 0)
      move.copy = advancePrecopy(move.plan, move.copy, move.bandwidth, world.time - move.copyAt);
    move.copyAt = world.time;
    move.bandwidth = bandwidth;
    const rest = remainingPrecopy(move.plan, move.copy, bandwidth);
    move.totalBytes = move.copy.copied + rest.bytes;
    world.agenda.cancel(move.end);
    move.end = world.agenda.add(world.time + rest.ms, () => {
      endTransfer(world, move);
    });
    setMark(world, move);
  }
}

function endTransfer(world: World, move: LabMove): void {
  const vm = vmOfMove(world, move);
  move.copy = advancePrecopy(move.plan, move.copy, move.bandwidth, world.time - move.copyAt);
  move.phase = 'moving-group';
  move.since = world.time;
  logBlackout(world, move, vm);
  const ms = world.scenario.migration.movingGroupSeconds * 1000;
  move.end = world.agenda.add(world.time + ms, () => {
    finish(world, move);
  });
  setMark(world, move);
  share(world);
}

function logBlackout(world: World, move: LabMove, { name, id: vmId }: LabVm): void {
  const { blackoutAt } = world.scenario.migration;
  if (blackoutAt === 'none') return;
  const took = (move.copy.blackoutMs / 1000).toFixed(1);
  const message = `Live migration of '${name}' had a blackout of ${took} seconds.`;
  const isLong = move.copy.blackoutMs > LONG_BLACKOUT_MS;
  const kind = isLong ? { id: BLACKOUT.long, level: 3 } : { id: BLACKOUT.usual, level: 4 };
  const node = blackoutAt === 'source' ? move.from : move.to;
  logEvent(world, node, { log: VMMS_LOG, ...kind, vm: name, vmId, more: [took], message });
}

function finish(world: World, move: LabMove): void {
  const vm = vmOfMove(world, move);
  forget(world, move, 'completed');
  vm.owner = move.to;
  const took = `${((world.time - move.since) / 1000).toFixed(1)} s`;
  effect(world, move.to, 'move-finished', vm.name, `${describe(move)}, last phase ${took}`);
  pumpQueue(world);
}

function forget(world: World, move: LabMove, how: LabJob['end']): void {
  if (move.phase !== 'queued') {
    const { vmId, from, to } = move;
    const percent = how === 'completed' ? 100 : percentOf(world, move);
    const until = world.time + JOB_STAYS_MS;
    world.jobs = world.jobs.filter((job) => job.until > world.time);
    world.jobs.push({ vmId, from, to, percent, end: how, until });
  }
  world.agenda.cancel(move.end);
  world.agenda.cancel(move.mark);
  world.agenda.cancel(move.stand?.over ?? null);
  move.stand = null;
  move.end = null;
  move.mark = null;
  world.moves = world.moves.filter((other) => other !== move);
}

function logEvents(
  world: World,
  move: LabMove,
  id: number,
  level: number,
  text: string,
  hresult: string | null,
  ends = [move.from, move.to],
): void {
  const { name, id: vmId } = vmOfMove(world, move);
  const message = `Live migration of '${name}' failed: ${text}.`;
  // The ids of the resource's own provider.
  const log = id >= 21_000 && id < 22_000 ? RESOURCE_LOG : VMMS_LOG;
  const entry = { log, id, level, message, vm: name, vmId };
  for (const node of ends) logEvent(world, node, { ...entry, ...(hresult && { hresult }) });
}

/** The ends whose logs tell of it. */
function tellingEnds({ scenario }: World, { from, to }: LabMove): string[] {
  const ends = { both: [from, to], source: [from], target: [to] };
  return ends[scenario.migration.eventsAt];
}

function end(world: World, move: LabMove, why: Obstacle, tells = tellingEnds(world, move)): void {
  const percent = percentOf(world, move);
  forget(world, move, 'failed');
  for (const id of why.alsoOnTarget)
    logEvents(world, move, id, 2, why.text, why.hresult, [move.to]);
  logEvents(world, move, 21502, 2, why.text, why.hresult, tells);
  roleOfMove(world, move).lastMove = { phase: 'failed', percent, failureReason: why.reason };
  const code = why.hresult === null ? '' : ` (${why.hresult})`;
  const detail = `${describe(move)}: ${why.text}${code}`;
  effect(world, move.from, 'move-failed', vmOfMove(world, move).name, detail);
  share(world);
  pumpQueue(world);
}

/** Fails a move for a reason from outside. */
export function failMove(world: World, move: LabMove, text: string, hresult: string | null): void {
  end(world, move, { text, hresult, alsoOnTarget: [], reason: '0x80004005' });
}

/** It stays where it is until then, and shows that it migrates all the while. */
export function standStill(world: World, move: LabMove, until: number): void {
  const { end } = move;
  if (end === null || move.stand !== null) return;
  const left = end.at - world.time;
  const percent = percentOf(world, move);
  world.agenda.cancel(end);
  world.agenda.cancel(move.mark);
  move.end = null;
  move.mark = null;
  const since = world.time;
  const over = world.agenda.add(until, () => {
    move.stand = null;
    move.since += world.time - since;
    move.copyAt += world.time - since;
    move.end = world.agenda.add(world.time + left, end.run);
    setMark(world, move);
    share(world);
  });
  move.stand = { since, percent, over };
}

/** What stands gets on now. */
export function goOn(world: World, { stand }: LabMove): void {
  if (stand === null) return;
  world.agenda.cancel(stand.over);
  stand.over.run();
}

/** False when the move has come so far that it can only finish. */
export function cancelMove(world: World, move: LabMove): boolean {
  if (move.phase === 'moving-group') return false;
  const percent = percentOf(world, move);
  forget(world, move, 'cancelled');
  const role = roleOfMove(world, move);
  role.lastMove = { phase: 'cancelled', percent, failureReason: CANCELLED };
  const detail = `${describe(move)} at ${percent} %`;
  effect(world, move.from, 'move-cancelled', vmOfMove(world, move).name, detail);
  share(world);
  pumpQueue(world);
  return true;
}

export function failMovesOf(world: World, node: string, text: string, hresult: string): void {
  for (const move of world.moves.filter((m) => touches(m, node))) {
    // Taken out of the queue too: a queued move whose end is gone has nowhere to go.
    if (world.moves.includes(move)) failMove(world, move, text, hresult);
  }
}

/** MigrationProgress now. Only reads, so looking often changes nothing. */
function percentOf(world: World, move: LabMove): number {
  if (move.stand !== null) return move.stand.percent;
  const { setupSeconds, movingGroupSeconds } = world.scenario.migration;
  const share = (seconds: number): number =>
    seconds === 0 ? 1 : Math.min(1, (world.time - move.since) / (seconds * 1000));
  switch (move.phase) {
    case 'queued':
      return 0;
    case 'setup':
      return Math.floor(share(setupSeconds) * SETUP_PERCENT);
    case 'data-transfer': {
      const ms = world.time - move.copyAt;
      const { copied } = advancePrecopy(move.plan, move.copy, move.bandwidth, ms);
      const part = move.totalBytes === 0 ? 1 : Math.min(1, copied / move.totalBytes);
      return Math.floor(SETUP_PERCENT + part * (DATA_PERCENT - SETUP_PERCENT));
    }
    case 'moving-group':
      return Math.floor(DATA_PERCENT + share(movingGroupSeconds) * (100 - DATA_PERCENT));
  }
}

/** When the percentage is reached in the current phase; null when it lies in a later one. */
function timeOf(world: World, move: LabMove, percent: number): number | null {
  const { setupSeconds, movingGroupSeconds } = world.scenario.migration;
  switch (move.phase) {
    case 'queued':
      return null;
    case 'setup':
      if (percent >= SETUP_PERCENT) return null;
      return move.since + (percent / SETUP_PERCENT) * setupSeconds * 1000;
    case 'data-transfer': {
      if (percent >= DATA_PERCENT) return null;
      const part = (percent - SETUP_PERCENT) / (DATA_PERCENT - SETUP_PERCENT);
      const bytes = part * move.totalBytes - move.copy.copied;
      return move.copyAt + (bytes / move.bandwidth) * 1000;
    }
    case 'moving-group': {
      const part = (percent - DATA_PERCENT) / (100 - DATA_PERCENT);
      return move.since + part * movingGroupSeconds * 1000;
    }
  }
}

/** Arms the next fault that waits for a percentage of this move. */
export function setMark(world: World, move: LabMove): void {
  world.agenda.cancel(move.mark);
  move.mark = null;
  if (move.stand !== null) return;
  const next = marksOf(world, move, vmOfMove(world, move).name)[0];
  if (next === undefined) return;
  const at = timeOf(world, move, next.percent);
  if (at === null) return;
  move.mark = world.agenda.add(Math.max(at, world.time), () => {
    move.mark = null;
    next.fault.struck.add(move);
    world.strike(next.fault);
    if (world.moves.includes(move)) setMark(world, move);
  });
}

export function moveFacts(world: World, role: LabRole, move: LabMove | undefined): MoveFacts {
  if (move === undefined) return { ...role.lastMove, target: null };
  return {
    phase: move.phase === 'queued' ? 'none' : move.phase,
    percent: percentOf(world, move),
    failureReason: '0x00000000',
    target: move.to,
  };
}

/** The running jobs of a node: of what leaves it, never of what comes. */
export const movesAway = (world: World, node: LabNode): MoveAwayFacts[] =>
  world.moves
    .filter((move) => move.from === node.name && move.phase !== 'queued')
    .map((move) => ({ vmId: move.vmId, target: move.to, percent: percentOf(world, move) }));
