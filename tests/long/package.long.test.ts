// What a machine without Node and npm gets: `npm run package`, what is in it, and the whole demo out of it where there
// is no Node. Takes Node.js from npm's registry the first time.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { unzipSync } from 'fflate';
import { extract } from 'tar';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { packageVersion } from '../../config/package-version.ts';
import { EVIDENCE } from '../support/checkout.ts';
import { ROOT } from '../support/built-setup.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';
import { needs, POSIX, type Need } from '../support/needs.ts';
import type { Program } from '../../proof/rig/processes.ts';
import { killAll, start } from '../support/processes.ts';

const script = (...words: string[]) =>
  spawnSync(process.execPath, [path.join(ROOT, 'scripts', 'package.mjs'), ...words], {
    cwd: ROOT,
    encoding: 'utf8',
    windowsHide: true,
  });

const REGISTRY: Need = {
  isThere: script('--fetch').status !== 3,
  lacks: 'npm reaches no registry, from which the packages have their Node.js',
};

/** Whatever is not here is in no package: evidence, tests, sources, maps, other systems' native parts. */
const MAY_BE_IN_IT = [
  /^(LICENSE|LICENSE-node\.txt|THIRD-PARTY-LICENSES\.txt|README(\.ja)?\.md|CHANGELOG\.md)$/,
  /^(package\.json|\.env\.example|docker-compose(\.tls)?\.yml)$/,
  /^deploy\/temporal\/[\w./-]+\.(sh|yaml)$/,
  /^docs\/[\w./-]+\.(md|png)$/,
  /^lab\/scenarios\/[\w.-]+\.yaml$/,
  /^dist\/(activities|client|config|domain|hyperv|lab|workers|workflows)\/[\w./-]+\.(js|json|ps1|ps[dm]1)$/,
  /^dist\/workflow-bundle(-encrypted)?\.js$/,
  /^node_modules\/(@[\w.-]+\/)?[\w.-]+\/([\w.@/-]+\.([cm]?js|json|wasm))$/,
  /^node_modules\/[\w.@/-]+\/(licen[cs]e|notice|copying|copyright)[\w.-]*$/i,
  /^node_modules\/@temporalio\/core-bridge\/(Cargo\.lock|sdk-core\/LICENSE\.txt)$/,
];
const OF_WINDOWS = [
  /^(node\.exe|watari\.cmd)$/,
  /^node_modules\/@temporalio\/core-bridge\/releases\/x86_64-pc-windows-msvc\/index\.node$/,
];
const OF_LINUX = [
  /^(node|watari)$/,
  /^node_modules\/@temporalio\/core-bridge\/releases\/x86_64-unknown-linux-gnu\/index\.node$/,
];

const LARGEST_MB = 120;

