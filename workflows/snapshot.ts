// One look at the whole cluster: what the cluster tells, and what each node tells of itself, all nodes at once. A node
// that does not answer is part of the picture, not an error.
import type { ClusterView, Snapshot } from '../domain/facts.ts';
import { includesName, sameName } from '../domain/names.ts';
import { allVms, roleOfVm, withTargets } from '../domain/snapshot.ts';
import { askNodes } from './ask-nodes.ts';
import type { Calls } from './calls.ts';
import { patched } from '@temporalio/workflow';

/**
 * A live worker takes a look within milliseconds; this bridges the restart of one, and no more: others wait for it.
 * When hundreds of runs look at once their looks queue, so each further attempt waits twice as long.
 */
const LOOK_WITHIN_SECONDS = 15;

/**
 * Of a cluster.yaml with hundreds of disks, so many nodes are asked: the disks lie on storage that all of them share.
 */
const FILES_ASKED_OF = 8;
/** A name and its answer take some 70 bytes, and all answers together have to fit into one result. */
const FILES_MANY = 50;

/**
 * What to look for on the node that is asked as the n-th, from 0: many files together would not fit into one message.
 */
export const filesToAsk = (files: string[], nth: number): string[] =>
  files.length > FILES_MANY && nth >= FILES_ASKED_OF ? [] : files;

export interface SnapshotRequest {
  /** Nodes to ask beside those that the cluster names. */
  nodes?: string[];
  /** Disk files to look for on every node; many of them, on some of the nodes. */
  files?: string[];
  /** Everything is kept in the history, so who cares for one role only says which. Absent: all roles and VMs. */
  about?: { role?: string; vm?: string };
  /** Which nodes to ask; absent: all. The others count as silent. */
  only?: (view: ClusterView) => string[];
  /** The step that looks: it waits for its turn when many runs look at once. Absent: a person waits for the answer. */
  step?: string;
  /** How often it was tried before and somebody did not answer; from 1. */
  attempt?: number;
}

export async function takeSnapshot(calls: Calls, request: SnapshotRequest = {}): Promise<Snapshot> {
  const { about, files = [], attempt = 1, step } = request;
  const call = calls.onCluster({
    summary: `Look at cluster ${calls.cluster}`,
    ...(step === undefined
      ? {}
      : {
          takeWithinSeconds: calls.patientSeconds,
          allWithinSeconds: calls.budgets.slotSeconds,
        }),
  });
  const turn = step === undefined ? {} : { turnOf: step };
  const look = (role: string | undefined) =>
    call.viewCluster({ ...(role === undefined ? {} : { about: role }), ...turn });
  const view = await look(about?.role);
  calls.heed(view.cluster);
  const names = request.only?.(view) ?? view.nodes.map((n) => n.name);
  for (const name of request.nodes ?? []) {
    if (!includesName(names, name)) names.push(name);
  }
  const vms = about === undefined ? undefined : vmsAbout(about, view);
  const answers = await askNodes(names, view, async (name, nth) => {
    const node = calls.onNode(name, {
      summary: `Look at ${name}`,
      takeWithinSeconds: Math.min(
        calls.budgets.answerSeconds,
        LOOK_WITHIN_SECONDS * 2 ** (attempt - 1),
      ),
    });
    const asked = { files: filesToAsk(files, nth), ...(vms === undefined ? {} : { vms }) };
    return { view: await node.viewNode(asked) };
  });
  const nodes = Object.fromEntries(answers);
  const hidden =
    about?.role === undefined ? undefined : namedOtherwise({ view, nodes }, about.role);
  if (hidden === undefined || !patched('find-by-vm-name')) return withTargets({ view, nodes });
  return withTargets({ view: await look(hidden), nodes });
}

/** Id of a VM of this name, when no role has that: the cluster alone cannot find the role that it may have. */
function namedOtherwise(s: Snapshot, name: string): string | undefined {
  if (roleOfVm(s, name) !== undefined) return undefined;
  return allVms(s).find(({ vm }) => sameName(vm.name, name))?.vm.id;
}

/** A role may be named differently from its VM, whose id it knows. */
function vmsAbout(about: { role?: string; vm?: string }, view: ClusterView): string[] {
  const names = [about.role, about.vm].filter((name) => name !== undefined);
  const ids = view.roles.filter((role) => includesName(names, role.name)).map((role) => role.vmId);
  return [...names, ...ids];
}
