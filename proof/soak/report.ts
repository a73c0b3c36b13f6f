// The account of a soak: how much was killed, what ran meanwhile, and what is wrong, if anything is.
import type { Effect } from '../../lab/machine/records.ts';
import type { Adoption, RunRecord } from './run-records.ts';
import type { Struck } from './killer.ts';

export interface SoakReport {
  seed: number;
  server: string;
  seconds: number;
  speed: number;
  rounds: number;
  kills: { total: number; byKind: Record<string, number>; skipped: number };
  runs: { total: number; byWorkflow: Record<string, Record<string, number>> };
  moves: Record<string, number>;
  drains: Drains;
  effects: { total: number; byKind: Record<string, number> };
  decisions: Record<string, number>;
  commands: { started: number; exitCodes: Record<string, number>; skippedJobs: number };
  adoptions: { count: number; longestMs: number | null };
  longestServerOutageMs: number;
  violations: string[];
  /** Logs and database; kept when something is wrong. */
  folder: string | null;
}

export interface Drains {
  /** Nodes that were paused to be emptied. */
  begun: number;
  /** … and were empty, so that they were restarted. */
  emptied: number;
  /** Moves away from a paused node. */
  movedOff: number;
}

export function countBy<T>(list: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of list) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

export function runsBy(runs: readonly RunRecord[]): Record<string, Record<string, number>> {
  const names = [...new Set(runs.map((run) => run.workflow))].sort();
  return Object.fromEntries(
    names.map((name) => [
      name,
      countBy(
        runs.filter((run) => run.workflow === name),
        (run) => run.outcome.toLowerCase(),
      ),
    ]),
  );
}

export const movesBy = (effects: readonly Effect[]): Record<string, number> =>
  countBy(
    effects.filter((effect) => effect.kind.startsWith('move-')),
    (effect) => effect.kind.slice('move-'.length),
  );

/** Between the pause of a node and its return. */
export function drainsBy(effects: readonly Effect[]): Drains {
  const drains: Drains = { begun: 0, emptied: 0, movedOff: 0 };
  const paused = new Set<string>();
  for (const { kind, node } of effects) {
    if (kind === 'node-paused') {
      paused.add(node);
      drains.begun += 1;
    } else if (kind === 'node-resumed') paused.delete(node);
    else if (paused.has(node) && kind === 'move-started') drains.movedOff += 1;
    else if (paused.has(node) && kind === 'restart-requested') drains.emptied += 1;
  }
  return drains;
}

/** A server may hand a task to a worker that it does not know to be dead yet: its last question stands for so long. */
const STALE_POLL_MS = 15_000;

/** From the last kill before it (or from when there was something to adopt) until somebody sees the move through. */
export function adoptionTimes(adoptions: readonly Adoption[], struck: readonly Struck[]): number[] {
  return adoptions.flatMap(({ scheduledMs, startedMs }) => {
    const kills = struck.filter(
      ({ atMs }) => atMs > scheduledMs - STALE_POLL_MS && atMs < startedMs,
    );
    const last = kills.at(-1);
    return last === undefined ? [] : [startedMs - Math.max(last.atMs, scheduledMs)];
  });
}

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .map(([what, n]) => `${n} ${what}`)
    .join(', ');

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export function reportLines(r: SoakReport): string[] {
  const runs = Object.entries(r.runs.byWorkflow).map(
    ([workflow, outcomes]) => `${workflow} ${listed(outcomes)}`,
  );
  const { count, longestMs } = r.adoptions;
  const longest =
    longestMs === null ? '' : `, at the latest ${inSeconds(longestMs)} after the kill`;
  return [
    `seed        ${r.seed}`,
    `server      ${r.server}`,
    `time        ${r.seconds} s in ${r.rounds} rounds, ${r.speed} simulated seconds per second`,
    `kills       ${r.kills.total}: ${listed(r.kills.byKind)} (${r.kills.skipped} found nobody)`,
    `runs        ${r.runs.total}: ${runs.join('; ')}`,
    `moves       ${listed(r.moves)}`,
    `drains      ${r.drains.begun}: ${r.drains.emptied} nodes emptied and restarted, ` +
      `${r.drains.movedOff} VMs moved off`,
    `effects     ${r.effects.total}`,
    `decisions   ${listed(r.decisions)}`,
    `commands    ${r.commands.started}; exit codes: ${Object.entries(r.commands.exitCodes)
      .map(([code, n]) => `${code} x ${n}`)
      .join(', ')}`,
    `adopted     ${count} moves${longest}`,
    `outages     of the server up to ${inSeconds(r.longestServerOutageMs)}`,
    `violations  ${r.violations.length}`,
    ...r.violations.map((violation) => `  - ${violation}`),
    ...(r.folder === null ? [] : [`logs        ${r.folder}`]),
  ];
}
