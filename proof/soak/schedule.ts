// What happens in one round of the soak, decided beforehand from the seed: who is killed when, and what work is asked
// for meanwhile. Pure: the same seed gives the same rounds. What real processes make of it is not in anybody's hand.
import { Random } from '../rig/random.ts';

export const STRIKES = [
  /** kill -9 of a node's worker process. */
  'worker',
  /** kill -9 of the Temporal server, which starts again after a while on the same data. */
  'server',
  /** A node of the lab crashes and boots by itself. */
  'node-crash',
  /** A node of the lab loses its power and is switched on again. */
  'node-power-off',
  /** `pg_ctl stop -m immediate`, and a start. */
  'database-crash',
  /** The database is away for half a minute. */
  'database-outage',
] as const;
export type StrikeKind = (typeof STRIKES)[number];

export interface Strike {
  kind: StrikeKind;
  /** From the beginning of the round. */
  atMs: number;
  /** Which of those that are there, as a share of their list. */
  pick: number;
  /** How long it stays away, where somebody has to bring it back. */
  awayMs: number;
}

export const JOBS = ['move', 'move-to', 'watch', 'prepare', 'drain', 'apply', 'cancel'] as const;
export type JobKind = (typeof JOBS)[number];

export interface Job {
  kind: JobKind;
  atMs: number;
  vm: string;
  node: string;
  /** Which of those that are there, as a share of their list. */
  pick: number;
  /** The command returns as soon as the run has started. */
  detach: boolean;
  /** kill -9 of the command so long after its start; null: it is let live. */
  killAfterMs: number | null;
  /** What `apply` asks for. */
  wish: Wish;
}

/** What may differ from one cluster.yaml to the next. */
export interface Wish {
  simultaneousMigrations: number;
  performance: 'Compression' | 'SMB';
  newVms: number;
}

export interface Round {
  chaosMs: number;
  strikes: Strike[];
  jobs: Job[];
}

export interface Cast {
  nodes: readonly [string, ...string[]];
  vms: readonly [string, ...string[]];
  /** How many VMs there are disks for. */
  newVmsMax: number;
  /** What the server of this soak can suffer. */
  strikes: readonly StrikeKind[];
}

const WEIGHT: Readonly<Record<StrikeKind, number>> = {
  worker: 42,
  server: 14,
  'node-crash': 12,
  'node-power-off': 8,
  'database-crash': 12,
  // Drawn apart: one of them stops everything for half a minute.
  'database-outage': 0,
};

const JOB_WEIGHT: Readonly<Record<JobKind, number>> = {
  move: 40,
  'move-to': 16,
  watch: 12,
  prepare: 14,
  // Drawn apart: one in every round.
  drain: 0,
  apply: 12,
  cancel: 6,
};

/** Shorter and everything is down at once; longer and most moves are left alone. */
const STRIKE_PAUSE_MS = [1500, 5500] as const;
const JOB_PAUSE_MS = [700, 2400] as const;
const OUTAGE_MS = 30_000;
/** A database outage in every third round. */
const OUTAGE_EVERY = 3;
/** A node with VMs is drained in every round, whatever else was drawn; early, so that much of it is hit. */
const DRAIN_WITHIN = 0.3;

const times = (c: Random, pause: readonly [number, number], endMs: number): number[] => {
  const list: number[] = [];
  for (let at = c.int(...pause); at < endMs; at += c.int(...pause)) list.push(at);
  return list;
};

/** @param index counts rounds from 0. */
export function roundOf(seed: number, index: number, chaosMs: number, cast: Cast): Round {
  const killing = Random.of(seed, `strikes ${index}`);
  const working = Random.of(seed, `jobs ${index}`);
  const outage = cast.strikes.includes('database-outage') && index % OUTAGE_EVERY === 1;
  return {
    chaosMs,
    strikes: [
      ...times(killing, STRIKE_PAUSE_MS, chaosMs).map((atMs) => strikeAt(killing, atMs, cast)),
      ...(outage ? [outageAt(killing, chaosMs)] : []),
    ].sort((a, b) => a.atMs - b.atMs),
    jobs: [
      ...times(working, JOB_PAUSE_MS, chaosMs).map((atMs) => jobAt(working, atMs, index, cast)),
      drainAt(working, chaosMs, index, cast),
    ].sort((a, b) => a.atMs - b.atMs),
  };
}

function strikeAt(c: Random, atMs: number, cast: Cast): Strike {
  const weights = Object.fromEntries(
    STRIKES.map((kind) => [kind, cast.strikes.includes(kind) ? WEIGHT[kind] : 0]),
  ) as Record<StrikeKind, number>;
  const kind = c.weighted(weights);
  return { kind, atMs, pick: c.next(), awayMs: c.int(300, 6000) };
}

const outageAt = (c: Random, chaosMs: number): Strike => ({
  kind: 'database-outage',
  atMs: c.int(0, Math.floor(chaosMs / 2)),
  pick: c.next(),
  awayMs: OUTAGE_MS,
});

const drainAt = (c: Random, chaosMs: number, index: number, cast: Cast): Job => ({
  ...jobAt(c, c.int(0, Math.floor(chaosMs * DRAIN_WITHIN)), index, cast),
  kind: 'drain',
});

function jobAt(c: Random, atMs: number, index: number, cast: Cast): Job {
  return {
    kind: c.weighted(JOB_WEIGHT),
    atMs,
    vm: c.pick(cast.vms),
    node: c.pick(cast.nodes),
    pick: c.next(),
    detach: c.next() < 0.5,
    killAfterMs: c.next() < 0.5 ? c.int(100, 7000) : null,
    wish: {
      simultaneousMigrations: c.int(1, 2),
      performance: c.next() < 0.5 ? 'Compression' : 'SMB',
      // Grows with the rounds, because a cluster.yaml from which a VM vanishes leaves the VM alone.
      newVms: Math.min(index + 1, cast.newVmsMax),
    },
  };
}
