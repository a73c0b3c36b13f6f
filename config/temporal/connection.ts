// How to reach Temporal: environment variables and profiles of the TOML file, as every Temporal tool
// reads them, with our default of a server on this machine.
import {
  loadClientConfigProfile,
  toClientOptions,
  type ClientConnectConfig,
} from '@temporalio/envconfig';
import { ConfigError, environmentProblem, reasonOf } from '../config-error.ts';
import { unusableOption, unusableSource } from './options.ts';
import { readEnvironment, type Machine } from '../environment.ts';
import type { Environment } from '../variables.ts';
import { payloadHandling, type PayloadHandling } from './encryption.ts';
import { addressProblem } from './variables.ts';

/** Where `watari server start` and `temporal server start-dev` listen. */
export const DEFAULT_ADDRESS = '127.0.0.1:7233';
const DEFAULT_NAMESPACE = 'default';

export interface TemporalConnection extends PayloadHandling {
  /** For Connection.connect and NativeConnection.connect alike; `address` is always set. */
  connectionOptions: ClientConnectConfig['connectionOptions'] & { address: string };
  /** Goes into every Client and every Worker. */
  namespace: string;
  /** `127.0.0.1:7233, namespace default (TEMPORAL_ADDRESS)`: for messages. */
  describe: string;
}

/**
 * Never connects. Throws {@link ConfigError} that names the variable or the file which is wrong.
 *
 * @param env all variables, not only Temporal's: the default place of the TOML file depends on them.
 */
export function loadTemporalConnection(
  env: Environment = process.env,
  machine?: Machine,
): TemporalConnection {
  const { temporal, encryptionKeys } = readEnvironment(env, machine);
  const config = loadConfig(env, temporal.configFile, temporal.profile);
  const unusable = unusableOption(config);
  if (unusable !== null) {
    const place = temporal.configFile ?? 'TEMPORAL_* or the Temporal configuration file';
    throw environmentError(place, unusable);
  }
  const address = config.connectionOptions.address ?? DEFAULT_ADDRESS;
  const namespace = config.namespace ?? DEFAULT_NAMESPACE;
  const file = temporal.configFile ?? 'the Temporal configuration file';
  const wrong = addressProblem(address);
  if (wrong !== null) throw environmentError(file, `the address ${address} ${wrong}`);
  if (namespace.trim() === '') throw environmentError(file, 'the namespace is empty');
  const source =
    temporal.address !== null
      ? 'TEMPORAL_ADDRESS'
      : config.connectionOptions.address === undefined
        ? 'default'
        : `profile ${temporal.profile ?? 'default'}`;
  const tls = config.connectionOptions.tls ? ', TLS' : '';
  return {
    connectionOptions: { ...config.connectionOptions, address },
    namespace,
    ...payloadHandling(encryptionKeys),
    describe: `${address}, namespace ${namespace}${tls} (${source})`,
  };
}

const environmentError = (place: string, message: string, hint?: string): ConfigError =>
  new ConfigError([environmentProblem(place, message, hint)]);

function loadConfig(
  env: Environment,
  configFile: string | null,
  profile: string | null,
): ClientConnectConfig {
  const overrideEnvVars: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined) overrideEnvVars[name] = value;
  }
  try {
    const read = loadClientConfigProfile({ overrideEnvVars });
    const source = unusableSource(read);
    if (source !== null)
      throw environmentError(configFile ?? 'the Temporal configuration file', source);
    return toClientOptions(read);
  } catch (err) {
    if (err instanceof ConfigError) throw err;
    const message = err instanceof Error ? err.message : String(err);
    const file = configFile ?? 'the Temporal configuration file';
    if (/^Profile '.*' not found/.test(message)) {
      const hint = `add [profile.${profile ?? 'default'}] to ${file}`;
      throw environmentError('TEMPORAL_PROFILE', `there is no profile ${profile ?? ''}`, hint);
    }
    if (err instanceof Error && 'path' in err) {
      const named = `names the file ${String(err.path)}, which cannot be read (${reasonOf(err)})`;
      throw environmentError(file, named);
    }
    if (err instanceof TypeError) {
      // What the SDK's reader does with a file that has none of its tables.
      const message = 'has no [profile.NAME] table, or one of its values is of the wrong type';
      throw environmentError(file, message);
    }
    const hint = 'compare it with: temporal config list';
    throw environmentError(file, `is not valid: ${message.split('\n')[0] ?? ''}`, hint);
  }
}
