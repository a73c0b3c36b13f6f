// Resident memory of processes, looked at twice a second, and the size of the server's database. From /proc on Linux,
// from ps on other Unix systems; Windows has no cheap way, and there nothing is measured.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import type { RealLab } from '../rig/lab.ts';
import type { TunedSide } from '../rig/servers.ts';

/** Until the server has written what it writes behind a run. */
export const SETTLE_MS = 5_000;

export interface Watched {
  /** `server`, `lab`, `worker HV01`. */
  name: string;
  pid: number;
}

/** Megabytes of 1024 * 1024 bytes; null where it cannot be told. */
export function residentMb(pid: number): number | null {
  try {
    if (process.platform === 'linux') {
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
      const kb = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
      return kb === undefined ? null : Number(kb) / 1024;
    }
    if (process.platform === 'win32') return null;
    const kb = execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
    return Number(kb.trim()) / 1024;
  } catch {
    // It ended, or there is no ps.
    return null;
  }
}

/** Seconds of processor time that a process has used; null where it cannot be told. */
export function processorSeconds(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces; user and system time are the 14th and 15th field.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

/** USER_HZ, the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

const LOOK_EVERY_MS = 500;

/** Peaks since the last `takePeaks`. */
export class MemoryWatch {
  readonly watched: readonly Watched[];
  private peaks = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;

  constructor(watched: readonly Watched[]) {
    this.watched = watched;
    this.look();
    this.timer = setInterval(() => {
      this.look();
    }, LOOK_EVERY_MS);
  }

  /** Names with megabytes; empty where memory cannot be told. */
  takePeaks(): Record<string, number> {
    const peaks = Object.fromEntries([...this.peaks].map(([name, mb]) => [name, Math.round(mb)]));
    this.peaks = new Map();
    this.look();
    return peaks;
  }

  now(): Record<string, number> {
    const rows = this.watched.flatMap(({ name, pid }) => {
      const mb = residentMb(pid);
      return mb === null ? [] : [[name, Math.round(mb)] as const];
    });
    return Object.fromEntries(rows);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    for (const { name, pid } of this.watched) {
      const mb = residentMb(pid);
      if (mb !== null) this.peaks.set(name, Math.max(mb, this.peaks.get(name) ?? 0));
    }
  }
}

/** SQLite's file and what waits beside it to be written into it. */
export function databaseMb(file: string): number {
  const sizes = [file, `${file}-wal`].map((name) =>
    fs.existsSync(name) ? fs.statSync(name).size : 0,
  );
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1024 ** 2);
}

/** Of the server, the lab and each node's worker. */
export async function watchMemory(lab: RealLab, side: TunedSide): Promise<MemoryWatch> {
  const workers = Object.entries(await lab.workerPids());
  return new MemoryWatch([
    { name: 'server', pid: side.pid },
    { name: 'lab', pid: lab.program.pid },
    ...workers.map(([node, pid]) => ({ name: `worker ${node}`, pid })),
  ]);
}
