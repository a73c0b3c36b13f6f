// maintainNode: one node of a maintenance. May it go down now; empty it; do what was asked for; see it back; resume it;
// wait until everything is quiet. A failed gate stops it before anything has been touched.
import { patched } from '@temporalio/workflow';
import { runId, sameName, stepId } from '../domain/names.ts';
import type { MaintainNodeInput, NodeAction } from '../domain/spec.ts';
import type { Boot } from '../domain/boot.ts';
import type { PastMove } from '../domain/fleet/learned.ts';
import { conduct, type Job } from './conduct.ts';
import { failureOf, stepFailure } from './failure-of.ts';
import { bringBack } from './fleet/bring-back.ts';
import { emptyNodes } from './fleet/empty-nodes.ts';
import { resumeNow, stateOf } from './fleet/pause.ts';
import { healStorage, requireWholeStorage, restDrives } from './fleet/storage.ts';
import { installPackages, installUpdates, proveBuild } from './install-updates.ts';
import { requireQuorum, restartNode } from './restart-node.ts';
import type { StepContext } from './run.ts';
import { takeSurvey } from './survey.ts';

export interface MaintainNodeResult {
  node: string;
  restarted: boolean;
  /** After updates. */
  build?: string;
  moves: PastMove[];
  /** Back to the node, where that was asked for. */
  returned?: PastMove[];
  /** VMs that a person chose to leave on the node. */
  left: string[];
  /** What was otherwise than counted on when it was emptied. */
  differs?: string[];
}

/** From "the worker answers" to "the cluster counts the node as Up". */
const READY_SECONDS = 600;
/** A script is somebody's own work, firmware perhaps: what takes longer than this hangs. */
const SCRIPT_SECONDS = 6 * 3600;

export async function maintainNode(input: MaintainNodeInput): Promise<MaintainNodeResult> {
  return conduct('maintainNode', input, maintain, ({ cluster, node, budgets, unattended }) => ({
    lock: runId.maintain(cluster, node),
    title: `Maintain ${node}`,
    cluster,
    node,
    budgets,
    brakes: true,
    unattended: unattended === true,
  }));
}

type Maintenance = Job<MaintainNodeInput>;

async function maintain(job: Maintenance): Promise<MaintainNodeResult> {
  const { run, input } = job;
  const { node, action } = input;
  const isStorageSeen = patched('storage-around-a-node');
  const { boot, services } = await run.step(
    stepOf(job, 'gate', `See whether ${node} may go down`),
    (c) => mayGoDown(job, isStorageSeen, c),
  );
  const { outlook } = input;
  const counted = outlook === undefined ? {} : { outlook };
  const emptied = await emptyNodes(job, [node], counted).catch((err: unknown) => {
    throw input.unattended === true ? asDrainFailure(err) : err;
  });
  // Nobody's storage goes away where nothing is done.
  if (action.kind !== 'none' && isStorageSeen) await restDrives(job, node);
  await act(job, action, boot);
  const brings = action.kind === 'updates' || action.kind === 'packages';
  const build = brings ? await proveBuild(job) : undefined;
  await run.step(stepOf(job, 'ready', `Wait until ${node} is ready`), async (c) => {
    const call = { summary: `Services of ${node}`, seconds: READY_SECONDS + 60 };
    const ready = await job.calls.onNode(node, call).awaitReady({
      services,
      step: stepId.node(node, 'ready'),
      features: [],
      mayBePaused: true,
      waitSeconds: READY_SECONDS,
    });
    c.evidence({ ...ready });
  });
  const isOurs = emptied.paused[node] === 'us';
  if (isOurs) {
    await run.step(stepOf(job, 'resume', `Resume ${node} in the cluster`), async (c) => {
      c.evidence({ ...(await resumeNow(job.calls, node)) });
    });
  }
  await run.step(stepOf(job, 'settle', `See that ${node} is in the cluster again`), async (c) => {
    const state = await stateOf(job.calls, node);
    c.evidence({ state });
    // Paused by others before: it is theirs to resume.
    if (state === 'Up' || (state === 'Paused' && !isOurs)) return;
    throw stepFailure('NodeNotReady', `${node} is ${state} in the cluster, not Up`);
  });
  if (isStorageSeen) await healStorage(job, node);
  const back = input.bringBack === true ? await bringBack(job, emptied.moves) : undefined;
  const { moves, left, differs } = emptied;
  return {
    ...{ node, restarted: action.kind === 'restart', moves, left },
    ...(back === undefined ? {} : { returned: back.moves }),
    ...(differs.length === 0 ? {} : { differs }),
    ...(build === undefined ? {} : { build }),
  };
}

/** So that whoever maintains the cluster can tell it from everything else that may fail. */
function asDrainFailure(err: unknown): unknown {
  const failure = failureOf(err);
  if (failure === undefined || failure.code === 'Cancelled') return err;
  return stepFailure('DrainFailed', failure.message);
}

const stepOf = ({ input }: Maintenance, deed: string, title: string) => ({
  id: stepId.node(input.node, deed),
  title,
});

/** Everybody else is there, the cluster keeps its quorum without it, and its storage is whole. */
async function mayGoDown(
  job: Maintenance,
  isStorageSeen: boolean,
  c: StepContext,
): Promise<{ boot: Boot; services: string[] }> {
  const { calls, input } = job;
  const { node } = input;
  const { cluster } = await takeSurvey(calls, { nodes: [] });
  const others = cluster.nodes.filter((n) => !sameName(n.name, node));
  const away = others.filter((n) => n.state !== 'Up').map((n) => `${n.name} is ${n.state}`);
  if (away.length > 0) {
    throw stepFailure('OthersNotUp', `${node} stays up while others are not: ${away.join(', ')}`);
  }
  c.evidence({ without: requireQuorum(cluster, node) });
  const gate = stepId.node(node, 'gate');
  if (isStorageSeen && (await requireWholeStorage(calls, node, gate))) {
    return mayGoDown(job, isStorageSeen, c);
  }
  const view = await calls.onNode(node, { summary: `Boot of ${node}` }).viewNode({ vms: [] });
  const { boot, bootTime, osVersion } = view.host;
  c.evidence({ bootTime, osVersion });
  // What it has now it must have again; a node that never had Hyper-V is not waited for in vain.
  const services = view.services.filter((s) => s.state !== 'Missing').map((s) => s.name);
  return { boot: { boot, bootTime }, services };
}

async function act(job: Maintenance, action: NodeAction, boot: Boot): Promise<void> {
  const { run, calls, input } = job;
  const { node } = input;
  if (action.kind === 'none') return;
  if (action.kind === 'updates') return installUpdates(job, action.choice);
  if (action.kind === 'packages') return installPackages(job, action.folder);
  if (action.kind === 'restart') {
    const reason = 'maintenance';
    await run.step(stepOf(job, 'restart', `Restart ${node}`), (c) =>
      restartNode(calls, { node, boot, reason }, c),
    );
    return;
  }
  if (action.kind === 'wait') {
    await run.step(stepOf(job, 'work', `Wait for a person's work on ${node}`), (c) => {
      if (c.byOperator) return Promise.resolve();
      throw stepFailure('PersonAtWork', `${node} is empty and paused: it is yours`);
    });
    return;
  }
  const { name } = action;
  await run.step(stepOf(job, 'script', `Run ${name} on ${node}`), async (c) => {
    const summary = `Run ${name} on ${node}`;
    const call = { summary, seconds: SCRIPT_SECONDS, attemptsMax: 1 };
    c.evidence({ ...(await calls.onNode(node, call).runScript({ name })) });
  });
}
