// What every measure is given: the two servers, how much of everything, and labs that are ended with the measure.
import { RealLab, type LabOptions } from '../rig/lab.ts';
import type { Programs } from '../rig/processes.ts';
import type { Side } from '../rig/servers.ts';
import type { Deadline } from '../rig/waiting.ts';

export interface Bench {
  sides: Side[];
  tuned: Side;
  quick: boolean;
  /** For logs and scenario files; gone afterwards. */
  folder: string;
  programs: Programs;
  deadline: Deadline;
  say: (line: string) => void;
}

export type BenchLab = RealLab<Side>;

export async function withLabs<T>(
  bench: Bench,
  scene: LabOptions,
  sides: readonly Side[],
  work: (labs: BenchLab[]) => Promise<T>,
): Promise<T> {
  // One that does not start fails them all; main.ts ends the others' processes.
  const labs = await Promise.all(sides.map((side) => RealLab.start(side, bench, scene)));
  try {
    return await work(labs);
  } finally {
    await Promise.all(labs.map((lab) => lab.stop()));
  }
}

/**
 * One after the other, so that neither side has a better time of the day: tuned, plain, tuned, plain, … On a slow or
 * busy machine fewer times than asked for, but once at least: another measure needs its time as well.
 */
export async function alternate(
  labs: readonly BenchLab[],
  { times, withinMs }: { times: number; withinMs: number },
  deed: (lab: BenchLab, i: number) => Promise<void>,
): Promise<void> {
  const end = Date.now() + withinMs;
  for (let i = 0; i < times && (i === 0 || Date.now() < end); i += 1) {
    for (const lab of labs) await deed(lab, i);
  }
}
