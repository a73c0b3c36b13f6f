// Measures on one quiet cluster that runs at the speed of real time: an activity's round trip, a worker's start, first
// and further progress of a move as a user sees it, and the adoption of a move whose worker was killed.
import { runId } from '../../../domain/names.ts';
import { alternate, withLabs, type Bench, type BenchLab } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';
import { activitiesOf, completed, millis } from '../../rig/activity-times.ts';
import { sleep, waitFor } from '../../rig/waiting.ts';
import { watchProgress } from '../watched-progress.ts';

const VMS = { watched: ['v1', 'v2'], killed: ['k1', 'k2', 'k3'], steady: 's1' } as const;

/** Prepared nodes; a 10 GB move takes 48 s, so that its percentage changes twice a second. */
const CLUSTER = {
  cluster: 'bench-quiet',
  speed: 1,
  workers: ['HV1', 'HV2'],
  scenario: {
    yaml: `
nodes:
${['HV1', 'HV2', 'HV3'].map((n) => `  - { name: ${n}, memory: 512GB, features: [Hyper-V], switches: [LAN], migrationNetwork: 1Gbps, liveMigration: { enabled: true } }`).join('\n')}
maximumParallelMigrations: 8
virtualMachines:
${[...VMS.watched, VMS.steady].map((v) => `  - { name: ${v}, owner: HV1, memory: 10GB, dirtyRate: 20MB/s }`).join('\n')}
${VMS.killed.map((v) => `  - { name: ${v}, owner: HV1, memory: 64GB, dirtyRate: 20MB/s }`).join('\n')}
`,
  },
};

export const FIGURES = {
  roundTrip: figure('node-step', 'activity on a node queue, schedule to next schedule'),
  engine: figure('node-step-engine', '  of it outside the activity (server, queues, workflow)'),
  workerStart: figure('worker-start', 'worker process start to its first activity'),
  firstProgress: figure('first-progress', 'vm migrate typed to first percentage shown'),
  afterStart: figure('first-progress-after-move', '  of it after the move had started'),
  onTerminal: figure(
    'first-progress-terminal',
    '  the same on a terminal, where lines change in place',
  ),
  interval: figure('progress-interval', 'between progress updates shown', {
    goal: { of: 'p95', limit: 2000 },
  }),
  adoption: figure('adoption', 'kill -9 of the worker to adoption of its move', {
    goal: { of: 'max', limit: 10_000 },
  }),
  detection: figure('adoption-beyond-heartbeat', '  of it beyond the heartbeat timeout of 5 s'),
} satisfies Record<string, Figure>;

const HEARTBEAT_SECONDS = 5;
/** The killed worker is back 5 s after its death; the one that is killed next must not be the last. */
const BACK_AGAIN_MS = 1_500;

export const measureQuietCluster = (bench: Bench): Promise<void> =>
  withLabs(bench, CLUSTER, bench.sides, async (labs) => {
    const { say, quick } = bench;
    say('Running steps that have nothing to do');
    await alternate(labs, { times: quick ? 8 : 33, withinMs: 25_000 }, roundTrip);
    say('Starting workers');
    await alternate(labs, { times: quick ? 1 : 5, withinMs: 20_000 }, workerStart);
    // From here on HV3 has a worker too, or every look at the cluster would wait for it.
    for (const lab of labs) lab.worker('HV3');
    say('Moving and watching');
    await alternate(labs, { times: quick ? 1 : 3, withinMs: 30_000 }, firstProgress);
    const seconds = quick ? 4 : 20;
    // From here on timers rule and not the processor: both sides at once.
    await Promise.all(labs.map((lab) => steadyProgress(lab, seconds)));
    // Seven seconds of waiting for timers, which the demo needs in a quick run.
    if (quick) return;
    say('Killing workers');
    for (const [i, vm] of VMS.killed.entries()) {
      if (i > 0) await sleep(BACK_AGAIN_MS);
      await Promise.all(labs.map((lab) => adoption(lab, vm)));
    }
  });

/** The first runs load code and open connections. */
const WARM_UP_RUNS = 3;

/** A node that is ready already: two activities on its queue, one after the other, and nothing to do for either. */
async function roundTrip(lab: BenchLab, i: number): Promise<void> {
  const id = runId.prepare(lab.cluster, 'HV1');
  const run = await lab.startRun('prepareNode', id, { node: 'HV1', restarts: 'ask' });
  await run.result();
  if (i < WARM_UP_RUNS) return;
  const activities = await activitiesOf(run);
  const first = completed(activities, 'viewNode');
  const next = completed(activities, 'awaitReady');
  const whole = next.scheduled - first.scheduled;
  FIGURES.roundTrip.values[lab.server.name].push(whole);
  FIGURES.engine.values[lab.server.name].push(whole - (first.ended - first.started));
}

