// `watari tls init`: certificates for the Temporal server, the nodes and the people who steer them.
import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { talk, type Context } from '../context.ts';
import { badInput } from '../errors.ts';
import { makeTlsFolder, serverThere, writeFile } from '../tls/folder.ts';
import { instructions, profileToml } from '../tls/instructions.ts';
import { checkedClient, checkedServerName } from '../tls/names.ts';
import { leaf, type ContextSource, type JsonOption } from './leaf.ts';

interface TlsOptions extends JsonOption {
  out: string;
  server: string[];
  client: string[];
  days: number;
}

/** Renewing means to go to every computer: not too often. Apple's and browsers' limit for a server, too. */
const LEAF_DAYS = 825;
const DAYS_MAX = 3650;

function dayCount(text: string): number {
  const days = Number(text);
  if (/^\d+$/.test(text) && days >= 1 && days <= DAYS_MAX) return days;
  throw new InvalidArgumentError(`Days are a whole number from 1 to ${DAYS_MAX}.`);
}

/** `--server a,b --server c` and `--client a b` alike. */
const collect = (text: string, before: readonly string[]): string[] => [
  ...before,
  ...text.split(',').map((part) => part.trim()),
];

export function addTlsCommands(program: Command, context: ContextSource): void {
  const tls = program.command('tls').description('certificates for the way to Temporal');
  leaf(tls, 'init', 'make a local authority and certificates, or renew those that are there', [
    'watari tls init --out tls --server temporal.branch.example,temporal,10.0.0.5 --client HV1,HV2,ito',
    'watari tls init --out tls --client HV3',
    'watari tls init --out tls',
  ])
    .requiredOption('--out <folder>', 'where they lie; an authority that is there is kept')
    .option('--server <names>', 'how the server is called: names and addresses', collect, [])
    .option('--client <names>', 'a certificate for each node and each person', collect, [])
    .option('--days <days>', 'how long server and clients are valid', dayCount, LEAF_DAYS)
    .action((o: TlsOptions) => runTlsInit(context(), o));
}

export async function runTlsInit(ctx: Context, o: TlsOptions): Promise<void> {
  if (o.out.trim() === '') throw badInput('--out is empty', 'Name a folder:  --out tls');
  const out = path.resolve(ctx.cwd, o.out);
  const serverNames = o.server.map(checkedServerName);
  const clients = o.client.map(checkedClient);
  // Loaded here alone: no other command should pay 0.3 s for it.
  const maker = await import('../tls/certificates.ts');
  const made = await makeTlsFolder(
    { out, serverNames, clients, days: o.days, now: ctx.clock.now() },
    maker,
  );
  const [serverName = ''] = serverThere(path.join(out, 'server'));
  for (const { kind, folder } of made) {
    if (kind === 'client') {
      writeFile(path.join(folder, 'temporal.toml'), profileToml(serverName), 0o644);
    }
  }
  const said = talk(ctx.terminal, o.json === true);
  said.result({ folder: out, certificates: made });
  said.say(instructions(made, ctx.places.platform));
}
