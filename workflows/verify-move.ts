// The verify step's body: the VM runs where its move took it, and it never stopped. A node can crash in the moment after
// a VM has arrived on it, and the cluster then starts the VM elsewhere; somebody can move it on. Looked for on its target
// alone it would be missed for ever, so it is followed to where the cluster says that it is.
import { patched } from '@temporalio/workflow';
import type { RoleFacts, VmFacts } from '../domain/facts.ts';
import type { FailureCode } from '../domain/failures.ts';
import { sameName } from '../domain/names.ts';
import type { Calls } from './calls.ts';
import { failureOf } from './failure-of.ts';
import type { StepContext } from './run.ts';

export interface Verification {
  step: string;
  role: RoleFacts;
  /** As it was before the move. */
  before: VmFacts;
  /** Where the move took it. */
  to: string;
  /** Where it was seen last; kept from one attempt to the next. */
  at: string;
}

/** Longest wait for the guest to answer again. */
const ANSWERS_WITHIN_SECONDS = 60;
/** From one node to the next within one attempt; whoever moves it more often than that is still at work. */
const HOPS_MAX = 3;
/** What is found when the VM, or its node, has gone. */
const MAY_HAVE_LEFT: readonly FailureCode[] = ['VmNotRunning', 'NodeNotServed', 'NodeUnreachable'];

export async function verifyMove(calls: Calls, v: Verification, c: StepContext): Promise<void> {
  for (let hops = 0; ; hops += 1) {
    try {
      const after = await verifyOn(calls, v);
      c.evidence({
        owner: v.at,
        ...(sameName(v.at, v.to) ? {} : { arrivedOn: v.to }),
        before: proof(v.before),
        after: proof(after),
      });
      return;
    } catch (err) {
      const owner = hops < HOPS_MAX ? await newOwner(calls, v, err) : undefined;
      if (owner === undefined) throw err;
      v.at = owner;
    }
  }
}

const verifyOn = (calls: Calls, { step, role, before, at }: Verification): Promise<VmFacts> =>
  calls
    .onNode(at, {
      summary: `Verify ${role.name} on ${at}`,
      seconds: 180,
      takeWithinSeconds: calls.patientSeconds,
    })
    .verifyVm({
      step,
      vm: role.name,
      vmId: role.vmId,
      uptimeAtLeastSeconds: before.uptimeSeconds,
      heartbeat: before.heartbeat === 'Ok',
      waitSeconds: ANSWERS_WITHIN_SECONDS,
    });

/** Another node than the one that it was looked for on; undefined: still that one, or nobody can say. */
async function newOwner(calls: Calls, v: Verification, err: unknown): Promise<string | undefined> {
  const failure = failureOf(err);
  if (failure === undefined || !MAY_HAVE_LEFT.includes(failure.code)) return undefined;
  // In runs of earlier versions a person was asked at once.
  if (!patched('verify-where-it-is')) return undefined;
  const { role, at } = v;
  try {
    const { roles } = await calls
      .onCluster({
        summary: `Find ${role.name}, which is not on ${at}`,
        takeWithinSeconds: calls.patientSeconds,
      })
      .viewCluster({ about: role.name });
    const owner = roles.find(({ vmId }) => vmId === role.vmId)?.owner;
    return owner === undefined || sameName(owner, at) ? undefined : owner;
  } catch (failed) {
    if (failureOf(failed) === undefined || failureOf(failed)?.code === 'Cancelled') throw failed;
    // What was seen on the node says more than that nobody could be asked about it.
    return undefined;
  }
}

const proof = (vm: VmFacts) => ({
  state: vm.state,
  uptimeSeconds: vm.uptimeSeconds,
  heartbeat: vm.heartbeat,
});
