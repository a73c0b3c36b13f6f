// Values, texts and documents that look almost right: what the fuzz tests feed to every reader. Valid documents are
// mutated at their nodes first, and as text then.
import fc from 'fast-check';
import { stringify } from 'yaml';

const LONG = 'x'.repeat(1000);

const nested = (depth: number): unknown => {
  let value: unknown = 'deep';
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};

/** Strings that have broken somebody's parser. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\u0000',
    '\u001b[31mred',
    '\u202eright to left',
    '\u2028',
    '\ufeff',
    '\ud800',
    '日本語①髙',
    '😀',
    'é',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'null',
    'true',
    '~',
    'NaN',
    '-0',
    '1e309',
    '0x80072746',
    '10GB',
    '0B',
    '9999999999999999PB',
    '1.5MB',
    '10Gbps',
    '0MB/s',
    '-1s',
    '1h30m',
    '500ms',
    '9999999999999999d',
    '2026-11-24T09:00:00Z',
    '+275760-09-13T00:00:00.000Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    'C:\\ClusterStorage\\Volume1\\web-1.vhdx',
    '\\\\server\\share\\a.vhdx',
    'CON',
    '../..',
    "'; DROP TABLE x; --",
    '$(throw 1)',
    '%2e%2e%2f',
    '--json',
    '-',
    '--',
    LONG,
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);

export const hostileNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.5, 1.5, 3, 64, 65, 500, 501, 1e6, 2 ** 31, 2 ** 32, 2 ** 53),
  fc.constantFrom(1e15, 1e17, 1e300, Number.MAX_VALUE, -1e300, 5e-324, NaN, Infinity, -Infinity),
  fc.integer(),
  fc.double(),
);

const json = fc.jsonValue({ maxDepth: 3 });

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, [], {}, [null], [[]], [{}], { __proto__: null }),
  hostileText,
  hostileNumber,
  json,
  fc.constantFrom(nested(5), nested(20)),
  fc.constant(Array.from({ length: 80 }, (_, i) => i)),
);

type Path = (string | number)[];

/** Paths of all nodes, the root's first. */
export function nodesOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inside = Array.isArray(value)
    ? value.flatMap((one, i) => nodesOf(one, [...at, i]))
    : Object.entries(value).flatMap(([key, one]) => nodesOf(one, [...at, key]));
  return [at, ...inside];
}

type Container = Record<string | number, unknown>;

/** Own keys only, so that `__proto__` is a key like any other. */
function put(container: Container, key: string | number, value: unknown): void {
  Object.defineProperty(container, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

interface Mutation {
  /** Which node, as a part of all. */
  where: number;
  deed: 'delete' | 'replace' | 'rename' | 'add' | 'repeat' | 'wrap';
  key: string;
  value: unknown;
}

const mutation = (keys: readonly string[]): fc.Arbitrary<Mutation> =>
  fc.record({
    where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    deed: fc.constantFrom(
      'delete',
      'replace',
      'replace',
      'replace',
      'rename',
      'add',
      'repeat',
      'wrap',
    ),
    key: fc.oneof(hostileText, fc.constantFrom('__proto__', 'constructor', ...keys)),
    value: hostileValue,
  });

function mutate(root: unknown, { where, deed, key, value: shared }: Mutation): unknown {
  // Generators give the same object again, and this one is about to be changed.
  const value: unknown = structuredClone(shared);
  const paths = nodesOf(root);
  const path = paths[Math.floor(where * paths.length)] ?? [];
  const last = path.at(-1);
  if (last === undefined) return deed === 'wrap' ? [root] : deed === 'replace' ? value : root;
  let parent = root as Container;
  for (const step of path.slice(0, -1)) parent = parent[step] as Container;
  const here = parent[last];
  switch (deed) {
    case 'delete':
      if (Array.isArray(parent)) parent.splice(Number(last), 1);
      else Reflect.deleteProperty(parent, last);
      break;
    case 'replace':
      put(parent, last, value);
      break;
    case 'rename':
      if (!Array.isArray(parent)) {
        Reflect.deleteProperty(parent, last);
        put(parent, key, here);
      }
      break;
    case 'add':
      if (Array.isArray(here)) here.push(value);
      else if (typeof here === 'object' && here !== null) put(here as Container, key, value);
      else put(parent, Array.isArray(parent) ? parent.length : key, value);
      break;
    case 'repeat':
      if (Array.isArray(parent)) parent.push(structuredClone(here), structuredClone(here));
      else put(parent, last, [here, structuredClone(here)]);
      break;
    case 'wrap':
      put(parent, last, Array.isArray(here) ? here[0] : [here]);
      break;
  }
  return root;
}

/** The document with some of its nodes gone, changed or doubled. */
export function mutatedValue(document: unknown, changes = 3): fc.Arbitrary<unknown> {
  const keys = [
    ...new Set(
      nodesOf(document)
        .flat()
        .filter((k) => typeof k === 'string'),
    ),
  ];
  return fc
    .array(mutation(keys), { minLength: 1, maxLength: changes })
    .map((list) => list.reduce<unknown>(mutate, structuredClone(document)));
}

/** The same, or the document as it is. */
export const maybeMutated = (document: unknown): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant(document) },
    { weight: 6, arbitrary: mutatedValue(document) },
  );

