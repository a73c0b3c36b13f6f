// The lab's door for PowerShell: one call of a stand-in cmdlet, with everything that may befall it. The same world, the
// same faults and the same effects as behind the other doors.
import { z } from 'zod';
import type { Op } from '../../hyperv/host.ts';
import type { Instant } from '../clock.ts';
import { takeOpFault } from '../faults.ts';
import { configureCluster } from '../acts.ts';
import { logEvent, recordCmdlet, VMMS_LOG } from '../records.ts';
import type { Fault } from '../scenario-schema.ts';
import type { LabNode, World } from '../world.ts';
import { operationOf, SET_PARALLEL } from './acting-cmdlets.ts';
import { CIM_CMDLETS } from './cim-cmdlets.ts';
import { CLUSTER_CMDLETS } from './cluster-cmdlets.ts';
import { needsCluster, obey, vmNamesIn, type Call, type Cmdlet, type Result } from './cmdlet.ts';
import type { Disturbance } from './disturbance.ts';
import {
  clusterError,
  CmdletError,
  commandClass,
  nativeOf,
  notImplemented,
  signed,
  type ErrorRecord,
} from './errors.ts';
import { HYPERV_CMDLETS } from './hyperv-cmdlets.ts';
import { PROBE_CMDLETS } from './probe-cmdlets.ts';
import { SERVER_CMDLETS } from './server-cmdlets.ts';
import { EXCEPTIONS } from './windows-types.ts';
import { Bound, withoutRepeats, type Wire } from './wire.ts';

/** What LabCore.ps1 posts: a call, or the assignment of a property of an object. */
export const cmdletRequestSchema = z.object({
  node: z.string(),
  cmdlet: z.string().optional(),
  parameterSet: z.string().nullish(),
  bound: z.record(z.string(), z.unknown()).default({}),
  object: z.string().optional(),
  property: z.string().optional(),
  value: z.unknown().optional(),
  /** Function of watari's module that called, and which of its calls this is. */
  within: z.string().nullish(),
  invocation: z.string().nullish(),
});
export type CmdletRequest = z.output<typeof cmdletRequestSchema>;

/** What LabCore.ps1 does with the answer. */
export interface CmdletReply {
  out: Wire[];
  errors?: ErrorRecord[];
  warnings?: string[];
  verbose?: string[];
  host?: string[];
  console?: string[];
  progress?: string;
  /** Ends the shell with this code: nobody will ever answer. */
  exit?: number;
}

export const CMDLETS: Readonly<Record<string, Cmdlet>> = {
  ...HYPERV_CMDLETS,
  ...CLUSTER_CMDLETS,
  ...SERVER_CMDLETS,
  ...CIM_CMDLETS,
  ...PROBE_CMDLETS,
};

/** Exit code of a shell whose node has died under it. */
const NODE_GONE = 70;
export const GONE: CmdletReply = { out: [], exit: NODE_GONE };

export interface Begun {
  readyAt: Instant;
  settle: () => CmdletReply;
}

/** A fault that has struck strikes every further try within the same call of watari's module. */
export interface Struck {
  invocation: string;
  op: Op;
  fault: Fault;
}

export interface DoorState {
  struck: Struck | null;
  /** Those that still happen. */
  disturbances: Disturbance[];
}

export const doorState = (): DoorState => ({ struck: null, disturbances: [] });

/**
 * Begins one call on a node that answers.
 * @param instead an error that a test wants; nothing is done then.
 */
export function beginCmdlet(
  world: World,
  node: LabNode,
  request: CmdletRequest,
  door: DoorState,
  instead?: ErrorRecord,
): Begun {
  const cmdlet = nameOf(request);
  const bound = new Bound(request.object === undefined ? request.bound : { Value: request.value });
  const op = operationOf(cmdlet, bound, request.within ?? null);
  const record = (error: string | null): void => {
    const { within = null, parameterSet = null } = request;
    const values = request.object === undefined ? request.bound : { Value: request.value };
    recordCmdlet(world, { node: node.name, cmdlet, parameterSet, bound: values, within, error });
  };
  if (instead !== undefined) {
    record(instead.fqid);
    return { readyAt: world.time, settle: () => ({ out: [], errors: [instead] }) };
  }
  const call: Call = { world, node, cmdlet, bound, op: op ?? 'readHost' };
  const fault = op === null ? null : faultOf(call, op, request.invocation ?? null, door);
  const late = world.time + (fault?.hangSeconds ?? 0) * 1000;
  const failing = (reply: CmdletReply, error: string): Begun => {
    record(error);
    return { readyAt: late, settle: () => reply };
  };
  if (fault !== null && fault.at !== 'after-effect') {
    const failure = failureOf(call, fault);
    if (failure === 'lost') return failing(GONE, 'lost');
    if (failure !== null) return failing({ out: [], errors: [failure] }, failure.fqid);
  }
  let result: Result;
  try {
    result = perform(call, request);
  } catch (error) {
    if (!(error instanceof CmdletError)) throw error;
    return failing({ out: [], errors: [error.record] }, error.record.fqid);
  }
  if (fault?.at === 'after-effect') return failing(GONE, 'lost');
  record(result.errors?.[0]?.fqid ?? null);
  const { out, readyAt, read, ...more } = result;
  return {
    readyAt: Math.max(late, readyAt ?? world.time),
    settle: () => ({ ...more, out: withoutRepeats(read === undefined ? out : read()) }),
  };
}

