// What can be wrong with TEMPORAL_* variables. The SDK's own reader takes many mistakes in silence:
// a boolean that is none counts as false, a configuration file that is missing as not given.
import { quoteValue } from '../../domain/quoting.ts';
import { environmentProblem, reasonOf, type ConfigProblem } from '../config-error.ts';
import type { Environment } from '../variables.ts';

const PORT_MAX = 65_535;
const TLS_MATERIAL = ['CLIENT_CERT', 'CLIENT_KEY', 'SERVER_CA_CERT'] as const;
const BOOLEANS = ['TEMPORAL_TLS', 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION'] as const;
const NOT_EMPTY = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_PROFILE',
  'TEMPORAL_CONFIG_FILE',
  'TEMPORAL_API_KEY',
] as const;

type ReadFile = (path: string) => unknown;

export function findTemporalProblems(env: Environment, readFile: ReadFile): ConfigProblem[] {
  const out: ConfigProblem[] = [];
  for (const name of NOT_EMPTY) {
    if (env[name]?.trim() === '') {
      out.push(environmentProblem(name, 'is set but empty', 'remove it or give it a value'));
    }
  }
  const address = env['TEMPORAL_ADDRESS'];
  if (address !== undefined && address.trim() !== '') {
    const wrong = addressProblem(address);
    if (wrong !== null) {
      const message = `${quoteValue(address)} ${wrong}`;
      out.push(
        environmentProblem(
          'TEMPORAL_ADDRESS',
          message,
          'write host:port, for example 127.0.0.1:7233',
        ),
      );
    }
  }
  for (const name of BOOLEANS) {
    const value = env[name];
    if (value !== undefined && !['true', 'false', '1', '0'].includes(value)) {
      out.push(environmentProblem(name, `${quoteValue(value)} is neither true nor false`));
    }
  }
  const profile = env['TEMPORAL_PROFILE'];
  // The SDK's reader would find what every object has, and write our settings into it.
  if (profile !== undefined && profile in Object.prototype) {
    const message = `${quoteValue(profile)} cannot be the name of a profile`;
    out.push(environmentProblem('TEMPORAL_PROFILE', message));
  }
  const configFile = env['TEMPORAL_CONFIG_FILE'];
  if (configFile !== undefined && configFile.trim() !== '') {
    out.push(...fileProblems('TEMPORAL_CONFIG_FILE', configFile, readFile));
  }
  return [...out, ...tlsProblems(env, readFile)];
}

/** null when it is `host:port`. */
export function addressProblem(address: string): string | null {
  if (/^[a-z]+:\/\//i.test(address)) return 'is a URL, not host:port';
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/[\]]+):([^:]*)$/i.exec(address);
  if (match === null) return 'is not host:port';
  const port = match[2] ?? '';
  if (!/^\d{1,5}$/.test(port)) return 'has no port number after the colon';
  const number = Number(port);
  return number >= 1 && number <= PORT_MAX ? null : `has the port ${number}; ports end at 65535`;
}

function tlsProblems(env: Environment, readFile: ReadFile): ConfigProblem[] {
  const out: ConfigProblem[] = [];
  const given = (material: string): string | null => {
    const path = `TEMPORAL_TLS_${material}_PATH`;
    const data = `TEMPORAL_TLS_${material}_DATA`;
    return env[path] === undefined ? (env[data] === undefined ? null : data) : path;
  };
  for (const material of TLS_MATERIAL) {
    const pathName = `TEMPORAL_TLS_${material}_PATH`;
    const dataName = `TEMPORAL_TLS_${material}_DATA`;
    const path = env[pathName];
    const data = env[dataName];
    if (path !== undefined && data !== undefined) {
      out.push(
        environmentProblem(pathName, `is set together with ${dataName}`, 'keep one of them'),
      );
    }
    if (path !== undefined) out.push(...fileProblems(pathName, path, readFile));
    if (data?.trim() === '') {
      out.push(environmentProblem(dataName, 'is set but empty', 'remove it or give it a value'));
    }
  }
  const cert = given('CLIENT_CERT');
  const key = given('CLIENT_KEY');
  if (key !== null && cert === null) {
    out.push(
      environmentProblem(
        key,
        'is set without a certificate',
        'set TEMPORAL_TLS_CLIENT_CERT_PATH too',
      ),
    );
  }
  if (cert !== null && key === null) {
    out.push(
      environmentProblem(cert, 'is set without its key', 'set TEMPORAL_TLS_CLIENT_KEY_PATH too'),
    );
  }
  return out;
}

function fileProblems(name: string, path: string, readFile: ReadFile): ConfigProblem[] {
  try {
    readFile(path);
    return [];
  } catch (err) {
    return [
      environmentProblem(name, `the file ${quoteValue(path)} cannot be read (${reasonOf(err)})`),
    ];
  }
}
