// Commands that are processes of their own: a node's worker, the Temporal server, the lab.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { Command } from 'commander';
import { sameName } from '../../domain/names.ts';
import { checkedName, namedCluster } from '../cluster-name.ts';
import { PLAIN } from '../connection.ts';
import { finish, type Context } from '../context.ts';
import { badInput } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { LAB_PROGRAM } from '../package-root.ts';
import { leaf, type ContextSource } from './leaf.ts';

interface WorkerOptions {
  cluster?: string;
  file?: string;
  node?: string;
  lab?: string;
  allow?: string;
  readOnly?: boolean;
}

/** As in workers/policy.ts, which is loaded only when a worker starts. */
export const PERMISSIONS = 'moves,settings,features,restarts,vms,nodes';

export function addProcessCommands(program: Command, context: ContextSource): void {
  const worker = program.command('worker').description('the process that serves one node');
  leaf(worker, 'start', 'serve this computer as a node of the cluster, until it is stopped', [
    'watari worker start --cluster hv-lab',
    'watari worker start --cluster hv-lab --allow moves,nodes',
    'watari worker start --cluster hv-lab --node HV1 --lab http://127.0.0.1:7400',
  ])
    .option('-c, --cluster <name>', 'name of the cluster')
    .option('-f, --file <file>', 'take the name of the cluster from this file')
    .option('--node <node>', 'node to serve (default: the name of this computer)')
    .option('--lab <url>', 'serve a node of this lab instead of Windows')
    .option('--allow <list>', `what may be done here, of ${PERMISSIONS} (default: all)`)
    .option('--read-only', 'nothing may be done here, only looked at')
    .action((o: WorkerOptions) => runWorker(context(), o));
  addLab(program);
}

export async function runWorker(ctx: Context, o: WorkerOptions): Promise<void> {
  const cluster = namedCluster(ctx, o);
  if (cluster === null) {
    throw badInput(
      'a worker must know its cluster',
      'Give --cluster NAME, or --file cluster.yaml, or set WATARI_CLUSTER.',
      'ClusterNotNamed',
    );
  }
  const labbed = o.lab !== undefined || ctx.labUrl !== undefined;
  const node = workerNode(ctx.computer, o.node, labbed);
  const labUrl = o.lab === undefined ? ctx.labUrl : checkedUrl(o.lab);
  const connection = { ...PLAIN, ...ctx.temporalTarget() };
  // Loaded here alone: it brings the native part of Temporal, half a second that no other command should pay.
  const { startWorker, WorkerRefused } = await import('../../workers/node-worker.ts');
  try {
    await startWorker({
      cluster,
      node,
      ...(labUrl === undefined ? {} : { labUrl }),
      connection,
      policy: {
        ...(o.allow !== undefined && { allow: o.allow }),
        ...(o.readOnly !== undefined && { readOnly: o.readOnly }),
      },
      log: (line) => ctx.terminal.stderr.write(`${line}\n`),
    });
  } catch (err) {
    if (err instanceof WorkerRefused) throw badInput(err.message, '', 'WorkerRefused');
    throw err;
  }
}

/** Cmdlets act on the computer that they run on, so a worker under another name would act on the wrong node. */
export function workerNode(computer: string, given: string | undefined, labbed: boolean): string {
  // Windows cluster nodes go by the first label of the name.
  const own = computer.split('.')[0] ?? computer;
  const node = given === undefined ? own : checkedName('node', given);
  if (!labbed && !sameName(node, own)) {
    throw badInput(
      `this computer is ${own}, not ${node}: a worker can only serve the node that it runs on`,
      `Start it on ${node}, leave out --node, or give --lab URL to serve a simulated node.`,
      'NotThisNode',
    );
  }
  return node;
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/$/, '');
  throw badInput(
    `--lab ${JSON.stringify(text)} is not an http address`,
    'Example: --lab http://127.0.0.1:7400',
  );
}

function addLab(program: Command): void {
  program
    .command('lab')
    .description('the simulated cluster: start|show|power-on|power-off|crash|modules|clear-faults')
    .argument('[words...]', 'passed on to the lab')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action((words: string[]) => runLab(words));
}

/** The lab is a program of its own and no part of the client: it talks to the terminal by itself. */
async function runLab(words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [LAB_PROGRAM, ...words], { stdio: 'inherit' });
  // A terminal sends Ctrl+C to both, everybody else to us alone; being told twice does no harm. On Windows a signal to
  // a child is its sudden end, and consoles tell both there.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const pass = (signal: NodeJS.Signals): void => {
    if (process.platform !== 'win32') child.kill(signal);
  };
  for (const signal of signals) process.on(signal, pass);
  const [code] = (await once(child, 'exit')) as [number | null];
  for (const signal of signals) process.off(signal, pass);
  // The lab's exit codes are ours; without one it was ended by a signal.
  finish((code ?? EXIT.interrupted) as ExitCode);
}
