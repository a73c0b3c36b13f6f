// The measurement itself: a server as `watari server start` runs it, a lab with a worker process per node, waves of
// live migrations and one large `cluster apply`. Everything that is started here ends with it.
import fs from 'node:fs';
import path from 'node:path';
import { RealLab } from '../rig/lab.ts';
import type { Programs } from '../rig/processes.ts';
import { startTuned, type TunedSide } from '../rig/servers.ts';
import { sleep } from '../rig/waiting.ts';
import { ATTRIBUTE, runId } from '../../domain/names.ts';
import { AnswerTimes, type Answers } from './answers.ts';
import {
  activityFigures,
  historySizes,
  type ActivityFigures,
  type HistorySizes,
} from './histories.ts';
import { databaseMb, MemoryWatch, processorSeconds } from './memory.ts';
import {
  clusterText,
  emptyScenarioText,
  nodeName,
  scenarioText,
  vmName,
  type Scene,
} from './scene.ts';
import { runWave, type Move, type WaveResult } from './wave.ts';

export interface LoadOptions {
  scene: Scene;
  waves: number;
  /** Simulated seconds per second. */
  speed: number;
  /** Null: no large apply. */
  apply: Scene | null;
  /** Whole histories are read of so many runs of a wave. */
  sample: number;
  /** Longest for one wave, or for the apply. */
  withinMs: number;
}

export interface Surroundings {
  cliPath: string;
  folder: string;
  programs: Programs;
  say: (line: string) => void;
}

export interface WaveReport extends WaveResult {
  memoryPeakMb: Record<string, number>;
  processorSeconds: Record<string, number>;
  databaseGrowthMb: number;
  histories: HistorySizes;
  activities: ActivityFigures;
  answers: Answers;
}

export interface ApplyReport {
  vms: number;
  nodes: number;
  seconds: number;
  state: string;
  /** What the command said last. */
  said: string;
  /** Of the apply's own run. */
  events: number;
  bytes: number;
  /** Of all runs inside it. */
  histories: HistorySizes;
  statusBytes: number;
  activities: ActivityFigures;
  answers: Answers;
  memoryPeakMb: Record<string, number>;
  databaseGrowthMb: number;
}

export interface LoadReport {
  scene: Scene;
  speed: number;
  /** Before anything runs. */
  idle: { memoryMb: Record<string, number>; answers: Answers };
  waves: WaveReport[];
  /** After the last wave, when everything is quiet again. */
  after: { memoryMb: Record<string, number>; databaseMb: number };
  apply: ApplyReport | null;
}

const IDLE_QUESTIONS = 3;
/** Until the server has written what it writes behind a run. */
const SETTLE_MS = 5_000;

export async function measureLoad(o: LoadOptions, around: Surroundings): Promise<LoadReport> {
  const side = await startTuned(around.cliPath, around.folder, 'full');
  try {
    const report = await measureWaves(o, side, around);
    const apply = o.apply === null ? null : await measureApply(o, o.apply, side, around);
    return { ...report, apply };
  } finally {
    await side.stop();
  }
}

async function measureWaves(
  o: LoadOptions,
  side: TunedSide,
  around: Surroundings,
): Promise<Omit<LoadReport, 'apply'>> {
  const { scene, speed } = o;
  const lab = await startLab('load', scenarioText(scene), o, side, around);
  const watch = await watchMemory(lab, side);
  try {
    // A run that ended is one that can be asked about.
    const first = await runWave(lab, movesOf(scene, 0).slice(0, 1), { ...o, tell: around.say });
    if (first.states['Completed'] !== 1) throw new Error('not even one move ended well');
    const quiet = new AnswerTimes(lab, () => runId.migrate(lab.cluster, vmName(0)));
    for (let i = 0; i < IDLE_QUESTIONS; i += 1) await quiet.askAll();
    const idle = { memoryMb: watch.now(), answers: quiet.answers() };
    const waves: WaveReport[] = [];
    for (let i = 1; i <= o.waves; i += 1) {
      around.say(`Wave ${i}: ${scene.vms} moves at once`);
      waves.push(await measureWave(o, i, { lab, side, watch, say: around.say }));
    }
    await sleep(SETTLE_MS);
    const after = { memoryMb: watch.now(), databaseMb: databaseMb(side.dbFile) };
    return { scene, speed, idle, waves, after };
  } finally {
    watch.stop();
    await lab.stop();
  }
}

interface Running {
  lab: RealLab;
  side: TunedSide;
  watch: MemoryWatch;
  say: (line: string) => void;
}

