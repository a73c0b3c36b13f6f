// Reads a YAML file against a zod schema and tells everything that is wrong with it, with line and
// column. cluster.yaml and the lab's scenario files are read with it.
import { closeSync, openSync, readSync } from 'node:fs';
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type YAMLMap,
} from 'yaml';
import type { z } from 'zod';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { describeIssue, withoutEchoes } from './schema-issues.ts';

/** No honest file of ours is larger, and a parser should not be fed anything. */
const BYTES_MAX = 1024 * 1024;

/** Longer keys are not ours; enough to find them by. */
const KEY_SHOWN_MAX = 60;

type Path = readonly PropertyKey[];

/** `virtualMachines[0].memory` */
export const pathText = (path: Path): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key).slice(0, KEY_SHOWN_MAX);
    return text === '' ? name : `${text}.${name}`;
  }, '');

/** Reads the file and parses it. The only error is {@link ConfigError}. */
export function loadYamlDocument<T>(path: string, schema: z.ZodType<T>): T {
  return parseYamlDocument(readText(path), path, schema);
}

function readText(path: string): string {
  const fail = (message: string, hint?: string): ConfigError =>
    new ConfigError([
      {
        file: path,
        line: 0,
        column: 0,
        path: '',
        message,
        ...(hint === undefined ? {} : { hint }),
      },
    ]);
  let bytes: Buffer;
  try {
    bytes = readStart(path);
  } catch (err) {
    const code = err instanceof Error && 'code' in err ? String(err.code) : '';
    if (code === 'ENOENT') throw fail('there is no such file');
    if (code === 'EISDIR') throw fail('is a folder, not a file');
    if (code === 'EACCES' || code === 'EPERM') throw fail('may not be read by this account');
    throw fail(`cannot be read (${code === '' ? String(err) : code})`);
  }
  if (bytes.length > BYTES_MAX) throw fail('is larger than 1 MB');
  if (bytes[0] === 0xff && bytes[1] === 0xfe) {
    // What "Out-File" and ">" of Windows PowerShell write.
    return new TextDecoder('utf-16le').decode(bytes);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fail('is not UTF-8 text', 'save it with the encoding UTF-8');
  }
}

/** Of a device or a pipe that never ends, too, not more than says that it is too much. */
function readStart(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(BYTES_MAX + 1);
    let length = 0;
    for (let read = -1; read !== 0; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/**
 * Parses text that came from `file`, which is only named in messages. Collects syntax errors, or
 * else everything that the schema finds. The only error is {@link ConfigError}.
 */
export function parseYamlDocument<T>(text: string, file: string, schema: z.ZodType<T>): T {
  const lines = new LineCounter();
  const at = (offset: number, path: string, message: string, hint?: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, path, message, ...(hint === undefined ? {} : { hint }) };
  };
  const whole = (message: string): ConfigError =>
    new ConfigError([{ file, line: 0, column: 0, path: '', message }]);

  const { doc, value, mistakes } = readDocument(text, whole, lines);
  if (mistakes.length > 0) {
    throw new ConfigError(mistakes.map((m) => at(m.offset, '', m.message, m.hint)));
  }
  if (doc.contents === null || value === null || value === undefined) throw whole('is empty');
  if (!isMap(doc.contents)) {
    const message = 'must be a mapping of keys to values at the top, like "cluster: hv-lab"';
    throw new ConfigError([at(doc.contents.range?.[0] ?? 0, '', message)]);
  }

  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const found = result.error.issues.flatMap((issue) => describeIssue(issue, schema, value));
  const places = new Places(doc);
  const problems = withoutEchoes(found).map((p) =>
    at(places.of(p.path, p.atKey), pathText(p.path), p.message, p.hint),
  );
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  throw new ConfigError(problems);
}

/** Something that is no YAML of ours. */
interface Mistake {
  offset: number;
  message: string;
  hint?: string;
}

function readDocument(
  text: string,
  whole: (message: string) => ConfigError,
  lineCounter: LineCounter,
): { doc: Document; value: unknown; mistakes: Mistake[] } {
  try {
    const doc = parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      // The library compares every key with every other; a long file would take minutes.
      uniqueKeys: false,
      // It must not speak to the terminal by itself.
      logLevel: 'error',
    });
    // A broken document is not worth a value, and may not have one.
    if (doc.errors.some((e) => e.message.startsWith('Maximum call stack'))) throw new RangeError();
    const syntax = [...doc.errors, ...doc.warnings].map((e) => ({
      offset: e.pos[0],
      ...syntaxText(e.code, e.message),
    }));
    const mistakes = [...syntax, ...findMistakes(doc)].sort((a, b) => a.offset - b.offset);
    if (mistakes.length > 0) return { doc, value: undefined, mistakes };
    return { doc, value: doc.toJS() as unknown, mistakes };
  } catch (err) {
    if (err instanceof RangeError) throw whole('is nested too deeply');
    // The library throws for aliases that multiply without end.
    throw whole(`cannot be read as YAML: ${err instanceof Error ? err.message : String(err)}`);
  }
}

