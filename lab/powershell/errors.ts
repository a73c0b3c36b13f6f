// Errors as Windows gives them. Those of the cluster carry a code, in a member of their own or in a Win32Exception
// inside; those of Hyper-V carry none and write it into their text. docs/lab.md says which ids are guesses.
import type { HypervError } from '../../hyperv/host.ts';
import { documentedCmdlets } from './catalogue.ts';
import { wordsOf } from '../../domain/windows-words.ts';
import { CLUSTERS, EXCEPTIONS, HYPERV, SERVERS } from './windows-types.ts';
import type { Wire } from './wire.ts';

export interface ErrorRecord {
  /** FullyQualifiedErrorId. */
  fqid: string;
  /** A name of System.Management.Automation.ErrorCategory. */
  category: string;
  /** Class of the exception. */
  type: string;
  message: string;
  /** Signed, as .NET has it. */
  hresult?: number;
  /** Member ErrorCode of the exception itself: a signed HRESULT. */
  errorCode?: number;
  /** NativeErrorCode of an inner Win32Exception: a Win32 code, or a signed HRESULT. */
  native?: number;
  /** Member ErrorCode of Hyper-V's inner exception: 32768 and up. */
  operation?: number;
  target?: Wire;
  /** The computer that it came from, where several were asked. */
  origin?: string;
  /** Ends the cmdlet instead of only being reported. */
  terminating: boolean;
}

/** What a cmdlet answers instead of objects. */
export class CmdletError extends Error {
  readonly record: ErrorRecord;
  constructor(record: ErrorRecord) {
    super(record.message);
    this.record = record;
  }
}

export const signed = (hresult: string): number => Number.parseInt(hresult, 16) | 0;

/** The Win32 code inside an HRESULT of that facility. */
export function nativeOf(hresult: string): number | undefined {
  const value = Number.parseInt(hresult, 16);
  return value >>> 16 === 0x8007 || value >>> 16 === 0 ? value & 0xffff : undefined;
}

/** The class that Windows names behind the comma of an error's id. */
export function commandClass(cmdlet: string): string {
  const [verb = '', noun = ''] = cmdlet.split('-');
  switch (documentedCmdlets()[cmdlet]?.module) {
    case 'FailoverClusters':
      // Get-ClusterNode is GetNodeCommand, Move-ClusterGroup is MoveClusterGroupCommand.
      return verb === 'Get' && noun !== 'Cluster' && noun !== 'ClusterParameter'
        ? `${CLUSTERS}.Get${noun.replace(/^Cluster/, '')}Command`
        : `${CLUSTERS}.${verb}${noun}Command`;
    case 'Hyper-V':
      return noun === 'VHD'
        ? `Microsoft.Vhd.PowerShell.Cmdlets.${verb}VHD`
        : `${HYPERV}.Commands.${verb}${noun}`;
    case 'ServerManager':
      return `${SERVERS}.${verb === 'Install' ? 'Add' : verb}${noun}Command`;
    case 'CimCmdlets':
      return `Microsoft.Management.Infrastructure.CimCmdlets.${verb}${noun}Command`;
    default:
      return `Microsoft.PowerShell.Commands.${verb}${noun}Command`;
  }
}

interface Told {
  /** Before the comma. */
  id: string;
  category: string;
  message: string;
  hresult?: string;
  target?: Wire;
  terminating?: boolean;
}

type Codes = Pick<ErrorRecord, 'hresult' | 'errorCode' | 'native' | 'operation'>;

function record(cmdlet: string, type: string, told: Told, codes: Codes = {}): CmdletError {
  const { id, category, message, target, terminating = false } = told;
  return new CmdletError({
    fqid: `${id},${commandClass(cmdlet)}`,
    category,
    type,
    message,
    terminating,
    ...codes,
    ...(target !== undefined && { target }),
  });
}

/** A sentence, and below it what Windows says of the code. The exception has the code inside, as a whole HRESULT. */
export function clusterRecord(cmdlet: string, told: Told): CmdletError {
  const { hresult, message } = told;
  if (hresult === undefined) return record(cmdlet, EXCEPTIONS.cluster, told);
  const text = `${message}\n    ${wordsOf(hresult)}`;
  return record(
    cmdlet,
    EXCEPTIONS.cluster,
    { ...told, message: text },
    { native: signed(hresult) },
  );
}

/** Without an id the cmdlet's own name stands there, as for Move-ClusterGroup. */
export const clusterError = (
  cmdlet: string,
  told: Partial<Told> & { message: string },
): CmdletError => clusterRecord(cmdlet, { id: cmdlet, category: 'NotSpecified', ...told });

/** EPT_S_NOT_REGISTERED. The text names no node. */
export const clusterUnreachable = (cmdlet: string): CmdletError =>
  record(
    cmdlet,
    EXCEPTIONS.cluster,
    {
      id: 'ClusterEndpointNotRegistered',
      category: 'ConnectionError',
      message:
        'The cluster service is not running.  Make sure that the service is running on all nodes in the cluster.\n' +
        '    There are no more endpoints available from the endpoint mapper',
      terminating: true,
    },
    { errorCode: signed('0x800706D9') },
  );