interface TextChange {
  where: number;
  deed: 'cut' | 'insert' | 'double-line' | 'drop-line' | 'swap-bytes';
  text: string;
}

const YAML_NOISE = [
  '\t',
  '&a ',
  '*a',
  '*nobody',
  '<<: *a\n',
  '---\n',
  '...\n',
  '!!binary ',
  '!!js/function ',
  '!!set ',
  '|\n',
  '? ',
  ': ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  '"',
  "'",
  '#',
  '%YAML 9.9\n',
  '\r',
  '\u0000',
  '\ufeff',
  '\u001b]0;title\u0007',
  '__proto__: 1\n',
  '@',
  '`',
  '[['.repeat(500),
  '[&a,'.repeat(30),
];

const textChange: fc.Arbitrary<TextChange> = fc.record({
  where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  deed: fc.constantFrom(
    'cut',
    'insert',
    'insert',
    'insert',
    'double-line',
    'drop-line',
    'swap-bytes',
  ),
  text: fc.oneof(fc.constantFrom(...YAML_NOISE), hostileText),
});

function changeText(text: string, { where, deed, text: piece }: TextChange): string {
  const at = Math.floor(where * text.length);
  switch (deed) {
    case 'cut':
      return text.slice(0, at);
    case 'insert':
      return text.slice(0, at) + piece + text.slice(at);
    case 'swap-bytes':
      return text.slice(0, at) + piece + text.slice(at + piece.length);
    case 'double-line':
    case 'drop-line': {
      const lines = text.split('\n');
      const n = Math.floor(where * lines.length);
      const line = lines[n] ?? '';
      lines.splice(n, 1, ...(deed === 'drop-line' ? [] : [line, line]));
      return lines.join('\n');
    }
  }
}

export const mutatedText = (text: fc.Arbitrary<string>, changes = 3): fc.Arbitrary<string> =>
  fc
    .tuple(text, fc.array(textChange, { minLength: 1, maxLength: changes }))
    .map(([start, list]) => list.reduce(changeText, start));

/** As people and programs write YAML. */
const written = (value: unknown): fc.Arbitrary<string> =>
  fc
    .constantFrom(
      () => stringify(value),
      () => stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 }),
      () => stringify(value, { collectionStyle: 'flow' }),
      () => stringify(value).replaceAll('\n', '\r\n'),
      () => `\ufeff${stringify(value)}`,
      () => JSON.stringify(value, null, 1),
    )
    .map((write) => write());

/** A YAML file that has gone wrong at some of its nodes, in its text, or in both. */
export const brokenYaml = (document: unknown, source: string): fc.Arbitrary<string> =>
  fc.oneof(
    mutatedValue(document).chain(written),
    mutatedText(fc.constant(source)),
    mutatedText(mutatedValue(document).chain(written)),
  );
