// The line protocol between the driver and Watari.HyperV: one base64 line in, one base64 line with a nonce out. Values
// never become script text; everything else on standard output is noise.
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

/** Finds the answer among whatever else was written. A line without its nonce is no answer. */
export function readReply(nonce: string, output: string): ReadReply {
  const failed = between(output, `<${nonce}!`);
  if (failed !== null) {
    const [errorId = '', ...message] = fromBase64(failed.content).split('\n');
    return { kind: 'unloaded', errorId, message: message.join('\n').trim() };
  }
  const found = between(output, `<${nonce}:`);
  if (found === null) return { kind: 'none', text: output.trim() };
  const reply = replySchema.safeParse(parseJson(fromBase64(found.content)));
  if (!reply.success) {
    return { kind: 'none', text: `an answer of another shape: ${z.prettifyError(reply.error)}` };
  }
  return { kind: 'reply', reply: reply.data, stray: found.around.trim() };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function between(text: string, mark: string): { content: string; around: string } | null {
  const at = text.lastIndexOf(mark);
  if (at < 0) return null;
  const end = text.indexOf('>', at);
  if (end < 0) return null;
  return {
    content: text.slice(at + mark.length, end),
    around: text.slice(0, at) + text.slice(end + 1),
  };
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
