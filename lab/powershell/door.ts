// The lab's door for PowerShell: one call of a stand-in cmdlet, with everything that may befall it. The same world, the
// same faults and the same effects as behind the other doors.
import { z } from 'zod';
import type { IsoTime } from '../../domain/facts.ts';
import type { Op, OpArgs } from '../../hyperv/host.ts';
import { configureCluster } from '../machine/acts.ts';
import { iso, type Instant } from '../machine/clock.ts';
import { costOf } from '../machine/costs.ts';
import { takeOpFault } from '../machine/faults.ts';
import { said } from '../machine/japanese.ts';
import type { Lab } from '../machine/lab.ts';
import { CALLS_MAX, keep, logEvent, VMMS_LOG } from '../machine/records.ts';
import { answers, findNode, type LabNode } from '../machine/world.ts';
import type { Fault } from '../scenario/fault-schema.ts';
import { operationOf, SET_BALANCER, SET_PARALLEL } from './acting-cmdlets.ts';
import { CIM_CMDLETS } from './cim-cmdlets.ts';
import { CLUSTER_CMDLETS } from './cluster-cmdlets.ts';
import { needsCluster, obey, vmNamesIn, type Call, type Cmdlet, type Result } from './cmdlet.ts';
import { disturbed, takeDisturbance, type Disturbance } from './disturbance.ts';
import {
  clusterError,
  CmdletError,
  faultRecord,
  notImplemented,
  type ErrorRecord,
} from './errors.ts';
import { HYPERV_CMDLETS } from './hyperv-cmdlets.ts';
import { pricesOf } from './prices.ts';
import { PROBE_CMDLETS } from './probe-cmdlets.ts';
import { GONE, type CmdletReply } from './reply.ts';
import { SERVER_CMDLETS } from './server-cmdlets.ts';
import { STORAGE_CMDLETS } from './storage-objects.ts';
import { UPDATE_CMDLETS, UPDATE_METHODS } from './update-objects.ts';
import { Bound, withoutRepeats } from './wire.ts';

/** What LabCore.ps1 posts: a call, a method of an object (as a cmdlet), or the assignment of a property of one. */
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

/** One cmdlet as a stand-in bound it. */
export interface CmdletRecord {
  seq: number;
  at: IsoTime;
  node: string;
  /** Or the property that was assigned: `(Get-Cluster).MaximumParallelMigrations`. */
  cmdlet: string;
  parameterSet: string | null;
  /** Objects of the lab as `{ $ref }`; secrets are left out. */
  bound: Readonly<Record<string, unknown>>;
  /** The function of watari's module that called. */
  within: string | null;
  /** FullyQualifiedErrorId; `lost` when no answer was given. */
  error: string | null;
}

export const CMDLETS: Readonly<Record<string, Cmdlet>> = {
  ...HYPERV_CMDLETS,
  ...CLUSTER_CMDLETS,
  ...SERVER_CMDLETS,
  ...CIM_CMDLETS,
  ...PROBE_CMDLETS,
  ...UPDATE_CMDLETS,
  ...STORAGE_CMDLETS,
};

/** A fault that has struck strikes every further try within the same call of watari's module. */
interface Struck {
  invocation: string;
  op: Op;
  fault: Fault;
}

interface Begun {
  readyAt: Instant;
  settle: () => CmdletReply;
}

export class PowerShellDoor {
  private readonly lab: Lab;
  private readonly records: CmdletRecord[] = [];
  /** Those that still happen. */
  private readonly disturbances: Disturbance[] = [];
  private struck: Struck | null = null;

  constructor(lab: Lab) {
    this.lab = lab;
  }

  /** Runs one cmdlet of a node's PowerShell. null: no answer will ever come, and the shell waits for it. */
  async cmdlet(request: CmdletRequest): Promise<CmdletReply | null> {
    this.lab.advance();
    const node = findNode(this.lab.world, request.node);
    if (node === undefined || !answers(node)) return GONE;
    const disturbance = takeDisturbance(this.disturbances, node.name, request.cmdlet ?? '');
    const { losses } = node;
    const { settle, readyAt } = this.begin(node, request, disturbance?.error);
    await this.lab.until(node, readyAt);
    if (node.losses !== losses) return GONE;
    if (disturbance?.hang === true) return null;
    return disturbed(settle(), disturbance);
  }

  disturb(disturbance: Disturbance): void {
    this.disturbances.push({ ...disturbance });
  }

  /** Cmdlets that stand-ins have bound, oldest first; the last ten thousand. */
  cmdlets(after = 0): CmdletRecord[] {
    return this.records.filter((record) => record.seq > after);
  }

