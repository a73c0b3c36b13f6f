// applyCluster: the whole job. Look, plan, then run the plan: prepare every node, one after the other; cluster and host
// settings; create and register the VMs; prove a live migration; look again and report. A second run changes nothing.
import { patched, workflowInfo } from '@temporalio/workflow';
import type { ClusterView, MigrationSettings, Snapshot } from '../domain/facts.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import { planCluster, type ClusterPlan, type PlannedStep } from '../domain/plan.ts';
import { DISK_OF_ANOTHER_VM, type Blocker } from '../domain/plan-blockers.ts';
import { roleOfVm } from '../domain/snapshot.ts';
import type {
  ApplyClusterInput,
  ClusterSpec,
  CreateVmInput,
  MigrateVmInput,
  PrepareNodeInput,
} from '../domain/spec.ts';
import { runChild } from './child.ts';
import { conduct, type Job } from './conduct.ts';
import { removeOwnVm } from './create-vm.ts';
import { all } from './all.ts';
import type { StepContext } from './run.ts';
import { stepFailure } from './failure-of.ts';
import { takeSnapshot } from './snapshot.ts';

export interface ApplyClusterResult {
  cluster: string;
  changed: boolean;
  steps: number;
  /** Where every VM of the file is at the end. */
  owners: Record<string, string>;
}

export async function applyCluster(input: ApplyClusterInput): Promise<ApplyClusterResult> {
  return conduct('applyCluster', input, apply, ({ spec: { cluster, budgets } }) => ({
    lock: runId.apply(cluster),
    title: `Bring cluster ${cluster} to what its file says`,
    cluster,
    budgets,
  }));
}

type Application = Job<ApplyClusterInput>;

async function apply(job: Application): Promise<ApplyClusterResult> {
  const { run, input } = job;
  const { cluster } = input.spec;
  const compare = { id: stepId.cluster('plan'), title: `Compare ${cluster} with its file` };
  const { steps } = await run.step(compare, (c) => plan(job, c));
  const last = { id: stepId.cluster('report'), title: 'Look again and report' };
  run.expect([
    ...steps.map((s) => ({ id: s.id, title: s.title, skippable: s.kind !== 'prepare-node' })),
    last,
  ]);
  const of = (kind: PlannedStep['kind']): PlannedStep[] => steps.filter((s) => s.kind === kind);
  // One node at a time: each may restart, and the others must keep the quorum and the VMs.
  for (const step of of('prepare-node')) await prepare(job, step);
  for (const step of of('cluster-settings')) await clusterSettings(job, step);
  await all(of('node-settings').map((step) => nodeSettings(job, step)));
  await all(of('create-vm').map((step) => create(job, step)));
  await all(of('prove').map((step) => prove(job, step)));
  const owners = await run.step(last, (c) => report(job, c));
  return { cluster, changed: steps.length > 0, steps: steps.length, owners };
}

async function plan(job: Application, c: StepContext): Promise<ClusterPlan> {
  const { spec, proveAlways = false } = job.input;
  const made = planCluster(spec, await look(job), { proveAlways });
  c.evidence({ steps: made.steps.map((s) => s.title), unchanged: made.unchanged });
  // Runs of earlier versions found it out when they made the VM.
  const isHeeded = ({ code }: Blocker): boolean =>
    code !== DISK_OF_ANOTHER_VM || patched('disk-of-another-vm');
  const blockers = made.blockers.filter(isHeeded);
  if (blockers.length > 0) {
    c.evidence({ blockers });
    const list = blockers.map((b) => `${b.subject}: ${b.message} ${b.hint}`);
    throw stepFailure('BadRequest', `Something must be mended first. ${list.join(' ')}`);
  }
  return made;
}

function look({ calls, input: { spec } }: Application): Promise<Snapshot> {
  const files = spec.virtualMachines.map((vm) => vm.vhd);
  return takeSnapshot(calls, { nodes: spec.nodes, files });
}

async function prepare({ run, input }: Application, { id, title, node }: PlannedStep) {
  const child: PrepareNodeInput = {
    ...shared(input),
    node: node ?? '',
    restarts: input.restarts,
  };
  const lock = runId.prepare(child.cluster, child.node);
  await run.step({ id, title }, (c) => runChild(c, 'prepareNode', lock, child, title));
}

