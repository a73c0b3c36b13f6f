// `vm migrate` as it is typed on a cluster of 1,000 roles, when the calls of Windows cost what they are taken to cost:
// a real server and real workers, until the chosen node is shown. Through the lab's own door: it prices whole
// operations.
import { runId } from '../../../domain/names.ts';
import { withLabs, type Bench } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';

export const FIGURES = {
  choice: figure('migrate-size-choice', 'vm migrate among 1,000 roles, typed to its choice', {
    goal: { of: 'max', limit: 10_000 },
  }),
} satisfies Record<string, Figure>;

/** 50 VMs on each of 20 nodes; four of the nodes have a worker, as more would measure this computer. */
const NODES = Array.from({ length: 20 }, (_, i) => `HV${i + 1}`);
const VMS = Array.from({ length: 1000 }, (_, i) => `vm-${i}`);
const WORKERS = NODES.slice(0, 4);
/** On HV1. */
const MOVED = ['vm-0', 'vm-20', 'vm-40'];

const SCENARIO = `
costs: {}
nodes:
${NODES.map((name) => `  - { name: ${name}, memory: 512GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }`).join('\n')}
virtualMachines:
${VMS.map((name, i) => `  - { name: ${name}, owner: ${NODES[i % NODES.length] ?? ''}, memory: 1GB }`).join('\n')}
`;

export async function measureMigrateSize(bench: Bench): Promise<void> {
  bench.say('Choosing a node for one of 1,000 roles');
  const scene = { cluster: 'bench-size', scenario: { yaml: SCENARIO }, speed: 1, workers: WORKERS };
  await withLabs(bench, scene, [bench.tuned], async ([lab]) => {
    if (lab === undefined) return;
    for (const vm of MOVED) {
      const typedAt = performance.now();
      const client = lab.watari('vm', 'migrate', vm);
      await new Promise<void>((resolve, reject) => {
        let text = '';
        client.onOutput((more) => {
          text += more;
          if (/done +vm\/\S+\/choose/.test(text)) resolve();
        });
        void client.ended.then(() => {
          reject(new Error(`vm migrate ended without a choice:\n${text}${client.stderr()}`));
        });
      });
      FIGURES.choice.values.tuned.push(performance.now() - typedAt);
      await client.kill();
      await lab.handle(runId.migrate(lab.cluster, vm)).terminate('measured');
    }
  });
}
