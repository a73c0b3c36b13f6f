// What `cluster doctor` would say of a lab, without a server: the very activities of a node are called, and the
// findings made of what they tell. Works with any host: the lab's own, or PowerShell on its stand-ins.
import type { z } from 'zod';
import { createClusterActivities } from '../../activities/cluster.ts';
import { createExamActivities, type NodeActivityDeps } from '../../activities/examine.ts';
import { createStorageActivities } from '../../activities/storage.ts';
import { diagnose, type DoctorReport } from '../../domain/doctor/diagnose.ts';
import { planSignIns } from '../../domain/doctor/sign-ins.ts';
import {
  NODE_PORTS,
  toldView,
  withSignIns,
  type DoctorView,
  type NodeExam,
  type Part,
  type WorkerFacts,
} from '../../domain/doctor/view.ts';
import type { ClusterSpec } from '../../domain/spec.ts';
import type { HypervHost } from '../../hyperv/host.ts';
import type { Lab } from '../../lab/machine/lab.ts';
import type { scenarioSchema } from '../../lab/scenario/schema.ts';

type Scenario = z.input<typeof scenarioSchema>;
export type NodeSketch = Scenario['nodes'][number];
export type VmSketch = NonNullable<Scenario['virtualMachines']>[number];

/** A scenario to be changed, and what is not the lab's: workers, cluster.yaml, time that has passed. */
export interface Sketch extends Scenario {
  nodes: NodeSketch[];
  virtualMachines: VmSketch[];
  workers: Record<string, Partial<WorkerFacts> | 'none'>;
  wanted: ClusterSpec | null;
  /** How the cluster is called on the command line; default: as it is. */
  askedFor: string | null;
  /** Lets things happen before the doctor comes. */
  before: (lab: Lab, pass: (seconds: number) => void) => void;
}

const WORKER: WorkerFacts = {
  version: '0.1.0',
  node: '22.11.0',
  platform: 'win32',
  powershell: 'powershell.exe',
};

/** Three nodes and two VMs that lack nothing. */
export const healthy = (): Sketch => ({
  cluster: 'hv-lab',
  nodes: ['HV1', 'HV2', 'HV3'].map((name) => ({
    name,
    memory: '64GB',
    features: ['Hyper-V'],
    switches: ['LAN'],
    setup: {},
    liveMigration: { enabled: true },
  })),
  maximumParallelMigrations: 2,
  virtualMachines: [
    { name: 'db-1', owner: 'HV1', memory: '8GB' },
    { name: 'web-1', owner: 'HV2', memory: '4GB' },
  ],
  workers: {},
  wanted: null,
  askedFor: null,
  before: () => undefined,
});

/** YAML knows JSON, and what is not the lab's stays out of it. */
export const scenarioText = (sketch: Sketch): string =>
  JSON.stringify(sketch, (key, value: unknown) => (NOT_THE_LABS.includes(key) ? undefined : value));

const NOT_THE_LABS = [
  'workers',
  'wanted',
  'askedFor',
  'before',
] satisfies (keyof Sketch)[] as string[];

const DAY_MS = 24 * 60 * 60 * 1000;

export async function viewOfLab(
  lab: Lab,
  sketch: Sketch,
  hostFor: (node: string) => HypervHost,
): Promise<DoctorView> {
  const now = new Date(lab.clock.now());
  // Nothing here takes long enough for a heartbeat, for which there would have to be a server.
  const depsOf = (node: string, worker: WorkerFacts): NodeActivityDeps => ({
    host: hostFor(node),
    now: () => now,
    lookEveryMs: 50,
    after: () => () => undefined,
    worker,
  });
  const names = [...lab.nodes()];
  for (const node of sketch.wanted?.nodes ?? []) if (!names.includes(node)) names.push(node);
  const served = names.filter((n) => sketch.workers[n] !== 'none' && lab.nodes().includes(n));
  const view = await toldBy(served.filter((n) => lab.isUp(n))[0], (node) =>
    createClusterActivities(depsOf(node, WORKER)).viewCluster(),
  );
  const clusterStorage = await toldBy(served.filter((n) => lab.isUp(n))[0], (node) =>
    createStorageActivities(depsOf(node, WORKER)).viewStorage(),
  );
  const activities = new Map<string, ReturnType<typeof createExamActivities>>();
  const told = await Promise.all(
    names.map(async (node): Promise<[string, Part<NodeExam>]> => {
      const worker = sketch.workers[node];
      if (worker === 'none' || !served.includes(node) || !lab.isUp(node)) {
        const message = `no worker of ${node} is running: nobody asks for its work`;
        return [node, { noAnswer: { code: 'NodeNotServed', message } }];
      }
      const own = createExamActivities(depsOf(node, { ...WORKER, ...worker }));
      activities.set(node, own);
      const exam = await own.examineNode({
        peers: names.filter((other) => other !== node),
        ports: Object.values(NODE_PORTS),
        files: sketch.wanted?.virtualMachines.map((vm) => vm.vhd) ?? [],
        since: new Date(now.getTime() - DAY_MS).toISOString(),
        cluster: 'noAnswer' in view,
      });
      return [node, { facts: exam }];
    }),
  );
  const cluster = sketch.askedFor ?? sketch.cluster;
  const nodes = Object.fromEntries(told);
  const seen = {
    cluster,
    view: toldView(view, Object.values(nodes)),
    clusterStorage,
    nodes,
    wanted: sketch.wanted,
  };
  for (const { asker, peer, windowMinutes } of planSignIns(seen).asks) {
    const exam = nodes[asker];
    const found = await activities.get(asker)?.signIn({ peers: [{ node: peer, windowMinutes }] });
    if (exam !== undefined && found !== undefined) nodes[asker] = withSignIns(exam, found);
  }
  return seen;
}

async function toldBy<T>(
  node: string | undefined,
  ask: (node: string) => Promise<T>,
): Promise<Part<T>> {
  if (node === undefined) return { noAnswer: { code: 'NodeNotServed', message: 'nobody asked' } };
  try {
    return { facts: await ask(node) };
  } catch (err) {
    const { type, message } = err as { type?: string; message: string };
    return { noAnswer: { code: type ?? 'Unexpected', message } };
  }
}

export const reportOf = (view: DoctorView): DoctorReport =>
  diagnose(view, {
    run: 'watari/hv-lab/doctor',
    startedBy: 'ito@ADMIN-PC',
    takenAt: '2026-11-24T09:00:00.000Z',
  });
