// What the client's own process and the processes that it starts need of the environment, beyond what readEnvironment
// checks: nothing here can be wrong in a way worth telling.
import type { Environment } from './variables.ts';

export interface ProcessEnvironment {
  /** WATARI_DEBUG: show stack traces. */
  debug: boolean;
  /** WATARI_UI: address of the Temporal UI where it is not the server's port plus 1000. */
  uiBase: string | undefined;
  /** PATH. */
  searchPath: string;
  /** TERM=dumb: the terminal moves no cursor and erases nothing. */
  dumbTerminal: boolean;
}

export function readProcessEnvironment(env: Environment = process.env): ProcessEnvironment {
  const debug = env['WATARI_DEBUG'] ?? '';
  const uiBase = env['WATARI_UI']?.trim() ?? '';
  return {
    debug: debug !== '' && debug !== '0',
    uiBase: uiBase === '' ? undefined : uiBase,
    // Windows writes it `Path`; process.env does not care there, a copy of it does.
    searchPath: env['PATH'] ?? env['Path'] ?? '',
    dumbTerminal: env['TERM']?.toLowerCase() === 'dumb',
  };
}

/** WATARI_SCRIPTS: the folder whose `.ps1` files a maintenance may run on this node. Undefined: none. */
export function readScriptsFolder(env: Environment = process.env): string | undefined {
  const folder = env['WATARI_SCRIPTS']?.trim() ?? '';
  return folder === '' ? undefined : folder;
}

export interface ChildTemporal {
  address: string;
  namespace: string;
  /** A TOML file that says nothing: a profile of the person at the keyboard must not reach the child. */
  emptyConfigFile: string;
}

/** The environment for a child process that shall use this Temporal server and no other. */
export function childEnvironment(
  temporal: ChildTemporal,
  env: Environment = process.env,
): Record<string, string> {
  const child: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !name.startsWith('TEMPORAL_')) child[name] = value;
  }
  child['TEMPORAL_ADDRESS'] = temporal.address;
  child['TEMPORAL_NAMESPACE'] = temporal.namespace;
  child['TEMPORAL_CONFIG_FILE'] = temporal.emptyConfigFile;
  return child;
}