export const noClusterObject = (cmdlet: string, kind: string, name: string, hresult: string) =>
  clusterError(cmdlet, {
    id: 'ClusterObjectNotFound',
    category: 'ObjectNotFound',
    message: `There is no ${kind} '${name}' in this cluster.`,
    hresult,
    target: name,
  });

/** Id -> category, and the ErrorCode of the inner exception where it is known. */
const OPERATIONS: Readonly<Record<string, readonly [string, number?]>> = {
  OperationFailed: ['NotSpecified', 32_768],
  AccessDenied: ['PermissionDenied', 32_769],
  NotSupported: ['InvalidOperation'],
  OperationTimeout: ['OperationTimeout', 32_772],
  InvalidParameter: ['InvalidArgument', 32_773],
  ObjectInUse: ['ResourceBusy', 32_774],
  InvalidState: ['InvalidOperation', 32_775],
  ObjectNotFound: ['ObjectNotFound', 32_779],
  Unspecified: ['NotSpecified'],
};

/** No HRESULT at all: 0x80131500, whatever happened. */
export function hypervError(cmdlet: string, told: Omit<Told, 'category'>): CmdletError {
  const { hresult, message } = told;
  const [category, operation] = OPERATIONS[told.id] ?? ['NotSpecified'];
  const text = hresult === undefined ? message : `${message.replace(/[.。]$/, '')} (${hresult}).`;
  const codes = operation === undefined ? {} : { operation };
  return record(cmdlet, EXCEPTIONS.hyperv, { ...told, category, message: text }, codes);
}

/** The virtual machine management service is not there, although its PowerShell module is. */
export const noHyperV = (cmdlet: string, node: string): CmdletError =>
  hypervError(cmdlet, {
    id: 'ObjectNotFound',
    message:
      `Hyper-V encountered an error trying to access an object on computer '${node}' because the object was not found. ` +
      'Verify that the Virtual Machine Management service on the computer is running.',
  });

/** The module itself is not installed. A stand-in is there all the same, so it says what PowerShell would. */
export const noModule = (cmdlet: string, module: string): CmdletError =>
  new CmdletError({
    fqid: 'CouldNotAutoLoadModule',
    category: 'ObjectNotFound',
    type: 'System.Management.Automation.CommandNotFoundException',
    message: `The '${cmdlet}' command was found in the module '${module}', but the module could not be loaded.`,
    target: cmdlet,
    terminating: true,
  });

export const noVm = (cmdlet: string, by: 'name' | 'id', value: string): CmdletError =>
  hypervError(cmdlet, {
    id: 'InvalidParameter',
    message: `Hyper-V was unable to find a virtual machine with ${by} "${value}".`,
    target: value,
  });

const ofNumber = (hresult: string): Codes => {
  const native = nativeOf(hresult);
  return { hresult: signed(hresult), ...(native !== undefined && { native }) };
};

export const cimError = (cmdlet: string, hresult: string, category: string, message: string) =>
  record(
    cmdlet,
    'Microsoft.Management.Infrastructure.CimException',
    { id: `HRESULT ${hresult.toLowerCase()}`, category, message },
    ofNumber(hresult),
  );

export const plainError = (cmdlet: string, told: Told): CmdletError =>
  record(
    cmdlet,
    'System.Exception',
    told,
    told.hresult === undefined ? {} : ofNumber(told.hresult),
  );

/** The stand-in is asked for more than it can; nobody may take its silence for an answer. */
export const notImplemented = (cmdlet: string, what: string): CmdletError =>
  new CmdletError({
    fqid: `LabNotImplemented,${cmdlet}`,
    category: 'NotImplemented',
    type: 'System.NotImplementedException',
    message: `The lab does not play ${what}.`,
    terminating: true,
  });

/** A rule of the lab said no: the same refusal in the words of the cmdlet's module. */
export function fromRefusal(cmdlet: string, error: HypervError): CmdletError {
  const { hresult } = error.info;
  const told = { message: error.message, ...(hresult !== undefined && { hresult }) };
  if (documentedCmdlets()[cmdlet]?.module === 'FailoverClusters')
    return clusterError(cmdlet, { ...told, terminating: true });
  return hypervError(cmdlet, { id: 'OperationFailed', ...told });
}

/** A fault of the scenario, with the scenario's id and words, in the manner of the cmdlet's module. */
export function faultRecord(
  cmdlet: string,
  fault: { message: string; errorId?: string | undefined; hresult?: string | undefined },
): ErrorRecord {
  const { message, errorId, hresult } = fault;
  const told = {
    id: cmdlet,
    message,
    terminating: true,
    ...(hresult !== undefined && { hresult }),
  };
  const module = documentedCmdlets()[cmdlet]?.module;
  const { record: made } =
    module === 'Hyper-V'
      ? hypervError(cmdlet, { ...told, id: 'OperationFailed' })
      : module === 'FailoverClusters'
        ? clusterError(cmdlet, told)
        : plainError(cmdlet, { ...told, category: 'NotSpecified' });
  return errorId === undefined ? made : { ...made, fqid: errorId };
}
