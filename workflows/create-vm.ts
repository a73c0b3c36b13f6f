// createVm: a VM on shared storage, registered as a cluster role, running. Finds what is there already; what this run
// made carries its mark in the VM's notes, so that abort takes back exactly that.
import { workflowInfo } from '@temporalio/workflow';
import type { Snapshot } from '../domain/facts.ts';
import { hasOwnerMark, runId, sameName, stepId } from '../domain/names.ts';
import { explainBlockers, placeNewVm } from '../domain/placement.ts';
import { allVms, diskUser, roleOfVm } from '../domain/snapshot.ts';
import { DEFAULT_MEMORY_RESERVE_BYTES, type CreateVmInput } from '../domain/spec.ts';
import type { Calls } from './calls.ts';
import { conduct, type Job } from './conduct.ts';
import { whereverItIs, type Whereabouts } from './follow.ts';
import type { StepContext } from './run.ts';
import { stepFailure } from './failure-of.ts';
import { takeSnapshot } from './snapshot.ts';

export interface CreateVmResult {
  vm: string;
  vmId: string;
  node: string;
  changed: boolean;
}

/** From "role asked to come online" to "VM running": the guest's own boot is not waited for. */
const START_SECONDS = 300;
/** Saving the memory of a VM to disk before it is removed. */
const SAVE_SECONDS = 600;

interface Place {
  node: string;
  /** Its role was there before this run. */
  hasRole: boolean;
}

export async function createVm(input: CreateVmInput): Promise<CreateVmResult> {
  return conduct('createVm', input, create, ({ cluster, vm: { name }, budgets }) => ({
    lock: runId.create(cluster, name),
    title: `Create VM ${name}`,
    cluster,
    vm: name,
    budgets,
  }));
}

async function create({ run, calls, input }: Job<CreateVmInput>): Promise<CreateVmResult> {
  const { name, vhd } = input.vm;
  const requestId = input.requestId ?? workflowInfo().firstExecutionRunId;
  const id = (deed: string): string => stepId.vm(name, deed);
  const steps = {
    place: { id: id('place'), title: `Choose a node for ${name}` },
    create: { id: id('create'), title: `Create ${name}` },
    register: { id: id('register'), title: `Register ${name} as a cluster role` },
    start: { id: id('start'), title: `Start ${name}` },
  };
  run.expect(Object.values(steps));
  const place = await run.step(steps.place, (c) => choose(calls, input, c));
  const at: Whereabouts = { vm: name, node: place.node };

  const made = await run.step(steps.create, async (c) => {
    c.undo(`Remove VM ${name}`, () => removeOwnVm(calls, name, requestId, at.node));
    const request = { requestId, vm: input.vm, path: folderOf(vhd) };
    const created = await whereverItIs(calls, at, (node) =>
      calls.onNode(node, { summary: `Create ${name} on ${node}` }).ensureVm(request),
    );
    const { changed, cmdlets, vm } = created;
    c.evidence({ node: at.node, changed, cmdlets, vm });
    return created;
  });
  const vmId = made.vm.id;
  at.vmId = vmId;

  const registered = await run.step(steps.register, async (c) => {
    // The role of a VM that this run made goes with the VM; a found VM keeps running without it.
    if (!place.hasRole && !hasOwnerMark(made.vm.notes, requestId)) {
      c.undo(`Remove the cluster role of ${name}`, () =>
        calls.onCluster({ summary: `Undo: remove the role of ${name}` }).removeRole({ vmId }),
      );
    }
    const { role, ...rest } = await whereverItIs(calls, at, (node) =>
      calls.onNode(node, { summary: `Register ${name}` }).ensureRole({ vmId, name }),
    );
    c.evidence({ ...rest, role: role.name, owner: role.owner });
    return rest;
  });

  const started = await run.step(steps.start, async (c) => {
    const request = { step: steps.start.id, vmId, name, waitSeconds: START_SECONDS };
    const call = { summary: `Start ${name}`, seconds: START_SECONDS + 60 };
    const { vm, ...rest } = await whereverItIs(calls, at, (node) =>
      calls.onNode(node, call).startVm(request),
    );
    c.evidence({ ...rest, state: vm.state, memoryAssignedBytes: vm.memoryAssignedBytes });
    return rest;
  });
  const changed = made.changed || registered.changed || started.changed;
  return { vm: name, vmId, node: at.node, changed };
}

/** `C:\ClusterStorage\Volume1\web-1.vhdx` -> `C:\ClusterStorage\Volume1`. */
const folderOf = (vhd: string): string => vhd.slice(0, Math.max(vhd.lastIndexOf('\\'), 0));

/** A VM that is there already stays where it is. */
async function choose(calls: Calls, input: CreateVmInput, c: StepContext): Promise<Place> {
  const snapshot = await takeSnapshot(calls, {
    files: [input.vm.vhd],
    about: { vm: input.vm.name },
    step: stepId.vm(input.vm.name, 'place'),
    attempt: c.attempt,
  });
  const existing = locate(snapshot, input.vm.name);
  if (existing !== undefined) {
    c.evidence({ node: existing.node, why: `${input.vm.name} is there already` });
    return existing;
  }
  const user = diskUser(snapshot, input.vm.vhd);
  if (user !== undefined) {
    throw stepFailure(
      'DiskInUse',
      `${input.vm.vhd} is the disk of ${user.vm.name}, which is ${user.vm.state} on ${user.node}`,
    );
  }
  const only = c.target ?? input.vm.node;
  const placement = placeNewVm(snapshot, input.vm, {
    memoryReserveBytes: input.memoryReserveBytes ?? DEFAULT_MEMORY_RESERVE_BYTES,
    ...(only === null ? {} : { only }),
  });
  c.evidence({ target: placement.target, ranking: placement.ranking });
  if (placement.target === null) {
    const seen = explainBlockers(placement, only ?? undefined);
    const said =
      only === null
        ? `No node can hold VM ${input.vm.name}`
        : `VM ${input.vm.name} is to be on ${only}, which cannot hold it`;
    throw stepFailure('NoEligibleNode', `${said}. ${seen}`);
  }
  return { node: placement.target, hasRole: false };
}

function locate(snapshot: Snapshot, name: string): Place | undefined {
  const role = roleOfVm(snapshot, name);
  if (role !== undefined) return { node: role.owner, hasRole: true };
  const found = allVms(snapshot).filter((p) => sameName(p.vm.name, name));
  const [first, second] = found;
  if (second !== undefined) {
    throw stepFailure(
      'AmbiguousVm',
      `${found.length} VMs are named ${name}: on ${found.map((p) => p.node).join(', ')}`,
    );
  }
  return first === undefined ? undefined : { node: first.node, hasRole: false };
}

/** Takes back what a run with this mark made, wherever the VM is now. Nothing when it made nothing. */
export async function removeOwnVm(
  calls: Calls,
  name: string,
  requestId: string,
  madeOn: string | undefined,
): Promise<unknown> {
  const snapshot = await takeSnapshot(calls, { about: { vm: name } });
  const node = locate(snapshot, name)?.node ?? madeOn;
  if (node === undefined) return { changed: false };
  return calls
    .onNode(node, { summary: `Undo: remove VM ${name}`, seconds: SAVE_SECONDS + 60 })
    .removeOwnVm({ requestId, name, waitSeconds: SAVE_SECONDS });
}
