// One wave of runs: as many live migrations as asked for, started at the same moment through the client's own code, and
// followed until the last has ended.
import type { RealLab } from '../rig/lab.ts';
import { sleep } from '../rig/waiting.ts';
import { systemClock } from '../../client/context.ts';
import { startRun } from '../../client/runs/start.ts';
import { ATTRIBUTE, runId } from '../../domain/names.ts';
import type { MigrateVmInput } from '../../domain/spec.ts';

export interface Move {
  vm: string;
  /** null: the best possible node. */
  to: string | null;
}

export interface WaveResult {
  runs: number;
  /** Until the server had accepted the last start. */
  startSeconds: number;
  /** From the first start to the end of the last run. */
  seconds: number;
  states: Record<string, number>;
  /** Most runs that waited for a person at one moment. */
  parkedMax: number;
  /** Why starts were refused; each text once. */
  refused: string[];
}

const LOOK_EVERY_MS = 1000;
/** As many people, or loops of a script, as ask the server for a start in the same moment. */
const STARTS_AT_ONCE = 50;

const input = (lab: RealLab, { vm, to }: Move): MigrateVmInput => ({
  cluster: lab.cluster,
  vm,
  ...(to === null ? {} : { to }),
  startedBy: 'load',
});

async function startAll(lab: RealLab, moves: readonly Move[]): Promise<string[]> {
  const refused = new Set<string>();
  const left = [...moves];
  const lane = async (): Promise<void> => {
    for (let move = left.shift(); move !== undefined; move = left.shift()) {
      await startMove(lab, move).catch((err: unknown) => refused.add(String(err)));
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, lane));
  return [...refused];
}

const startMove = (lab: RealLab, move: Move) =>
  startRun(
    lab.server.temporal,
    {
      workflow: 'migrateVm',
      id: runId.migrate(lab.cluster, move.vm),
      cluster: lab.cluster,
      vm: move.vm,
      summary: `Live-migrate ${move.vm}`,
      startedBy: 'load',
      input: input(lab, move),
    },
    systemClock,
  );

/** Runs of this cluster that began at or after a moment, and how they stand. */
export const waveQuery = (cluster: string, since: Date): string =>
  `${ATTRIBUTE.cluster} = '${cluster}' AND WorkflowType = 'migrateVm' AND StartTime >= '${since.toISOString()}'`;

async function statesOf(lab: RealLab, query: string): Promise<Record<string, number>> {
  const { groups } = await lab.server.temporal.client.workflow.count(
    `${query} GROUP BY ExecutionStatus`,
  );
  return Object.fromEntries(groups.map((g) => [String(g.groupValues[0]), g.count]));
}

async function parkedOf(lab: RealLab, query: string): Promise<number> {
  const waits = `${query} AND ${ATTRIBUTE.needsOperator} = true AND ExecutionStatus = 'Running'`;
  return (await lab.server.temporal.client.workflow.count(waits)).count;
}

/** Ends with the last run, or when nothing but waiting for a person is left, or when the time is up. */
export async function runWave(
  lab: RealLab,
  moves: readonly Move[],
  o: { withinMs: number; tell: (line: string) => void; started?: () => void },
): Promise<WaveResult & { query: string }> {
  const since = new Date();
  const query = waveQuery(lab.cluster, since);
  const began = performance.now();
  const refused = await startAll(lab, moves);
  const startSeconds = (performance.now() - began) / 1000;
  o.started?.();
  let parkedMax = 0;
  for (;;) {
    const [states, parked] = await Promise.all([statesOf(lab, query), parkedOf(lab, query)]);
    parkedMax = Math.max(parkedMax, parked);
    const seen = Object.values(states).reduce((sum, n) => sum + n, 0);
    const running = states['Running'] ?? 0;
    const seconds = (performance.now() - began) / 1000;
    o.tell(`${seconds.toFixed(0)} s: ${JSON.stringify(states)}, ${parked} wait for a person`);
    // What was started a moment ago is not in the list yet.
    const allListed = seen >= moves.length || refused.length > 0;
    if ((allListed && running <= parked) || seconds * 1000 > o.withinMs) {
      return { runs: moves.length, startSeconds, seconds, states, parkedMax, refused, query };
    }
    await sleep(LOOK_EVERY_MS);
  }
}
