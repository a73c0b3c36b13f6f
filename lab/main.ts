// The lab's own program: `start` runs a scenario as a process, the other commands talk to one that runs. The only
// place in lab/ that knows the real time, the terminal and signals.
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { readPowerShellPlaces } from '../config/powershell-environment.ts';
import { findEngine } from '../hyperv/powershell/engine.ts';
import { scaledClock } from './machine/clock.ts';
import { Lab } from './machine/lab.ts';
import type { LabState } from './machine/state.ts';
import { generateModules } from './powershell/generate.ts';
import { standInPath, standInsToLoad } from './powershell/stand-ins.ts';
import { EXIT, Failure, report } from './report.ts';
import { loadScenario } from './scenario/read.ts';
import { startLabServer } from './server.ts';
import { showState } from './show.ts';
import { startWorkers, type Workers } from './workers.ts';

/** Asked here and not of commander: what it fails at may be the command itself. */
const JSON_ASKED = process.argv.includes('--json');
const DEFAULT_PORT = 7400;
const DEFAULT_URL = `http://127.0.0.1:${DEFAULT_PORT}`;
const DEFAULT_LOG_DIR = '.watari/lab';
/** In place of a folder, as for other programs: where we write ourselves. */
const STANDARD_OUTPUT = '-';
const DEMO_SCENARIO = fileURLToPath(
  // Compiled code lies one folder deeper than the sources and their scenarios.
  new URL(
    import.meta.url.endsWith('.ts') ? './scenarios/demo.yaml' : '../../lab/scenarios/demo.yaml',
    import.meta.url,
  ),
);

interface StartOptions {
  scenario: string;
  port: number;
  host: string;
  name: string[];
  speed?: number;
  /** true: every node has one. */
  workers: boolean | string[];
  powershell: boolean;
  logDir: string;
  owned: boolean;
  json: boolean;
}

