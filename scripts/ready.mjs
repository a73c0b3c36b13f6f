// Makes a checkout runnable: checks Node, installs what is missing, builds what is stale. Every `npm run` that needs
// dist/ starts with it, so it uses nothing but Node, says one line per thing it does and is silent otherwise.
// --allow-type-errors: builds although types do not match; for tests, where types are a check of their own.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MIN = [20, 19];
const SOURCES = [
  'client',
  'workflows',
  'activities',
  'hyperv',
  'lab',
  'workers',
  'domain',
  'config',
  'proof',
];
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

/** npm as arguments of node itself: on Windows npm is a .cmd, which cannot be started without a shell. */
function npmCommand() {
  const home = path.dirname(process.execPath);
  const candidates = [
    process.env.npm_execpath,
    path.join(home, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    path.join(home, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const cli = candidates.find((file) => file && /npm-cli\.c?js$/.test(file) && fs.existsSync(file));
  return cli ? [process.execPath, cli] : ['npm'];
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

function inputsHash() {
  const hash = createHash('sha256');
  const files = SOURCES.flatMap((folder) =>
    fs.existsSync(at(folder))
      ? fs
          .readdirSync(at(folder), { recursive: true, encoding: 'utf8' })
          .filter((name) => /\.(ts|json|ps1|psm1|psd1)$/.test(name))
          .map((name) => path.join(folder, name))
      : [],
  );
  for (const file of [...BUILD_FILES, ...files].sort()) {
    hash.update(`${file}\0`).update(fs.readFileSync(at(file)));
  }
  return hash.digest('hex');
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
  const hashFile = at('dist', '.build-hash');
  if (read(hashFile) === inputsHash()) return;
  withBuildLock(() => {
    const hash = inputsHash();
    if (read(hashFile) === hash) return;
    const tsc = [process.execPath, at('node_modules', 'typescript', 'bin', 'tsc')];
    const incremental = ['--incremental', '--tsBuildInfoFile', at('dist', '.tsbuildinfo')];
    const compile = [...tsc, '-p', 'tsconfig.build.json', ...incremental];
    const clean = run('Compiled', compile, { failureIsFatal: !allowTypeErrors });
    run('Bundled the workflows', [process.execPath, at('scripts', 'bundle.mjs')]);
    if (clean) fs.writeFileSync(hashFile, hash);
    else console.error('Compiled with type errors: npm run types shows them');
  });
}

checkNode();
if (!isInstalled()) {
  console.error('Installing dependencies, about half a minute the first time');
  run('Installed dependencies', [...npmCommand(), 'ci', '--no-audit', '--no-fund']);
}
build();
