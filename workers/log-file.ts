// The worker's own log on a node, where nobody reads standard error: files of bounded size and number that sort by
// time. Written at once and never renamed, so a crash loses nothing that was said, and readers (Get-Content -Wait, a
// virus scanner) never stand in the way: on Windows a file that somebody has open cannot be renamed.
import fs from 'node:fs';
import { logFiles, nextLogFile } from '../config/service-files.ts';

export interface LogFileOptions {
  folder: string;
  now: () => Date;
  /** A file that is larger gets no more lines. */
  bytesMax?: number;
  /** Older ones are deleted. */
  filesMax?: number;
}

/** 50 MB in all: months of a quiet worker, days of one whose server is away. */
const BYTES_MAX = 5_000_000;
const FILES_MAX = 10;
/** One line is not more than this: the log is bounded whatever is said. */
const LINE_CHARS_MAX = 20_000;

const TIMED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** Answers what writes a line, with its time in front. It never throws: a full disk must not stop a worker. */
export function openLogFile(options: LogFileOptions): (line: string) => void {
  const { folder, now, bytesMax = BYTES_MAX, filesMax = FILES_MAX } = options;
  fs.mkdirSync(folder, { recursive: true });
  endHalfLine(logFiles(folder).at(-1));
  return (line) => {
    const at = now();
    const kept = line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX)}...` : line;
    const text = TIMED.test(kept) ? kept : `${at.toISOString()} ${kept}`;
    try {
      fs.appendFileSync(fileFor(folder, at, bytesMax, filesMax), `${text}\n`);
    } catch {
      // Said on standard error too, and nobody could do more here.
    }
  };
}

/** Looked at for each line: another worker may write here too, while one version replaces another. */
function fileFor(folder: string, at: Date, bytesMax: number, filesMax: number): string {
  const files = logFiles(folder);
  const newest = files.at(-1);
  if (newest !== undefined && fs.statSync(newest).size < bytesMax) return newest;
  for (const old of files.slice(0, Math.max(0, files.length - filesMax + 1))) {
    try {
      fs.rmSync(old, { force: true });
    } catch {
      // Somebody reads it: it goes with the next one.
    }
  }
  return nextLogFile(folder, files, at);
}

/** A power cut leaves one. */
function endHalfLine(file: string | undefined): void {
  if (file === undefined || fs.statSync(file).size === 0) return;
  if (fs.readFileSync(file).at(-1) !== 10) fs.appendFileSync(file, '\n');
}
