// Makes a checkout runnable: checks Node, installs what is missing, builds what is stale. Every `npm run` that needs
// dist/ starts with it, so it uses nothing but Node, says one line per thing it does and is silent otherwise.
// --proof: builds what proves the product too, which no node ever gets.
// --anew: builds the product alone, and takes everything else out of dist/; for what is shipped.
// --allow-type-errors: builds although types do not match; for tests, where types are a check of their own.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmCommand } from './npm-command.mjs';

const NODE_MIN = [20, 19];
const PRODUCT = [
  'client',
  'workflows',
  'activities',
  'hyperv',
  'lab',
  'workers',
  'domain',
  'config',
];
const PROOF = ['proof', 'tsconfig.proof.json'];
const BUILD_FILES = [
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
  'scripts/bundle.mjs',
];

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');
const allowTypeErrors = process.argv.includes('--allow-type-errors');
const anew = process.argv.includes('--anew');
const withProof = process.argv.includes('--proof') && !anew;

function fail(text) {
  console.error(text);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  fail(
    `watari needs Node ${NODE_MIN.join('.')} or newer; this is ${process.version} (${process.execPath}).\n` +
      'Install the current LTS from https://nodejs.org and run the command again.',
  );
}

/** Runs quietly; shows everything the command said when it fails. */
function run(title, [command, ...args], { failureIsFatal = true } = {}) {
  const started = Date.now();
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8', windowsHide: true });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (done.status === 0) {
    console.error(`${title} (${seconds} s)`);
    return true;
  }
  const said = done.error ? String(done.error.message) : `${done.stdout}${done.stderr}`.trim();
  if (failureIsFatal) fail(`${title}: failed\n${said}`);
  return false;
}

/** What npm installed last is in its hidden lock file; every package we need must be in it, in the version we lock. */
function isInstalled() {
  const hidden = read(at('node_modules', '.package-lock.json'));
  if (hidden === '') return false;
  const installed = JSON.parse(hidden).packages;
  const wanted = JSON.parse(read(at('package-lock.json'))).packages;
  return Object.entries(wanted).every(
    ([key, entry]) =>
      key === '' || entry.optional || entry.peer || installed[key]?.version === entry.version,
  );
}

/** Files as they are named, and those of the folders among them that a build reads. */
const filesOf = (names) =>
  names.flatMap((name) =>
    fs.statSync(at(name)).isFile()
      ? [name]
      : fs
          .readdirSync(at(name), { recursive: true, encoding: 'utf8' })
          .filter((file) => /\.(ts|json|ps1|psm1|psd1)$/.test(file))
          .map((file) => path.join(name, file)),
  );

function hashOf(names) {
  const hash = createHash('sha256');
  for (const file of filesOf(names).sort()) {
    hash.update(`${file}\0`).update(fs.readFileSync(at(file)));
  }
  return hash.digest('hex');
}

/** What dist/ holds, by the hash of what it was built from. */
const STAMPS = [
  { file: '.product-hash', inputs: [...BUILD_FILES, ...PRODUCT] },
  ...(withProof ? [{ file: '.proof-hash', inputs: [...BUILD_FILES, ...PRODUCT, ...PROOF] }] : []),
];
const isFresh = () => STAMPS.every(({ file, inputs }) => read(at('dist', file)) === hashOf(inputs));

/** Compiled files whose source is gone: moved, or not wanted here. */
function prune() {
  const gone = (name) => {
    const source = /^(.+)\.js(?:\.map)?$/.exec(name)?.[1];
    if (source === undefined || !source.includes(path.sep)) return false;
    return !fs.existsSync(at(`${source}.ts`));
  };
  if (anew) fs.rmSync(at('dist', 'proof'), { recursive: true, force: true });
  const names = fs.readdirSync(at('dist'), { recursive: true, encoding: 'utf8' });
  for (const name of names.filter(gone)) fs.rmSync(at('dist', name));
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};

/** Two builds at once would write the same files; the second waits, and a dead builder's lock is taken over. */
function withBuildLock(build) {
  const lock = at('dist', '.building');
  const deadline = Date.now() + 120_000;
  fs.mkdirSync(at('dist'), { recursive: true });
  for (;;) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = Number(read(lock));
      if (holder > 0 && !isAlive(holder)) fs.rmSync(lock, { force: true });
      else if (Date.now() > deadline)
        fail(`Process ${holder} has been building for 2 minutes (${lock}).`);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  process.on('exit', () => fs.rmSync(lock, { force: true }));
  build();
  fs.rmSync(lock, { force: true });
}

function build() {
  if (isFresh() && !anew) return;
  withBuildLock(() => {
    if (isFresh() && !anew) return;
    const hashes = STAMPS.map(({ file, inputs }) => ({ file, hash: hashOf(inputs) }));
    const project = withProof ? 'proof' : 'build';
    const tsc = [process.execPath, at('node_modules', 'typescript', 'bin', 'tsc')];
    const memory = (name) => at('dist', `.${name}.tsbuildinfo`);
    // They remember as written what is taken out.
    if (anew) for (const name of ['proof', 'build']) fs.rmSync(memory(name), { force: true });
    const compile = [...tsc, '-p', `tsconfig.${project}.json`];
    const incremental = ['--incremental', '--tsBuildInfoFile', memory(project)];
    const clean = run('Compiled', [...compile, ...incremental], {
      failureIsFatal: !allowTypeErrors,
    });
    prune();
    run('Bundled the workflows', [process.execPath, at('scripts', 'bundle.mjs')]);
    if (!clean) console.error('Compiled with type errors: npm run types shows them');
    else for (const { file, hash } of hashes) fs.writeFileSync(at('dist', file), hash);
    if (anew) fs.rmSync(at('dist', '.proof-hash'), { force: true });
  });
}

checkNode();
if (!isInstalled()) {
  console.error('Installing dependencies, about half a minute the first time');
  run('Installed dependencies', [...npmCommand(), 'ci', '--no-audit', '--no-fund']);
}
build();