async function start(o: StartOptions): Promise<void> {
  const scenario = loadScenario(o.scenario);
  const modules = o.powershell ? modulesForWorkers(o) : null;
  const speed = o.speed ?? scenario.speed;
  const epoch = scenario.start === undefined ? undefined : Date.parse(scenario.start);
  const clock = scaledClock(speed, Date.now, epoch);
  const lab = new Lab(scenario, clock);
  const stopping = new AbortController();
  const stop = (): void => {
    stopping.abort();
  };
  const served: { workers?: Workers } = {};
  const server = await startLabServer(lab, {
    port: o.port,
    host: o.host,
    names: o.name,
    clock,
    onStop: stop,
    workers: () => served.workers,
  }).catch((error: unknown) => {
    throw cannotListen(o, error);
  });
  // Workers of this process reach it on the loopback interface, whatever else it listens on.
  const url = o.host === '0.0.0.0' ? server.url.replace('0.0.0.0', '127.0.0.1') : server.url;
  if (o.workers)
    served.workers = startWorkers({
      lab,
      cluster: scenario.cluster,
      url,
      logs: o.logDir === STANDARD_OUTPUT ? sayLine : o.logDir,
      ...(o.workers !== true && { nodes: o.workers }),
      ...(modules !== null && { modules }),
    });
  const line = `Lab ${scenario.cluster}: ${url}, ${scenario.nodes.length} nodes, ${speed} simulated seconds per second.`;
  process.stdout.write(`${o.json ? JSON.stringify({ url, pid: process.pid }) : line}\n`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  if (o.owned) {
    process.stdin.on('end', stop).on('close', stop).on('error', stop).resume();
  }
  await new Promise<void>((resolve) => {
    stopping.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  await served.workers?.stop();
  await server.close();
  // An owner's pipe that is still open would keep this process.
  process.stdin.destroy();
}

const sayLine = (node: string, line: string): void => {
  process.stdout.write(`${node} ${line}\n`);
};

/** Stand-ins of the Windows modules, and a PowerShell that can run them. */
function modulesForWorkers(o: StartOptions): string {
  if (o.workers === false)
    throw new Failure(
      'Usage',
      '--powershell says how workers speak to the lab: add --workers.',
      'For a PowerShell of your own: watari lab modules.',
      EXIT.badInput,
    );
  findEngine(readPowerShellPlaces());
  const beside = o.logDir === STANDARD_OUTPUT ? DEFAULT_LOG_DIR : o.logDir;
  const folder = path.resolve(beside, 'modules');
  generateModules(folder);
  return folder;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function writeModules({ out, url }: { out: string; url: string }): void {
  const folder = path.resolve(out);
  const names = generateModules(folder);
  const lines = [
    `${names.length} modules in ${folder}. In a PowerShell of one node, before anything else:`,
    `  $env:PSModulePath = ${quoted(standInPath(folder))}; $env:LAB_URL = ${quoted(url)}; $env:LAB_NODE = 'HV1'`,
    `  Import-Module ${standInsToLoad(folder).map(quoted).join(', ')}`,
  ];
  const text = JSON_ASKED ? JSON.stringify({ folder, modules: names }) : lines.join('\n');
  process.stdout.write(`${text}\n`);
}

function cannotListen(o: StartOptions, error: unknown): Failure {
  const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const taken = why === 'EADDRINUSE';
  return new Failure(
    taken ? 'PortTaken' : 'LabNotStarted',
    `The lab cannot listen on ${o.host}:${o.port} (${why}).`,
    taken
      ? 'Another process listens there: end it, or give --port 0 for any free port.'
      : 'Give another --port or --host.',
    EXIT.failed,
  );
}

async function request(url: string, path: string, body?: object): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL(path, url), {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    const next = 'Start one with: watari lab start, or name it with --url.';
    throw new Failure('LabUnreachable', `No lab answers at ${url}.`, next, EXIT.failed);
  }
  const answer = (await response.json()) as { error?: { message: string } };
  if (!response.ok)
    throw new Failure(
      'BadInput',
      answer.error?.message ?? `HTTP ${response.status}`,
      '',
      EXIT.badInput,
    );
  return answer;
}

async function control(url: string, body: object, done: string, idle: string): Promise<void> {
  const { changed } = (await request(url, '/control', body)) as { changed: boolean };
  const text = changed ? done : idle;
  process.stdout.write(`${JSON_ASKED ? JSON.stringify({ changed }) : text}\n`);
}

const portNumber = (text: string): number => {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
};

const speedNumber = (text: string): number => {
  const speed = Number(text);
  if (speed > 0 && speed <= 10_000) return speed;
  throw new InvalidArgumentError('A speed is a number above 0, at most 10000.');
};

const collect = (value: string, before: string[]): string[] => [...before, value];

function program(): Command {
  const lab = new Command('watari lab')
    .description('a simulated Hyper-V cluster to try watari on')
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        if (!JSON_ASKED) process.stderr.write(text);
      },
    });
  lab
    .command('start')
    .description('run a scenario until it is stopped')
    .option('-s, --scenario <file>', 'scenario file', DEMO_SCENARIO)
    .option('-p, --port <number>', 'port; 0 for any free one', portNumber, DEFAULT_PORT)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--name <name>', 'further host name that clients may use', collect, [])
    .option('--speed <number>', 'simulated seconds per second', speedNumber)
    .option(
      '--workers [nodes...]',
      'run a watari worker process for each node, or for these',
      false,
    )
    .option(
      '--powershell',
      'workers run the real PowerShell on stand-ins of the Windows modules',
      false,
    )
    .option('--log-dir <folder>', 'logs of the workers; -: standard output', DEFAULT_LOG_DIR)
    .option('--owned', 'stop when standard input ends', false)
    .option('--json', 'print url and pid as one line of JSON', false)
    .addHelpText('after', '\nExample:\n  watari lab start --scenario my-cluster.yaml --speed 60')
    .action(start);
  lab
    .command('show')
    .description('nodes, VMs, migrations and faults of a running lab')
    .option('--url <url>', 'address of the lab', DEFAULT_URL)
    .option('--json', 'everything as JSON', false)
    .addHelpText('after', '\nExample:\n  watari lab show --url http://127.0.0.1:7400')
    .action(async (o: { url: string; json: boolean }) => {
      const state = (await request(o.url, '/state')) as LabState;
      process.stdout.write(`${o.json ? JSON.stringify(state, null, 2) : showState(state)}\n`);
    });
  const power: Record<string, [string, string, string]> = {
    'power-on': ['switch a node on', 'boots now', 'is on already'],
    'power-off': ['pull the plug of a node', 'is off now', 'is off already'],
    crash: ['let a node crash; it boots by itself', 'has crashed', 'is off, so it cannot crash'],
  };
  for (const [action, [what, done, idle]] of Object.entries(power))
    lab
      .command(action)
      .description(what)
      .argument('<node>')
      .option('--url <url>', 'address of the lab', DEFAULT_URL)
      .option('--json', 'what came of it, as JSON', false)
      .addHelpText('after', `\nExample:\n  watari lab ${action} HV1`)
      .action((node: string, o: { url: string }) =>
        control(o.url, { action, node }, `${node} ${done}.`, `${node} ${idle}.`),
      );
  lab
    .command('modules')
    .description('write stand-ins of the Windows modules, for a PowerShell of your own')
    .requiredOption('--out <folder>', 'where to put them')
    .option('--url <url>', 'address of the lab', DEFAULT_URL)
    .option('--json', 'what came of it, as JSON', false)
    .addHelpText('after', '\nExample:\n  watari lab modules --out stand-ins')
    .action(writeModules);
  lab
    .command('clear-faults')
    .description('let no fault of the scenario strike any more')
    .option('--url <url>', 'address of the lab', DEFAULT_URL)
    .option('--json', 'what came of it, as JSON', false)
    .action((o: { url: string }) =>
      control(o.url, { action: 'clear-faults' }, 'No fault is left.', 'There was none.'),
    );
  return lab;
}

try {
  await program().parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error, JSON_ASKED);
}
