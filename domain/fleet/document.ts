// The shape of a plan that is a thing of its own: what is to be done and why, and the facts that it rests on. Plain
// data; plan-document.ts makes it, config/plan-file.ts reads it from a file, a run takes it as its input.
import type { IsoTime, NodeState } from '../facts.ts';
import type { PlanTask } from '../planner/problem.ts';

export interface DocumentMove {
  vm: string;
  vmId: string;
  from: string;
  to: string;
  bytes: number;
  startSeconds: number;
  seconds: number;
  why: string;
  waits?: string;
}

export interface DocumentNode {
  name: string;
  /** null: it did not answer. */
  freeBytes: number | null;
  state: NodeState;
  linkBytesPerSecond: number | null;
}

export interface DocumentVm {
  vm: string;
  vmId: string;
  node: string;
  state: 'running' | 'off' | 'moving';
  bytes: number;
}

export interface PlanDocument {
  schema: 1;
  cluster: string;
  /** null: the cluster did not tell. */
  clusterId: string | null;
  takenAt: IsoTime;
  task: PlanTask;
  /** What it rests on. */
  facts: {
    slots: number;
    reserveBytes: number;
    nodes: DocumentNode[];
    /** Of the nodes that are emptied, and what moves elsewhere. */
    vms: DocumentVm[];
  };
  /** In the order of their starts. */
  moves: DocumentMove[];
  bytes: number;
  seconds: number;
  /** Nodes that restart, in their order. */
  restarts: string[];
  /** VMs of these nodes that do not run: moved without a live migration. */
  off: { vm: string; node: string }[];
  /** What no plan can move, or why there is none. */
  blockers: string[];
  /** Each alone would open a plan. */
  help: string[];
}
