// The CimCmdlets module: reading classes, restarting, and the registry of this node.
import { beginRestart } from '../nodes.ts';
import type { Asked } from '../refusal.ts';
import type { LabNode } from '../world.ts';
import { CIMV2, classNamed, hasNamespace, instanceObject, plainRow } from './cim-classes.ts';
import { objects, type Call, type Cmdlet, type Result } from './cmdlet.ts';
import { cimError, notImplemented } from './errors.ts';
import { BadQuery, wqlCondition } from './matching.ts';
import { idOf, uint32, type Wire } from './wire.ts';

const asked = ({ world, node, op }: Call): Asked => ({ world, node, op });

const namespaceOf = (call: Call): string =>
  (call.bound.text('Namespace') ?? CIMV2).replaceAll('\\', '/').toLowerCase();

interface Query {
  name: string;
  filter: string;
}

/** Class and condition, from -ClassName and -Filter or from -Query. */
function queryOf(call: Call): Query {
  const { bound } = call;
  const query = bound.text('Query');
  if (query === undefined)
    return { name: bound.text('ClassName') ?? '', filter: bound.text('Filter') ?? '' };
  const parsed = /^\s*select\s+[\w\s,*]+?\s+from\s+(\w+)(?:\s+where\s+([\s\S]+))?$/i.exec(query);
  if (parsed === null)
    throw cimError(call.cmdlet, '0x80041017', 'InvalidArgument', `Invalid query: ${query}`);
  return { name: parsed[1] ?? '', filter: parsed[2] ?? '' };
}

function getInstance(call: Call): Result {
  const namespace = namespaceOf(call);
  const { name, filter } = queryOf(call);
  const about = asked(call);
  if (!hasNamespace(about, namespace))
    throw cimError(call.cmdlet, '0x8004100E', 'MetadataError', `Invalid namespace ${namespace}`);
  const known = classNamed(namespace, name);
  if (known === undefined) throw notImplemented(call.cmdlet, `the class ${namespace}/${name}`);
  let rows = known.list(about, filter);
  if (filter !== '') {
    try {
      const matches = wqlCondition(filter);
      rows = rows.filter((row) => matches(plainRow(row)));
    } catch (error) {
      if (!(error instanceof BadQuery)) throw error;
      throw cimError(call.cmdlet, '0x80041017', 'InvalidArgument', `The filter ${error.message}`);
    }
  }
  return objects(rows.map((row, i) => instanceObject(about, known.namespace, known.name, row, i)));
}

const answerOf = (values: Record<string, Wire>): Result =>
  objects([
    {
      $t: 'Microsoft.Management.Infrastructure.CimMethodResult',
      p: { ...values, PSComputerName: null },
    },
  ]);

/** Arguments of a method, by lower-case names. */
function argumentsOf(call: Call): Map<string, unknown> {
  const given = call.bound.raw('Arguments') as Record<string, unknown> | null | undefined;
  return new Map(
    Object.entries(given ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const),
  );
}

// Win32_OperatingSystem: bit 2 of the flags restarts.
const RESTART = 2;
/** ERROR_SHUTDOWN_IN_PROGRESS */
const SHUTTING_DOWN = 1115;

function shutdown(call: Call): Result {
  const { world, node } = call;
  const given = argumentsOf(call);
  const flags = Number(given.get('flags') ?? 0);
  if ((flags & RESTART) === 0)
    throw notImplemented(call.cmdlet, 'a shutdown that does not restart');
  if (node.power === 'stopping') return answerOf({ ReturnValue: uint32(SHUTTING_DOWN) });
  const comment = given.get('comment');
  beginRestart(world, node, typeof comment === 'string' ? comment : '');
  return answerOf({ ReturnValue: uint32(0) });
}

/** HKEY_LOCAL_MACHINE */
const LOCAL_MACHINE = 2147483650;
/** ERROR_FILE_NOT_FOUND: there is no such key or value. */
const ABSENT = 2;
const CURRENT_VERSION = 'software\\microsoft\\windows\\currentversion';

/** Keys of HKLM that exist here beside those nobody asks for; lower case. */
function hasKey(node: LabNode, key: string): boolean {
  const pendingFeature = [...node.features.values()].includes('InstallPending');
  switch (key) {
    case `${CURRENT_VERSION}\\component based servicing\\rebootpending`:
      return pendingFeature;
    case `${CURRENT_VERSION}\\windowsupdate\\auto update\\rebootrequired`:
      return node.pendingRestart && !pendingFeature;
    default:
      return false;
  }
}

function registry(call: Call, method: string): Result {
  const given = argumentsOf(call);
  const key = given.get('ssubkeyname');
  if (given.get('hdefkey') !== LOCAL_MACHINE || typeof key !== 'string')
    throw notImplemented(call.cmdlet, 'any part of the registry but HKEY_LOCAL_MACHINE');
  if (method === 'enumkey') {
    const there = hasKey(call.node, key.toLowerCase());
    return answerOf({ ReturnValue: uint32(there ? 0 : ABSENT), sNames: null });
  }
  if (method === 'getdwordvalue') return answerOf({ ReturnValue: uint32(ABSENT), uValue: null });
  throw notImplemented(call.cmdlet, `StdRegProv.${method}`);
}

const SHUTDOWN_METHODS = ['win32shutdowntracker', 'win32shutdown'];

function invokeMethod(call: Call): Result {
  const { bound } = call;
  const method = bound.text('MethodName')?.toLowerCase() ?? '';
  const [ref] = bound.refs('InputObject');
  const instance = idOf('cim', ref)?.split(':')[0];
  const name = instance ?? queryOf(call).name;
  if (name.toLowerCase() === 'stdregprov') return registry(call, method);
  if (name.toLowerCase() === 'win32_operatingsystem' && SHUTDOWN_METHODS.includes(method)) {
    // A method of instances: the class alone has nothing to shut down.
    if (instance === undefined && !bound.has('Query'))
      throw cimError(call.cmdlet, '0x8004102E', 'InvalidOperation', 'Invalid method');
    return shutdown(call);
  }
  throw notImplemented(call.cmdlet, `${name}.${method}`);
}

export const CIM_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Get-CimInstance': { takes: ['ClassName', 'Namespace', 'Filter', 'Query'], run: getInstance },
  'Invoke-CimMethod': {
    takes: ['ClassName', 'Namespace', 'Query', 'InputObject', 'MethodName', 'Arguments'],
    run: invokeMethod,
  },
};
