// inspectCluster: one look at the cluster and its nodes, for `plan` and `show`. Changes nothing and locks nothing.
import { isCancellation } from '@temporalio/workflow';
import type { Snapshot } from '../domain/facts.ts';
import { roleOfVm } from '../domain/snapshot.ts';
import type { InspectClusterInput } from '../domain/spec.ts';
import { conduct, type Job } from './conduct.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { takeSnapshot, type SnapshotRequest } from './snapshot.ts';

export async function inspectCluster(input: InspectClusterInput): Promise<Snapshot> {
  return conduct('inspectCluster', input, inspect, ({ cluster, budgets }) => ({
    lock: undefined,
    title: `Look at cluster ${cluster}`,
    cluster,
    budgets,
  }));
}

/** Somebody waits for the answer at a terminal: a failure is shown to them instead of parking the run. */
async function inspect({ calls, input }: Job<InspectClusterInput>): Promise<Snapshot> {
  try {
    const { about, ...request } = input;
    return fitting(await takeSnapshot(calls, { ...request, ...lookAbout(about) }));
  } catch (err) {
    const failure = isCancellation(err) ? undefined : failureOf(err);
    throw failure === undefined ? err : stepFailure(failure.code, failure.message);
  }
}

/** The nodes are asked only where the cluster alone does not find the VM: its role may have another name. */
const lookAbout = (name: string | undefined): SnapshotRequest =>
  name === undefined
    ? {}
    : {
        about: { role: name },
        only: (view) =>
          roleOfVm({ view, nodes: {} }, name) === undefined ? view.nodes.map((n) => n.name) : [],
      };

/** Temporal takes at most 2 MB as one result. In bytes: in other scripts than Latin a character is up to three. */
const SNAPSHOT_BYTES_MAX = 1_500_000;

/** Without this the run would try to end again and again, and whoever asked would only see that nothing comes. */
function fitting(snapshot: Snapshot): Snapshot {
  const size = new TextEncoder().encode(JSON.stringify(snapshot)).length;
  if (size <= SNAPSHOT_BYTES_MAX) return snapshot;
  const { cluster, roles, nodes } = snapshot.view;
  throw stepFailure(
    'BadRequest',
    `Cluster ${cluster.name}, with ${roles.length} VM roles on ${nodes.length} nodes, is too ` +
      `large to be looked at in one piece: ${Math.round(size / 1000)} KB, of at most ` +
      `${SNAPSHOT_BYTES_MAX / 1000} KB`,
  );
}
