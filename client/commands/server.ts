// `watari server start|backup|restore`: the embedded Temporal server in the foreground, and its database.
import path from 'node:path';
import process from 'node:process';
import { InvalidArgumentError, type Command } from 'commander';
import { sizeText } from '../../domain/units.ts';
import { finish, talk, type Context } from '../context.ts';
import { backupDatabase, restoreDatabase, snapshotOfThisNode } from '../temporal-server/backup.ts';
import { runServerStart, SERVER_DEFAULTS } from '../temporal-server/server-command.ts';
import { leaf, type ContextSource, type JsonOption } from './leaf.ts';

interface ServerOptions extends JsonOption {
  db?: string;
  port: number;
  uiPort?: number;
  ip: string;
  owned?: boolean;
  fast?: boolean;
}

interface DatabaseOptions extends JsonOption {
  db?: string;
}

interface RestoreOptions extends DatabaseOptions {
  workersStopped?: boolean;
}

const DB = ['--db <file>', 'SQLite file (default: in the data folder)'] as const;

export function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new InvalidArgumentError('A port is a number from 0 (any free one) to 65535.');
}

export function addServerCommand(program: Command, context: ContextSource): void {
  const server = program.command('server').description('the embedded Temporal server');
  leaf(server, 'start', 'run a Temporal server with its UI here, until it is stopped', [
    'watari server start',
    'watari server start --db D:\\watari\\temporal.db --ip 0.0.0.0',
  ])
    .option(...DB)
    .option('--port <port>', 'port of the server; 0 picks one', portNumber, SERVER_DEFAULTS.port)
    .option('--ui-port <port>', 'port of the UI (default: 1000 more)', portNumber)
    .option('--ip <address>', 'address to listen on', SERVER_DEFAULTS.ip)
    .option('--fast', 'do not wait for the disk: survives a crash, not a power cut')
    .option('--owned', 'end when standard input ends')
    .action((o: ServerOptions) => runServer(context(), o));
  leaf(server, 'backup <file>', 'copy the database of the embedded server, also while it runs', [
    'watari server backup D:\\backup\\temporal-2026-11-24.db',
  ])
    .option(...DB)
    .action((file: string, o: DatabaseOptions) => runBackup(context(), file, o));
  leaf(server, 'restore <file>', 'put a backup in the place of the database', [
    'watari server restore D:\\backup\\temporal-2026-11-24.db --workers-stopped',
  ])
    .option(...DB)
    .option('--workers-stopped', 'every worker is stopped, on every node')
    .action((file: string, o: RestoreOptions) => runRestore(context(), file, o));
}

const databaseOf = (ctx: Context, o: DatabaseOptions): string =>
  path.resolve(ctx.cwd, o.db ?? path.join(ctx.places.dataDir, 'temporal.db'));

async function runBackup(ctx: Context, file: string, o: DatabaseOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const database = databaseOf(ctx, o);
  const to = path.resolve(ctx.cwd, file);
  const made = await backupDatabase(database, to, snapshotOfThisNode());
  out.result({ database, ...made });
  if (out.json) return;
  const size = sizeText(made.bytes);
  out.say([
    `Backed up ${database}: ${made.files.join(' and ')}, ${size}`,
    ...(made.files.length > 1
      ? ['Keep both files together: the second has the newest commits.']
      : []),
  ]);
}

async function runRestore(ctx: Context, file: string, o: RestoreOptions): Promise<void> {
  const out = talk(ctx.terminal, o.json === true);
  const stamp = ctx.clock.now().toISOString().replace(/[-:]/g, '').slice(0, 15);
  const restored = await restoreDatabase(databaseOf(ctx, o), path.resolve(ctx.cwd, file), {
    stamp,
    workersStopped: o.workersStopped === true,
  });
  out.result(restored);
  if (out.json) return;
  out.say([
    `Restored ${restored.database}`,
    ...restored.kept.map((kept) => `What was there before: ${kept}`),
    'Now start the server:  watari server start',
    'and then the workers. Runs go on from the older state and find done what was done since.',
  ]);
}

async function runServer(ctx: Context, o: ServerOptions): Promise<void> {
  const { stdout, stderr } = ctx.terminal;
  const code = await runServerStart(
    {
      db: o.db,
      port: o.port,
      uiPort: o.uiPort,
      ip: o.ip,
      owned: o.owned === true,
      fast: o.fast === true,
      json: o.json === true,
    },
    {
      ...ctx.places,
      say: (line) => stderr.write(`${line}\n`),
      print: (line) => stdout.write(`${line}\n`),
      stdin: process.stdin,
    },
  );
  finish(code);
}
