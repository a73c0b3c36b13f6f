// The difference between cluster.yaml and a snapshot, as ordered steps. Pure; the client prints it,
// applyCluster runs it. What stands in the way is in plan-blockers.ts.
import type { MigrationSettings, NodeView, Snapshot, VmFacts } from './facts.ts';
import { includesName, sameName, stepId } from './names.ts';
import { findBlockers, type Blocker } from './plan-blockers.ts';
import { allVms, clusterNode, findVm, hasHyperV, roleOfVm, viewOf } from './snapshot.ts';
import { NODE_FEATURES, type ClusterSpec, type LiveMigrationSpec, type VmSpec } from './spec.ts';
import { sizeText } from './units.ts';

export interface PlannedChange {
  /** `feature Hyper-V`, `MaximumParallelMigrations`. */
  what: string;
  from: string;
  to: string;
}

export interface PlannedStep {
  /** The id that the step has in the run, see stepId. */
  id: string;
  kind: 'prepare-node' | 'cluster-settings' | 'node-settings' | 'create-vm' | 'prove';
  title: string;
  node: string | null;
  vm: string | null;
  /** Restarts the node. */
  restarts: boolean;
  changes: PlannedChange[];
}

export interface ClusterPlan {
  steps: PlannedStep[];
  blockers: Blocker[];
  /** What was looked at and already is as wanted, one line each. */
  unchanged: string[];
}

/** Part of a plan: the steps of one kind and what needed none. */
interface Part {
  steps: PlannedStep[];
  unchanged: string[];
}

/**
 * Steps in the order in which they run. Nodes are prepared one after the other, those without VMs
 * first, so that the VMs of the others have somewhere to go. A node that did not answer has a
 * blocker instead of steps.
 *
 * @param o.proveAlways plan the live migrations of `prove` even when nothing else changes.
 */
export function planCluster(
  spec: ClusterSpec,
  s: Snapshot,
  o: { proveAlways?: boolean } = {},
): ClusterPlan {
  const prepare = planPreparation(spec, s);
  const cluster = planClusterSettings(spec, s);
  const settings = planNodeSettings(spec, s);
  const vms = planVms(spec, s);
  const steps = [...prepare.steps, ...cluster.steps, ...settings.steps, ...vms.steps];
  const prove = steps.length > 0 || o.proveAlways === true ? planProofs(spec, s) : [];
  const restarting = prepare.steps.filter((step) => step.restarts).map((step) => step.node ?? '');
  return {
    steps: [...steps, ...prove],
    blockers: findBlockers(spec, s, restarting),
    unchanged: [
      ...prepare.unchanged,
      ...cluster.unchanged,
      ...settings.unchanged,
      ...vms.unchanged,
      ...s.view.nodes
        .filter((n) => !includesName(spec.nodes, n.name))
        .map((n) => `${n.name} is in the cluster but not in cluster.yaml and is left alone`),
      ...pausedNodes(spec, s),
    ],
  };
}

/** Nothing that a plan does resumes what somebody else has paused, so whoever reads it has to know. */
const pausedNodes = (spec: ClusterSpec, s: Snapshot): string[] =>
  s.view.nodes
    .filter((n) => n.state === 'Paused' && includesName(spec.nodes, n.name))
    .map(
      ({ name }) =>
        `${name} is paused, takes no VMs and stays so: Resume-ClusterNode -Name ${name} -Failback NoFailback resumes it`,
    );

/** Spelled as the cluster spells it, so that one node has one name in a run. */
const nodeName = (s: Snapshot, node: string): string => clusterNode(s, node)?.name ?? node;

function featureChanges(view: NodeView): PlannedChange[] {
  return NODE_FEATURES.flatMap((name): PlannedChange[] => {
    const state = view.features.find((f) => f.name === name)?.state ?? 'Available';
    if (state === 'Installed') return [];
    const from = state === 'InstallPending' ? 'installed, restart owed' : 'not installed';
    return [{ what: `feature ${name}`, from, to: 'installed' }];
  });
}

function vmsHeld(s: Snapshot, node: string): number {
  const ids = s.view.roles.filter((r) => sameName(r.owner, node)).map((r) => r.vmId);
  ids.push(...(viewOf(s, node)?.vms.map((vm) => vm.id) ?? []));
  return new Set(ids.map((id) => id.toLowerCase())).size;
}

function planPreparation(spec: ClusterSpec, s: Snapshot): Part {
  const out: Part = { steps: [], unchanged: [] };
  const lacking: { name: string; held: number; changes: PlannedChange[] }[] = [];
  for (const node of spec.nodes) {
    const name = nodeName(s, node);
    const view = viewOf(s, name);
    if (view === null) continue;
    const changes = featureChanges(view);
    if (changes.length > 0) lacking.push({ name, held: vmsHeld(s, name), changes });
    else out.unchanged.push(`${name} has ${NODE_FEATURES.join(' and ')}`);
  }
  for (const { name, changes } of lacking.sort((a, b) => a.held - b.held)) {
    const names = changes.map((c) => c.what.replace('feature ', '')).join(', ');
    out.steps.push({
      id: stepId.node(name, 'prepare'),
      kind: 'prepare-node',
      title: `Prepare ${name}: install ${names}`,
      node: name,
      vm: null,
      // Only Windows knows whether this installation needs one; consent is asked for beforehand.
      restarts: true,
      changes,
    });
  }
  return out;
}

