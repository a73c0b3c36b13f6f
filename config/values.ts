// Schemas of single values that several files use: names as Windows takes them, sizes, durations,
// rates. Each refuses with a sentence and an example.
import { z } from 'zod';
import { STEERING_WORDS, steers } from '../domain/steering.ts';
import { quoteValue } from './config-error.ts';
import { customIssue, MISSING } from './schema-issues.ts';
import { parseDuration, parseRate, parseSize } from './sizes.ts';

type Context = z.RefinementCtx;

/** A value written as text, or as a bare number where the unit was forgotten. */
function measured(
  what: string,
  example: string,
  parse: (text: string) => number | null,
): (value: unknown, ctx: Context) => number {
  return (value, ctx) => {
    const parsed = typeof value === 'string' ? parse(value) : null;
    if (parsed !== null) return parsed;
    if (value === undefined) {
      ctx.addIssue(customIssue(MISSING, `write for example ${example}`));
    } else if (typeof value === 'number') {
      ctx.addIssue(customIssue(`${value} has no unit`, `write for example ${example}`));
    } else {
      const message = `${quoteValue(value)} is not a ${what}`;
      ctx.addIssue(customIssue(message, `write for example ${example}`));
    }
    return z.NEVER;
  };
}

/** Bytes. */
export const sizeSchema = z.unknown().transform(measured('size', '10GB', parseSize));
/** Seconds. */
export const durationSchema = z.unknown().transform(measured('duration', '25m', parseDuration));
/** Bytes per second. */
export const rateSchema = z.unknown().transform(measured('rate', '200MB/s or 10Gbps', parseRate));

/** Within limits that are told as people write them. */
export const between =
  (min: number, max: number, format: (value: number) => string) =>
  (value: number, ctx: Context): void => {
    if (value >= min && value <= max) return;
    const limits = `between ${format(min)} and ${format(max)}`;
    ctx.addIssue(customIssue(`must be ${limits}, but is ${format(value)}`));
  };

const NETBIOS_MAX = 15;

/** Name of a node or a cluster: both are NetBIOS computer names, and DNS labels. */
export const computerNameSchema = z.string().superRefine((name, ctx) => {
  const shown = quoteValue(name);
  if (name === '') {
    ctx.addIssue(customIssue('is empty', 'write a name of 1 to 15 characters'));
  } else if (steers(name)) {
    ctx.addIssue(customIssue(`${shown} contains ${STEERING_WORDS}`));
  } else if (name.length > NETBIOS_MAX) {
    ctx.addIssue(customIssue(`${shown} is too long`, 'Windows takes at most 15 characters'));
  } else if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(name)) {
    const hint = 'use letters A to Z, digits, and hyphens inside';
    ctx.addIssue(customIssue(`${shown} is not a computer name`, hint));
  } else if (/^\d+$/.test(name)) {
    ctx.addIssue(customIssue(`${shown} has only digits`, 'Windows wants at least one letter'));
  }
});

const VM_NAME_MAX = 100;
/** Device names that Windows takes for no folder. */
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?$/i;

/** Name of a VM: also the name of its role and of its folder on the shared volume. */
export const vmNameSchema = z.string().superRefine((name, ctx) => {
  const shown = quoteValue(name);
  if (name === '') {
    ctx.addIssue(customIssue('is empty', 'write a name of 1 to 100 characters'));
  } else if (steers(name)) {
    ctx.addIssue(customIssue(`${shown} contains ${STEERING_WORDS}`));
  } else if (name.length > VM_NAME_MAX) {
    ctx.addIssue(customIssue(`${shown} is too long`, 'use at most 100 characters'));
  } else if (/[\\/:*?"<>|]/.test(name)) {
    const hint = 'it names a folder too, so none of \\ / : * ? " < > | can be in it';
    ctx.addIssue(customIssue(`${shown} is not a name for a VM`, hint));
  } else if (name !== name.trim() || name.endsWith('.')) {
    ctx.addIssue(customIssue(`${shown} begins or ends with a space or ends with a dot`));
  } else if (RESERVED.test(name)) {
    ctx.addIssue(customIssue(`${shown} is a device name of Windows`, 'choose another name'));
  }
});

/** Name of a virtual switch. */
export const switchNameSchema = z.string().superRefine((name, ctx) => {
  if (name.trim() === '') {
    ctx.addIssue(customIssue('is empty', 'leave the key away for a VM without network'));
  } else if (steers(name)) {
    ctx.addIssue(customIssue(`${quoteValue(name)} contains ${STEERING_WORDS}`));
  } else if (name.length > VM_NAME_MAX) {
    ctx.addIssue(customIssue(`${quoteValue(name)} is too long`, 'use at most 100 characters'));
  }
});

/** MAX_PATH without the final zero: what Windows' own tools still take. */
const PATH_MAX = 259;

/** Absolute path of a file on Windows, drive or share; answers it with backslashes. */
export const windowsPathSchema = z.string().transform((path, ctx) => {
  const native = path.replaceAll('/', '\\');
  const shown = quoteValue(path);
  const rest = native.replace(/^[A-Za-z]:/, '');
  if (path === '') ctx.addIssue(customIssue('is empty'));
  else if (steers(path)) ctx.addIssue(customIssue(`${shown} contains ${STEERING_WORDS}`));
  else if (path.length > PATH_MAX) ctx.addIssue(customIssue(`${shown} is too long for Windows`));
  else if (/[:*?"<>|]/.test(rest) || native.split('\\').includes('..')) {
    ctx.addIssue(customIssue(`${shown} is not a path of Windows`));
  } else if (!/^(?:[A-Za-z]:\\|\\\\[^\\]+\\[^\\]+\\)./.test(native)) {
    const hint = "write it in full, for example 'C:\\ClusterStorage\\Volume1\\web-1.vhdx'";
    ctx.addIssue(customIssue(`${shown} is not a full path`, hint));
  }
  return native;
});

/** Reports every later one of several equal names; Windows compares them without case. */
export function uniqueNames(
  names: readonly string[],
  ctx: Context,
  what: string,
  pathOf: (index: number) => PropertyKey[] = (index) => [index],
): void {
  const seen = new Map<string, number>();
  names.forEach((name, index) => {
    const key = name.toLowerCase();
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else {
      const hint = names[first] === name ? 'keep one of them' : 'Windows does not tell case apart';
      ctx.addIssue(customIssue(`${what} ${quoteValue(name)} is there twice`, hint, pathOf(index)));
    }
  });
}