/** Each may stand for a large piece of the file; more than this is no file of a person. */
const ALIASES_MAX = 100;

/** What the library takes, or takes too long to refuse. */
function findMistakes(doc: Document): Mistake[] {
  const found: Mistake[] = [];
  const anchors = new Set<string>();
  let aliases = 0;
  visit(doc, {
    Node: (_key, node, above) => {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node)) {
        aliases += 1;
        const message = wrongAlias(node.source, anchors, above);
        if (message !== null) found.push({ offset, ...message });
        if (aliases <= ALIASES_MAX) return undefined;
        const many = `there are more than ${ALIASES_MAX} aliases (*${node.source})`;
        found.push({ offset, message: many, hint: 'write the values in full' });
        return visit.BREAK;
      }
      if (node.anchor !== undefined) anchors.add(node.anchor);
      if (isMap(node)) found.push(...wrongKeys(node, offset));
      return undefined;
    },
  });
  return found;
}

function wrongAlias(
  source: string,
  anchors: ReadonlySet<string>,
  above: readonly unknown[],
): Omit<Mistake, 'offset'> | null {
  if (!anchors.has(source)) {
    return { message: `*${source} refers to nothing`, hint: `write &${source} before it` };
  }
  const inItself = above.some((node) => isCollection(node) && node.anchor === source);
  return inItself ? { message: `*${source} stands inside of what it refers to` } : null;
}

function wrongKeys(map: YAMLMap, mapOffset: number): Mistake[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }): Mistake[] => {
    const offset = (isNode(key) ? key.range?.[0] : undefined) ?? mapOffset;
    if (!isScalar(key) || key.value === null) {
      return [{ offset, message: 'a key must be one word', hint: 'write key: value' }];
    }
    const name = key.toString();
    // zod leaves this one out without a word.
    if (name === '__proto__') return [{ offset, message: 'this key is not known' }];
    if (seen.has(name)) {
      return [{ offset, message: 'this key is there twice', hint: 'keep one of them' }];
    }
    seen.add(name);
    return [];
  });
}

function syntaxText(code: string, message: string): { message: string; hint?: string } {
  switch (code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab is used for indentation', hint: 'YAML takes only spaces there' };
    case 'MULTIPLE_DOCS':
      return { message: 'a second document begins here', hint: 'remove the line ---' };
    default: {
      const first = (message.split('\n')[0] ?? message).slice(0, 200);
      const backslash = /escape sequence/i.test(first);
      return {
        message: `is not valid YAML: ${first}`,
        ...(backslash ? { hint: "write Windows paths in single quotes: 'C:\\…'" } : {}),
      };
    }
  }
}

interface Place {
  key: number | undefined;
  value: unknown;
}

/** Where things stand in the file. Every map is read once, however many problems it has. */
class Places {
  private readonly doc: Document;
  private readonly maps = new Map<YAMLMap, Map<string, Place>>();

  constructor(doc: Document) {
    this.doc = doc;
  }

  /** Where the value is, or its key, or the nearest thing around it that is written in the file. */
  of(path: Path, atKey = false): number {
    let here: unknown = this.doc.contents;
    let offset = this.doc.contents?.range?.[0] ?? 0;
    for (const [depth, step] of path.entries()) {
      const place = this.inside(here, step);
      if (place === undefined) break;
      const isLast = depth === path.length - 1;
      const { key, value } = place;
      const start = isNode(value) ? value.range?.[0] : undefined;
      const nothingBelow = isLast || this.inside(value, path[depth + 1] ?? '') === undefined;
      offset = ((isLast ? atKey : nothingBelow) ? key : undefined) ?? start ?? key ?? offset;
      here = value;
    }
    return offset;
  }

  private inside(node: unknown, step: PropertyKey): Place | undefined {
    const at = isAlias(node) ? node.resolve(this.doc) : node;
    if (isSeq(at)) {
      const value: unknown = at.items[Number(step)];
      return value === undefined ? undefined : { key: undefined, value };
    }
    return isMap(at) ? this.keysOf(at).get(String(step)) : undefined;
  }

  private keysOf(map: YAMLMap): Map<string, Place> {
    let keys = this.maps.get(map);
    if (keys === undefined) {
      keys = new Map();
      for (const { key, value } of map.items) {
        if (isScalar(key)) keys.set(String(key.value), { key: key.range?.[0], value });
      }
      this.maps.set(map, keys);
    }
    return keys;
  }
}
