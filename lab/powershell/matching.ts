// How Windows compares what a caller wrote with what is there: PowerShell wildcards, and the conditions of WQL.

/** Matches as `-like` does: `*`, `?`, `[a-c]`, a backtick before any of them, case does not count. */
export function wildcard(pattern: string): (value: string) => boolean {
  let source = '';
  for (let i = 0; i < pattern.length; i += 1) {
    const c = pattern.charAt(i);
    const end = c === '[' ? pattern.indexOf(']', i + 1) : -1;
    if (c === '`' && i + 1 < pattern.length) {
      i += 1;
      source += literal(pattern.charAt(i));
    } else if (c === '*') source += '[\\s\\S]*';
    else if (c === '?') source += '[\\s\\S]';
    else if (end > 0) {
      const inside = pattern.slice(i + 1, end);
      source += `[${inside.replace(/[\\\]^]/g, '\\$&')}]`;
      i = end;
    } else source += literal(c);
  }
  const compiled = new RegExp(`^${source}$`, 'i');
  return (value) => compiled.test(value);
}

const literal = (c: string): string => c.replace(/[$()*+./?[\\\]^{|}-]/g, '\\$&');

export const hasWildcard = (pattern: string): boolean => /[*?[]/.test(pattern);

/** A value of a CIM property, as a condition sees it. */
export type Plain = string | number | boolean | null;

/** A condition that the lab cannot read. */
export class BadQuery extends Error {}

const TOKEN = /\s*(?:('(?:\\.|[^\\'])*'|"(?:\\.|[^\\"])*")|(<=|>=|<>|!=|[=<>()])|([\w.]+))/y;

interface Token {
  kind: 'text' | 'sign' | 'word';
  value: string;
}

function tokens(query: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  while (query.slice(TOKEN.lastIndex).trim() !== '') {
    const match = TOKEN.exec(query);
    if (match === null) throw new BadQuery(`cannot be read: ${query}`);
    const [, quoted, sign, word] = match;
    if (quoted !== undefined)
      found.push({ kind: 'text', value: quoted.slice(1, -1).replace(/\\(.)/g, '$1') });
    else if (sign !== undefined) found.push({ kind: 'sign', value: sign });
    else found.push({ kind: 'word', value: word ?? '' });
  }
  return found;
}

type Condition = (row: Readonly<Record<string, Plain>>) => boolean;

/** The condition of a WQL `WHERE`, for rows with lower-case names. */
export function wqlCondition(query: string): Condition {
  const list = tokens(query);
  let at = 0;
  const isWord = (word: string): boolean =>
    list[at]?.kind === 'word' && list[at]?.value.toLowerCase() === word;
  const take = (): Token => {
    const token = list[at];
    at += 1;
    if (token === undefined) throw new BadQuery(`ends too early: ${query}`);
    return token;
  };
  const any = (): Condition => {
    const parts = [all()];
    while (isWord('or')) {
      at += 1;
      parts.push(all());
    }
    return (row) => parts.some((part) => part(row));
  };
  const all = (): Condition => {
    const parts = [one()];
    while (isWord('and')) {
      at += 1;
      parts.push(one());
    }
    return (row) => parts.every((part) => part(row));
  };
  const one = (): Condition => {
    if (isWord('not')) {
      at += 1;
      const inner = one();
      return (row) => !inner(row);
    }
    const first = take();
    if (first.value === '(' && first.kind === 'sign') {
      const inner = any();
      if (take().value !== ')') throw new BadQuery(`lacks a ')': ${query}`);
      return inner;
    }
    const sign = take().value.toLowerCase();
    const right = take();
    const name = first.value.toLowerCase();
    return (row) => compare(row[name] ?? null, sign, right.value);
  };
  const condition = any();
  if (at < list.length) throw new BadQuery(`has something left: ${query}`);
  return condition;
}

function compare(left: Plain, sign: string, right: string): boolean {
  if (left === null) return false;
  const number = typeof left === 'number';
  const a = number ? left : String(left).toLowerCase();
  const b = number ? Number(right) : right.toLowerCase();
  switch (sign) {
    case '=':
      return a === b;
    case '<>':
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '>':
      return a > b;
    case '<=':
      return a <= b;
    case '>=':
      return a >= b;
    case 'like':
      // In WQL % and _ are what * and ? are elsewhere.
      return wildcard(String(b).replace(/[*?]/g, '`$&').replaceAll('%', '*').replaceAll('_', '?'))(
        String(a),
      );
    default:
      throw new BadQuery(`has the unknown operator '${sign}'`);
  }
}
