// `npm run check`: what a commit should not be without, in under a minute. Format, lint and unit tests of what changed
// since the last commit, and the types of everything. The whole is `npm test`; a git hook may run this one (hooks.mjs).
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (...parts) => path.join(root, 'node_modules', ...parts);
/** Of the compiler: the second check of an hour costs a third of the first. */
const memory = path.join(root, 'node_modules', '.cache', 'check.tsbuildinfo');

/** Changed, staged or new since the last commit, and still there; relative to the root. */
function changedFiles() {
  const git = (...args) => {
    const done = spawnSync('git', args, { cwd: root, encoding: 'utf8', windowsHide: true });
    if (done.status === 0) return done.stdout.split('\0').filter((name) => name !== '');
    console.error(`npm run check asks git what has changed, and git fails: ${done.stderr.trim()}`);
    return process.exit(1);
  };
  const changed = git('diff', '--name-only', '--diff-filter=d', '-z', 'HEAD');
  const fresh = git('ls-files', '--others', '--exclude-standard', '-z');
  return [...new Set([...changed, ...fresh])].filter((file) =>
    fs.existsSync(path.join(root, file)),
  );
}

const changed = changedFiles();
const code = changed.filter((file) => /\.(ts|mjs|js)$/.test(file));
const vitest = [bin('vitest', 'vitest.mjs'), 'run', '--passWithNoTests'];

const CHECKS = [
  {
    name: 'format',
    fix: 'npm run format',
    args: [bin('prettier', 'bin', 'prettier.cjs'), '--check', '--ignore-unknown', ...changed],
    isNeeded: changed.length > 0,
  },
  {
    name: 'lint',
    fix: 'npm run lint',
    args: [bin('eslint', 'bin', 'eslint.js'), '--max-warnings', '0', '--no-warn-ignored', ...code],
    isNeeded: code.length > 0,
  },
  {
    name: 'types',
    fix: 'npm run types',
    args: [
      bin('typescript', 'bin', 'tsc'),
      '--noEmit',
      '--incremental',
      '--tsBuildInfoFile',
      memory,
    ],
    isNeeded: code.length > 0,
  },
  // They read files instead of importing them, so nothing says which of them a change is about.
  {
    name: 'house tests',
    fix: 'npx vitest run --project house',
    args: [...vitest, '--project=house'],
    isNeeded: changed.length > 0,
  },
  {
    name: 'unit tests of what changed',
    fix: 'npx vitest run --changed --project unit',
    args: [...vitest, '--changed', '--project=unit'],
    isNeeded: changed.length > 0,
  },
];

function run({ name, fix, args }) {
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, windowsHide: true });
    const said = [];
    child.stdout.on('data', (chunk) => said.push(chunk));
    child.stderr.on('data', (chunk) => said.push(chunk));
    child.on('error', (error) => said.push(Buffer.from(error.message)));
    child.on('close', (status) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(
        `${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${status === 0 ? '' : `: ${fix}`}`,
      );
      if (status !== 0) console.log(Buffer.concat(said).toString().trimEnd());
      resolve(status === 0);
    });
  });
}

/** Two at a time: each of them is one thread for most of its time, and the smallest machine has two cores. */
const queue = CHECKS.filter((check) => check.isNeeded);
const results = [];
const lane = async () => {
  for (let next = queue.shift(); next; next = queue.shift()) results.push(await run(next));
};
const count = `${String(changed.length)} ${changed.length === 1 ? 'file' : 'files'} changed since the last commit`;
console.log(changed.length === 0 ? `${count}: nothing to check` : count);
await Promise.all([lane(), lane()]);
process.exitCode = results.every(Boolean) ? 0 : 1;
