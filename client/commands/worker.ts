// `watari worker start`: the process that serves one node. How Windows runs it is in worker-service.ts.
import type { Command } from 'commander';
import { notifySettingsForWorker } from '../../config/notify-file.ts';
import { applySettingsFile, readServicePlaces } from '../../config/service-places.ts';
import { PLAIN } from '../temporal/connection.ts';
import type { Context } from '../context.ts';
import { badInput, errorText, Finished } from '../errors.ts';
import { asClientError } from '../foreign-errors.ts';
import { PERMISSIONS } from '../../hyperv/policy.ts';
import { workerCluster, workerNode } from './worker-options.ts';
import { addWorkerContact } from './contact.ts';
import { leaf, type ContextSource } from './leaf.ts';
import { addServiceCommands } from './worker-service.ts';

interface WorkerOptions {
  cluster?: string;
  file?: string;
  node?: string;
  lab?: string;
  allow?: string;
  readOnly?: boolean;
  settings?: string;
  logFolder?: string;
  stopFile?: string;
}

type Log = (line: string) => void;

export function addWorkerCommands(program: Command, context: ContextSource): void {
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
    .option('--allow <list>', `what may be done here, of ${PERMISSIONS.join(',')} (default: all)`)
    .option('--read-only', 'nothing may be done here, only looked at')
    .option('--settings <file>', 'TEMPORAL_ and WATARI_ variables, NAME=value, one a line')
    .option('--log-folder <folder>', 'write a log there too, of 50 MB at most')
    .option('--stop-file <file>', 'end in good order when this file is made')
    .action((o: WorkerOptions) => start(context, o));
  addServiceCommands(worker, context);
  addWorkerContact(worker, context);
}

/** A worker that Windows starts has nobody who reads standard error: its log must say why it did not start. */
async function start(context: ContextSource, o: WorkerOptions): Promise<void> {
  const folder = o.logFolder ?? readServicePlaces().logFolder;
  const toFile = folder === null ? null : await logFile(folder);
  // The monitor hears of what ends the process and changes nothing about it.
  process.on('uncaughtExceptionMonitor', (err) => toFile?.(String(err.stack ?? err)));
  try {
    if (o.settings !== undefined) applySettingsFile(o.settings);
    await runWorker(context(), o, toFile);
    toFile?.('ended');
  } catch (err) {
    if (!(err instanceof Finished)) toFile?.(errorText(asClientError(err)).trimEnd());
    throw err;
  }
}

async function logFile(folder: string): Promise<Log> {
  // Loaded here alone, as the worker is below.
  const { openLogFile } = await import('../../workers/log-file.ts');
  try {
    return openLogFile({ folder, now: () => new Date() });
  } catch (err) {
    throw badInput(
      `the log folder ${folder} cannot be used: ${err instanceof Error ? err.message : String(err)}`,
      'Name another one with --log-folder.',
    );
  }
}

async function runWorker(ctx: Context, o: WorkerOptions, toFile: Log | null): Promise<void> {
  const cluster = workerCluster(ctx, o);
  const labbed = o.lab !== undefined || ctx.labUrl !== undefined;
  const node = workerNode(ctx.computer, o.node, labbed);
  const labUrl = o.lab === undefined ? ctx.labUrl : checkedUrl(o.lab);
  const connection = { ...PLAIN, ...ctx.temporalTarget() };
  const log = (line: string): void => {
    toFile?.(line);
    ctx.terminal.stderr.write(`${line}\n`);
  };
  const notify = notifySettingsForWorker(log);
  // Loaded here alone: it brings the native part of Temporal, half a second that no other command should pay.
  const { startWorker } = await import('../../workers/node-worker.ts');
  const { WorkerRefused } = await import('../../workers/refused.ts');
  try {
    await startWorker({
      cluster,
      node,
      ...(labUrl === undefined ? {} : { labUrl }),
      ...(o.stopFile === undefined ? {} : { stopFile: o.stopFile }),
      connection,
      policy: {
        ...(o.allow !== undefined && { allow: o.allow }),
        ...(o.readOnly !== undefined && { readOnly: o.readOnly }),
      },
      ...(notify === undefined ? {} : { notify }),
      log,
    });
  } catch (err) {
    if (err instanceof WorkerRefused) throw badInput(err.message, '', 'WorkerRefused');
    throw err;
  }
}

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href.replace(/\/$/, '');
  throw badInput(
    `--lab ${JSON.stringify(text)} is not an http address`,
    'Example: --lab http://127.0.0.1:7400',
  );
}
