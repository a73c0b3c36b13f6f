// Turns what zod finds into sentences for the person who wrote the file: what is there, what may be
// there, and for a mistyped word the nearest right one.
import { z } from 'zod';
import { quoteValue } from '../domain/quoting.ts';
import { nearest, suggest } from '../domain/suggest.ts';

export interface SchemaProblem {
  path: PropertyKey[];
  message: string;
  hint?: string;
  /** The key is wrong, not its value. */
  atKey?: boolean;
  /** The key that was meant instead, so that its absence need not be told too. */
  meant?: string;
}

type Issue = z.core.$ZodIssue;
type Schema = z.core.$ZodType;

/** Message of a key that is required and not there. */
export const MISSING = 'is missing';

/** A value of a schema file with a hint: the second argument of `ctx.addIssue`. */
export const customIssue = (
  message: string,
  hint?: string,
  path?: PropertyKey[],
): { code: 'custom'; message: string; params?: { hint: string }; path?: PropertyKey[] } => ({
  code: 'custom',
  message,
  ...(hint === undefined ? {} : { params: { hint } }),
  ...(path === undefined ? {} : { path }),
});

/** More mistakes than a screen shows. */
const SUGGESTED_MAX = 50;

export function describeIssue(issue: Issue, schema: Schema, input: unknown): SchemaProblem[] {
  const path = [...issue.path];
  const value = valueAt(input, path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, path, input);
      return issue.keys.map((key, nth) => {
        // Nobody reads more of them, and a file can have a hundred thousand.
        const worth = nth < SUGGESTED_MAX ? known : [];
        const meant = nearest(key, worth);
        const hint = suggest(key, worth);
        return {
          path: [...path, key],
          message: 'this key is not known',
          atKey: true,
          ...(hint === undefined ? {} : { hint }),
          ...(meant === undefined ? {} : { meant }),
        };
      });
    }
    case 'invalid_type':
      if (value === undefined) return [{ path, message: MISSING }];
      return [typeProblem(path, issue.expected, value)];
    case 'invalid_value': {
      const words = issue.values.map(String);
      if (value === undefined) return [{ path, message: MISSING, hint: oneOf(words) }];
      return [{ path, message: `is ${quoteValue(value)}`, hint: wordHint(value, words) }];
    }
    case 'too_small':
      return [{ path, message: boundText(issue.origin, value, 'at least', issue.minimum) }];
    case 'too_big':
      return [{ path, message: boundText(issue.origin, value, 'at most', issue.maximum) }];
    case 'invalid_union':
      return describeUnion(issue, schema, input);
    case 'custom': {
      const hint: unknown = issue.params?.['hint'];
      return [{ path, message: issue.message, ...(typeof hint === 'string' ? { hint } : {}) }];
    }
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
      return [{ path, message: `${quoteValue(value)} is not possible here: ${issue.message}` }];
  }
}

function typeProblem(path: PropertyKey[], expected: string, value: unknown): SchemaProblem {
  const message = `must be ${typeText(expected)}, but is ${kindText(value)}`;
  // `name: 2025` and `name: yes` are what this is about.
  const unquoted = expected === 'string' && ['number', 'boolean'].includes(typeof value);
  if (unquoted) return { path, message, hint: 'put it in quotes' };
  const narrow = typeof value === 'string' ? value.normalize('NFKC') : '';
  const isWide = narrow !== value && /^\d+$/.test(narrow) && expected !== 'string';
  return {
    path,
    message,
    ...(isWide ? { hint: `its digits are full-width: write ${narrow}` } : {}),
  };
}

/** A mistyped key is one mistake: the right one is not reported as missing beside it. */
export function withoutEchoes(problems: readonly SchemaProblem[]): SchemaProblem[] {
  const key = (path: readonly PropertyKey[]): string => JSON.stringify(path.map(String));
  const meant = new Set(
    problems.flatMap((p) =>
      p.meant === undefined ? [] : [key([...p.path.slice(0, -1), p.meant])],
    ),
  );
  return problems.filter((p) => !(p.message === MISSING && meant.has(key(p.path))));
}

const oneOf = (words: readonly string[]): string => `write one of ${words.join(', ')}`;

const wordHint = (value: unknown, words: readonly string[]): string =>
  words.length === 1 ? `write ${words[0] ?? ''}` : `${oneOf(words)}${nearText(value, words)}`;

function nearText(value: unknown, words: readonly string[]): string {
  const near = typeof value === 'string' ? suggest(value, words) : undefined;
  return near?.startsWith('did you mean') === true ? ` (${near})` : '';
}

