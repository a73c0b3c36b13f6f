// The line protocol between the driver and Watari.HyperV: one base64 line in, one base64 line with a nonce and its
// length out. Values never become script text; everything else on standard output is noise.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';

const failureSchema = z.object({
  errorId: z.string(),
  category: z.string(),
  command: z.string(),
  message: z.string(),
  /** Outermost exception first. */
  chain: z.array(z.object({ type: z.string(), hresult: z.string(), message: z.string() })),
});
export type ReplyFailure = z.output<typeof failureSchema>;

const rest = { cmdlets: z.array(z.string()), log: z.array(z.string()) };
const replySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), facts: z.unknown(), ...rest }),
  z.object({ ok: z.literal(false), error: failureSchema, ...rest }),
]);
export type ShellReply = z.output<typeof replySchema>;

/** `unloaded`: the module did not load, and why. */
export type ReadReply =
  | { kind: 'reply'; reply: ShellReply; stray: string }
  | { kind: 'unloaded'; errorId: string; message: string }
  | { kind: 'none'; text: string };

export const newNonce = (): string => randomBytes(9).toString('base64url');

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString('utf8');

/** Strings get a leading `=`: no JSON reader of any PowerShell takes such a one for a date. */
export function encodeArgument(value: unknown): unknown {
  if (typeof value === 'string') return `=${value}`;
  if (Array.isArray(value)) return value.map(encodeArgument);
  if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, one]) => one !== undefined);
    return Object.fromEntries(given.map(([key, one]) => [key, encodeArgument(one)]));
  }
  return value;
}

/** The line that runs one operation. */
export function operationLine(nonce: string, op: string, args: object): string {
  const json = JSON.stringify({ nonce, op, args: encodeArgument(args) });
  return `Invoke-WatariOperation '${base64(json)}'`;
}

/** The first line of a shell: loads the modules, says hello, or says why it cannot. */
export function firstLine(nonce: string, modules: readonly string[]): string {
  const names = modules
    .map((one) => `[Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('${base64(one)}'))`)
    .join(', ');
  const why = '$_.FullyQualifiedErrorId + [char]10 + $_.Exception.Message';
  return (
    "$ProgressPreference = 'SilentlyContinue'; " +
    `try { Import-Module -Force -DisableNameChecking -ErrorAction Stop -Name @(${names}); ` +
    `${operationLine(nonce, 'hello', {})} } ` +
    `catch { [Console]::Out.WriteLine('<${nonce}!' + ` +
    `[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes(${why})) + '>') }`
  );
}

/**
 * Finds the answer among whatever else was written. A line without its nonce is no answer, and neither is one that was
 * cut off, that something else was written into, or that contradicts another one.
 */
export function readReply(nonce: string, output: string): ReadReply {
  const failed = between(output, `<${nonce}!`);
  if (failed !== null) {
    const [errorId = '', ...message] = fromBase64(failed).split('\n');
    return { kind: 'unloaded', errorId, message: message.join('\n').trim() };
  }
  const mark = `<${nonce}:`;
  const begun = output.split(mark).length - 1;
  if (begun === 0) return { kind: 'none', text: output.trim() };
  const whole = [...output.matchAll(new RegExp(`${mark}(\\d{1,9}):([A-Za-z0-9+/]*={0,2})>`, 'g'))];
  const [first] = whole;
  const content = first?.[2];
  const told = whole.every(([, length, base64]) => Number(length) === base64?.length);
  if (first === undefined || content === undefined || begun !== whole.length || !told) {
    return { kind: 'none', text: 'an answer that is not complete' };
  }
  if (whole.some(([, , base64]) => base64 !== content)) {
    return { kind: 'none', text: 'two answers that differ' };
  }
  const reply = replySchema.safeParse(parseJson(content));
  if (!reply.success) {
    return { kind: 'none', text: `an answer of another shape: ${whyNot(reply.error)}` };
  }
  const stray = whole.reduce((text, [line]) => text.replace(line, ''), output);
  return { kind: 'reply', reply: reply.data, stray: stray.trim() };
}

function parseJson(base64: string): unknown {
  try {
    return JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64')),
    );
  } catch {
    return undefined;
  }
}

function between(text: string, mark: string): string | null {
  const at = text.lastIndexOf(mark);
  const end = at < 0 ? -1 : text.indexOf('>', at);
  return end < 0 ? null : text.slice(at + mark.length, end);
}

/** Of ten thousand rows that are wrong, the first few say it. */
const WHY_CHARS_MAX = 1000;

/** What is wrong with an answer, for a message. */
export function whyNot(error: z.ZodError): string {
  const text = z.prettifyError(new z.ZodError(error.issues.slice(0, 5)));
  return text.length <= WHY_CHARS_MAX ? text : `${text.slice(0, WHY_CHARS_MAX)}…`;
}

export const helloSchema = z.object({
  version: z.string(),
  edition: z.string(),
  language: z.string(),
  is64Bit: z.boolean(),
  pid: z.int(),
  user: z.string(),
  culture: z.string(),
});
export type Hello = z.output<typeof helloSchema>;
