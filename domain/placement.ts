// "Best possible node" as a pure function of a snapshot: a ranking with reasons for every node, the losers too.
import type { Snapshot } from './facts.ts';
import type { VmSpec } from './spec.ts';

export interface PlacementReason {
  /** `blocker`: cannot go there. `minus` and `plus` change the order. `note` does neither. */
  kind: 'blocker' | 'minus' | 'plus' | 'note';
  /** Stable word: `node-paused`, `memory`, `switch-missing`, `no-free-slot`, … */
  code: string;
  text: string;
}

export interface PlacementVerdict {
  node: string;
  eligible: boolean;
  /** 1 is the best; ineligible nodes come last. */
  rank: number;
  score: number;
  reasons: PlacementReason[];
}

export interface Placement {
  /** null when no node is eligible. */
  target: string | null;
  /** Best first. */
  ranking: PlacementVerdict[];
}

export interface PlacementOptions {
  /** Free memory to leave on the target. */
  memoryReserveBytes: number;
  /** The person's choice: other nodes are ranked but cannot win. */
  only?: string;
}

export declare function placeMove(s: Snapshot, vmId: string, o: PlacementOptions): Placement;
export declare function placeNewVm(s: Snapshot, vm: VmSpec, o: PlacementOptions): Placement;
