// Valid values of a zod schema, at random: what a border accepts is taken from the border's own schema, so that a new
// key or operation is tried the day it is added.
import fc from 'fast-check';
import { z } from 'zod';
import { hostileNumber, hostileText } from './hostile.ts';

type Schema = z.core.$ZodType;

/** A generator for schemas whose rules cannot be read from outside; `path` is where it stands. */
export type Special = (
  schema: Schema,
  path: readonly string[],
) => fc.Arbitrary<unknown> | undefined;

const ABSENT = Symbol('absent');

const TEXTS = fc.oneof(
  hostileText,
  fc.constantFrom(
    'HV1',
    'web-1',
    '7a9d8c60-0000-4000-8000-0123456789ab',
    '2026-11-24T09:00:00.000Z',
    '2026-11-24T09:00:00Z',
    '0x00000000',
    '0x80072746',
    '10.0.26100',
  ),
);
const NUMBERS = fc.oneof(hostileNumber, fc.nat(12));

export const fits =
  (schema: Schema) =>
  (value: unknown): boolean =>
    z.safeParse(schema, value).success;

/** What a text must look like, where the schema says it by a regular expression. */
function matching(schema: Schema): fc.Arbitrary<string> | undefined {
  const checks = (schema._zod.def as { checks?: { _zod: { def: { pattern?: RegExp } } }[] }).checks;
  const pattern = checks?.map((check) => check._zod.def.pattern).find((one) => one !== undefined);
  return pattern === undefined ? undefined : fc.stringMatching(pattern);
}

/** Throws where none of the candidates fits: a filter that nothing passes would look for ever. */
function fitting<T>(
  candidates: fc.Arbitrary<T>,
  schema: Schema,
  path: readonly string[],
): fc.Arbitrary<T> {
  if (!fc.sample(candidates, { numRuns: 500, seed: 1 }).some(fits(schema))) {
    throw new Error(`no candidate fits ${path.join('.')}: add one to this file`);
  }
  return candidates.filter(fits(schema));
}

/** The usual candidates where they do, else ones made for this text alone. */
function textOf(schema: Schema, path: readonly string[]): fc.Arbitrary<string> {
  const usual = fc.sample(TEXTS, { numRuns: 500, seed: 1 }).some(fits(schema));
  return fitting(usual ? TEXTS : (matching(schema) ?? TEXTS), schema, path);
}

export function arbitraryOf(
  schema: Schema,
  special: Special = () => undefined,
  path: readonly string[] = [],
): fc.Arbitrary<unknown> {
  const own = special(schema, path);
  if (own !== undefined) return own;
  const inside = (one: Schema, key?: string): fc.Arbitrary<unknown> =>
    arbitraryOf(one, special, key === undefined ? path : [...path, key]);
  if (schema instanceof z.ZodObject) {
    const shape: Record<string, Schema> = schema.shape;
    const fields = Object.entries(shape);
    return fc
      .record(Object.fromEntries(fields.map(([key, field]) => [key, inside(field, key)])))
      .map((all) => Object.fromEntries(Object.entries(all).filter(([, v]) => v !== ABSENT)));
  }
  if (schema instanceof z.ZodArray) {
    return fc.array(inside(schema.element, '[]'), { maxLength: 4 });
  }
  if (schema instanceof z.ZodUnion) {
    return fc.oneof(...schema.options.map((option) => inside(option)));
  }
  if (schema instanceof z.ZodNullable) return fc.oneof(fc.constant(null), inside(schema.unwrap()));
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  ) {
    return fc.oneof(fc.constant(ABSENT), inside(schema.unwrap()));
  }
  if (schema instanceof z.ZodPipe) return inside(schema.in);
  if (schema instanceof z.ZodRecord) {
    return fc.dictionary(fc.string({ maxLength: 9 }), inside(schema.valueType), {
      maxKeys: 3,
    });
  }
  if (schema instanceof z.ZodEnum) return fc.constantFrom(...schema.options);
  if (schema instanceof z.ZodLiteral) return fc.constantFrom(...schema.values);
  if (schema instanceof z.ZodBoolean) return fc.boolean();
  if (schema instanceof z.ZodNumber) return fitting(NUMBERS, schema, path);
  if (schema instanceof z.ZodString || schema instanceof z.ZodStringFormat) {
    return textOf(schema, path);
  }
  if (schema instanceof z.ZodUnknown) return fc.jsonValue({ maxDepth: 2 });
  throw new Error(`no generator for ${schema._zod.def.type} at ${path.join('.')}`);
}
