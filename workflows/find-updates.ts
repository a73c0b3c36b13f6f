// Before the first node of a maintenance goes down: what each node lacks, and that all of it is downloaded. So the plan
// is on record before anything is touched, and no node stands empty while it waits for a slow line.
import { stepId } from '../domain/names.ts';
import type { MaintainClusterInput } from '../domain/spec.ts';
import { findingsOf, mergeScans, type NodeFinding } from '../domain/update-scan.ts';
import {
  kbText,
  leftOutTexts,
  notInstalled,
  type Selection,
  type UpdateChoice,
} from '../domain/updates.ts';
import { sizeText } from '../domain/units.ts';
import { all } from './all.ts';
import type { Job } from './conduct.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { updateFailure } from './install-updates.ts';
import { named, runUpdateJob, searchNode } from './update-calls.ts';

type Maintenance = Job<MaintainClusterInput>;
type Found = Extract<NodeFinding, Selection>;

/** @returns the nodes that lack something or owe a restart, in their order. */
export async function findUpdates(
  job: Maintenance,
  nodes: readonly string[],
  choice: UpdateChoice,
): Promise<string[]> {
  const step = { id: stepId.cluster('updates'), title: 'See which updates the nodes lack' };
  const found = await job.run.step(step, async (c) => {
    const findings = await searchAll(job, nodes, choice);
    c.evidence({
      updates: inWords(findings),
      nodes: Object.fromEntries(findings.map(nodeInWords)),
    });
    return findings;
  });
  const lacking = found.filter(({ chosen }) => chosen.length > 0);
  await all(lacking.map((one) => download(job, one, choice)));
  return found
    .filter(({ chosen, restartNeeded }) => chosen.length > 0 || restartNeeded)
    .map(({ node }) => node);
}

/** All of them, or nobody knows what the night would bring. */
async function searchAll(
  { calls }: Maintenance,
  nodes: readonly string[],
  choice: UpdateChoice,
): Promise<Found[]> {
  const scans = await all(
    nodes.map(async (node) => [node, await searchNode(calls, node, choice.query)] as const),
  );
  const takenAt = new Date(Date.now()).toISOString();
  return findingsOf(mergeScans(takenAt, scans), choice).filter((one) => 'chosen' in one);
}

/** Each once, with what matters to whoever decides about it. */
function inWords(findings: readonly Found[]): string[] {
  const chosen = new Map(findings.flatMap((one) => one.chosen).map((one) => [one.id, one]));
  return [...chosen.values()].map(
    (one) =>
      `${kbText(one)}: ${one.title}, ${sizeText(one.bytes)}, restart ${RESTART_WORDS[one.restart]}`,
  );
}

const RESTART_WORDS = { never: 'never', always: 'expected', maybe: 'possible' } as const;

const nodeInWords = ({ node, build, restartNeeded, chosen, leftOut }: Found): [string, object] => [
  node,
  { build, restartNeeded, missing: chosen.map(kbText), leftOut: leftOutTexts(leftOut) },
];

/** One that cannot be had now is tried again when its node is empty. */
async function download(job: Maintenance, found: Found, choice: UpdateChoice): Promise<void> {
  const { run, calls, input } = job;
  const { node, chosen } = found;
  const step = {
    id: stepId.node(node, 'download'),
    title: `Download the updates of ${node}`,
    skippable: true,
  };
  try {
    await run.step(step, async (c) => {
      const updates = chosen.filter((update) => !update.downloaded);
      if (updates.length === 0) return;
      const done = await runUpdateJob(calls, node, 'download', updates, choice, step.id);
      c.evidence({ updates: updates.map(kbText) });
      if (done.state === 'cut-off')
        throw stepFailure(
          'UpdateJobLost',
          `${node} restarted while it downloaded ${named(updates)}`,
        );
      const failure = updateFailure(node, 'download', updates, notInstalled(done));
      if (failure !== undefined) throw failure;
    });
  } catch (err) {
    // Where nobody is asked, the node itself may fail with it, within what may fail.
    const isOver = failureOf(err) === undefined || failureOf(err)?.code === 'Cancelled';
    if (isOver || (input.maxFailed ?? 0) === 0) throw err;
  }
}
