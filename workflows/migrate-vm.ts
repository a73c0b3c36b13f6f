// migrateVm: one live migration. Choose the node with reasons, wait for a slot, move, verify that the VM is there and
// never stopped. The id is the lock of the VM.
import type { RoleFacts, Snapshot, VmFacts, VmNow } from '../domain/facts.ts';
import { runId, sameName, stepId } from '../domain/names.ts';
import {
  explainBlockers,
  placeMove,
  type Placement,
  type PlacementVerdict,
} from '../domain/placement.ts';
import { roleNamed, viewOf } from '../domain/snapshot.ts';
import { DEFAULT_MEMORY_RESERVE_BYTES, type MigrateVmInput } from '../domain/spec.ts';
import type { Calls } from './calls.ts';
import { conduct, type Job } from './conduct.ts';
import { whereverItIs } from './follow.ts';
import { moveWithCause } from './move-with-cause.ts';
import type { StepContext } from './run.ts';
import { stepFailure } from './failure-of.ts';
import { takeSnapshot } from './snapshot.ts';
import { unanswered } from './unanswered.ts';

export interface MigrateVmResult {
  vm: string;
  changed: boolean;
  from: string;
  to: string;
}

interface Chosen {
  role: RoleFacts;
  vm: VmFacts;
  target: string;
  ranking: PlacementVerdict[];
}

export async function migrateVm(input: MigrateVmInput): Promise<MigrateVmResult> {
  return conduct('migrateVm', input, move, ({ cluster, vm, to, budgets }) => ({
    lock: runId.migrate(cluster, vm),
    title: `Move ${vm} to ${to ?? 'the best possible node'}`,
    cluster,
    vm,
    budgets,
  }));
}

async function move({ run, calls, input }: Job<MigrateVmInput>): Promise<MigrateVmResult> {
  const id = (deed: string): string => stepId.vm(input.vm, deed);
  const steps = {
    choose: { id: id('choose'), title: `Choose a node for ${input.vm}` },
    slot: { id: id('slot'), title: 'Wait for a migration slot', skippable: true },
    move: { id: id('move'), title: `Move ${input.vm}` },
    verify: { id: id('verify'), title: `Verify ${input.vm}`, skippable: true },
  } as const;
  run.expect(Object.values(steps));
  const chosen = await run.step(steps.choose, (c) => choose(calls, input, c));
  const { role, vm, target } = chosen;
  if (sameName(role.owner, target)) {
    const why = `${role.name} is on ${target} already`;
    for (const spec of [steps.slot, steps.move, steps.verify]) {
      await run.step(spec, async (c) => {
        c.evidence({ why });
      });
    }
    return { vm: role.name, changed: false, from: role.owner, to: role.owner };
  }
  await run.step(steps.slot, async (c) => {
    const request = { step: steps.slot.id, vm: role.name, vmId: role.vmId, target };
    const waited = await calls
      .onCluster({
        summary: `Slot for ${role.name}, ${role.owner} -> ${target}`,
        seconds: calls.budgets.slotSeconds + 60,
        // Its budget is the wait itself; where many wait, most of them only come by now and then.
        takeWithinSeconds: calls.budgets.slotSeconds + 60,
        allWithinSeconds: calls.budgets.slotSeconds + 300,
      })
      .awaitSlot({ ...request, waitSeconds: calls.budgets.slotSeconds });
    c.evidence({ ...waited });
  });
  const moved = await run.step(steps.move, (c) => {
    const to = c.target ?? target;
    const { reasons = [] } = chosen.ranking.find((v) => sameName(v.node, to)) ?? {};
    const known = { reasons, disks: vm.disks };
    return moveWithCause(calls, { step: steps.move.id, role, target: to, known }, c);
  });
  const at = { vm: role.name, vmId: role.vmId, node: moved.to };
  await run.step(steps.verify, async (c) => {
    const after = await whereverItIs(calls, at, (node) =>
      verify(calls, node, steps.verify.id, chosen),
    );
    c.evidence({
      owner: at.node,
      ...(sameName(at.node, moved.to) ? {} : { arrivedOn: moved.to }),
      before: proof(vm),
      after: proof(after),
    });
  });
  // Where the move found it is no origin when somebody else had moved it there meanwhile.
  const from = moved.how === 'already-there' ? role.owner : moved.from;
  return { vm: role.name, changed: true, from, to: moved.to };
}

const verify = (calls: Calls, node: string, step: string, { role, vm }: Chosen): Promise<VmNow> =>
  calls
    .onNode(node, {
      summary: `Verify ${role.name} on ${node}`,
      seconds: 180,
      takeWithinSeconds: calls.patientSeconds,
    })
    .verifyVm({
      step,
      vm: role.name,
      vmId: role.vmId,
      uptimeAtLeastSeconds: vm.uptimeSeconds,
      heartbeat: vm.heartbeat === 'Ok',
      waitSeconds: 60,
    });

const proof = (vm: VmNow) => ({
  state: vm.state,
  uptimeSeconds: vm.uptimeSeconds,
  heartbeat: vm.heartbeat,
});

/** Looks anew at every attempt: what stood in the way may be gone. */
async function choose(calls: Calls, input: MigrateVmInput, c: StepContext): Promise<Chosen> {
  const snapshot = await takeSnapshot(calls, {
    about: { role: input.vm },
    step: stepId.vm(input.vm, 'choose'),
    attempt: c.attempt,
  });
  const { role, vm } = findRunning(snapshot, input.vm);
  const only = c.target ?? input.to;
  const placement = placeMove(snapshot, role.vmId, {
    memoryReserveBytes: input.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES,
    ...(only === undefined ? {} : { only }),
  });
  c.evidence({ owner: role.owner, target: placement.target, ranking: placement.ranking });
  if (only !== undefined && sameName(only, role.owner))
    return { role, vm, target: role.owner, ranking: [] };
  if (placement.target === null) {
    throw unanswered(snapshot, only) ?? noNode(role.name, only, placement);
  }
  return { role, vm, target: placement.target, ranking: placement.ranking };
}

function findRunning(snapshot: Snapshot, name: string): { role: RoleFacts; vm: VmFacts } {
  const role = roleNamed(snapshot, name);
  if (role === undefined) {
    const others = snapshot.view.roles.length + (snapshot.view.rolesLeftOut ?? 0);
    throw stepFailure(
      'RoleMissing',
      `Cluster ${snapshot.view.cluster.name} has no VM role ${name}; it has ${others === 0 ? 'none' : `${others} others`}`,
    );
  }
  const owner = viewOf(snapshot, role.owner);
  if (owner === null) {
    throw stepFailure(
      'NodeUnreachable',
      `${role.name} is on ${role.owner}, which does not answer; its state before the move must be known`,
    );
  }
  const vm = owner.vms.find((v) => v.id === role.vmId);
  if (vm?.state !== 'Running' || role.state !== 'Online') {
    throw stepFailure(
      'VmNotRunning',
      `${role.name} on ${role.owner} cannot be live-migrated: its role is ${role.state}, the VM ${vm?.state ?? 'not found there'}`,
    );
  }
  return { role, vm };
}

function noNode(vm: string, only: string | undefined, placement: Placement): Error {
  const why = explainBlockers(placement, only);
  return only === undefined
    ? stepFailure('NoEligibleNode', `No node can take ${vm}. ${why}`)
    : stepFailure(
        'TargetNotEligible',
        `${only} cannot take ${vm}. ${why === '' ? 'The cluster has no such node' : why}`,
      );
}
