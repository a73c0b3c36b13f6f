// How the lab says no: the same HypervError that the PowerShell implementation throws.
import { HypervError, type HypervErrorInfo, type Op } from '../../hyperv/host.ts';
import type { LabNode, LabVm, World } from './world.ts';

/** One operation asked of one node. */
export interface Asked {
  world: World;
  node: LabNode;
  op: Op;
}

type Signs = Pick<HypervErrorInfo, 'hresult' | 'eventId' | 'errorId'>;

export const refused = ({ node, op }: Asked, message: string, signs: Signs): HypervError =>
  new HypervError(message, { op, node: node.name, outcome: 'refused', ...signs });

export const lost = (op: Op, node: string, message: string): HypervError =>
  new HypervError(message, { op, node, outcome: 'unknown' });

/** HRESULTs of the cluster service: 0x8007 and the Win32 code (winerror.h). */
export const HRESULTS = {
  busy: '0x800700AA',
  locked: '0x80071748',
  notMoving: '0x8007139F',
  inUse: '0x80070020',
  objectExists: '0x80071392',
  resourceNotFound: '0x8007138F',
  groupNotFound: '0x80071395',
  groupNotOnline: '0x80071396',
  notPossibleOwner: '0x80071398',
  nodeNotFound: '0x800713B2',
  nodeDown: '0x800713BA',
  nodePaused: '0x800713CE',
  timeout: '0x800705B4',
} as const;

/** A value as a PowerShell literal, for the lines that a person could paste. */
export const quote = (value: string): string => `'${value.replaceAll("'", "''")}'`;

export const needHyperV = (asked: Asked): HypervError =>
  refused(
    asked,
    `${asked.node.name} does not have the Hyper-V role (or has not restarted since).`,
    {
      errorId: 'HyperVMissing',
    },
  );

export const hyperVNotReady = (asked: Asked): HypervError =>
  refused(asked, `Hyper-V of ${asked.node.name} does not answer yet: vmms is starting.`, {
    errorId: 'HyperVNotReady',
  });

export const needCluster = (asked: Asked): HypervError =>
  refused(
    asked,
    asked.world.quorate
      ? `The cluster service of ${asked.node.name} is not running.`
      : `The cluster service of ${asked.node.name} has stopped: the cluster lost its quorum.`,
    { errorId: 'ClusterUnreachable' },
  );

export const noVm = (asked: Asked, vmId: string): HypervError =>
  refused(asked, `${asked.node.name} holds no VM with the id ${vmId}.`, { errorId: 'VmNotFound' });

export const noRole = (asked: Asked, vmId: string): HypervError =>
  refused(asked, `The cluster has no role for a VM with the id ${vmId}.`, {
    hresult: HRESULTS.groupNotFound,
    errorId: 'RoleMissing',
  });

export const noGroup = (asked: Asked, name: string): HypervError =>
  refused(asked, `The cluster has no group '${name}'.`, {
    hresult: HRESULTS.groupNotFound,
    errorId: 'GroupMissing',
  });

export const noVolume = (asked: Asked, name: string): HypervError =>
  refused(asked, `The cluster has no shared volume '${name}'.`, {
    hresult: HRESULTS.resourceNotFound,
    errorId: 'GroupMissing',
  });

export const noNode = (asked: Asked, name: string): HypervError =>
  refused(asked, `The cluster has no node '${name}'.`, {
    hresult: HRESULTS.nodeNotFound,
    errorId: 'BadRequest',
  });

export const moving = (asked: Asked, vm: LabVm): HypervError =>
  refused(asked, `'${vm.name}' is being moved.`, { hresult: HRESULTS.busy });