async function measureWave(o: LoadOptions, wave: number, running: Running): Promise<WaveReport> {
  const { lab, side, watch, say } = running;
  const { scene } = o;
  watch.takePeaks();
  const databaseBefore = databaseMb(side.dbFile);
  const processorBefore = processorTimes(watch);
  const answers = new AnswerTimes(lab, () => {
    const any = Math.floor(Math.random() * scene.vms);
    return runId.migrate(lab.cluster, vmName(any));
  });
  const { query, ...result } = await runWave(lab, movesOf(scene, wave), {
    ...o,
    tell: say,
    started: () => {
      answers.begin();
    },
  });
  const answered = await answers.end();
  const memoryPeakMb = watch.takePeaks();
  const spent = processorTimes(watch);
  await sleep(SETTLE_MS);
  const { client } = side.temporal;
  const every = Math.max(1, Math.floor(scene.vms / o.sample));
  const handles = Array.from({ length: Math.min(o.sample, scene.vms) }, (_, i) =>
    lab.handle(runId.migrate(lab.cluster, vmName(i * every))),
  );
  return {
    ...result,
    memoryPeakMb,
    processorSeconds: Object.fromEntries(
      Object.entries(spent).map(([name, s]) => [
        name,
        Math.round(s - (processorBefore[name] ?? 0)),
      ]),
    ),
    databaseGrowthMb: databaseMb(side.dbFile) - databaseBefore,
    histories: await historySizes(client, query),
    activities: await activityFigures(handles),
    answers: answered,
  };
}

/** Each wave moves every VM to the next node, so that no end is busier than another. */
function movesOf({ nodes, vms }: Scene, wave: number): Move[] {
  // The move before the waves was of the first VM alone.
  const shift = Math.max(wave, 1);
  return Array.from({ length: vms }, (_, i) => ({
    vm: vmName(i),
    to: nodeName((i + shift + (i === 0 && wave > 0 ? 1 : 0)) % nodes),
  }));
}

async function measureApply(
  o: LoadOptions,
  scene: Scene,
  side: TunedSide,
  around: Surroundings,
): Promise<ApplyReport> {
  around.say(`cluster apply: ${scene.vms} VMs on ${scene.nodes} nodes`);
  const lab = await startLab('apply', emptyScenarioText(scene), o, side, around);
  const watch = await watchMemory(lab, side);
  const databaseBefore = databaseMb(side.dbFile);
  try {
    const file = path.join(around.folder, 'cluster.yaml');
    fs.writeFileSync(file, clusterText(lab.cluster, scene));
    const id = runId.apply(lab.cluster);
    const began = performance.now();
    const command = lab.watari('cluster', 'apply', '-f', file, '--yes');
    const answers = new AnswerTimes(lab, () => id);
    // Before that it only compares and there is no run to ask about.
    command.onOutput((text) => {
      if (text.includes(`cluster/plan`)) answers.begin();
    });
    await command.endedWithin(o.withinMs);
    const seconds = (performance.now() - began) / 1000;
    const answered = await answers.end();
    const memoryPeakMb = watch.takePeaks();
    await sleep(SETTLE_MS);
    const { client } = side.temporal;
    const info = await lab.handle(id).describe();
    const status = await lab.handle(id).query<object>('status');
    const children = Array.from({ length: Math.min(o.sample, scene.vms) }, (_, i) =>
      lab.handle(runId.create(lab.cluster, vmName(i))),
    );
    return {
      vms: scene.vms,
      nodes: scene.nodes,
      seconds,
      state: info.status.name,
      said: `${command.stdout()}${command.stderr()}`.trim().split('\n').slice(-4).join('\n'),
      events: info.historyLength,
      bytes: Number(String(info.raw.workflowExecutionInfo?.historySizeBytes ?? 0)),
      histories: await historySizes(client, `${ATTRIBUTE.cluster} = '${lab.cluster}'`),
      statusBytes: Buffer.byteLength(JSON.stringify(status)),
      activities: await activityFigures([lab.handle(id), ...children]),
      answers: answered,
      memoryPeakMb,
      databaseGrowthMb: databaseMb(side.dbFile) - databaseBefore,
    };
  } finally {
    watch.stop();
    await lab.stop();
  }
}

async function startLab(
  cluster: string,
  yaml: string,
  { speed }: LoadOptions,
  side: TunedSide,
  around: Surroundings,
): Promise<RealLab> {
  return RealLab.start(side, around, { cluster, scenario: { yaml }, speed });
}

async function watchMemory(lab: RealLab, side: TunedSide): Promise<MemoryWatch> {
  const workers = Object.entries(await lab.workerPids());
  return new MemoryWatch([
    { name: 'server', pid: side.pid },
    { name: 'lab', pid: lab.program.pid },
    ...workers.map(([node, pid]) => ({ name: `worker ${node}`, pid })),
  ]);
}

function processorTimes(watch: MemoryWatch): Record<string, number> {
  return Object.fromEntries(
    watch.watched.flatMap(({ name, pid }) => {
      const seconds = processorSeconds(pid);
      return seconds === null ? [] : [[name, seconds] as const];
    }),
  );
}
