// applyCluster: the whole job. Look, plan, then run the plan: prepare every node, one after the other; cluster and host
// settings; create and register the VMs; prove a live migration; look again and report. A second run changes nothing.
import { workflowInfo } from '@temporalio/workflow';
import type { MigrationSettings } from '../domain/facts.ts';
import { runId, stepId } from '../domain/names.ts';
import { planCluster, type ClusterPlan, type PlannedStep } from '../domain/plan.ts';
import { roleOfVm } from '../domain/snapshot.ts';
import type {
  ApplyClusterInput,
  ClusterSpec,
  CreateVmInput,
  MigrateVmInput,
  PrepareNodeInput,
} from '../domain/spec.ts';
import { sameName } from '../domain/names.ts';
import { Calls } from './calls.ts';
import { checkInput } from './check-input.ts';
import { runChild } from './child.ts';
import { removeOwnVm, type CreateVmResult } from './create-vm.ts';
import type { MigrateVmResult } from './migrate-vm.ts';
import type { PrepareNodeResult } from './prepare-node.ts';
import { all } from './all.ts';
import { Run, type StepContext } from './run.ts';
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
  checkInput('applyCluster', input);
  const { spec } = input;
  const calls = new Calls(spec.cluster, spec.budgets);
  const run = new Run({
    workflow: 'applyCluster',
    lock: runId.apply(spec.cluster),
    title: `Bring cluster ${spec.cluster} to what its file says`,
    cluster: spec.cluster,
    startedBy: input.startedBy,
    retrySeconds: calls.budgets.retrySeconds,
  });
  return run.conduct(() => new Application(run, calls, input).complete());
}

class Application {
  private readonly run: Run;
  private readonly calls: Calls;
  private readonly input: ApplyClusterInput;
  private readonly requestId = workflowInfo().firstExecutionRunId;

  constructor(run: Run, calls: Calls, input: ApplyClusterInput) {
    this.run = run;
    this.calls = calls;
    this.input = input;
  }

  async complete(): Promise<ApplyClusterResult> {
    const { spec } = this.input;
    const plan = await this.run.step(
      { id: stepId.cluster('plan'), title: `Compare ${spec.cluster} with its file` },
      (c) => this.plan(c),
    );
    const steps = plan?.steps ?? [];
    const report = { id: stepId.cluster('report'), title: 'Look again and report' };
    this.run.expect([
      ...steps.map((s) => ({ id: s.id, title: s.title, skippable: s.kind !== 'prepare-node' })),
      report,
    ]);
    const of = (kind: PlannedStep['kind']): PlannedStep[] => steps.filter((s) => s.kind === kind);
    // One node at a time: each may restart, and the others must keep the quorum and the VMs.
    for (const step of of('prepare-node')) await this.prepare(step);
    for (const step of of('cluster-settings')) await this.clusterSettings(step);
    await all(of('node-settings').map((step) => this.nodeSettings(step)));
    await all(of('create-vm').map((step) => this.create(step)));
    await all(of('prove').map((step) => this.prove(step)));
    const owners = await this.run.step(report, (c) => this.report(c));
    return {
      cluster: spec.cluster,
      changed: steps.length > 0,
      steps: steps.length,
      owners: owners ?? {},
    };
  }

  private async plan(c: StepContext): Promise<ClusterPlan> {
    const { spec, proveAlways } = this.input;
    const plan = planCluster(spec, await this.look(), { proveAlways: proveAlways ?? false });
    c.evidence({ steps: plan.steps.map((s) => s.title), unchanged: plan.unchanged });
    if (plan.blockers.length > 0) {
      c.evidence({ blockers: plan.blockers });
      const list = plan.blockers.map((b) => `${b.subject}: ${b.message} ${b.hint}`);
      throw stepFailure('BadRequest', `Something must be mended first. ${list.join(' ')}`);
    }
    return plan;
  }

  private look() {
    const { spec } = this.input;
    const files = spec.virtualMachines.map((vm) => vm.vhd);
    return takeSnapshot(this.calls, { nodes: spec.nodes, files });
  }

  private spec(step: PlannedStep) {
    return { id: step.id, title: step.title };
  }

  private common() {
    const { spec, startedBy } = this.input;
    return {
      cluster: spec.cluster,
      startedBy: `${startedBy} (applyCluster)`,
      budgets: spec.budgets,
      memoryReserveBytes: spec.memoryReserveBytes,
    };
  }

