// Where a node's worker keeps its files when Windows runs it, and the settings file that stands in for the environment
// that a program started at boot does not have.
import fs from 'node:fs';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { quoteValue } from '../domain/quoting.ts';
import { ConfigError, reasonOf, type ConfigProblem } from './config-error.ts';
import type { Environment } from './variables.ts';

export interface ServicePlaces {
  /** `%ProgramData%\watari`: settings, certificates, logs. */
  home: string;
  /** WATARI_LOG_FOLDER, where logs go instead of the folder below home. */
  logFolder: string | null;
  /** SystemRoot; the Windows programs that are started by path are in it. */
  systemRoot: string;
}

const filled = (text: string | undefined): string | null => {
  const trimmed = text?.trim() ?? '';
  return trimmed === '' ? null : trimmed;
};

export function readServicePlaces(env: Environment = process.env): ServicePlaces {
  const lookup = (name: string): string | null => {
    // A copy of process.env does not ignore case, as Windows itself does.
    const key = Object.keys(env).find((known) => known.toLowerCase() === name.toLowerCase());
    return key === undefined ? null : filled(env[key]);
  };
  return {
    home: path.join(lookup('ProgramData') ?? 'C:\\ProgramData', 'watari'),
    logFolder: lookup('WATARI_LOG_FOLDER'),
    systemRoot: lookup('SystemRoot') ?? 'C:\\Windows',
  };
}

/** Looked for by `worker install` when no other file is named. */
export const SETTINGS_FILE = 'worker.env';

const OURS = /^(TEMPORAL|WATARI)_[A-Z0-9_]+$/;

/** Names and values of a settings file. Throws {@link ConfigError} with the lines that cannot be used. */
export function readSettingsFile(file: string): Record<string, string> {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8').replace(/^\ufeff/, '');
  } catch (err) {
    throw new ConfigError([problem(file, 0, '', `it cannot be read (${reasonOf(err)})`)]);
  }
  const problems: ConfigProblem[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const said = line.trim();
    if (said === '' || said.startsWith('#')) continue;
    const [, name] = /^(?:export\s+)?([^\s=]+)\s*=/.exec(said) ?? [];
    if (name === undefined) {
      const message = `${quoteValue(said)} is no setting`;
      problems.push(problem(file, i + 1, '', message, 'write NAME=value, one a line'));
    } else if (!OURS.test(name)) {
      const message = 'only TEMPORAL_ and WATARI_ variables belong here';
      problems.push(problem(file, i + 1, name, message));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(text))) settings[name] = value ?? '';
  return settings;
}

/** The settings become the process's own: before anything reads the environment. */
export function applySettingsFile(file: string, env: NodeJS.ProcessEnv = process.env): void {
  Object.assign(env, readSettingsFile(file));
}

const problem = (
  file: string,
  line: number,
  name: string,
  message: string,
  hint?: string,
): ConfigProblem => ({
  file,
  line,
  column: line === 0 ? 0 : 1,
  path: name,
  message,
  ...(hint === undefined ? {} : { hint }),
});
