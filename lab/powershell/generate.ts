// Writes the stand-ins for the Windows modules: one PowerShell function per documented cmdlet with its true parameter
// sets, types, positions and pipeline input, whose body asks the lab. Nothing that this writes is committed.
import fs from 'node:fs';
import path from 'node:path';
import { beside, documentedCmdlets, isShouldProcess, type DocumentedCmdlet } from './catalogue.ts';
import {
  CIM_INSTANCE,
  CLASSES,
  ENUMS,
  EXCEPTIONS,
  FLAGS,
  namespaceOf,
  SETTABLE,
  VM_MIGRATION_TYPE,
} from './windows-types.ts';

/** Documented types that exist in every PowerShell, by the name that a script writes. */
const REAL_TYPES: Readonly<Record<string, string>> = {
  String: 'string',
  SwitchParameter: 'switch',
  Int16: 'int16',
  Int32: 'int',
  Int64: 'long',
  UInt16: 'uint16',
  UInt32: 'uint32',
  UInt64: 'uint64',
  Boolean: 'bool',
  Guid: 'guid',
  DateTime: 'datetime',
  TimeSpan: 'timespan',
  Version: 'version',
  Uri: 'uri',
  Object: 'object',
  PSObject: 'psobject',
  Hashtable: 'hashtable',
  'System.Collections.Hashtable': 'hashtable',
  IDictionary: 'System.Collections.IDictionary',
  ScriptBlock: 'scriptblock',
  SecureString: 'securestring',
  PSCredential: 'pscredential',
  StringCollection: 'System.Collections.Specialized.StringCollection',
  'System.Xml.XmlDocument': 'xml',
  'System.Security.Principal.SecurityIdentifier': 'System.Security.Principal.SecurityIdentifier',
  // Classes of ServerManager and VHD that convert from the names people type.
  Feature: 'string',
  VhdType: 'string',
};

// These exist on Windows only, or cannot be constructed elsewhere, and watari passes none of them.
const LOOSE_TYPES =
  /CimSession|PSSession|AuthenticationMechanism|CimClass|RegistryValueKind|LocalGroup|LocalPrincipal|LocalUser|CacheAttributes|CacheStateType/;

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Types that the stand-ins emit at load, because they do not exist outside Windows. */
class EmittedTypes {
  readonly enums = new Map<string, Record<string, number>>(Object.entries(ENUMS));
  readonly classes = new Set<string>([...CLASSES, ...Object.keys(SETTABLE)]);

  /** How a function declares a parameter of this documented type. */
  declare(cmdlet: DocumentedCmdlet, parameter: string, documented: string): string {
    const array = documented.endsWith('[]') ? '[]' : '';
    const base = array === '' ? documented : documented.slice(0, -2);
    const real = REAL_TYPES[base];
    if (real !== undefined) return `[${real}${array}]`;
    // Any construction of the real CimInstance fails without Windows' own library.
    if (base.includes('CimInstance')) return `[PSTypeName(${quote(CIM_INSTANCE)})][object${array}]`;
    if (LOOSE_TYPES.test(base)) return `[object${array}]`;
    const named = base === 'VmMigrationType' ? VM_MIGRATION_TYPE : base;
    const full = named.includes('.') ? named : `${namespaceOf(cmdlet.module)}.${named}`;
    const values = cmdlet.parameters[parameter]?.acceptedValues;
    if (values === undefined) this.classes.add(full);
    else if (!this.enums.has(full))
      this.enums.set(full, Object.fromEntries(values.map((value, i) => [value, i])));
    return `[${full}${array}]`;
  }
}

interface Place {
  set: string;
  required: boolean;
  position: number | null;
}

/** Each parameter once, with the sets that it is in. */
function placesOf(cmdlet: DocumentedCmdlet): Map<string, { type: string; in: Place[] }> {
  const found = new Map<string, { type: string; in: Place[] }>();
  for (const set of cmdlet.parameterSets)
    for (const { name, type, required, position } of set.parameters) {
      if (isShouldProcess(name)) continue;
      const entry = found.get(name) ?? { type, in: [] };
      entry.in.push({ set: set.name, required, position });
      found.set(name, entry);
    }
  return found;
}

