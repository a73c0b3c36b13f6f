// The environment of the PowerShell processes that watari starts, and what is needed to find their executable.
import type { Environment } from './variables.ts';

/** What a search for PowerShell looks at. */
export interface PowerShellPlaces {
  /** WATARI_PWSH: an executable named on purpose. */
  chosen: string | null;
  /** SystemRoot; null where there is none. */
  systemRoot: string | null;
  /** PATH. */
  searchPath: string;
}

const lookup = (env: Environment, name: string): string | undefined => {
  // A copy of process.env does not ignore case, as Windows itself does.
  const key = Object.keys(env).find((known) => known.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : env[key];
};

const filled = (value: string | undefined): string | null =>
  value === undefined || value.trim() === '' ? null : value.trim();

export const readPowerShellPlaces = (env: Environment = process.env): PowerShellPlaces => ({
  chosen: filled(lookup(env, 'WATARI_PWSH')),
  systemRoot: filled(lookup(env, 'SystemRoot')),
  searchPath: lookup(env, 'PATH') ?? '',
});

/** What only Node needs to know. Scripts, transcripts and crash dumps of a cmdlet can show all its variables. */
const SECRET =
  /^(watari_encryption_key|temporal_api_key|temporal_tls_.*_data|temporal_grpc_meta_.*)$/;

/**
 * Ours without secrets, and without two more variables: NODE_POWERSHELL would choose another executable, and the
 * PSModulePath of a PowerShell 7 that started us would give its modules to Windows PowerShell 5.1. `given` can set them
 * on purpose.
 */
export function powerShellEnvironment(
  given: Readonly<Record<string, string>> = {},
  env: Environment = process.env,
): Record<string, string> {
  const out: Record<string, string> = {};
  const dropped = new Set(['node_powershell', 'psmodulepath', ...Object.keys(given).map(lower)]);
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || dropped.has(lower(name)) || SECRET.test(lower(name))) continue;
    out[name] = value;
  }
  return {
    ...out,
    // With a terminal type PowerShell 7 wraps its output in escape sequences.
    TERM: 'dumb',
    NO_COLOR: '1',
    POWERSHELL_TELEMETRY_OPTOUT: '1',
    POWERSHELL_UPDATECHECK: 'Off',
    ...given,
  };
}

const lower = (name: string): string => name.toLowerCase();
