// Reads a YAML file against a zod schema and tells everything that is wrong with it, with line and
// column. cluster.yaml and the lab's scenario files are read with it.
import { readFileSync } from 'node:fs';
import { isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml';
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
    bytes = readFileSync(path);
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

  const { doc, value } = readDocument(text, lines, whole);
  const syntax = [...doc.errors, ...doc.warnings].map((e) => {
    const { message, hint } = syntaxText(e.code, e.message);
    return at(e.pos[0], '', message, hint);
  });
  for (const { source, offset } of lostAliases(doc)) {
    syntax.push(at(offset, '', `*${source} refers to nothing`, `write &${source} before it`));
  }
  if (syntax.length > 0) throw new ConfigError(syntax);
  if (doc.contents === null || value === null || value === undefined) throw whole('is empty');
  if (!isMap(doc.contents)) {
    const message = 'must be a mapping of keys to values at the top, like "cluster: hv-lab"';
    throw new ConfigError([at(offsetOf(doc, []), '', message)]);
  }

  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const found = result.error.issues.flatMap((issue) => describeIssue(issue, schema, value));
  const problems = withoutEchoes(found).map((p) =>
    at(offsetOf(doc, p.path, p.atKey), pathText(p.path), p.message, p.hint),
  );
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  throw new ConfigError(problems);
}

function readDocument(
  text: string,
  lines: LineCounter,
  whole: (message: string) => ConfigError,
): { doc: Document; value: unknown } {
  try {
    const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    // A broken document is not worth a value, and may not have one.
    if (doc.errors.some((e) => e.message.startsWith('Maximum call stack'))) throw new RangeError();
    if (doc.errors.length > 0 || lostAliases(doc).length > 0) return { doc, value: undefined };
    return { doc, value: doc.toJS() as unknown };
  } catch (err) {
    if (err instanceof RangeError) throw whole('is nested too deeply');
    // The library throws for aliases that lead nowhere or multiply without end.
    throw whole(`cannot be read as YAML: ${err instanceof Error ? err.message : String(err)}`);
  }
}

function lostAliases(doc: Document): { source: string; offset: number }[] {
  const lost: { source: string; offset: number }[] = [];
  visit(doc, {
    Alias: (_key, node) => {
      if (node.resolve(doc) !== undefined) return;
      lost.push({ source: node.source, offset: node.range?.[0] ?? 0 });
    },
  });
  return lost;
}

function syntaxText(code: string, message: string): { message: string; hint?: string } {
  switch (code) {
    case 'DUPLICATE_KEY':
      return { message: 'this key is there twice', hint: 'keep one of them' };
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

/** Where the value is, or its key, or the nearest thing around it that is written in the file. */
function offsetOf(doc: Document, path: Path, atKey = false): number {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const here = path.slice(0, depth);
    if (atKey || depth < path.length) {
      const key = keyOffset(doc, here);
      if (key !== undefined) return key;
    }
    const node = doc.getIn(here, true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return doc.contents?.range?.[0] ?? 0;
}

function keyOffset(doc: Document, path: Path): number | undefined {
  const parent = path.length === 1 ? doc.contents : doc.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const name = String(path.at(-1));
  for (const { key } of parent.items) {
    if (isScalar(key) && String(key.value) === name && key.range) return key.range[0];
  }
  return undefined;
}
