// What is known of real Windows (tests/evidence/), so that tests can hold the lab's stand-ins against it. Case of names
// does not count, as in PowerShell.
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './built-setup.ts';

export interface KnownType {
  /** Of a class, with what it inherits: property -> .NET type, '' where that is not known. */
  properties?: Record<string, string>;
  /** The class is known, its properties are not. */
  opaque?: boolean;
  /** Of an enumeration. */
  values?: Record<string, number>;
  flags?: boolean;
}

export interface Recording {
  source: string;
  culture: string;
  certainty: string;
  command: string;
  kind: string;
  data: unknown;
}

function rows<T>(name: string): Map<string, T> {
  const file = path.join(ROOT, 'tests', 'evidence', name);
  const all = JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, T>;
  return new Map(Object.entries(all).filter(([key]) => key !== '_'));
}

export const TYPES = rows<KnownType>('types.json');
/** By `namespace/class`, the namespace in lower case. */
export const CIM = rows<{ properties: string[] }>('cim.json');
/** A parameter: its name, `!` where it is mandatory, its position, how it takes pipeline input. */
export const CMDLETS_BOUND = rows<{ sets: Record<string, string[]>; defaultSet: string | null }>(
  'parameters.json',
);
/** Of cmdlets that the lab does not stand in for: parameter sets as Microsoft documents them. */
export const DOCUMENTED = rows<{ sets: string[][] }>('documented.json');
export const RECORDINGS = rows<Recording>('recordings.json');

const CIM_BY_NAME = new Map([...CIM].map(([name, one]) => [name.toLowerCase(), one]));

/** Properties by lower-case name; null: nothing is known of this type. */
export function propertiesOf(type: string): Map<string, string> | null {
  const cim = CIM_BY_NAME.get(type.toLowerCase());
  if (cim !== undefined)
    return new Map([...cim.properties, 'PSComputerName'].map((name) => [name.toLowerCase(), '']));
  const known = TYPES.get(type);
  if (known?.properties === undefined || known.opaque === true) return null;
  return new Map(Object.entries(known.properties).map(([name, of]) => [name.toLowerCase(), of]));
}