function parameterLine(
  cmdlet: DocumentedCmdlet,
  name: string,
  { type, in: places }: { type: string; in: Place[] },
  types: EmittedTypes,
  namedSets: boolean,
): string {
  const pipeline = cmdlet.pipeline[name] ?? [];
  const flags = ({ required, position }: Place): string[] => [
    ...(required ? ['Mandatory=$true'] : []),
    ...(position === null ? [] : [`Position=${position}`]),
    ...(pipeline.includes('ByValue') ? ['ValueFromPipeline=$true'] : []),
    ...(pipeline.includes('ByPropertyName') ? ['ValueFromPipelineByPropertyName=$true'] : []),
  ];
  const [first] = places;
  const same =
    !namedSets &&
    places.length === cmdlet.parameterSets.length &&
    new Set(places.map((place) => flags(place).join())).size === 1;
  const attributes =
    same && first !== undefined
      ? [flags(first)].filter((list) => list.length > 0)
      : places.map((place) => [`ParameterSetName=${quote(place.set)}`, ...flags(place)]);
  const { aliases = [], acceptedValues } = cmdlet.parameters[name] ?? {};
  const declared = types.declare(cmdlet, name, type);
  // Where the type is an enumeration, it checks by itself.
  const checked = acceptedValues !== undefined && /^\[(string|int16|int|uint32)/.test(declared);
  return [
    ...attributes.map((list) => `[Parameter(${list.join(',')})]`),
    aliases.length > 0 ? `[Alias(${aliases.map(quote).join(',')})]` : '',
    checked ? `[ValidateSet(${acceptedValues.map(quote).join(',')})]` : '',
    `${declared}$${name}`,
  ].join('');
}

function functionText(name: string, cmdlet: DocumentedCmdlet, types: EmittedTypes): string {
  const { parameterSets } = cmdlet;
  const places = placesOf(cmdlet);
  const shared = (parameter: string): boolean =>
    isShouldProcess(parameter) || places.get(parameter)?.in.length === parameterSets.length;
  // A set that has only parameters of all sets would vanish if nobody named it.
  const namedSets =
    parameterSets.length > 1 &&
    parameterSets.some((set) => set.parameters.every((parameter) => shared(parameter.name)));
  const lines = [...places].map(
    ([parameter, entry]) => `  ${parameterLine(cmdlet, parameter, entry, types, namedSets)}`,
  );
  const chosen = parameterSets.find((set) => set.default)?.name;
  const should = parameterSets.some((set) => set.parameters.some((p) => isShouldProcess(p.name)));
  const binding = [
    // Otherwise a function gives a position to every parameter that has none.
    'PositionalBinding=$false',
    ...(parameterSets.length > 1 && chosen !== undefined
      ? [`DefaultParameterSetName=${quote(chosen)}`]
      : []),
    ...(should ? ['SupportsShouldProcess=$true'] : []),
  ];
  return `function ${name} {
 [CmdletBinding(${binding.join(',')})]
 param(
${lines.join(',\n')}
 )
 process { Invoke-LabCmdlet $PSCmdlet $PSBoundParameters }
}
`;
}

function write(folder: string, module: string, text: string, exported: string[], guid: string) {
  const own = path.join(folder, module);
  fs.mkdirSync(own, { recursive: true });
  fs.writeFileSync(path.join(own, `${module}.psm1`), text);
  const names = exported.map(quote).join(',');
  fs.writeFileSync(
    path.join(own, `${module}.psd1`),
    `@{ ModuleVersion='2.0.0.0'; GUID=${quote(guid)}; RootModule=${quote(`${module}.psm1`)}; ` +
      `FunctionsToExport=@(${names}); CmdletsToExport=@(); AliasesToExport=@() }\n`,
  );
}

const guidOf = (n: number): string => `6c616200-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** Tables that LabCore.ps1 works with, as PowerShell. */
function coreTables(types: EmittedTypes): string {
  const enums = [...types.enums].map(
    ([name, values]) =>
      ` ${quote(name)} = [ordered]@{${Object.entries(values)
        .map(([key, value]) => `${quote(key)}=${value}`)
        .join(';')}}`,
  );
  const settable = Object.entries(SETTABLE).map(
    ([name, properties]) => ` ${quote(name)} = @(${properties.map(quote).join(',')})`,
  );
  return [
    `$script:Enums = @{\n${enums.join('\n')}\n}`,
    `$script:Flags = @{\n${Object.entries(FLAGS)
      .map(([name, of]) => ` ${quote(name)} = ${quote(of)}`)
      .join('\n')}\n}`,
    `$script:Classes = @(${[...types.classes].map(quote).join(',')})`,
    `$script:Exceptions = @(${Object.values(EXCEPTIONS).map(quote).join(',')})`,
    `$script:Settable = @{\n${settable.join('\n')}\n}`,
    '',
  ].join('\n');
}

/**
 * Writes the modules into `folder`, which goes on PSModulePath, and answers their names. Whoever loads them sets
 * LAB_URL and LAB_NODE. Modules that every PowerShell has of its own are never written: they would hide the real ones.
 */
export function generateModules(folder: string): string[] {
  const types = new EmittedTypes();
  const modules = new Map<string, Map<string, DocumentedCmdlet>>();
  for (const [name, cmdlet] of Object.entries(documentedCmdlets())) {
    const list = modules.get(cmdlet.module) ?? new Map<string, DocumentedCmdlet>();
    modules.set(cmdlet.module, list.set(name, cmdlet));
  }
  for (const [module, cmdlets] of modules) {
    const text = [...cmdlets].map(([name, cmdlet]) => functionText(name, cmdlet, types)).join('');
    const core = `Import-Module -Name (Join-Path (Split-Path $PSScriptRoot) 'LabCore')\n`;
    const number = [...modules.keys()].indexOf(module) + 1;
    write(folder, module, core + text, [...cmdlets.keys()], guidOf(number));
  }
  const body = fs.readFileSync(beside('LabCore.ps1'), 'utf8');
  write(folder, 'LabCore', coreTables(types) + body, ['Invoke-LabCmdlet'], guidOf(0));
  return [...modules.keys()];
}
