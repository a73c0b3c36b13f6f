// The CimCmdlets module: reading classes here and on other nodes, restarting, the registry.
import { beginRestart } from '../machine/nodes.ts';
import type { Asked } from '../machine/refusal.ts';
import { NO_ACCESS, signInProblem, UNREACHABLE } from '../machine/setup-reads.ts';
import { findNode } from '../machine/world.ts';
import { CIMV2, classNamed, hasNamespace, instanceObject, plainRow } from './cim-classes.ts';
import { MSCLUSTER } from './cluster-classes.ts';
import { needsCluster, objects, type Call, type Cmdlet, type Result } from './cmdlet.ts';
import { cimError, notImplemented, type ErrorRecord } from './errors.ts';
import { BadQuery, wqlCondition } from './matching.ts';
import { administratorMembers, ownerOf, ownerSidOf } from './setup-classes.ts';
import { registryAnswer } from './windows-registry.ts';
import { idOf, uint32, type Wire, type WireObject } from './wire.ts';

const namespaceOf = (call: Call): string =>
  (call.bound.text('Namespace') ?? CIMV2).replaceAll('\\', '/').toLowerCase();

interface Query {
  name: string;
  filter: string;
  /** Names of the properties that are asked for, in lower case; all others come empty. null: all. */
  select: string[] | null;
}

const namesOf = (list: readonly string[]): string[] | null =>
  list.some((name) => name.trim() === '*') ? null : list.map((name) => name.trim().toLowerCase());

/** Class and condition, from -ClassName and -Filter or from -Query. */
function queryOf(call: Call): Query {
  const { bound } = call;
  const query = bound.text('Query');
  if (query === undefined)
    return {
      name: bound.text('ClassName') ?? '',
      filter: bound.text('Filter') ?? '',
      select: namesOf(bound.texts('Property') ?? ['*']),
    };
  const parsed = /^\s*select\s+([\w\s,*]+?)\s+from\s+(\w+)(?:\s+where\s+([\s\S]+))?$/i.exec(query);
  if (parsed === null)
    throw cimError(call.cmdlet, '0x80041017', 'InvalidArgument', `Invalid query: ${query}`);
  const [, select = '', name = '', filter = ''] = parsed;
  return { name, filter, select: namesOf(select.split(',')) };
}

/** Instances of the class on one node. */
function rowsOf(call: Call, about: Asked, computer: string | null): WireObject[] {
  const namespace = namespaceOf(call);
  const { name, filter, select } = queryOf(call);
  if (!hasNamespace(about, namespace))
    throw cimError(call.cmdlet, '0x8004100E', 'MetadataError', `Invalid namespace ${namespace}`);
  const known = classNamed(namespace, name);
  if (known === undefined) throw notImplemented(call.cmdlet, `the class ${namespace}/${name}`);
  if (namespace === MSCLUSTER.toLowerCase()) needsCluster({ ...call, ...about });
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
  return rows.map((row, i) =>
    instanceObject(about, known.namespace, known.name, selected(call, row, select), i, computer),
  );
}

/** What was not selected is null. A query that names a property that the class lacks fails as a whole. */
function selected(
  call: Call,
  row: Record<string, Wire>,
  select: readonly string[] | null,
): Record<string, Wire> {
  if (select === null) return row;
  const has = Object.keys(row).map((name) => name.toLowerCase());
  const unknown = select.find((name) => !has.includes(name));
  if (unknown !== undefined)
    throw cimError(call.cmdlet, '0x80041017', 'InvalidArgument', `Invalid query: no ${unknown}`);
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      select.includes(name.toLowerCase()) ? value : null,
    ]),
  );
}

/** Other computers are asked over WinRM, as the account of this node's worker; each may say no. */
function getInstance(call: Call): Result {
  const computers = call.bound.texts('ComputerName');
  if (computers === undefined) return objects(rowsOf(call, call, null));
  const errors: ErrorRecord[] = [];
  const out = computers.flatMap((computer) => {
    const peer = findNode(call.world, computer);
    const problem =
      peer === undefined
        ? { hresult: UNREACHABLE, message: `The client cannot connect to ${computer}.` }
        : signInProblem(call, peer);
    if (peer !== undefined && problem === null)
      return rowsOf(call, { ...call, node: peer }, computer);
    const { hresult, message } = problem ?? { hresult: NO_ACCESS, message: '' };
    const { record } = cimError(call.cmdlet, hresult, 'NotSpecified', message);
    errors.push({ ...record, origin: computer });
    return [];
  });
  return { out, errors };
}

/** Members of a group; nothing else is played. */
function getAssociated(call: Call): Result {
  const { bound, cmdlet } = call;
  const group = idOf('cim', bound.refs('InputObject')[0])?.split(':')[0];
  const association = bound.text('Association')?.toLowerCase();
  const result = bound.text('ResultClassName')?.toLowerCase();
  if (
    group?.toLowerCase() !== 'win32_group' ||
    association !== 'win32_groupuser' ||
    result !== 'win32_useraccount'
  )
    throw notImplemented(cmdlet, 'any association but the accounts of a group');
  return objects(
    administratorMembers(call).map((row, i) =>
      instanceObject(call, CIMV2, 'Win32_UserAccount', row, i),
    ),
  );
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

const PROCESS_METHODS = { getowner: ownerOf, getownersid: ownerSidOf } as const;
const SHUTDOWN_METHODS = ['win32shutdowntracker', 'win32shutdown'];

function invokeMethod(call: Call): Result {
  const { bound } = call;
  const method = bound.text('MethodName')?.toLowerCase() ?? '';
  const [ref] = bound.refs('InputObject');
  const instance = idOf('cim', ref)?.split(':')[0];
  const name = instance ?? queryOf(call).name;
  if (name.toLowerCase() === 'stdregprov')
    return answerOf(registryAnswer(call, call.cmdlet, method, argumentsOf(call)));
  if (name.toLowerCase() === 'win32_process' && (method === 'getowner' || method === 'getownersid'))
    return answerOf(PROCESS_METHODS[method](call));
  if (name.toLowerCase() === 'win32_operatingsystem' && SHUTDOWN_METHODS.includes(method)) {
    // A method of instances: the class alone has nothing to shut down.
    if (instance === undefined && !bound.has('Query'))
      throw cimError(call.cmdlet, '0x8004102E', 'InvalidOperation', 'Invalid method');
    return shutdown(call);
  }
  throw notImplemented(call.cmdlet, `${name}.${method}`);
}

export const CIM_CMDLETS: Readonly<Record<string, Cmdlet>> = {
  'Get-CimInstance': {
    takes: [
      'ClassName',
      'Namespace',
      'Filter',
      'Property',
      'Query',
      'ComputerName',
      'OperationTimeoutSec',
    ],
    run: getInstance,
  },
  'Get-CimAssociatedInstance': {
    takes: ['InputObject', 'Association', 'ResultClassName'],
    run: getAssociated,
  },
  'Invoke-CimMethod': {
    takes: ['ClassName', 'Namespace', 'Query', 'InputObject', 'MethodName', 'Arguments'],
    run: invokeMethod,
  },
};
