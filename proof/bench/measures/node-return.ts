// From "the node is up" (the lab's effect, in real time) to the run going on: the restarted node's new worker process
// takes the activity that waited for it, and then the first activity of the next step.
import { runId } from '../../../domain/names.ts';
import { alternate, withLabs, type Bench, type BenchLab } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';
import { activitiesOf, completed } from '../../rig/activity-times.ts';

const BARE = ['B1', 'B2'];

/** In real time: a second of installing, and four until the node is up, longer than the run's own pause. */
const CLUSTER = {
  cluster: 'bench-return',
  speed: 20,
  scenario: {
    yaml: `
nodes:
  - { name: HV1, memory: 64GB, features: [Hyper-V], switches: [LAN] }
${BARE.map((n) => `  - { name: ${n}, memory: 64GB, switches: [LAN], installSeconds: 20, shutdownSeconds: 10, bootSeconds: 70 }`).join('\n')}
`,
  },
};

export const FIGURES = {
  noticed: figure('node-up-to-noticed', 'node is up to its worker taking the waiting activity'),
  nextStep: figure('node-up-to-next-step', "node is up to the next step's activity started"),
} satisfies Record<string, Figure>;

/** The demo's restarts count too; the quick bench has only those. */
export async function measureNodeReturn(bench: Bench): Promise<void> {
  if (bench.quick) return;
  bench.say('Restarting nodes');
  await withLabs(bench, CLUSTER, bench.sides, (labs) =>
    alternate(labs, { times: BARE.length, withinMs: 20_000 }, async (lab, i) => {
      const node = BARE[i] ?? '';
      const id = runId.prepare(lab.cluster, node);
      const run = await lab.startRun('prepareNode', id, { node, restarts: 'allowed' });
      await run.result();
      await readReturn(lab, node);
    }),
  );
}

/** From the history of a finished run that restarted the node once. */
export async function readReturn(lab: BenchLab, node: string): Promise<void> {
  const run = lab.handle(runId.prepare(lab.cluster, node));
  const [up] = await lab.effects('node-up', node);
  if (up === undefined) throw new Error(`${node} was prepared without a restart`);
  const upAt = lab.realMs(up.at);
  const activities = await activitiesOf(run);
  const { name } = lab.server;
  FIGURES.noticed.values[name].push(completed(activities, 'confirmRestart').started - upAt);
  FIGURES.nextStep.values[name].push(completed(activities, 'awaitReady').started - upAt);
}
