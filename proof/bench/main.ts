// `npm run bench`: measures how much time the product itself takes, with real processes, and prints one table. How each
// figure is measured: docs/speed.md. Options: --json, --quick, --powershell, --fleet, --fleet --instances FOLDER.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { machineLines, machineReport } from '../rig/machine.ts';
import { Programs } from '../rig/processes.ts';
import { startPlain, startTuned, type Side } from '../rig/servers.ts';
import { findCli } from '../rig/temporal-cli.ts';
import { Deadline, Interrupted, whenInterrupted } from '../rig/waiting.ts';
import type { Bench } from './bench.ts';
import { resultOf, type Figure, type FigureResult } from './figures.ts';
import { FIGURES as DEMO, measureDemoApply } from './measures/demo-apply.ts';
import { FIGURES as DOCTOR, measureDoctor } from './measures/doctor.ts';
import { FIGURES as FLEET, measureFleet } from './measures/fleet.ts';
import { FIGURES as DRAIN, measureDrain } from './measures/fleet-drain.ts';
import { FIGURES as PLANS, measurePlans, planInstances } from './measures/fleet-plans.ts';
import { FIGURES as RETURN, measureNodeReturn } from './measures/node-return.ts';
import { FIGURES as MIGRATE_SIZE, measureMigrateSize } from './measures/migrate-size.ts';
import { FIGURES as POWERSHELL, measurePowerShell } from './measures/powershell.ts';
import { FIGURES as SIZES, measureSizes } from './measures/powershell-size.ts';
import { FIGURES as QUIET, measureQuietCluster } from './measures/quiet-cluster.ts';
import { tableOf } from './table.ts';

/** For measuring; ending everything takes some seconds more. */
const LIMIT_MS = { full: 295_000, quick: 55_000, fleet: 900_000 };

/** The clusters' figures; those of PowerShell have other sides. */
const figures: Figure[] = [QUIET, RETURN, DOCTOR, DEMO].flatMap((group) =>
  Object.values<Figure>(group),
);

/** Many moves on one cluster, for whoever asks: they take minutes of simulated time that cannot be hurried. */
const OF_FLEET = [measurePlans, measureDrain, measureFleet];
const FIGURES_OF_FLEET = [PLANS, DRAIN, FLEET].flatMap((group) => Object.values<Figure>(group));

/** The demo last: its second side is left out when time is short. */
const BEFORE_POWERSHELL = [measureQuietCluster, measureNodeReturn, measureDoctor];
const AFTER_POWERSHELL = [measureDemoApply];

interface Wanted {
  quick: boolean;
  /** Each of these: nothing else. */
  powershell: boolean;
  fleet: boolean;
}

interface Measured {
  cliVersion: string | null;
  seconds: number;
  problems: string[];
  /** Why PowerShell was not measured; null when it was. */
  noPowerShell: string | null;
}

type Measure = () => Promise<void>;

async function measureAll(wanted: Wanted, say: (line: string) => void): Promise<Measured> {
  const startedAt = Date.now();
  const { quick, powershell: isShellsOnly, fleet } = wanted;
  const deadline = new Deadline(LIMIT_MS[quick ? 'quick' : fleet ? 'fleet' : 'full']);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'watari-bench-'));
  const sides: Side[] = [];
  const programs = new Programs();
  const problems: string[] = [];
  let cliVersion: string | null = null;
  let noPowerShell: string | null = quick
    ? 'a quick run does without it'
    : fleet
      ? 'only the fleet was asked for'
      : null;
  const interrupted = whenInterrupted();
  try {
    const powershell: Measure = async () => {
      noPowerShell = await measurePowerShell({ folder, say });
    };
    const startServers = async (): Promise<Bench> => {
      const cli = await findCli(say);
      cliVersion = cli.version;
      const tuned = await startTuned(cli.path, folder);
      sides.push(tuned);
      // Sizes are compared with nothing.
      if (!quick && !isShellsOnly && !fleet) sides.push(await startPlain(cli.path, folder));
      return { sides, tuned, quick, folder, programs, deadline, say };
    };
    const sizes: Measure = async () => {
      noPowerShell = await measureSizes({ folder, say });
      if (noPowerShell === null) await measureMigrateSize(await startServers());
    };
    // Minutes of waiting for what calls cost: for whoever asks.
    const measures: Measure[] =
      quick || fleet ? [] : isShellsOnly ? [powershell, sizes] : [powershell];
    if (fleet) {
      const bench = await startServers();
      measures.push(...OF_FLEET.map((measure) => () => measure(bench)));
    } else if (!isShellsOnly) {
      const bench = await startServers();
      measures.unshift(...BEFORE_POWERSHELL.map((measure) => () => measure(bench)));
      measures.push(...AFTER_POWERSHELL.map((measure) => () => measure(bench)));
    }
    for (const measure of measures) {
      try {
        await Promise.race([deadline.guard(measure()), interrupted]);
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
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  return { cliVersion, seconds, problems, noPowerShell };
}

/** The same for programs, with the names that the sides have here. */
const shellFigure = ({ tuned, plain, plainToTuned, ...rest }: FigureResult) => ({
  ...rest,
  warm: tuned,
  fresh: plain,
  freshToWarm: plainToTuned,
});

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    powershell: { type: 'boolean' },
    fleet: { type: 'boolean' },
    instances: { type: 'string' },
  },
});
if (options.instances !== undefined) {
  process.stdout.write(`${planInstances(options.instances).join('\n')}\n`);
  process.exit(0);
}
const fleet = options.fleet === true;
const only = options.powershell === true && !fleet;
// A quick run leaves PowerShell out; asked for by name, it is measured.
const quick = options.quick === true && !only && !fleet;
const before = machineReport();
const measured = await measureAll({ quick, powershell: only, fleet }, (line) => {
  process.stderr.write(`${String(Math.round(performance.now() / 1000)).padStart(3)} s  ${line}\n`);
});
const machine = { ...before, temporalCli: measured.cliVersion };
const results = only ? [] : (fleet ? FIGURES_OF_FLEET : figures).map(resultOf);
const { seconds, problems, noPowerShell } = measured;
const shells = [
  ...Object.values<Figure>(POWERSHELL),
  ...(only ? [SIZES, MIGRATE_SIZE].flatMap((group) => Object.values<Figure>(group)) : []),
].map(resultOf);
const date = new Date().toISOString().slice(0, 10);
if (options.json === true) {
  const powershell = noPowerShell === null ? shells.map(shellFigure) : [];
  const report = { date, machine, seconds, figures: results, powershell, noPowerShell, problems };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} else {
  const clusters = [
    '',
    ...tableOf(results),
    '',
    "tuned: the server as watari starts it; plain: the same with Temporal's default settings.",
  ];
  const powershell = [
    '',
    ...tableOf(shells, { tuned: 'warm', plain: 'fresh' }),
    '',
    'p50, p95, max and warm: through a shell that is kept; fresh: a new PowerShell for each call.',
  ];
  const lines = [
    ...(only ? [] : clusters),
    ...(noPowerShell === null ? powershell : [`PowerShell was not measured: ${noPowerShell}`]),
    ...machineLines(machine),
    `${date}, ${seconds} s${quick ? ', quick: few values, nothing to compare with' : ''}`,
    ...problems.map((problem) => `STOPPED EARLY  ${problem}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
// A slow machine is no failure; a figure that could not be taken is one. Ended here: a measure that ran out of time may
// still wait for something.
process.exit(problems.length === 0 ? 0 : 1);