describe('npm run package', needs(REGISTRY), () => {
  const ends = endsWithAll();
  const out = temporaryFolder('watari-packages-', ends);
  const titles = {
    windows: `watari-${packageVersion()}-win-x64`,
    linux: `watari-${packageVersion()}-linux-x64`,
  };
  const archives = { windows: `${titles.windows}.zip`, linux: `${titles.linux}.tar.gz` };
  const unpacked = path.join(out, 'empty', titles.linux);
  let windows: Record<string, Uint8Array> = {};

  beforeAll(async () => {
    const done = script('--out', out);
    expect(done.status, done.stderr).toBe(0);
    windows = unzipSync(fs.readFileSync(path.join(out, archives.windows)));
    fs.mkdirSync(path.dirname(unpacked));
    await extract({ file: path.join(out, archives.linux), cwd: path.dirname(unpacked) });
  });

  const inWindows = (): string[] =>
    Object.keys(windows).map((name) => name.slice(titles.windows.length + 1));
  const inLinux = (): string[] =>
    fs
      .readdirSync(unpacked, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) =>
        path.relative(unpacked, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'),
      );
  const ofWindows = (name: string): Buffer =>
    Buffer.from(windows[`${titles.windows}/${name}`] ?? []);

  it('makes two archives of a size that can be carried about, and their sums', () => {
    const sums = fs.readFileSync(path.join(out, 'SHA256SUMS'), 'utf8');
    for (const name of Object.values(archives)) {
      const bytes = fs.readFileSync(path.join(out, name));
      expect(bytes.length / 1e6).toBeLessThan(LARGEST_MB);
      expect(sums).toContain(`${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`);
    }
  });

  it.each([
    ['Windows', inWindows, [...MAY_BE_IN_IT, ...OF_WINDOWS]],
    ['Linux', inLinux, [...MAY_BE_IN_IT, ...OF_LINUX]],
  ] as const)('puts nothing in that for %s that a node does not need', (_, files, allowed) => {
    expect(files().length).toBeGreaterThan(1000);
    expect(files().filter((file) => !allowed.some((pattern) => pattern.test(file)))).toEqual([]);
    expect(files().filter((file) => EVIDENCE.test(file) && !file.startsWith('docs/'))).toEqual([]);
    for (const pattern of allowed)
      expect(
        files().some((file) => pattern.test(file)),
        String(pattern),
      ).toBe(true);
  });

  it('tells the licence of every package in it, and Node’s', () => {
    const told = ofWindows('THIRD-PARTY-LICENSES.txt').toString();
    const manifests = inWindows().filter((file) =>
      /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file),
    );
    const untold = manifests
      .map((file) => JSON.parse(ofWindows(file).toString()) as { name: string; version: string })
      .filter(({ name, version }) => !told.includes(`\n${name} ${version} (`))
      // Empty ones of ours, under our own licence.
      .filter(({ version }) => version !== packageVersion());
    expect(manifests.length).toBeGreaterThan(100);
    expect(untold).toEqual([]);
    expect(ofWindows('LICENSE-node.txt').toString()).toContain(
      'Node.js is licensed for use as follows',
    );
  });

  it('has programs of Windows for Windows, and starts its own Node with what was typed', () => {
    expect(ofWindows('node.exe').subarray(0, 2).toString()).toBe('MZ');
    const core = inWindows().find((file) => file.endsWith('index.node')) ?? '';
    expect(ofWindows(core).subarray(0, 2).toString()).toBe('MZ');
    expect(ofWindows('watari.cmd').toString()).toMatch(
      /\r\n@"%~dp0node\.exe" "%~dp0dist\\client\\main\.js" %\*\r\n$/,
    );
  });

  describe('where there is no Node', needs(POSIX), () => {
    const bin = path.join(out, 'bin');
    const home = path.join(out, 'home');
    const run = (file: string, ...words: string[]): Program =>
      start(file, words, {
        cwd: out,
        env: {
          ...{ PATH: bin, HOME: home, WATARI_HOME: home, NO_COLOR: '1', NODE_PATH: undefined },
          TEMPORAL_CLI_PATH: inject('temporal').cliPath,
        },
      });
    ends(killAll);

    beforeAll(() => {
      fs.mkdirSync(bin);
      for (const name of ['dirname', 'readlink'])
        fs.symlinkSync(`/usr/bin/${name}`, path.join(bin, name));
      fs.symlinkSync(path.join(unpacked, 'watari'), path.join(bin, 'watari'));
    });

    it('answers through a link, too', async () => {
      const version = run(path.join(bin, 'watari'), '--version');
      expect(await version.ended, version.stderr()).toBe(0);
      expect(version.stdout().trim()).toBe(packageVersion());
    });

    it('plays the whole demo: server, lab, workers and a proven live migration', async () => {
      const demo = run(path.join(unpacked, 'watari'), 'demo');
      expect(await demo.ended, demo.stdout() + demo.stderr()).toBe(0);
      expect(demo.stdout()).toMatch(/uptime .* -> .*/);
      expect(demo.stdout()).toContain('owner HV2');
    });

    it('registers its own Node and its own files for the worker of a node', async () => {
      const module = path.join(unpacked, 'dist', 'client', 'commands', 'worker-service.js');
      const asked = run(
        path.join(unpacked, 'node'),
        ...['--input-type=module', '-e'],
        `const { wantedWorker } = await import(${JSON.stringify(module)});
         const context = { cwd: '/', computer: 'HV1', defaultCluster: 'hv-lab' };
         const places = { home: '/none', logFolder: null, systemRoot: '/none' };
         console.log(JSON.stringify(wantedWorker(context, { account: 'watari' }, places)));`,
      );
      expect(await asked.ended, asked.stderr()).toBe(0);
      expect(JSON.parse(asked.stdout())).toMatchObject({
        program: path.join(unpacked, 'node'),
        main: path.join(unpacked, 'dist', 'client', 'main.js'),
      });
    });
  });
});
