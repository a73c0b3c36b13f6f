// The file of a first contact (contact.ps1 writes it): what it holds, and how a worker's own shell is asked for it.
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import {
  powerShellEnvironment,
  readPowerShellPlaces,
} from '../../config/powershell-environment.ts';
import { Shell } from './shell.ts';
import { whyNot } from './reply.ts';

const errorSchema = z.object({
  /** `hidden` in place of what may be a value. */
  id: z.string(),
  category: z.string(),
  /** Kind of its text. */
  message: z.string(),
  chain: z.array(z.object({ type: z.string(), hresult: z.string() })),
});
const callSchema = z.object({
  /** Of the port, with what is special about it behind a comma; or a check of the kit. */
  operation: z.string(),
  /** As it stands in the module, with the names of variables. */
  call: z.string(),
  times: z.int(),
  rows: z.int(),
  ms: z.object({ first: z.number(), least: z.number(), median: z.number(), most: z.number() }),
  types: z.array(z.string()),
  errors: z.array(errorSchema),
});
const contactSchema = z.object({
  format: z.literal(1),
  /** false: something hung, and the file ends there. */
  whole: z.boolean(),
  powershell: z.object({
    version: z.string(),
    edition: z.string(),
    language: z.string(),
    is64Bit: z.boolean(),
    culture: z.string(),
  }),
  /** Of Windows: 26100 is Server 2025. */
  build: z.int(),
  operations: z.array(
    z.object({
      operation: z.string(),
      answered: z.boolean(),
      rows: z.int(),
      ms: z.array(z.number()),
      error: errorSchema.nullable(),
    }),
  ),
  calls: z.array(callSchema),
  types: z.record(
    z.string(),
    z.object({
      /** Property -> kinds of value that were seen. */
      properties: z.record(z.string(), z.array(z.string())),
      /** Properties whose names may be somebody's. */
      hidden: z.int(),
    }),
  ),
  events: z.array(z.object({ provider: z.string(), id: z.int(), fields: z.array(z.string()) })),
  checks: z.object({
    beginOfBoot: z.array(z.string()).optional(),
    vcruntime140: z.boolean().optional(),
  }),
  /** Added by `watari worker contact`: does Temporal's native part load, and the code of its error if not. */
  nativePart: z.string().optional(),
});
export type Contact = z.output<typeof contactSchema>;
export type ContactCall = z.output<typeof callSchema>;

/** The text is no file of a first contact. */
export class NoContact extends Error {}

export function readContact(text: string): Contact {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new NoContact('it is not JSON');
  }
  const read = contactSchema.safeParse(json);
  if (!read.success) throw new NoContact(whyNot(read.error));
  return read.data;
}

/** Get-WindowsFeature alone may take a quarter of an hour for its three. */
const CONTACT_MS = 60 * 60_000;
const START_MS = 90_000;

export interface ContactOptions {
  /** Absolute path of the executable, see findEngine. */
  engine: string;
  /** Where it writes, also while it goes on. */
  file: string;
  env?: Readonly<Record<string, string>>;
  loadFirst?: readonly string[];
}

/**
 * Throws EngineProblem when PowerShell or the module does not start, UnknownOutcome when it does not come to an end.
 */
export async function makeContact(options: ContactOptions): Promise<Contact> {
  const shell = new Shell({
    executable: options.engine,
    modules: [...(options.loadFirst ?? []), path.join(import.meta.dirname, 'Watari.HyperV.psd1')],
    env: powerShellEnvironment({ ...options.env }),
    startTimeoutMs: START_MS,
    systemRoot: readPowerShellPlaces().systemRoot,
    log: () => undefined,
  });
  await shell.start();
  try {
    const reply = await shell.call('contact', { Path: options.file }, CONTACT_MS);
    if (!reply.ok) throw new NoContact(reply.error.message);
  } finally {
    await shell.kill();
  }
  return readContact(fs.readFileSync(options.file, 'utf8'));
}
