// Holds the file of a first contact against what is known: evidence of real machines and the lab's stand-ins, both in
// contact.json. Pure but for reading that file, which lies beside this one.
import fs from 'node:fs';
import path from 'node:path';
import type { Contact, ContactCall } from './contact.ts';

export interface Difference {
  /** What it is about: an operation, a type, a property, a call. */
  about: string;
  expected: string;
  seen: string;
  /** Operations of the port that meet it; none: only checks of the kit do. */
  operations: string[];
  /** false: worth knowing, and nothing of watari stands on it. */
  matters: boolean;
}

interface Expected {
  /** Type -> property -> kind; '' where it may be any. */
  types: Record<string, Record<string, string>>;
  /** Type -> properties that the module cannot do without. */
  needed: Record<string, string[]>;
  /** Text of a call -> how it is refused. */
  refusals: Record<string, { id: string; category: string }>;
}

let known: Expected | null = null;
const expected = (): Expected =>
  (known ??= JSON.parse(
    fs.readFileSync(path.join(import.meta.dirname, 'contact.json'), 'utf8'),
  ) as Expected);

/** Milliseconds that the driver waits (host.ts). Written out: a file of another version is held against these. */
const READ_MS = 60_000;
const LIMITS: Readonly<Record<string, number>> = {
  readFeatures: 7 * 60_000,
  readUpdates: 20 * 60_000,
};

/** A property by any spelling, as in PowerShell. */
const lower = <T>(of: Record<string, T>): Map<string, T> =>
  new Map(Object.entries(of).map(([name, value]) => [name.toLowerCase(), value]));

const plainName = (operation: string): string => operation.split(',')[0] ?? operation;

function operationsOf(contact: Contact, calls: readonly ContactCall[]): string[] {
  const asked = new Set(contact.operations.map((one) => plainName(one.operation)));
  const met = calls.map((call) => plainName(call.operation)).filter((name) => asked.has(name));
  return [...new Set(met)].sort();
}

/** Everything that differs, what matters first. */
export function compareContact(contact: Contact, against: Expected = expected()): Difference[] {
  const all = [
    ...unfinished(contact),
    ...failedOperations(contact),
    ...slowOperations(contact),
    ...otherTypes(contact, against),
    ...otherRefusals(contact, against),
    ...otherRows(contact),
    ...missingParts(contact),
  ];
  return [...all.filter((one) => one.matters), ...all.filter((one) => !one.matters)];
}

const unfinished = ({ whole }: Contact): Difference[] =>
  whole
    ? []
    : [
        {
          about: 'the file',
          expected: 'ends with every operation',
          seen: 'ends in the middle: what comes after its last operation hung or was stopped',
          operations: [],
          matters: true,
        },
      ];

const failedOperations = ({ operations }: Contact): Difference[] =>
  operations.flatMap(({ operation, error }) =>
    error === null
      ? []
      : [
          {
            about: operation,
            expected: 'an answer',
            seen: `${error.category}, ${error.id} (${error.chain.map((one) => `${one.type} ${one.hresult}`).join(' < ')})`,
            operations: [plainName(operation)],
            matters: true,
          },
        ],
  );

const slowOperations = ({ operations }: Contact): Difference[] =>
  operations.flatMap(({ operation, ms }) => {
    const limit = LIMITS[operation] ?? READ_MS;
    const most = Math.max(0, ...ms);
    if (most <= limit) return [];
    return [
      {
        about: operation,
        expected: `at most ${limit / 1000} s`,
        seen: `${Math.round(most / 1000)} s`,
        operations: [plainName(operation)],
        matters: true,
      },
    ];
  });

function otherTypes(contact: Contact, against: Expected): Difference[] {
  const types = lower(against.types);
  const needed = lower(against.needed);
  return Object.entries(contact.types).flatMap(([type, { properties }]) => {
    const operations = operationsOf(
      contact,
      contact.calls.filter((call) => call.types.includes(type)),
    );
    const wanted = types.get(type.toLowerCase());
    // Of objects that nobody's type declares, and of rows of parameters, no list says what is right.
    if (wanted === undefined)
      return /^object$| of |MSCluster_Property$|^[A-Z]\w*(,|$)|^list of /.test(type)
        ? []
        : [unknownType(type, operations)];
    const required = new Set(needed.get(type.toLowerCase())?.map((name) => name.toLowerCase()));
    return otherProperties(type, lower(properties), wanted, required, operations);
  });
}

