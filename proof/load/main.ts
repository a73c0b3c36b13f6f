// `npm run load`: many runs at once on the embedded server, with real processes, and what they cost. The figures and
// what they mean: docs/limits.md. Options: --runs, --nodes, --parallel, --waves, --speed, --apply VMSxNODES,
// --no-apply, --maintain VMSxNODES, --json.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { machineLines, machineReport } from '../rig/machine.ts';
import { Programs } from '../rig/processes.ts';
import { findCli } from '../rig/temporal-cli.ts';
import { Interrupted, whenInterrupted } from '../rig/waiting.ts';
import { measureLoad, type LoadReport } from './load.ts';
import type { LoadOptions } from './options.ts';
import type { Scene } from './scene.ts';
import { problemsOf, reportLines } from './report.ts';

const { values: given } = parseArgs({
  options: {
    runs: { type: 'string', default: '500' },
    nodes: { type: 'string', default: '8' },
    parallel: { type: 'string', default: '4' },
    waves: { type: 'string', default: '2' },
    speed: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '15' },
    apply: { type: 'string', default: '64x16' },
    'no-apply': { type: 'boolean', default: false },
    maintain: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

class BadOption extends Error {}

function whole(name: string, text: string, max: number, min = 1): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= min && n <= max) return n;
  throw new BadOption(`--${name} ${text}: a whole number from ${min} to ${max} is needed`);
}

function optionsOf(): LoadOptions {
  const nodes = whole('nodes', given.nodes, 64);
  const parallel = whole('parallel', given.parallel, 32);
  const sceneOf = (name: 'apply' | 'maintain', text: string): Scene => {
    const [vms = '', many = ''] = text.split('x');
    return { vms: whole(name, vms, 5000), nodes: whole(name, many, 64), parallel };
  };
  return {
    scene: { nodes, parallel, vms: whole('runs', given.runs, 5000) },
    waves: whole('waves', given.waves, 100, 0),
    speed: whole('speed', given.speed, 10_000),
    apply: given['no-apply'] ? null : sceneOf('apply', given.apply),
    maintain: given.maintain === undefined ? null : sceneOf('maintain', given.maintain),
    sample: 40,
    withinMs: whole('minutes', given.minutes, 600) * 60_000,
  };
}

async function measure(options: LoadOptions): Promise<LoadReport> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-load-'));
  const programs = new Programs();
  const interrupted = whenInterrupted();
  const say = (line: string): void => {
    const seconds = Math.round(performance.now() / 1000);
    process.stderr.write(`${String(seconds).padStart(4)} s  ${line}\n`);
  };
  try {
    const cli = await findCli(say);
    machine.temporalCli = cli.version;
    const measuring = measureLoad(options, { cliPath: cli.path, folder, programs, say });
    // Ended by a signal, it fails for want of its processes; nobody waits for that.
    measuring.catch(() => undefined);
    return await Promise.race([measuring, interrupted]);
  } finally {
    await programs.endAll();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const machine = machineReport();
try {
  const options = optionsOf();
  const report = await measure(options);
  const date = new Date().toISOString().slice(0, 10);
  const problems = problemsOf(report);
  if (given.json) {
    const whole = { date, machine, ...report, problems };
    process.stdout.write(`${JSON.stringify(whole, null, 2)}\n`);
  } else {
    const lines = [...reportLines(report), '', ...machineLines(machine), date];
    const verdict = problems.length === 0 ? ['Nothing failed.'] : problems.map((p) => `! ${p}`);
    process.stdout.write(`${[...lines, ...verdict].join('\n')}\n`);
  }
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (err) {
  if (!(err instanceof BadOption) && !(err instanceof Interrupted)) throw err;
  process.stderr.write(`${err.message}\n`);
  // The server may still be on; its guard ends it with this process.
  process.exit(err instanceof BadOption ? 2 : 1);
}
