// `watari codec start|new-key`: keys for payload encryption, and the server through which the Temporal UI reads what
// they encrypted.
import type { Command } from 'commander';
import { newKeyLine } from '../../config/temporal/keys.ts';
import { startCodecServer } from '../temporal/codec-server.ts';
import { PLAIN } from '../temporal/connection.ts';
import { finish, talk, type Context } from '../context.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { uiLinks } from '../temporal/ui-links.ts';
import { interruptible, leaf, type ContextSource, type JsonOption } from './leaf.ts';
import { portNumber } from './server.ts';

interface CodecOptions extends JsonOption {
  port: number;
  ip: string;
  origin?: string;
}

/** Above the UI's 8233, as that is above the server's 7233. */
const PORT = 8234;

export function addCodecCommands(program: Command, context: ContextSource): void {
  const codec = program.command('codec').description('encryption of what runs carry');
  leaf(codec, 'start', 'let the Temporal UI here read encrypted runs, until it is stopped', [
    'watari codec start',
    'watari codec start --origin https://temporal-ui.branch.example',
  ])
    .option('--port <port>', 'port to listen on; 0 picks one', portNumber, PORT)
    .option('--ip <address>', 'address to listen on', '127.0.0.1')
    .option('--origin <url>', 'the UI that may call it (default: the UI beside the server)')
    .action((o: CodecOptions) => runCodec(context(), o));
  leaf(codec, 'new-key', 'print a new key for WATARI_ENCRYPTION_KEY_FILE', [
    'watari codec new-key > watari.key',
  ]).action((o: JsonOption) => {
    const line = newKeyLine();
    const out = talk(context().terminal, o.json === true);
    if (out.json) out.result({ key: line });
    else out.say([line]);
  });
}

async function runCodec(ctx: Context, o: CodecOptions): Promise<void> {
  const target = ctx.temporalTarget();
  const { dataConverter, encrypted } = { ...PLAIN, ...target };
  const [codec] = dataConverter.payloadCodecs ?? [];
  if (codec === undefined || !encrypted) {
    throw badInput(
      'there is no key, so there is nothing to decrypt with',
      'Set WATARI_ENCRYPTION_KEY_FILE (or WATARI_ENCRYPTION_KEY), as for the workers.',
      'NoEncryptionKey',
    );
  }
  const { address } = target.connectionOptions;
  const links = uiLinks({ address, namespace: target.namespace, uiBase: target.uiBase });
  const origins =
    o.origin === undefined ? originsOf(links.needsOperator) : [checkedOrigin(o.origin)];
  const server = await startCodecServer({ codec, ip: o.ip, port: o.port, origins }).catch(
    (err: unknown) => {
      throw notListening(o, err);
    },
  );
  const out = talk(ctx.terminal, o.json === true);
  out.result({ url: server.url, origins });
  out.say([
    `Codec server ${server.url}, for the UI at ${origins.join(' and ')}`,
    'In the UI: the glasses in the upper right corner, "Use my browser\'s setting", this address.',
    `For the temporal command:  --codec-endpoint ${server.url}`,
    ...(/^(127\.|::1$)/.test(o.ip)
      ? []
      : [
          `Whoever reaches ${o.ip}:${o.port} can read every run: let the firewall pass the UI's users alone.`,
        ]),
    'Ctrl+C stops it',
  ]);
  await interruptible(ctx, (signal) => aborted(signal));
  await server.close();
  finish(EXIT.done);
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

/** The UI answers by both names of the loopback, and a browser takes them for two. */
function originsOf(link: string): string[] {
  const { protocol, hostname, port, origin } = new URL(link);
  if (hostname !== '127.0.0.1' && hostname !== 'localhost') return [origin];
  return ['127.0.0.1', 'localhost'].map((host) => `${protocol}//${host}:${port}`);
}

function checkedOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin;
  throw badInput(
    `--origin ${JSON.stringify(text)} is not the address of a web page`,
    'Example:  --origin https://temporal-ui.branch.example',
  );
}

function notListening(o: CodecOptions, err: unknown): ClientError {
  const code = err instanceof Error && 'code' in err ? String(err.code) : String(err);
  return new ClientError({
    code: 'PortTaken',
    message: `Port ${o.port} on ${o.ip}, meant for the codec server, cannot be used (${code})`,
    hint: 'Choose another one with --port.',
    exitCode: EXIT.failed,
    cause: err,
  });
}
