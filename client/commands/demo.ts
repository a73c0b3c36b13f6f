// `watari demo`: the whole product in one terminal. Starts a Temporal server, a simulated cluster and a worker per
// node, applies a cluster file to it, shows it, and leaves nothing behind unless it was asked to.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { runId } from '../../domain/names.ts';
import { finish, talk, type Context, type Talk } from '../context.ts';
import { startDemo, type Demo } from '../demo/start.ts';
import { stopKept } from '../demo/stop.ts';
import { forgetKept, labAnswers, readKept, serverAnswers, writeKept } from '../demo/kept.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { PACKAGE_ROOT } from '../package-root.ts';
import { applyAndWatch } from './cluster.ts';
import { concludeWatch } from '../watch.ts';
import { interruptible, leaf, type ContextSource, type JsonOption } from './leaf.ts';

interface DemoOptions extends JsonOption {
  scenario?: string;
  clusterFile?: string;
  speed?: number;
  powershell?: boolean;
  keep?: boolean;
  stop?: boolean;
}

function speedNumber(text: string): number {
  const speed = Number(text);
  if (Number.isFinite(speed) && speed > 0 && speed <= 1000) return speed;
  throw new InvalidArgumentError('Simulated seconds per second: more than 0, at most 1000.');
}

export function addDemoCommand(program: Command, context: ContextSource): void {
  leaf(program, 'demo', 'bare nodes to a proven live migration, on a simulated cluster', [
    'watari demo',
    'watari demo --keep',
    'watari demo --stop',
  ])
    .option('--scenario <file>', 'the simulated cluster (default: lab/scenarios/demo.yaml)')
    .option('--cluster-file <file>', 'what to make of it (default: beside the scenario)')
    .option('--speed <factor>', 'simulated seconds per second', speedNumber)
    .option('--powershell', 'let the real PowerShell run, on stand-ins of the Windows modules')
    .option('--keep', 'leave everything running afterwards')
    .option('--stop', 'end what an earlier --keep left running')
    .action((o: DemoOptions) => runDemo(context(), o));
}

async function runDemo(ctx: Context, o: DemoOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  if (o.stop === true) {
    finish(await stopCommand(ctx, out));
    return;
  }
  await refuseSecond(ctx);
  const files = demoFiles(ctx, o);
  const code = await interruptible(ctx, (signal) => demoRun(ctx, out, o, files, signal));
  finish(code);
}

interface DemoFiles {
  scenario: string;
  clusterFile: string;
}

export function demoFiles(ctx: { cwd: string }, o: DemoOptions): DemoFiles {
  const scenario =
    o.scenario === undefined
      ? path.join(PACKAGE_ROOT, 'lab', 'scenarios', 'demo.yaml')
      : path.resolve(ctx.cwd, o.scenario);
  if (!existsSync(scenario)) throw badInput(`there is no scenario file ${scenario}`);
  const beside = scenario.replace(/\.ya?ml$/i, '.cluster.yaml');
  const usual = path.join(PACKAGE_ROOT, 'lab', 'scenarios', 'demo.cluster.yaml');
  const clusterFile =
    o.clusterFile !== undefined
      ? path.resolve(ctx.cwd, o.clusterFile)
      : existsSync(beside)
        ? beside
        : usual;
  return { scenario, clusterFile };
}

async function refuseSecond(ctx: Context): Promise<void> {
  const kept = readKept(ctx.places.dataDir);
  if (kept === null) return;
  if (!(await labAnswers(kept.lab.url)) && !(await serverAnswers(kept.server.uiUrl))) {
    forgetKept(ctx.places.dataDir);
    return;
  }
  throw new ClientError({
    code: 'DemoRunning',
    message: `a demo is still running since ${kept.startedAt} (Temporal ${kept.server.address}, lab ${kept.lab.url})`,
    hint: `Look at it:  ${kept.server.uiUrl}\nEnd it:      watari demo --stop`,
    exitCode: EXIT.failed,
  });
}

async function stopCommand(ctx: Context, out: Talk): Promise<ExitCode> {
  const stopped = await stopKept(ctx);
  out.result({ stopped });
  if (out.json) return EXIT.done;
  out.say([stopped.length === 0 ? 'No demo is running.' : `Ended: ${stopped.join(', ')}.`]);
  return EXIT.done;
}

async function demoRun(
  ctx: Context,
  out: Talk,
  o: DemoOptions,
  files: DemoFiles,
  signal: AbortSignal,
): Promise<ExitCode> {
  const keep = o.keep === true;
  let demo: Demo | null = null;
  let left = false;
  try {
    demo = await startDemo(ctx, {
      ...files,
      speed: o.speed,
      powershell: o.powershell === true,
      keep,
      signal,
      say: (line) => {
        out.say([line]);
      },
    });
    if (demo === null) return EXIT.interrupted;
    out.say(['']);
    const { temporal, spec } = demo;
    const watched = await applyAndWatch(ctx, temporal, spec, { prove: true }, out, signal);
    if (watched.interrupted) return EXIT.interrupted;
    const code = concludeWatch(ctx, temporal, out, runId.apply(spec.cluster), watched);
    if (keep) {
      writeKept(ctx.places.dataDir, demo.note);
      demo.letGo();
      left = true;
      out.say(keptLines(demo, ctx));
    } else {
      await lookAround(ctx, out, demo, signal);
    }
    return code;
  } finally {
    if (demo !== null && !left) {
      out.say(['Ending the demo ...']);
      await demo.stop();
    }
    if (!left && signal.aborted) out.say(['Everything that the demo started has ended.']);
    await demo?.temporal.close();
  }
}

/** The links above lead nowhere once the server is gone, so on a terminal it stays until the reader has looked. */
async function lookAround(ctx: Context, out: Talk, demo: Demo, signal: AbortSignal): Promise<void> {
  if (!ctx.terminal.canAsk || out.json || out.stream.isTTY !== true) return;
  const ended = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
  out.say(['', `The Temporal UI is at ${demo.note.server.uiUrl} until you end this.`]);
  await Promise.race([ctx.terminal.ask('Press Enter to end the demo. ', signal), ended]);
  // Ctrl+C leaves the cursor behind the question.
  if (signal.aborted) out.say(['']);
}

function keptLines(demo: Demo, ctx: Context): string[] {
  const { server, lab, cluster, dir } = demo.note;
  const vm = demo.spec.prove[0] ?? demo.spec.virtualMachines[0]?.name ?? 'VM';
  const usual = server.address === '127.0.0.1:7233';
  const windows = ctx.places.platform === 'win32';
  const set = windows
    ? `$env:TEMPORAL_ADDRESS = "${server.address}"`
    : `export TEMPORAL_ADDRESS=${server.address}`;
  return [
    '',
    'Everything goes on running. Try, in any terminal ("watari" in a checkout: npm run watari --):',
    ...(usual ? [] : [`  ${set}`]),
    `  watari cluster show -c ${cluster}`,
    `  watari vm migrate ${vm} -c ${cluster}`,
    '  watari run list --all',
    `  watari lab show --url ${lab.url}`,
    `Temporal UI  ${server.uiUrl}`,
    `Logs         ${dir}`,
    'End it       watari demo --stop',
  ];
}
