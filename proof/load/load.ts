// The measurement itself: a server as `watari server start` runs it, a lab with a worker process per node, waves of
// live migrations and large runs. Everything that is started here ends with it.
import { RealLab } from '../rig/lab.ts';
import { startTuned, type TunedSide } from '../rig/servers.ts';
import { sleep } from '../rig/waiting.ts';
import { runId } from '../../domain/names.ts';
import { AnswerTimes, type Answers } from './answers.ts';
import {
  activityFigures,
  historySizes,
  type ActivityFigures,
  type HistorySizes,
} from './histories.ts';
import { APPLY, MAINTAIN, measureLarge, type LargeReport } from './large.ts';
import {
  databaseMb,
  processorSeconds,
  SETTLE_MS,
  watchMemory,
  type MemoryWatch,
} from './memory.ts';
import type { LoadOptions, Surroundings } from './options.ts';
import { nodeName, scenarioText, vmName, type Scene } from './scene.ts';
import { runWave, type Move, type WaveResult } from './wave.ts';

export interface WaveReport extends WaveResult {
  memoryPeakMb: Record<string, number>;
  processorSeconds: Record<string, number>;
  databaseGrowthMb: number;
  histories: HistorySizes;
  activities: ActivityFigures;
  answers: Answers;
}

export interface LoadReport {
  scene: Scene;
  speed: number;
  /** Before anything runs. */
  idle: { memoryMb: Record<string, number>; answers: Answers };
  waves: WaveReport[];
  /** After the last wave, when everything is quiet again. */
  after: { memoryMb: Record<string, number>; databaseMb: number };
  large: LargeReport[];
}

const IDLE_QUESTIONS = 3;

export async function measureLoad(o: LoadOptions, around: Surroundings): Promise<LoadReport> {
  const side = await startTuned(around.cliPath, around.folder, 'full');
  try {
    const report = await measureWaves(o, side, around);
    const large: LargeReport[] = [];
    if (o.apply !== null) large.push(await measureLarge(APPLY, o.apply, o, side, around));
    if (o.maintain !== null) large.push(await measureLarge(MAINTAIN, o.maintain, o, side, around));
    return { ...report, large };
  } finally {
    await side.stop();
  }
}

async function measureWaves(
  o: LoadOptions,
  side: TunedSide,
  around: Surroundings,
): Promise<Omit<LoadReport, 'large'>> {
  const { scene, speed } = o;
  const scenario = { yaml: scenarioText(scene) };
  const lab = await RealLab.start(side, around, { cluster: 'load', scenario, speed });
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

function processorTimes(watch: MemoryWatch): Record<string, number> {
  return Object.fromEntries(
    watch.watched.flatMap(({ name, pid }) => {
      const seconds = processorSeconds(pid);
      return seconds === null ? [] : [[name, seconds] as const];
    }),
  );
}