const nameOf = ({ cmdlet, object, property }: CmdletRequest): string =>
  cmdlet ??
  `(Get-${object?.startsWith('group:') === true ? 'ClusterGroup' : 'Cluster'}).${property ?? ''}`;

/** The fault that this call runs into, if any. */
function faultOf(call: Call, op: Op, invocation: string | null, door: DoorState): Fault | null {
  const again = door.struck;
  if (again !== null && again.op === op && again.invocation === invocation) return again.fault;
  const vms = vmNamesIn(call.world, call.bound);
  const hit = takeOpFault(call.world, call.node.name, op, vms)?.fault ?? null;
  // One that only delays has delayed; the next cmdlet of the operation is not late again.
  const fails = hit?.error !== undefined;
  if (fails && invocation !== null) door.struck = { invocation, op, fault: hit };
  return hit;
}

/** The error that a fault answers with instead of doing anything; null when it only delays. */
function failureOf(call: Call, fault: Fault): ErrorRecord | 'lost' | null {
  const { cmdlet, node, world } = call;
  if (fault.error === undefined)
    return fault.at === undefined && fault.hangSeconds !== undefined ? null : 'lost';
  const { hresult, errorId, eventId } = fault.error;
  const message = fault.error.message ?? `${cmdlet} failed (a fault of the scenario).`;
  // A cmdlet carries no event id: Windows writes the event, and whoever wants it reads the log.
  if (eventId !== undefined) {
    const about = vmNamesIn(world, call.bound)[0];
    logEvent(world, node.name, {
      log: VMMS_LOG,
      id: eventId,
      level: 2,
      message,
      ...(hresult !== undefined && { hresult }),
      ...(about !== undefined && { vm: about }),
    });
  }
  const native = hresult === undefined ? undefined : nativeOf(hresult);
  return {
    fqid: errorId ?? `${cmdlet},${commandClass(cmdlet)}`,
    category: 'NotSpecified',
    type: cmdlet.includes('Cluster') ? EXCEPTIONS.cluster : EXCEPTIONS.hyperv,
    message,
    terminating: true,
    ...(hresult !== undefined && { hresult: signed(hresult) }),
    ...(native !== undefined && { native }),
  };
}

function perform(call: Call, request: CmdletRequest): Result {
  if (request.object !== undefined) return assign(call, request.property ?? '', request.value);
  // Every object has a `constructor`, which is no cmdlet.
  const known = Object.hasOwn(CMDLETS, call.cmdlet) ? CMDLETS[call.cmdlet] : undefined;
  if (known === undefined) throw notImplemented(call.cmdlet, call.cmdlet);
  const strange = call.bound.names().find((name) => !known.takes.includes(name));
  if (strange !== undefined) throw notImplemented(call.cmdlet, `${call.cmdlet} -${strange}`);
  return known.run(call);
}

/** `(Get-Cluster).MaximumParallelMigrations = 4`. */
function assign(call: Call, property: string, value: unknown): Result {
  needsCluster(call);
  const { world, node, op } = call;
  if (call.cmdlet !== SET_PARALLEL) throw notImplemented(call.cmdlet, `setting ${property}`);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1)
    throw clusterError('Get-Cluster', {
      id: 'ClusterInvalidInput',
      category: 'InvalidArgument',
      message: `${String(value)} is not a value of ${property}.`,
      hresult: '0x80070057',
    });
  obey(call, () => configureCluster({ world, node, op }, { maximumParallelMigrations: value }));
  return { out: [world.cluster.maximumParallelMigrations] };
}
