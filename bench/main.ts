// `npm run bench`: measures how much time the product itself takes, with real processes, and prints one table. How each
// figure is measured: docs/speed.md. Options: --json, --quick.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findTemporalCli } from '../client/temporal-server/find.ts';
import { readEnvironment } from '../config/environment.ts';
import { readProcessEnvironment } from '../config/process-environment.ts';
import { resultOf, type Figure } from './figures.ts';
import { machineLines, machineReport } from './machine.ts';
import { FIGURES as DEMO, measureDemoApply } from './measures/demo-apply.ts';
import { FIGURES as RETURN, measureNodeReturn } from './measures/node-return.ts';
import { FIGURES as QUIET, measureQuietCluster } from './measures/quiet-cluster.ts';
import { Programs } from './processes.ts';
import { startPlain, startTuned, type Side } from './servers.ts';
import { tableOf } from './table.ts';
import { Deadline } from './waiting.ts';

/** For measuring; ending everything takes some seconds more. */
const LIMIT_MS = { full: 235_000, quick: 55_000 };

const figures: Figure[] = [QUIET, RETURN, DEMO].flatMap((group) => Object.values<Figure>(group));

const MEASURES = [measureQuietCluster, measureNodeReturn, measureDemoApply];

interface Measured {
  cliVersion: string;
  seconds: number;
  problems: string[];
}

async function measureAll(quick: boolean, say: (line: string) => void): Promise<Measured> {
  const startedAt = Date.now();
  const { dataDir, temporalCliPath } = readEnvironment();
  const { searchPath } = readProcessEnvironment();
  const cli = await findTemporalCli({
    cliPath: temporalCliPath ?? undefined,
    searchPath,
    dataDir,
    say,
  });
  const deadline = new Deadline(quick ? LIMIT_MS.quick : LIMIT_MS.full);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-bench-'));
  const sides: Side[] = [];
  const programs = new Programs();
  const problems: string[] = [];
  const interrupted = whenInterrupted();
  // Also when it happens while nobody waits for it.
  interrupted.catch(() => undefined);
  try {
    const tuned = await startTuned(cli.path, folder);
    sides.push(tuned);
    if (!quick) sides.push(await startPlain(cli.path, folder));
    for (const measure of MEASURES) {
      try {
        const bench = { sides, tuned, quick, folder, programs, deadline, say };
        await Promise.race([deadline.guard(measure(bench)), interrupted]);
      } catch (err) {
        problems.push(err instanceof Error ? err.message : String(err));
        if (deadline.leftMs <= 0 || err instanceof Interrupted) break;
      }
    }
  } finally {
    await programs.endAll();
    await Promise.all(sides.map((side) => side.stop()));
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return {
    cliVersion: cli.version,
    seconds: Math.round((Date.now() - startedAt) / 1000),
    problems,
  };
}

class Interrupted extends Error {}

const whenInterrupted = (): Promise<never> =>
  new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        reject(new Interrupted(`ended by ${signal}`));
      });
    }
  });

const { values: options } = parseArgs({
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' } },
});
const before = machineReport('');
const measured = await measureAll(options.quick === true, (line) => {
  process.stderr.write(`${String(Math.round(performance.now() / 1000)).padStart(3)} s  ${line}\n`);
});
const machine = { ...before, temporalCli: measured.cliVersion };
const results = figures.map(resultOf);
const { seconds, problems } = measured;
const date = new Date().toISOString().slice(0, 10);
if (options.json === true) {
  process.stdout.write(
    `${JSON.stringify({ date, machine, seconds, figures: results, problems }, null, 2)}\n`,
  );
} else {
  const lines = [
    '',
    ...tableOf(results),
    '',
    "tuned: the server as watari starts it; plain: the same with Temporal's default settings.",
    ...machineLines(machine),
    `${date}, ${String(seconds)} s${options.quick === true ? ', quick: few values, nothing to compare with' : ''}`,
    ...problems.map((problem) => `STOPPED EARLY  ${problem}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
// A slow machine is no failure; a figure that could not be taken is one. Ended here: a measure that ran out of time may
// still wait for something.
process.exit(problems.length === 0 ? 0 : 1);
