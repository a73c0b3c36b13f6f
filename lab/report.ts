// How the lab's program says that it cannot do something: for people on standard error, with --json as the one document
// that every command of watari prints. Called by main.ts at its end.
import process from 'node:process';
import { CommanderError } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { EngineProblem } from '../hyperv/powershell/engine.ts';

export const EXIT = { failed: 1, badInput: 2 } as const;

/** What a person can mend: shown as it is, without a stack. */
export class Failure extends Error {
  readonly code: string;
  readonly hint: string;
  readonly exitCode: number;
  constructor(code: string, message: string, hint: string, exitCode: number) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

interface Problem {
  where: string;
  message: string;
}

interface Told {
  code: string;
  message: string;
  hint: string;
  problems?: Problem[];
  exitCode: number;
}

/** null for what nobody thought of: its stack is for those who mend the lab. */
function toldOf(error: unknown): Told | null {
  if (error instanceof Failure) {
    const { code, message, hint, exitCode } = error;
    return { code, message, hint, exitCode };
  }
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    return { code: 'Usage', message, hint: 'See:  watari lab --help', exitCode: EXIT.badInput };
  }
  if (error instanceof ConfigError) {
    const problems = error.problems.map(({ file, line, column, path, message, hint = '' }) => ({
      where: line > 0 ? `${file}:${line}:${column}` : file,
      message: `${path === '' ? '' : `${path}: `}${message}${hint === '' ? '' : `; ${hint}`}`,
    }));
    const message = `The scenario cannot be used:\n${error.message}`;
    return { code: 'BadInput', message, hint: '', problems, exitCode: EXIT.badInput };
  }
  if (error instanceof EngineProblem) {
    const { message } = error;
    return { code: 'PowerShellUnavailable', message, hint: '', exitCode: EXIT.failed };
  }
  return null;
}

/** Says it and answers the exit code; throws what it does not know. */
export function report(error: unknown, json: boolean): number {
  // Asking for help is no mistake.
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const told = toldOf(error);
  if (told === null) throw error;
  const { exitCode, ...rest } = told;
  if (json) process.stdout.write(`${JSON.stringify({ error: rest }, null, 2)}\n`);
  // Commander has printed it.
  else if (!(error instanceof CommanderError))
    process.stderr.write(`${[told.message, told.hint].filter((text) => text !== '').join(' ')}\n`);
  return exitCode;
}
