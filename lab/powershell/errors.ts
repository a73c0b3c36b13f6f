// Errors as Windows gives them: an id, a category, an exception with its HRESULT, and often a Win32Exception inside.
// Ids are those that public logs show (docs/lab.md says which are guesses).
import type { HypervError } from '../../hyperv/host.ts';
import { documentedCmdlets } from './catalogue.ts';
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
  /** Win32 code of an inner Win32Exception. */
  native?: number;
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

function record(cmdlet: string, type: string, told: Told): CmdletError {
  const { id, category, message, hresult, target, terminating = false } = told;
  const native = hresult === undefined ? undefined : nativeOf(hresult);
  return new CmdletError({
    fqid: `${id},${commandClass(cmdlet)}`,
    category,
    type,
    message,
    terminating,
    ...(hresult !== undefined && { hresult: signed(hresult) }),
    ...(native !== undefined && { native }),
    ...(target !== undefined && { target }),
  });
}

/** Without an id the cmdlet's own name stands there, as for Move-ClusterGroup. */
export const clusterError = (
  cmdlet: string,
  told: Partial<Told> & { message: string },
): CmdletError =>
  record(cmdlet, EXCEPTIONS.cluster, { id: cmdlet, category: 'NotSpecified', ...told });

export const clusterUnreachable = (cmdlet: string, node: string): CmdletError =>
  clusterError(cmdlet, {
    id: 'ClusterEndpointNotRegistered',
    category: 'ConnectionError',
    message: `The cluster service is not running on ${node}. There are no more endpoints available from the endpoint mapper.`,
    // EPT_S_NOT_REGISTERED
    hresult: '0x800706D9',
    target: node,
    terminating: true,
  });

export const noClusterObject = (cmdlet: string, kind: string, name: string, hresult: string) =>
  clusterError(cmdlet, {
    id: 'ClusterObjectNotFound',
    category: 'ObjectNotFound',
    message: `There is no ${kind} '${name}' in this cluster.`,
    hresult,
    target: name,
  });

export const hypervError = (cmdlet: string, told: Told): CmdletError =>
  record(cmdlet, EXCEPTIONS.hyperv, told);

/** The virtual machine management service is not there, although its PowerShell module is. */
export const noHyperV = (cmdlet: string, node: string): CmdletError =>
  hypervError(cmdlet, {
    id: 'ObjectNotFound',
    category: 'ObjectNotFound',
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
    category: 'InvalidArgument',
    message: `Hyper-V was unable to find a virtual machine with ${by} "${value}".`,
    target: value,
  });

export const cimError = (cmdlet: string, hresult: string, category: string, message: string) =>
  record(cmdlet, 'Microsoft.Management.Infrastructure.CimException', {
    id: `HRESULT ${hresult.toLowerCase()}`,
    category,
    message,
    hresult,
  });

export const plainError = (cmdlet: string, told: Told): CmdletError =>
  record(cmdlet, 'System.Exception', told);

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
  return hypervError(cmdlet, { id: 'OperationFailed', category: 'InvalidResult', ...told });
}
