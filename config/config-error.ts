// What every reader of configuration throws: all problems that it found, each with its place, so
// that a person can mend them in one go. The client prints the message and exits with code 2.

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
  return printable(`${place}${path}: ${p.message}${hint}`);
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

/** `\u001b` for a control character: the text of a file must not steer a terminal. */
export const printable = (text: string): string =>
  text.replace(
    // eslint-disable-next-line no-control-regex -- control characters are what this is for
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** As in JSON, so that control characters and line breaks cannot change the screen; cut when long. */
export function quoteValue(value: unknown): string {
  const TEXT_MAX = 40;
  const chars = typeof value === 'string' ? Array.from(value) : undefined;
  const long = chars !== undefined && chars.length > TEXT_MAX;
  const json = JSON.stringify(long ? chars.slice(0, TEXT_MAX).join('') : value) as
    string | undefined;
  const shown = printable(json ?? String(value));
  if (long) return `${shown} (${chars.length} characters)`;
  return chars === undefined && shown.length > TEXT_MAX ? `${shown.slice(0, TEXT_MAX)}…` : shown;
}