  /** @param instead an error that a test wants; nothing is done then. */
  private begin(node: LabNode, request: CmdletRequest, instead?: ErrorRecord): Begun {
    const { world } = this.lab;
    const cmdlet = nameOf(request);
    const values = valuesOf(request);
    const bound = new Bound(values);
    const { within = null, parameterSet = null, invocation = null } = request;
    const op = operationOf(cmdlet, bound, within);
    const record = (error: string | null): void => {
      this.record({ node: node.name, cmdlet, parameterSet, bound: values, within, error });
    };
    if (instead !== undefined) {
      record(instead.fqid);
      return { readyAt: world.time, settle: () => ({ out: [], errors: [instead] }) };
    }
    const call: Call = { world, node, cmdlet, bound, op: op ?? 'readHost' };
    const fault = op === null ? null : this.faultOf(call, op, invocation);
    const late =
      world.time + (fault?.hangSeconds ?? 0) * 1000 + costOf(world, node, pricesOf(call));
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
      const told = inItsLanguage(call, error.record);
      return failing({ out: [], errors: [told] }, told.fqid);
    }
    if (fault?.at === 'after-effect') return failing(GONE, 'lost');
    record(result.errors?.[0]?.fqid ?? null);
    const { out, readyAt, read, ...rest } = result;
    const more = {
      ...rest,
      ...(rest.errors && { errors: rest.errors.map((one) => inItsLanguage(call, one)) }),
    };
    return {
      readyAt: Math.max(late, readyAt ?? world.time),
      settle: () => ({ ...more, out: withoutRepeats(read === undefined ? out : read()) }),
    };
  }

  private record(call: Omit<CmdletRecord, 'seq' | 'at'>): void {
    const seq = (this.records.at(-1)?.seq ?? 0) + 1;
    keep(this.records, { seq, at: iso(this.lab.world.time), ...call }, CALLS_MAX);
  }

  /** The fault that this call runs into, if any. */
  private faultOf(call: Call, op: Op, invocation: string | null): Fault | null {
    const again = this.struck;
    if (again !== null && again.op === op && again.invocation === invocation) return again.fault;
    const vms = vmNamesIn(call.world, call.bound);
    const hit = takeOpFault(call.world, call.node.name, op, vms)?.fault ?? null;
    // One that only delays has delayed; the next cmdlet of the operation is not late again.
    const fails = hit?.error !== undefined;
    if (fails && invocation !== null) this.struck = { invocation, op, fault: hit };
    return hit;
  }
}

/** What the stand-in itself refuses is nothing that Windows says. */
const inItsLanguage = ({ world }: Call, record: ErrorRecord): ErrorRecord =>
  record.category === 'NotImplemented'
    ? record
    : { ...record, message: said(world.scenario, record.message) };

/** What was given to a cmdlet, to the setter of a property, or to a method with its object. */
function valuesOf({ cmdlet, object, bound, value }: CmdletRequest): Record<string, unknown> {
  if (object === undefined) return bound;
  return cmdlet === undefined ? { Value: value } : { ...bound, Self: { $ref: object } };
}

const nameOf = ({ cmdlet, object, property }: CmdletRequest): string =>
  cmdlet ??
  `(Get-${object?.startsWith('group:') === true ? 'ClusterGroup' : 'Cluster'}).${property ?? ''}`;

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
  return faultRecord(cmdlet, { message, errorId, hresult });
}

function perform(call: Call, request: CmdletRequest): Result {
  if (request.object !== undefined && request.cmdlet === undefined)
    return assign(call, request.property ?? '', request.value);
  // Every object has a `constructor`, which is no cmdlet.
  const played = request.object === undefined ? CMDLETS : UPDATE_METHODS;
  const known = Object.hasOwn(played, call.cmdlet) ? played[call.cmdlet] : undefined;
  if (known === undefined) throw notImplemented(call.cmdlet, call.cmdlet);
  const strange = call.bound.names().find((name) => !known.takes.includes(name));
  if (strange !== undefined) throw notImplemented(call.cmdlet, `${call.cmdlet} -${strange}`);
  return known.run(call);
}

/** Properties that are played, with the least and the greatest value. */
const ASSIGNED: Readonly<
  Record<string, { key: keyof OpArgs<'configureCluster'>; least: number; most: number }>
> = {
  [SET_PARALLEL]: { key: 'maximumParallelMigrations', least: 1, most: Infinity },
  [SET_BALANCER]: { key: 'autoBalancerMode', least: 0, most: 2 },
};

/** `(Get-Cluster).MaximumParallelMigrations = 4`. */
function assign(call: Call, property: string, value: unknown): Result {
  needsCluster(call);
  const known = ASSIGNED[call.cmdlet];
  if (known === undefined) throw notImplemented(call.cmdlet, `setting ${property}`);
  const { key, least, most } = known;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw clusterError('Get-Cluster', {
      id: 'ClusterInvalidInput',
      category: 'InvalidArgument',
      message: `${String(value)} is not a value of ${property}.`,
      hresult: '0x80070057',
    });
  obey(call, () => configureCluster(call, { [key]: value }));
  return { out: [call.world.cluster[key]] };
}
