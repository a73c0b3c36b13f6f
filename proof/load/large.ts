// One command that makes a very large run, typed as a person would: what it takes, what it leaves, and how long people
// wait for answers meanwhile.
import fs from 'node:fs';
import path from 'node:path';
import { ATTRIBUTE, runId } from '../../domain/names.ts';
import type { EffectKind } from '../../lab/machine/records.ts';
import { RealLab } from '../rig/lab.ts';
import type { TunedSide } from '../rig/servers.ts';
import { sleep } from '../rig/waiting.ts';
import { AnswerTimes, type Answers } from './answers.ts';
import {
  activityFigures,
  historySizes,
  type ActivityFigures,
  type HistorySizes,
} from './histories.ts';
import { databaseMb, SETTLE_MS, watchMemory } from './memory.ts';
import type { LoadOptions, Surroundings } from './options.ts';
import {
  clusterText,
  emptyScenarioText,
  nodeNames,
  scenarioText,
  vmName,
  type Scene,
} from './scene.ts';

export interface LargeReport {
  name: string;
  vms: number;
  nodes: number;
  seconds: number;
  state: string;
  /** What the command said last. */
  said: string;
  /** Of the command's own run. */
  events: number;
  bytes: number;
  /** Of all runs inside it. */
  histories: HistorySizes;
  statusBytes: number;
  activities: ActivityFigures;
  answers: Answers;
  memoryPeakMb: Record<string, number>;
  databaseGrowthMb: number;
  /** What happened to the cluster that must not. */
  harm: string[];
}

interface Command {
  name: string;
  scenario: (scene: Scene) => string;
  run: (cluster: string) => string;
  words: (lab: RealLab, scene: Scene) => string[];
  /** Some of the runs inside it. */
  inside: (lab: RealLab, scene: Scene, sample: number) => string[];
}

export const APPLY: Command = {
  name: 'cluster apply',
  scenario: emptyScenarioText,
  run: runId.apply,
  words: (lab, scene) => {
    const file = path.join(lab.folder, 'cluster.yaml');
    fs.writeFileSync(file, clusterText(lab.cluster, scene));
    return ['cluster', 'apply', '-f', file, '--yes'];
  },
  inside: (lab, { vms }, sample) =>
    Array.from({ length: Math.min(sample, vms) }, (_, i) => runId.create(lab.cluster, vmName(i))),
};

export const MAINTAIN: Command = {
  name: 'cluster maintain --restart',
  scenario: scenarioText,
  run: runId.campaign,
  words: () => ['cluster', 'maintain', '--restart', '--yes'],
  inside: (lab, scene, sample) =>
    nodeNames(scene)
      .slice(0, sample)
      .map((node) => runId.maintain(lab.cluster, node)),
};

const HARM: readonly EffectKind[] = ['vm-stopped', 'vm-saved', 'vm-restarted'];

export async function measureLarge(
  { name, scenario, run, words, inside }: Command,
  scene: Scene,
  o: LoadOptions,
  side: TunedSide,
  around: Surroundings,
): Promise<LargeReport> {
  around.say(`${name}: ${scene.vms} VMs on ${scene.nodes} nodes`);
  const cluster = name.replace(/\W+/g, '-');
  const yaml = scenario(scene);
  const lab = await RealLab.start(side, around, { cluster, scenario: { yaml }, speed: o.speed });
  const watch = await watchMemory(lab, side);
  const databaseBefore = databaseMb(side.dbFile);
  try {
    const id = run(lab.cluster);
    const began = performance.now();
    const command = lab.watari(...words(lab, scene));
    const answers = new AnswerTimes(lab, () => id);
    // Before that it only looks, and there is no run to ask about.
    command.onOutput((text) => {
      if (/cluster\/(plan|order)/.test(text)) answers.begin();
    });
    await command.endedWithin(o.withinMs);
    const seconds = (performance.now() - began) / 1000;
    const answered = await answers.end();
    const memoryPeakMb = watch.takePeaks();
    await sleep(SETTLE_MS);
    const { client } = side.temporal;
    const info = await lab.handle(id).describe();
    const status = await lab.handle(id).query<object>('status');
    const some = inside(lab, scene, o.sample).map((one) => lab.handle(one));
    return {
      ...{ name, vms: scene.vms, nodes: scene.nodes, seconds, state: info.status.name },
      said: `${command.stdout()}${command.stderr()}`.trim().split('\n').slice(-4).join('\n'),
      events: info.historyLength,
      bytes: Number(String(info.raw.workflowExecutionInfo?.historySizeBytes ?? 0)),
      histories: await historySizes(client, `${ATTRIBUTE.cluster} = '${lab.cluster}'`),
      statusBytes: Buffer.byteLength(JSON.stringify(status)),
      activities: await activityFigures([lab.handle(id), ...some]),
      answers: answered,
      memoryPeakMb,
      databaseGrowthMb: databaseMb(side.dbFile) - databaseBefore,
      harm: (await lab.effects())
        .filter(({ kind }) => HARM.includes(kind))
        .map(({ kind, subject }) => `${kind} ${subject}`),
    };
  } finally {
    watch.stop();
    await lab.stop();
  }
}
