// What the lab keeps of Storage Spaces Direct: plain data, part of the world (world.ts).
import type { Instant } from './clock.ts';

export interface LabStorage {
  /** Nodes whose drives are in maintenance mode. */
  readonly resting: Set<string>;
  repair: { since: Instant; until: Instant } | null;
  /** Some node's drives were not there when somebody looked last. */
  wasAway: boolean;
}
