// How an operation that failed in PowerShell becomes the port's HypervError: which code counts, which id, which words.
import { HypervError, type HypervErrorInfo, type Op } from '../host.ts';
import type { ReplyFailure } from './reply.ts';

/** Codes that .NET gives to its own exceptions (COR_E_…): they name no cause in Windows. */
const DOTNET = /^0x8013/;
const SUCCESS = '0x00000000';
/** E_FAIL. */
const GENERIC = '0x80004005';

const isCode = (code: string): boolean => code !== SUCCESS && !DOTNET.test(code);

/**
 * `(0x8007000E)`: the digits are the same in every language. One that a quotation mark follows belongs to a name, which
 * may look like anything.
 */
const IN_TEXT = /\((0x[0-9a-f]{8})\)(?!['"’”“»›」』`])/gi;

const codesInText = (failure: ReplyFailure): string[] =>
  [failure.message, ...failure.chain.map((one) => one.message)]
    .flatMap((text) => [...text.matchAll(IN_TEXT)].map(([, code = '']) => code))
    .map((code) => `0x${code.slice(2).toUpperCase()}`);

/**
 * What counts of a chain, outermost first. Hyper-V's exceptions carry no code: it stands in their text alone, which is
 * therefore read where nothing else names a cause.
 */
function codesOf(failure: ReplyFailure): string[] {
  const carried = failure.chain.map((one) => one.hresult).filter(isCode);
  if (carried.some((code) => code !== GENERIC)) return carried;
  return [...carried, ...new Set(codesInText(failure).filter(isCode))];
}

/** PowerShell found no such cmdlet: its module is not installed, or cannot be loaded. */
const isModuleMissing = (failure: ReplyFailure): boolean =>
  /^(CouldNotAutoLoadModule|CommandNotFoundException|CouldNotAutoloadMatchingModule)\b/.test(
    failure.errorId,
  );

export function failureOf(op: Op, node: string, failure: ReplyFailure): HypervError {
  const hresults = codesOf(failure);
  // Outer exceptions only wrap the inner ones.
  const hresult = hresults.findLast((code) => code !== GENERIC) ?? hresults.at(-1);
  const missing = isModuleMissing(failure);
  const info: HypervErrorInfo = {
    op,
    node,
    outcome: 'refused',
    errorId: missing ? 'ModuleMissing' : failure.errorId,
    ...(hresult !== undefined && { hresult, hresults }),
  };
  return new HypervError(messageOf(op, node, failure, missing), info);
}

/** Windows' longest explanations have some hundred characters; a record of Temporal has no place for a megabyte. */
const SAID_CHARS_MAX = 2000;

const clip = (text: string): string =>
  text.length <= SAID_CHARS_MAX ? text : `${text.slice(0, SAID_CHARS_MAX)}…`;

function messageOf(op: Op, node: string, failure: ReplyFailure, missing: boolean): string {
  const said = clip(failure.message.trim());
  if (missing) {
    return `PowerShell on ${node} lacks a cmdlet that ${op} needs: a module is not installed or cannot be loaded (Install-WindowsFeature RSAT-Clustering-PowerShell, Hyper-V-PowerShell). Windows says: ${said}`;
  }
  // An id without a cmdlet's class behind it is one of the module's own, and its words say all.
  const foreign = failure.errorId.includes(',') && failure.command !== '';
  return foreign ? `${said} (${failure.command})` : said;
}

/** Nothing happened, as no PowerShell could be asked. */
export const notAsked = (op: Op, node: string, why: string): HypervError =>
  new HypervError(`PowerShell on ${node} could not be asked: ${why}`, {
    op,
    node,
    outcome: 'refused',
    errorId: 'PowerShellUnavailable',
  });

export const noAnswer = (op: Op, node: string, why: string): HypervError =>
  new HypervError(
    `PowerShell on ${node} was asked and did not answer: ${why}. What ${op} asks for may or may not have happened.`,
    { op, node, outcome: 'unknown' },
  );

/** An answer that cannot be understood: after an act, the act may well have happened. */
export const badAnswer = (op: Op, node: string, isRead: boolean, why: string): HypervError =>
  new HypervError(`The module's answer to ${op} on ${node} is not understood: ${why}`, {
    op,
    node,
    outcome: isRead ? 'refused' : 'unknown',
    errorId: 'BadAnswer',
  });
