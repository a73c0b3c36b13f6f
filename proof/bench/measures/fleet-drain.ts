// A drain of 200 VMs with real processes, against the time that its plan promised: what is lost between two moves, and
// what all that is not a move takes. `npm run bench -- --fleet`.
import type { Effect } from '../../../lab/machine/records.ts';
import { runId } from '../../../domain/names.ts';
import { MESSAGES } from '../../../domain/status.ts';
import type { PastMove } from '../../../domain/fleet/learned.ts';
import { withLabs, type Bench, type BenchLab } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';

export const FIGURES = {
  moves: figure('drain-moves', 'drain of 200 VMs, first move started to last move ended'),
  promised: figure('drain-promised', '  as its plan promised'),
  ratio: figure('drain-ratio', '  against the promise', {
    unit: 'ratio',
    goal: { of: 'max', limit: 1.03 },
  }),
  idle: figure('drain-engine', "  share of the drain's time in which nothing moved", {
    unit: 'ratio',
    goal: { of: 'max', limit: 0.01 },
  }),
  next: figure('drain-next-move', '  a full node is free to the next move started', {
    goal: { of: 'p95', limit: 300 },
  }),
} satisfies Record<string, Figure>;

const CLUSTER = 'bench-drain';
const SLOTS = 8;
const VMS = 200;
const NODES = ['HV1', 'HV2', 'HV3', 'HV4'];
/** Small VMs: the more moves in a minute, the more what is between them counts. */
const SCENARIO = `
maximumParallelMigrations: ${SLOTS}
nodes:
${NODES.map((name) => `  - { name: ${name}, memory: 1024GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }`).join('\n')}
virtualMachines:
${Array.from({ length: VMS }, (_, i) => `  - { name: vm-${i}, owner: HV1, memory: ${1 + (i % 3)}GB, dirtyRate: 10MB/s }`).join('\n')}
`;

export async function measureDrain(bench: Bench): Promise<void> {
  bench.say(`Draining a node of ${VMS} VMs`);
  const scene = { cluster: CLUSTER, scenario: { yaml: SCENARIO }, speed: 1 };
  await withLabs(bench, scene, [bench.tuned], async ([lab]) => {
    if (lab === undefined) return;
    const run = await lab.startRun('drainNodes', runId.campaign(CLUSTER), { nodes: ['HV1'] });
    const { moves } = (await run.result()) as { moves: PastMove[] };
    if (moves.length !== VMS) throw new Error(`${moves.length} of ${VMS} VMs were moved`);
    const { startTime, closeTime } = await run.describe();
    const effects = await lab.effects();
    const times = movesIn(effects);
    const seconds = (lastOf(times) - Math.min(...times.map(({ from }) => from))) / 1000;
    const promised = await promiseOf(lab);
    const wallMs = (closeTime ?? startTime).getTime() - startTime.getTime();
    FIGURES.moves.values.tuned.push(seconds * 1000);
    FIGURES.promised.values.tuned.push(promised * 1000);
    FIGURES.ratio.values.tuned.push(seconds / promised);
    FIGURES.idle.values.tuned.push(1 - coveredMs(times) / wallMs);
    FIGURES.next.values.tuned.push(...nextMovesMs(effects));
    await saySizes(bench, lab);
  });
}

interface Span {
  from: number;
  to: number;
}

function movesIn(effects: readonly Effect[]): Span[] {
  const started = new Map<string, number>();
  return effects.flatMap(({ kind, subject, at }): Span[] => {
    if (kind === 'move-started') started.set(subject, Date.parse(at));
    const from = started.get(subject);
    return kind === 'move-finished' && from !== undefined ? [{ from, to: Date.parse(at) }] : [];
  });
}

const lastOf = (spans: readonly Span[]): number => Math.max(...spans.map(({ to }) => to));

/** At the lab's speed of one its time is real time. */
function coveredMs(spans: readonly Span[]): number {
  let covered = 0;
  let until = -Infinity;
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    covered += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  return covered;
}

/** From each end at which every slot of the node had been taken to the next start; none where nothing was left. */
function nextMovesMs(effects: readonly Effect[]): number[] {
  const waits: number[] = [];
  const freeSince: number[] = [];
  let moving = 0;
  for (const { kind, at } of effects) {
    if (kind === 'move-finished') {
      if (moving === SLOTS) freeSince.push(Date.parse(at));
      moving -= 1;
    }
    if (kind !== 'move-started') continue;
    moving += 1;
    const since = freeSince.shift();
    if (since !== undefined) waits.push(Date.parse(at) - since);
  }
  return waits;
}

/** The plan's own seconds, as the run's history has them. */
async function promiseOf(lab: BenchLab): Promise<number> {
  const { events } = await lab.handle(runId.campaign(CLUSTER)).fetchHistory();
  for (const event of events ?? []) {
    for (const payload of event.activityTaskCompletedEventAttributes?.result?.payloads ?? []) {
      const said: unknown = JSON.parse(Buffer.from(payload.data ?? []).toString() || 'null');
      if (isPlan(said)) return said.seconds;
    }
  }
  throw new Error('the drain has no plan');
}

const isPlan = (said: unknown): said is { seconds: number } =>
  typeof said === 'object' && said !== null && 'feasible' in said && 'seconds' in said;

async function saySizes({ say }: Bench, lab: BenchLab): Promise<void> {
  for (const id of [runId.campaign(CLUSTER), runId.moves(CLUSTER)]) {
    const run = lab.handle(id);
    const { historyLength, historySize = 0 } = await run.describe();
    const status = JSON.stringify(await run.query(MESSAGES.status)).length;
    say(`${id}: ${historyLength} events, ${kb(historySize)}; its status ${kb(status)}`);
  }
}

const kb = (bytes: number): string => `${Math.round(bytes / 1000)} KB`;
