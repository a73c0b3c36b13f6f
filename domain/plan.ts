// The difference between cluster.yaml and a snapshot, as ordered steps. Pure; the client prints it, applyCluster runs it.
import type { Snapshot } from './facts.ts';
import type { ClusterSpec } from './spec.ts';

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

/** Something that a person must mend before the plan can run. */
export interface Blocker {
  /** The node, VM or cluster that it is about; blockers are printed grouped by it. */
  subject: string;
  code: string;
  message: string;
  hint: string;
}

export interface ClusterPlan {
  steps: PlannedStep[];
  blockers: Blocker[];
  /** What was looked at and already is as wanted, one line each. */
  unchanged: string[];
}

export declare function planCluster(
  spec: ClusterSpec,
  s: Snapshot,
  o?: { proveAlways?: boolean },
): ClusterPlan;
