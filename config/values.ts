// Schemas of single values that several files use: names as Windows takes them, sizes, durations,
// rates. Each refuses with a sentence and an example.
import { z } from 'zod';
import { nativePath } from '../domain/storage.ts';
import { wrongDisk, wrongMemory, wrongName, type Wrong } from '../domain/new-vm.ts';
import { STEERING_WORDS, steers } from '../domain/steering.ts';
import { quoteValue } from '../domain/quoting.ts';
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
    const hint = typeof value === 'string' ? meantMeasure(value, parse) : undefined;
    const message =
      value === undefined
        ? MISSING
        : typeof value === 'number'
          ? `${value} has no unit`
          : `${quoteValue(value)} is not a ${what}${hint?.width ?? ''}`;
    ctx.addIssue(customIssue(message, `write ${hint?.meant ?? `for example ${example}`}`));
    return z.NEVER;
  };
}

/** `4GiB`, `4G` and full-width `４ＧＢ` mean what Windows calls 4GB. */
function meantMeasure(
  text: string,
  parse: (text: string) => number | null,
): { meant: string; width: string } | undefined {
  const narrow = text.normalize('NFKC').trim();
  const width = narrow === text.trim() ? '' : ': its characters are full-width';
  const meant = [narrow, narrow.replace(/([KMGTP])(?:iB?)?(?=$| ?\/)/i, '$1B')].find(
    (one) => parse(one) !== null,
  );
  return meant === undefined ? undefined : { meant, width };
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
const COMPUTER_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/;

/** What a person meant who wrote an address, a name of DNS or full-width letters. */
function computerNameHint(name: string): string {
  if (/^[\d.]+$/.test(name) || name.includes(':')) {
    return 'an address is no name: write what Get-ClusterNode tells';
  }
  const plain = name.normalize('NFKC').split('.')[0] ?? '';
  if (plain === name || plain.length > NETBIOS_MAX || !COMPUTER_NAME.test(plain)) {
    return 'use letters A to Z, digits, and hyphens inside';
  }
  return `write ${plain}${name.includes('.') ? ', the name before the first dot' : ''}`;
}

/** Name of a node: a NetBIOS computer name, and a DNS label. */
export const computerNameSchema = z.string().superRefine((name, ctx) => {
  const shown = quoteValue(name);
  if (name === '') {
    ctx.addIssue(customIssue('is empty', 'write a name of 1 to 15 characters'));
  } else if (steers(name)) {
    ctx.addIssue(customIssue(`${shown} contains ${STEERING_WORDS}`));
  } else if (!COMPUTER_NAME.test(name)) {
    ctx.addIssue(customIssue(`${shown} is not a computer name`, computerNameHint(name)));
  } else if (name.length > NETBIOS_MAX) {
    ctx.addIssue(customIssue(`${shown} is too long`, 'Windows takes at most 15 characters'));
  } else if (/^\d+$/.test(name)) {
    ctx.addIssue(customIssue(`${shown} has only digits`, 'Windows wants at least one letter'));
  }
});

const NAME_MAX = 100;

const existingName = (what: string, hint: string, bad: (name: string) => boolean) =>
  z.string().superRefine((name, ctx) => {
    const shown = quoteValue(name);
    if (name.trim() === '') ctx.addIssue(customIssue('is empty', hint));
    else if (name.length > NAME_MAX) {
      ctx.addIssue(customIssue(`${shown} is too long`, `use at most ${NAME_MAX} characters`));
    } else if (bad(name)) ctx.addIssue(customIssue(`${shown} is not the name of ${what}`, hint));
  });

/** A cluster as (Get-Cluster).Name tells it: one that only DNS knows may be longer than a computer's name. */
export const clusterNameSchema = existingName(
  'a cluster',
  'write what (Get-Cluster).Name tells',
  (name) =>
    steers(name) || !/^[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}_])?$/u.test(name),
);

/** A person's own word; it ends an id, where `-` and a time follow. */
export const scheduleNameSchema = existingName(
  'a schedule',
  'use letters, digits, and - . _ inside, as in patch-night',
  (name) => !/^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._-]*[\p{L}\p{M}\p{N}_])?$/u.test(name),
);

/** A VM that is there: whatever Windows let it be called. */
export const existingVmNameSchema = existingName('a VM', 'write its name', () => false);

/** A value held against a rule of domain/. */
const ruled =
  <T>(rule: (value: T) => Wrong) =>
  (value: T, ctx: Context): void => {
    const wrong = rule(value);
    if (wrong !== undefined) ctx.addIssue(customIssue(wrong.message, wrong.hint));
  };

export const newVmNameSchema = z.string().superRefine(ruled(wrongName));
/** Startup memory of a new VM. */
export const newVmMemorySchema = sizeSchema.superRefine(ruled(wrongMemory));
/** Disk of a new VM; answers it with backslashes. */
export const newVmDiskSchema = z.string().transform(nativePath).superRefine(ruled(wrongDisk));

/** Name of a virtual switch. */
export const switchNameSchema = z.string().superRefine((name, ctx) => {
  if (name.trim() === '') {
    ctx.addIssue(customIssue('is empty', 'leave the key away for a VM without network'));
  } else if (steers(name)) {
    ctx.addIssue(customIssue(`${quoteValue(name)} contains ${STEERING_WORDS}`));
  } else if (name.length > NAME_MAX) {
    ctx.addIssue(customIssue(`${quoteValue(name)} is too long`, 'use at most 100 characters'));
  }
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
