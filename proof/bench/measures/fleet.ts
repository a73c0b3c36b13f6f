// Many moves at once on one cluster, against what a planner that knows everything beforehand would need for the same
// ones: what it costs that runs ask for their turns one by one. `npm run bench -- --fleet`.
import { runId } from '../../../domain/names.ts';
import { TURN_SIGNALS } from '../../../domain/turn-messages.ts';
import { planMoves } from '../../../domain/planner/plan.ts';
import type { PlanProblem } from '../../../domain/planner/problem.ts';
import { parseScenario } from '../../../lab/scenario/read.ts';
import type { Scenario } from '../../../lab/scenario/schema.ts';
import { withLabs, type Bench, type BenchLab } from '../bench.ts';
import { figure, type Figure } from '../figures.ts';

export const FIGURES = {
  together: figure('fleet-together', '30 vm migrate at once, 4 nodes'),
  planned: figure('fleet-planned', '  the same 30 as planned beforehand'),
  ratio: figure('fleet-ratio', '  against the plan', {
    unit: 'ratio',
    goal: { of: 'max', limit: 1.15 },
  }),
  grant: figure('fleet-grant', 'a turn given back to the next one given', {
    goal: { of: 'p50', limit: 100 },
  }),
} satisfies Record<string, Figure>;

const CLUSTER = 'bench-fleet';
const MOVES = 30;
const NODES = ['HV1', 'HV2', 'HV3', 'HV4'];
/** All leave HV1, so its slots and its link are what they share. */
const SCENARIO = `
maximumParallelMigrations: 4
nodes:
${NODES.map((name) => `  - { name: ${name}, memory: 512GB, features: [Hyper-V], switches: [LAN], liveMigration: { enabled: true } }`).join('\n')}
virtualMachines:
${Array.from({ length: MOVES }, (_, i) => `  - { name: vm-${i}, owner: HV1, memory: ${4 + (i % 3) * 4}GB, dirtyRate: 10MB/s }`).join('\n')}
`;

/** The lab's cluster as the planner takes it. */
function problemOf({ nodes, virtualMachines, migration, ...scenario }: Scenario): PlanProblem {
  const { setupSeconds, movingGroupSeconds, blackoutSeconds, roundsMax } = migration;
  return {
    model: {
      ...{ setupSeconds, handoverSeconds: movingGroupSeconds, blackoutSeconds, roundsMax },
      factors: { TCPIP: 1, Compression: migration.compressionFactor, SMB: migration.smbFactor },
    },
    slots: scenario.maximumParallelMigrations,
    reserveBytes: 0,
    enforcedAntiAffinity: false,
    nodes: nodes.map((node) => ({
      name: node.name,
      usableBytes: node.memory - node.reservedMemory,
      linkBytesPerSecond: node.migrationNetwork,
      performance: node.liveMigration.performance,
      cpuVendor: node.cpuVendor,
      cpuModel: node.cpuName,
      switches: [],
      open: true,
    })),
    vms: virtualMachines.map((vm) => ({
      name: vm.name,
      owner: vm.owner,
      memoryBytes: vm.memory,
      dirtyBytesPerSecond: vm.dirtyRate,
      switches: [],
      compatibility: true,
      possibleOwners: [],
      preferredOwners: [],
      antiAffinityClassNames: [],
    })),
    task: { kind: 'empty', nodes: ['HV1'] },
  };
}

export async function measureFleet(bench: Bench): Promise<void> {
  bench.say('Moving 30 VMs at once');
  const scenario = parseScenario(`cluster: ${CLUSTER}\n${SCENARIO}`, 'fleet.yaml');
  const plan = planMoves(problemOf(scenario));
  if (!plan.feasible) throw new Error(`the planner finds no way: ${plan.why}`);
  const scene = { cluster: CLUSTER, scenario: { yaml: SCENARIO }, speed: 1 };
  await withLabs(bench, scene, [bench.tuned], async ([lab]) => {
    if (lab === undefined) return;
    const seconds = await moveAll(lab);
    FIGURES.together.values.tuned.push(seconds * 1000);
    FIGURES.planned.values.tuned.push(plan.seconds * 1000);
    FIGURES.ratio.values.tuned.push(seconds / plan.seconds);
    FIGURES.grant.values.tuned.push(...(await grantsMs(lab)));
  });
}

/** From the first move's start to the last one's end: choosing is no part of a plan. */
async function moveAll(lab: BenchLab): Promise<number> {
  const runs = await Promise.all(
    Array.from({ length: MOVES }, (_, i) =>
      lab.startRun('migrateVm', runId.migrate(CLUSTER, `vm-${i}`), { vm: `vm-${i}` }),
    ),
  );
  await Promise.all(runs.map((run) => run.result()));
  const [first] = await lab.effects('move-started');
  const last = (await lab.effects('move-finished')).at(-1);
  return (Date.parse(last?.at ?? '') - Date.parse(first?.at ?? '')) / 1000;
}

/** By the ledger's own history: from each turn that came back to the next signal to a run, while anybody waited. */
async function grantsMs(lab: BenchLab): Promise<number[]> {
  const { events } = await lab.handle(runId.moves(CLUSTER)).fetchHistory();
  const grants: number[] = [];
  let releasedMs: number | undefined;
  for (const event of events ?? []) {
    const at = msOf(event.eventTime);
    const signal = event.workflowExecutionSignaledEventAttributes?.signalName;
    if (signal === TURN_SIGNALS.release) releasedMs ??= at;
    const sent = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
    if (sent == null || releasedMs === undefined) continue;
    grants.push(at - releasedMs);
    releasedMs = undefined;
  }
  return grants;
}

/** Protobuf gives whole numbers as a number or as an object that can become one. */
const msOf = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  Number(time?.seconds ?? 0) * 1000 + (time?.nanos ?? 0) / 1e6;
