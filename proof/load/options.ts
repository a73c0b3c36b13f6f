// What is to be measured, and what it is measured with.
import type { Programs } from '../rig/processes.ts';
import type { Scene } from './scene.ts';

export interface LoadOptions {
  scene: Scene;
  waves: number;
  /** Simulated seconds per second. */
  speed: number;
  /** Null: no large apply. */
  apply: Scene | null;
  /** Null: no maintenance of all nodes. */
  maintain: Scene | null;
  /** Whole histories are read of so many runs of a wave. */
  sample: number;
  /** Longest for one wave, or for the apply. */
  withinMs: number;
}

export interface Surroundings {
  cliPath: string;
  folder: string;
  programs: Programs;
  say: (line: string) => void;
}
