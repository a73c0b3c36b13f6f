// `cluster doctor` as it is typed, on clusters of 4, 8 and 16 nodes with a worker process each, and what each further
// node costs. The tuned server alone: the bulk of it is the nodes' work, and 28 workers for each side would not fit.
import { alternate, withLabs, type Bench, type BenchLab } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';
import { summaryOf } from '../../rig/statistics.ts';

/** What issue 6 asks for. */
const GOAL_MS = 3000;

export const FIGURES = {
  sixteen: figure('doctor-16', 'cluster doctor on 16 nodes, typed to its report', {
    goal: { of: 'p50', limit: GOAL_MS },
  }),
  eight: figure('doctor-8', '  the same on 8 nodes'),
  four: figure('doctor-4', '  the same on 4 nodes'),
  perNode: figure('doctor-per-node', '  of it for each further node, from 4 to 16'),
} satisfies Record<string, Figure>;

const SIZES = [
  [4, FIGURES.four],
  [8, FIGURES.eight],
  [16, FIGURES.sixteen],
] as const;

/** Two VMs for each node, nothing wrong: every check has something to look at. */
function clusterOf(nodes: number): string {
  const names = Array.from({ length: nodes }, (_, i) => `HV${i + 1}`);
  const more =
    'memory: 256GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true }';
  return `
nodes:
${names.map((name) => `  - { name: ${name}, ${more} }`).join('\n')}
maximumParallelMigrations: 2
virtualMachines:
${names.flatMap((name) => ['a', 'b'].map((vm) => `  - { name: ${vm}-${name}, owner: ${name}, memory: 8GB }`)).join('\n')}
`;
}

/** The first one loads code in sixteen workers at once. */
const WARM_UP = 1;
const TIMES = 4;

export async function measureDoctor(bench: Bench): Promise<void> {
  // Starting the workers alone takes longer than a quick run may.
  if (bench.quick) return;
  for (const [nodes, of] of SIZES) {
    bench.say(`Examining ${nodes} nodes`);
    const scene = {
      cluster: `bench-doctor-${nodes}`,
      speed: 1,
      scenario: { yaml: clusterOf(nodes) },
    };
    await withLabs(bench, scene, [bench.tuned], (labs) =>
      alternate(labs, { times: TIMES, withinMs: 20_000 }, async (lab, i) => {
        const took = await examine(lab);
        if (i >= WARM_UP) of.values.tuned.push(took);
      }),
    );
  }
  const [four, sixteen] = [FIGURES.four, FIGURES.sixteen].map((f) => summaryOf(f.values.tuned));
  if (four == null || sixteen == null) return;
  FIGURES.perNode.values.tuned.push((sixteen.p50 - four.p50) / (16 - 4));
}

async function examine(lab: BenchLab): Promise<number> {
  const typedAt = Date.now();
  const client = lab.watari('cluster', 'doctor', '--json');
  await client.ended;
  const took = Date.now() - typedAt;
  if (!/"blockers": 0,\s+"warnings": 0,/.test(client.stdout())) {
    throw new Error(`the doctor found something:\n${client.stdout()}${client.stderr()}`);
  }
  return took;
}
