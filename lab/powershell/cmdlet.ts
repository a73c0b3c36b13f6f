// What a stand-in cmdlet is to the lab: the parameters that it honours, and a rule from them to objects.
import { HypervError } from '../../hyperv/host.ts';
import type { Instant } from '../machine/clock.ts';
import type { Asked } from '../machine/refusal.ts';
import { hyperVAnswers, isMember, type World } from '../machine/world.ts';
import { documentedCmdlets } from './catalogue.ts';
import {
  clusterUnreachable,
  CmdletError,
  fromRefusal,
  noHyperV,
  noModule,
  type ErrorRecord,
} from './errors.ts';
import type { Bound, Wire } from './wire.ts';

/**
 * One call of a cmdlet on one node. What `op` the rules of the lab are asked as shows in nothing that PowerShell sees.
 */
export interface Call extends Asked {
  cmdlet: string;
  bound: Bound;
}

export interface Result {
  out: Wire[];
  /** Reported beside what was found. */
  errors?: ErrorRecord[];
  warnings?: string[];
  progress?: string;
  /** Absent: at once. Then `read` gives the objects. */
  readyAt?: Instant;
  read?: () => Wire[];
}

export interface Cmdlet {
  /** Every other parameter is refused. */
  takes: readonly string[];
  run: (call: Call) => Result;
}

export const objects = (out: Wire[]): Result => ({ out });

/** Runs a rule of the lab; its refusal becomes an error of this cmdlet. */
export function obey<T>(call: Call, rule: () => T): T {
  try {
    return rule();
  } catch (error) {
    if (error instanceof HypervError) throw fromRefusal(call.cmdlet, error);
    throw error;
  }
}

/** Finds what each name means; names that mean nothing become errors beside the rest. */
export function collect<T>(
  names: readonly string[],
  find: (name: string) => T[] | CmdletError,
): { found: T[]; errors: ErrorRecord[] } {
  const found = new Set<T>();
  const errors: ErrorRecord[] = [];
  for (const name of names) {
    const hit = find(name);
    if (hit instanceof CmdletError) errors.push(hit.record);
    else for (const item of hit) found.add(item);
  }
  return { found: [...found], errors };
}

/** Hyper-V's cmdlets need their module and the service behind it. */
export function needsHyperV({ node, cmdlet }: Call): void {
  if (node.features.get('Hyper-V-PowerShell') !== 'Installed')
    throw noModule(cmdlet, documentedCmdlets()[cmdlet]?.module ?? '');
  if (!hyperVAnswers(node)) throw noHyperV(cmdlet, node.name);
}

export function needsCluster({ world, node, cmdlet }: Call): void {
  if (!isMember(node) || !world.quorate) throw clusterUnreachable(cmdlet);
}

/** Names of the VMs that a call is about, for faults that strike one VM only. */
export function vmNamesIn(world: World, bound: Bound): string[] {
  const words = ['VMId', 'Id', 'Name', 'VMName'].flatMap((name) => bound.texts(name) ?? []);
  const refs = ['VM', 'InputObject', 'ClusterObject', 'VirtualMachine'].flatMap((name) =>
    bound.refs(name),
  );
  const ids = [...words, ...refs.map((ref) => ref.slice(ref.lastIndexOf(':') + 1))];
  const known = ids.flatMap((id) => world.vms.get(id.toLowerCase())?.name ?? []);
  return [...known, ...words];
}
