// package.json and what has to agree with it: one version of Temporal's SDK, scripts that run on Windows, the versions
// of Node in every place that names them, and what CI runs.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { projectFiles, readProjectFile } from '../support/tree.ts';

const packageSchema = z.object({
  engines: z.object({ node: z.string() }),
  scripts: z.record(z.string(), z.string()),
  dependencies: z.record(z.string(), z.string()),
  devDependencies: z.record(z.string(), z.string()),
  overrides: z.record(z.string(), z.string()),
});
const lockSchema = z.object({
  packages: z.record(
    z.string(),
    z.looseObject({
      version: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

const { engines, scripts, dependencies, devDependencies } = packageSchema.parse(
  JSON.parse(readProjectFile('package.json')),
);
const CI = readProjectFile('.github/workflows/ci.yml');
const RELEASE = readProjectFile('.github/workflows/release.yml');
const { packages } = lockSchema.parse(JSON.parse(readProjectFile('package-lock.json')));

describe('package.json', () => {
  it('pins every package of Temporal to one and the same version', () => {
    const versions = Object.entries({ ...dependencies, ...devDependencies })
      .filter(([name]) => name.startsWith('@temporalio/'))
      .map(([, version]) => version);
    expect(new Set(versions).size).toBe(1);
    expect(versions[0]).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('has scripts of Node programs only, which Windows runs too', () => {
    const programs = ['node', 'tsc', 'prettier', 'eslint'];
    const wrong = Object.entries(scripts).filter(([, script]) =>
      script.split(' && ').some((part) => !programs.includes(part.split(' ')[0] ?? '')),
    );
    expect(wrong).toEqual([]);
    // Quotes, variables and pipes mean different things to cmd and sh.
    expect(Object.values(scripts).filter((script) => /['$%|;<>`]/.test(script))).toEqual([]);
  });

  it('asks for the Node that scripts/ready.mjs checks', () => {
    const [, major, minor] =
      /NODE_MIN = \[(\d+), (\d+)\]/.exec(readProjectFile('scripts/ready.mjs')) ?? [];
    expect(engines.node).toBe(`>=${String(major)}.${String(minor)}`);
  });
});

describe('.node-version', () => {
  const version = readProjectFile('.node-version').trim();

  it('is a Node that package.json takes', () => {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const [wantedMajor = 0, wantedMinor = 0] = engines.node.slice(2).split('.').map(Number);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(major * 1000 + minor).toBeGreaterThanOrEqual(wantedMajor * 1000 + wantedMinor);
  });

  it('is the Node of every stage of the Dockerfile, and of every job of CI that has no matrix', () => {
    const stages = [...readProjectFile('Dockerfile').matchAll(/^FROM node:([\d.]+)/gm)];
    expect([...new Set(stages.map(([, node]) => node))]).toEqual([version]);
    const inCi = [...`${CI}\n${RELEASE}`.matchAll(/node-version(?:-file)?: (.+)/g)].map(
      ([, where]) => where,
    );
    expect([...new Set(inCi)].sort()).toEqual(['${{ matrix.node }}', '.node-version']);
  });
});

describe('package-lock.json', () => {
  it('has every platform’s binaries, or npm ci refuses it elsewhere', () => {
    const present = new Set(
      Object.keys(packages).map((key) => key.slice(key.lastIndexOf('node_modules/') + 13)),
    );
    const missing = Object.entries(packages).flatMap(([key, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !present.has(name))
        .map((name) => `${key} -> ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('has one protobufjs for all of Temporal’s packages, or histories in JSON do not replay', () => {
    const nested = Object.keys(packages).filter((key) => /@temporalio\/.*\/protobufjs$/.test(key));
    expect(nested).toEqual([]);
  });
});

describe('CI and releases', () => {
  it('names every action by its commit, with the version for people beside it', () => {
    const uses = /^ *(?:- )?uses: (.+)$/gm;
    const actions = [...`${CI}\n${RELEASE}`.matchAll(uses)].map(([, action = '']) => action);
    expect(actions.length).toBeGreaterThan(5);
    const pinned = /^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;
    expect(actions.filter((action) => !pinned.test(action))).toEqual([]);
    // The same action twice with two commits: one of them was forgotten.
    const names = actions.map((action) => action.split('@')[0]);
    expect(new Set(actions).size).toBe(new Set(names).size);
  });
});

describe('the checks of npm test', () => {
  it('run in CI, before a release and from .ci/run, and nothing else decides', () => {
    expect(readProjectFile('.ci/run')).toContain('npm test');
    for (const workflow of [CI, RELEASE]) expect(workflow).toContain('- run: npm test');
    expect(projectFiles().filter((file) => file.startsWith('.github/workflows/'))).toEqual([
      '.github/workflows/ci.yml',
      '.github/workflows/release.yml',
    ]);
  });
});

describe('a release', () => {
  it('is made of a tag that is the version, after the tests and after its packages were tried', () => {
    expect(RELEASE).toContain('if [ "$GITHUB_REF_NAME" != "$wanted" ]');
    expect(RELEASE).toContain(`wanted="v$(node -p 'require("./package.json").version')"`);
    const order = ['npm test', 'npm run package', 'demo', 'sha256sum --check', 'gh release create'];
    const places = order.map((word) => RELEASE.lastIndexOf(word));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(RELEASE).toMatch(/^ {2}publish:\n {4}needs: try$/m);
  });
});
