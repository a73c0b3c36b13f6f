// The demo's apply: from nothing to a proven live migration, against the time that the simulated cluster itself needs.
import path from 'node:path';
import { runId } from '../../../domain/names.ts';
import { PACKAGE_ROOT } from '../../../client/package-root.ts';
import { loadScenario } from '../../../lab/scenario/read.ts';
import { withLabs, type Bench, type BenchLab } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';
import { simulatedMs } from '../simulated-time.ts';
import { readReturn } from './node-return.ts';

const SCENARIO = path.join(PACKAGE_ROOT, 'lab', 'scenarios', 'demo.yaml');
const CLUSTER_FILE = path.join(PACKAGE_ROOT, 'lab', 'scenarios', 'demo.cluster.yaml');

/** For a second demo with all its processes. */
const ANOTHER_MS = 40_000;

export const FIGURES = {
  simulated: figure('demo-simulated', "demo's simulated time at its speed"),
  wall: figure('demo-wall', "demo's apply, the run's start to its end"),
  ratio: figure('demo-ratio', '  against its simulated time', {
    unit: 'ratio',
    goal: { of: 'max', limit: 1.25 },
  }),
  client: figure('demo-client', 'cluster apply typed to its prompt back'),
} satisfies Record<string, Figure>;

export async function measureDemoApply(bench: Bench): Promise<void> {
  const scenario = loadScenario(SCENARIO);
  const scene = { cluster: scenario.cluster, scenario: { file: SCENARIO } };
  bench.say('Applying the demo');
  // Each with the machine for itself, as a demo would have it.
  for (const side of bench.sides) {
    if (side !== bench.tuned && bench.deadline.leftMs < ANOTHER_MS) {
      bench.say('No time is left for the demo with plain settings');
      return;
    }
    await withLabs(bench, scene, [side], async (labs) => {
      for (const lab of labs) await apply(lab);
    });
  }

  async function apply(lab: BenchLab): Promise<void> {
    const { name } = lab.server;
    const typedAt = Date.now();
    const client = lab.watari('cluster', 'apply', '-f', CLUSTER_FILE, '--yes');
    await client.ended;
    const clientMs = Date.now() - typedAt;
    const run = await lab.handle(runId.apply(lab.cluster)).describe();
    if (run.status.name !== 'COMPLETED' || run.closeTime === undefined) {
      throw new Error(`apply ended as ${run.status.name}:\n${client.stdout()}${client.stderr()}`);
    }
    const wall = run.closeTime.getTime() - run.startTime.getTime();
    const simulated = simulatedMs(await lab.effects(), scenario) / scenario.speed;
    FIGURES.simulated.values[name].push(simulated);
    FIGURES.wall.values[name].push(wall);
    FIGURES.ratio.values[name].push(wall / simulated);
    FIGURES.client.values[name].push(clientMs);
    for (const { node } of await lab.effects('node-up')) await readReturn(lab, node);
  }
}
