// `npm run fuzz -- --runs N [--seed N] [words of file names]`: the fuzz tests of npm test, N inputs for each property,
// from another seed. Says how many inputs were tried in each area; plain Node, no dependencies.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const RUNS = 2000;
/** Some properties take several inputs for each run, and the machine may have other things to do. */
const MS_FOR_EACH = 2000;

function readWords() {
  try {
    const options = { runs: { type: 'string' }, seed: { type: 'string' } };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const number = (name, byDefault) => {
      const value = values[name] === undefined ? byDefault : Number(values[name]);
      if (Number.isSafeInteger(value) && value >= (name === 'runs' ? 1 : -(2 ** 31))) return value;
      throw new Error(`--${name} must be a whole number`);
    };
    return {
      runs: number('runs', RUNS),
      // Another one every day, and the same when it is needed again.
      seed: number('seed', Math.floor(Date.now() / 86_400_000)),
      files: positionals,
    };
  } catch (error) {
    console.error(`${error.message}. Example: npm run fuzz -- --runs 5000 --seed 7`);
    process.exit(2);
  }
}

function countsOf(reportFile) {
  const counts = new Map();
  const lines = fs.existsSync(reportFile) ? fs.readFileSync(reportFile, 'utf8').split('\n') : [];
  for (const line of lines.filter((one) => one !== '')) {
    const { area, tried } = JSON.parse(line);
    counts.set(area, (counts.get(area) ?? 0) + tried);
  }
  return [...counts].sort(([a], [b]) => a.localeCompare(b, 'en'));
}

const { runs, seed, files } = readWords();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-fuzz-'));
const reportFile = path.join(folder, 'report.jsonl');
console.log(`Fuzz: ${runs} inputs for each property, seed ${seed}`);
const done = spawnSync(
  process.execPath,
  [
    path.join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--project',
    'unit',
    '--testTimeout',
    String(60_000 + runs * MS_FOR_EACH),
    ...(files.length === 0 ? ['tests/unit/fuzz-'] : files.map((name) => `tests/unit/fuzz-${name}`)),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    windowsHide: true,
    env: {
      ...process.env,
      FUZZ_RUNS: String(runs),
      FUZZ_SEED: String(seed),
      FUZZ_REPORT: reportFile,
    },
  },
);
const counts = countsOf(reportFile);
fs.rmSync(folder, { recursive: true, force: true });
const width = Math.max(0, ...counts.map(([area]) => area.length));
for (const [area, tried] of counts) console.log(`${area.padEnd(width)}  ${tried}`);
const total = counts.reduce((sum, [, tried]) => sum + tried, 0);
console.log(`${total} inputs tried, seed ${seed}: ${done.status === 0 ? 'all held' : 'FAILED'}`);
process.exitCode = done.status === 0 ? 0 : 1;
