// The only reader of environment variables. Everything that comes from outside is checked here, and
// a wrong value is named with what is wrong with it.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';
import { quoteValue } from '../domain/quoting.ts';
import { ConfigError, environmentProblem, type ConfigProblem } from './config-error.ts';
import { readEncryptionKeys, type EncryptionKey } from './temporal/keys.ts';
import { findTemporalProblems } from './temporal/variables.ts';
import { clusterNameSchema } from './values.ts';
import type { Environment } from './variables.ts';

export interface WatariEnvironment {
  temporal: {
    /** Absent where a profile of the TOML file may say it. */
    address: string | null;
    namespace: string | null;
    profile: string | null;
    configFile: string | null;
    /** All `TEMPORAL_*` variables that are set, for child processes. */
    raw: Record<string, string>;
  };
  /** WATARI_CLUSTER: the cluster that commands are about when they do not say. */
  cluster: string | null;
  /** WATARI_LAB: address of a running lab, which stands in for Windows. */
  labUrl: string | null;
  /** WATARI_HOME or the usual place of the operating system: databases, logs, downloads. */
  dataDir: string;
  /** TEMPORAL_CLI_PATH: the temporal executable to use. */
  temporalCliPath: string | null;
  /** WATARI_PWSH: the PowerShell executable to use. */
  pwsh: string | null;
  /** WATARI_ENCRYPTION_KEY or WATARI_ENCRYPTION_KEY_FILE; the first encrypts, all decrypt. */
  encryptionKeys: readonly EncryptionKey[];
  /** NO_COLOR is set to anything. */
  noColor: boolean;
}

/** What the reader sees of the machine; given in tests. */
export interface Machine {
  platform: NodeJS.Platform;
  home: string;
  readFile: (path: string) => unknown;
}

const thisMachine = (): Machine => ({
  platform: process.platform,
  home: homedir(),
  readFile: (path) => readFileSync(path),
});

/** Windows sets variables that a person wanted to remove to nothing; nothing is not a value. */
const valueOf = (env: Environment, name: string): string | null => {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? null : value;
};

/** Reads and checks all variables that watari knows. Throws {@link ConfigError} naming each wrong one. */
export function readEnvironment(
  env: Environment = process.env,
  machine: Machine = thisMachine(),
): WatariEnvironment {
  const problems: ConfigProblem[] = findTemporalProblems(env, machine.readFile);
  const labUrl = valueOf(env, 'WATARI_LAB');
  if (labUrl !== null && !isHttpUrl(labUrl)) {
    const hint = 'write the address that watari lab start prints, like http://127.0.0.1:7400';
    const message = `${quoteValue(labUrl)} is not the address of a lab`;
    problems.push(environmentProblem('WATARI_LAB', message, hint));
  }
  const cluster = valueOf(env, 'WATARI_CLUSTER');
  if (cluster !== null && !clusterNameSchema.safeParse(cluster).success) {
    const hint = 'write what (Get-Cluster).Name tells';
    const message = `${quoteValue(cluster)} is not the name of a cluster`;
    problems.push(environmentProblem('WATARI_CLUSTER', message, hint));
  }
  const encryptionKeys = readEncryptionKeys(env, machine.readFile, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    temporal: {
      address: valueOf(env, 'TEMPORAL_ADDRESS'),
      namespace: valueOf(env, 'TEMPORAL_NAMESPACE'),
      profile: valueOf(env, 'TEMPORAL_PROFILE'),
      configFile: valueOf(env, 'TEMPORAL_CONFIG_FILE'),
      raw: temporalVariables(env),
    },
    cluster,
    labUrl,
    dataDir: dataDirOf(env, machine),
    temporalCliPath: valueOf(env, 'TEMPORAL_CLI_PATH'),
    pwsh: valueOf(env, 'WATARI_PWSH'),
    encryptionKeys,
    noColor: valueOf(env, 'NO_COLOR') !== null,
  };
}

function temporalVariables(env: Environment): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && name.startsWith('TEMPORAL_')) out[name] = value;
  }
  return out;
}

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && hostname !== '';
}

function dataDirOf(env: Environment, { platform, home }: Machine): string {
  const chosen = valueOf(env, 'WATARI_HOME');
  const path = platform === 'win32' ? win32 : posix;
  if (chosen !== null) return path.resolve(chosen);
  const absolute = (name: string): string | null => {
    const given = valueOf(env, name);
    // Relative ones do not count, by the rules for these variables: data would be wherever a command is typed.
    return given !== null && path.isAbsolute(given) ? given : null;
  };
  if (platform === 'win32') {
    return path.join(absolute('LOCALAPPDATA') ?? path.join(home, 'AppData', 'Local'), 'watari');
  }
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support', 'watari');
  return path.join(absolute('XDG_STATE_HOME') ?? path.join(home, '.local', 'state'), 'watari');
}
