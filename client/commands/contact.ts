// `watari worker contact` and `watari contact compare`: what the Windows of a node is made of, in a file without any
// value, and in what that differs from what watari stands on. Reads only; needs no Temporal.
import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { readPowerShellPlaces } from '../../config/powershell-environment.ts';
import type { Difference } from '../../hyperv/powershell/contact-compare.ts';
import type { Contact } from '../../hyperv/powershell/contact.ts';
import { EngineProblem, findEngine } from '../../hyperv/powershell/engine.ts';
import { finish, talk, type Context } from '../context.ts';
import { badInput, ClientError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { shellWord } from '../words.ts';
import { leaf, type ContextSource, type JsonOption } from './leaf.ts';

const FILE = 'watari-contact.json';

interface ContactOption extends JsonOption {
  out?: string;
}

/** What the command reaches for; a test hands in its own. */
export interface ContactMaker {
  make: (file: string) => Promise<Contact>;
  /** Of Temporal's SDK: `loads`, or the code of the error. */
  nativePart: () => Promise<string>;
}

export function addContactCommands(program: Command, context: ContextSource): void {
  const contact = program.command('contact').description('the first contact with a real Windows');
  leaf(contact, 'compare', 'hold a file of `worker contact` against what watari stands on', [
    'watari contact compare watari-contact.json',
  ])
    .argument('<file>', 'what `watari worker contact` or Test-WatariContact wrote')
    .action((file: string, o: JsonOption) => compareFile(context(), file, o));
}

/** Below `watari worker`, as it is about this computer. */
export function addWorkerContact(worker: Command, context: ContextSource): void {
  leaf(worker, 'contact', 'what the Windows of this node is made of, without any value of it', [
    'watari worker contact',
    'watari worker contact --out contact-1.json',
  ])
    .option('--out <file>', `the file to write (default: ${FILE})`)
    .action((o: ContactOption) => contactNode(context(), o));
}

export async function contactNode(
  ctx: Context,
  o: ContactOption,
  maker: ContactMaker = windowsMaker(ctx),
): Promise<void> {
  const said = talk(ctx.terminal, o.json === true);
  const file = path.resolve(ctx.cwd, o.out ?? FILE);
  said.say([
    'Reads what watari reads on this node, changes nothing and signs in nowhere. Get-WindowsFeature and the search for updates take minutes.',
  ]);
  const contact = { ...(await maker.make(file)), nativePart: await maker.nativePart() };
  fs.writeFileSync(file, `${JSON.stringify(contact, null, 2)}\n`);
  const failed = contact.operations.filter((one) => !one.answered).map((one) => one.operation);
  said.result({ file, operations: contact.operations.length, failed });
  said.say([
    `${file}: ${contact.operations.length} readings${failed.length === 0 ? '' : `, without an answer: ${failed.join('; ')}`}.`,
    'It holds types, names of properties, ids of errors and durations, and no name, address or other value.',
    `What differs from what watari expects:  watari contact compare ${shellWord(path.relative(ctx.cwd, file))}`,
  ]);
}

function windowsMaker(ctx: Context): ContactMaker {
  if (ctx.places.platform !== 'win32') {
    throw badInput(
      `this computer runs ${ctx.places.platform}; the contact is with the Windows of a node`,
      'Run it on a node.',
      'WindowsOnly',
    );
  }
  return { make: makeHere, nativePart: tryHere };
}

async function makeHere(file: string): Promise<Contact> {
  // What drives PowerShell is loaded here alone: no other command should pay for it.
  const { makeContact, NoContact } = await import('../../hyperv/powershell/contact.ts');
  const { UnknownOutcome } = await import('../../hyperv/powershell/shell.ts');
  try {
    return await makeContact({ engine: findEngine(readPowerShellPlaces()), file });
  } catch (cause) {
    if (cause instanceof EngineProblem) {
      const hint = 'See "When it does not start" in docs/powershell.md.';
      const { message } = cause;
      throw new ClientError({
        code: 'PowerShellUnavailable',
        message,
        hint,
        exitCode: EXIT.failed,
        cause,
      });
    }
    if (!(cause instanceof UnknownOutcome || cause instanceof NoContact)) throw cause;
    throw new ClientError({
      code: 'ContactUnfinished',
      message: `the readings did not come to an end: ${cause.message}`,
      hint: `What was read until then is in ${file}, if it is there; it can be compared and sent all the same.`,
      exitCode: EXIT.failed,
      cause,
    });
  }
}

async function tryHere(): Promise<string> {
  const { tryNativePart } = await import('../service/native-part.ts');
  try {
    await tryNativePart({ program: process.execPath });
    return 'loads';
  } catch (err) {
    if (err instanceof ClientError) return err.code;
    throw err;
  }
}

export async function compareFile(ctx: Context, name: string, o: JsonOption): Promise<void> {
  const said = talk(ctx.terminal, o.json === true);
  const file = path.resolve(ctx.cwd, name);
  const { readContact, NoContact } = await import('../../hyperv/powershell/contact.ts');
  const { compareContact } = await import('../../hyperv/powershell/contact-compare.ts');
  let contact: Contact;
  try {
    contact = readContact(fs.readFileSync(file, 'utf8'));
  } catch (err) {
    if (err instanceof NoContact) {
      throw badInput(
        `${file} is no file of a first contact: ${err.message}`,
        'Make one on a node:  watari worker contact',
      );
    }
    throw badInput(`${file} cannot be read: ${err instanceof Error ? err.message : String(err)}`);
  }
  const differences = compareContact(contact);
  const matter = differences.filter((one) => one.matters);
  said.result({ file, matter: matter.length, differences });
  said.say(comparisonLines(contact, differences));
  finish(matter.length === 0 ? EXIT.done : EXIT.failed);
}

function comparisonLines(contact: Contact, differences: readonly Difference[]): string[] {
  const matter = differences.filter((one) => one.matters);
  const rest = differences.filter((one) => !one.matters);
  const linesOf = (one: Difference): string[] => [
    `  ${one.about}`,
    `    expected: ${one.expected}`,
    `    there:    ${one.seen}`,
    ...(one.operations.length === 0 ? [] : [`    touches:  ${one.operations.join(', ')}`]),
  ];
  const { powershell, build } = contact;
  return [
    `Windows build ${build}, PowerShell ${powershell.version} ${powershell.edition}, ${contact.operations.length} readings.`,
    ...(rest.length === 0 ? [] : ['', 'Other than expected, and nothing stands on it:']),
    ...rest.flatMap(linesOf),
    '',
    ...(matter.length === 0
      ? ['Everything that watari stands on is as expected.']
      : [`Other than expected, and watari stands on it (${matter.length}):`]),
    ...matter.flatMap(linesOf),
  ];
}
