// `npm test`: everything that must hold. Runs every check even after a failure. At the end it says why tests were
// skipped, a line for each reason; the last line is the sum of checks and vitest's tests: `N passed, N failed`, and
// `, N skipped` where some were.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const bin = (...parts) => path.join(root, 'node_modules', ...parts);

const CHECKS = [
  {
    name: 'format',
    fix: 'npm run format',
    args: [bin('prettier', 'bin', 'prettier.cjs'), '--check', '.'],
  },
  {
    name: 'lint',
    fix: 'npm run lint',
    args: [bin('eslint', 'bin', 'eslint.js'), '.', '--max-warnings', '0'],
  },
  { name: 'types', fix: 'npm run types', args: [bin('typescript', 'bin', 'tsc'), '--noEmit'] },
  { name: 'unused code', fix: 'npx knip', args: [bin('knip', 'bin', 'knip.js'), '--no-progress'] },
];

/**
 * The other kinds of vitest.config.ts take minutes or write files and have commands of their own: npm run
 * test:long, test:powershell, test:production, histories. Named one by one: vitest takes a project that any `!name`
 * lets through.
 */
const COMPUTING = ['unit', 'contract', 'house', 'replay', 'sim'];
/** For processes and timers: they leave half of two cores to what computes, which steps back for them. */
const WAITING = ['workflows', 'e2e'];

/** For vitest: files, `-t NAME`. */
const ASKED = process.argv.slice(2);

/** Beside tests that wait for processes, and behind them: whatever it starts has its priority. */
function startBehind(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, windowsHide: true });
    if (child.pid !== undefined)
      os.setPriority(child.pid, os.constants.priority.PRIORITY_BELOW_NORMAL);
    const said = [];
    child.stdout.on('data', (chunk) => said.push(chunk));
    child.stderr.on('data', (chunk) => said.push(chunk));
    child.on('error', (error) => resolve({ ok: false, text: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, text: Buffer.concat(said).toString() }));
  });
}

async function runCheck({ name, fix, args }) {
  const started = performance.now();
  const { ok, text } = await startBehind(args);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const line = `${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${ok ? '' : `: ${fix}`}`;
  return { ok, said: ok ? line : `${line}\n${text.trimEnd()}` };
}

/** One after the other. */
async function runChecks() {
  const results = [];
  for (const check of CHECKS) results.push(await runCheck(check));
  return results;
}

/** Of a test that neither passed nor failed, as tests/support/needs.ts wrote it; undefined when nobody did. */
const whySkipped = (test) => test.meta?.lacks ?? (ASKED.length > 0 ? 'not asked for' : undefined);

/** Counts from the JSON report. A file that could not be loaded has no tests and is a failure nevertheless. */
function countTests(reportFile, exitCode) {
  if (!fs.existsSync(reportFile)) return { passed: 0, failed: 1, skipped: 0, said: [] };
  const report = JSON.parse(fs.readFileSync(reportFile, 'utf8'));
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
  ).length;
  const skipped = report.testResults
    .flatMap((file) => file.assertionResults)
    .filter((test) => !['passed', 'failed'].includes(test.status));
  const withoutReason = skipped.filter((test) => whySkipped(test) === undefined);
  const reasons = skipped.map(whySkipped).filter((why) => why !== undefined);
  const said = [
    ...withoutReason.map(
      ({ fullName }) =>
        `FAILED did not run, because of a failure above or for no reason: ${fullName}`,
    ),
    ...[...new Set(reasons)].map(
      (why) => `${reasons.filter((other) => other === why).length} skipped: ${why}`,
    ),
  ];
  const failed = report.numFailedTests + brokenFiles + withoutReason.length;
  return {
    passed: report.numPassedTests,
    // An unhandled rejection fails the run without failing a test.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: reasons.length,
    said,
  };
}

/** `run` starts vitest and answers when it is over. */
async function countedTests(kinds, run) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-test-'));
  const reportFile = path.join(folder, 'report.json');
  try {
    const code = await run([
      bin('vitest', 'vitest.mjs'),
      'run',
      ...kinds.map((kind) => `--project=${kind}`),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
      ...ASKED,
    ]);
    return countTests(reportFile, code);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function runInFront(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', windowsHide: true });
  return new Promise((resolve) => {
    child.on('error', () => resolve(1));
    child.on('close', (status) => resolve(status ?? 1));
  });
}

/** The report of one run must not stand in the midst of the other's. */
const kept = [];

async function runBehind(args) {
  const { ok, text } = await startBehind(args);
  kept.push(text.trimEnd());
  return ok ? 0 : 1;
}

const ready = spawnSync(process.execPath, [path.join(root, 'scripts', 'ready.mjs'), '--proof'], {
  cwd: root,
  stdio: 'inherit',
  windowsHide: true,
});
if (ready.status !== 0) {
  console.log('0 passed, 1 failed');
  process.exit(1);
}
const [checks, computed, waited] = await Promise.all([
  runChecks(),
  countedTests(COMPUTING, runBehind),
  countedTests(WAITING, runInFront),
]);
for (const said of [...kept, ...checks.map((check) => check.said)]) console.log(said);
for (const line of [...computed.said, ...waited.said]) console.log(line);
const sum = (what) => computed[what] + waited[what];
const passed = sum('passed') + checks.filter(({ ok }) => ok).length;
const failed = sum('failed') + checks.filter(({ ok }) => !ok).length;
const skipped = sum('skipped');
console.log(`${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
