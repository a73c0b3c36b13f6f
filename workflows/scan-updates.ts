// scanUpdates: asks every node, or those that are named, which updates of Windows it lacks. Changes nothing and locks
// nothing; a node that does not answer is part of what it tells.
import { CancellationScope, CancelledFailure, isCancellation } from '@temporalio/workflow';
import { sameName } from '../domain/names.ts';
import type { ScanUpdatesInput } from '../domain/spec.ts';
import { mergeScans, type NodeScan, type UpdateScan } from '../domain/update-scan.ts';
import { askNodes } from './ask-nodes.ts';
import { conduct, type Job } from './conduct.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { searchNode } from './update-calls.ts';

export async function scanUpdates(input: ScanUpdatesInput): Promise<UpdateScan> {
  return conduct('scanUpdates', input, scan, ({ cluster, budgets }) => ({
    lock: undefined,
    title: `Scan cluster ${cluster} for updates`,
    cluster,
    budgets,
  }));
}

/** Somebody waits for the answer at a terminal: a failure is shown to them instead of parking the run. */
async function scan(job: Job<ScanUpdatesInput>): Promise<UpdateScan> {
  try {
    return await scanNodes(job);
  } catch (err) {
    const failure = isCancellation(err) ? undefined : failureOf(err);
    throw failure === undefined ? err : stepFailure(failure.code, failure.message);
  }
}

async function scanNodes({ calls, input }: Job<ScanUpdatesInput>): Promise<UpdateScan> {
  const { cluster, nodes: named = [], query } = input;
  const { nodes, unserved } = await calls
    .onCluster({ summary: `Look at the nodes of ${cluster}` })
    .viewMembers();
  const wanted =
    named.length === 0
      ? nodes.map((node) => node.name)
      : // Written as the cluster writes them, where it knows them.
        named.map((name) => nodes.find((node) => sameName(node.name, name))?.name ?? name);
  const scans = await askNodes<NodeScan>(wanted, { nodes, unserved }, (name) =>
    searchNode(calls, name, query),
  );
  // A search under way cannot be broken off: its answer comes, and nobody wants it any more.
  if (CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('the scan was cancelled');
  return mergeScans(new Date(Date.now()).toISOString(), scans);
}
