// What the lab remembers: effects (what really happened; tests judge by them), calls (what was asked), and the event
// logs of the nodes. All bounded.
import type { EventFacts } from '../../domain/event-facts.ts';
import type { IsoTime } from '../../domain/facts.ts';
import type { HypervErrorInfo, Op } from '../../hyperv/host.ts';
import type { Scenario } from '../scenario/schema.ts';
import { iso, type Instant } from './clock.ts';
import { said } from './japanese.ts';

export const EFFECT_KINDS = [
  'feature-installed',
  'restart-requested',
  'node-down',
  'node-up',
  'host-configured',
  'cluster-configured',
  'vm-created',
  'vm-removed',
  'vm-started',
  'vm-saved',
  'vm-stopped',
  'vm-restarted',
  'vm-restored',
  'role-added',
  'role-removed',
  'role-started',
  'role-stopped',
  'role-failed',
  'role-moved',
  'group-moved',
  'volume-moved',
  'node-paused',
  'node-resumed',
  'move-queued',
  'move-started',
  'move-finished',
  'move-failed',
  'move-cancelled',
  'quick-move-started',
  'quorum-lost',
  'quorum-regained',
  'update-downloaded',
  'update-installed',
  'update-rolled-back',
  'updates-committed',
  'storage-resting',
  'storage-back',
  'fault',
] as const;
export type EffectKind = (typeof EFFECT_KINDS)[number];

export interface Effect {
  /** Counts from 1. */
  seq: number;
  at: IsoTime;
  /** Where it happened. */
  node: string;
  kind: EffectKind;
  /** The VM, feature, node or operation that it is about. */
  subject: string;
  detail: string;
}

export interface CallRecord {
  seq: number;
  at: IsoTime;
  node: string;
  op: Op;
  args: unknown;
  /** null for reads and for calls that failed. */
  changed: boolean | null;
  error: Pick<HypervErrorInfo, 'outcome' | 'hresult' | 'eventId' | 'errorId'> | null;
}

export interface Records {
  effects: Effect[];
  effectSeq: number;
  calls: CallRecord[];
  callSeq: number;
  events: LabEvent[];
  eventSeq: number;
}

/** `more`: what stands in its data behind the VM. */
export type LabEvent = EventFacts & { more: readonly string[] };

/** Of the world, what is needed to write something down. */
interface Writing {
  readonly time: Instant;
  readonly records: Records;
  readonly scenario: Pick<Scenario, 'culture'>;
  readonly nodes: readonly { name: string; clockAheadMs: number }[];
}

// Weeks of a lab that somebody forgot; old entries go first.
const EFFECTS_MAX = 100_000;
export const CALLS_MAX = 10_000;
const EVENTS_MAX = 10_000;

export const emptyRecords = (): Records => ({
  effects: [],
  effectSeq: 0,
  calls: [],
  callSeq: 0,
  events: [],
  eventSeq: 0,
});

/** Drops the oldest tenth when full, so that a full list does not cost a copy on every entry. */
export function keep<T>(list: T[], item: T, max: number): void {
  list.push(item);
  if (list.length > max) list.splice(0, Math.ceil(max / 10));
}

export function effect(
  world: Writing,
  node: string,
  kind: EffectKind,
  subject: string,
  detail = '',
): void {
  const { records } = world;
  records.effectSeq += 1;
  const entry = { seq: records.effectSeq, at: iso(world.time), node, kind, subject, detail };
  keep(records.effects, entry, EFFECTS_MAX);
}

export function recordCall(world: Writing, call: Omit<CallRecord, 'seq' | 'at'>): void {
  const { records } = world;
  records.callSeq += 1;
  keep(records.calls, { seq: records.callSeq, at: iso(world.time), ...call }, CALLS_MAX);
}

/** Ids of the event about a move that succeeded: its data are the VM's name, its id and seconds with one decimal. */
export const BLACKOUT = { usual: 20415, long: 20417 } as const;

export const VMMS_LOG = 'Microsoft-Windows-Hyper-V-VMMS-Admin';
/** What the cluster's resource of a VM writes: it names the resource, not the VM. */
export const RESOURCE_LOG = 'Microsoft-Windows-Hyper-V-High-Availability-Admin';
export const CLUSTER_LOG = 'System';

/** Writes to the event log of one node. */
export function logEvent(
  world: Writing,
  node: string,
  event: Pick<EventFacts, 'log' | 'id' | 'level' | 'message'> & {
    hresult?: string;
    vm?: string;
    vmId?: string;
    more?: readonly string[];
    /** Default: now. */
    at?: Instant;
  },
): void {
  const { records } = world;
  records.eventSeq += 1;
  const { log, id, level, hresult = null, vm = null, vmId, more = [], at = world.time } = event;
  // What a scenario put there long ago is in its own words.
  const message = event.at === undefined ? said(world.scenario, event.message) : event.message;
  const recordId = records.eventSeq;
  const { clockAheadMs = 0 } = world.nodes.find(({ name }) => name === node) ?? {};
  const time = iso(at + clockAheadMs);
  const vmIds = vmId === undefined ? [] : [vmId];
  const entry = { log, id, level, recordId, node, time, message, hresult, vm, vmIds, more };
  keep(records.events, entry, EVENTS_MAX);
}
