// What every reader of configuration throws: all problems that it found, each with its place, so
// that a person can mend them in one go. The client prints the message and exits with code 2.
import { spelledOut } from '../domain/steering.ts';

export interface ConfigProblem {
  /** File as it was named, or `environment`. */
  file: string;
  /** 1-based; 0 when the problem has no place in the file. */
  line: number;
  column: number;
  /** `virtualMachines[0].memory`, the name of a variable, or empty. */
  path: string;
  message: string;
  hint?: string;
}

/** One screen; who has more mistakes than that mends these first. */
const SHOWN_MAX = 15;

/** `cluster.yaml:7:13 virtualMachines[0].memory: "10 bananas" is not a size; write for example 10GB` */
export function formatProblem(p: ConfigProblem): string {
  const place = p.line > 0 ? `${p.file}:${p.line}:${p.column}` : p.file;
  const path = p.path === '' ? '' : ` ${p.path}`;
  const hint = p.hint === undefined ? '' : `; ${p.hint}`;
  return spelledOut(`${place}${path}: ${p.message}${hint}`);
}

export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.slice(0, SHOWN_MAX).map(formatProblem);
    const more = problems.length - lines.length;
    if (more > 0) lines.push(`and ${more} more`);
    super(lines.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** A problem of an environment variable. */
export const environmentProblem = (
  variable: string,
  message: string,
  hint?: string,
): ConfigProblem => ({
  file: 'environment',
  line: 0,
  column: 0,
  path: variable,
  message,
  ...(hint === undefined ? {} : { hint }),
});

/** Why a file could not be read, in words; codes are the same in every language. */
export function reasonOf(err: unknown): string {
  const code = err instanceof Error && 'code' in err ? String(err.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'it is not there';
    case 'EACCES':
    case 'EPERM':
      return 'this account may not read it';
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'there is a file where a folder must be';
    case 'ENAMETOOLONG':
      return 'its name is too long';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EROFS':
      return 'the disk is read-only';
    default:
      return code === '' ? (err instanceof Error ? err.message : String(err)) : code;
  }
}
