// Files with secrets that lie in a checkout: git does not see them, and no build of the image gets them. The second
// half: .dockerignore leaves out nothing that the build needs; tests/long/build.long.test.ts builds from what is left.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeAuthority, makeClient, makeServer } from '../../client/tls/certificates.ts';
import { makeTlsFolder } from '../../client/tls/folder.ts';
import { ROOT } from '../support/built-setup.ts';
import { isSentToEngine } from '../support/docker-context.ts';
import { endsWithAll, temporaryFolder } from '../support/ends.ts';
import { projectFiles, readProjectFile } from '../support/tree.ts';

const ends = endsWithAll();

/** A repository with this .gitignore; what `git add --all` would take of what lies in it. */
function repository(gitignore: string) {
  const folder = temporaryFolder('watari-secrets-', ends);
  const git = (...words: string[]): string => {
    const done = spawnSync('git', words, {
      cwd: folder,
      encoding: 'utf8',
      // Not what whoever runs this ignores everywhere.
      env: { ...process.env, GIT_CONFIG_GLOBAL: os.devNull, GIT_CONFIG_NOSYSTEM: '1' },
    });
    if (done.status !== 0) throw new Error(`git ${words.join(' ')} failed: ${done.stderr}`);
    return done.stdout.trim();
  };
  git('init', '-q');
  fs.writeFileSync(path.join(folder, '.git', 'info', 'exclude'), '');
  if (gitignore !== '') fs.writeFileSync(path.join(folder, '.gitignore'), gitignore);
  return {
    at: (...parts: string[]): string => path.join(folder, ...parts),
    seen: (): string[] =>
      git('status', '--porcelain', '--untracked-files=all')
        .split('\n')
        .map((line) => line.slice(3))
        .filter((file) => file !== '' && file !== '.gitignore'),
  };
}

const tlsInit = (out: string): Promise<unknown> =>
  makeTlsFolder(
    { out, serverNames: ['temporal'], clients: ['HV1'], days: 10, now: new Date() },
    { makeAuthority, makeServer, makeClient },
  );

it('git sees nothing of what tls init makes, whatever the folder and the repository', async () => {
  const { at, seen } = repository('');
  await tlsInit(at('certificates'));
  expect(fs.existsSync(at('certificates', 'ca.key'))).toBe(true);
  expect(seen()).toEqual([]);
});

it('tls init hides nothing else in a folder with other things', async () => {
  const { at, seen } = repository('');
  fs.writeFileSync(at('notes.txt'), '');
  await tlsInit(at());
  expect(seen()).toContain('notes.txt');
});

it('git sees no secret in a checkout: certificates, keys, passwords, dumps', async () => {
  const { at, seen } = repository(readProjectFile('.gitignore'));
  await tlsInit(at('tls'));
  // As docs/security.md says it; the .gitignore of the folder does not go along.
  fs.cpSync(at('tls', 'server'), at('deploy', 'temporal', 'tls'), { recursive: true });
  fs.rmSync(at('tls', '.gitignore'));
  for (const file of [
    '.env',
    '.env.production',
    'watari.key',
    'temporal.dump',
    'ca.pem',
    'notify.yaml',
  ])
    fs.writeFileSync(at(file), '');
  expect(seen()).toEqual([]);
  fs.writeFileSync(at('.env.example'), '');
  expect(seen()).toEqual(['.env.example']);
});

it('the engine gets no secret, wherever it lies', () => {
  const secrets = [
    ...['.env', '.env.production', 'tls/ca.key', 'tls/clients/HV1/client.key', 'temporal.dump'],
    ...['deploy/temporal/tls/server.key', 'watari.key', 'lab/watari.key', 'client/tls/ca.pem'],
    ...[
      'lab/scenarios/visibility.dump',
      'config/.env',
      '.git/config',
      'config/notify.yaml',
      '.watari/temporal.db',
    ],
  ];
  expect(secrets.filter(isSentToEngine)).toEqual([]);
});

/** A script and those that it imports, and so on. */
function withImports(script: string): string[] {
  const text = readProjectFile(script);
  const imported = [...text.matchAll(/ from '\.\/([\w./-]+)'/g)];
  const folder = path.posix.dirname(script);
  return [script, ...imported.flatMap(([, name = '']) => withImports(`${folder}/${name}`))];
}

it('the engine gets every file that tsc reads, and those that the build names or imports', () => {
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const words = [tsc, '-p', 'tsconfig.build.json', '--listFilesOnly'];
  const { stdout } = spawnSync(process.execPath, words, { cwd: ROOT, encoding: 'utf8' });
  const read = stdout
    .trim()
    .split('\n')
    .map((file) => path.relative(ROOT, file).replaceAll('\\', '/'))
    .filter((file) => !file.startsWith('node_modules/'));
  expect(read.length).toBeGreaterThan(100);
  const build = readProjectFile('scripts/ready.mjs');
  const named = [...build.matchAll(/^ {2}'([\w./-]+)',$/gm)].map(([, name = '']) => name);
  expect(named).toContain('scripts/bundle.mjs');
  const scripts = ['scripts/ready.mjs', 'scripts/bundle.mjs'].flatMap(withImports);
  const needed = [...read, ...named, ...scripts, 'package.json', 'package-lock.json'];
  expect(needed.filter((file) => !isSentToEngine(file))).toEqual([]);
});

it('the engine gets nothing that the image is not built from', () => {
  const sent = projectFiles().filter(isSentToEngine);
  const others = /\.md$|^(docs|tests|proof|deploy|\.)|compose|^Dockerfile$/;
  expect(sent.filter((file) => others.test(file))).toEqual([]);
});
