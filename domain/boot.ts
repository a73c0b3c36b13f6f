// Which boot of a machine is meant: the only comparison of two boots. Asked before a restart and to prove one. Boot
// times are for showing: Windows computes them anew from its clock, so they move whenever the clock is set.
import type { IsoTime } from './facts.ts';

export interface Boot {
  /** Absent in what workers of 0.1.0 told; empty where Windows does not tell. Compared, never read. */
  boot?: string | undefined;
  bootTime: IsoTime;
}

/** Where only times are there: more than a clock is off, less than any machine needs to boot twice. */
const SAME_BOOT_MS = 60_000;

export function isSameBoot(a: Boot, b: Boot): boolean {
  if (isTold(a) && isTold(b)) return a.boot === b.boot;
  return Math.abs(Date.parse(a.bootTime) - Date.parse(b.bootTime)) < SAME_BOOT_MS;
}

const isTold = ({ boot }: Boot): boolean => boot !== undefined && boot !== '';
