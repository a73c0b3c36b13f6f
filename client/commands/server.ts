// `watari server start`: the embedded Temporal server, in the foreground.
import process from 'node:process';
import { InvalidArgumentError, type Command } from 'commander';
import { finish, type Context } from '../context.ts';
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
    .option('--db <file>', 'SQLite file (default: in the data folder)')
    .option('--port <port>', 'port of the server; 0 picks one', portNumber, SERVER_DEFAULTS.port)
    .option('--ui-port <port>', 'port of the UI (default: 1000 more)', portNumber)
    .option('--ip <address>', 'address to listen on', SERVER_DEFAULTS.ip)
    .option('--fast', 'do not wait for the disk: survives a crash, not a power cut')
    .option('--owned', 'end when standard input ends')
    .action((o: ServerOptions) => runServer(context(), o));
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