function planClusterSettings(spec: ClusterSpec, s: Snapshot): Part {
  const what = 'MaximumParallelMigrations';
  const from = s.view.cluster.maximumParallelMigrations;
  const to = spec.liveMigration.simultaneousMigrations;
  if (from === to) {
    return { steps: [], unchanged: [`cluster ${s.view.cluster.name}: ${what} is ${to}`] };
  }
  return {
    steps: [
      {
        id: stepId.cluster('settings'),
        kind: 'cluster-settings',
        title: `Set ${what} of cluster ${s.view.cluster.name} to ${to}`,
        node: null,
        vm: null,
        restarts: false,
        changes: [{ what, from: String(from), to: String(to) }],
      },
    ],
    unchanged: [],
  };
}

function settingsChanges(
  now: MigrationSettings | null,
  wanted: LiveMigrationSpec,
): PlannedChange[] {
  const row = (what: string, from: string | number | boolean | undefined, to: string | number) => ({
    what,
    from: from === undefined ? 'unknown until Hyper-V is installed' : String(from),
    to: String(to),
  });
  return [
    row('VirtualMachineMigrationEnabled', now?.enabled, 'true'),
    row('MaximumVirtualMachineMigrations', now?.maximumMigrations, wanted.simultaneousMigrations),
    row(
      'MaximumStorageMigrations',
      now?.maximumStorageMigrations,
      wanted.simultaneousStorageMigrations,
    ),
    row('VirtualMachineMigrationPerformanceOption', now?.performance, wanted.performance),
  ].filter((change) => change.from !== change.to);
}

function planNodeSettings(spec: ClusterSpec, s: Snapshot): Part {
  const out: Part = { steps: [], unchanged: [] };
  for (const node of spec.nodes) {
    const name = nodeName(s, node);
    const view = viewOf(s, name);
    if (view === null) continue;
    const now = hasHyperV(view) ? view.migration : null;
    const changes = settingsChanges(now, spec.liveMigration);
    if (changes.length === 0) {
      out.unchanged.push(`${name} has the wanted live migration settings`);
      continue;
    }
    out.steps.push({
      id: stepId.node(name, 'migration-settings'),
      kind: 'node-settings',
      title: `Set up live migration on ${name}`,
      node: name,
      vm: null,
      restarts: false,
      changes,
    });
  }
  return out;
}

function planVms(spec: ClusterSpec, s: Snapshot): Part {
  const out: Part = { steps: [], unchanged: [] };
  for (const vm of spec.virtualMachines) {
    const role = roleOfVm(s, vm.name);
    const found =
      role === undefined
        ? allVms(s).find((p) => sameName(p.vm.name, vm.name))
        : findVm(s, role.vmId, role.owner);
    const running = found === undefined ? role?.state === 'Online' : found.vm.state === 'Running';
    const node = role?.owner ?? found?.node ?? null;
    if (role !== undefined && running) {
      const drift = driftText(vm, found?.vm);
      out.unchanged.push(`VM ${role.name} is in the cluster and runs on ${role.owner}${drift}`);
      continue;
    }
    const changes: PlannedChange[] = [];
    const exists = role !== undefined || found !== undefined;
    if (!exists) {
      const to = `created on ${vm.node ?? 'the best node'} with ${sizeText(vm.memoryBytes)}`;
      changes.push({ what: 'VM', from: 'none', to });
    }
    if (role === undefined) changes.push({ what: 'cluster role', from: 'none', to: vm.name });
    if (!running) {
      const from = found?.vm.state ?? role?.state ?? 'none';
      changes.push({ what: 'state', from, to: 'Running' });
    }
    out.steps.push({
      id: stepId.vm(vm.name, 'create'),
      kind: 'create-vm',
      title: `${exists ? 'Complete' : 'Create'} VM ${vm.name}`,
      node: node ?? vm.node,
      vm: vm.name,
      restarts: false,
      changes,
    });
  }
  return out;
}

/** An existing VM is never changed, so a difference is told rather than planned. */
function driftText(wanted: VmSpec, vm: VmFacts | undefined): string {
  if (vm === undefined || vm.memoryStartupBytes === wanted.memoryBytes) return '';
  const has = sizeText(vm.memoryStartupBytes);
  return ` (with ${has}, not ${sizeText(wanted.memoryBytes)}; existing VMs are not changed)`;
}

function planProofs(spec: ClusterSpec, s: Snapshot): PlannedStep[] {
  return spec.prove.map((name) => ({
    id: stepId.vm(name, 'move'),
    kind: 'prove',
    title: `Live-migrate VM ${name} to show that it works`,
    node: null,
    vm: name,
    restarts: false,
    changes: [
      {
        what: 'owner',
        from: roleOfVm(s, name)?.owner ?? 'none yet',
        to: 'the best other node',
      },
    ],
  }));
}