/** zod's own message for a union that says nothing. */
const DEFAULT_MESSAGE = 'Invalid input';

/** The alternative that fits best is the one that was meant. */
function describeUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  schema: Schema,
  input: unknown,
): SchemaProblem[] {
  const path = [...issue.path];
  const inner = issue.errors
    .map((issues) => issues.flatMap((i) => describeIssue(within(i, path), schema, input)))
    .sort((a, b) => a.length - b.length)[0];
  if (inner !== undefined && inner.length > 0) {
    // A schema may say itself what the alternatives are: z.union([…], 'write a number or always').
    const own = issue.message === DEFAULT_MESSAGE ? {} : { hint: issue.message };
    return inner.map((p) => ({ ...own, ...p }));
  }
  // zod reports a missing or unknown discriminator at its own place.
  const key = issue.discriminator;
  const value = valueAt(input, path);
  const message = value === undefined ? MISSING : `${quoteValue(value)} is not possible here`;
  const known = key === undefined ? [] : discriminators(schema, path.slice(0, -1), input, key);
  const hint = suggest(typeof value === 'string' ? value : '', known);
  return [{ path, message, ...(hint === undefined ? {} : { hint }) }];
}

const within = (issue: Issue, path: PropertyKey[]): Issue => ({
  ...issue,
  path: [...path, ...issue.path],
});

function boundText(origin: string, value: unknown, word: string, bound: number | bigint): string {
  const limit = String(bound);
  const entries = bound === 1 ? 'entry' : 'entries';
  if (Array.isArray(value)) return `needs ${word} ${limit} ${entries}, but has ${value.length}`;
  if (origin === 'string' && typeof value === 'string') {
    if (value === '') return 'is empty';
    return `${quoteValue(value)} must have ${word} ${limit} characters`;
  }
  return `must be ${word} ${limit}, but is ${quoteValue(value)}`;
}

const TYPE_TEXT: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of keys to values',
  null: 'empty',
};

const typeText = (expected: string): string => TYPE_TEXT[expected] ?? expected;

function kindText(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return `the text ${quoteValue(value)}`;
  return `the ${typeof value} ${quoteValue(value)}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** The object schemas that may stand at the path; several below a union. */
function objectsAt(schema: Schema, path: readonly PropertyKey[], input: unknown): z.ZodObject[] {
  const [key, ...rest] = path;
  if (schema instanceof z.ZodObject) {
    if (key === undefined) return [schema];
    const next = schema.shape[String(key)] as Schema | undefined;
    return next === undefined ? [] : objectsAt(next, rest, valueAt(input, [key]));
  }
  if (schema instanceof z.ZodArray) {
    return key === undefined ? [] : objectsAt(schema.element, rest, valueAt(input, [key]));
  }
  if (schema instanceof z.ZodRecord) {
    return key === undefined ? [] : objectsAt(schema.valueType, rest, valueAt(input, [key]));
  }
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly
  ) {
    return objectsAt(schema.unwrap(), path, input);
  }
  if (schema instanceof z.ZodPipe) return objectsAt(schema.in, path, input);
  if (schema instanceof z.ZodUnion) {
    const all = schema.options.flatMap((option) => objectsAt(option, path, input));
    const fitting = all.filter((o) => key !== undefined || fitsDiscriminator(o, input));
    return fitting.length > 0 ? fitting : all;
  }
  return [];
}

/** False when a literal of the object schema contradicts the input. */
const fitsDiscriminator = (object: z.ZodObject, input: unknown): boolean =>
  Object.entries(object.shape).every(([key, field]) => {
    const value = valueAt(input, [key]);
    return (
      value === undefined || !(field instanceof z.ZodLiteral) || field.safeParse(value).success
    );
  });

const keysAt = (schema: Schema, path: readonly PropertyKey[], input: unknown): string[] => [
  ...new Set(objectsAt(schema, path, input).flatMap((o) => Object.keys(o.shape))),
];

function discriminators(
  schema: Schema,
  path: readonly PropertyKey[],
  input: unknown,
  key: string,
): string[] {
  const words = objectsAt(schema, path, input).flatMap((o) => {
    const field = o.shape[key] as Schema | undefined;
    if (field instanceof z.ZodLiteral) return [...field.values].map(String);
    return field instanceof z.ZodEnum ? field.options.map(String) : [];
  });
  return [...new Set(words)];
}
