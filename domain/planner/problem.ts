// What a plan of live migrations is made from and what it looks like: plain data. `proof/` reads instances into it, the
// workflows will read snapshots into it. Sizes are bytes, rates bytes per second, times seconds from the plan's start.
import type { MigrationPerformance } from '../facts.ts';

/** How long a move takes beside its copy, and when a copy is done (pre-copy rounds, as Hyper-V does them). */
export interface MoveModel {
  setupSeconds: number;
  handoverSeconds: number;
  /** The last round begins when what is left takes no longer than this. */
  blackoutSeconds: number;
  /** With so many rounds behind it the VM is stopped, whatever is left. */
  roundsMax: number;
  /** Bytes of memory that a byte on the wire carries, by the source's performance option. */
  factors: Record<MigrationPerformance, number>;
}

export interface PlannedNode {
  name: string;
  /** For VMs: without what the host itself needs. */
  usableBytes: number;
  linkBytesPerSecond: number;
  performance: MigrationPerformance;
  cpuVendor: string;
  cpuModel: string;
  switches: string[];
  /** Up and not paused; nothing moves to any other. */
  open: boolean;
}

/** Why a VM can never be on a node. */
export interface Bar {
  /** As of a reason of placement: `not-possible-owner`, `node-paused`, … */
  code: string;
  text: string;
}

export interface PlannedVm {
  name: string;
  owner: string;
  memoryBytes: number;
  /** Memory that its guest writes anew. */
  dirtyBytesPerSecond: number;
  switches: string[];
  /** Processor compatibility mode: any model of the same vendor will do. */
  compatibility: boolean;
  /** Empty: all. Hard. */
  possibleOwners: string[];
  /** Soft. */
  preferredOwners: string[];
  antiAffinityClassNames: string[];
  /**
   * By name of a node, what keeps the VM from ever being there, as whoever asks has found out. Where it is given it is
   * all that counts: owners, switches and processors are not asked again.
   */
  never?: Readonly<Record<string, readonly Bar[]>>;
  /** Soft: nodes that it goes to for lack of another. */
  avoid?: readonly string[];
  /** Names of groups of which no two may be on one node. Hard. */
  apart?: readonly string[];
  /** The same, soft. */
  ratherApart?: readonly string[];
  /** Names of groups that should be on one node. Soft. */
  together?: readonly string[];
  /** What has more leaves sooner, where that costs no time. Absent: 2000, medium. */
  priority?: number;
}

export type PlanTask =
  /** The nodes are closed from the beginning on. */
  | { kind: 'empty'; nodes: string[] }
  /** Each is closed, emptied, restarted and opened again, at most `maxDown` at a time. */
  | {
      kind: 'rolling';
      nodes: string[];
      restartSeconds: Record<string, number>;
      maxDown: number;
      /** `home`: at the end every VM is where it was. */
      final: 'any' | 'home';
    }
  /** Memory in use on every open node within so many percentage points of the cluster's mean. */
  | { kind: 'rebalance'; withinPercent: number };

export interface PlanProblem {
  model: MoveModel;
  /** MaximumParallelMigrations: moves that touch a node at a time, in and out together. */
  slots: number;
  /** Free memory that must remain on a target when a move to it starts. */
  reserveBytes: number;
  enforcedAntiAffinity: boolean;
  nodes: PlannedNode[];
  vms: PlannedVm[];
  task: PlanTask;
}

export interface PlannedMove {
  vm: string;
  from: string;
  to: string;
  startSeconds: number;
  endSeconds: number;
}

export type MovePlan =
  | {
      feasible: true;
      /** In the order of their starts. */
      moves: PlannedMove[];
      /** Rolling: the nodes in the order in which they are closed. */
      maintain: string[];
      /** When the task is fulfilled. */
      seconds: number;
    }
  | {
      feasible: false;
      /** VMs that have no way. */
      blocked: string[];
      why: string;
      /** Every possibility was tried; else only all that this planner tries. */
      proven: boolean;
    };
