// Values between the lab and its PowerShell stand-ins. JSON has too few types and PowerShell's readers too many habits
// (7 turns text that looks like a date into one, 5.1 does so with /Date(…)/), so whatever is not obvious is marked.
import type { Instant } from '../machine/clock.ts';

export type Wire =
  | null
  | boolean
  | number
  | string
  | readonly Wire[]
  | { readonly [key: string]: Wire }
  | WireObject;

export interface WireObject {
  $t: string;
  /** How the lab knows it when it comes back as a parameter. */
  id?: string;
  /** Methods, each of which asks the lab; and properties that go along when one is called. */
  m?: readonly string[];
  sends?: readonly string[];
  /** Second type name, for a parameter that takes any object of a family. */
  base?: string;
  /** Property whose value is the object's text. */
  text?: string;
  /** Or its text, where that is no property. */
  says?: Wire;
  p: Record<string, Wire>;
}

/** Text of any content. */
export const text = (value: string): Wire => (/^[\d/]/.test(value) ? { $s: `=${value}` } : value);
export const texts = (values: readonly string[]): Wire => values.map(text);
export const date = (at: Instant): Wire => ({ $d: String(at) });
export const span = (ms: number): Wire => ({ $span: ms });
export const guid = (value: string): Wire => ({ $g: value });
/** A System.Version. The mark keeps JSON from making a number of it. */
export const version = (value: string): Wire => ({ $v: value });
export const int64 = (value: number): Wire => ({ $i8: String(value) });
export const uint32 = (value: number): Wire => ({ $u4: String(value) });
export const uint64 = (value: number): Wire => ({ $u8: String(value) });
/** A System.Collections.Specialized.StringCollection. */
export const strings = (values: readonly string[]): Wire => ({ $strings: texts(values) });

const isObject = (value: object): value is WireObject => '$t' in value;

/** The same without repetition: an object that comes again is sent by its name, which is a third of the work. */
export function withoutRepeats(values: readonly Wire[]): Wire[] {
  const seen = new Set<string>();
  const thin = (value: Wire): Wire => {
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) return (value as readonly Wire[]).map(thin);
    const id = isObject(value) ? value.id : undefined;
    if (id !== undefined && seen.has(id)) return { $r: id };
    if (id !== undefined) seen.add(id);
    return Object.fromEntries(
      Object.entries(value as Record<string, Wire>).map(([key, part]) => [key, thin(part)]),
    );
  };
  return values.map(thin);
}

/** One cmdlet as PowerShell bound it; objects of the lab come back as `{ $ref }`. */
export class Bound {
  private readonly values: Readonly<Record<string, unknown>>;
  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }

  names(): string[] {
    return Object.keys(this.values);
  }

  has(name: string): boolean {
    return this.values[name] !== undefined;
  }

  raw(name: string): unknown {
    return this.values[name];
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** A scalar counts as a list of one; absent is undefined. */
  texts(name: string): string[] | undefined {
    const value = this.values[name];
    if (value === undefined || value === null) return undefined;
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.filter((item) => typeof item === 'string');
  }

  number(name: string): number | undefined {
    const value = this.values[name];
    return typeof value === 'number' ? value : undefined;
  }

  /** Ids of the objects that a parameter was given. */
  refs(name: string): string[] {
    const value = this.values[name];
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.flatMap((item) => {
      const ref = (item as { $ref?: unknown } | null | undefined)?.$ref;
      return typeof ref === 'string' ? [ref] : [];
    });
  }
}

/** `vm:…` of `vm`. */
export const idOf = (kind: string, ref: string | undefined): string | undefined =>
  ref?.startsWith(`${kind}:`) === true ? ref.slice(kind.length + 1) : undefined;
