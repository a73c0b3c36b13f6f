// A deed on the node that has a VM. The VM may leave that node while the deed is waited for: the node crashes and the
// cluster starts the VM elsewhere, somebody moves it on, the balancer does. Asked of its old node alone, the deed would
// fail for ever, whatever a person retries; so the VM is followed to where the cluster says that it is.
import { patched } from '@temporalio/workflow';
import type { FailureCode } from '../domain/failures.ts';
import { sameName } from '../domain/names.ts';
import type { Calls } from './calls.ts';
import { failureOf } from './failure-of.ts';

export interface Whereabouts {
  /** Its role's name. */
  vm: string;
  vmId?: string;
  /** Where it was known to be last. Kept by the caller from one attempt of a step to the next. */
  node: string;
}

/** From one node to the next within one attempt; whoever moves it more often than that is still at work. */
const HOPS_MAX = 3;
/** What is found when the VM, or its node, has gone; on its old node its disk is in use, by itself. */
const MAY_HAVE_LEFT: readonly FailureCode[] = [
  'VmNotRunning',
  'VmNotFound',
  'DiskInUse',
  'NodeNotServed',
  'NodeUnreachable',
];

export async function whereverItIs<T>(
  calls: Calls,
  at: Whereabouts,
  deed: (node: string) => Promise<T>,
): Promise<T> {
  for (let hops = 0; ; hops += 1) {
    try {
      return await deed(at.node);
    } catch (err) {
      const owner = hops < HOPS_MAX ? await newOwner(calls, at, err) : undefined;
      if (owner === undefined) throw err;
      at.node = owner;
    }
  }
}

/** Another node than the one that was asked; undefined: still that one, or nobody can say. */
async function newOwner(calls: Calls, at: Whereabouts, err: unknown): Promise<string | undefined> {
  const failure = failureOf(err);
  if (failure === undefined || !MAY_HAVE_LEFT.includes(failure.code)) return undefined;
  // In runs of earlier versions a person was asked at once.
  if (!patched('follow-the-vm')) return undefined;
  const { vm, vmId, node } = at;
  try {
    const { roles } = await calls
      .onCluster({
        summary: `Find ${vm}, which may not be on ${node}`,
        takeWithinSeconds: calls.patientSeconds,
      })
      .viewCluster({ about: vm });
    const role = roles.find((r) => (vmId === undefined ? sameName(r.name, vm) : r.vmId === vmId));
    return role === undefined || sameName(role.owner, node) ? undefined : role.owner;
  } catch (failed) {
    const code = failureOf(failed)?.code;
    if (code === undefined || code === 'Cancelled') throw failed;
    // What was seen on the node says more than that nobody could be asked about it.
    return undefined;
  }
}