  private async prepare(step: PlannedStep): Promise<void> {
    const node = step.node ?? '';
    await this.run.step(this.spec(step), (c) =>
      runChild<PrepareNodeResult>(
        c,
        'prepareNode',
        runId.prepare(this.input.spec.cluster, node),
        { ...this.common(), node, restarts: this.input.restarts } satisfies PrepareNodeInput,
        step.title,
      ),
    );
  }

  private async clusterSettings(step: PlannedStep): Promise<void> {
    const want = this.input.spec.liveMigration.simultaneousMigrations;
    const set = (value: number, summary: string) =>
      this.calls.onCluster({ summary }).setClusterLimits({ maximumParallelMigrations: value });
    let before: number | undefined;
    await this.run.step(this.spec(step), async (c) => {
      if (before === undefined) {
        const { cluster } = await this.calls
          .onCluster({ summary: 'Settings before' })
          .viewCluster();
        const was = cluster.maximumParallelMigrations;
        before = was;
        this.run.undo(step.id, `Set MaximumParallelMigrations back to ${String(was)}`, () =>
          set(was, `Undo: MaximumParallelMigrations = ${String(was)}`),
        );
      }
      const { changed, before: was, after, cmdlets } = await set(want, step.title);
      c.evidence({
        changed,
        before: { maximumParallelMigrations: was.maximumParallelMigrations },
        after: { maximumParallelMigrations: after.maximumParallelMigrations },
        cmdlets,
      });
    });
  }

  private async nodeSettings(step: PlannedStep): Promise<void> {
    const node = step.node ?? '';
    const on = (summary: string) => this.calls.onNode(node, { summary });
    const { liveMigration } = this.input.spec;
    let before: MigrationSettings | undefined;
    await this.run.step(this.spec(step), async (c) => {
      if (before === undefined) {
        const was = (await on(`Settings of ${node} before`).viewNode({})).migration;
        if (was === null) {
          throw stepFailure('HyperVMissing', `${node} has no Hyper-V yet, so it has no settings`);
        }
        before = was;
        const { enabled, maximumMigrations, maximumStorageMigrations, performance } = was;
        this.run.undo(step.id, `Set the migration settings of ${node} back`, () =>
          on(`Undo: migration settings of ${node}`).setMigration({
            enabled,
            maximumMigrations,
            maximumStorageMigrations,
            performance,
          }),
        );
      }
      const applied = await on(step.title).setMigration({
        enabled: true,
        maximumMigrations: liveMigration.simultaneousMigrations,
        maximumStorageMigrations: liveMigration.simultaneousStorageMigrations,
        performance: liveMigration.performance,
      });
      c.evidence({ ...applied });
    });
  }

  private async create(step: PlannedStep): Promise<void> {
    const { spec } = this.input;
    const vm = vmSpec(spec, step.vm ?? '');
    this.run.undo(step.id, `Remove VM ${vm.name} and its role`, () =>
      removeOwnVm(this.calls, vm.name, this.requestId, undefined),
    );
    await this.run.step({ ...this.spec(step), skippable: true }, (c) =>
      runChild<CreateVmResult>(
        c,
        'createVm',
        runId.create(spec.cluster, vm.name),
        { ...this.common(), vm, requestId: this.requestId } satisfies CreateVmInput,
        step.title,
      ),
    );
  }

  private async prove(step: PlannedStep): Promise<void> {
    const vm = step.vm ?? '';
    await this.run.step({ ...this.spec(step), skippable: true }, (c) =>
      runChild<MigrateVmResult>(
        c,
        'migrateVm',
        runId.migrate(this.input.spec.cluster, vm),
        {
          ...this.common(),
          vm,
          ...(c.target === undefined ? {} : { to: c.target }),
        } satisfies MigrateVmInput,
        step.title,
      ),
    );
  }

  /** The plan made anew must be empty, but for what a person chose to skip. */
  private async report(c: StepContext): Promise<Record<string, string>> {
    const { spec } = this.input;
    const snapshot = await this.look();
    const skipped = this.run.status.steps.filter((s) => s.state === 'skipped').map((s) => s.id);
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
}

function vmSpec(spec: ClusterSpec, name: string) {
  const vm = spec.virtualMachines.find((v) => sameName(v.name, name));
  if (vm === undefined) throw new Error(`the plan names VM ${name}, which the file does not have`);
  return vm;
}