/** HV3 has no worker: its activity waits before the process starts. */
async function workerStart(lab: BenchLab): Promise<void> {
  const id = runId.prepare(lab.cluster, 'HV3');
  const run = await lab.startRun('prepareNode', id, { node: 'HV3', restarts: 'ask' });
  await waitFor('an activity to wait for HV3', async () => {
    const { raw } = await run.describe();
    return (raw.pendingActivities ?? []).length > 0;
  });
  const startedAt = Date.now();
  const worker = lab.worker('HV3');
  await run.result();
  const { started } = completed(await activitiesOf(run), 'viewNode');
  FIGURES.workerStart.values[lab.server.name].push(started - startedAt);
  await worker.end();
}

async function firstProgress(lab: BenchLab, i: number): Promise<void> {
  const vm = VMS.watched[i % VMS.watched.length] ?? '';
  const before = (await lab.effects()).at(-1)?.seq ?? 0;
  const typedAt = Date.now();
  const client = lab.watari('vm', 'migrate', vm);
  const shownAt = await new Promise<number>((resolve, reject) => {
    let text = '';
    client.onOutput((more) => {
      text += more;
      if (/\d+ %/.test(text)) resolve(Date.now());
    });
    void client.ended.then(() => {
      reject(new Error(`vm migrate ended without a percentage:\n${text}${client.stderr()}`));
    });
  });
  const moves = await lab.effects('move-started', vm);
  const move = moves.find((e) => e.seq > before);
  if (move === undefined) throw new Error(`a percentage of ${vm} was shown before it moved`);
  FIGURES.firstProgress.values[lab.server.name].push(shownAt - typedAt);
  FIGURES.afterStart.values[lab.server.name].push(shownAt - lab.realMs(move.at));
  await client.kill();
  await cancelMove(lab, vm);
}

/** Moves that go on would share the network with the next ones. */
async function cancelMove(lab: BenchLab, vm: string): Promise<void> {
  await lab.handle(runId.migrate(lab.cluster, vm)).cancel();
  await waitFor(`the move of ${vm} to be cancelled`, async () => {
    const { moves } = await lab.state();
    return moves.every((move) => move.vm !== vm);
  });
}

async function steadyProgress(lab: BenchLab, seconds: number): Promise<void> {
  const vm = VMS.steady;
  const run = await lab.startRun('migrateVm', runId.migrate(lab.cluster, vm), { vm });
  const shown = await watchProgress(lab.server.temporal, run.workflowId, seconds * 1000);
  const [move] = await lab.effects('move-started', vm);
  const [first] = shown;
  if (move === undefined || first === undefined) throw new Error(`no progress of ${vm} was shown`);
  FIGURES.onTerminal.values[lab.server.name].push(first - lab.realMs(move.at));
  for (const [i, at] of shown.entries()) {
    const last = shown[i - 1];
    if (last !== undefined) FIGURES.interval.values[lab.server.name].push(at - last);
  }
  await cancelMove(lab, vm);
}

async function adoption(lab: BenchLab, vm: string): Promise<void> {
  const id = runId.migrate(lab.cluster, vm);
  const budgets = { heartbeatSeconds: HEARTBEAT_SECONDS };
  const run = await lab.startRun('migrateVm', id, { vm, budgets });
  const runner = async () => {
    const { raw } = await run.describe();
    return (raw.pendingActivities ?? []).find((a) => a.activityType?.name === 'moveVm');
  };
  const [node, , pid] = await waitFor(`the move of ${vm} to run`, async () => {
    const { moves } = await lab.state();
    if (!moves.some((move) => move.vm === vm && move.percent > 0)) return undefined;
    const identity = (await runner())?.lastWorkerIdentity?.split('/');
    return identity?.length === 3 ? identity : undefined;
  });
  const killedAt = Date.now();
  process.kill(Number(pid), 'SIGKILL');
  const startedAt = await waitFor(`the move of ${vm} to be adopted`, async () => {
    const now = await runner();
    const adopted = now?.attempt === 2 && now.state === PENDING_STARTED;
    return adopted ? millis(now.lastStartedTime) : undefined;
  });
  FIGURES.adoption.values[lab.server.name].push(startedAt - killedAt);
  FIGURES.detection.values[lab.server.name].push(startedAt - killedAt - HEARTBEAT_SECONDS * 1000);
  await run.terminate('measured');
  // The lab brings back its own workers only.
  if (node === 'HV3') lab.worker(node);
}

/** PENDING_ACTIVITY_STATE_STARTED of the API. */
const PENDING_STARTED = 2;