const unknownType = (type: string, operations: string[]): Difference => ({
  about: type,
  expected: 'a type that evidence or a stand-in has',
  seen: 'an object of it',
  operations,
  matters: false,
});

function otherProperties(
  type: string,
  seen: Map<string, string[]>,
  wanted: Record<string, string>,
  required: ReadonlySet<string>,
  operations: string[],
): Difference[] {
  const found: Difference[] = [];
  const differs = (about: string, right: string, is: string, matters = false): void => {
    found.push({ about, expected: right, seen: is, operations, matters });
  };
  const absent: string[] = [];
  for (const [name, kind] of Object.entries(wanted)) {
    const kinds = seen.get(name.toLowerCase());
    const matters = operations.length > 0 && required.has(name.toLowerCase());
    const others = kinds?.filter((one) => !agrees(one, kind)) ?? [];
    if (kinds === undefined && matters)
      differs(`${type}.${name}`, kind || 'there', 'not there', true);
    else if (kinds === undefined) absent.push(name);
    else if (others.length > 0) {
      // Whole numbers are read alike, whatever their width.
      const numbers = [kind, ...others].every((one) => WHOLE.test(one));
      differs(`${type}.${name}`, kind, others.join(' or '), matters && !numbers);
    }
  }
  const names = lower(wanted);
  const more = [...seen.keys()].filter((name) => !names.has(name));
  if (absent.length > 0) differs(type, absent.join(', '), 'not there');
  if (more.length > 0) differs(type, 'no more properties', more.join(', '));
  return found;
}

const WHOLE = /^(System\.)?(Byte|U?Int\d\d)$/;

/** `String, guid-like` is a `System.String`; what is null or cannot be read says nothing. */
function agrees(seen: string, wanted: string): boolean {
  const kind = seen.split(',')[0] ?? '';
  if (wanted === '' || ['null', 'error', 'object', 'empty list'].includes(kind)) return true;
  return kind === wanted.replace(/^System\.(?=\w+$)/, '');
}

/** What is asked for on purpose and is not there. */
const otherRefusals = (contact: Contact, { refusals }: Expected): Difference[] =>
  Object.entries(refusals).flatMap(([text, wanted]) => {
    const call = contact.calls.find((one) => one.call === text);
    if (call === undefined) return [];
    const [error] = call.errors;
    const seen = error === undefined ? 'no error' : `${error.category}, ${error.id}`;
    const right = `${wanted.category}, ${wanted.id}`;
    if (seen === right) return [];
    const cmdlet = /\\([\w-]+)/.exec(text)?.[1] ?? text;
    const operations = operationsOf(
      contact,
      contact.calls.filter((one) => one.call.includes(cmdlet)),
    );
    return [{ about: text, expected: right, seen, operations, matters: operations.length > 0 }];
  });

/** One row for each node and volume. */
function otherRows({ operations, calls }: Contact): Difference[] {
  const rowsOf = (name: string): number =>
    operations.find((one) => one.operation === name && one.answered)?.rows ?? 0;
  const call = calls.find(
    (one) =>
      one.operation === 'readSharedVolumes' && one.call.endsWith('Get-ClusterSharedVolumeState'),
  );
  const wanted = rowsOf('readNodes') * rowsOf('readSharedVolumes');
  if (call === undefined || wanted === 0 || call.errors.length > 0 || call.rows === wanted)
    return [];
  return [
    {
      about: call.call,
      expected: `${wanted} rows, one for each node and volume`,
      seen: String(call.rows),
      operations: ['readSharedVolumes'],
      matters: true,
    },
  ];
}

/** What the worker and the identity of a boot stand on. */
function missingParts({ checks, nativePart }: Contact): Difference[] {
  const found: Difference[] = [];
  const missing = (about: string, wanted: string, seen: string, operations: string[]): void => {
    found.push({ about, expected: wanted, seen, operations, matters: true });
  };
  const began = checks.beginOfBoot;
  if (began !== undefined && !began.includes('DateTime'))
    missing(
      'Win32_Process.CreationDate of process 4 or wininit.exe',
      'DateTime',
      began.join(' and ') || 'nothing',
      ['readBoot', 'readHost'],
    );
  if (checks.vcruntime140 === false && nativePart !== 'loads')
    missing('vcruntime140.dll', 'in System32', 'not there: the worker does not start', []);
  if (nativePart !== undefined && nativePart !== 'loads')
    missing("Temporal's native part", 'loads', nativePart, []);
  return found;
}
