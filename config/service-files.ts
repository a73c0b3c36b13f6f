// What a node's worker and the commands that install it leave for each other on the disk: log files by name and age,
// and the file with which a worker is asked to stop.
import fs from 'node:fs';
import path from 'node:path';

/** Sorts by time, and says it: `worker-20261124-090503.log`, UTC. */
const LOG_NAME = /^worker-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)\.log$/;

const logFileName = (now: Date): string =>
  `worker-${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')}.log`;

/** A name that sorts behind all that are there, also when the clock was set back or a file filled up in a second. */
export function nextLogFile(folder: string, files: readonly string[], now: Date): string {
  const newest = LOG_NAME.exec(path.basename(files.at(-1) ?? ''));
  const [year, month, day, hour, minute, second] = (newest ?? []).slice(1).map(Number);
  const after = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, (second ?? 0) + 1);
  return path.join(folder, logFileName(new Date(Math.max(now.getTime(), newest ? after : 0))));
}

/** Paths, oldest first; empty where there is no such folder. */
export function logFiles(folder: string): string[] {
  try {
    const names = fs.readdirSync(folder).filter((name) => LOG_NAME.test(name));
    return names.sort().map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

/**
 * What a worker's log says once it serves, and how `worker install` sees it: kept together, because a log that was
 * worded anew would otherwise be a worker that never gets ready.
 */
export const servingLine = (node: string, cluster: string, how: string): string =>
  `${node} serves cluster ${cluster} (${how})`;
export const saysItServes = (line: string): boolean => line.includes(' serves cluster ');

/** More than that is not shown, and not read. */
const TAIL_BYTES = 64 * 1024;

/** The last lines of a file, without those that are not finished; empty when it cannot be read. */
export function lastLines(file: string, count: number): string[] {
  let handle: number;
  try {
    handle = fs.openSync(file, 'r');
  } catch {
    return [];
  }
  try {
    const { size } = fs.fstatSync(handle);
    const start = Math.max(0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - start);
    const read = fs.readSync(handle, bytes, 0, bytes.length, start);
    const lines = bytes.subarray(0, read).toString('utf8').split('\n').slice(0, -1);
    // The first one may be the end of a line.
    return lines.slice(start > 0 ? 1 : 0).slice(-count);
  } finally {
    fs.closeSync(handle);
  }
}

/**
 * How long a request to stop holds. Task Scheduler may start a worker again in the middle of it, so a worker must also
 * refuse to start; and a request that nobody takes back, because the command that made it was killed, must end by
 * itself.
 */
const HOLD_MS = 120_000;

/** A worker with this stop file shall not run now. */
export function isHeld(stopFile: string, now: number): boolean {
  const made = fs.statSync(stopFile, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Math.abs(now - made) < HOLD_MS;
}

export function hold(stopFile: string): void {
  fs.writeFileSync(stopFile, 'The worker that was started with this --stop-file ends.\n');
}

export function release(stopFile: string): void {
  fs.rmSync(stopFile, { force: true });
}