async function clusterSettings({ run, calls, input }: Application, { id, title }: PlannedStep) {
  const set = (maximumParallelMigrations: number, summary: string) =>
    calls.onCluster({ summary }).setClusterLimits({ maximumParallelMigrations });
  let first: ClusterView | undefined;
  await run.step({ id, title, skippable: true }, async (c) => {
    first ??= await calls.onCluster({ summary: 'Settings before' }).viewCluster();
    const was = first.cluster.maximumParallelMigrations;
    c.undo(`Set MaximumParallelMigrations back to ${was}`, () =>
      set(was, `Undo: MaximumParallelMigrations = ${was}`),
    );
    const { simultaneousMigrations } = input.spec.liveMigration;
    const { changed, before, after, cmdlets } = await set(simultaneousMigrations, title);
    c.evidence({
      changed,
      before: { maximumParallelMigrations: before.maximumParallelMigrations },
      after: { maximumParallelMigrations: after.maximumParallelMigrations },
      cmdlets,
    });
  });
}

async function nodeSettings({ run, calls, input }: Application, step: PlannedStep) {
  const { id, title } = step;
  const node = step.node ?? '';
  const on = (summary: string) => calls.onNode(node, { summary });
  let first: MigrationSettings | null = null;
  await run.step({ id, title, skippable: true }, async (c) => {
    first ??= (await on(`Settings of ${node} before`).viewNode({})).migration;
    if (first === null) {
      throw stepFailure('HyperVMissing', `${node} has no Hyper-V yet, so it has no settings`);
    }
    const { enabled, maximumMigrations, maximumStorageMigrations, performance } = first;
    c.undo(`Set the migration settings of ${node} back`, () =>
      on(`Undo: migration settings of ${node}`).setMigration({
        enabled,
        maximumMigrations,
        maximumStorageMigrations,
        performance,
      }),
    );
    const want = input.spec.liveMigration;
    const applied = await on(title).setMigration({
      enabled: true,
      maximumMigrations: want.simultaneousMigrations,
      maximumStorageMigrations: want.simultaneousStorageMigrations,
      performance: want.performance,
    });
    c.evidence({ ...applied });
  });
}

async function create({ run, calls, input }: Application, step: PlannedStep) {
  const { id, title } = step;
  const vm = vmSpec(input.spec, step.vm ?? '');
  const requestId = workflowInfo().firstExecutionRunId;
  const child: CreateVmInput = { ...shared(input), vm, requestId };
  const lock = runId.create(child.cluster, vm.name);
  await run.step({ id, title, skippable: true }, (c) => {
    c.undo(`Remove VM ${vm.name} and its role`, () =>
      removeOwnVm(calls, vm.name, requestId, undefined),
    );
    return runChild(c, 'createVm', lock, child, title);
  });
}

async function prove({ run, input }: Application, step: PlannedStep) {
  const { id, title } = step;
  const vm = step.vm ?? '';
  await run.step({ id, title, skippable: true }, (c) => {
    const to = c.target === undefined ? {} : { to: c.target };
    const child: MigrateVmInput = { ...shared(input), vm, ...to };
    const lock = runId.migrate(child.cluster, vm);
    return runChild(c, 'migrateVm', lock, child, title);
  });
}

/** What every run has that an apply starts. */
const shared = ({ spec, startedBy }: ApplyClusterInput) => ({
  cluster: spec.cluster,
  startedBy: `${startedBy} (applyCluster)`,
  budgets: spec.budgets,
  memoryReserveBytes: spec.memoryReserveBytes,
});

/** The plan made anew must be empty, but for what a person chose to skip. */
async function report(job: Application, c: StepContext): Promise<Record<string, string>> {
  const { spec } = job.input;
  const snapshot = await look(job);
  const skipped = job.run.status.steps.filter((s) => s.state === 'skipped').map((s) => s.id);
  const left = planCluster(spec, snapshot).steps.filter(
    (s) => s.kind !== 'prove' && !skipped.includes(s.id),
  );
  const owners = Object.fromEntries(
    spec.virtualMachines.map((vm) => [vm.name, roleOfVm(snapshot, vm.name)?.owner ?? 'nowhere']),
  );
  c.evidence({ owners, skipped, left: left.map((s) => s.title) });
  if (left.length > 0) {
    throw stepFailure(
      'SettingsNotKept',
      `After all steps ${spec.cluster} still differs from its file: ${left.map((s) => s.title).join('; ')}`,
    );
  }
  return owners;
}

function vmSpec(spec: ClusterSpec, name: string) {
  const vm = spec.virtualMachines.find((v) => sameName(v.name, name));
  if (vm === undefined) throw new Error(`the plan names VM ${name}, which the file does not have`);
  return vm;
}
