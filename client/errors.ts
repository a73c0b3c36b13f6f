// Every way in which the watari command can fail, as one class with an exit code and a hint. Nothing here knows
// Temporal; foreign errors are translated in foreign-errors.ts.
import { spelledOut } from '../domain/steering.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface Problem {
  /** `cluster.yaml:3:7`, when the problem has a place. */
  where?: string;
  message: string;
}

export interface ClientErrorInfo {
  /** Stable word, part of `--json`. */
  code: string;
  /** What happened, to which object, and how it was seen. */
  message: string;
  /** What to do next; one line or several. */
  hint?: string;
  problems?: Problem[];
  exitCode: ExitCode;
  cause?: unknown;
}

export class ClientError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly problems: Problem[];
  readonly exitCode: ExitCode;
  constructor(info: ClientErrorInfo) {
    super(info.message, { cause: info.cause });
    this.name = 'ClientError';
    this.code = info.code;
    this.hint = info.hint ?? '';
    this.problems = info.problems ?? [];
    this.exitCode = info.exitCode;
  }
}

/** The command line or a name in it is wrong. */
export const badInput = (message: string, hint = '', code = 'BadInput'): ClientError =>
  new ClientError({ code, message, hint, exitCode: EXIT.badInput });

/** Ends the command with an exit code after everything has been said. */
export class Finished extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode) {
    super('finished');
    this.name = 'Finished';
    this.exitCode = exitCode;
  }
}

export interface ErrorJson {
  error: { code: string; message: string; hint: string; problems?: Problem[] };
}

export function errorJson(error: ClientError): ErrorJson {
  const { code, message, hint, problems } = error;
  return { error: { code, message, hint, ...(problems.length > 0 ? { problems } : {}) } };
}

/** Nobody types a word as long as this, but a script that went wrong does. */
const LINE_CHARS_MAX = 600;

/** What a person typed or a file holds must not steer the terminal that it is shown in. */
function safeLine(text: string): string {
  const line = spelledOut(text);
  const chars = Array.from(line);
  return chars.length <= LINE_CHARS_MAX ? line : `${chars.slice(0, LINE_CHARS_MAX).join('')}...`;
}

/** At most one screen: the message, up to 12 problems with their places, the hint. */
export function errorText(error: ClientError): string {
  // A single problem is the message itself.
  const listed = error.problems.length > 1 ? error.problems : [];
  const shown = listed.slice(0, 12);
  const more = listed.length - shown.length;
  const lines = [`watari: ${error.message}`];
  for (const p of shown) lines.push(`  ${p.where === undefined ? '' : `${p.where}  `}${p.message}`);
  if (more > 0) lines.push(`  ... and ${more} more`);
  for (const line of error.hint.split('\n')) if (line !== '') lines.push(`  ${line}`);
  const safe = lines.flatMap((line) => line.split(/\r?\n/)).map(safeLine);
  return safe.join('\n') + '\n';
}
